import shutil
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from tripper_assets.cleanup import cleaned_up
from tripper_assets.clients.objects import Objects, StoredObject
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import ImagesMap
from tripper_assets.domain.workflows import ImportSummary, WorkflowFile
from tripper_assets.io_managers import ObjectIOManager, Stored
from tripper_assets.partitions import WORKFLOW_TAG
from tripper_assets_tests.stored_world import (
    KEY,
    NOW,
    World,
    activity,
    pictures_of,
    sentence,
    yielding,
)


@pytest.fixture
def world() -> World:
    return World()


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


def test_the_clean_up_of_a_later_workflow_leaves_a_waiting_one_its_maps(world: World) -> None:
    world.store("activities", [activity("a")], tags={WORKFLOW_TAG: "waits"})
    world.store("images_map", pictures_of("a"), tags={WORKFLOW_TAG: "waits"})
    world.store("images_map", ImagesMap(ids_sha256(["a"]), ()), tags={WORKFLOW_TAG: "imported-since"})
    clean_up(world, "images_map")

    assert world.read(ImagesMap | None, "images_map", tags={WORKFLOW_TAG: "waits"}) == [pictures_of("a")]


def test_where_every_map_of_the_list_was_cleaned_up_the_newest_ones_day_is_told(world: World) -> None:
    world.store("activities", [activity("a")])
    for rows in (pictures_of("a"), ImagesMap(ids_sha256(["a"]), ())):
        world.store("images_map", rows)
        clean_up(world, "images_map")

    assert "cleaned up on 2026-05-03" in world.refusal(ImagesMap | None, "images_map")


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
