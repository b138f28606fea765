"""Which workflows' files retention may remove: those that ended and nobody keeps, a page at a time, and each again just before it happens."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Select, exists, func, select, tuple_, update
from sqlalchemy.orm import Session

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.models import EventRow, FileRow, WorkflowRow
from tripper_assets.catalog.storable import storable_text
from tripper_assets.catalog.workflows import CHILDREN, as_workflow
from tripper_assets.domain.errors import NotFoundError
from tripper_assets.domain.model import SourceKey
from tripper_assets.domain.retention import Expired
from tripper_assets.domain.workflows import Workflow, WorkflowStatus

AT_ONCE = 200
"""Workflows of one page: some 1,200 objects, one request of S3 or two, and one transaction."""


class Retention:
    """What retention reads and writes in one catalog."""

    def __init__(self, database: Database, *, at_once: int = AT_ONCE) -> None:
        self._database = database
        self._at_once = at_once

    def with_files(
        self, status: WorkflowStatus, assets: Sequence[str], *, source_key: SourceKey | None = None
    ) -> Iterator[list[Workflow]]:
        """Yield the workflows in a state that nobody keeps and that have files of these assets, the oldest first, in pages."""
        row, stored = WorkflowRow, FileRow
        has_files = exists().where(
            stored.workflow_id == row.id, stored.deleted_at.is_(None), stored.asset == func.any(list(assets))
        )
        wanted = select(row).where(row.status == status, row.kept_at.is_(None), has_files)
        if source_key is not None:
            wanted = wanted.where(row.source_key == source_key)
        wanted, place = wanted.order_by(row.created_at, row.id).limit(self._at_once), tuple_(row.created_at, row.id)
        page = self._read(wanted)
        while page:
            yield page
            page = self._read(wanted.where(place > tuple_(page[-1].created_at, page[-1].id)))

    def retire(
        self, expired: Sequence[Expired], *, at: datetime, remove: Callable[[list[Expired]], object]
    ) -> list[Expired]:
        """Remove files with ``remove`` and note that, in one transaction; return what went.

        A workflow that somebody retried or keeps since is left alone; one that is retried meanwhile waits, and is refused with the date.
        A process that is killed in between leaves rows of files that are gone, which the next clean-up notes.
        """
        by_id = {one.workflow.id: one for one in expired}
        with self._database.session() as session:
            locked = select(WorkflowRow).where(WorkflowRow.id.in_(by_id)).order_by(WorkflowRow.id).with_for_update()
            going = [
                by_id[row.id]
                for row in session.scalars(locked)
                if row.kept_at is None and row.status == by_id[row.id].workflow.status
            ]
            remove(going)
            for one in going:
                _note(session, one, at)
        return going

    def keep(self, workflow_id: str, *, by: str, at: datetime, reason: str = "") -> None:
        """Keep a workflow's files from every retention until they are released; one that is kept stays so.

        Raises:
            NotFoundError: there is no such workflow.
        """
        self._set_kept(workflow_id, at, "kept", {"by": by, "reason": reason}, at)

    def release(self, workflow_id: str, *, by: str, at: datetime) -> None:
        """Let retention have a workflow's files again; one that nobody keeps stays so.

        Raises:
            NotFoundError: there is no such workflow.
        """
        self._set_kept(workflow_id, None, "released", {"by": by}, at)

    def _set_kept(
        self, workflow_id: str, kept_at: datetime | None, kind: str, told: dict[str, str], at: datetime
    ) -> None:
        with self._database.session() as session:
            row = session.get(WorkflowRow, workflow_id, with_for_update=True)
            if row is None:
                raise NotFoundError(f"There is no workflow {workflow_id}; `tripper status` lists those that there are.")
            if (row.kept_at is None) != (kept_at is None):
                row.kept_at = kept_at
                payload = {name: storable_text(value) for name, value in told.items()}
                session.add(EventRow(workflow_id=workflow_id, kind=kind, payload=payload, at=at))

    def _read(self, wanted: Select[WorkflowRow]) -> list[Workflow]:
        with self._database.session() as session:
            return [as_workflow(row) for row in session.scalars(wanted.options(*CHILDREN))]


def _note(session: Session, one: Expired, at: datetime) -> None:
    uris = sorted(file.uri for file in one.files)
    mine = update(FileRow).where(
        FileRow.workflow_id == one.workflow.id, FileRow.uri.in_(uris), FileRow.deleted_at.is_(None)
    )
    session.execute(mine.values(deleted_at=at))
    session.add(EventRow(workflow_id=one.workflow.id, kind="files_deleted", payload={"uris": uris}, at=at))
