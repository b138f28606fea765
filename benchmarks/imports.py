"""10,000 records with vectors of 384 floats into the embedded Postgres, beside a binary COPY of the same rows into a plain table."""

import shutil
import statistics
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pgvector.psycopg import register_vector
from sqlalchemy import text

from benchmarks.figure import Figure, seconds
from benchmarks.sample_records import changed, records_of, vectors_of
from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.activity_rows import COLUMNS, ActivityLine, read_line
from tripper_assets.catalog.database import Database, driver_connection
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.workflows import ImportSummary, Workflow

ROWS = 10_000
CHANGED_OF = 100
ROUNDS = 3
AT = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
WORKFLOW = "benchmark"


def measure() -> list[Figure]:
    """Return rows a second: all new, all known, and all known but one in a hundred.

    An import validates each row, hashes it, writes history, full text and vectors under their keys, and the first one makes the vector
    index; the limit writes prepared rows under nothing at all.
    """
    with _database() as database:
        source = SourceRegistry(database).add(make_source("https://example.org/"))
        work = _Imports(database, source, records_of(source, ROWS))
        rounds = [work.round() for _ in range(ROUNDS)]
    first, again, partly, copied = (ROWS / statistics.median(times) for times in zip(*rounds, strict=True))
    return [
        Figure("import_first", "rows/s", "higher", first, None, "", copied, "binary COPY"),
        Figure("import_unchanged", "rows/s", "higher", again, None, "", copied, "binary COPY"),
        Figure("import_1_percent_changed", "rows/s", "higher", partly, None, "", copied, "binary COPY"),
    ]


@contextmanager
def _database() -> Generator[Database]:
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


class _Imports:
    """The same snapshots, imported anew in each round."""

    def __init__(self, database: Database, source: Source, records: Sequence[Activity]) -> None:
        self._database = database
        self._source = source
        self._old, self._new = records, changed(records, CHANGED_OF)
        self._old_vectors, self._new_vectors = vectors_of(self._old), vectors_of(self._new)
        self._lines = [line for one in records if isinstance(line := read_line(one, source.key), ActivityLine)]
        workflow = Workflow(
            id=WORKFLOW, source_key=source.key, source_url=source.url, status="running", config={}, created_at=AT
        )
        Workflows(database).start(workflow)

    def round(self) -> tuple[float, float, float, float]:
        """Return the seconds of the three imports and of the copy, beginning with an empty catalog."""
        self._empty()
        return (
            seconds(lambda: self._load(self._old, self._old_vectors, inserted=ROWS)),
            seconds(lambda: self._load(self._old, self._old_vectors)),
            seconds(lambda: self._load(self._new, self._new_vectors, updated=ROWS // CHANGED_OF)),
            seconds(self._copy),
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

    def _copy(self) -> None:
        with self._database.connection() as held:
            connection = driver_connection(held)
            register_vector(connection)
            with connection.cursor() as cursor, cursor.copy("COPY plain FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types([*COLUMNS.values(), "vector"])
                for line, vector in zip(self._lines, self._old_vectors.vectors, strict=True):
                    copy.write_row((*line.row, vector))

    def _empty(self) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        with self._database.connection() as connection:
            indexes = connection.scalars(text("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%hnsw%'")).all()
            for index in indexes:
                connection.execute(text(f"DROP INDEX tripper.{index}"))
            connection.execute(text("TRUNCATE tripper.activities CASCADE"))
            connection.execute(text("DROP TABLE IF EXISTS plain"))
            connection.execute(text(f"CREATE TABLE plain ({columns}, embedding vector)"))


def _check(summary: ImportSummary, inserted: int, updated: int) -> None:
    if (summary.inserted, summary.updated, summary.rejected) != (inserted, updated, 0):
        message = f"the import did {summary}: its figure would say nothing"
        raise ValueError(message)
