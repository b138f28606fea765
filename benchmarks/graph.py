"""The sample site's first run and its unchanged rerun through Dagster in one process, beside the same stages called as plain functions.

The plain functions crawl, standardize, enrich, join, check, compare and import; they vote on no tags, and keep nothing between two stages. The peer of the
rerun is the same run with Dagster's own storage of its events, which opens a connection for each of its questions. The event log is what shows a run
and finds its files, so it stays.
"""

import asyncio
import itertools
import shutil
import statistics
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from benchmarks.figure import Figure, seconds, seconds_in_turns
from tripper_assets.catalog.activities import current_activities, import_snapshot
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.cli.demo import CONFIG, LOCATION
from tripper_assets.clients.crawler import crawl
from tripper_assets.clients.embeddings import collect_embeddings, submit_embeddings
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.geocoding import geocode_activities
from tripper_assets.clients.image_desk import Darkroom
from tripper_assets.clients.images import collect_images
from tripper_assets.clients.imaging_processes import ImageProcesses
from tripper_assets.clients.instant_batches import InstantBatches
from tripper_assets.clients.local_embedder import LocalEmbedder
from tripper_assets.clients.objects import Objects
from tripper_assets.definitions import build_definitions
from tripper_assets.demo.server import serve
from tripper_assets.domain.activities import Activity, RawActivity
from tripper_assets.domain.batches import Origin
from tripper_assets.domain.diff import diff_records
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImageRow, ImagesMap
from tripper_assets.domain.merge import merge
from tripper_assets.domain.pages import PageState
from tripper_assets.domain.quality import Expectations, LastImport, check_bundle
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.standardize import standardize
from tripper_assets.domain.workflows import Workflow
from tripper_assets.extract import extract_activities
from tripper_assets.partitions import SOURCES, WORKFLOW_TAG
from tripper_assets.resources import Catalog, catalog_on, http_client
from tripper_assets.settings import Settings

NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
PLAIN = "plain"
ROUNDS = 3
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def measure() -> list[Figure]:
    """Return the seconds of a first run, and of a rerun in which nothing changed."""
    # The index of towns is made once, in the round that is not counted: it belongs to an installation and to no run.
    with tempfile.TemporaryDirectory(prefix="tripper-bench-") as folder:
        towns = OfflineGeocoder(Path(folder))
        return [_figure("graph_first", *_first_runs(towns)), _figure("graph_rerun", *_reruns(towns))]


def _figure(name: str, ours: float, plain: float, other: float | None = None) -> Figure:
    peer = "Dagster's own storage of events" if other else ""
    return Figure(name, "s", "lower", ours, other, peer, plain, "the stages as plain functions")


def _first_runs(towns: OfflineGeocoder) -> list[float]:
    # As in seconds_in_turns, the first round is not counted: it loads the embedder's model, too.
    ways: tuple[Callable[[_Graph], None], ...] = (_Graph.run_first, _Graph.run_plainly)
    rounds = [[_first(way, towns) for way in ways] for _ in range(1 + ROUNDS)]
    return [statistics.median(mine) for mine in zip(*rounds[1:], strict=True)]


def _first(way: Callable[["_Graph"], None], towns: OfflineGeocoder) -> float:
    """Return the seconds of a run in a new home, whose catalog, caches and object store are empty."""
    with _graph(towns) as graph:
        return seconds(lambda: way(graph))


def _reruns(towns: OfflineGeocoder) -> list[float]:
    with _graph(towns) as graph, _graph(towns, is_kept=False) as other:
        graph.run_first()
        other.run_first()
        numbers = itertools.count()

        def rerun(graph: _Graph) -> None:
            graph.run(f"rerun-{next(numbers)}")

        return seconds_in_turns(lambda: rerun(graph), graph.run_plainly, lambda: rerun(other), rounds=ROUNDS)


@contextmanager
def _graph(towns: OfflineGeocoder, *, is_kept: bool = True) -> Generator["_Graph"]:
    # Not a TemporaryDirectory: root's PostgreSQL runs as another user, who must be able to reach it.
    home = Path(tempfile.mkdtemp(prefix="tripper-bench-"))
    server = EmbeddedPostgres(home)
    try:
        database = Database(server.ensure_started())
        database.upgrade()
        folder = home / "dagster"
        folder.mkdir()
        with serve(0, NOW.date()) as site, _instance(folder, is_kept=is_kept) as instance:
            yield _made(home, catalog_on(database, home), instance, site.url, towns)
        database.dispose()
    finally:
        server.stop()
        shutil.rmtree(home)


def _instance(folder: Path, *, is_kept: bool) -> dg.DagsterInstance:
    """Return an instance with the storage that homes have, which keeps its connections, or with Dagster's own."""
    overrides: dict[str, Any] = {"telemetry": {"enabled": False}}
    if is_kept:
        config = {
            "module": "tripper_assets.instance_storage",
            "class": "SqliteStorage",
            "config": {"base_dir": str(folder)},
        }
        overrides["storage"] = {"custom": config}
    return dg.DagsterInstance.local_temp(str(folder), overrides)


def _made(home: Path, catalog: Catalog, instance: dg.DagsterInstance, url: str, towns: OfflineGeocoder) -> "_Graph":
    catalog.sources.add_location(LOCATION)
    source = catalog.sources.add(make_source(url, CONFIG, location_id=LOCATION.id))
    catalog.workflows.start(_plain_workflow(source))
    instance.add_dynamic_partitions(SOURCES, [source.key])
    settings = Settings(home=home, demo_port=int(url.rstrip("/").rpartition(":")[2]))
    objects = Objects(settings.objects_url)
    return _Graph(source, settings, catalog, objects, instance, towns)


def _plain_workflow(source: Source) -> Workflow:
    """Return what the rows that the plain functions import belong to."""
    config = CONFIG.model_dump(mode="json")
    return Workflow(
        id=PLAIN, source_key=source.key, source_url=source.url, status="completed", config=config, created_at=NOW
    )


@dataclass(frozen=True)
class _Graph:
    """One source with all that its stages need, run in two ways."""

    source: Source
    settings: Settings
    catalog: Catalog
    objects: Objects
    instance: dg.DagsterInstance
    geocoder: OfflineGeocoder

    def run_first(self) -> None:
        """Take the source through the graph for the first time."""
        self.run("first")

    def run(self, workflow: str) -> None:
        """Do as `tripper run` does in its process, once everything is imported and open."""
        given: dict[str, object] = {"settings": self.settings, "catalog": self.catalog, "objects": self.objects}
        given |= {"geocoder": self.geocoder, "clock": dg.ResourceDefinition.hardcoded_resource(lambda: NOW)}
        job = build_definitions(given).resolve_job_def("run_source")
        tags = {WORKFLOW_TAG: workflow}
        job.execute_in_process(
            instance=self.instance, partition_key=self.source.key, tags=tags, run_config=QUIET, raise_on_error=True
        )
        found = self.catalog.workflows.get(workflow)
        if found is None or found.status != "completed":
            message = f"the run ended as {found and found.status}: its figure would say nothing"
            raise ValueError(message)

    def run_plainly(self) -> None:
        """Call one stage after another."""
        stated = asyncio.run(self._crawl())
        activities = standardize(stated, self.source, now=NOW).activities
        ids = ids_sha256(one.id for one in activities)
        images = ImagesMap(ids, asyncio.run(self._images(activities)))
        places, vectors = self._places(activities, ids), self._vectors(activities)
        records = merge(activities, images=images, places=places, embeddings=vectors).records
        held = current_activities(self.catalog.database, self.source.key)
        joined: dict[str, str | None] = {"images_map": ids, "geocoded_map": ids, "embeddings_map": vectors.ids_sha256}
        last = LastImport(frozenset(one["id"] for one in held)) if held else None
        check_bundle(records, Expectations(source_url=self.source.url, maps=joined, last=last, allowed_removals=0.3))
        diff_records(held, [one.dump() for one in records], before_name="catalog", after_name="plain")
        self._import(records, vectors)

    async def _crawl(self) -> list[RawActivity]:
        def read_page(body: bytes, url: str, content_type: str | None, now: datetime):  # noqa: ANN202 (see extract_activities)
            return extract_activities(body, url=url, content_type=content_type, now=now, timezone=CONFIG.timezone)

        async with http_client(self.settings, self.source) as client:
            known = self.catalog.pages.load(self.source.key)
            found = await crawl(self.source, client=client, known=known, read_page=read_page, clock=lambda: NOW)
        self.catalog.pages.save(self.source.key, [page for page in found.pages if isinstance(page, PageState)])
        return found.raw_activities

    async def _images(self, activities: tuple[Activity, ...]) -> tuple[ImageRow, ...]:
        known = self.catalog.images
        async with http_client(self.settings, self.source) as client, ImageProcesses() as processor:
            darkroom = Darkroom(self.objects, processor)
            rows, _ = await collect_images(activities, client=client, darkroom=darkroom, known=known, clock=lambda: NOW)
            return rows

    def _places(self, activities: tuple[Activity, ...], ids: str) -> GeocodedMap:
        cache, config = self.catalog.geocodes, self.source.config
        rows, _ = geocode_activities(
            activities, geocoder=self.geocoder, cache=cache, country_code=config.country_code, region=config.region
        )
        return GeocodedMap(ids, rows)

    def _vectors(self, activities: tuple[Activity, ...]) -> EmbeddingsMap:
        provider, cache = InstantBatches(LocalEmbedder(), self.objects), self.catalog.embeddings
        origin = Origin("benchmark", self.source.key, "embedding_batch", "embeddings")
        batch = submit_embeddings(activities, provider=provider, cache=cache, origin=origin)
        collected = collect_embeddings(batch, provider=provider, cache=cache)
        if collected is None:
            message = "the local batch is pending, which it never is"
            raise ValueError(message)
        return collected[0]

    def _import(self, records: tuple[Activity, ...], vectors: EmbeddingsMap) -> None:
        import_snapshot(
            self.catalog.database,
            source_key=self.source.key,
            records=records,
            vectors=vectors,
            workflow_id=PLAIN,
            bundle_sha256="0" * 64,
            at=NOW,
        )
