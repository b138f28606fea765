"""Runs whose process was killed: nobody else ends them, and a queue that lets a source have one run at a time waits for them for ever."""

import dagster as dg
import psutil

from tripper_assets.claims import free, is_over, report_killed
from tripper_assets.clients.processes import CLOCK_STEP_SECONDS
from tripper_assets.domain.workflows import Workflow
from tripper_assets.reconciliation import reconcile, runs_of
from tripper_assets.resources import Catalog

BEGUN = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
MANY = 10_000


def settle(instance: dg.DagsterInstance, catalog: Catalog) -> int:
    """Bring the catalog in line with what runs really do, and return how many sources were freed and runs ended by that.

    First what could not be written while the catalog was down, then claims of runs that ended or died, then runs that died before they
    took a claim, then workflows that say that they run while each of their runs has ended.

    Raises:
        TransientError: the catalog does not answer.
    """
    catalog.replay()
    over = [claim for claim in catalog.claims.list() if is_over(instance, claim)]
    for claim in over:
        free(instance, catalog, claim)
    dead = _dead_before_their_claim(instance, catalog)
    for run in dead:
        report_killed(instance, run)
    for workflow in _going_on(catalog):
        _settle_workflow(instance, catalog, workflow)
    return len(over) + len(dead)


def _going_on(catalog: Catalog) -> list[Workflow]:
    return [
        *catalog.workflows.list(status="queued", limit=MANY),
        *catalog.workflows.list(status="running", limit=MANY),
    ]


def _settle_workflow(instance: dg.DagsterInstance, catalog: Catalog, workflow: Workflow) -> None:
    runs = runs_of(instance, workflow.id)
    if runs and all(run.is_finished for run in runs):
        reconcile(runs[0], catalog, instance)


def _dead_before_their_claim(instance: dg.DagsterInstance, catalog: Catalog) -> list[dg.DagsterRun]:
    """Return the runs under way without a claim whose process is gone, as their log names it."""
    # Only where the instance is kept in files: one in a server may be shared, and a log does not say on which host a pid was.
    if not type(instance.event_log_storage).__name__.startswith(("Sqlite", "ConsolidatedSqlite")):
        return []
    claimed = {claim.run_id for claim in catalog.claims.list()}
    runs = instance.get_runs(dg.RunsFilter(statuses=BEGUN))
    return [run for run in runs if run.run_id not in claimed and _process_is_gone(instance, run)]


def _process_is_gone(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    logged = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    named = [(pid, entry.timestamp) for entry in logged if (pid := _pid(entry)) is not None]
    return bool(named) and not _runs_since(*named[-1])


def _pid(entry: dg.EventLogEntry) -> int | None:
    data = entry.dagster_event.event_specific_data if entry.dagster_event else None
    metadata = getattr(data, "metadata", None) or {}
    value = getattr(metadata.get("pid"), "value", None)
    return int(value) if value is not None and str(value).isdecimal() else None


def _runs_since(pid: int, timestamp: float) -> bool:
    """Return whether the process that had ``pid`` at a time still runs; a later one with its number is another."""
    try:
        process = psutil.Process(pid)
        return process.create_time() <= timestamp + CLOCK_STEP_SECONDS and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
