"""Runs whose process was killed are reported failed, by whoever looks next; runs of living processes and other machines stay."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.events import EngineEventData

from tripper_assets.catalog.database import Database
from tripper_assets.clients.processes import ProcessIdentity
from tripper_assets.dead_runs import settle
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.workflows import Workflow, WorkflowStatus
from tripper_assets.partitions import PARTITION_TAG, WORKFLOW_TAG
from tripper_assets.reconciliation import KILLED, failure_sentence
from tripper_assets.resources import Catalog, catalog_on, utc_now
from tripper_assets_tests.claimed import claim_by, dead_process

Status = dg.DagsterRunStatus
SOURCE, OTHER = make_source("https://example.org/"), make_source("https://example.net/")


@pytest.fixture
def instance() -> Generator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def catalog(database: Database, tmp_path: Path) -> Catalog:
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(SOURCE)
    catalog.sources.add(OTHER)
    return catalog


def run(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, workflow: str = "", source: Source = SOURCE
) -> dg.DagsterRun:
    @dg.job
    def nothing() -> None:
        pass

    tags = {PARTITION_TAG: source.key} | ({WORKFLOW_TAG: workflow} if workflow else {})
    return instance.create_run_for_job(nothing, status=status, tags=tags)


def claim(
    catalog: Catalog, run_id: str, process: ProcessIdentity, workflow: str = "w", source: Source = SOURCE
) -> None:
    assert catalog.claims.take(claim_by(process, source.key, run_id, workflow)) is None


def workflow(catalog: Catalog, identifier: str, status: WorkflowStatus, source: Source = SOURCE) -> None:
    row = Workflow(
        id=identifier, source_key=source.key, source_url=source.url, status=status, config={}, created_at=utc_now()
    )
    catalog.workflows.start(row)


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_a_living_process_is_not_gone() -> None:
    assert not ProcessIdentity.mine().is_gone()


def test_an_ended_process_is_gone() -> None:
    assert dead_process().is_gone()


def test_a_process_that_began_at_another_time_has_another_ones_pid() -> None:
    mine = ProcessIdentity.mine()

    assert ProcessIdentity(mine.host, mine.pid, mine.started - 3600).is_gone()


def test_an_ended_process_that_its_parent_has_not_waited_for_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        identity = ProcessIdentity.here(child.pid)
        assert identity is not None
        child.kill()
        while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
            pass

        assert identity.is_gone()


def test_nothing_is_known_of_processes_on_other_machines() -> None:
    dead = dead_process()

    assert not ProcessIdentity("elsewhere", dead.pid, dead.started).is_gone()


def test_the_run_of_a_killed_process_fails_with_its_reason_and_its_source_is_free(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    killed, alive = run(instance, Status.STARTED, "killed"), run(instance, Status.STARTED, "alive", OTHER)
    for name, one, process, source in (
        ("killed", killed, dead_process(), SOURCE),
        ("alive", alive, ProcessIdentity.mine(), OTHER),
    ):
        workflow(catalog, name, "running", source)
        claim(catalog, one.run_id, process, name, source)

    settle(instance, catalog)

    assert [status(instance, killed), status(instance, alive)] == [Status.FAILURE, Status.STARTED]
    assert failure_sentence(instance, killed.run_id) == KILLED
    found = {one.id: (one.status, one.reason) for one in catalog.workflows.list()}
    assert found == {"killed": ("failed", KILLED), "alive": ("running", "")}
    assert [one.run_id for one in catalog.claims.list()] == [alive.run_id]


def test_a_stage_of_a_killed_run_does_not_seem_to_run(instance: dg.DagsterInstance, catalog: Catalog) -> None:
    killed = run(instance, Status.STARTED, "killed")
    workflow(catalog, "killed", "running")
    catalog.workflows.stage_started("killed", "images_map", utc_now(), run_id=killed.run_id)
    claim(catalog, killed.run_id, dead_process(), "killed")

    settle(instance, catalog)

    found = catalog.workflows.get("killed")
    assert found is not None
    assert [(stage.asset, stage.status) for stage in found.stages] == [("images_map", "failed")]


def test_a_run_that_was_asked_to_end_when_it_was_killed_is_canceled(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    asked = run(instance, Status.CANCELING, "asked")
    workflow(catalog, "asked", "running")
    claim(catalog, asked.run_id, dead_process(), "asked")

    settle(instance, catalog)

    assert status(instance, asked) is Status.CANCELED
    assert [one.status for one in catalog.workflows.list()] == ["canceled"]


def test_a_process_that_was_killed_between_its_claim_and_its_run_leaves_a_failed_workflow(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    workflow(catalog, "unbegun", "queued")
    claim(catalog, "no-such-run", dead_process(), "unbegun")

    settle(instance, catalog)

    assert [(one.status, one.reason) for one in catalog.workflows.list()] == [("failed", KILLED)]
    assert catalog.claims.list() == []


def test_the_claim_of_an_ended_run_is_freed_while_its_process_goes_on(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    ended = run(instance, Status.SUCCESS)
    claim(catalog, ended.run_id, ProcessIdentity.mine())

    settle(instance, catalog)

    assert catalog.claims.list() == []


def engine_event(instance: dg.DagsterInstance, started: dg.DagsterRun, pid: int) -> None:
    """Let the log of a run name its process, as Dagster's launcher does."""
    data = EngineEventData({"pid": dg.MetadataValue.text(str(pid))})
    instance.report_engine_event("Started process for run", started, data)


def test_a_run_that_was_killed_before_it_took_its_source_fails_too(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    killed, alive = run(instance, Status.STARTED), run(instance, Status.STARTED, source=OTHER)
    engine_event(instance, killed, dead_process().pid)
    engine_event(instance, alive, ProcessIdentity.mine().pid)

    settle(instance, catalog)

    assert [status(instance, killed), status(instance, alive)] == [Status.FAILURE, Status.STARTED]


def test_a_workflow_whose_run_ended_while_the_catalog_was_down_is_settled_later(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    workflow(catalog, "unheard", "queued")
    ended = run(instance, Status.STARTED, "unheard")
    instance.report_run_failed(ended, "the catalog went away")

    settle(instance, catalog)

    assert [(one.status, one.reason) for one in catalog.workflows.list()] == [("failed", "the catalog went away")]


def test_a_workflow_that_is_named_after_its_run_is_settled_too(instance: dg.DagsterInstance, catalog: Catalog) -> None:
    ended = run(instance, Status.STARTED)
    workflow(catalog, ended.run_id, "running")
    instance.report_run_failed(ended, "no more")

    settle(instance, catalog)

    assert [(one.status, one.reason) for one in catalog.workflows.list()] == [("failed", "no more")]


def test_a_workflow_without_a_run_here_stays_as_it_is(instance: dg.DagsterInstance, catalog: Catalog) -> None:
    workflow(catalog, "elsewhere", "running")

    settle(instance, catalog)

    assert [one.status for one in catalog.workflows.list()] == ["running"]
