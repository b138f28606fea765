"""What providers work on, and who waits for it: one row for each batch of each workflow."""

from datetime import datetime

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.models import BatchRow, WorkflowRow
from tripper_assets.domain.batches import NEVER_AWAITED, OPEN, Batch, BatchStatus

OVER = ("completed", "failed", "canceled")
"""How workflows end, which wait for nothing then."""


class Batches:
    """The batches of one catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submitted(self, batch: Batch) -> None:
        """Note a batch; the same one again keeps its first time and deadline, so that a rerun waits no longer.

        Raises:
            TransientError: the catalog does not answer.
        """
        statement = insert(BatchRow).values(batch.model_dump(mode="python"))
        with self._database.session() as session:
            session.execute(statement.on_conflict_do_nothing())

    def checked(self, batch: Batch, status: BatchStatus, at: datetime) -> None:
        """Note what its provider said of a batch; one that has ended stays as it ended."""
        own = [getattr(BatchRow, name) == getattr(batch, name) for name in ("workflow_id", "asset", "provider")]
        asked = update(BatchRow).where(*own, BatchRow.batch_id == batch.batch_id, BatchRow.status.in_(OPEN))
        values = {"status": status, "checked_at": at, "ended_at": None if status in OPEN else at}
        with self._database.session() as session:
            session.execute(asked.values(values))

    def of_workflow(self, workflow_id: str) -> list[Batch]:
        """Return the batches of a workflow, the oldest first."""
        return self._read(select(BatchRow).where(BatchRow.workflow_id == workflow_id).order_by(BatchRow.submitted_at))

    def is_shared(self, batch: Batch) -> bool:
        """Return whether another workflow waits for the same batch: equal texts make equal batches."""
        others = (
            select(BatchRow.workflow_id)
            .join(WorkflowRow, WorkflowRow.id == BatchRow.workflow_id)
            .where(BatchRow.provider == batch.provider, BatchRow.batch_id == batch.batch_id, BatchRow.status.in_(OPEN))
            .where(BatchRow.workflow_id != batch.workflow_id, WorkflowRow.status.not_in(OVER))
        )
        with self._database.session() as session:
            return session.scalar(others.limit(1)) is not None

    def of_canceled(self) -> list[Batch]:
        """Return the pending batches of workflows that were canceled."""
        statement = select(BatchRow).join(WorkflowRow, WorkflowRow.id == BatchRow.workflow_id)
        return self._read(statement.where(WorkflowRow.status == "canceled", BatchRow.status.in_(OPEN)))

    def awaited(self, limit: int, *, after: str = "") -> list[Batch]:
        """Return every batch of the workflows that wait, of at most ``limit`` workflows behind the one that ``after`` names, in order."""
        waiting = (
            select(BatchRow.workflow_id)
            .join(WorkflowRow, WorkflowRow.id == BatchRow.workflow_id)
            .where(WorkflowRow.status == "waiting", BatchRow.workflow_id > after, BatchRow.asset != NEVER_AWAITED)
            .distinct()
            .order_by(BatchRow.workflow_id)
            .limit(limit)
        )
        statement = select(BatchRow).where(BatchRow.workflow_id.in_(waiting), BatchRow.asset != NEVER_AWAITED)
        return self._read(statement.order_by(BatchRow.workflow_id, BatchRow.submitted_at))

    def _read(self, statement: Select[BatchRow]) -> list[Batch]:
        with self._database.session() as session:
            return [_batch(row) for row in session.scalars(statement)]


def _batch(row: BatchRow) -> Batch:
    return Batch.model_validate({name: getattr(row, name) for name in Batch.model_fields})
