"""A workflow that reads the pages of another one again: the same records, no question to anybody, and the newer reader's word."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import text

from tripper_assets.assets import activities as scraping
from tripper_assets.clients.manifests import manifest_of, read_manifest
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.snapshots import body_key
from tripper_assets.clients.sweep import sweep_bodies
from tripper_assets.definitions import build_definitions
from tripper_assets.demo.server import DemoServer, serve
from tripper_assets.domain import revisits
from tripper_assets.domain.activities import Extraction
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery
from tripper_assets.domain.snapshots import PageSnapshot
from tripper_assets.domain.workflows import Workflow
from tripper_assets.partitions import KEEP_FILES_TAG, REPLAY_TAG
from tripper_assets_tests.conftest import FreshDatabases
from tripper_assets_tests.graph_world import NOW, Graph, Pending, counts, graph, new_graph, registered

__all__ = ["graph"]  # a fixture
KEEP = {KEEP_FILES_TAG: "1"}
THEATRE = "sites/theatre-leeds/"


@pytest.fixture(scope="module")
def site() -> Generator[DemoServer]:
    with serve(0, NOW.date()) as server:
        yield server


@pytest.fixture(scope="module")
def world(
    fresh_databases: FreshDatabases, gazetteer: Path, tmp_path_factory: pytest.TempPathFactory, site: DemoServer
) -> Generator[Graph]:
    with new_graph(fresh_databases, gazetteer, tmp_path_factory.mktemp("replay"), site) as graph:
        yield graph


@pytest.fixture(scope="module")
def first(world: Graph, site: DemoServer) -> Workflow:
    return world.run(registered(world, site.url), **KEEP)


def rows(graph: Graph, table: str) -> list[tuple[Any, ...]]:
    with graph.catalog.database.connection() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT xmin::text, * FROM tripper.{table} ORDER BY 3"))]  # noqa: S608 (our own name)


@pytest.fixture(scope="module")
def before(world: Graph, first: Workflow, site: DemoServer) -> list[tuple[Any, ...]]:
    assert first.status == "completed"
    site.answers.clear()
    return rows(world, "pages") + rows(world, "page_snapshots")


@pytest.fixture(scope="module")
def again(world: Graph, first: Workflow, site: DemoServer, before: list[tuple[Any, ...]]) -> Workflow:
    assert before
    return replayed(world, site, first, "", **KEEP)


def replayed(graph: Graph, site: DemoServer, workflow: Workflow, path: str = THEATRE, **tags: str) -> Workflow:
    return graph.run(registered(graph, f"{site.url}{path}"), **{REPLAY_TAG: workflow.id, **tags})


def manifest(graph: Graph, workflow: Workflow) -> list[PageSnapshot]:
    return list(read_manifest(graph.objects, manifest_of(workflow).uri))


def test_the_manifest_names_every_page_of_the_result_in_the_order_of_urls(world: Graph, first: Workflow) -> None:
    lines = manifest(world, first)

    assert len(lines) == counts(first, "raw_activities")["pages"] == manifest_of(first).rows
    assert [one.url for one in lines] == sorted({one.url for one in lines})
    assert all(world.objects.exists(body_key(one.body_sha256)) and one.body_bytes > 0 for one in lines)
    assert all(one.headers["content-type"] for one in lines)


def test_a_replay_gives_the_same_records_and_asks_nobody(
    world: Graph, first: Workflow, again: Workflow, site: DemoServer
) -> None:
    assert site.answers.total() == 0
    assert (again.replay_of, again.status) == (first.id, "completed")
    for asset in ("raw_activities", "activities", "final_jsonl"):
        assert world.stored(again, asset) == world.stored(first, asset)
    assert counts(again, "raw_activities")["unchanged"] == {"replayed": len(manifest(world, first))}
    assert [counts(again, asset)["fetched"] for asset in ("raw_activities", "images_map", "geocoded_map")] == [0, 0, 0]
    # What the pages have, and not what the site answered for those that it lacks.
    assert counts(again, "raw_activities")["problems_by_code"] == {"jsonld_broken": 1}


def test_a_replay_touches_neither_page_states_nor_snapshots(
    world: Graph, again: Workflow, before: list[tuple[Any, ...]]
) -> None:
    assert again.status == "completed"
    assert rows(world, "pages") + rows(world, "page_snapshots") == before


def test_unchanged_pages_are_in_the_manifest_of_the_next_crawl_as_in_the_first(
    world: Graph, first: Workflow, again: Workflow, site: DemoServer
) -> None:
    assert again.status == "completed"

    second = world.run(registered(world, site.url), **KEEP)

    assert counts(second, "raw_activities")["fetched"] == 0
    assert manifest(world, second) == manifest(world, first)


@pytest.fixture
def crawled(graph: Graph, site: DemoServer) -> Workflow:
    return graph.run(registered(graph, f"{site.url}{THEATRE}"), **KEEP)


@pytest.fixture
def newer_reader(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets a newer version of the reader count from now on, which writes names in capitals."""

    def read(body: bytes, **options: Any) -> Extraction:
        found = extract(body, **options)
        loud = [one.model_copy(update={"name": one.name.upper()}) for one in found.activities]
        return found.model_copy(update={"activities": loud})

    extract = scraping.extract_activities

    def install() -> None:
        monkeypatch.setattr(scraping, "extract_activities", read)
        monkeypatch.setattr(revisits, "EXTRACTION_VERSION", "newer")

    return install


def names(graph: Graph, workflow: Workflow) -> set[str]:
    return {one["name"] for one in graph.stored(workflow, "activities")}


def test_a_newer_reader_reads_unchanged_pages_from_their_kept_bodies(
    graph: Graph, site: DemoServer, crawled: Workflow, newer_reader: Callable[[], None]
) -> None:
    newer_reader()

    second = graph.run(registered(graph, f"{site.url}{THEATRE}"), **KEEP)

    assert names(graph, second) == {name.upper() for name in names(graph, crawled)}
    assert counts(second, "raw_activities")["fetched"] == 0
    assert counts(second, "raw_activities")["reused"] == counts(crawled, "raw_activities")["fetched"]


def test_a_newer_reader_fetches_a_page_whose_kept_body_is_gone_and_keeps_it_again(
    graph: Graph, site: DemoServer, crawled: Workflow, newer_reader: Callable[[], None]
) -> None:
    lost = manifest(graph, crawled)[0]
    graph.objects.delete([graph.objects.uri(body_key(lost.body_sha256))])
    newer_reader()

    second = graph.run(registered(graph, f"{site.url}{THEATRE}"), **KEEP)

    assert names(graph, second) == {name.upper() for name in names(graph, crawled)}
    assert counts(second, "raw_activities")["fetched"] == 1
    assert graph.objects.exists(body_key(lost.body_sha256))


def test_a_replay_is_read_by_the_newer_reader(
    graph: Graph, site: DemoServer, crawled: Workflow, newer_reader: Callable[[], None]
) -> None:
    newer_reader()
    site.answers.clear()

    again = replayed(graph, site, crawled, **KEEP)

    assert names(graph, again) == {name.upper() for name in names(graph, crawled)}
    assert site.answers.total() == 0


def test_a_page_whose_body_is_gone_states_nothing_and_says_so(
    graph: Graph, site: DemoServer, crawled: Workflow
) -> None:
    lines = manifest(graph, crawled)
    pages = {one["page"] for one in graph.stored(crawled, "raw_activities")}
    lost = next(one for one in lines if one.url in pages)
    graph.objects.delete([graph.objects.uri(body_key(lost.body_sha256))])

    again = replayed(graph, site, crawled, **KEEP)

    stated = graph.stored(again, "raw_activities")
    assert stated == [one for one in graph.stored(crawled, "raw_activities") if one["page"] != lost.url]
    assert counts(again, "raw_activities")["failures"] == {"snapshot_missing": 1}
    assert counts(again, "raw_activities")["problems_by_code"]["snapshot_missing"] == 1
    assert counts(again, "raw_activities")["pages"] == len(lines) - 1


def test_without_any_body_a_replay_fails_with_one_sentence(graph: Graph, site: DemoServer, crawled: Workflow) -> None:
    lines = manifest(graph, crawled)
    graph.objects.delete([graph.objects.uri(body_key(one.body_sha256)) for one in lines])

    again = replayed(graph, site, crawled)

    assert again.status == "failed"
    assert again.reason == (
        f"raw_activities: Replaying the workflow {crawled.id} found none of its {len(lines)} page bodies, which were removed or "
        "never kept; run its source again."
    )


@pytest.mark.parametrize("other", ["nobody", "another source's"])
def test_what_cannot_be_replayed_fails_with_one_sentence(graph: Graph, site: DemoServer, other: str) -> None:
    name = graph.run(registered(graph, f"{site.url}sites/bibliotheque-lyon/")).id if other != "nobody" else other

    again = replayed(graph, site, Workflow.model_construct(id=name))

    assert again.status == "failed"
    assert again.reason.startswith(f"raw_activities: The workflow {name} cannot be replayed, for ")


def test_a_retried_replay_stays_one(graph: Graph, site: DemoServer, crawled: Workflow) -> None:
    again = replayed(graph, site, crawled, **KEEP)
    site.answers.clear()

    retried = graph.run(registered(graph, f"{site.url}{THEATRE}"), workflow=again.id, **KEEP)

    assert retried.id == again.id
    assert site.answers.total() == 0
    assert graph.stored(retried, "final_jsonl") == graph.stored(crawled, "final_jsonl")


def test_a_picture_that_was_never_stored_is_missing_and_says_so(
    graph: Graph, site: DemoServer, crawled: Workflow
) -> None:
    with graph.catalog.database.connection() as connection:
        known = list(connection.scalars(text("SELECT source_url FROM tripper.media WHERE status = 'stored'")))
        connection.execute(text("DELETE FROM tripper.activity_media"))
        connection.execute(text("DELETE FROM tripper.media"))
    site.answers.clear()

    again = replayed(graph, site, crawled, **KEEP)

    assert known
    assert site.answers.total() == 0
    assert counts(again, "images_map")["problems_by_code"] == {"not_fetched_in_replay": len(known)}
    assert not any(one.get("image") for one in graph.stored(again, "final_jsonl"))


class Asked:
    """A geocoder of somebody else's."""

    provider = "remote"
    is_free = False
    steps = ()
    keep_days = None

    def turn(self) -> AbstractContextManager[None]:
        raise AssertionError

    def geocode(self, query: PlaceQuery) -> GeocodeAnswer:
        raise AssertionError(query)


def test_a_replay_asks_no_geocoder_and_no_embedder_of_somebody_else(
    graph: Graph, site: DemoServer, crawled: Workflow
) -> None:
    provider, others = Pending(), dict(graph.definitions.resources or {})
    asked = dg.ResourceDefinition.hardcoded_resource(Asked())
    graph.definitions = build_definitions({**others, "embedding_provider": provider, "geocoder": asked})

    again = replayed(graph, site, crawled, **KEEP)

    located = {one["geocoding"]["status"] for one in graph.stored(again, "final_jsonl")}
    assert again.status in {"completed", "review"}
    assert provider.texts == {}
    assert located == {"deferred"}
    assert counts(again, "geocoded_map")["queries"] == 0
    assert counts(again, "embeddings_map")["problems_by_code"] == {"embedding_missing": 5}


class Killed(BaseException):
    """The end of a process, as far as a test in the same one can have it."""


@pytest.mark.parametrize("after", [pytest.param(1, marks=pytest.mark.long), 2, pytest.param(4, marks=pytest.mark.long)])
def test_a_kill_between_a_body_and_its_row_leaves_nothing_that_the_next_crawl_lacks(
    graph: Graph, site: DemoServer, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    kept = 0

    def kill(_: object, snapshot: PageSnapshot) -> None:
        nonlocal kept
        assert graph.objects.exists(body_key(snapshot.body_sha256))
        kept += 1
        if kept == after:
            raise Killed

    source = registered(graph, f"{site.url}{THEATRE}")
    with monkeypatch.context() as patch:
        patch.setattr("tripper_assets.assets.crawling.PageSaver.keep", kill)
        patch.setattr("tripper_assets.assets.crawling.PageSaver.flush", lambda _: None)
        killed = graph.run(source, **KEEP)

    crawled = graph.run(source, workflow="after-the-kill", **KEEP)
    again = replayed(graph, site, crawled, **KEEP)

    assert killed.status == "failed"
    assert all(graph.objects.exists(body_key(one.body_sha256)) for one in manifest(graph, crawled))
    assert len(rows(graph, "page_snapshots")) == len(manifest(graph, crawled))
    assert graph.stored(again, "final_jsonl") == graph.stored(crawled, "final_jsonl")


def test_a_crawl_whose_snapshots_cannot_be_stored_is_good_and_says_so(
    graph: Graph, site: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, create = Objects.put, Objects.create

    def put_or_not(objects: Objects, key: str, data: bytes) -> Any:
        _refuse(key)
        return put(objects, key, data)

    def create_or_not(objects: Objects, key: str, data: bytes) -> bool:
        _refuse(key)
        return create(objects, key, data)

    with monkeypatch.context() as patch:
        patch.setattr(Objects, "put", put_or_not)
        patch.setattr(Objects, "create", create_or_not)
        crawled = graph.run(registered(graph, f"{site.url}{THEATRE}"), **KEEP)

    assert crawled.status == "completed"
    assert counts(crawled, "raw_activities")["problems_by_code"] == {"manifest_not_kept": 1, "snapshot_not_kept": 1}
    assert rows(graph, "page_snapshots") == []
    assert replayed(graph, site, crawled).reason.startswith(
        f"raw_activities: The workflow {crawled.id} cannot be replayed, for it stored no list of its pages"
    )


def _refuse(key: str) -> None:
    if key.startswith(("snapshots/", "page_manifest/")):
        raise TransientError("The store does not answer.")


def test_a_sweep_removes_nothing_of_a_fresh_workflow_and_all_of_one_that_is_gone(
    graph: Graph, crawled: Workflow
) -> None:
    snapshots, days = graph.catalog.snapshots, timedelta(days=3)
    lines = manifest(graph, crawled)
    real_now = max(one.modified_at for one in graph.objects.list("snapshots") if one.modified_at)

    kept = sweep_bodies(snapshots, graph.objects, now=real_now + days)
    with graph.catalog.database.connection() as connection:
        connection.execute(text("UPDATE tripper.pages SET gone_at = now()"))
    by_manifest = sweep_bodies(snapshots, graph.objects, now=real_now + days)
    graph.objects.delete([manifest_of(crawled).uri])
    too_young = sweep_bodies(snapshots, graph.objects, now=real_now)
    tried = sweep_bodies(snapshots, graph.objects, now=real_now + days, dry_run=True)
    gone = sweep_bodies(snapshots, graph.objects, now=real_now + days)

    bodies = len({one.body_sha256 for one in lines})
    assert [kept.bodies, by_manifest.bodies, too_young.bodies, tried.bodies, gone.bodies] == [0, 0, 0, bodies, bodies]
    assert (list(graph.objects.list("snapshots")), rows(graph, "page_snapshots")) == ([], [])
    assert gone.bytes == tried.bytes > 0
