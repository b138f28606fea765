"""What the domain's tests share: fewer examples than Hypothesis makes by itself, and no deadline for one of them on a busy machine."""

from hypothesis import settings

settings.register_profile("tripper", deadline=None, max_examples=60)
if settings.get_current_profile_name() == "default":
    settings.load_profile("tripper")
