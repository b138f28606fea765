"""Bringing the catalog in line with what runs really do: lines that waited for it, and runs whose process was killed, which nobody else ends."""

import dagster as dg

from tripper_assets.claims import free, is_over, report_killed
from tripper_assets.clients.processes import ProcessIdentity
from tripper_assets.domain.workflows import Workflow
from tripper_assets.reconciliation import process_of, reconcile, runs_of
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
    # A workflow that a claim names is being started: its new run is not written yet, and its old ones say nothing of it.
    starting = {claim.workflow_id for claim in catalog.claims.list()}
    for workflow in _going_on(catalog):
        if workflow.id not in starting:
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
    return [run for run in runs if run.run_id not in claimed and _process_is_gone(instance, run.run_id)]


def _process_is_gone(instance: dg.DagsterInstance, run_id: str) -> bool:
    pid = process_of(instance, run_id)
    process = ProcessIdentity.here(pid) if pid is not None else None
    return pid is not None and (process is None or process.is_gone())
