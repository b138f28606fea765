"""How steps write down what they do: the workflow's row, its stages, files and errors, written by the steps themselves."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster._core.events import JobFailureData
from dagster_shared.error import SerializableErrorInfo

from tripper_assets.domain.errors import NotFoundError, PermanentError, TripperError
from tripper_assets.domain.model import Problem, count_by_code
from tripper_assets.domain.sources import Source, parse_config
from tripper_assets.domain.workflows import FINAL, Workflow, WorkflowError, WorkflowStatus
from tripper_assets.failures import is_last_attempt, verdict
from tripper_assets.partitions import TRIGGER_TAG, workflow_id
from tripper_assets.previews import plain_markdown
from tripper_assets.resources import Catalog, Clock

SHOWN_PROBLEMS = 20
PARTITION_TAG = "dagster/partition"
INTERRUPTS = (KeyboardInterrupt, dg.DagsterExecutionInterruptedError)
FAILURES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
UNKNOWN_FAILURE = "The run failed before a step could say why; its log in the Dagster UI does."


@dataclass
class Stage:
    """One asset's work in one workflow: its source with the workflow's configuration, and what it counts."""

    asset: str
    source: Source
    workflow_id: str
    counts: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    skipped: str = ""
    """Why the asset yields nothing; empty where it yields."""

    def metadata(self) -> dict[str, Any]:
        """Return what the materialization shows: every count, problems by code and the first of them in words."""
        shown: dict[str, Any] = {
            name: value for name, value in self.counts.items() if isinstance(value, (int, float, str))
        }
        shown |= {name: dg.MetadataValue.json(value) for name, value in self.counts.items() if isinstance(value, dict)}
        shown["workflow_id"] = self.workflow_id
        shown["source_url"] = dg.MetadataValue.url(self.source.url)
        if self.problems:
            shown["problems_by_code"] = dg.MetadataValue.json(count_by_code(self.problems))
            shown["first_problems"] = dg.MetadataValue.md(_as_list(self.problems))
        return shown


def _as_list(problems: list[Problem]) -> str:
    lines = [
        f"* `{one.code}` {plain_markdown(one.subject)}: {plain_markdown(one.message)}"
        for one in problems[:SHOWN_PROBLEMS]
    ]
    more = len(problems) - len(lines)
    return "\n".join(lines + ([f"* and {more} more"] if more > 0 else []))


@contextmanager
def stage(context: dg.AssetExecutionContext, catalog: Catalog, clock: Clock) -> Generator[Stage]:
    """Run one asset's work as a stage of its workflow: started, then completed, skipped or failed, with its counts.

    An error of the project becomes Dagster's verdict (a retry or a failure with one sentence); any other error goes through as it is.
    """
    asset = context.asset_key.path[-1]
    try:
        work = _open_stage(context, catalog, clock, asset)
    except TripperError as error:
        raise verdict(error, context.retry_number) from error
    try:
        yield work
        _record_end(catalog, clock, work)
    except GeneratorExit:
        raise
    except BaseException as error:
        last = not isinstance(error, TripperError) or is_last_attempt(error, context.retry_number)
        _record_failure(catalog, clock, work, error, last=last)
        if isinstance(error, TripperError):
            raise verdict(error, context.retry_number) from error
        raise


def _record_end(catalog: Catalog, clock: Clock, work: Stage) -> None:
    work.counts["problems"] = len(work.problems)
    if work.problems:
        work.counts["problems_by_code"] = count_by_code(work.problems)
    status = "skipped" if work.skipped else "completed"
    catalog.workflows.stage_ended(work.workflow_id, work.asset, status, clock(), work.counts)


def _open_stage(context: dg.AssetExecutionContext, catalog: Catalog, clock: Clock, asset: str) -> Stage:
    identifier, key = workflow_id(context.run), context.partition_key
    source = catalog.sources.get(key)
    if source is None:
        raise NotFoundError(
            f"Materializing {asset} needs the source {key}, which is not in the registry; add it with `tripper sources add URL`."
        )
    found = catalog.workflows.get(identifier)
    workflow = found or _new_workflow(context, catalog, clock, source)
    if workflow.source_key != key:
        raise PermanentError(
            f"The workflow {identifier} belongs to {workflow.source_key} and not to {key}; launch the run with another {key} workflow."
        )
    if workflow.status in FINAL | {"queued", "waiting", "review"}:
        catalog.workflows.set_status(identifier, "running")
    catalog.workflows.stage_started(identifier, asset, clock())
    config = parse_config(workflow.config, subject=f"workflow {identifier}")
    return Stage(asset, source.model_copy(update={"config": config}), identifier)


def _new_workflow(context: dg.AssetExecutionContext, catalog: Catalog, clock: Clock, source: Source) -> Workflow:
    location = catalog.sources.get_location(source.location_id) if source.location_id else None
    workflow = Workflow(
        id=workflow_id(context.run),
        source_key=source.key,
        source_url=source.url,
        status="running",
        config=source.config.model_dump(mode="json"),
        location_id=source.location_id,
        trigger=context.run.tags.get(TRIGGER_TAG, "ui"),
        created_at=clock(),
        started_at=clock(),
    )
    catalog.workflows.start(workflow, location)
    return workflow


def _record_failure(catalog: Catalog, clock: Clock, work: Stage, error: BaseException, *, last: bool) -> None:
    kind, message = type(error).__name__, _sentence(error)
    status: WorkflowStatus = "canceled" if isinstance(error, INTERRUPTS) else "failed"
    try:
        catalog.workflows.add_error(
            work.workflow_id, WorkflowError(stage=work.asset, kind=kind, message=message, at=clock())
        )
        catalog.workflows.stage_ended(work.workflow_id, work.asset, "failed", clock(), work.counts)
        found = catalog.workflows.get(work.workflow_id) if last else None
        if found is not None and found.status not in FINAL:
            catalog.workflows.set_status(work.workflow_id, status, f"{work.asset}: {message}")
    except TripperError as second:
        # The catalog itself is what failed: the run's own error says so, and the reconciliation writes the row later.
        error.add_note(f"Recording this in the catalog failed too: {second}")


def _sentence(error: BaseException) -> str:
    """Return what an error says in one line; one that is not the project's own says what it is, too."""
    if isinstance(error, INTERRUPTS):
        return "The run was interrupted; run the source again, and it goes on from what was stored."
    said = str(error).strip().split("\n", 1)[0]
    return said if isinstance(error, TripperError) and said else f"{type(error).__name__}: {said}".removesuffix(": ")


def reconcile(run: dg.DagsterRun, catalog: Catalog, instance: dg.DagsterInstance | None = None) -> None:
    """Bring a workflow in line with its ended run; rows that its steps wrote already stay, so that asking twice changes nothing.

    ``instance`` holds the run's log, which says why it failed.
    """
    workflow = catalog.workflows.get(workflow_id(run))
    # A run of another source that named this workflow was refused by its steps, and says nothing about it.
    if workflow is None or run.tags.get(PARTITION_TAG, workflow.source_key) != workflow.source_key:
        return
    ended = _after(run, workflow, instance)
    if ended is not None:
        catalog.workflows.set_status(workflow.id, *ended)


def _after(
    run: dg.DagsterRun, workflow: Workflow, instance: dg.DagsterInstance | None
) -> tuple[WorkflowStatus, str] | None:
    """Return the state that the end of ``run`` makes, None where it makes none."""
    if run.status is dg.DagsterRunStatus.SUCCESS and workflow.status == "running":
        return _after_success(workflow)
    if workflow.status not in ("queued", "running"):
        return None
    if run.status is dg.DagsterRunStatus.CANCELED:
        return "canceled", "The run was canceled."
    if run.status is dg.DagsterRunStatus.FAILURE:
        return "failed", failure_sentence(instance, run.run_id)
    return None


def _after_success(workflow: Workflow) -> tuple[WorkflowStatus, str]:
    waits = any(file.asset == "final_jsonl" for file in workflow.files) and workflow.import_summary is None
    reason = f"Has a final JSONL that is not imported; `tripper import {workflow.id}` imports it."
    return ("review", reason) if waits else ("completed", "")


def failure_sentence(instance: dg.DagsterInstance | None, run_id: str) -> str:
    """Return why a run failed, as its log says it: the first failed step's own sentence, or the run's where no step began."""
    logged = instance.all_logs(run_id, of_type=FAILURES) if instance else []
    return next(filter(None, map(_failure, logged)), UNKNOWN_FAILURE)


def _failure(entry: dg.EventLogEntry) -> str:
    event = entry.dagster_event
    if event is None:
        return ""
    if event.is_step_failure:
        data = event.step_failure_data
        said = data.user_failure_data.description if data.user_failure_data else ""
        return f"{event.step_key}: {said or _first_line(data.error)}"
    # A run that ended from outside has a message and no error.
    data = event.event_specific_data
    return (_first_line(data.error) if isinstance(data, JobFailureData) else "") or (event.message or "")


def _first_line(error: SerializableErrorInfo | None) -> str:
    """Return the first line of what began it: Dagster wraps an error in its own."""
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip().split("\n", 1)[0] if error else ""
