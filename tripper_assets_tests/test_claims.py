"""A run takes its source before it begins: a second one is told who works there, and what an ended or killed run held is freed first."""

import threading
from collections.abc import Generator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData

from tripper_assets.catalog.database import Database
from tripper_assets.claims import claim_source, is_over, report_killed
from tripper_assets.clients.processes import ProcessIdentity
from tripper_assets.domain.claims import SourceHeldError
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.partitions import PARTITION_TAG, SOURCES, WORKFLOW_TAG, source_partitions
from tripper_assets.reconciliation import KILLED, failure_sentence, reconcile
from tripper_assets.resources import Catalog, catalog_on, utc_now
from tripper_assets.tracking import stage
from tripper_assets_tests.claimed import claim_by, dead_process, other_process

SOURCE = make_source("https://example.org/")
Status = dg.DagsterRunStatus
AT = utc_now()


@pytest.fixture
def instance() -> Generator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def catalog(database: Database, tmp_path: Path) -> Catalog:
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(SOURCE)
    return catalog


def begun(
    instance: dg.DagsterInstance,
    catalog: Catalog,
    process: ProcessIdentity,
    *,
    run: dg.DagsterRunStatus = Status.STARTED,
    workflow: str = "w",
) -> dg.DagsterRun:
    """Return a run of the source that a process works on: its claim, its workflow and a stage of it are written."""

    @dg.job
    def nothing() -> None:
        pass

    tags = {PARTITION_TAG: SOURCE.key, WORKFLOW_TAG: workflow}
    made = instance.create_run_for_job(nothing, status=run, tags=tags)
    row = Workflow(
        id=workflow, source_key=SOURCE.key, source_url=SOURCE.url, status="running", config={}, created_at=AT
    )  # fmt: skip
    catalog.workflows.start(row)
    catalog.workflows.stage_started(workflow, "images_map", AT, run_id=made.run_id)
    assert catalog.claims.take(claim_by(process, SOURCE.key, made.run_id, workflow)) is None
    return made


def take(instance: dg.DagsterInstance, catalog: Catalog, run_id: str = "mine") -> None:
    claim_source(instance, catalog, SOURCE.key, run_id=run_id, workflow_id="mine", at=AT)


def holder(catalog: Catalog) -> str:
    claim = catalog.claims.get(SOURCE.key)
    return claim.run_id if claim else ""


def workflow(catalog: Catalog, identifier: str = "w") -> Workflow:
    found = catalog.workflows.get(identifier)
    assert found is not None
    return found


def test_a_free_source_is_taken_with_the_process_that_does_the_work(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    take(instance, catalog)

    claim = catalog.claims.get(SOURCE.key)
    assert claim is not None
    assert (claim.run_id, claim.workflow_id, claim.claimed_at) == ("mine", "mine", AT)
    assert ProcessIdentity(claim.host, claim.pid, claim.process_started) == ProcessIdentity.mine()


def test_a_source_that_a_living_process_works_on_is_refused_with_the_run_the_process_and_the_host(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    with other_process() as process:
        run = begun(instance, catalog, process)

        with pytest.raises(SourceHeldError) as raised:
            take(instance, catalog)

    assert str(raised.value) == (
        f"The source {SOURCE.key} is held by run {run.run_id} since {raised.value.holder.claimed_at:%Y-%m-%d %H:%M} UTC "
        f"(process {process.pid} on {process.host}); wait for its end or cancel it, and try again."
    )
    assert isinstance(raised.value, PermanentError)
    assert holder(catalog) == run.run_id
    assert workflow(catalog).status == "running"


def test_a_step_in_a_process_of_its_own_leaves_the_source_with_the_process_of_its_run(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    with other_process() as process:
        run = begun(instance, catalog, process)

        take(instance, catalog, run.run_id)

    claim = catalog.claims.get(SOURCE.key)
    assert claim is not None
    assert (claim.run_id, claim.pid) == (run.run_id, process.pid)


def test_a_source_of_a_killed_process_is_freed_its_run_and_workflow_have_failed_and_it_is_ours(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    run = begun(instance, catalog, dead_process())

    take(instance, catalog)

    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert (ended.status, failure_sentence(instance, run.run_id)) == (Status.FAILURE, KILLED)
    assert (workflow(catalog).status, workflow(catalog).reason) == ("failed", KILLED)
    assert [one.status for one in workflow(catalog).stages] == ["failed"]
    assert holder(catalog) == "mine"


@pytest.mark.parametrize(
    ("ended", "then"), [(Status.SUCCESS, "completed"), (Status.FAILURE, "failed"), (Status.CANCELED, "canceled")]
)
def test_a_source_whose_run_has_ended_is_taken_over_though_its_process_goes_on(
    instance: dg.DagsterInstance, catalog: Catalog, ended: dg.DagsterRunStatus, then: str
) -> None:
    begun(instance, catalog, ProcessIdentity.mine(), run=ended)

    take(instance, catalog)

    assert holder(catalog) == "mine"
    assert workflow(catalog).status == then


def test_a_process_on_another_host_holds_its_source_until_its_run_has_ended(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    dead = dead_process()
    run = begun(instance, catalog, ProcessIdentity("elsewhere", dead.pid, dead.started))
    with pytest.raises(SourceHeldError, match=r"\(process \d+ on elsewhere\)"):
        take(instance, catalog)

    instance.report_run_failed(run, "its machine was turned off")
    take(instance, catalog)

    assert holder(catalog) == "mine"
    assert workflow(catalog).reason == "its machine was turned off"


def test_a_run_that_this_instance_does_not_know_is_not_over_while_its_process_lives(
    instance: dg.DagsterInstance,
) -> None:
    mine, dead = ProcessIdentity.mine(), dead_process()

    alive = is_over(instance, claim_by(mine, SOURCE.key, "another-instance's"))
    gone = is_over(instance, claim_by(dead, SOURCE.key, "another-instance's"))

    assert (alive, gone) == (False, True)
    assert instance.get_run_by_id("another-instance's") is None


def test_of_two_that_find_a_killed_process_at_once_one_has_the_source(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    begun(instance, catalog, dead_process())
    refused: list[SourceHeldError] = []

    def ask(run_id: str) -> None:
        try:
            take(instance, catalog, run_id)
        except SourceHeldError as error:
            refused.append(error)

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [error.holder.run_id for error in refused] == [holder(catalog)]
    assert holder(catalog) in ("one", "two")


def test_a_catalog_that_does_not_answer_is_no_free_source(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    catalog = catalog_on(Database("postgresql://me@127.0.0.1:9/x"), tmp_path)

    with pytest.raises(TransientError, match="does not answer"):
        take(instance, catalog)


@pytest.mark.parametrize(
    ("asked", "then"), [(Status.STARTED, Status.FAILURE), (Status.CANCELING, Status.CANCELED)]
)  # fmt: skip
def test_a_killed_run_gives_back_its_place_in_a_pool(
    instance: dg.DagsterInstance, catalog: Catalog, asked: dg.DagsterRunStatus, then: dg.DagsterRunStatus
) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots("browsers", 1)
    run = begun(instance, catalog, dead_process(), run=asked)
    assert storage.claim_concurrency_slot("browsers", run.run_id, "raw_activities").is_claimed
    waits = storage.claim_concurrency_slot("browsers", "another-run", "raw_activities").is_claimed

    report_killed(instance, run)

    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert (waits, ended.status) == (False, then)
    assert storage.claim_concurrency_slot("browsers", "another-run", "raw_activities").is_claimed


def test_the_claim_names_the_process_of_the_whole_run_and_not_that_of_a_step(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    with other_process() as main_process:
        run = begun(instance, catalog, dead_process())
        catalog.claims.release(run.run_id)
        for pid in (main_process.pid, ProcessIdentity.mine().pid):
            named = EngineEventData({"pid": dg.MetadataValue.text(str(pid))})
            instance.report_engine_event("Executing steps", run, named)

        take(instance, catalog, run.run_id)

        claim = catalog.claims.get(SOURCE.key)
        assert claim is not None
        assert ProcessIdentity(claim.host, claim.pid, claim.process_started) == main_process


def test_a_run_that_was_called_ended_while_its_process_works_on_keeps_its_source(
    instance: dg.DagsterInstance, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tripper_assets.claims.ENDING_SECONDS", 0.3)
    with other_process() as process:
        run = begun(instance, catalog, process, run=Status.CANCELED)

        with pytest.raises(SourceHeldError):
            take(instance, catalog)

    take(instance, catalog)

    assert run.run_id != holder(catalog) == "mine"


def test_a_run_of_another_instance_that_worked_to_its_end_is_not_called_killed(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    row = Workflow(id="w", source_key=SOURCE.key, source_url=SOURCE.url, status="running", config={}, created_at=AT)
    catalog.workflows.start(row)
    catalog.workflows.stage_started("w", "images_map", AT, run_id="elsewhere")
    catalog.workflows.stage_ended("w", "images_map", "completed", AT, {})
    catalog.claims.take(claim_by(dead_process(), SOURCE.key, "elsewhere"))

    take(instance, catalog)

    assert workflow(catalog).status == "running"


def test_a_step_of_a_run_that_was_ended_from_outside_begins_nothing(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    @dg.asset(partitions_def=source_partitions)
    def raw_activities(context: dg.AssetExecutionContext) -> None:
        run = instance.get_run_by_id(context.run.run_id)
        assert run is not None
        instance.report_run_canceled(run)
        with stage(context, catalog, utc_now):
            raise AssertionError

    instance.add_dynamic_partitions(SOURCES, [SOURCE.key])
    result = dg.materialize(
        [raw_activities], instance=instance, partition_key=SOURCE.key, raise_on_error=False, tags={WORKFLOW_TAG: "w"}
    )

    assert "was ended from outside; launch it again" in str([event.event_specific_data for event in result.all_events])
    assert (catalog.workflows.list(), catalog.claims.list()) == ([], [])


def test_writing_down_the_end_of_a_run_leaves_the_source_with_a_process_that_works_on(
    instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    with other_process() as process:
        run = begun(instance, catalog, process, run=Status.CANCELED)

        reconcile(run, catalog, instance)

        assert holder(catalog) == run.run_id
    assert workflow(catalog).status == "canceled"
