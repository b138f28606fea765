"""How a workflow changes as its steps go on, as values: the same law that the catalog's rows follow."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.workflows import (
    FINAL,
    StageStatus,
    Workflow,
    WorkflowError,
    WorkflowFile,
    WorkflowStage,
    WorkflowStatus,
    may_become,
)


def with_status(workflow: Workflow, status: WorkflowStatus, reason: str, at: datetime) -> Workflow:
    """Return the workflow in another state.

    Raises:
        PermanentError: it may not go there.
    """
    if not may_become(workflow.status, status):
        raise PermanentError(
            f"The workflow {workflow.id} is {workflow.status} and cannot become {status}; run its source again."
        )
    if (workflow.status, workflow.reason) == (status, reason):
        return workflow
    started = workflow.started_at or (at if status != "queued" else None)
    # A clock that was set back ends nothing before it began.
    completed = max(filter(None, (at, started))) if status in FINAL else None
    return workflow.model_copy(
        update={"status": status, "reason": reason, "started_at": started, "completed_at": completed}
    )


def with_stage_started(workflow: Workflow, asset: str, at: datetime, run_id: str) -> Workflow:
    """Return the workflow with a stage that begins, anew where it ran before; a second attempt within a run keeps its progress."""
    before = _stage(workflow, asset)
    progress = before.progress if before and before.run_id == run_id else 0.0
    return _with_stage(
        workflow, WorkflowStage(asset=asset, status="running", started_at=at, progress=progress, run_id=run_id)
    )


def with_stage_progress(workflow: Workflow, asset: str, counts: Mapping[str, Any], share: float) -> Workflow:
    """Return the workflow with a stage that is further on; a smaller share than before leaves the progress."""
    before = _stage(workflow, asset)
    if before is None:
        return workflow
    progress = max(before.progress, min(max(share, 0.0), 1.0))
    return _with_stage(workflow, before.model_copy(update={"counts": dict(counts), "progress": progress}))


def with_stage_ended(
    workflow: Workflow, asset: str, status: StageStatus, at: datetime, counts: Mapping[str, Any]
) -> Workflow:
    """Return the workflow with a stage that has ended; one whose start was never written counts as started at its end."""
    before = _stage(workflow, asset) or WorkflowStage(asset=asset, status=status, started_at=at)
    done = {} if status == "failed" else {"progress": 1.0}
    ended = {"status": status, "ended_at": max(before.started_at, at), "counts": dict(counts)}
    return _with_stage(workflow, before.model_copy(update=ended | done))


def with_file(workflow: Workflow, file: WorkflowFile) -> Workflow:
    """Return the workflow with a stored object; the same object again changes nothing, unless it was removed meanwhile."""
    there = next((one for one in workflow.files if one.uri == file.uri), None)
    if there is not None and there.deleted_at is None:
        return workflow
    return workflow.model_copy(update={"files": [one for one in workflow.files if one.uri != file.uri] + [file]})


def with_error(workflow: Workflow, error: WorkflowError) -> Workflow:
    """Return the workflow with a failure; the same one again changes nothing."""
    same = error in workflow.errors
    return workflow if same else workflow.model_copy(update={"errors": [*workflow.errors, error]})


def _stage(workflow: Workflow, asset: str) -> WorkflowStage | None:
    return next((one for one in workflow.stages if one.asset == asset), None)


def _with_stage(workflow: Workflow, stage: WorkflowStage) -> Workflow:
    stages = [*(one for one in workflow.stages if one.asset != stage.asset), stage]
    return workflow.model_copy(update={"stages": sorted(stages, key=lambda one: (one.started_at, one.asset))})
