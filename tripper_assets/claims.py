"""One run at a time for a source, however it was launched: taking a source for a run, and freeing it of runs that ended or died."""

from datetime import datetime

import dagster as dg

from tripper_assets.clients.processes import ProcessIdentity
from tripper_assets.domain.claims import Claim, SourceHeldError
from tripper_assets.domain.model import SourceKey
from tripper_assets.reconciliation import reconcile
from tripper_assets.resources import Catalog

KILLED = "The process of the run was killed; run the source again, and it goes on from what was stored."


def claim_source(
    instance: dg.DagsterInstance,
    catalog: Catalog,
    source_key: SourceKey,
    *,
    run_id: str,
    workflow_id: str,
    at: datetime,
) -> None:
    """Take a source for a run in this process; what an ended or dead run holds is freed first.

    Raises:
        SourceHeldError: another run works on it.
        TransientError: the catalog does not answer.
    """
    process = ProcessIdentity.mine()
    wanted = Claim(
        source_key=source_key,
        run_id=run_id,
        workflow_id=workflow_id,
        host=process.host,
        pid=process.pid,
        process_started=process.started,
        claimed_at=at,
    )
    while holder := catalog.claims.take(wanted):
        if not is_over(instance, holder):
            raise SourceHeldError(holder)
        free(instance, catalog, holder)


def is_over(instance: dg.DagsterInstance, claim: Claim) -> bool:
    """Return whether the run of a claim has ended, or its process is gone."""
    run = instance.get_run_by_id(claim.run_id)
    return bool(run and run.is_finished) or is_dead(claim)


def is_dead(claim: Claim) -> bool:
    """Return whether the process of a claim ran on this host and is gone."""
    return ProcessIdentity(claim.host, claim.pid, claim.process_started).is_gone()


def free(instance: dg.DagsterInstance, catalog: Catalog, claim: Claim) -> None:
    """Report what a claim's run left open as failed, and free its source."""
    run = instance.get_run_by_id(claim.run_id)
    if run is None:
        _fail_unbegun(catalog, claim)
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


def _fail_unbegun(catalog: Catalog, claim: Claim) -> None:
    """End the workflow of a process that was killed between its claim and its run."""
    workflow = catalog.workflows.get(claim.workflow_id)
    if workflow is not None and workflow.status in ("queued", "running"):
        catalog.workflows.set_status(workflow.id, "failed", KILLED)
