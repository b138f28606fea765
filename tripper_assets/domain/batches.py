"""Work that a provider does over hours: what was submitted, and in which state it is."""

from typing import Literal

from tripper_assets.domain.model import ActivityId, Model

BatchStatus = Literal["pending", "completed", "failed", "expired", "canceled"]


class SubmittedBatch(Model):
    """The durable handle of an embedding batch: enough to find the work again and to put each vector on its activity."""

    ids_sha256: str
    model: str
    dimensions: int
    ids: tuple[ActivityId, ...]
    text_sha256: tuple[str, ...]
    """The hash of each activity's text; runs parallel to ids."""
    provider: str
    batch_id: str = ""
    """Empty where the cache held every text, and nothing was submitted."""
    requested: int = 0
    """How many distinct texts were submitted."""
    reused: int = 0
    """How many distinct texts the cache held."""
