"""What nothing refers to goes, and nothing else: whatever waits for a person, a provider or a retry, or may be another catalog's, stays."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.submissions import Submissions
from tripper_assets.clients.image_desk import media_key
from tripper_assets.clients.objects import Objects, StoredObject
from tripper_assets.domain.activities import Activity, ImageObject, Thumbnail
from tripper_assets.domain.batches import Origin, Submission
from tripper_assets.domain.claims import Claim
from tripper_assets.domain.identity import activity_id, ids_sha256
from tripper_assets.domain.images import KnownImage
from tripper_assets.domain.maps import ImageRow, ImagesMap
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow, WorkflowFile, WorkflowStatus
from tripper_assets.formats import encode
from tripper_assets.orphans import Orphans, sweep_orphans
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets_tests.seaweed import BUCKET, credentials

ZOO = make_source("https://zoo.example/")
RUN = "0b1d2f3a-0000-4000-8000-123456789abc"
DAY = timedelta(days=1)
NOW = datetime.now(UTC)
"""The store's own clock, which cannot be moved: the sweeps are made later."""


@dataclass
class World:
    """A catalog and a store in which a test leaves things behind."""

    catalog: Catalog
    objects: Objects

    def workflow(self, name: str, status: WorkflowStatus = "completed") -> None:
        started = Workflow(id=name, source_key=ZOO.key, source_url=ZOO.url, status="running", config={}, created_at=NOW)
        self.catalog.workflows.start(started)
        self.catalog.workflows.set_status(name, status, at=NOW)

    def store(
        self, workflow: str, asset: str = "raw_activities", data: bytes = b"lines", extension: str = "jsonl"
    ) -> StoredObject:
        digest = hashlib.sha256(data).hexdigest()[:12]
        return self.objects.put(f"{asset}/{ZOO.key}/{workflow}/{RUN}-{digest}.{extension}", data)

    def note(self, workflow: str, stored: StoredObject) -> None:
        file = WorkflowFile(
            asset=stored.key.split("/")[0], run_id=RUN, uri=stored.uri, bytes=stored.bytes, rows=1, sha256=stored.sha256,
            created_at=NOW,
        )  # fmt: skip
        self.catalog.workflows.add_file(workflow, file)

    def picture(self, name: str) -> str:
        """Store a picture and return its SHA-256."""
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        self.objects.put(media_key(sha256), name.encode())
        return sha256

    def known(self, sha256: str, small: str | None = None) -> None:
        """Write down that a page shows a picture."""
        image = KnownImage(
            sourceUrl=f"https://zoo.example/{sha256[:4]}.jpg", status="stored", sha256=sha256, checked_at=NOW,
            thumbnail=self.thumbnail(small) if small else None,
        )  # fmt: skip
        self.catalog.images.save([image])

    def thumbnail(self, sha256: str) -> Thumbnail:
        return Thumbnail(contentUrl=self.objects.uri(media_key(sha256)), sha256=sha256, width=3, height=2)

    def activity(self, sha256: str, small: str) -> Activity:
        image = ImageObject(
            contentUrl=self.objects.uri(media_key(sha256)), sha256=sha256, width=9, height=6, encodingFormat="image/webp",
            sourceUrl="https://zoo.example/old.jpg", thumbnail=self.thumbnail(small),
        )  # fmt: skip
        return Activity(
            id=activity_id(ZOO.key, "url:fair"), index=0, source_key=ZOO.key, source_url=ZOO.url, url=ZOO.url, type="Event",
            name="Fair", image=(image,), content_sha256="f" * 64,
        )  # fmt: skip

    def sweep(self, days: int = 8, **options: bool) -> Orphans:
        return sweep_orphans(self.catalog, self.objects, now=NOW + days * DAY, **options)

    def there(self, keys: Sequence[str]) -> list[bool]:
        return [self.objects.exists(key) for key in keys]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(ZOO)
    return World(catalog, Objects("memory://"))


def claim(workflow: str) -> Claim:
    return Claim(
        source_key=ZOO.key, run_id=RUN, workflow_id=workflow, host="here", pid=1, process_started=0.0, claimed_at=NOW
    )


def test_what_a_killed_run_stored_and_never_wrote_down_goes_after_a_week(world: World) -> None:
    world.workflow("w1", "failed")
    lost, noted = world.store("w1", data=b"lost"), world.store("w1", data=b"noted")
    world.note("w1", noted)

    early, dry = world.sweep(days=6), world.sweep(dry_run=True)
    after_looking = world.there([lost.key, noted.key])
    swept = world.sweep()

    assert (early.files, dry.files, dry.bytes, after_looking) == (0, 1, 4, [True, True])
    assert (swept, world.there([lost.key, noted.key])) == (Orphans(files=1, bytes=4), [False, True])


@pytest.mark.parametrize("status", ["queued", "running", "waiting"])
def test_a_workflow_that_goes_on_keeps_what_it_has_not_written_down_yet(world: World, status: WorkflowStatus) -> None:
    world.catalog.workflows.start(
        Workflow(id="w1", source_key=ZOO.key, source_url=ZOO.url, status=status, config={}, created_at=NOW)
    )
    stored = world.store("w1")

    assert (world.sweep(), world.there([stored.key])) == (Orphans(), [True])


def test_a_claimed_workflow_keeps_everything_too(world: World) -> None:
    world.workflow("w1", "failed")
    stored = world.store("w1")
    world.catalog.claims.take(claim("w1"))

    assert (world.sweep().files, world.there([stored.key])) == (0, [True])


def test_an_object_that_stands_again_after_its_clean_up_goes(world: World) -> None:
    world.workflow("w1")
    stored = world.store("w1")
    world.note("w1", stored)
    world.catalog.workflows.mark_deleted("w1", [stored.uri], NOW)

    assert (world.sweep().files, world.there([stored.key])) == (1, [False])


def test_files_of_unknown_workflows_go_on_a_persons_word_alone_and_pictures_stay_beside_them(world: World) -> None:
    stranger, theirs = world.store("stranger"), world.picture("theirs")

    swept, after = world.sweep(), world.there([stranger.key, media_key(theirs)])
    told = world.sweep(unknown=True)

    assert (swept, after) == (Orphans(unknown_files=1, unknown_workflows=1), [True, True])
    assert (told.files, told.pictures, world.there([stranger.key, media_key(theirs)])) == (1, 1, [False, False])


def test_what_others_put_into_the_store_is_never_touched(world: World) -> None:
    keys = ["readme.txt", "backups/monday/base.tar", "final_jsonl/notes.txt", "media/cover.webp"]
    for key in keys:
        world.objects.put(key, b"mine")

    assert (world.sweep(unknown=True), world.there(keys)) == (Orphans(), [True] * 4)


def test_pictures_that_a_page_shows_or_an_activity_has_stay_with_their_small_variants(world: World) -> None:
    shown, small, had, had_small, superfluous = map(
        world.picture, ("shown", "small", "had", "had small", "superfluous")
    )
    world.known(shown, small)
    world.workflow("w1", "running")
    record = world.activity(had, had_small)
    import_snapshot(
        world.catalog.database,
        source_key=ZOO.key,
        records=[record],
        vectors=None,
        workflow_id="w1",
        bundle_sha256="x",
        at=NOW,
    )

    swept = world.sweep()

    assert (swept.pictures, swept.bytes) == (1, len("superfluous"))
    assert world.there([media_key(one) for one in (shown, small, had, had_small, superfluous)]) == [True] * 4 + [False]


def test_pictures_of_a_bundle_or_a_map_that_waits_for_a_person_stay(world: World) -> None:
    world.workflow("w1", "review")
    of_bundle, small, of_map = map(world.picture, ("bundle", "small", "map"))
    record = world.activity(of_bundle, small)
    bundle = encode([record])
    row = ImageRow(activity_id=record.id, position=0, sourceUrl="https://zoo.example/1.jpg", sha256=of_map)
    pictures = encode(ImagesMap(ids_sha256([record.id]), (row,)))
    for asset, value in (("final_jsonl", bundle), ("images_map", pictures)):
        world.note("w1", world.store("w1", asset, value.data, value.extension))
    broken = world.store("w1", "images_map", b"broken", "parquet")
    world.note("w1", broken)

    swept = world.sweep()

    assert (swept.pictures, swept.damaged_bundles) == (0, 1)
    assert world.there([media_key(one) for one in (of_bundle, small, of_map)]) == [True] * 3


def test_pictures_are_left_alone_while_a_run_may_find_one_of_them_again(world: World) -> None:
    picture = world.picture("superfluous")
    world.catalog.claims.take(claim("w1"))
    while_busy = world.sweep()
    world.catalog.claims.release(RUN)

    at_rest = world.sweep()

    assert (while_busy.pictures, while_busy.is_busy) == (0, True)
    assert (at_rest.pictures, at_rest.is_busy, world.there([media_key(picture)])) == (1, False, [False])


def test_requests_stay_while_a_batch_waits_for_them_and_results_for_a_month(world: World) -> None:
    world.workflow("w1")
    waiting, collected, results = (
        f"batches/a-{'0' * 12}.jsonl.zst",
        f"batches/b-{'0' * 12}.jsonl.zst",
        f"batches/{'0f' * 16}.parquet",
    )
    for key in (waiting, collected, results):
        world.objects.put(key, b"x")
    submission = Submission(
        id="a" * 32, batch_id="b", provider="openai", model="m", origin=Origin("w1", ZOO.key, "embedding_batch", "embeddings"),
        requests_uri=world.objects.uri(waiting), requests=1, tokens=1, intended_at=NOW,
    )  # fmt: skip
    Submissions(world.catalog.database).open([submission], deadline_at=NOW + DAY)

    after_a_week = (world.sweep().batches, world.there([waiting, collected, results]))
    after_a_month = (world.sweep(days=31).batches, world.there([waiting, results]))

    assert after_a_week == (1, [True, False, True])
    assert after_a_month == (1, [True, False])


def test_a_bucket_is_swept_as_a_folder_is_below_its_prefix_alone(
    world: World, seaweed: str, aws: pytest.MonkeyPatch
) -> None:
    for name, value in credentials(seaweed).items():
        aws.setenv(name, value)
    beside = Objects(f"s3://{BUCKET}/beside-orphans").put(f"media/ab/{'ab' * 32}.webp", b"theirs")
    world.objects = Objects(f"s3://{BUCKET}/orphans")
    world.workflow("w1")
    lost = [world.store("w1", data=f"lost {number}".encode()) for number in range(20)]
    kept, picture = world.store("w1", data=b"kept"), world.picture("superfluous")
    world.note("w1", kept)

    swept = world.sweep()

    assert (swept.files, swept.pictures) == (20, 1)
    assert world.there([kept.key, media_key(picture), lost[0].key]) == [True, False, False]
    assert Objects(f"s3://{BUCKET}/beside-orphans").exists(beside.key)
