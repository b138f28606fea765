"""A catalog of 100,000 activities: store, get, list and search through the repository, beside psycopg's bare query and the figures that the project began with."""

import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg.rows import TupleRow
from sqlalchemy import make_url

from benchmarks.figure import Figure, seconds
from benchmarks.imports import catalog_database
from benchmarks.repository_memory import FORMS, export, read_1000
from benchmarks.sample_records import records_of
from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.repository import Repository
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.workflows import Workflow

ROWS = 100_000
STORED = 100
PAGE = 50
CALLS = 200
ROUNDS = 5
AT = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
BEGAN_WITH = {"store_100": 340.0, "get": 1.58, "list_50": 2.76, "search": 3.16}
"""Milliseconds; the search was of a hundred rows."""
BEGAN_WITH_NAME = "what the project began with"
MEGABYTES_ALLOWED, ALLOWED = 500.0, "allowed for a thousand"
BARE_GET = """
    SELECT id::text, source_key, record, record_sha256, first_seen_at, updated_at, removed_at FROM tripper.activities WHERE id = %s
"""
BARE_LIST = """
    SELECT id::text, source_key, record, record_sha256, first_seen_at, updated_at, removed_at
    FROM tripper.activities WHERE removed_at IS NULL AND id > %s ORDER BY activities.id LIMIT 50
"""


def measure(rows: int = ROWS) -> list[Figure]:
    """Return milliseconds: for a hundred stored, one read, a page of fifty and a search by words; and megabytes for a thousand read."""
    with catalog_database() as database:
        registry = SourceRegistry(database)
        records = _fill(database, registry.add(make_source("https://example.org/")), rows)
        own = registry.add(make_source("https://own.example/"))
        url = make_url(database.engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
        ours = database.engine.url.render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as bare:
            asked = _Asked(Repository(database), bare, [one.id for one in records], [one.name for one in records])
            measured = [*_reads(asked), _search(asked), _memory(ours), *_exports(ours, bare, rows)]
            return [*measured, _stores(asked.repository, own)]


def _fill(database: Database, source: Source, rows: int) -> list[Activity]:
    workflow = Workflow(
        id="benchmark", source_key=source.key, source_url=source.url, status="running", config={}, created_at=AT
    )
    Workflows(database).start(workflow)
    records = records_of(source, rows)
    import_snapshot(
        database, source_key=source.key, records=records, vectors=None, workflow_id=workflow.id, bundle_sha256="0" * 64, at=AT
    )  # fmt: skip
    return records


@dataclass
class _Asked:
    """The repository and a bare connection to the same rows, and what they are asked for."""

    repository: Repository
    bare: psycopg.Connection[TupleRow]
    ids: Sequence[str]
    names: Sequence[str]


def _reads(asked: _Asked) -> list[Figure]:
    step = len(asked.ids) // CALLS + 1
    ids = itertools.cycle(asked.ids[::step])
    pages = itertools.cycle([asked.repository.list(limit=PAGE).next, ""])
    first = itertools.cycle([asked.ids[PAGE - 1], "00000000-0000-0000-0000-000000000000"])
    get, bare_get = _milliseconds(lambda: asked.repository.get(next(ids)), lambda: asked.bare.execute(BARE_GET, [next(ids)]).fetchone())  # fmt: skip
    page, bare_page = _milliseconds(lambda: asked.repository.list(after=next(pages), limit=PAGE), lambda: asked.bare.execute(BARE_LIST, [next(first)]).fetchall())  # fmt: skip
    return [
        Figure("repository_get", "ms", "lower", get, bare_get, "bare psycopg", BEGAN_WITH["get"], BEGAN_WITH_NAME),
        Figure("repository_list_50", "ms", "lower", page, bare_page, "bare psycopg", BEGAN_WITH["list_50"], BEGAN_WITH_NAME),
    ]  # fmt: skip


def _milliseconds(ours: Callable[[], object], bare: Callable[[], object]) -> list[float]:
    """Return the median milliseconds of a call of each, which take turns call by call: the machine's moods are then the same for both."""
    taken: list[list[float]] = [[], []]
    for _ in range(CALLS * ROUNDS):
        for work, mine in zip((ours, bare), taken, strict=True):
            mine.append(seconds(work))
    return [statistics.median(mine) * 1000 for mine in taken]


def _search(asked: _Asked) -> Figure:
    names = itertools.cycle(asked.names[:: len(asked.names) // 20 + 1])
    took = [seconds(lambda: asked.repository.search(next(names), now=AT)) for _ in range(20)]
    median = statistics.median(took) * 1000
    return Figure("repository_search_words", "ms", "lower", median, None, "", BEGAN_WITH["search"], BEGAN_WITH_NAME)


def _stores(repository: Repository, source: Source) -> Figure:
    """Return how long a hundred new activities take, each time others, into the catalog that has all the rest."""
    records = records_of(source, STORED * ROUNDS)
    parts = [records[start : start + STORED] for start in range(0, len(records), STORED)]
    took = [seconds(lambda part=part: repository.create(part, at=AT)) for part in parts]
    median = statistics.median(took) * 1000
    return Figure("repository_store_100", "ms", "lower", median, None, "", BEGAN_WITH["store_100"], BEGAN_WITH_NAME)


def _exports(url: str, bare: psycopg.Connection[TupleRow], rows: int) -> list[Figure]:
    """Return the rows a second of each export and how much its process grew, beside reading the same records with a bare cursor."""
    alone = rows / seconds(lambda: _read_all(bare))
    found = {form: export(url, form) for form in FORMS}
    rates = [
        Figure(f"repository_export_{form}", "rows/s", "higher", rows / one["seconds"], alone, "bare psycopg cursor")
        for form, one in found.items()
    ]
    grown = max(one["bytes"] for one in found.values()) / 1e6
    return [*rates, Figure("repository_export_memory", "MB", "lower", max(grown, 1.0), None, "", MEGABYTES_ALLOWED, ALLOWED)]  # fmt: skip


def _read_all(bare: psycopg.Connection[TupleRow]) -> None:
    with bare.transaction(), bare.cursor("bare") as cursor:
        cursor.itersize = 500
        for _ in cursor.execute("SELECT record FROM tripper.activities"):
            pass


def _memory(url: str) -> Figure:
    """Return by how much a process grew while a thousand activities were read and kept."""
    grown = max(read_1000(url)["bytes"] / 1e6, 1.0)
    return Figure("repository_memory_1000", "MB", "lower", grown, None, "", MEGABYTES_ALLOWED, ALLOWED)
