"""Sources become partitions, and ended runs are written into their workflows, by the sensors against a real instance and catalog."""

from collections.abc import Collection, Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from tripper_assets.catalog.database import Database
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.partitions import SOURCES, WORKFLOW_TAG
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets.sensors import PARTITIONS_A_TICK, partition_changes, sources_sensor, workflow_status_sensor

ONE, TWO = make_source("https://example.org/"), make_source("https://example.net/")
NOW = datetime.now(UTC)


@pytest.fixture
def catalog(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Generator[Catalog]:
    monkeypatch.setenv("TRIPPER_DATABASE_URL", database_url)
    database = Database(database_url)
    catalog = catalog_on(database)
    catalog.sources.add(ONE)
    yield catalog
    database.dispose()


@pytest.fixture
def instance() -> Generator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def workflow(catalog: Catalog, name: str, **more: Any) -> str:
    values = {"source_key": ONE.key, "source_url": ONE.url, "status": "running", "config": {}, "created_at": NOW}
    catalog.workflows.start(Workflow.model_validate({"id": name, **values, **more}))
    return name


def status(catalog: Catalog, name: str) -> str:
    found = catalog.workflows.get(name)
    assert found is not None
    return found.status


def run(instance: dg.DagsterInstance, workflow: str, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    tags = {WORKFLOW_TAG: workflow, "dagster/partition": ONE.key}
    return create_run_for_test(instance, job_name="run_source", status=status, tags=tags)


def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> tuple[str | None, str]:
    """Evaluate the status sensor once; return its cursor and what it says."""
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        said = workflow_status_sensor(context)
        assert isinstance(said, dg.SkipReason)
        return context.cursor, said.skip_message or ""


def sources_tick(instance: dg.DagsterInstance) -> dg.SensorResult | dg.SkipReason:
    with dg.build_sensor_context(instance=instance) as context:
        said = sources_sensor(context)
        assert isinstance(said, (dg.SensorResult, dg.SkipReason))
        return said


@pytest.mark.parametrize(
    ("registered", "present", "busy", "added", "removed"),
    [
        ([], [], [], [], []),
        (["b", "a"], [], [], ["a", "b"], []),
        (["a"], ["a"], [], [], []),
        (["a"], ["a", "c", "b"], [], [], ["b", "c"]),
        ([], ["a", "b"], ["a"], [], ["b"]),
        (["b"], ["a"], ["b"], ["b"], ["a"]),
    ],
)
def test_partitions_follow_the_registry_and_a_busy_one_stays(
    registered: Collection[str], present: Collection[str], busy: Collection[str], added: list[str], removed: list[str]
) -> None:
    assert partition_changes(registered, present, busy) == (added, removed)


def test_a_tick_changes_no_more_than_a_thousand_partitions() -> None:
    added, removed = partition_changes([f"a{n}" for n in range(2000)], [f"b{n}" for n in range(2000)], [])

    assert len(added) == len(removed) == PARTITIONS_A_TICK


def test_a_registered_source_gets_its_partition_and_a_removed_one_loses_it(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    catalog.sources.add(TWO)
    instance.add_dynamic_partitions(SOURCES, [ONE.key, "gone-12345678"])

    said = sources_tick(instance)

    assert isinstance(said, dg.SensorResult)
    changes = {type(one).__name__: list(one.partition_keys) for one in said.dynamic_partitions_requests or []}
    assert changes == {
        "AddDynamicPartitionsRequest": [TWO.key],
        "DeleteDynamicPartitionsRequest": ["gone-12345678"],
    }


def test_a_source_with_a_run_under_way_keeps_its_partition(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions(SOURCES, [ONE.key])
    run(instance, workflow(catalog, "some-workflow"), dg.DagsterRunStatus.STARTED)
    catalog.sources.remove(ONE.key)

    said = sources_tick(instance)

    assert isinstance(said, dg.SkipReason)


@pytest.mark.usefixtures("catalog")
def test_nothing_to_change_is_said(instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions(SOURCES, [ONE.key])

    said = sources_tick(instance)

    assert isinstance(said, dg.SkipReason)
    assert said.skip_message == "All 1 registered sources have their partition."


def test_a_registry_that_cannot_be_read_is_an_error_and_not_an_empty_one(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIPPER_DATABASE_URL", "postgresql://me:canary@127.0.0.1:9/x")
    instance.add_dynamic_partitions(SOURCES, [ONE.key])

    with pytest.raises(TransientError, match="does not answer") as raised:
        sources_tick(instance)

    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    ("ended", "then"),
    [
        (dg.DagsterRunStatus.SUCCESS, "completed"),
        (dg.DagsterRunStatus.FAILURE, "failed"),
        (dg.DagsterRunStatus.CANCELED, "canceled"),
    ],
)
def test_an_ended_run_is_written_into_its_workflow_once(
    catalog: Catalog, instance: dg.DagsterInstance, ended: dg.DagsterRunStatus, then: str
) -> None:
    name = workflow(catalog, "some-workflow")
    run(instance, name, ended)

    cursor, said = tick(instance)
    again = tick(instance, cursor)

    assert said == "1 ended runs were written into their workflows."
    assert status(catalog, name) == then
    assert again == (cursor, "No run ended since the last look.")


def test_runs_that_go_on_are_left_alone(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    name = workflow(catalog, "some-workflow")
    run(instance, name, dg.DagsterRunStatus.STARTED)

    assert tick(instance)[1] == "No run ended since the last look."
    assert status(catalog, name) == "running"


def test_a_workflow_that_runs_again_is_not_failed_by_its_first_run(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    name = workflow(catalog, "some-workflow")
    run(instance, name, dg.DagsterRunStatus.FAILURE)
    second = run(instance, name, dg.DagsterRunStatus.STARTED)

    cursor, _ = tick(instance)
    between = status(catalog, name)
    instance.report_run_failed(second, "lost its machine")
    tick(instance, cursor)

    assert (between, status(catalog, name)) == ("running", "failed")


@pytest.mark.usefixtures("catalog")
def test_runs_without_a_workflow_are_passed_over(instance: dg.DagsterInstance) -> None:
    run(instance, "never-written", dg.DagsterRunStatus.SUCCESS)

    cursor, said = tick(instance)

    assert said == "1 ended runs were written into their workflows."
    assert cursor is not None
    assert datetime.fromisoformat(cursor) > NOW - timedelta(minutes=1)


def test_a_catalog_that_is_down_leaves_the_cursor(
    catalog: Catalog, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = workflow(catalog, "some-workflow")
    run(instance, name, dg.DagsterRunStatus.FAILURE)
    with monkeypatch.context() as down:
        down.setenv("TRIPPER_DATABASE_URL", "postgresql://me@127.0.0.1:9/x")
        with pytest.raises(TransientError):
            tick(instance)

    tick(instance)

    assert status(catalog, name) == "failed"
