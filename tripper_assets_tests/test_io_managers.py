from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.domain.activities import Activity, Geocoding
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImagesMap, PlaceRow
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import ImportSummary, Workflow, WorkflowFile
from tripper_assets.formats import Bundle
from tripper_assets.io_managers import Stored, belonging, materializations
from tripper_assets.partitions import WORKFLOW_TAG, source_partitions, workflow_id
from tripper_assets.resources import catalog_on
from tripper_assets_tests.stored_world import KEY, NOW, OTHER_KEY, WORKFLOW, World, activity, pictures_of, yielding


@pytest.fixture
def world() -> World:
    return World()


# What is stored


def test_an_object_is_addressed_by_asset_source_workflow_run_and_hash(world: World) -> None:
    run_id = world.store("activities", [activity("a"), activity("b")], tags=WORKFLOW)

    stored = world.last("activities")

    assert stored.uri == f"memory:/activities/{KEY}/w1/{run_id}-{stored.sha256[:12]}.jsonl"
    assert stored.ids_sha256 == ids_sha256(["a", "b"])
    assert (stored.workflow_id, stored.run_id) == ("w1", run_id)
    assert [one.uri for one in world.objects.list()] == [stored.uri]


def test_a_materialization_shows_what_was_stored(world: World) -> None:
    result = world.run([yielding("activities", [activity("a"), activity("b")])])

    shown = {name: one.value for name, one in result.asset_materializations_for_node("activities")[0].metadata.items()}
    assert shown["dagster/row_count"] == 2
    assert shown["bytes"] == len(world.objects.get(str(shown["uri"]), sha256=str(shown["sha256"])))
    assert "| Theatre a | https://e.org/a |" in str(shown["preview"])
    assert shown["workflow_id"] == result.run_id


def test_an_asset_may_say_its_workflow_itself(world: World) -> None:
    @dg.asset(partitions_def=source_partitions)
    def activities(context: dg.AssetExecutionContext) -> list[Activity]:
        context.add_output_metadata({"workflow_id": workflow_id(context.run), "rows": 1})
        return [activity("a")]

    assert world.run([activities], tags=WORKFLOW).success
    assert world.last("activities").workflow_id == "w1"


def test_the_catalog_knows_each_file_of_a_workflow(world: World, database: Database, tmp_path: Path) -> None:
    world.catalog = catalog_on(database, tmp_path)
    source = make_source("https://town.example/")
    world.catalog.sources.add(source)
    world.catalog.workflows.start(
        Workflow(id="w1", source_key=source.key, source_url=source.url, status="running", config={}, created_at=NOW)
    )

    run_id = world.store("activities", [activity("a")], tags=WORKFLOW, partition=source.key)

    workflow, stored = world.catalog.workflows.get("w1"), world.last("activities", source.key)
    assert workflow is not None
    assert workflow.files == [
        WorkflowFile(
            asset="activities",
            run_id=run_id,
            uri=stored.uri,
            bytes=len(world.objects.get(stored.uri)),
            rows=1,
            sha256=stored.sha256,
            ids_sha256=ids_sha256(["a"]),
            created_at=NOW,
        )
    ]


def test_an_asset_that_yields_none_stores_nothing(world: World) -> None:
    world.store("images_map", None)

    assert materializations(world.instance, "images_map", KEY) == []
    assert list(world.objects.list()) == []


def test_a_value_that_cannot_be_stored_fails_the_step(world: World) -> None:
    result = world.run([yielding("activities", 42)])

    assert not result.success
    assert "A int cannot be stored" in str(result.failure_data_for_node("activities").error)  # pyright: ignore[reportOptionalMemberAccess]


def test_sources_do_not_see_each_other(world: World) -> None:
    world.store("raw_activities", [{"name": "Theatre"}])
    world.store("raw_activities", [{"name": "Zoo"}], partition=OTHER_KEY)

    assert world.read(list[dict], "raw_activities") == [[{"name": "Theatre"}]]
    assert world.read(list[dict], "raw_activities", partition=OTHER_KEY) == [[{"name": "Zoo"}]]


# What an annotation asks for


@pytest.mark.parametrize(
    ("wanted", "check"),
    [
        (list[Activity], lambda found: found == [activity("a"), activity("b")]),
        (Sequence[Activity], lambda found: found == [activity("a"), activity("b")]),
        (list[dict], lambda found: [one["id"] for one in found] == ["a", "b"]),
        (list, lambda found: [one["id"] for one in found] == ["a", "b"]),
        (Any, lambda found: [one["id"] for one in found] == ["a", "b"]),
        (
            pd.DataFrame,
            lambda found: isinstance(found, pd.DataFrame) and list(found["name"]) == ["Theatre a", "Theatre b"],
        ),
        (pd.DataFrame | None, lambda found: isinstance(found, pd.DataFrame) and len(found) == 2),
        (pa.Table, lambda found: isinstance(found, pa.Table) and found.column("id").to_pylist() == ["a", "b"]),
        (Bundle, lambda found: isinstance(found, Bundle) and [one.id for one in found.records] == ["a", "b"]),
    ],
)
def test_records_come_as_the_input_is_annotated(world: World, wanted: Any, check: Callable[[Any], bool]) -> None:
    world.store("activities", [activity("a"), activity("b")])

    (found,) = world.read(wanted, "activities")

    assert check(found)


def test_a_bundle_has_the_hash_of_the_stored_file(world: World) -> None:
    world.store("final_jsonl", [activity("a")])

    (found,) = world.read(Bundle, "final_jsonl")

    assert found.sha256 == world.last("final_jsonl").sha256


def test_maps_vectors_and_models_come_back(world: World) -> None:
    images, summary = pictures_of("a"), ImportSummary(lines=1)
    places = GeocodedMap(images.ids_sha256, (PlaceRow(activity_id="a", geocoding=Geocoding(status="not_found")),))
    vectors = EmbeddingsMap(images.ids_sha256, "minilm", ("a",), ("t",), np.ones((1, 3), dtype=np.float32))
    for name, value in {
        "activities": [activity("a")],
        "images_map": images,
        "geocoded_map": places,
        "embeddings_map": vectors,
        "imported_activities": summary,
    }.items():
        world.store(name, value)

    assert world.read(ImagesMap | None, "images_map") == [images]
    assert world.read(GeocodedMap, "geocoded_map") == [places]
    assert world.read(ImportSummary, "imported_activities") == [summary]
    (found,) = world.read(EmbeddingsMap, "embeddings_map")
    assert found.vectors.tolist() == [[1, 1, 1]]
    assert world.read(pd.DataFrame, "images_map")[0]["sourceUrl"].tolist() == ["https://e.org/a.jpg"]


# Which of several


def stored(run_id: str, workflow: str) -> Stored:
    return Stored("raw_activities", f"memory:/{run_id}", "", "", workflow, run_id, NOW)


@pytest.mark.parametrize(
    ("newest_first", "chosen"),
    [
        ([("r9", "w9"), ("r2", "w1"), ("r1", "w1")], "r1"),
        ([("r9", "w9"), ("r3", "w1"), ("r2", "w1")], "r3"),
        ([("r9", "w9"), ("r8", "w8")], "r9"),
        ([], None),
    ],
)
def test_the_own_runs_else_the_workflows_else_the_latest(
    newest_first: list[tuple[str, str]], chosen: str | None
) -> None:
    run = dg.DagsterRun(job_name="scrape_source", run_id="r1", tags=WORKFLOW)

    found = belonging([stored(*one) for one in newest_first], run)

    assert (found.run_id if found else None) == chosen


def test_a_run_reads_what_it_stored_itself_though_another_run_stored_later(world: World) -> None:
    seen: list[Any] = []

    @dg.asset(partitions_def=source_partitions)
    def raw_activities() -> list[dict[str, str]]:
        return [{"name": "Mine"}]

    @dg.asset(partitions_def=source_partitions, deps=[raw_activities])
    def meanwhile() -> None:
        world.store("raw_activities", [{"name": "Another run's"}])

    @dg.asset(partitions_def=source_partitions, deps=[meanwhile])
    def reader(raw_activities: list[dict[str, str]]) -> None:
        seen.extend(raw_activities)

    assert world.run([raw_activities, meanwhile, reader]).success
    assert seen == [{"name": "Mine"}]


def test_a_later_run_of_a_workflow_reads_the_workflows_own(world: World) -> None:
    world.store("raw_activities", [{"name": "Mine"}], tags=WORKFLOW)
    world.store("raw_activities", [{"name": "Newer"}], tags={WORKFLOW_TAG: "w2"})

    assert world.read(list[dict], "raw_activities", tags=WORKFLOW) == [[{"name": "Mine"}]]
    assert world.read(list[dict], "raw_activities") == [[{"name": "Newer"}]]


@pytest.mark.parametrize("name", ["images_map", "geocoded_map", "embeddings_map", "embedding_batch"])
def test_what_is_keyed_by_activity_is_read_only_with_the_list_that_it_was_made_from(world: World, name: str) -> None:
    world.store("activities", [activity("a")])
    world.store(name, pictures_of("a"))
    world.store(name, pictures_of("a", "b"))  # newer, of a list that nobody wants now

    assert world.read(ImagesMap | None, name)[0].ids_sha256 == ids_sha256(["a"])

    world.store("activities", [activity("c")])
    assert world.read(ImagesMap | None, name) == [None]


def test_the_newest_map_of_the_list_is_read(world: World) -> None:
    world.store("activities", [activity("a")])
    world.store("images_map", ImagesMap(ids_sha256(["a"]), ()))
    world.store("images_map", pictures_of("a"))

    assert world.read(ImagesMap | None, "images_map") == [pictures_of("a")]


@pytest.mark.parametrize("name", ["tag_batches", "embedding_batch"])
def test_a_workflow_waits_for_what_it_submitted_itself_whoever_submitted_later(world: World, name: str) -> None:
    own, others = ImagesMap(ids_sha256(["a"]), ()), pictures_of("a")
    world.store("activities", [activity("a")], tags=WORKFLOW)
    world.store(name, own, tags=WORKFLOW)
    world.store(name, others, tags={WORKFLOW_TAG: "w2"})

    assert world.read(ImagesMap, name, tags=WORKFLOW) == [own]
    assert world.read(ImagesMap, name, tags={WORKFLOW_TAG: "w3"}) == [others]


def test_the_anchor_is_the_workflows_own_list(world: World) -> None:
    world.store("activities", [activity("a")], tags=WORKFLOW)
    world.store("images_map", pictures_of("a"), tags=WORKFLOW)
    world.store("activities", [activity("b")], tags={WORKFLOW_TAG: "w2"})
    world.store("images_map", pictures_of("b"), tags={WORKFLOW_TAG: "w2"})

    assert world.read(ImagesMap, "images_map", tags=WORKFLOW) == [pictures_of("a")]
    assert world.read(ImagesMap, "images_map") == [pictures_of("b")]


def test_without_activities_there_is_nothing_to_join(world: World) -> None:
    world.store("images_map", pictures_of("a"))

    assert world.read(ImagesMap | None, "images_map") == [None]


@pytest.mark.parametrize("wanted", [ImagesMap | None, pd.DataFrame | None])
def test_an_absent_optional_input_is_none(world: World, wanted: Any) -> None:
    assert world.read(wanted, "images_map") == [None]
