"""10,000 records with pictures and vectors of 1,536 floats into the catalog, beside a binary COPY of the same rows and dlt's merge."""

import shutil
import statistics
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from sqlalchemy import text

from benchmarks.figure import Figure, seconds, seconds_in_turns
from benchmarks.sample_records import changed, records_of, vectors_of
from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.database import Database, driver_connection
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.workflows import ImportSummary, Workflow

ROWS = 10_000
PEER_ROWS = 1_000
"""dlt writes vectors as JSON: of 10,000 it takes minutes for each load, and as long for each row."""
CHANGED_OF = 100
ROUNDS = 3
AT = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
WORKFLOW = "benchmark"
TABLES = ("activities", "activity_embeddings", "activity_history", "media", "activity_media")
"""What an import writes, in the order of their foreign keys."""


def measure() -> list[Figure]:
    """Return rows a second: all new, all known, and all known but one in a hundred.

    The limit takes the bytes of the rows that the first import left, full texts included, and copies them into the same tables with
    the same keys and indexes. Neither has the vector index, which is made after a load. The peer merges the same records into a table of its
    own; of them it gets PEER_ROWS.
    """
    with catalog_database() as database:
        many, single = _workflow_seconds(database)
        source = SourceRegistry(database).add(make_source("https://example.org/"))
        work = _Imports(database, source, records_of(source, ROWS))
        rounds = [work.round() for _ in range(ROUNDS)]
        merged = work.merge()
    *ours, copied = (ROWS / statistics.median(times) for times in zip(*rounds, strict=True))
    names = ("import_first", "import_unchanged", "import_1_percent_changed")
    return [
        Figure("import_100_workflows_in_one_call", "s", "lower", many, single, "100 commits"),
    ] + [
        Figure(
            name, "rows/s", "higher", mine, PEER_ROWS / peer, "dlt's merge", copied, "binary COPY into the same tables"
        )
        for name, mine, peer in zip(names, ours, merged, strict=True)
    ]


@contextmanager
def catalog_database() -> Generator[Database]:
    """A catalog of its own that is gone afterwards."""
    # Not a TemporaryDirectory: root's server runs as another user, who must be able to reach it.
    home = Path(tempfile.mkdtemp(prefix="tripper-bench-"))
    server = EmbeddedPostgres(home)
    try:
        database = Database(server.ensure_started())
        database.upgrade()
        yield database
        database.dispose()
    finally:
        server.stop()
        shutil.rmtree(home)


def started_workflow(database: Database, source: Source) -> None:
    """Start the workflow that the imports are of."""
    workflow = Workflow(
        id=WORKFLOW, source_key=source.key, source_url=source.url, status="running", config={}, created_at=AT
    )
    Workflows(database).start(workflow)


def _workflow_seconds(database: Database) -> tuple[float, float]:
    """Return the seconds of storing 100 workflows in one call, and in 100 calls."""
    source = SourceRegistry(database).add(make_source("https://example.net/"))
    workflows = Workflows(database)
    numbers = count()

    def hundred() -> list[Workflow]:
        values = {"source_key": source.key, "source_url": source.url, "status": "running", "config": {}}
        return [Workflow.model_validate({"id": f"{next(numbers)}", "created_at": AT, **values}) for _ in range(100)]

    def one_by_one() -> None:
        for one in hundred():
            workflows.start(one)

    many, single = seconds_in_turns(lambda: workflows.start_all(hundred()), one_by_one)
    return many, single


class _Imports:
    """The same snapshots, imported anew in each round."""

    def __init__(self, database: Database, source: Source, records: Sequence[Activity]) -> None:
        self._database = database
        self._source = source
        self._old, self._new = records, changed(records, CHANGED_OF)
        self._old_vectors, self._new_vectors = vectors_of(self._old), vectors_of(self._new)
        started_workflow(database, source)

    def round(self) -> tuple[float, float, float, float]:
        """Return the seconds of the three imports and of the copy, each load of all rows beginning with an empty catalog."""
        self._empty()
        first = seconds(lambda: self._load(self._old, self._old_vectors, inserted=ROWS))
        rows = self._copied_out()
        again = seconds(lambda: self._load(self._old, self._old_vectors))
        partly = seconds(lambda: self._load(self._new, self._new_vectors, updated=ROWS // CHANGED_OF))
        self._empty()
        return first, again, partly, seconds(lambda: self._copy_in(rows))

    def merge(self) -> tuple[float, float, float]:
        """Return the seconds of the same three loads by dlt, of PEER_ROWS."""
        from benchmarks.dlt_merge import Merge  # noqa: PLC0415 (dlt takes memory that import_memory must not count)

        url = self._database.engine.url
        with Merge(database=str(url.database), username=str(url.username), socket=str(url.query["host"])) as merge:
            return (
                seconds(lambda: merge.load(self._old[:PEER_ROWS], self._old_vectors)),
                seconds(lambda: merge.load(self._old[:PEER_ROWS], self._old_vectors)),
                seconds(lambda: merge.load(self._new[:PEER_ROWS], self._new_vectors)),
            )

    def _load(
        self, records: Sequence[Activity], vectors: EmbeddingsMap, *, inserted: int = 0, updated: int = 0
    ) -> None:
        summary = import_snapshot(
            self._database,
            source_key=self._source.key,
            records=records,
            vectors=vectors,
            workflow_id=WORKFLOW,
            bundle_sha256=f"{inserted:032d}{updated:032d}",
            at=AT,
        )
        _check(summary, inserted, updated)

    def _copied_out(self) -> dict[str, bytes]:
        with self._database.connection() as held, driver_connection(held).cursor() as cursor:
            rows: dict[str, bytes] = {}
            for table in TABLES:
                with cursor.copy(f"COPY tripper.{table} TO STDOUT (FORMAT BINARY)".encode()) as copy:
                    rows[table] = b"".join(bytes(part) for part in copy)
        return rows

    def _copy_in(self, rows: dict[str, bytes]) -> None:
        with self._database.connection() as held, driver_connection(held).cursor() as cursor:
            for table, data in rows.items():
                with cursor.copy(f"COPY tripper.{table} FROM STDIN (FORMAT BINARY)".encode()) as copy:
                    copy.write(data)

    def _empty(self) -> None:
        with self._database.connection() as connection:
            indexes = connection.scalars(text("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%hnsw%'")).all()
            for index in indexes:
                connection.execute(text(f"DROP INDEX tripper.{index}"))
            connection.execute(text("TRUNCATE tripper.activities, tripper.media CASCADE"))


def _check(summary: ImportSummary, inserted: int, updated: int) -> None:
    if (summary.inserted, summary.updated, summary.rejected) != (inserted, updated, 0):
        message = f"the import did {summary}: its figure would say nothing"
        raise ValueError(message)
