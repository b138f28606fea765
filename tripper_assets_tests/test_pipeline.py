"""The whole graph on the sample site: what comes out, what a second run costs, and what the catalog then holds."""

import fcntl
import json
import os
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import jsonschema
import numpy as np
import numpy.typing as npt
import pytest

from tripper_assets.catalog.activities import current_activities
from tripper_assets.catalog.database import Database
from tripper_assets.cli.demo import CONFIG, LOCATION
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.objects import Objects
from tripper_assets.definitions import build_definitions
from tripper_assets.demo.server import DemoServer, serve
from tripper_assets.demo.site import expected
from tripper_assets.domain.batches import BatchStatus
from tripper_assets.domain.sources import Source, SourceConfig, make_source
from tripper_assets.domain.workflows import INTERMEDIATES, Workflow
from tripper_assets.partitions import KEEP_FILES_TAG, SOURCES, WORKFLOW_TAG
from tripper_assets.reconciliation import reconcile
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets.settings import Settings
from tripper_assets_tests.conftest import FreshDatabases

NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
PORT = 18_765
GOLDEN = Path(__file__).parent / "golden" / "demo.jsonl"
SCHEMA = Path(__file__).parent.parent / "docs" / "activity.schema.json"
# Bytes that an image library's next version may change, and what is made from them.
UNSTABLE = ("contentUrl", "sha256", "blurhash")


@dataclass
class Graph:
    """The graph with a catalog, a store and an instance of its own."""

    catalog: Catalog
    objects: Objects
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    runs: int = 0
    messages: list[str] = field(default_factory=list)
    """What the failed steps of the last run said."""

    def run(self, source: Source, *, job: str = "run_source", **tags: str) -> Workflow:
        self.runs += 1
        self.instance.add_dynamic_partitions(SOURCES, [source.key])
        workflow = tags.pop("workflow", f"workflow-{self.runs}")
        result = self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=source.key,
            tags={WORKFLOW_TAG: workflow, **tags},
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        reconcile(result.dagster_run, self.catalog, self.instance)
        self.messages = [str(event.event_specific_data) for event in result.all_events if event.is_failure]
        found = self.catalog.workflows.get(workflow)
        assert found is not None
        return found

    def stored(self, workflow: Workflow, asset: str) -> list[dict[str, Any]]:
        file = next(file for file in reversed(workflow.files) if file.asset == asset)
        return [json.loads(line) for line in self.objects.get(file.uri, sha256=file.sha256).splitlines()]


@pytest.fixture(scope="module")
def site() -> Generator[DemoServer]:
    with free_port(PORT), serve(PORT, NOW.date()) as server:
        yield server


@contextmanager
def free_port(port: int) -> Generator[None]:
    """Wait for a port that another run of these tests has: ids are made from the site's address, so that it is fixed."""
    with (Path(tempfile.gettempdir()) / f"tripper-tests-{port}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def gazetteer(tmp_path_factory: pytest.TempPathFactory) -> OfflineGeocoder:
    return OfflineGeocoder(tmp_path_factory.mktemp("gazetteer"))


@pytest.fixture
def graph(fresh_databases: FreshDatabases, gazetteer: OfflineGeocoder, tmp_path: Path) -> Generator[Graph]:
    yield from _graph(fresh_databases, gazetteer, tmp_path)


@pytest.fixture(scope="module")
def shared_graph(
    fresh_databases: FreshDatabases, gazetteer: OfflineGeocoder, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Graph]:
    yield from _graph(fresh_databases, gazetteer, tmp_path_factory.mktemp("graph"))


def _graph(fresh_databases: FreshDatabases, gazetteer: OfflineGeocoder, folder: Path) -> Generator[Graph]:
    objects = Objects("memory://")
    with fresh_databases() as url, dg.DagsterInstance.ephemeral() as instance:
        database = Database(url)
        catalog = catalog_on(database, folder)
        catalog.sources.add_location(LOCATION)
        overrides: dict[str, object] = {
            "settings": Settings(home=folder, demo_port=PORT),
            "catalog": catalog,
            "objects": objects,
            "clock": dg.ResourceDefinition.hardcoded_resource(lambda: NOW),
            "geocoder": gazetteer,
        }
        yield Graph(catalog, objects, build_definitions(overrides), instance)
        database.dispose()


def registered(graph: Graph, url: str, **config: Any) -> Source:
    source = make_source(url, SourceConfig.model_validate(CONFIG.model_dump() | config), location_id=LOCATION.id)
    return graph.catalog.sources.get(source.key) or graph.catalog.sources.add(source)


@pytest.fixture(scope="module")
def first(shared_graph: Graph, site: DemoServer) -> Workflow:
    return shared_graph.run(registered(shared_graph, site.url), **{KEEP_FILES_TAG: "1"})


@pytest.fixture(scope="module")
def second(shared_graph: Graph, site: DemoServer, first: Workflow) -> Workflow:
    assert first.status == "completed"
    site.answers.clear()
    return shared_graph.run(registered(shared_graph, site.url), **{KEEP_FILES_TAG: "1"})


def counts(workflow: Workflow, asset: str) -> dict[str, Any]:
    return next(stage.counts for stage in workflow.stages if stage.asset == asset)


def stable(record: dict[str, Any]) -> dict[str, Any]:
    images = [
        {name: value for name, value in image.items() if name not in UNSTABLE} for image in record.get("image", [])
    ]
    kept = {name: value for name, value in record.items() if name not in ("content_sha256", "image")}
    return kept | ({"image": images} if images else {})


def test_the_sample_site_gives_the_golden_records(shared_graph: Graph, first: Workflow) -> None:
    records = [stable(record) for record in shared_graph.stored(first, "final_jsonl")]
    if os.environ.get("TRIPPER_REWRITE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(
            "".join(json.dumps(one, ensure_ascii=False, sort_keys=True) + "\n" for one in records), encoding="utf-8"
        )

    golden = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]

    assert records == golden


def test_every_activity_of_the_site_is_found_once_with_its_date_place_and_picture(
    shared_graph: Graph, first: Workflow, site: DemoServer
) -> None:
    found = {record["name"]: record for record in shared_graph.stored(first, "final_jsonl")}
    facts = expected(site.url.rstrip("/"), NOW.date())

    assert sorted(found) == sorted(fact.name for fact in facts)
    for fact in facts:
        record = found[fact.name]
        assert record.get("startDate", "") == fact.startDate, fact.name
        assert bool(record.get("image")) == fact.has_image, fact.name
        assert record["url"] == fact.url
    located = [record for record in found.values() if record["geocoding"]["status"] == "ok"]
    # One town shares its name with another of the same country and size: it is refused, and not guessed.
    assert {name for name, record in found.items() if record not in located} == {"Climbing Club for Kids"}


def test_nothing_of_the_disallowed_part_appears(shared_graph: Graph, first: Workflow) -> None:
    assert "draft" not in json.dumps(shared_graph.stored(first, "raw_activities"))


def test_every_line_has_the_form_that_the_documents_promise(shared_graph: Graph, first: Workflow) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))

    for record in shared_graph.stored(first, "final_jsonl"):
        validator.validate(record)


def test_the_import_equals_the_final_jsonl_row_for_row(shared_graph: Graph, first: Workflow) -> None:
    rows = current_activities(shared_graph.catalog.database, first.source_key)

    assert sorted(rows, key=lambda row: row["id"]) == shared_graph.stored(first, "final_jsonl")
    assert first.import_summary is not None
    assert first.import_summary.inserted == len(rows)


def test_every_stage_writes_its_row_and_its_file(first: Workflow) -> None:
    assert {stage.asset: stage.status for stage in first.stages} == dict.fromkeys(
        (
            "raw_activities", "activities", "images_map", "geocoded_map", "embedding_batch", "embeddings_map", "final_jsonl",
            "activity_diff", "imported_activities", "workflow_cleanup",
        ),
        "completed",
    )  # fmt: skip
    assert {file.asset for file in first.files} >= set(INTERMEDIATES)
    assert all(file.bytes > 0 and len(file.sha256) == 64 and file.deleted_at is None for file in first.files)


def test_the_second_run_fetches_asks_embeds_and_writes_nothing(second: Workflow, site: DemoServer) -> None:
    done = {
        asset: counts(second, asset)["fetched"]
        for asset in ("raw_activities", "images_map", "geocoded_map", "embedding_batch")
    }

    assert done == {"raw_activities": 0, "images_map": 0, "geocoded_map": 0, "embedding_batch": 0}
    assert counts(second, "imported_activities")["written"] == 0
    assert second.import_summary is not None
    assert second.import_summary.unchanged == second.import_summary.lines
    # What the server counted: robots.txt, the sitemap, and the 404 that is linked are no pages with a body of their own.
    assert site.answers[200] <= 2


def test_the_second_run_gives_the_same_records(shared_graph: Graph, first: Workflow, second: Workflow) -> None:
    assert shared_graph.stored(first, "final_jsonl") == shared_graph.stored(second, "final_jsonl")


def test_every_check_passes_on_the_sample_site(first: Workflow) -> None:
    assert counts(first, "final_jsonl")["failed_checks"] == 0
    assert first.reason == ""


def test_each_materialization_shows_where_it_is_and_what_it_holds(shared_graph: Graph, first: Workflow) -> None:
    for asset in ("raw_activities", "activities", "images_map", "geocoded_map", "embeddings_map", "final_jsonl"):
        assert first.status == "completed"
        record = shared_graph.instance.get_latest_materialization_event(dg.AssetKey(asset))
        assert record is not None
        assert record.asset_materialization is not None
        metadata = record.asset_materialization.metadata
        assert {
            "uri",
            "bytes",
            "dagster/row_count",
            "sha256",
            "workflow_id",
            "preview",
            "problems",
        } <= metadata.keys() | {"problems"}
        assert "|" in str(metadata["preview"].value)


def test_without_auto_import_nothing_is_imported_and_everything_is_kept(graph: Graph, site: DemoServer) -> None:
    source = registered(graph, f"{site.url}sites/theatre-leeds/", auto_import=False)

    workflow = graph.run(source)

    assert workflow.status == "review"
    assert f"tripper import {workflow.id}" in workflow.reason
    assert current_activities(graph.catalog.database, source.key) == []
    assert all(file.deleted_at is None for file in workflow.files)


def test_a_decision_imports_the_bundle_it_is_about(graph: Graph, site: DemoServer) -> None:
    source = registered(graph, f"{site.url}sites/theatre-leeds/", auto_import=False)
    workflow = graph.run(source)
    bundle = next(file.sha256 for file in workflow.files if file.asset == "final_jsonl")
    graph.catalog.workflows.decide(workflow.id, bundle, decision="approved", by="somebody", at=NOW)

    imported = graph.run(source, job="import_source", workflow=workflow.id)

    assert imported.status == "completed"
    assert len(current_activities(graph.catalog.database, source.key)) == 5
    assert all(file.deleted_at is None for file in imported.files)


def test_a_workflow_that_is_run_again_after_its_import_waits_where_it_has_another_bundle(
    graph: Graph, site: DemoServer
) -> None:
    source = registered(graph, f"{site.url}sites/theatre-leeds/", auto_import=False)
    imported = graph.run(source, **{KEEP_FILES_TAG: "1"})
    file = next(file for file in imported.files if file.asset == "final_jsonl")
    graph.catalog.workflows.decide(imported.id, file.sha256, decision="approved", by="ada", at=NOW)
    first = graph.run(source, job="import_source", workflow=imported.id)
    graph.catalog.workflows.add_file(
        imported.id,
        file.model_copy(update={"uri": "memory:///x", "sha256": "0" * 64, "created_at": NOW + timedelta(days=1)}),
    )

    again = graph.run(source, job="scrape_source", workflow=imported.id)

    assert (first.status, again.status) == ("completed", "review")


def test_an_automatic_import_cleans_up_exactly_the_five_intermediates(graph: Graph, site: DemoServer) -> None:
    workflow = graph.run(registered(graph, f"{site.url}sites/nature-center-portland/"))

    gone = {file.asset for file in workflow.files if file.deleted_at}

    assert workflow.status == "completed"
    assert gone == set(INTERMEDIATES)
    assert not any(graph.objects.exists(graph.objects.key(file.uri)) for file in workflow.files if file.deleted_at)


def test_an_asset_below_what_was_cleaned_up_says_when_and_what_to_do(graph: Graph, site: DemoServer) -> None:
    source = registered(graph, f"{site.url}sites/nature-center-portland/")
    graph.run(source)

    result = dg.materialize(
        list(graph.definitions.assets or ()),
        selection=["activities"],
        partition_key=source.key,
        instance=graph.instance,
        resources=graph.definitions.resources,
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )

    messages = [str(event.event_specific_data) for event in result.all_events if event.is_failure]
    assert any("were cleaned up on 2026-03-15; materialize raw_activities" in message for message in messages)


def test_an_outage_of_the_site_fails_the_workflow_and_keeps_the_last_import(graph: Graph) -> None:
    with serve(0, NOW.date()) as server:
        source = registered(graph, f"{server.url}sites/bibliotheque-lyon/")
        settings = Settings(home=Path("/nowhere"), allow_private_addresses=(f"127.0.0.1:{server.server_address[1]}",))
        definitions = build_definitions(
            {
                "settings": settings,
                "catalog": graph.catalog,
                "objects": graph.objects,
                "geocoder": graph.definitions.resources["geocoder"],
                "clock": graph.definitions.resources["clock"],
            }  # pyright: ignore[reportOptionalSubscript]
        )
        graph.definitions = definitions
        before = graph.run(source)

    after = graph.run(source)

    assert before.status == "completed"
    assert after.status == "failed"
    assert after.reason.startswith("raw_activities: ")
    assert len(current_activities(graph.catalog.database, source.key)) == 5


def test_a_private_address_is_refused_with_the_setting_that_opens_it(graph: Graph) -> None:
    source = registered(graph, "http://127.0.0.1:9/")

    workflow = graph.run(source)

    assert workflow.status == "failed"
    assert "TRIPPER_ALLOW_PRIVATE_ADDRESSES" in workflow.reason
    assert workflow.errors[0].kind == "AddressRefusedError"


@dataclass
class Pending:
    """A provider that takes its time until a test lets it answer."""

    name: str = "remote"
    model: str = "slow"
    dimensions: int = 2
    is_free: bool = False
    done: bool = False
    texts: dict[str, str] = field(default_factory=dict)

    def submit(self, texts: Mapping[str, str]) -> str:
        self.texts |= texts
        return "batch-1"

    def poll(self, batch_id: str) -> BatchStatus:
        assert batch_id == "batch-1"
        return "completed" if self.done else "pending"

    def results(self, batch_id: str) -> dict[str, npt.NDArray[np.float32]]:
        assert batch_id == "batch-1"
        return {one: np.array([0.6, 0.8], dtype=np.float32) for one in self.texts}

    def cancel(self, batch_id: str) -> None:
        raise AssertionError(batch_id)


def test_a_pending_batch_leaves_the_workflow_waiting_and_a_later_run_goes_on_with_it(
    graph: Graph, site: DemoServer
) -> None:
    provider = Pending()
    graph.definitions = build_definitions({**(graph.definitions.resources or {}), "embedding_provider": provider})
    source = registered(graph, f"{site.url}sites/theatre-leeds/")

    waiting = graph.run(source)
    provider.done = True
    finished = graph.run(source, workflow=waiting.id)

    assert waiting.status == "waiting"
    assert [file.asset for file in waiting.files if file.asset == "final_jsonl"] == []
    assert {stage.asset: stage.status for stage in waiting.stages}["embeddings_map"] == "skipped"
    assert finished.status == "completed"
    assert len(current_activities(graph.catalog.database, source.key)) == 5
