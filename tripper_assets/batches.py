"""Looking after batches that providers work on: asking how they are, and stopping those that nobody waits for any more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tripper_assets.clients.embeddings import EmbeddingProvider
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.batches import NEVER_AWAITED, OPEN, Batch, BatchStatus
from tripper_assets.domain.errors import TripperError
from tripper_assets.resources import Catalog, Clock, embedding_provider
from tripper_assets.settings import Settings
from tripper_assets.voters import Reach, Taggers

ASKED_OF_VOTERS = "tag_batches"
"""The asset whose batches are questions to voters; all but these and those to refiners are texts that are embedded."""


class Worker(Protocol):
    """Somebody who works on batches."""

    def poll(self, batch_id: str) -> BatchStatus:
        """Return the state of a batch."""
        ...

    def cancel(self, batch_id: str) -> None:
        """Stop a batch that nobody needs any more."""
        ...


@dataclass
class Workers:
    """Who works on the batches of workflows, as the settings are now."""

    embeddings: EmbeddingProvider
    taggers: Taggers
    reach: Reach
    _voters: dict[tuple[str, str, str], Worker | None] = field(
        default_factory=dict[tuple[str, str, str], "Worker | None"]
    )
    """Opened once: a client of an SDK takes a tenth of a second."""

    def of(self, batch: Batch) -> Worker | None:
        """Return who works on a batch, None where that is nobody of today's settings."""
        if batch.asset in (ASKED_OF_VOTERS, NEVER_AWAITED):
            return self._of_model(batch)
        return self.embeddings if batch.provider == self.embeddings.name else None

    def _of_model(self, batch: Batch) -> Worker | None:
        name = (batch.asset, batch.provider, batch.model)
        if name not in self._voters:
            opens = self.taggers.named if batch.asset == ASKED_OF_VOTERS else self.taggers.refiner_named
            self._voters[name] = opens(batch.provider, batch.model, self.reach)
        return self._voters[name]


def workers(settings: Settings, objects: Objects, catalog: Catalog, clock: Clock) -> Workers:
    """Return who works on batches.

    Raises:
        ConfigurationError: as ``embedding_provider``.
    """
    embeddings = embedding_provider(settings, objects, catalog, clock)
    return Workers(embeddings, Taggers(settings), Reach(catalog, objects, clock))


def check_batches(
    catalog: Catalog,
    workers: Workers,
    batches: Sequence[Batch],
    at: datetime,
    *,
    goes_on: Callable[[], bool] = lambda: True,
) -> tuple[list[Batch], list[str]]:
    """Ask how the open ones of ``batches`` are; return all as they are then, and one sentence for each that could not be asked.

    ``batches`` are ordered by workflow; where ``goes_on`` says no, the workflows that follow are left for another time.

    Raises:
        TransientError: the catalog does not answer.
    """
    found: list[Batch] = []
    troubles: list[str] = []
    for batch in batches:
        if found and found[-1].workflow_id != batch.workflow_id and not goes_on():
            break
        status = batch.status
        worker = workers.of(batch) if status in OPEN else None
        if worker is not None:
            try:
                status = worker.poll(batch.batch_id)
            except TripperError as error:  # one provider that is down keeps no other workflow waiting
                troubles.append(f"{batch.batch_id}: {error}")
            else:
                catalog.batches.checked(batch, status, at)
        found.append(batch.model_copy(update={"status": status}))
    return found, troubles


def cancel_batches(catalog: Catalog, workers: Workers, workflow_id: str, at: datetime) -> int:
    """Stop the pending batches of a workflow, and return how many; one that another workflow waits for too goes on for that one.

    Raises:
        TransientError: the provider or the catalog does not answer; asked again, it goes on with the rest.
    """
    pending = [one for one in catalog.batches.of_workflow(workflow_id) if one.status in OPEN]
    for batch in pending:
        worker = workers.of(batch)
        if worker is not None and not catalog.batches.is_shared(batch):
            worker.cancel(batch.batch_id)
        catalog.batches.checked(batch, "canceled", at)
    return len(pending)
