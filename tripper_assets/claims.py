"""One run at a time for a source, however it was launched: taking a source for a run, and freeing it of runs that ended or died."""

import time
from datetime import datetime

import dagster as dg

from tripper_assets.clients.processes import ProcessIdentity
from tripper_assets.domain.claims import Claim, SourceHeldError
from tripper_assets.domain.model import SourceKey
from tripper_assets.reconciliation import KILLED, process_of, reconcile
from tripper_assets.resources import Catalog

ENDING_SECONDS = 10
"""How long the process of a run that has ended may take to go."""
LOOK_SECONDS = 0.1


def claim_source(
    instance: dg.DagsterInstance,
    catalog: Catalog,
    source_key: SourceKey,
    *,
    run_id: str,
    workflow_id: str,
    at: datetime,
) -> None:
    """Take a source for a run; what an ended or dead run holds is freed first.

    Raises:
        SourceHeldError: another run works on it.
        TransientError: the catalog does not answer.
    """
    wanted = _claim(instance, source_key, run_id, workflow_id, at)
    deadline = time.monotonic() + ENDING_SECONDS
    while holder := catalog.claims.take(wanted):
        if is_over(instance, holder):
            free(instance, catalog, holder)
        elif has_ended(instance, holder) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)  # its process is about to go
        else:
            raise SourceHeldError(holder, elsewhere=ProcessIdentity.of(holder).is_elsewhere())


def _claim(instance: dg.DagsterInstance, source_key: SourceKey, run_id: str, workflow_id: str, at: datetime) -> Claim:
    """Return a claim by the process that runs the whole run: steps may have processes of their own, which end with them."""
    pid = process_of(instance, run_id)
    process = (ProcessIdentity.here(pid) if pid else None) or ProcessIdentity.mine()
    return Claim(
        source_key=source_key,
        run_id=run_id,
        workflow_id=workflow_id,
        host=process.host,
        pid=process.pid,
        process_started=process.started,
        claimed_at=at,
    )


def is_over(instance: dg.DagsterInstance, claim: Claim) -> bool:
    """Return whether nobody works on a claim's source any more.

    That a run has ended is not enough while its process lives: Dagster also calls a run ended that it only asked to end.
    """
    process = ProcessIdentity.of(claim)
    return process.is_gone() or (has_ended(instance, claim) and (process.is_mine() or process.is_elsewhere()))


def has_ended(instance: dg.DagsterInstance, claim: Claim) -> bool:
    """Return whether the run of a claim has ended."""
    run = instance.get_run_by_id(claim.run_id)
    return bool(run and run.is_finished)


def free(instance: dg.DagsterInstance, catalog: Catalog, claim: Claim) -> None:
    """Report what a claim's run left open as failed, and free its source."""
    run = instance.get_run_by_id(claim.run_id)
    if run is None:
        _fail_unknown(catalog, claim)
    else:
        if not run.is_finished:
            report_killed(instance, run)
        reconcile(instance.get_run_by_id(claim.run_id) or run, catalog, instance)
    catalog.claims.release(claim.run_id)


def report_killed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """End a run whose process is gone: as canceled where that was asked for, else as failed; its place in every pool is free again."""
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, KILLED)
    else:
        instance.report_run_failed(run, KILLED)
    if instance.event_log_storage.supports_global_concurrency_limits:
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _fail_unknown(catalog: Catalog, claim: Claim) -> None:
    """End the workflow of a process that was killed between its claim and its run, or within a stage of a run that is not known here.

    A run of another Dagster instance that worked to its end is that instance's to judge.
    """
    workflow = catalog.workflows.get(claim.workflow_id)
    if workflow is None or workflow.status not in ("queued", "running"):
        return
    stages = [one for one in workflow.stages if one.run_id == claim.run_id]
    if not stages or any(one.status == "running" for one in stages):
        catalog.workflows.set_status(workflow.id, "failed", KILLED)
