"""Runs whose process was killed: nobody else ends them, and a queue that lets a source have one run at a time waits for them for ever."""

import platform

import dagster as dg
import psutil

from tripper_assets.partitions import PROCESS_TAG, WORKFLOW_TAG
from tripper_assets.resources import Catalog
from tripper_assets.tracking import reconcile

UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
CLOCK_STEP_SECONDS = 60
"""When a process began is told by the wall clock, which somebody may set; a pid comes again much later."""
SENTENCE = "The process of the run was killed; run the source again, and it goes on from what was stored."


def this_process() -> str:
    """Return what a run's tag says of the process that it runs in: the host, the pid, and when it began, because pids come again."""
    process = psutil.Process()
    return f"{platform.node()}:{process.pid}:{process.create_time():.0f}"


def is_gone(tagged: str) -> bool:
    """Return whether a tag names a process that ran on this host and runs no more; of other hosts nothing is known here."""
    host, pid, began = tagged.rsplit(":", 2)
    if host != platform.node():
        return False
    try:
        process = psutil.Process(int(pid))
        other = abs(process.create_time() - float(began)) > CLOCK_STEP_SECONDS
        return other or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def report_dead_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Report failed, and return, the runs that say they are under way in a process that is gone."""
    under_way = instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))
    dead = [run for run in under_way if PROCESS_TAG in run.tags and is_gone(run.tags[PROCESS_TAG])]
    for run in dead:
        instance.report_run_failed(run, SENTENCE)
    return dead


def settle_workflows(instance: dg.DagsterInstance, catalog: Catalog) -> None:
    """Bring workflows that wait or run, while each run of theirs has ended, in line: the catalog was down at the end, or the process died."""
    report_dead_runs(instance)
    for workflow in [*catalog.workflows.list(status="queued"), *catalog.workflows.list(status="running")]:
        runs = instance.get_runs(dg.RunsFilter(tags={WORKFLOW_TAG: workflow.id}))
        if runs and all(run.is_finished for run in runs):
            reconcile(runs[0], catalog, instance)
