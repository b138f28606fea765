"""The journeys of sources through the graph: their rows, stages, files, errors and events, written by the steps themselves."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol, get_args

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, selectinload

from tripper_assets.catalog.decisions import (
    Decision,
    DecisionWord,
    check_newest,
    decide,
    decision_for,
    imported_bundle,
    newer_bundle,
)
from tripper_assets.catalog.models import ErrorRow, EventRow, FileRow, SourceRow, StageRow, WorkflowRow
from tripper_assets.catalog.sources import put_location
from tripper_assets.catalog.storable import storable, storable_text
from tripper_assets.domain.errors import NotFoundError, PermanentError
from tripper_assets.domain.model import SourceKey
from tripper_assets.domain.sources import Location
from tripper_assets.domain.workflows import (
    FINAL,
    ImportSummary,
    StageStatus,
    Workflow,
    WorkflowError,
    WorkflowFile,
    WorkflowStage,
    WorkflowStatus,
    may_become,
)

CHILDREN = (selectinload(WorkflowRow.stages), selectinload(WorkflowRow.files), selectinload(WorkflowRow.errors))
SHORTEST_PREFIX = 4


class Sessions(Protocol):
    """Where transactions come from: a database, or one that is under way already."""

    def session(self) -> AbstractContextManager[Session]:
        """Return a session whose transaction ends with it."""
        ...


class Workflows:
    """The workflows of one catalog. Every write can be repeated: a step that is run again leaves the same rows."""

    def __init__(self, database: Sessions) -> None:
        self._database = database

    def start(self, workflow: Workflow, location: Location | None = None) -> None:
        """Write a workflow and its location in one transaction; a known workflow goes on in the state that ``workflow`` names.

        Raises:
            NotFoundError: its source is not in the registry.
            PermanentError: it is known as another source's, or may not go to that state.
        """
        with self._database.session() as session:
            _check_sources(session, [workflow])
            if location is not None:
                put_location(session, location)
            _start(session, [workflow])

    def start_all(self, workflows: Sequence[Workflow]) -> None:
        """Write many workflows in one transaction, as ``start`` writes one; all of them or none.

        Raises:
            NotFoundError: a source is not in the registry.
            PermanentError: one is known as another source's, or may not go to its state.
        """
        with self._database.session() as session:
            _check_sources(session, workflows)
            _start(session, workflows)

    def set_status(
        self, workflow_id: str, status: WorkflowStatus, reason: str = "", *, at: datetime | None = None
    ) -> None:
        """Bring the workflow to a state; ``at`` is when, the database's clock where it is None.

        Raises:
            NotFoundError: there is no such workflow.
            PermanentError: it may not go from its state to that one.
        """
        with self._database.session() as session:
            _change_status(session, _locked(session, workflow_id), status, reason, at)

    def stage_started(self, workflow_id: str, asset: str, at: datetime, *, run_id: str = "") -> None:
        """Note that an asset's work began, anew where it ran before; a second attempt within a run keeps its progress."""
        values: dict[str, Any] = {
            "status": "running", "started_at": at, "ended_at": None, "counts": {}, "run_id": run_id
        }  # fmt: skip
        statement = insert(StageRow).values(workflow_id=workflow_id, asset=asset, **values)
        progress = case((StageRow.run_id == run_id, StageRow.progress), else_=0)
        with self._database.session() as session:
            _locked(session, workflow_id)
            session.execute(
                statement.on_conflict_do_update(
                    index_elements=["workflow_id", "asset"], set_={**values, "progress": progress}
                )
            )
            _add_event(session, workflow_id, "stage_started", {"asset": asset}, at)

    def stage_ended(
        self, workflow_id: str, asset: str, status: StageStatus, at: datetime, counts: Mapping[str, Any]
    ) -> None:
        """Note how an asset's work ended; one whose start was never written counts as started at its end."""
        told: dict[str, Any] = storable(dict(counts))
        done = {} if status == "failed" else {"progress": 1}
        statement = insert(StageRow).values(
            workflow_id=workflow_id, asset=asset, status=status, started_at=at, ended_at=at, counts=told, **done
        )
        changes = {"status": status, "ended_at": func.greatest(StageRow.started_at, at), "counts": told, **done}
        with self._database.session() as session:
            _locked(session, workflow_id)
            session.execute(statement.on_conflict_do_update(index_elements=["workflow_id", "asset"], set_=changes))
            _add_event(session, workflow_id, f"stage_{status}", {"asset": asset, "counts": told}, at)

    def stage_progress(self, workflow_id: str, asset: str, counts: Mapping[str, Any], share: float = 0.0) -> None:
        """Note how far an asset's work is, ``share`` of 1; a smaller share than before changes nothing, as work may turn out to be more.

        There is no event, for it happens often and the stage's end says all of it.
        """
        told: dict[str, Any] = storable(dict(counts))
        going = update(StageRow).where(StageRow.workflow_id == workflow_id, StageRow.asset == asset)
        progress = func.greatest(StageRow.progress, min(max(share, 0.0), 1.0))
        with self._database.session() as session:
            session.execute(going.values(counts=told, progress=progress))

    def add_file(self, workflow_id: str, file: WorkflowFile) -> None:
        """Note an object that a stage stored; the same object again changes nothing, unless it was removed meanwhile."""
        values = file.model_dump(mode="python")
        statement = insert(FileRow).values(workflow_id=workflow_id, **values)
        back = statement.on_conflict_do_update(
            index_elements=["workflow_id", "uri"],
            set_={"deleted_at": file.deleted_at, "created_at": file.created_at, "run_id": file.run_id},
            where=FileRow.deleted_at.is_not(None),
        )
        with self._database.session() as session:
            _locked(session, workflow_id)
            session.execute(back)

    def mark_deleted(self, workflow_id: str, uris: Sequence[str], at: datetime) -> None:
        """Note that clean-up removed objects; their rows stay."""
        gone = update(FileRow).where(
            FileRow.workflow_id == workflow_id, FileRow.uri.in_(uris), FileRow.deleted_at.is_(None)
        )
        with self._database.session() as session:
            removed = list(session.scalars(gone.values(deleted_at=at).returning(FileRow.uri)))
            if removed:
                _add_event(session, workflow_id, "files_deleted", {"uris": sorted(removed)}, at)

    def add_error(self, workflow_id: str, error: WorkflowError) -> None:
        """Note a failure; the same one again changes nothing."""
        values: dict[str, Any] = storable(error.model_dump(mode="python"))
        same = [getattr(ErrorRow, name) == value for name, value in values.items()]
        with self._database.session() as session:
            _locked(session, workflow_id)
            if session.scalar(select(ErrorRow.id).where(ErrorRow.workflow_id == workflow_id, *same)) is None:
                session.add(ErrorRow(workflow_id=workflow_id, **values))
                told = {"stage": error.stage, "kind": error.kind, "message": values["message"]}
                _add_event(session, workflow_id, "error", told, error.at)

    def set_import_summary(self, workflow_id: str, summary: ImportSummary, activities_processed: int) -> None:
        """Note what the workflow's import did."""
        told: dict[str, Any] = storable(summary.model_dump(mode="json"))
        with self._database.session() as session:
            row = _locked(session, workflow_id)
            if (row.import_summary, row.activities_processed) == (told, activities_processed):
                return
            row.import_summary, row.activities_processed = told, activities_processed
            counts = {name: value for name, value in told.items() if name != "rejections"}
            _add_event(session, workflow_id, "imported", counts, None)

    def get(self, workflow_id: str) -> Workflow | None:
        """Return the workflow with that id, or the only one whose id begins so (four characters at least); None where there is none.

        Raises:
            PermanentError: several ids begin so.
        """
        exact = self._read(WorkflowRow.id == workflow_id)
        if exact or len(workflow_id) < SHORTEST_PREFIX:
            return exact[0] if exact else None
        found = self._read(WorkflowRow.id.startswith(workflow_id, autoescape=True), limit=3)
        if len(found) > 1:
            names = ", ".join(one.id for one in found)
            raise PermanentError(
                f"{workflow_id} is the beginning of several workflows ({names}); give more characters."
            )
        return found[0] if found else None

    def list(
        self, source_key: SourceKey | None = None, status: WorkflowStatus | None = None, limit: int = 50
    ) -> list[Workflow]:
        """Return workflows, the newest first."""
        conditions: list[ColumnElement[bool]] = []
        if source_key is not None:
            conditions.append(WorkflowRow.source_key == source_key)
        if status is not None:
            conditions.append(WorkflowRow.status == status)
        return self._read(*conditions, limit=limit)

    def event(self, workflow_id: str, kind: str, payload: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Add an event; it can never be changed or removed."""
        with self._database.session() as session:
            _locked(session, workflow_id)
            _add_event(session, workflow_id, kind, dict(payload), at)

    def events(self, workflow_id: str) -> "list[tuple[str, dict[str, Any], datetime]]":
        """Return kind, payload and time of every event of a workflow, oldest first."""
        statement = select(EventRow).where(EventRow.workflow_id == workflow_id).order_by(EventRow.id)
        with self._database.session() as session:
            return [(row.kind, row.payload, row.at) for row in session.scalars(statement)]

    def decide(
        self,
        workflow_id: str,
        bundle_sha256: str,
        decision: DecisionWord,
        by: str,
        at: datetime,
        overrides: Iterable[str] = (),
        reason: str = "",
    ) -> Decision:
        """Write down what a person decided on a bundle, and return the decision that counts now.

        The same decision again, by whomever, changes nothing; another one takes its place until the bundle is imported.

        Raises:
            NotFoundError: there is no such workflow.
            PermanentError: the bundle was imported already and cannot be rejected any more.
        """
        wanted = Decision(
            workflow_id=workflow_id,
            bundle_sha256=bundle_sha256,
            decision=decision,
            by=by,
            at=at,
            overrides=tuple(sorted(set(overrides))),
            reason=reason,
        )
        with self._database.session() as session:
            return _write_decision(session, wanted)

    def approve_newest(
        self,
        workflow_id: str,
        bundle_sha256: str,
        *,
        by: str,
        at: datetime,
        overrides: Iterable[str] = (),
        reason: str = "",
    ) -> Decision:
        """Approve a bundle as ``decide`` does, where it is the source's newest.

        Raises:
            NotFoundError: there is no such workflow.
            PermanentError: a newer workflow of the source has a bundle; nothing is decided.
        """
        wanted = Decision(
            workflow_id=workflow_id,
            bundle_sha256=bundle_sha256,
            decision="approved",
            by=by,
            at=at,
            overrides=tuple(sorted(set(overrides))),
            reason=reason,
        )
        with self._database.session() as session:
            check_newest(session, workflow_id, _locked(session, workflow_id).source_key)
            return _write_decision(session, wanted)

    def decision_for(self, bundle_sha256: str, source_key: SourceKey) -> Decision | None:
        """Return the decision that counts for a source's bundle, None where nobody decided."""
        with self._database.session() as session:
            return decision_for(session, bundle_sha256, source_key)

    def newer_bundle(self, workflow_id: str, *, since: datetime | None = None) -> str | None:
        """Return the newest workflow of the same source that was created later and has a bundle, None where there is none.

        ``since`` leaves out bundles that were stored before: a person who decided later knew of them.
        """
        with self._database.session() as session:
            return newer_bundle(session, workflow_id, since=since)

    def imported_bundle(self, source_key: SourceKey) -> str | None:
        """Return the SHA-256 of the final JSONL that the source's rows are from, None before its first import."""
        with self._database.session() as session:
            return imported_bundle(session, source_key)

    def _read(self, *conditions: ColumnElement[bool], limit: int = 1) -> "list[Workflow]":
        newest = (WorkflowRow.created_at.desc(), WorkflowRow.id)
        statement = select(WorkflowRow).where(*conditions).order_by(*newest).limit(limit).options(*CHILDREN)
        with self._database.session() as session:
            return [as_workflow(row) for row in session.scalars(statement)]


def _check_sources(session: Session, workflows: Sequence[Workflow]) -> None:
    keys = {one.source_key for one in workflows}
    known = set(session.scalars(select(SourceRow.key).where(SourceRow.key.in_(keys))))
    for one in workflows:
        if one.source_key not in known:
            raise NotFoundError(
                f"Starting the workflow {one.id} needs the source {one.source_key}, which is not in the "
                "registry; add it with `tripper sources add URL`."
            )


def _start(session: Session, workflows: Sequence[Workflow]) -> None:
    """Insert the workflows that there are not, and bring the others to the states that these name."""
    new = _inserted(session, workflows)
    for one in workflows:
        if one.id in new:
            new.remove(one.id)
            _add_event(session, one.id, "started", {"status": one.status}, one.created_at)
            continue
        known = _locked(session, one.id)
        if known.source_key != one.source_key:
            raise PermanentError(f"The workflow {one.id} belongs to {known.source_key}; start a new one.")
        _change_status(session, known, one.status, one.reason, one.started_at)


def _inserted(session: Session, workflows: Sequence[Workflow]) -> set[str]:
    """Insert the rows that there are not, in one order for all, and return the ids of those that were inserted."""
    firsts = {one.id: one for one in reversed(workflows)}
    rows = [_values(firsts[name]) for name in sorted(firsts)]
    statement = insert(WorkflowRow).on_conflict_do_nothing().returning(WorkflowRow.id)
    return set(session.scalars(statement, rows)) if rows else set()


def _values(workflow: Workflow) -> dict[str, Any]:
    values = workflow.model_dump(mode="python", exclude={"stages", "files", "errors", "import_summary"})
    summary = workflow.import_summary.model_dump(mode="json") if workflow.import_summary else None
    return {**storable(values), "import_summary": summary}


def _locked(session: Session, workflow_id: str) -> WorkflowRow:
    row = session.scalar(select(WorkflowRow).where(WorkflowRow.id == workflow_id).with_for_update())
    if row is None:
        raise NotFoundError(f"There is no workflow {workflow_id}; `tripper status` lists those that there are.")
    return row


def _change_status(
    session: Session, row: WorkflowRow, status: WorkflowStatus, reason: str, at: datetime | None
) -> None:
    before = _status(row.status)
    if not may_become(before, status):
        raise PermanentError(f"The workflow {row.id} is {before} and cannot become {status}; run its source again.")
    reason = storable_text(reason)
    if (before, row.reason) == (status, reason):
        return
    moment = at or session.scalar(select(func.now()))
    if status != "queued" and row.started_at is None:
        row.started_at = moment
    # A clock that was set back ends nothing before it began.
    row.completed_at = max(filter(None, (moment, row.started_at))) if status in FINAL else None
    row.status, row.reason = status, reason
    _add_event(session, row.id, "status", {"from": before, "to": status, "reason": reason}, at)


def _write_decision(session: Session, wanted: Decision) -> Decision:
    source_key = _locked(session, wanted.workflow_id).source_key
    counts_now, is_new = decide(session, wanted, source_key=source_key)
    if is_new:
        told = counts_now.model_dump(mode="json", exclude={"workflow_id", "at"})
        _add_event(session, wanted.workflow_id, wanted.decision, told, wanted.at)
    return counts_now


def _status(value: str) -> WorkflowStatus:
    return next(status for status in get_args(WorkflowStatus) if status == value)


def _add_event(session: Session, workflow_id: str, kind: str, payload: dict[str, Any], at: datetime | None) -> None:
    times = {} if at is None else {"at": at}
    session.add(EventRow(workflow_id=workflow_id, kind=kind, payload=storable(payload), **times))


def as_workflow(row: WorkflowRow) -> Workflow:
    """Return a row, with its stages, files and errors, as the domain knows it."""
    children = {"stages": WorkflowStage, "files": WorkflowFile, "errors": WorkflowError}
    fields = {name: getattr(row, name) for name in Workflow.model_fields if name not in children}
    for name, model in children.items():
        fields[name] = [{one: getattr(child, one) for one in model.model_fields} for child in getattr(row, name)]
    return Workflow.model_validate(fields)
