import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.cleanup import cleaned_up
from tripper_assets.clients.objects import Objects, StoredObject
from tripper_assets.domain.activities import Activity, Geocoding
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImageRow, ImagesMap, PlaceRow
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import ImportSummary, Workflow, WorkflowFile
from tripper_assets.formats import Bundle
from tripper_assets.io_managers import ObjectIOManager, Stored, belonging, materializations
from tripper_assets.partitions import SOURCES, WORKFLOW_TAG, source_partitions, workflow_id
from tripper_assets.resources import Catalog, catalog_on

KEY = "town-example-01234567"
OTHER_KEY = "zoo-example-76543210"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
WORKFLOW = {WORKFLOW_TAG: "w1"}


def activity(one: str) -> Activity:
    return Activity(
        id=one,
        index=0,
        source_key=KEY,
        source_url="https://e.org/",
        url=f"https://e.org/{one}",
        type="Event",
        name=f"Theatre {one}",
    )


def pictures_of(*ids: str) -> ImagesMap:
    rows = tuple(ImageRow(activity_id=one, position=0, sourceUrl=f"https://e.org/{one}.jpg") for one in ids)
    return ImagesMap(ids_sha256(ids), rows)


class World:
    """One instance and one store: values are stored by runs and read by other runs, as Dagster does it."""

    def __init__(self, objects: Objects | None = None) -> None:
        self.objects = objects or Objects("memory://")
        self.instance = dg.DagsterInstance.ephemeral()
        self.catalog: Catalog | None = None

    def run(
        self,
        assets: Sequence[Any],
        *,
        tags: dict[str, str] | None = None,
        partition: str = KEY,
        select: Sequence[str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        self.instance.add_dynamic_partitions(SOURCES, [partition])
        io_manager = ObjectIOManager(self.objects, self.catalog, lambda: NOW)
        return dg.materialize(
            assets,
            instance=self.instance,
            partition_key=partition,
            tags=tags,
            selection=select,
            resources={"io_manager": io_manager},
            raise_on_error=False,
        )

    def store(self, name: str, value: Any, *, tags: dict[str, str] | None = None, partition: str = KEY) -> str:
        """Materialize an asset of this name that yields ``value``, and return the run's id."""
        result = self.run([yielding(name, value)], tags=tags, partition=partition)
        assert result.success
        return result.run_id

    def read(self, wanted: Any, *names: str, tags: dict[str, str] | None = None, partition: str = KEY) -> list[Any]:
        """Return what an asset gets whose inputs, of these names, are annotated with ``wanted``."""
        seen: list[Any] = []
        result = self.run(
            [*map(external, names), reading(seen, dict.fromkeys(names, wanted))],
            tags=tags,
            partition=partition,
            select=["reader"],
        )
        assert result.success, sentence(result)
        return seen

    def refusal(self, wanted: Any, name: str, *, partition: str = KEY) -> str:
        """Return the sentence that such a step fails with."""
        result = self.run([external(name), reading([], {name: wanted})], partition=partition, select=["reader"])
        assert not result.success
        return sentence(result)

    def last(self, name: str, partition: str = KEY) -> Stored:
        return materializations(self.instance, name, partition)[0]


def yielding(name: str, value: Any) -> dg.AssetsDefinition:
    @dg.asset(name=name, partitions_def=source_partitions)
    def made() -> Any:
        return value

    return made


def external(name: str) -> dg.AssetSpec:
    return dg.AssetSpec(name, partitions_def=source_partitions)


def reading(seen: list[Any], inputs: dict[str, Any]) -> dg.AssetsDefinition:
    def reader(**given: Any) -> None:
        seen.extend(given[name] for name in inputs)

    reader.__annotations__ = {**inputs, "return": None}
    ins = {name: dg.AssetIn(dagster_type=as_dagster_type(wanted)) for name, wanted in inputs.items()}
    return dg.asset(name="reader", ins=ins, partitions_def=source_partitions)(reader)


def as_dagster_type(annotation: Any) -> Any:
    """Return what Dagster itself makes of an annotated argument."""

    @dg.op
    def annotated(value: annotation) -> None:  # pyright: ignore[reportInvalidTypeForm]
        del value

    return annotated.input_defs[0].dagster_type


def sentence(result: dg.ExecuteInProcessResult) -> str:
    failed = next(event for event in result.all_events if event.is_step_failure)
    data = failed.step_failure_data
    assert data.user_failure_data is not None, data.error
    assert data.user_failure_data.description is not None
    return data.user_failure_data.description


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


def test_the_catalog_knows_each_file_of_a_workflow(world: World, database: Database) -> None:
    world.catalog = catalog_on(database)
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


# What cannot be read is explained in one sentence


def test_a_missing_input_names_what_to_materialize(world: World) -> None:
    assert world.refusal(list[Activity], "activities") == (
        f"There is no stored activities of {KEY} that belongs to this run; materialize activities first."
    )


def test_a_map_of_another_list_is_missing_where_one_is_needed(world: World) -> None:
    world.store("activities", [activity("a")])
    world.store("images_map", pictures_of("b"))

    assert world.refusal(ImagesMap, "images_map").endswith("materialize images_map first.")


def test_an_object_that_somebody_removed_is_missed_by_its_uri(world: World) -> None:
    world.store("raw_activities", [{"name": "Theatre"}])
    uri = world.last("raw_activities").uri
    world.objects.delete([uri])

    assert world.refusal(list[dict], "raw_activities") == (
        f"The object {uri} is not in the store; materialize the asset that stored it again."
    )
    assert "is not in the store" in world.refusal(list[dict] | None, "raw_activities")


def clean_up(world: World, name: str, *, of: Stored | None = None) -> None:
    """Remove an object and say so on its asset, as the workflow's clean-up does."""
    one = of or world.last(name)
    file = WorkflowFile(asset=name, run_id=one.run_id, uri=one.uri, bytes=1, rows=1, sha256=one.sha256, created_at=NOW)
    world.objects.delete([one.uri])
    world.instance.report_runless_asset_event(cleaned_up(file, KEY, datetime(2026, 5, 3, 4, 5, 6, tzinfo=UTC)))


def test_a_cleaned_up_input_tells_the_day_and_where_to_begin(world: World) -> None:
    world.store("raw_activities", [{"name": "Theatre"}])
    clean_up(world, "raw_activities")

    assert world.refusal(list[dict], "raw_activities") == (
        f"The stored raw activities of {KEY} were cleaned up on 2026-05-03; materialize raw_activities and what follows first."
    )


def test_the_clean_up_of_an_earlier_object_explains_no_other(world: World) -> None:
    world.store("raw_activities", [{"name": "Theatre"}])
    earlier = world.last("raw_activities")
    world.store("raw_activities", [{"name": "Zoo"}])
    clean_up(world, "raw_activities", of=earlier)
    assert world.read(list[dict], "raw_activities") == [[{"name": "Zoo"}]]

    world.objects.delete([world.last("raw_activities").uri])

    assert "is not in the store" in world.refusal(list[dict], "raw_activities")


def test_an_observation_of_something_else_is_no_clean_up(world: World) -> None:
    world.store("raw_activities", [{"name": "Theatre"}])
    world.instance.report_runless_asset_event(
        dg.AssetObservation(asset_key="raw_activities", partition=KEY, metadata={"deleted_at": "2026-05-03"})
    )
    world.objects.delete([world.last("raw_activities").uri])

    assert "is not in the store" in world.refusal(list[dict], "raw_activities")


def test_a_corrupt_object_is_never_read(tmp_path: Path) -> None:
    world = World(Objects(tmp_path.as_uri()))
    world.store("raw_activities", [{"name": "Theatre"}])
    file = next(tmp_path.rglob("*.jsonl"))
    flipped = bytearray(file.read_bytes())
    flipped[3] ^= 1
    file.write_bytes(flipped)

    refusal = world.refusal(list[dict], "raw_activities")

    assert refusal.startswith(
        f"Reading {world.last('raw_activities').uri} gave bytes whose SHA-256 is not the recorded "
    )
    assert refusal.endswith("materialize the asset that stored it again.")


def test_a_truncated_object_is_never_read(tmp_path: Path) -> None:
    world = World(Objects(tmp_path.as_uri()))
    world.store("activities", [activity("a"), activity("b")])
    file = next(tmp_path.rglob("*.jsonl"))
    file.write_bytes(file.read_bytes().split(b"\n")[0] + b"\n")  # whole lines, and one too few

    assert "SHA-256" in world.refusal(list[Activity], "activities")


def test_an_object_of_another_kind_than_wanted_is_explained(world: World) -> None:
    world.store("activities", [activity("a")])

    refusal = world.refusal(ImportSummary, "activities")

    assert refusal.startswith(f"Reading {world.last('activities').uri} as ")
    assert "\n" not in refusal


def test_an_object_of_another_store_is_explained(tmp_path: Path) -> None:
    world = World(Objects((tmp_path / "old").as_uri()))
    world.store("raw_activities", [{"name": "Theatre"}])
    world.objects = Objects((tmp_path / "new").as_uri())

    assert world.refusal(list[dict], "raw_activities").endswith("check TRIPPER_STORE_URL.")


@pytest.mark.parametrize(
    "partition",
    [
        "../../etc",
        "https://town.example/",
        "a,b-01234567",
        "a-01234567\n",
        "TOWN-01234567",
        "a/b-01234567",
        "x" * 300,
        "[a]-01234567",
    ],
)
def test_a_hostile_partition_key_reaches_no_store(world: World, partition: str) -> None:
    stored_refusal = sentence(world.run([yielding("raw_activities", [])], partition=partition))
    read_refusal = world.refusal(list[dict], "raw_activities", partition=partition)

    assert list(world.objects.list()) == []
    for refusal in (stored_refusal, read_refusal):
        assert refusal == (
            f"The partition {partition[:80]!r} is no source key; register the source with `tripper sources add URL`."
        )


@pytest.mark.parametrize("workflow", ["../../w1", "w 1", "w1/x/../.."])
def test_a_hostile_workflow_id_reaches_no_store(world: World, workflow: str) -> None:
    refusal = sentence(world.run([yielding("raw_activities", [])], tags={WORKFLOW_TAG: workflow}))

    assert "is refused: a key is made of letters, digits" in refusal
    assert list(world.objects.list()) == []


def test_an_asset_without_a_source_says_how_it_gets_one(world: World) -> None:
    @dg.asset
    def lonely() -> list[dict[str, str]]:
        return []

    io_manager = ObjectIOManager(world.objects, None, lambda: NOW)
    result = dg.materialize(
        [lonely], instance=world.instance, resources={"io_manager": io_manager}, raise_on_error=False
    )

    assert "lonely was launched without a source; give its assets partitions_def=source_partitions" in sentence(result)


# A store that is down for a while


class ShakyObjects(Objects):
    """Memory that does not answer the first calls."""

    def __init__(self, failures: int) -> None:
        super().__init__("memory://")
        self.failures = failures

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise TransientError("The store is down; try again.", retry_after_seconds=0)

    def put(self, key: str, data: bytes) -> StoredObject:
        self._fail()
        return super().put(key, data)

    def get(self, uri: str, *, sha256: str | None = None) -> bytes:
        self._fail()
        return super().get(uri, sha256=sha256)


def test_a_store_that_comes_back_fails_no_run() -> None:
    objects = ShakyObjects(failures=2)
    world = World(objects)

    world.store("raw_activities", [{"name": "Theatre"}])
    objects.failures = 2

    assert world.read(list[dict], "raw_activities") == [[{"name": "Theatre"}]]


def test_a_store_that_stays_down_fails_the_run_with_its_sentence() -> None:
    objects = ShakyObjects(failures=99)
    world = World(objects)

    assert sentence(world.run([yielding("raw_activities", [])])) == "The store is down; try again."
    objects.failures = 0
    world.store("raw_activities", [])
    objects.failures = 99
    assert world.refusal(list[dict], "raw_activities") == "The store is down; try again."


def test_a_folder_that_vanished_says_what_is_missing(tmp_path: Path) -> None:
    world = World(Objects((tmp_path / "store").as_uri()))
    world.store("raw_activities", [{"name": "Theatre"}])
    shutil.rmtree(tmp_path / "store")

    assert "is not in the store; materialize" in world.refusal(list[dict], "raw_activities")
