"""Runs whose process was killed are reported failed, by whoever looks next; runs of living processes and other machines stay."""

import subprocess
import sys
from collections.abc import Generator

import dagster as dg
import psutil
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.dead_runs import SENTENCE, is_gone, report_dead_runs, settle_workflows, this_process
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow, WorkflowStatus
from tripper_assets.partitions import PROCESS_TAG, WORKFLOW_TAG
from tripper_assets.resources import Catalog, catalog_on, utc_now
from tripper_assets.tracking import failure_sentence

STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE
SOURCE = make_source("https://example.org/")


def dead_process() -> str:
    """Return the tag of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host, _, began = this_process().rsplit(":", 2)
    return f"{host}:{ended.pid}:{began}"


@pytest.fixture
def instance() -> Generator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def catalog(database: Database) -> Catalog:
    catalog = catalog_on(database)
    catalog.sources.add(SOURCE)
    return catalog


def run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, process: str, workflow: str = "") -> dg.DagsterRun:
    @dg.job
    def nothing() -> None:
        pass

    return instance.create_run_for_job(nothing, status=status, tags={PROCESS_TAG: process, WORKFLOW_TAG: workflow})


def workflow(catalog: Catalog, identifier: str, status: WorkflowStatus) -> None:
    row = Workflow(
        id=identifier, source_key=SOURCE.key, source_url=SOURCE.url, status=status, config={}, created_at=utc_now()
    )
    catalog.workflows.start(row)


def test_a_living_process_is_not_gone() -> None:
    assert not is_gone(this_process())


def test_an_ended_process_is_gone() -> None:
    assert is_gone(dead_process())


def test_a_process_that_began_at_another_time_has_another_ones_pid() -> None:
    host, pid, began = this_process().rsplit(":", 2)

    assert is_gone(f"{host}:{pid}:{float(began) - 3600:.0f}")


def test_an_ended_process_that_its_parent_has_not_waited_for_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        host, _, _ = this_process().rsplit(":", 2)
        tagged = f"{host}:{child.pid}:{psutil.Process(child.pid).create_time():.0f}"
        child.kill()
        psutil.wait_procs([], timeout=0)
        while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
            pass

        assert is_gone(tagged)


def test_nothing_is_known_of_processes_on_other_machines() -> None:
    _, pid, began = dead_process().rsplit(":", 2)

    assert not is_gone(f"elsewhere:{pid}:{began}")


def test_a_run_of_a_killed_process_is_reported_failed_with_its_reason(instance: dg.DagsterInstance) -> None:
    killed, alive = run(instance, STARTED, dead_process()), run(instance, STARTED, this_process())

    report_dead_runs(instance)

    states = [one.status for one in map(instance.get_run_by_id, (killed.run_id, alive.run_id)) if one]
    assert states == [FAILURE, STARTED]
    assert failure_sentence(instance, killed.run_id) == SENTENCE


def test_its_workflow_failed_and_a_living_runs_goes_on(instance: dg.DagsterInstance, catalog: Catalog) -> None:
    for identifier, process in (("killed", dead_process()), ("living", this_process())):
        workflow(catalog, identifier, "running")
        run(instance, STARTED, process, identifier)

    settle_workflows(instance, catalog)

    found = {one.id: (one.status, one.reason) for one in catalog.workflows.list()}
    assert found == {"killed": ("failed", SENTENCE), "living": ("running", "")}


def test_a_workflow_whose_run_ended_while_the_catalog_was_down_is_settled_later(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    workflow(catalog, "unheard", "queued")
    ended = run(instance, STARTED, this_process(), "unheard")
    instance.report_run_failed(ended, "the catalog went away")

    settle_workflows(instance, catalog)

    assert [(one.status, one.reason) for one in catalog.workflows.list()] == [("failed", "the catalog went away")]


def test_a_workflow_without_a_run_here_stays_as_it_is(instance: dg.DagsterInstance, catalog: Catalog) -> None:
    workflow(catalog, "elsewhere", "running")

    settle_workflows(instance, catalog)

    assert [one.status for one in catalog.workflows.list()] == ["running"]
