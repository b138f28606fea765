"""Sources become partitions, and ended runs are written into their workflows, by the sensors against a real instance and catalog."""

from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from tripper_assets.catalog.database import Database
from tripper_assets.claims import claim_source
from tripper_assets.domain.batches import PATIENCE, Batch, BatchStatus
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.partitions import REQUEST_TAG, SOURCES, WORKFLOW_TAG
from tripper_assets.resources import Catalog, catalog_on, utc_now
from tripper_assets.sensors import (
    PARTITIONS_A_TICK,
    batch_sensor,
    daily_rescrape,
    decision_sensor,
    import_sensor,
    partition_changes,
    sources_sensor,
    workflow_status_sensor,
)

ONE, TWO = make_source("https://example.org/"), make_source("https://example.net/")
NOW = datetime.now(UTC)


@pytest.fixture
def catalog(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Generator[Catalog]:
    monkeypatch.setenv("TRIPPER_DATABASE_URL", database_url)
    database = Database(database_url)
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(ONE)
    yield catalog
    database.dispose()


@pytest.fixture
def instance() -> Generator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def kept_instance() -> Generator[dg.DagsterInstance]:
    """An instance in files: a schedule reads no other."""
    with dg.instance_for_test() as instance:
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


@dataclass
class Provider:
    """A provider of batches whose answers a test decides; a batch that it does not know cannot be asked for."""

    statuses: dict[str, BatchStatus] = field(default_factory=dict)
    canceled: list[str] = field(default_factory=list)
    name: str = "remote"
    model: str = "slow"
    dimensions: int = 2
    is_free: bool = False

    def submit(self, texts: Mapping[str, str]) -> str:
        raise AssertionError(texts)

    def poll(self, batch_id: str) -> BatchStatus:
        if batch_id not in self.statuses:
            raise TransientError(f"Asking for {batch_id} got no answer.")
        return self.statuses[batch_id]

    def results(self, batch_id: str) -> dict[str, Any]:
        raise AssertionError(batch_id)

    def cancel(self, batch_id: str) -> None:
        if batch_id not in self.statuses:
            raise TransientError(f"Canceling {batch_id} got no answer.")
        self.canceled.append(batch_id)


def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> tuple[str | None, str]:
    """Evaluate the status sensor once; return its cursor and what it says."""
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        said = workflow_status_sensor(context)
        assert isinstance(said, dg.SkipReason)
        return context.cursor, said.skip_message or ""


def requests(said: Iterable[dg.RunRequest | dg.SkipReason]) -> tuple[list[tuple[str | None, str | None, str]], str]:
    """Return run key, partition and workflow of each request, and why there is none."""
    all_said = list(said)
    asked = [one for one in all_said if isinstance(one, dg.RunRequest)]
    skipped = [one.skip_message or "" for one in all_said if isinstance(one, dg.SkipReason)]
    return [(one.run_key, one.partition_key, one.tags.get(WORKFLOW_TAG, "")) for one in asked], "".join(skipped)


def imports(
    sensor: dg.SensorDefinition, instance: dg.DagsterInstance | None = None
) -> tuple[list[tuple[str | None, str | None, str]], str]:
    """Evaluate a sensor of imports once, on an instance that knows no run where none is given."""
    with instance or dg.DagsterInstance.ephemeral() as used, dg.build_sensor_context(instance=used) as context:
        return requests(cast("Iterable[Any]", sensor(context)))


def batches_tick(instance: dg.DagsterInstance, provider: Provider) -> tuple[list[Any], str]:
    with dg.build_sensor_context(instance=instance, resources={"embedding_provider": provider}) as context:
        return requests(batch_sensor(context))


def final_jsonl(catalog: Catalog, workflow: str, sha256: str) -> None:
    """Let a workflow have a stored bundle."""
    uri = f"memory:///final_jsonl/{workflow}"
    file = WorkflowFile(
        asset="final_jsonl", run_id="r", uri=uri, bytes=1, rows=1, sha256=sha256 * 64, created_at=utc_now()
    )
    catalog.workflows.add_file(workflow, file)


def in_review(catalog: Catalog, name: str, sha256: str = "a", **more: Any) -> str:
    workflow(catalog, name, status="review", **more)
    final_jsonl(catalog, name, sha256)
    return name


def decide(
    catalog: Catalog, workflow: str, sha256: str, decision: Literal["approved", "rejected"], *overrides: str
) -> None:
    catalog.workflows.decide(workflow, sha256 * 64, decision=decision, by="ada", at=utc_now(), overrides=overrides)


def batch(catalog: Catalog, workflow: str, identifier: str, *, deadline: timedelta = PATIENCE) -> Batch:
    made = Batch(
        workflow_id=workflow,
        asset="embedding_batch",
        provider="remote",
        batch_id=identifier,
        submitted_at=NOW,
        deadline_at=NOW + deadline,
    )
    catalog.batches.submitted(made)
    return made


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
    assert said.skip_message == (
        "0 registered sources: 0 partitions added, 0 removed, 1 kept until their work in flight ends."
    )


@pytest.mark.parametrize("work", ["claim", "waiting workflow"])
def test_a_source_with_other_work_in_flight_keeps_its_partition_too(
    catalog: Catalog, instance: dg.DagsterInstance, work: str
) -> None:
    instance.add_dynamic_partitions(SOURCES, [ONE.key])
    if work == "claim":
        claim_source(instance, catalog, ONE.key, run_id="a-run", workflow_id="w", at=NOW)
    else:
        workflow(catalog, "w", status="waiting")
    catalog.sources.remove(ONE.key)

    assert isinstance(sources_tick(instance), dg.SkipReason)


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


def test_a_bundle_of_a_source_with_auto_import_is_imported_once_and_others_wait(catalog: Catalog) -> None:
    catalog.sources.sync([TWO.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "waits", "a")
    in_review(catalog, "goes", "b", source_key=TWO.key, source_url=TWO.url)

    asked, _ = imports(import_sensor)

    assert asked == [(f"import:{'b' * 64}", TWO.key, "goes")]


def test_switching_auto_import_on_imports_what_waits(catalog: Catalog) -> None:
    in_review(catalog, "waits")
    before = imports(import_sensor)
    catalog.sources.sync([ONE.model_copy(update={"config": SourceConfig(auto_import=True)})])

    after, _ = imports(import_sensor)

    assert before == ([], "1 bundles in review: 1 waits for a decision.")
    assert after == [(f"import:{'a' * 64}", ONE.key, "waits")]


def test_what_the_launch_said_of_auto_import_stands_above_the_registry(catalog: Catalog) -> None:
    catalog.sources.sync([ONE.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "waits", overrides={"auto_import": False})

    assert imports(import_sensor) == ([], "1 bundles in review: 1 waits for a decision.")


def test_a_bundle_with_a_newer_one_after_it_or_held_by_checks_waits_for_a_person(catalog: Catalog) -> None:
    on = SourceConfig(auto_import=True)
    catalog.sources.sync([one.model_copy(update={"config": on}) for one in (ONE, TWO)])
    in_review(catalog, "old", "a")
    in_review(catalog, "new", "b", created_at=NOW + timedelta(seconds=1))
    in_review(catalog, "held", "c", source_key=TWO.key, source_url=TWO.url)
    catalog.workflows.stage_ended("held", "imported_activities", "skipped", NOW, {"held_by": ["not_empty"]})

    asked, _ = imports(import_sensor)

    assert [workflow for _, _, workflow in asked] == ["new"]


def test_the_same_bundle_of_a_later_workflow_is_asked_for_too(catalog: Catalog) -> None:
    # A site that has not changed has the same bundle every day, and Dagster launches one run for each key.
    catalog.sources.sync([ONE.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "yesterday")
    first, _ = imports(import_sensor)
    catalog.workflows.set_status("yesterday", "completed")
    in_review(catalog, "today", created_at=NOW + timedelta(days=1))

    second, _ = imports(import_sensor)

    assert [workflow for _, _, workflow in first + second] == ["yesterday", "today"]
    assert [key for key, _, _ in first + second] == [f"import:{'a' * 64}", f"import:{'a' * 64}:today"]


def test_a_source_that_a_run_works_on_is_not_imported_now(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    catalog.sources.sync([ONE.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "waits")
    claim_source(instance, catalog, ONE.key, run_id="a-run", workflow_id="w", at=NOW)

    assert imports(import_sensor) == ([], "No bundle waits for its import.")


def test_an_approved_bundle_is_imported_and_a_rejected_one_is_not(catalog: Catalog) -> None:
    catalog.sources.sync([TWO.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "approved", "a")
    in_review(catalog, "rejected", "b", source_key=TWO.key, source_url=TWO.url)
    decide(catalog, "approved", "a", "approved")
    decide(catalog, "rejected", "b", "rejected")

    decided, _ = imports(decision_sensor)
    automatic = imports(import_sensor)

    assert decided == [(f"import:{'a' * 64}", ONE.key, "approved")]
    assert automatic == ([], "2 bundles in review: 1 was approved by a person, 1 was rejected by a person.")


def test_a_decision_that_names_the_check_that_held_the_import_asks_anew(catalog: Catalog) -> None:
    in_review(catalog, "held")
    decide(catalog, "held", "a", "approved")
    catalog.workflows.stage_ended("held", "imported_activities", "skipped", NOW, {"held_by": ["not_empty"]})
    before = imports(decision_sensor)
    decide(catalog, "held", "a", "approved", "not_empty")

    after, _ = imports(decision_sensor)

    assert before == ([], "1 bundles in review: 1 is held by checks that the decision does not name.")
    assert after == [(f"import:{'a' * 64}:not_empty", ONE.key, "held")]


def test_a_workflow_goes_on_when_all_its_batches_are_done(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    provider = Provider({"first": "completed", "second": "pending"})
    workflow(catalog, "waits", status="waiting")
    batch(catalog, "waits", "first")
    batch(catalog, "waits", "second")
    before = batches_tick(instance, provider)
    provider.statuses = {"second": "failed"}

    after = batches_tick(instance, provider)

    assert before == ([], "2 batches are awaited.")
    assert after == ([("collect:waits", ONE.key, "waits")], "")
    assert [one.status for one in catalog.batches.of_workflow("waits")] == ["completed", "failed"]


def test_a_workflow_goes_on_past_the_deadline_of_its_batch_and_a_provider_that_is_down_holds_no_other(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    catalog.sources.add(TWO)
    workflow(catalog, "late", status="waiting")
    workflow(catalog, "waits", status="waiting", source_key=TWO.key, source_url=TWO.url)
    batch(catalog, "late", "lost", deadline=-timedelta(seconds=1))
    batch(catalog, "waits", "pending")

    asked, _ = batches_tick(instance, Provider({"pending": "pending"}))

    assert asked == [("collect:late", ONE.key, "late")]


def test_no_batch_and_one_that_could_not_be_asked_for_are_said(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    before = batches_tick(instance, Provider())
    workflow(catalog, "waits", status="waiting")
    batch(catalog, "waits", "lost")

    after = batches_tick(instance, Provider())

    assert before == ([], "No workflow waits for a batch.")
    assert after == ([], "1 batches are awaited; 1 could not be asked for, as the log says.")


def test_the_batches_of_a_canceled_workflow_are_canceled_and_one_that_is_shared_goes_on(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    provider = Provider({"own": "pending", "shared": "pending"})
    workflow(catalog, "canceled", status="canceled")
    workflow(catalog, "waits", status="waiting")
    batch(catalog, "canceled", "own")
    batch(catalog, "canceled", "shared")
    batch(catalog, "waits", "shared")

    _, said = batches_tick(instance, provider)
    _, again = batches_tick(instance, provider)

    assert said == "1 batches are awaited; 2 of canceled workflows were canceled."
    assert again == "1 batches are awaited."
    assert provider.canceled == ["own"]
    assert [one.status for one in catalog.batches.of_workflow("canceled")] == ["canceled", "canceled"]
    assert [one.status for one in catalog.batches.of_workflow("waits")] == ["pending"]


def test_a_batch_that_cannot_be_canceled_now_is_asked_for_again(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    workflow(catalog, "canceled", status="canceled")
    batch(catalog, "canceled", "own")

    batches_tick(instance, Provider())
    provider = Provider({"own": "pending"})
    batches_tick(instance, provider)

    assert provider.canceled == ["own"]


def test_a_workflow_whose_source_a_run_works_on_is_collected_later(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    workflow(catalog, "waits", status="waiting")
    batch(catalog, "waits", "done")
    claim_source(instance, catalog, ONE.key, run_id="a-run", workflow_id="w", at=NOW)

    asked, _ = batches_tick(instance, Provider({"done": "completed"}))

    assert asked == []


@pytest.mark.parametrize(
    ("ended", "asked", "said"),
    [
        ([], [("import:{}", "waits")], ""),
        (["STARTED"], [], "1 bundles in review: 1 is under way."),
        (["CANCELED"], [("import:{}:2", "waits")], ""),
        (["FAILURE", "SUCCESS"], [("import:{}:3", "waits")], ""),
        (["FAILURE"] * 5, [], "1 bundles in review: 1 was tried 5 times in vain, as its runs say."),
    ],
)
def test_a_request_whose_run_did_not_do_it_is_made_again_a_few_times(
    catalog: Catalog, kept_instance: dg.DagsterInstance, ended: list[str], asked: list[tuple[str, str]], said: str
) -> None:
    catalog.sources.sync([ONE.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "waits")
    key = f"import:{'a' * 64}"
    for state in ended:
        create_run_for_test(kept_instance, status=dg.DagsterRunStatus(state), tags={REQUEST_TAG: key})

    with dg.build_sensor_context(instance=kept_instance) as context:
        found, told = requests(cast("Iterable[Any]", import_sensor(context)))

    assert [(run_key, name) for run_key, _, name in found] == [(one.format("a" * 64), name) for one, name in asked]
    assert told == said


def test_what_somebody_wants_imported_comes_before_a_thousand_bundles_that_wait(catalog: Catalog) -> None:
    for number in range(20):
        in_review(catalog, f"waits-{number:02}", f"{number % 10}", created_at=NOW + timedelta(seconds=number))
    catalog.sources.sync([TWO.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "goes", "b", source_key=TWO.key, source_url=TWO.url, created_at=NOW - timedelta(days=1))

    found = catalog.pending_imports.list(limit=1)

    assert [one.workflow_id for one in found] == ["goes"]


def test_a_decision_on_the_empty_bundle_of_one_source_is_none_on_anothers(catalog: Catalog) -> None:
    catalog.sources.add(TWO)
    in_review(catalog, "one")
    in_review(catalog, "two", source_key=TWO.key, source_url=TWO.url, created_at=NOW + timedelta(seconds=1))
    decide(catalog, "one", "a", "approved", "not_empty")

    asked, _ = imports(decision_sensor)

    assert [name for _, _, name in asked] == ["one"]
    assert catalog.workflows.decision_for("a" * 64, TWO.key) is None


def test_a_decision_that_did_not_know_of_a_newer_bundle_imports_nothing(catalog: Catalog) -> None:
    in_review(catalog, "old")
    decide(catalog, "old", "a", "approved")
    in_review(catalog, "new", "b", created_at=NOW + timedelta(seconds=1))
    before, _ = imports(decision_sensor)
    decide(catalog, "old", "a", "approved")

    after, _ = imports(decision_sensor)

    assert before == []
    assert [name for _, _, name in after] == ["old"]


def test_each_free_source_is_scraped_once_a_day(catalog: Catalog, kept_instance: dg.DagsterInstance) -> None:
    catalog.sources.add(TWO)
    workflow(catalog, "waits", status="waiting")
    morning = datetime(2026, 5, 1, 3, 17, tzinfo=UTC)

    with dg.build_schedule_context(instance=kept_instance, scheduled_execution_time=morning) as context:
        asked, _ = requests(daily_rescrape(context))

    assert asked == [(f"rescrape:2026-05-01:{TWO.key}", TWO.key, "")]
    assert set(kept_instance.get_dynamic_partitions(SOURCES)) == {ONE.key, TWO.key}


@pytest.mark.usefixtures("catalog")
def test_a_day_on_which_every_source_is_busy_says_so(catalog: Catalog, kept_instance: dg.DagsterInstance) -> None:
    workflow(catalog, "waits", status="waiting")

    with dg.build_schedule_context(instance=kept_instance, scheduled_execution_time=NOW) as context:
        asked = requests(daily_rescrape(context))

    assert asked == ([], "None of 1 registered sources is free to be scraped.")
