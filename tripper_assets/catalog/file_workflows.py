"""Workflows in files of the home, one for each, where TRIPPER_DATABASE_URL is none; nothing is decided or imported there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tripper_assets.catalog.decisions import Decision, DecisionWord
from tripper_assets.catalog.file_tables import JsonFile
from tripper_assets.catalog.spooled_workflows import SpooledWorkflows
from tripper_assets.catalog.without_database import NEEDED, NoDatabase, NoSpool
from tripper_assets.catalog.workflows import SHORTEST_PREFIX
from tripper_assets.domain.errors import ConfigurationError, NotFoundError, PermanentError
from tripper_assets.domain.model import SourceKey
from tripper_assets.domain.sources import Location
from tripper_assets.domain.workflow_changes import (
    with_error,
    with_file,
    with_stage_ended,
    with_stage_progress,
    with_stage_started,
    with_status,
)
from tripper_assets.domain.workflows import (
    ImportSummary,
    StageStatus,
    Workflow,
    WorkflowError,
    WorkflowFile,
    WorkflowStatus,
)


class FileWorkflows(SpooledWorkflows):
    """The workflows of one home. Every write can be repeated, as those of a catalog can."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        super().__init__(NoDatabase(), NoSpool())
        self.folder = folder
        self.clock = clock

    def start(self, workflow: Workflow, location: Location | None = None) -> None:
        """Write a workflow; a known one goes on in the state that ``workflow`` names.

        Raises:
            PermanentError: it is known as another source's, or may not go to that state.
        """
        del location  # the registry has it
        with self._file(workflow.id).changed() as held:
            known = Workflow.model_validate(held) if held else workflow
            if known.source_key != workflow.source_key:
                raise PermanentError(f"The workflow {workflow.id} belongs to {known.source_key}; start a new one.")
            at = workflow.started_at or self.clock()
            now = with_status(known, workflow.status, workflow.reason, at) if held else known
            held.update(now.model_dump(mode="json"))

    def set_status(
        self, workflow_id: str, status: WorkflowStatus, reason: str = "", *, at: datetime | None = None
    ) -> None:
        """Bring the workflow to a state; ``at`` is when, now where it is None."""
        self._change(workflow_id, partial(with_status, status=status, reason=reason, at=at or self.clock()))

    def stage_started(self, workflow_id: str, asset: str, at: datetime, *, run_id: str = "") -> None:
        """Note a stage's begin."""
        self._change(workflow_id, partial(with_stage_started, asset=asset, at=at, run_id=run_id))

    def stage_progress(self, workflow_id: str, asset: str, counts: Mapping[str, Any], share: float = 0.0) -> None:
        """Note how far a stage is."""
        self._change(workflow_id, partial(with_stage_progress, asset=asset, counts=counts, share=share))

    def stage_ended(
        self, workflow_id: str, asset: str, status: StageStatus, at: datetime, counts: Mapping[str, Any]
    ) -> None:
        """Note a stage's end."""
        self._change(workflow_id, partial(with_stage_ended, asset=asset, status=status, at=at, counts=counts))

    def add_file(self, workflow_id: str, file: WorkflowFile) -> None:
        """Note a stored object."""
        self._change(workflow_id, partial(with_file, file=file))

    def add_error(self, workflow_id: str, error: WorkflowError) -> None:
        """Note a failure."""
        self._change(workflow_id, partial(with_error, error=error))

    def mark_deleted(self, workflow_id: str, uris: Sequence[str], at: datetime) -> None:
        """Note that clean-up removed objects."""

        def change(workflow: Workflow) -> Workflow:
            gone = [
                one.model_copy(update={"deleted_at": one.deleted_at or at}) if one.uri in uris else one
                for one in workflow.files
            ]
            return workflow.model_copy(update={"files": gone})

        self._change(workflow_id, change)

    def set_import_summary(self, workflow_id: str, summary: ImportSummary, activities_processed: int) -> None:
        """Refuse: nothing is imported."""
        del workflow_id, summary, activities_processed
        raise ConfigurationError(f"An import needs {NEEDED}.")

    def replay(self, workflow_id: str) -> None:
        """Have nothing to write: nothing waits."""

    def get(self, workflow_id: str) -> Workflow | None:
        """Return the workflow with that id, or the only one whose id begins so (four characters at least); None where there is none.

        Raises:
            PermanentError: several ids begin so.
        """
        exact = self._file(workflow_id).read()
        if exact or len(workflow_id) < SHORTEST_PREFIX:
            return Workflow.model_validate(exact) if exact else None
        found = [one for one in self._all() if one.id.startswith(workflow_id)]
        if len(found) > 1:
            names = ", ".join(one.id for one in found[:3])
            raise PermanentError(
                f"{workflow_id} is the beginning of several workflows ({names}); give more characters."
            )
        return found[0] if found else None

    def list(
        self, source_key: SourceKey | None = None, status: WorkflowStatus | None = None, limit: int = 50
    ) -> "list[Workflow]":
        """Return workflows, the newest first."""
        found = [one for one in self._all() if source_key in (None, one.source_key) and status in (None, one.status)]
        return found[:limit]

    def event(self, workflow_id: str, kind: str, payload: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Keep no event: the workflow's own file is all that is told."""

    def events(self, workflow_id: str) -> "list[tuple[str, dict[str, Any], datetime]]":
        """Return none."""
        del workflow_id
        return []

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
        """Refuse: a decision is kept with the rows that it lets in."""
        del workflow_id, bundle_sha256, decision, by, at, overrides, reason
        raise ConfigurationError(f"A decision or an import needs {NEEDED}.")

    def decision_for(self, bundle_sha256: str, source_key: SourceKey) -> Decision | None:
        """Return none."""
        del bundle_sha256, source_key

    def newer_bundle(self, workflow_id: str, *, since: datetime | None = None) -> str | None:
        """Return the newest workflow of the same source that was created later and has a bundle, None where there is none."""
        del since
        own = self.get(workflow_id)
        later = (
            [one for one in self.list(own.source_key, limit=1_000) if one.created_at > own.created_at] if own else []
        )
        return next((one.id for one in later if any(file.asset == "final_jsonl" for file in one.files)), None)

    def imported_bundle(self, source_key: SourceKey) -> str | None:
        """Return none."""
        del source_key

    def _change(self, workflow_id: str, change: Callable[[Workflow], Workflow]) -> None:
        with self._file(workflow_id).changed() as held:
            if not held:
                raise NotFoundError(f"There is no workflow {workflow_id}; `tripper status` lists those that there are.")
            held.update(change(Workflow.model_validate(held)).model_dump(mode="json"))

    def _all(self) -> "list[Workflow]":
        found = [Workflow.model_validate(JsonFile(path).read()) for path in self.folder.glob("*.json")]
        return sorted(sorted(found, key=lambda one: one.id), key=lambda one: one.created_at, reverse=True)

    def _file(self, workflow_id: str) -> JsonFile:
        return JsonFile(self.folder / f"{quote(workflow_id, safe='')}.json")
