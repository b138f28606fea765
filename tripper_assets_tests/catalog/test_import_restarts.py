"""A server that goes away at any moment of an import: readers see the old rows or the new ones, and a retry ends it exactly."""

import random
import shutil
import tempfile
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tripper_assets.catalog import activities
from tripper_assets.catalog.activities import current_activities
from tripper_assets.catalog.activity_media import MediaWriter
from tripper_assets.catalog.activity_vectors import VectorWriter
from tripper_assets.catalog.activity_writes import Writing
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.activities import Activity, ImageObject
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.sources import make_source
from tripper_assets_tests.catalog.conftest import Site
from tripper_assets_tests.conftest import FAST

SHORT, LONG = range(3), range(3, 20)
SEEDS = [*SHORT, *(pytest.param(seed, marks=pytest.mark.long) for seed in LONG)]
PICTURE = ImageObject(sourceUrl="https://zoo.example/a.jpg", contentUrl="file:///a.webp", sha256="a" * 64)


@pytest.fixture(scope="module")
def server(homes: str | None) -> Generator[EmbeddedPostgres]:
    """A server that these tests alone stop."""
    home = Path(tempfile.mkdtemp(prefix="tripper-restarts-", dir=homes))
    server = EmbeddedPostgres(home, settings=FAST)
    try:
        database = Database(server.ensure_started())
        database.upgrade()
        database.dispose()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)


@pytest.fixture
def stopped(server: EmbeddedPostgres) -> Generator[Database]:
    """The catalog of that server."""
    database = Database(server.ensure_started())
    yield database
    database.dispose()


class Moments:
    """Counts the moments of an import at which something is asked or written, and does something at one of them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.seen = 0
        self.at: int | None = None
        self.act: Callable[[], object] = lambda: None
        for owner, name in ((Writing, "run"), (VectorWriter, "_copy"), (MediaWriter, "write"), (activities, "_settle")):
            patch.setattr(owner, name, self._watched(getattr(owner, name)))

    def _watched(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self.seen += 1
            if self.seen == self.at:
                self.act()
            return work(*arguments, **options)

        return watched


def site_of(database: Database, host: str) -> Site:
    return Site(database, SourceRegistry(database).add(make_source(f"https://{host}/")))


def imported(site: Site) -> list[Activity]:
    """Import the first snapshot: thirty activities with a vector and a picture."""
    old = [one.model_copy(update={"image": (PICTURE,), "content_sha256": ""}) for one in site.activities(30)]
    site.load(old, site.vectors(old))
    return old


def following(site: Site, old: list[Activity]) -> list[Activity]:
    """Return the next snapshot: 9 new, 17 changed, 8 as they were and 5 gone."""
    told = {"description": "new", "content_sha256": ""}
    kept = [one.model_copy(update=told) if one.index % 3 else one for one in old[5:]]
    return kept + [site.activity(f"added {number}") for number in range(9)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_server_that_is_stopped_at_any_moment_shows_old_or_new_rows_and_a_retry_ends_it(
    stopped: Database, server: EmbeddedPostgres, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activities, "CHUNK_LINES", 7)
    monkeypatch.setattr(activities, "BULK_LINES", 5)
    rehearsed, zoo = site_of(stopped, f"rehearsal-{seed}.example"), site_of(stopped, f"zoo-{seed}.example")
    before, old = imported(rehearsed), imported(zoo)
    moments = Moments(monkeypatch)
    following_there = following(rehearsed, before)
    rehearsed.load(following_there, rehearsed.vectors(following_there))
    new = following(zoo, old)
    again = {"workflow_id": zoo.new_workflow(), "bundle_sha256": "c" * 64, "at": zoo.at + timedelta(days=1)}
    moments.at, moments.act = moments.seen + random.Random(seed).randint(1, moments.seen), server.stop

    with pytest.raises(TransientError):
        zoo.load(new, zoo.vectors(new), **again)

    stopped.dispose()
    server.ensure_started()
    assert current_activities(stopped, zoo.source.key) in (lines(old), lines(new))
    zoo.load(new, zoo.vectors(new), **again)
    assert current_activities(stopped, zoo.source.key) == lines(new)
    assert counted(stopped, zoo, CHANGES) == {"inserted": 39, "updated": 17, "removed": 5}
    assert counted(stopped, zoo, VECTORS) == {"tiny": 39}


def lines(records: list[Activity]) -> list[dict[str, Any]]:
    return [one.dump() for one in sorted(records, key=lambda one: one.id)]


CHANGES = """
    SELECT change, count(*) FROM tripper.activity_history JOIN tripper.activities ON activities.id = activity_id
    WHERE source_key = :key GROUP BY change
"""
VECTORS = """
    SELECT model, count(*) FROM tripper.activity_embeddings JOIN tripper.activities ON id = activity_id
    WHERE source_key = :key GROUP BY model
"""


def counted(database: Database, site: Site, query: str) -> dict[str, int]:
    with database.connection() as connection:
        found = connection.execute(text(query), {"key": site.source.key})
        return {str(name): int(number) for name, number in found}
