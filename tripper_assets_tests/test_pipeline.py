"""The whole graph on the sample site: what comes out, what a second run costs, and what the catalog then holds."""

import fcntl
import json
import os
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import jsonschema
import pytest

from tripper_assets.catalog.activities import count_activities, current_activities
from tripper_assets.definitions import build_definitions
from tripper_assets.demo.server import DemoServer, serve
from tripper_assets.demo.site import expected
from tripper_assets.domain.tag_prototypes import PROTOTYPES
from tripper_assets.domain.workflows import INTERMEDIATES, Workflow
from tripper_assets.partitions import KEEP_FILES_TAG, SOURCE_URL_TAG, TRIGGER_TAG
from tripper_assets.previews import SHEET_BYTES
from tripper_assets.settings import Settings
from tripper_assets_tests.clients.hostile import HTML, stated
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite
from tripper_assets_tests.clients.loopback import serve as serve_pages
from tripper_assets_tests.conftest import FreshDatabases
from tripper_assets_tests.graph_world import NOW, Graph, Pending, counts, graph, new_graph, registered

__all__ = ["graph"]  # a fixture
PORT = 18_765
GOLDEN = Path(__file__).parent / "golden" / "demo.jsonl"
SCHEMA = Path(__file__).parent.parent / "docs" / "activity.schema.json"
# Bytes that an image library's next version may change, and what is made from them.
UNSTABLE = ("contentUrl", "sha256", "blurhash")


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


@pytest.fixture
def loopback() -> Generator[LoopbackSite]:
    with serve_pages() as pages:
        yield pages


@pytest.fixture(scope="module")
def shared_graph(
    fresh_databases: FreshDatabases, gazetteer: Path, tmp_path_factory: pytest.TempPathFactory, site: DemoServer
) -> Generator[Graph]:
    with new_graph(fresh_databases, gazetteer, tmp_path_factory.mktemp("graph"), site) as graph:
        yield graph


@pytest.fixture(scope="module")
def first(shared_graph: Graph, site: DemoServer) -> Workflow:
    return shared_graph.run(registered(shared_graph, site.url), **{KEEP_FILES_TAG: "1"})


@pytest.fixture(scope="module")
def second(shared_graph: Graph, site: DemoServer, first: Workflow) -> Workflow:
    assert first.status == "completed"
    site.answers.clear()
    return shared_graph.run(registered(shared_graph, site.url), **{KEEP_FILES_TAG: "1"})


def without_unstable(image: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in image.items() if name not in UNSTABLE}
    return kept | ({"thumbnail": without_unstable(kept["thumbnail"])} if "thumbnail" in kept else {})


def stable(record: dict[str, Any]) -> dict[str, Any]:
    images = [without_unstable(image) for image in record.get("image", [])]
    kept = {name: value for name, value in record.items() if name not in ("content_sha256", "image", "tags")}
    # What a text is like is worked out by a model, whose last digits differ between processors.
    tags = {name: value for name, value in record.get("tags", {}).items() if name not in PROTOTYPES}
    return kept | ({"image": images} if images else {}) | ({"tags": tags} if tags else {})


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
            "raw_activities", "activities", "images_map", "geocoded_map", "embedding_batch", "embeddings_map", "tag_batches", "tag_votes",
            "activity_tags", "final_jsonl", "activity_diff", "imported_activities", "workflow_cleanup",
        ),
        "completed",
    )  # fmt: skip
    assert {file.asset for file in first.files} >= set(INTERMEDIATES)
    assert all(file.bytes > 0 and len(file.sha256) == 64 and file.deleted_at is None for file in first.files)


def test_the_second_run_fetches_asks_embeds_and_writes_nothing(second: Workflow, site: DemoServer) -> None:
    done = {
        asset: counts(second, asset)["fetched"]
        for asset in ("raw_activities", "images_map", "geocoded_map", "embedding_batch", "tag_votes")
    }

    assert set(done.values()) == {0}
    assert counts(second, "imported_activities")["written"] == 0
    assert second.import_summary is not None
    assert second.import_summary.unchanged == second.import_summary.lines
    # What the server counted: robots.txt, the sitemap, and the 404 that is linked are no pages with a body of their own.
    assert site.answers[200] <= 2


def test_activities_have_the_tags_that_their_voter_gave_them(shared_graph: Graph, first: Workflow) -> None:
    records = shared_graph.stored(first, "final_jsonl")
    named = [record["name"] for record in records if "zoo_aquarium_farm" in record["tags"].get("categories", ())]

    assert all(record["tags"] for record in records)
    assert any("Zoo" in name for name in named)
    assert sum("categories" in record["tags"] for record in records) > len(records) / 3


def test_the_second_run_gives_the_same_records(shared_graph: Graph, first: Workflow, second: Workflow) -> None:
    assert shared_graph.stored(first, "final_jsonl") == shared_graph.stored(second, "final_jsonl")


def test_the_list_of_runs_says_whose_site_a_run_is_about_and_what_started_it(
    shared_graph: Graph, first: Workflow, site: DemoServer
) -> None:
    tags = next(iter(shared_graph.instance.get_runs())).tags

    assert first.trigger == "ui"
    assert (tags[SOURCE_URL_TAG], tags[TRIGGER_TAG]) == (site.url, "ui")


def test_every_check_passes_on_the_sample_site(first: Workflow) -> None:
    assert counts(first, "final_jsonl")["failed_checks"] == 0
    assert first.reason == ""


STORED = {
    "raw_activities", "activities", "images_map", "geocoded_map", "embedding_batch", "embeddings_map", "final_jsonl", "activity_diff",
    "imported_activities",
}  # fmt: skip
SHOWN = {"story", "problems", "seconds", "workflow_id", "source_url", "review_page"}
OF_FILES = {"uri", "bytes", "dagster/row_count", "dagster/size_bytes", "sha256", "ids_sha256", "preview", "file"}
OWN = {"images_map": "contact_sheet", "geocoded_map": "places", "final_jsonl": "checks", "workflow_cleanup": "removed"}


@pytest.mark.parametrize("asset", sorted({*STORED, "workflow_cleanup"}))
def test_each_materialization_tells_what_was_done_and_leads_to_the_pages(
    shared_graph: Graph, first: Workflow, asset: str
) -> None:
    metadata = materialization(shared_graph, asset, first)

    assert metadata.keys() >= SHOWN | (OF_FILES if asset in STORED else set())
    assert str(metadata["story"].value).endswith(".")
    assert metadata["review_page"].value == f"http://127.0.0.1:3003/review/{metadata['workflow_id'].value}"
    assert metadata.keys() >= {OWN[asset]} if asset in OWN else True
    if asset in STORED:
        assert "|" in str(metadata["preview"].value)
        assert isinstance(metadata["dagster/row_count"].value, int)
    assert first.status == "completed"


def test_the_pictures_are_shown_as_a_sheet_and_the_places_by_name(shared_graph: Graph, first: Workflow) -> None:
    sheet = str(materialization(shared_graph, "images_map", first)["contact_sheet"].value)
    found = str(materialization(shared_graph, "geocoded_map", first)["places"].value)

    assert first.status == "completed"
    assert sheet.count("](data:image/webp;base64,") == 24
    assert len(sheet) < SHEET_BYTES
    assert "Climbing Club for Kids" in found.splitlines()[2]


def test_a_problem_is_counted_by_its_code_where_it_came_up(shared_graph: Graph, first: Workflow) -> None:
    metadata = materialization(shared_graph, "raw_activities", first)

    assert first.status == "completed"
    assert metadata["problems_by_code"].value == {"http_404": 1, "jsonld_broken": 1}
    assert metadata["problems"].value == 2
    assert "`http_404`" in str(metadata["first_problems"].value)


def materialization(graph: Graph, asset: str, workflow: Workflow) -> Mapping[str, dg.MetadataValue[Any]]:
    records = graph.instance.fetch_materializations(dg.AssetKey(asset), limit=10).records
    shown = [record.asset_materialization.metadata for record in records if record.asset_materialization]
    return next(one for one in shown if one["workflow_id"].value == workflow.id)


def observations(graph: Graph, asset: str) -> list[dg.AssetObservation]:
    records = graph.instance.fetch_observations(dg.AssetKey(asset), limit=10).records
    return [record.asset_observation for record in records if record.asset_observation]


def test_without_auto_import_nothing_is_imported_and_everything_is_kept(graph: Graph, site: DemoServer) -> None:
    source = registered(graph, f"{site.url}sites/theatre-leeds/", auto_import=False)

    workflow = graph.run(source)

    assert workflow.status == "review"
    assert f"tripper import {workflow.id}" in workflow.reason
    (told,) = observations(graph, "imported_activities")
    assert (told.description, told.partition) == (workflow.reason, source.key)
    assert told.metadata["story"].value == workflow.reason
    assert told.metadata["review_page"].value == f"http://127.0.0.1:3003/review/{workflow.id}"
    assert current_activities(graph.catalog.database, source.key) == []
    assert all(file.deleted_at is None for file in workflow.files)


@pytest.mark.parametrize("job", ["import_source", pytest.param("scrape_source", marks=pytest.mark.long)])
def test_no_job_that_is_run_again_imports_without_a_decision(graph: Graph, site: DemoServer, job: str) -> None:
    source = registered(graph, f"{site.url}sites/theatre-leeds/", auto_import=False)
    workflow = graph.run(source)

    again = graph.run(source, job=job, workflow=workflow.id)

    assert again.status == "review"
    assert count_activities(graph.catalog.database)["current"] == 0


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
    for asset in INTERMEDIATES:
        (told,) = observations(graph, asset)
        assert (told.description, told.partition) == ("cleaned up", workflow.source_key)
        assert told.metadata["story"].value == (
            "Removed on 2026-03-15; the row of the file stays, and what was imported is in the catalog."
        )
    removed = str(materialization(graph, "workflow_cleanup", workflow)["removed"].value)
    assert all(asset.replace("_", "&#95;") in removed for asset in INTERMEDIATES)
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


@pytest.mark.long
def test_a_site_that_puts_a_wall_up_is_held_though_what_it_stated_before_is_carried_over(
    graph: Graph, loopback: LoopbackSite
) -> None:
    loopback.page("/", *(f"/event/{number}" for number in range(8)))
    for number in range(8):
        loopback.answer(f"/event/{number}", Answer(200, stated(f"Story time {number}"), HTML))
    port = loopback.port
    graph.definitions = build_definitions(
        {
            "settings": Settings(home=Path("/nowhere"), allow_private_addresses=(f"127.0.0.1:{port}",)),
            "catalog": graph.catalog,
            "objects": graph.objects,
            "geocoder": (graph.definitions.resources or {})["geocoder"],
            "clock": (graph.definitions.resources or {})["clock"],
        }
    )
    source = registered(graph, loopback.url("/"), require_review_above=1.0)
    before = graph.run(source)
    wall = b"<html><head><title>Just a moment...</title></head><body><form id=challenge-form action=/cdn-cgi/challenge></form></body></html>"
    for number in range(7):
        loopback.answer(f"/event/{number}", Answer(403, wall, HTML))

    after = graph.run(source)

    assert (before.status, after.status) == ("completed", "review")
    assert counts(after, "final_jsonl")["rows"] == 8
    assert counts(after, "final_jsonl")["held_by"] == ["yield_against_last_runs"]
    assert "7 pages were not to be read" in after.reason
    assert len(current_activities(graph.catalog.database, source.key)) == 8


@pytest.mark.usefixtures("no_waiting")
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
