"""Looking after batches that providers work on: asking how they are, and stopping those that nobody waits for any more."""

from collections.abc import Callable, Sequence
from datetime import datetime

from tripper_assets.clients.embeddings import EmbeddingProvider
from tripper_assets.domain.batches import OPEN, Batch
from tripper_assets.domain.errors import TripperError
from tripper_assets.resources import Catalog


def check_batches(
    catalog: Catalog,
    provider: EmbeddingProvider,
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
        if status in OPEN and batch.provider == provider.name:
            try:
                status = provider.poll(batch.batch_id)
            except TripperError as error:  # one provider that is down keeps no other workflow waiting
                troubles.append(f"{batch.batch_id}: {error}")
            else:
                catalog.batches.checked(batch, status, at)
        found.append(batch.model_copy(update={"status": status}))
    return found, troubles


def cancel_batches(catalog: Catalog, provider: EmbeddingProvider, workflow_id: str, at: datetime) -> int:
    """Stop the pending batches of a workflow, and return how many; one that another workflow waits for too goes on for that one.

    Raises:
        TransientError: the provider or the catalog does not answer; asked again, it goes on with the rest.
    """
    pending = [one for one in catalog.batches.of_workflow(workflow_id) if one.status in OPEN]
    for batch in pending:
        if batch.provider == provider.name and not catalog.batches.is_shared(batch):
            provider.cancel(batch.batch_id)
        catalog.batches.checked(batch, "canceled", at)
    return len(pending)
