"""The import: a source's snapshot becomes its rows in one transaction; readers see the old rows or the new ones, never a mix."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Cursor, sql
from psycopg.rows import TupleRow
from sqlalchemy import text

from tripper_assets.catalog.activity_media import put_media
from tripper_assets.catalog.activity_rows import COLUMNS, ActivityLine, Vectors, is_uuid, read_line
from tripper_assets.catalog.activity_vectors import index_vectors, put_vectors
from tripper_assets.catalog.database import Database, PgConnection, driver_connection
from tripper_assets.catalog.import_tally import Known, Tally
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.errors import NotFoundError
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.model import ActivityId, Rejection, SourceKey
from tripper_assets.domain.workflows import ImportSummary

ANALYZE_FROM_CHANGES = 200
"""A server that a command starts and stops never comes to autovacuum: without statistics a search of 10,000 took 74 ms and not 9."""


@dataclass(frozen=True)
class _Import:
    """What every statement of one import needs."""

    connection: PgConnection
    source_key: SourceKey
    workflow_id: str
    bundle_sha256: str
    at: datetime

    def run(self, statement: LiteralString | sql.Composed, **values: Any) -> Cursor[TupleRow]:  # noqa: ANN401 (query parameters)
        """Execute ``statement`` with the import's own values beside ``values``."""
        own = {"source": self.source_key, "workflow": self.workflow_id, "bundle": self.bundle_sha256, "at": self.at}
        return self.connection.execute(statement, own | values)


def import_snapshot(
    database: Database,
    *,
    source_key: SourceKey,
    records: Iterable[Activity],
    vectors: EmbeddingsMap | None,
    workflow_id: str,
    bundle_sha256: str,
    at: datetime,
) -> ImportSummary:
    """Make the source's rows be ``records``, and return what that took; the same snapshot again writes nothing.

    Rows that the snapshot lacks become tombstones. An activity that cannot be stored is rejected by id, and its last good row stays.
    ``vectors`` None leaves the stored vectors as they are, and so does a map without the activity.

    Raises:
        NotFoundError: the source or the workflow is not in the catalog.
        PermanentError: the parts of ``vectors`` do not run in parallel.
        TransientError: the catalog does not answer; nothing was written.
    """
    snapshot = records if isinstance(records, Sequence) else list(records)
    checked = Vectors(vectors) if vectors is not None and len(vectors.ids) else None

    def run() -> ImportSummary:
        with database.connection() as connection:
            work = _Import(driver_connection(connection), source_key, workflow_id, bundle_sha256, at)
            return _import(work, snapshot, checked)

    summary = database.repeat_undone(run)
    if checked is not None:
        index_vectors(database, checked.map.model, checked.map.dimensions)
    if summary.inserted + summary.updated + summary.removed >= ANALYZE_FROM_CHANGES:
        with database.connection() as connection:
            connection.execute(text("ANALYZE tripper.activities, tripper.activity_embeddings, tripper.sources"))
    return summary


def _import(work: _Import, records: Sequence[Activity], vectors: Vectors | None) -> ImportSummary:
    _check_known(work)
    # One import of a source at a time: the next one waits here, and then sees the rows that this one left.
    work.run("SELECT pg_advisory_xact_lock(hashtextextended('import ' || %(source)s, 0))")
    tally = Tally(_known_rows(work), _foreign_ids(work, records))
    _copy(work, _changed_lines(records, work.source_key, vectors, tally))
    work.run(_UPSERT)
    firsts = {one.id: one for one in reversed(records) if one.id in tally.changed}
    put_media(work.connection, list(firsts.values()), work.at)
    missing = tally.missing()
    if missing:
        work.run(_REMOVE, ids=missing)
    if vectors is not None:
        put_vectors(work.connection, vectors, tally.accepted)
    work.run(_NOTE_BUNDLE)
    return tally.summary(removed=len(missing))


def _check_known(work: _Import) -> None:
    if work.run("SELECT 1 FROM tripper.sources WHERE key = %(source)s").fetchone() is None:
        raise NotFoundError(
            f"Importing into {work.source_key} needs the source in the registry; add it with `tripper sources add URL`."
        )
    if work.run("SELECT 1 FROM tripper.workflows WHERE id = %(workflow)s").fetchone() is None:
        raise NotFoundError(
            f"Importing into {work.source_key} names the workflow {work.workflow_id}, which is not in the catalog; "
            "`tripper status` lists those that are."
        )


def _known_rows(work: _Import) -> dict[ActivityId, Known]:
    rows = work.run(
        "SELECT id::text, content_sha256, record_sha256, removed_at IS NOT NULL "
        "FROM tripper.activities WHERE source_key = %(source)s"
    )
    return {found: Known(*rest) for found, *rest in rows}


def _foreign_ids(work: _Import, records: Sequence[Activity]) -> set[ActivityId]:
    """Return the ids that are rows of another source."""
    ids = [UUID(one.id) for one in records if is_uuid(one.id)]
    rows = work.run(
        "SELECT id::text FROM tripper.activities WHERE id = ANY(%(ids)s::uuid[]) AND source_key <> %(source)s", ids=ids
    )
    return {found for (found,) in rows}


def _changed_lines(
    records: Sequence[Activity], source_key: SourceKey, vectors: Vectors | None, tally: Tally
) -> Iterator[ActivityLine]:
    """Yield the lines that differ from their rows, and tally all of them."""
    for activity in records:
        reason = tally.trouble(activity.id) or (vectors.trouble(activity) if vectors else "")
        line = Rejection(reason=reason, subject=activity.id) if reason else read_line(activity, source_key)
        if tally.add(line) and isinstance(line, ActivityLine):
            yield line


def _copy(work: _Import, lines: Iterator[ActivityLine]) -> None:
    """Copy the lines into a temporary table."""
    work.run("CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT * FROM tripper.activities WITH NO DATA")
    with work.connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(list(COLUMNS.values()))
        for line in lines:
            copy.write_row(line.row)


_NAMES = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
_COPY = sql.SQL("COPY incoming ({}) FROM STDIN (FORMAT BINARY)").format(_NAMES)
_FRESH = sql.SQL(", ").join(
    sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in (*COLUMNS, "name_plain", "search")
)
# The guard makes the statement repeatable by itself. A row whose position or provenance alone changed is refreshed, so that it
# equals its line, and keeps the time and the workflow of what it says. The history reads the old rows: a statement does not see
# what its own WITH part wrote.
_UPSERT = sql.SQL("""
    WITH written AS (
        INSERT INTO tripper.activities AS held ({names}, name_plain, search, first_seen_at, updated_at, workflow_id)
        SELECT {names}, tripper.plain(left(name, 1000)), tripper.search_of(record), %(at)s, %(at)s, %(workflow)s
        FROM incoming ORDER BY id
        ON CONFLICT (id) DO UPDATE SET {fresh}, removed_at = NULL,
            updated_at = CASE WHEN held.removed_at IS NULL AND held.content_sha256 = excluded.content_sha256
                THEN held.updated_at ELSE excluded.updated_at END,
            workflow_id = CASE WHEN held.removed_at IS NULL AND held.content_sha256 = excluded.content_sha256
                THEN held.workflow_id ELSE excluded.workflow_id END
        WHERE held.removed_at IS NOT NULL OR held.record_sha256 <> excluded.record_sha256
        RETURNING held.id
    )
    INSERT INTO tripper.activity_history (activity_id, workflow_id, bundle_sha256, change, changed_fields, before, at)
    SELECT new.id, %(workflow)s, %(bundle)s, CASE WHEN old.id IS NULL THEN 'inserted' ELSE 'updated' END, ARRAY(
        SELECT key FROM jsonb_each(old.record) AS a FULL JOIN jsonb_each(new.record) AS b USING (key)
        WHERE old.id IS NOT NULL AND a.value IS DISTINCT FROM b.value
            AND key NOT IN ('index', 'provenance', 'content_sha256')
        ORDER BY key
    ), old.record, %(at)s
    FROM written JOIN incoming AS new USING (id) LEFT JOIN tripper.activities AS old USING (id)
    WHERE old.id IS NULL OR old.removed_at IS NOT NULL OR old.content_sha256 <> new.content_sha256
    ORDER BY new.id
""").format(names=_NAMES, fresh=_FRESH)
_REMOVE = """
    WITH gone AS (
        UPDATE tripper.activities SET removed_at = %(at)s, workflow_id = %(workflow)s
        WHERE id = ANY(%(ids)s) RETURNING id, record
    )
    INSERT INTO tripper.activity_history (activity_id, workflow_id, bundle_sha256, change, before, at)
    SELECT id, %(workflow)s, %(bundle)s, 'removed', record, %(at)s FROM gone ORDER BY id
"""
_NOTE_BUNDLE = """
    UPDATE tripper.sources SET bundle_sha256 = %(bundle)s, imported_at = %(at)s
    WHERE key = %(source)s AND bundle_sha256 <> %(bundle)s
"""


def current_activities(database: Database, source_key: SourceKey) -> list[dict[str, Any]]:
    """Return the records of a source that are not removed, by id: the lines of the final JSONL that was imported last."""
    statement = text(
        "SELECT record FROM tripper.activities WHERE source_key = :source AND removed_at IS NULL ORDER BY id"
    )
    with database.connection() as connection:
        return list(connection.scalars(statement, {"source": source_key}))


def count_activities(database: Database, source_key: SourceKey | None = None) -> dict[str, int]:
    """Return how many rows there are of a source, or of all: current, removed, with_vector and with_picture."""
    with database.connection() as connection:
        row = connection.execute(text(_COUNTS), {"source": source_key}).mappings().one()
    return {str(name): int(value) for name, value in row.items()}


_COUNTS = """
    SELECT count(*) FILTER (WHERE removed_at IS NULL) AS current,
        count(*) FILTER (WHERE removed_at IS NOT NULL) AS removed,
        count(*) FILTER (WHERE removed_at IS NULL
            AND EXISTS (SELECT FROM tripper.activity_embeddings WHERE activity_id = id)) AS with_vector,
        count(*) FILTER (WHERE removed_at IS NULL
            AND EXISTS (SELECT FROM tripper.activity_media WHERE activity_id = id)) AS with_picture
    FROM tripper.activities WHERE source_key = coalesce(:source, source_key)
"""
