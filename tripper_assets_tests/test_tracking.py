"""Steps write down what they do: their workflow, its stages, counts and errors; and an ended run brings its workflow in line."""

import functools
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.model import Problem
from tripper_assets.domain.sources import Location, Source, SourceConfig, make_source
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.failures import MAX_RETRIES
from tripper_assets.partitions import SOURCES, TRIGGER_TAG, WORKFLOW_TAG, source_partitions
from tripper_assets.reconciliation import UNKNOWN_FAILURE, failure_sentence, reconcile
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets.tracking import Stage, stage

NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
LYON = Location(id="lyon", name="Lyon", country_code="FR")
SOURCE = make_source("https://example.org/", SourceConfig(max_pages=7), location_id="lyon")
OTHER = make_source("https://example.net/")
Work = Callable[[Stage], None]


@pytest.fixture
def catalog(database: Database, tmp_path: Path) -> Catalog:
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add_location(LYON)
    catalog.sources.add(SOURCE)
    catalog.sources.add(OTHER)
    return catalog


@pytest.fixture
def instance() -> Generator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


class Launch:
    """Runs one asset whose body is ``work`` as a stage."""

    def __init__(self, catalog: Catalog, instance: dg.DagsterInstance) -> None:
        self.catalog = catalog
        self.instance = instance

    def __call__(
        self, work: Work, *, workflow: str = "some-workflow", source: Source = SOURCE, **tags: str
    ) -> dg.ExecuteInProcessResult:
        open_stage: Callable[[Any], AbstractContextManager[Stage]] = functools.partial(
            stage, catalog=self.catalog, clock=lambda: NOW
        )

        @dg.asset(partitions_def=source_partitions)
        def raw_activities(context: dg.AssetExecutionContext) -> None:
            with open_stage(context) as opened:
                work(opened)
            context.add_output_metadata(opened.metadata())

        self.instance.add_dynamic_partitions(SOURCES, [source.key])
        return dg.materialize(
            [raw_activities],
            instance=self.instance,
            partition_key=source.key,
            tags={WORKFLOW_TAG: workflow, **tags},
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )

    def workflow(self, name: str = "some-workflow") -> Workflow:
        found = self.catalog.workflows.get(name)
        assert found is not None
        return found


@pytest.fixture
def launch(catalog: Catalog, instance: dg.DagsterInstance) -> Launch:
    return Launch(catalog, instance)


def nothing(_: Stage) -> None:
    pass


def raising(*errors: BaseException | None) -> Work:
    """Return work that raises one error after the other, None for none."""
    left = list(errors)

    def work(_: Stage) -> None:
        error = left.pop(0)
        if error is not None:
            raise error

    return work


def failures(result: dg.ExecuteInProcessResult) -> str:
    return " ".join(str(event.event_specific_data) for event in result.all_events if event.is_failure)


def test_a_run_without_a_workflow_begins_one_with_the_registered_configuration(launch: Launch) -> None:
    launch(nothing, **{TRIGGER_TAG: "sensor"})

    workflow = launch.workflow()
    assert (workflow.status, workflow.trigger, workflow.source_key) == ("running", "sensor", SOURCE.key)
    assert workflow.config == SOURCE.config.model_dump(mode="json")
    assert workflow.location_id == "lyon"
    assert [(one.asset, one.status) for one in workflow.stages] == [("raw_activities", "completed")]


def test_a_stage_works_with_the_configuration_that_the_workflow_was_started_with(launch: Launch) -> None:
    launch(nothing)
    launch.catalog.sources.sync([SOURCE.model_copy(update={"config": SourceConfig(max_pages=99)})])
    seen: list[int] = []

    launch(lambda work: seen.append(work.source.config.max_pages))

    assert seen == [7]


def test_counts_and_problems_are_written_and_shown(launch: Launch, instance: dg.DagsterInstance) -> None:
    def count(work: Stage) -> None:
        work.counts |= {"rows": 3, "by_kind": {"a": 1}}
        work.problems += [Problem(code="http_404", subject=f"/{number}", message="Not found.") for number in range(22)]

    launch(count)

    (written,) = launch.workflow().stages
    assert written.counts == {"rows": 3, "by_kind": {"a": 1}, "problems": 22, "problems_by_code": {"http_404": 22}}
    event = instance.get_latest_materialization_event(dg.AssetKey("raw_activities"))
    assert event is not None
    assert event.asset_materialization is not None
    shown = event.asset_materialization.metadata
    assert shown["rows"].value == 3
    assert shown["by_kind"].value == {"a": 1}
    assert shown["problems_by_code"].value == {"http_404": 22}
    assert str(shown["first_problems"].value).startswith("* `http_404` /0: Not found.\n")
    assert str(shown["first_problems"].value).endswith("\n* and 2 more")
    assert shown["workflow_id"].value == "some-workflow"


def test_a_stage_that_yields_nothing_is_skipped(launch: Launch) -> None:
    def skip(work: Stage) -> None:
        work.skipped = "The batch is pending."

    launch(skip)

    assert [one.status for one in launch.workflow().stages] == ["skipped"]


@pytest.mark.usefixtures("no_waiting")
def test_a_transient_error_is_noted_and_tried_again(launch: Launch) -> None:
    result = launch(raising(TransientError("The site is busy."), None))

    workflow = launch.workflow()
    assert result.success
    assert workflow.status == "running"
    assert [one.status for one in workflow.stages] == ["completed"]
    assert [(one.kind, one.message) for one in workflow.errors] == [("TransientError", "The site is busy.")]


@pytest.mark.usefixtures("no_waiting")
def test_a_transient_error_that_stays_fails_the_workflow(launch: Launch) -> None:
    result = launch(raising(*[TransientError("The site is busy.")] * (MAX_RETRIES + 1)))

    assert not result.success
    assert launch.workflow().status == "failed"
    assert launch.workflow().reason == "raw_activities: The site is busy."


def test_a_permanent_error_fails_at_once_with_its_sentence(launch: Launch) -> None:
    result = launch(raising(PermanentError("The site says no.")))

    workflow = launch.workflow()
    assert not result.success
    assert (workflow.status, workflow.reason) == ("failed", "raw_activities: The site says no.")
    assert [one.status for one in workflow.stages] == ["failed"]
    assert len(workflow.errors) == 1


def test_an_unexpected_error_fails_the_stage_and_the_workflow_in_one_line(launch: Launch) -> None:
    result = launch(raising(ValueError("no such thing\nand a second line")))

    workflow = launch.workflow()
    assert not result.success
    assert workflow.reason == "raw_activities: ValueError: no such thing"
    assert [(one.stage, one.kind) for one in workflow.errors] == [("raw_activities", "ValueError")]
    assert [one.status for one in workflow.stages] == ["failed"]


def test_an_error_that_says_nothing_is_named(launch: Launch) -> None:
    launch(raising(AssertionError()))

    assert launch.workflow().reason == "raw_activities: AssertionError"


def test_an_interrupted_step_cancels_the_workflow(launch: Launch) -> None:
    launch(raising(dg.DagsterExecutionInterruptedError()))

    assert launch.workflow().status == "canceled"
    assert launch.workflow().reason.startswith("raw_activities: The run was interrupted; ")


def test_a_failed_workflow_runs_again(launch: Launch) -> None:
    launch(raising(PermanentError("No.")))

    launch(nothing)

    assert launch.workflow().status == "running"
    assert launch.workflow().reason == ""


def test_a_workflow_of_another_source_is_refused_and_stays_as_it_is(launch: Launch, catalog: Catalog) -> None:
    launch(nothing)

    result = launch(nothing, source=OTHER)
    reconcile(result.dagster_run, catalog, launch.instance)

    assert f"belongs to {SOURCE.key} and not to {OTHER.key}" in failures(result)
    assert launch.workflow().status == "running"


def test_a_source_that_is_not_registered_is_named(launch: Launch) -> None:
    result = launch(nothing, source=make_source("https://example.com/"))

    assert "which is not in the registry; add it with `tripper sources add URL`" in failures(result)
    assert launch.catalog.workflows.get("some-workflow") is None


@pytest.mark.usefixtures("no_waiting")
def test_a_catalog_that_fails_when_the_end_is_written_is_tried_again(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = launch.catalog.workflows.stage_ended
    answers: list[Exception | None] = [TransientError("The catalog is busy."), TransientError("Still."), None]

    def flaky(*values: Any) -> None:
        if answers and (error := answers.pop(0)):
            raise error
        ended(*values)

    monkeypatch.setattr(launch.catalog.workflows, "stage_ended", flaky)

    result = launch(nothing)

    assert result.success
    assert [one.status for one in launch.workflow().stages] == ["completed"]


def test_an_error_that_cannot_be_recorded_stays_the_runs_own(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise TransientError("The catalog does not answer.")

    monkeypatch.setattr(launch.catalog.workflows, "add_error", down)

    result = launch(raising(PermanentError("The site says no.")))

    assert "The site says no." in failures(result)
    assert launch.workflow().status == "running"


def test_reconciling_an_ended_run_twice_changes_nothing(launch: Launch, instance: dg.DagsterInstance) -> None:
    result = launch(nothing)

    reconcile(result.dagster_run, launch.catalog, instance)
    first = launch.workflow()
    reconcile(result.dagster_run, launch.catalog, instance)

    assert first.status == "completed"
    assert launch.workflow() == first


def test_a_run_that_left_a_final_jsonl_waits_for_a_person(launch: Launch) -> None:
    result = launch(nothing)
    file = WorkflowFile(
        asset="final_jsonl", run_id="run", uri="memory:///x", bytes=1, rows=1, sha256="0" * 64, created_at=NOW
    )
    launch.catalog.workflows.add_file("some-workflow", file)

    reconcile(result.dagster_run, launch.catalog, launch.instance)

    assert launch.workflow().status == "review"
    assert "`tripper import some-workflow` in any case" in launch.workflow().reason


def test_a_run_that_fails_before_its_first_step_says_what_its_log_says(
    launch: Launch, instance: dg.DagsterInstance
) -> None:
    created = Workflow(
        id="some-workflow", source_key=SOURCE.key, source_url=SOURCE.url, status="queued", config={}, created_at=NOW
    )  # fmt: skip
    launch.catalog.workflows.start(created)

    @dg.resource
    def broken(_: dg.InitResourceContext) -> None:
        raise PermanentError("The store cannot be written; free some space.")

    @dg.asset(partitions_def=source_partitions, required_resource_keys={"broken"})
    def raw_activities() -> None: ...

    instance.add_dynamic_partitions(SOURCES, [SOURCE.key])
    result = dg.materialize(
        [raw_activities],
        instance=instance,
        partition_key=SOURCE.key,
        tags={WORKFLOW_TAG: "some-workflow"},
        raise_on_error=False,
        resources={"broken": broken},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    reconcile(result.dagster_run, launch.catalog, instance)

    assert launch.workflow().status == "failed"
    assert "The store cannot be written; free some space." in launch.workflow().reason


def test_a_failed_steps_own_sentence_is_found_in_the_log(launch: Launch, instance: dg.DagsterInstance) -> None:
    said = launch(raising(PermanentError("The site says no.")))
    unexpected = launch(raising(ValueError("no such thing")))

    assert failure_sentence(instance, said.dagster_run.run_id) == "raw_activities: The site says no."
    assert failure_sentence(instance, unexpected.dagster_run.run_id) == "raw_activities: ValueError: no such thing"


def test_without_a_log_the_reason_is_unknown(instance: dg.DagsterInstance) -> None:
    assert failure_sentence(instance, "run") == UNKNOWN_FAILURE
