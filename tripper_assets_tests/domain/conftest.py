"""What the domain's tests share: no deadline for one example, for two cores may be shared by many."""

from hypothesis import settings

settings.register_profile("tripper", deadline=None)
settings.load_profile("tripper")
