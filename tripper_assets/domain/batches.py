"""Work that a provider does over hours: what was submitted, in which state it is, and what to do next."""

from datetime import datetime, timedelta
from typing import Literal

from tripper_assets.domain.model import ActivityId, Model

BatchStatus = Literal["pending", "completed", "failed", "expired", "canceled"]
TERMINAL: frozenset[BatchStatus] = frozenset({"completed", "failed", "expired", "canceled"})
NextStep = Literal["collect", "wait", "give_up"]

PATIENCE = timedelta(hours=26)
"""A provider promises 24 hours; two more for its own clock."""


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


def next_step(
    status: BatchStatus, *, submitted_at: datetime, now: datetime, patience: timedelta = PATIENCE
) -> NextStep:
    """Return what to do with a batch: collect what it has, wait, or give up on one that is past its deadline or ended badly."""
    if status == "completed":
        return "collect"
    if status in TERMINAL:
        return "give_up"
    return "wait" if now - submitted_at < patience else "give_up"
