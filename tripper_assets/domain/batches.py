"""Work that a provider does over hours: what was submitted, and in which state it is."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, Self

from tripper_assets.domain.model import ActivityId, Model

BatchStatus = Literal["pending", "completed", "failed", "expired", "canceled"]

PATIENCE = timedelta(hours=26)
"""How long a batch may take: providers promise 24 hours, and expire what is not done then."""


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


class Batch(Model):
    """A submitted batch as the catalog keeps it, one row for each workflow that waits for it."""

    workflow_id: str
    asset: str
    """The asset that submitted it."""
    provider: str
    batch_id: str
    model: str = ""
    requested: int = 0
    status: BatchStatus = "pending"
    submitted_at: datetime
    deadline_at: datetime
    """After which nobody waits for it any more."""
    checked_at: datetime | None = None
    """When the provider was asked last; None before the first time."""
    ended_at: datetime | None = None

    @classmethod
    def awaited(cls, submitted: SubmittedBatch, *, workflow_id: str, asset: str, at: datetime) -> Self:
        """Return the row of a batch that a workflow waits for from ``at`` on."""
        return cls(
            workflow_id=workflow_id,
            asset=asset,
            provider=submitted.provider,
            batch_id=submitted.batch_id,
            model=submitted.model,
            requested=submitted.requested,
            submitted_at=at,
            deadline_at=at + PATIENCE,
        )

    def is_over(self, now: datetime) -> bool:
        """Return whether nobody waits for it: it ended, or its deadline has passed."""
        return self.status != "pending" or now >= self.deadline_at


def collectable(batches: Iterable[Batch], *, now: datetime) -> list[str]:
    """Return the workflows, sorted, of which every batch is over."""
    waits: dict[str, bool] = {}
    for batch in batches:
        waits[batch.workflow_id] = waits.get(batch.workflow_id, False) or not batch.is_over(now)
    return sorted(workflow for workflow, waiting in waits.items() if not waiting)
