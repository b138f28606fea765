"""Ended runs are written into their workflows."""

from datetime import datetime, timedelta

import dagster as dg
import pytest

from tripper_assets.domain.errors import TransientError
from tripper_assets.resources import Catalog
from tripper_assets_tests.sensors.ticks import NOW, run, status, tick, workflow


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
