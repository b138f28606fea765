"""What the run storage knows and the catalog does not: how a run ended whose steps could not say it, and why."""

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster_shared.error import SerializableErrorInfo

from tripper_assets.domain.workflows import Workflow, WorkflowStatus
from tripper_assets.partitions import PARTITION_TAG, WORKFLOW_TAG, workflow_id
from tripper_assets.resources import Catalog, utc_now

FAILURES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
ASKED_TO_END = {dg.DagsterEventType.RUN_CANCELING, dg.DagsterEventType.RUN_CANCELED}
INTERRUPTS = (KeyboardInterrupt, dg.DagsterExecutionInterruptedError)
UNKNOWN_FAILURE = "The run failed before a step could say why; its log in the Dagster UI does."
FROM_OUTSIDE = "from outside the execution context"
"""What Dagster says of a run whose process ended without a word."""
HOW_IT_GOES_ON = "run the source again, and it goes on from what was stored."
KILLED = f"The process of the run was killed; {HOW_IT_GOES_ON}"
CANCELED = f"The run was canceled; {HOW_IT_GOES_ON}"
INTERRUPTED = f"The run was interrupted; {HOW_IT_GOES_ON}"


def runs_of(instance: dg.DagsterInstance, identifier: str) -> list[dg.DagsterRun]:
    """Return the runs of a workflow, the newest first: those that name it, the one that it is named after, and its re-executions."""
    tagged = [
        run
        for tag in (WORKFLOW_TAG, "dagster/root_run_id")
        for run in instance.get_runs(dg.RunsFilter(tags={tag: identifier}))
    ]
    first = instance.get_run_by_id(identifier)
    found = {run.run_id: run for run in [*tagged, *([first] if first else [])] if workflow_id(run) == identifier}
    records = instance.get_run_records(dg.RunsFilter(run_ids=list(found))) if found else []
    return [record.dagster_run for record in sorted(records, key=lambda one: one.create_timestamp, reverse=True)]


def reconcile(run: dg.DagsterRun, catalog: Catalog, instance: dg.DagsterInstance) -> None:
    """Bring a workflow in line with its ended run; rows that its steps wrote already stay, so that asking twice changes nothing.

    The run's log in ``instance`` says why it failed. Its claim stays: Dagster also calls a run ended whose process works on.
    """
    catalog.workflows.replay(workflow_id(run))
    if run.status is dg.DagsterRunStatus.FAILURE and was_interrupted(instance, run.run_id):
        # Dagster calls a run that nobody canceled in its pages a failure, also where a person pressed Ctrl-C.
        instance.report_run_canceled(run, CANCELED)
        run = instance.get_run_by_id(run.run_id) or run
    workflow = catalog.workflows.get(workflow_id(run))
    # A run of another source that named this workflow was refused by its steps, and says nothing about it.
    if workflow is None or run.tags.get(PARTITION_TAG, workflow.source_key) != workflow.source_key:
        return
    ended = _after(run, workflow, catalog, instance)
    if ended is not None:
        status, reason = ended
        _end_stages(workflow, catalog, run.run_id)
        catalog.workflows.set_status(workflow.id, status, reason)


def _end_stages(workflow: Workflow, catalog: Catalog, run_id: str) -> None:
    """Note that the stages of an ended run have ended: a killed one could not say so itself."""
    for one in workflow.stages:
        if one.status == "running" and one.run_id in ("", run_id):
            catalog.workflows.stage_ended(workflow.id, one.asset, "failed", utc_now(), one.counts)


def _after(
    run: dg.DagsterRun, workflow: Workflow, catalog: Catalog, instance: dg.DagsterInstance
) -> tuple[WorkflowStatus, str] | None:
    """Return the state that the end of ``run`` makes, None where it makes none."""
    if run.status is dg.DagsterRunStatus.SUCCESS and workflow.status == "running":
        return _after_success(workflow, catalog)
    if workflow.status not in ("queued", "running"):
        return None
    if run.status is dg.DagsterRunStatus.CANCELED:
        return "canceled", CANCELED
    if run.status is dg.DagsterRunStatus.FAILURE:
        return "failed", failure_sentence(instance, run.run_id)
    return None


def _after_success(workflow: Workflow, catalog: Catalog) -> tuple[WorkflowStatus, str]:
    """Return review where the newest final JSONL is not what the catalog holds: a workflow may be run again after its import."""
    bundles = [file for file in workflow.files if file.asset == "final_jsonl"]
    newest = max(bundles, key=lambda file: file.created_at, default=None)
    imported = workflow.import_summary is not None and (
        newest is None or newest.sha256 == catalog.workflows.imported_bundle(workflow.source_key)
    )
    if newest is None or newest.deleted_at is not None or imported:
        return "completed", ""
    reason = "Has a final JSONL that is not imported; the import_sensor imports it where auto_import is on"
    return "review", f"{reason}, and `tripper import {workflow.id}` in any case."


def failure_sentence(instance: dg.DagsterInstance, run_id: str) -> str:
    """Return why a run failed, as its log says it: the first failed step's own sentence, or the run's where no step began."""
    return next(filter(None, map(_failure, instance.all_logs(run_id, of_type=FAILURES))), UNKNOWN_FAILURE)


def process_of(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """Return the pid of the process that runs a run, as its log names it first; None where it does not.

    Executors that give each step a process name those later.
    """
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        data = entry.dagster_event.event_specific_data if entry.dagster_event else None
        value = getattr((getattr(data, "metadata", None) or {}).get("pid"), "value", None)
        if value is not None and str(value).isdecimal():
            return int(value)
    return None


def was_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Return whether a run has ended, or was asked to.

    Its log says so for good, and its status may not: a run that is canceled just as it leaves the queue or starts, starts all the same.
    """
    run = instance.get_run_by_id(run_id)
    return run is not None and (run.is_finished or bool(instance.all_logs(run_id, of_type=ASKED_TO_END)))


def was_interrupted(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Return whether a run ended because its process was asked to end, wherever in a step or between two that came."""
    return any(map(_is_interruption, instance.all_logs(run_id, of_type=FAILURES)))


def _is_interruption(entry: dg.EventLogEntry) -> bool:
    event = entry.dagster_event
    data = event.event_specific_data if event else None
    if isinstance(data, JobFailureData) and data.failure_reason is RunFailureReason.UNEXPECTED_TERMINATION:
        return True
    error = getattr(data, "error", None)
    return isinstance(error, SerializableErrorInfo) and _first_cause(error).cls_name in {
        one.__name__ for one in INTERRUPTS
    }


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
    said = (_first_line(data.error) if isinstance(data, JobFailureData) else "") or (event.message or "")
    return KILLED if FROM_OUTSIDE in said else said


def _first_line(error: SerializableErrorInfo | None) -> str:
    """Return the first line of what began it."""
    return _first_cause(error).message.strip().split("\n", 1)[0] if error else ""


def _first_cause(error: SerializableErrorInfo) -> SerializableErrorInfo:
    """Return the error that began it: Dagster wraps an error in its own."""
    while error.cause is not None:
        error = error.cause
    return error
