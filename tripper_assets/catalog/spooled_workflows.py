"""Workflows whose tracking survives a catalog that is down: kept in the spool, and written in order when it answers again."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.models import EventRow
from tripper_assets.catalog.spool import Line, Page, Spool
from tripper_assets.catalog.spool_lines import as_call, as_line
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TransientError
from tripper_assets.domain.workflows import StageStatus, WorkflowError, WorkflowFile, WorkflowStatus

REPLAYED = "replayed"
CALLS = ("set_status", "stage_started", "stage_progress", "stage_ended", "add_file", "add_error")
"""What a line may stand for."""


class SpooledWorkflows(Workflows):
    """Workflows whose steps can be tracked while the catalog is down; what needs an answer, or a decision, still fails then."""

    def __init__(self, database: Database, spool: Spool) -> None:
        super().__init__(database)
        self._spool = spool
        self._whole = database

    def set_status(
        self, workflow_id: str, status: WorkflowStatus, reason: str = "", *, at: datetime | None = None
    ) -> None:
        """Bring the workflow to a state, now or when the catalog answers again."""
        self._write("set_status", workflow_id, status=status, reason=reason, at=at)

    def stage_started(self, workflow_id: str, asset: str, at: datetime, *, run_id: str = "") -> None:
        """Note a stage's begin."""
        self._write("stage_started", workflow_id, asset=asset, at=at, run_id=run_id)

    def stage_progress(self, workflow_id: str, asset: str, counts: Mapping[str, Any], share: float = 0.0) -> None:
        """Note how far a stage is."""
        self._write("stage_progress", workflow_id, asset=asset, counts=dict(counts), share=share)

    def stage_ended(
        self, workflow_id: str, asset: str, status: StageStatus, at: datetime, counts: Mapping[str, Any]
    ) -> None:
        """Note a stage's end."""
        self._write("stage_ended", workflow_id, asset=asset, status=status, at=at, counts=dict(counts))

    def add_file(self, workflow_id: str, file: WorkflowFile) -> None:
        """Note a stored object."""
        self._write("add_file", workflow_id, file=file)

    def add_error(self, workflow_id: str, error: WorkflowError) -> None:
        """Note a failure."""
        self._write("add_error", workflow_id, error=error)

    def replay(self, workflow_id: str) -> None:
        """Write what waits for the workflow, in order, in one transaction and once.

        Raises:
            TransientError: the catalog does not answer yet; all of it waits on.
        """
        self._spool.empty(workflow_id, lambda page: self._replay(workflow_id, page))

    def _write(self, call: str, workflow_id: str, **given: Any) -> None:  # noqa: ANN401 (the arguments of many methods)
        if not self._spool.outage.goes_on and self._written(call, workflow_id, given):
            return
        self._spool.add(workflow_id, as_line(call, given))

    def _written(self, call: str, workflow_id: str, given: dict[str, Any]) -> bool:
        """Write after what waits, and never before it: the end of a stage would come before its start."""
        try:
            self.replay(workflow_id)
            getattr(Workflows, call)(self, workflow_id, **given)
        except TransientError:
            self._spool.outage.begin()
            return False
        return True

    def _replay(self, workflow_id: str, page: Page) -> Sequence[Line]:
        refused: list[Line] = []
        with self._whole.session() as session:
            # Some were written by one that was killed before it could forget them; what came after them waits on.
            waiting = page.lines[_written_before(session, workflow_id, page) :]
            bound = Workflows(_Within(session))
            for line in waiting:
                refused += self._write_line(session, bound, workflow_id, line)
            if len(refused) < len(waiting):
                told = {"spool": page.id, "lines": len(page.lines), "refused": len(refused)}
                bound.event(workflow_id, REPLAYED, told)
        return refused

    def _write_line(self, session: Session, workflows: Workflows, workflow_id: str, line: Line) -> list[Line]:
        """Write one line; return it with the reason where the catalog refuses it for good, nothing else."""
        known = {name: partial(getattr(workflows, name), workflow_id) for name in CALLS}
        try:
            call = as_call(line, known)
            with self._whole.verdicts(), session.begin_nested():
                call()
        except ConfigurationError:
            raise  # `tripper db upgrade` mends it, and then nothing is refused
        except PermanentError as error:
            return [line | {"refused": str(error)}]
        return []


def _written_before(session: Session, workflow_id: str, page: Page) -> int:
    """Return how many of a stretch's first lines the catalog holds already."""
    told = EventRow.payload
    counts = select(func.max(told["lines"].as_integer())).where(
        EventRow.workflow_id == workflow_id, EventRow.kind == REPLAYED, told["spool"].astext == page.id
    )
    return session.scalar(counts) or 0


class _Within:
    """A transaction that is under way, as the place where others come from."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @contextmanager
    def session(self) -> Generator[Session]:
        yield self._session
        self._session.flush()
