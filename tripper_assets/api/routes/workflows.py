"""Workflows: start one, list them, look at one, see what it changes, retry, cancel and decide."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from tripper_assets.api.actions import (
    approve_only,
    cancel_workflow,
    decide,
    retry_workflow,
    start_workflow,
    workflow_of,
)
from tripper_assets.api.context import ApiContext, Context
from tripper_assets.api.problems import InputRefusedError
from tripper_assets.api.replies import problems
from tripper_assets.api.security import SignedIn
from tripper_assets.catalog.decisions import Decision, Sha256
from tripper_assets.catalog.workflow_reading import WorkflowFilter, WorkflowPage, read_workflows
from tripper_assets.domain.diff import ActivityDiff, diff_records
from tripper_assets.domain.errors import ConflictError
from tripper_assets.domain.model import Model
from tripper_assets.domain.workflows import Workflow, WorkflowStatus
from tripper_assets.downloads import read_file

router = APIRouter(prefix="/v1/workflows", tags=["workflows"])
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$"
WorkflowId = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Cursor = Annotated[str, Query(max_length=500, description="The `next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200)]
CONFIG = "Fields of a source's configuration (max_pages, auto_import, …) that differ; docs/operations.md lists them."


class NewWorkflow(Model):
    """What is to be read."""

    url: Url = Field(
        description="The source: a URL, or the key of a registered one.", examples=["https://example.org/events"]
    )
    config: dict[str, Any] = Field(default={}, description=CONFIG, examples=[{"max_pages": 50}])
    location_id: str | None = Field(default=None, max_length=63, description="The location that a new source serves.")


class StartedWorkflow(Model):
    """The workflow that was queued."""

    workflowId: str = Field(examples=["5f1d7a52-6c0e-4d8f-9a53-0f8f0b5f1a77"])  # noqa: N815 (the consumers' own name)


class NewDecision(Model):
    """What a person decided, and on which bundle."""

    decision: Literal["approved", "rejected"]
    bundle_sha256: Sha256 = Field(description="Of the bundle that was looked at; 409 where it is another one now.")
    overrides: list[Annotated[str, StringConstraints(max_length=100)]] = Field(
        default=[], max_length=50, description="Failed checks that the person lets pass, by name."
    )
    only: Annotated[list[UUID], Field(min_length=1, max_length=10_000)] | None = Field(
        default=None,
        description="The activities that an approval publishes; all others of the bundle are rejected one by one, for the reason.",
    )
    reason: str = Field(default="", max_length=2_000, description="Why; a rejection needs one, and so does `only`.")
    by: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        default="api", description="Who decided, for those who read the history."
    )


@router.post(
    "", status_code=202, summary="Start a workflow", responses=problems(404, 409, 413)
)  # fmt: skip
def start(wanted: NewWorkflow, context: Context, _person: SignedIn) -> StartedWorkflow:
    """Queue a workflow of a source; a URL that is new is registered first. Its state is at GET /v1/workflows/{workflowId} at once."""
    workflow = start_workflow(context, wanted.url, wanted.config, location_id=wanted.location_id)
    return StartedWorkflow(workflowId=workflow.id)


@router.get("", summary="List workflows, the newest first", responses=problems())
def list_workflows(
    context: Context,
    _person: SignedIn,
    *,
    status: Annotated[list[WorkflowStatus] | None, Query(description="One or several.")] = None,
    source: Annotated[str | None, Query(max_length=300, description="A source key.")] = None,
    location: Annotated[str | None, Query(max_length=63)] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> WorkflowPage:
    """Return a page of workflows with their stages; `next` is the cursor of the page after it."""
    where = WorkflowFilter(status=tuple(status or ()), source_key=source, location_id=location)
    return read_workflows(context.database, where, after=cursor, limit=limit)


@router.get("/{workflow_id}", summary="Look at a workflow", responses=problems(404))
def get(workflow_id: WorkflowId, context: Context, _person: SignedIn) -> Workflow:
    """Return a workflow with its configuration, stages, files and errors."""
    return workflow_of(context, workflow_id)


@router.get("/{workflow_id}/diff", summary="What a workflow changes", responses=problems(404, 409, 410))
def diff(
    workflow_id: WorkflowId,
    context: Context,
    _person: SignedIn,
    against: Annotated[WorkflowId | None, Query(description="Compare with this workflow's final JSONL.")] = None,
) -> ActivityDiff:
    """Return what the bundle adds, changes field by field, and removes: against the import before it, or another workflow."""
    found = workflow_of(context, workflow_id)
    if against is None:
        return read_file(context.store, found, "activity_diff", ActivityDiff)
    other = workflow_of(context, against)
    if other.source_key != found.source_key:
        raise ConflictError(f"The workflow {other.id} belongs to another source; compare two workflows of one source.")
    before, after = (read_file(context.store, one, "final_jsonl", list[dict[str, Any]]) for one in (other, found))
    return diff_records(before, after, before_name=other.id, after_name=found.id)


@router.post("/{workflow_id}/retry", status_code=202, summary="Retry a workflow", responses=problems(404, 409, 410))
def retry(workflow_id: WorkflowId, context: Context, _person: SignedIn) -> Workflow:
    """Let a failed or canceled workflow go on: what it stored is used, and what it lacks is done."""
    return retry_workflow(context, workflow_of(context, workflow_id))


@router.post("/{workflow_id}/cancel", status_code=202, summary="Cancel a workflow", responses=problems(404, 409))
def cancel(workflow_id: WorkflowId, context: Context, _person: SignedIn) -> Workflow:
    """Ask a workflow to end; one whose run is under way is `canceled` as soon as that has stopped."""
    return cancel_workflow(context, workflow_of(context, workflow_id))


@router.post("/{workflow_id}/decision", summary="Approve or reject a bundle", responses=problems(404, 409, 410, 413))
def decision(workflow_id: WorkflowId, wanted: NewDecision, context: Context, _person: SignedIn) -> Decision:
    """Decide on the bundle that was looked at, and return the decision that counts; an approved one is imported within a minute."""
    if wanted.only is not None:
        return _approve_only(workflow_of(context, workflow_id), wanted, wanted.only, context)
    return decide(
        context,
        workflow_of(context, workflow_id),
        wanted.decision,
        wanted.bundle_sha256,
        by=wanted.by,
        overrides=wanted.overrides,
        reason=wanted.reason,
    )


def _approve_only(workflow: Workflow, wanted: NewDecision, only: list[UUID], context: ApiContext) -> Decision:
    if wanted.decision != "approved":
        raise InputRefusedError("`only` goes with an approval; a rejection is of the whole bundle.")
    return approve_only(
        context,
        workflow,
        wanted.bundle_sha256,
        [str(one) for one in only],
        by=wanted.by,
        overrides=wanted.overrides,
        reason=wanted.reason,
    )
