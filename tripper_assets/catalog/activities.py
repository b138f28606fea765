"""The import: a source's snapshot becomes its rows in one transaction; readers see the old rows or the new ones, never a mix."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import text

from tripper_assets.catalog.activity_media import MediaWriter
from tripper_assets.catalog.activity_rows import ActivityLine, is_uuid, read_line
from tripper_assets.catalog.activity_vectors import VectorBlock, Vectors, VectorWriter
from tripper_assets.catalog.activity_writes import BULK_LINES, GIN_INDEXES, Writing
from tripper_assets.catalog.database import Database, PgConnection, driver_connection
from tripper_assets.catalog.import_tally import Tally
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.maps import VectorSource
from tripper_assets.domain.model import ActivityId, Rejection, SourceKey
from tripper_assets.domain.workflows import ImportSummary

CHUNK_LINES = 500
"""What an import holds in memory at once, and as much again that is being made: of 1,536 floats each some 6 MB."""


def import_snapshot(
    database: Database,
    *,
    source_key: SourceKey,
    records: Iterable[Activity],
    vectors: VectorSource | None,
    workflow_id: str,
    bundle_sha256: str,
    at: datetime,
) -> ImportSummary:
    """Make the source's rows be ``records``, and return what that took; the same snapshot again writes nothing.

    Rows that the snapshot lacks become tombstones. An activity that cannot be stored is rejected by id, and its last good row stays.
    ``vectors`` None leaves the stored vectors as they are, and so does a map without the activity; ``indexed_after`` sees to their index.
    Records and vectors are read a chunk at a time, and anew where the server undid the transaction.

    Raises:
        NotFoundError: the source or the workflow is not in the catalog.
        PermanentError: the parts of ``vectors`` do not run in parallel.
        TransientError: the catalog does not answer; nothing was written.
    """
    snapshot = list(records) if isinstance(records, Iterator) else records
    checked = Vectors(vectors) if vectors is not None and len(vectors.ids) else None

    def run() -> ImportSummary:
        with database.connection() as connection:
            work = Writing(driver_connection(connection), source_key, workflow_id, bundle_sha256, at)
            return _import(work, snapshot, checked)

    summary = database.repeat_undone(run)
    if summary.inserted + summary.updated + summary.removed >= BULK_LINES:
        _settle(database)
    return summary


def change_activity(
    database: Database, activity_id: ActivityId, change: Callable[[dict[str, Any]], Activity], *, at: datetime
) -> bool:
    """Write what ``change`` makes of an activity's record, between two imports; False where the catalog has none, or a tombstone of it.

    Raises:
        TransientError: the catalog does not answer; nothing was written.
    """

    def run() -> bool:
        with database.connection() as connection:
            work = _between_imports(driver_connection(connection), activity_id, at)
            found = work.run(_RECORD, id=activity_id).fetchone() if work else None
            if work is None or found is None:
                return False
            chunk = _decided([change(found[0])], None, Tally(work.source_key, work.known_rows()), set())
            work.put(chunk.rows)
            return bool(chunk.accepted)

    return database.repeat_undone(run)


def take_activity(database: Database, activity_id: ActivityId, *, at: datetime) -> bool:
    """Make a tombstone of one activity, between two imports; False where the catalog has none, or has one already.

    Raises:
        TransientError: the catalog does not answer; nothing was written.
    """
    return take_activities(database, [activity_id], at=at) == 1


def take_activities(database: Database, activity_ids: Sequence[ActivityId], *, at: datetime) -> int:
    """Make tombstones of activities of one source, between two imports, and return of how many: of those that the catalog has.

    Raises:
        TransientError: the catalog does not answer; nothing was written.
    """

    def run() -> int:
        with database.connection() as connection:
            driver = driver_connection(connection)
            held = [row[0] for row in driver.execute(_HELD, {"ids": [one for one in activity_ids if is_uuid(one)]})]
            work = _between_imports(driver, str(held[0]), at) if held else None
            if work is None:
                return 0
            # Again, now that no import changes them.
            taken = [row[0] for row in work.run(_HELD, ids=held)]
            work.remove(taken)
            return len(taken)

    return database.repeat_undone(run)


def _between_imports(connection: PgConnection, activity_id: ActivityId, at: datetime) -> Writing | None:
    """Return what changes one row of a source while no import of it runs: its history goes with the bundle that was imported last."""
    row = connection.execute(_SOURCE_OF, {"id": activity_id}).fetchone() if is_uuid(activity_id) else None
    if row is None:
        return None
    source_key, workflow_id, bundle_sha256 = row
    work = Writing(connection, source_key, workflow_id, bundle_sha256, at)
    work.wait_for_turn()
    return work


def _settle(database: Database) -> None:
    """Sort in what a bulk load left in lists, and take the statistics: a server that a command starts and stops never comes to autovacuum.

    Without them a search of 10,000 took 74 ms and not 9.
    """
    with database.connection() as connection:
        for name in GIN_INDEXES:
            connection.execute(text("SELECT gin_clean_pending_list(to_regclass(:name))"), {"name": f"tripper.{name}"})
        connection.execute(text("ANALYZE tripper.activities, tripper.activity_embeddings, tripper.sources"))


@dataclass(frozen=True)
class _Chunk:
    """Some lines of a snapshot, decided on."""

    rows: list[tuple[Any, ...]]
    """Those that have to be written, in the order of COLUMNS."""
    accepted: list[ActivityId]
    changed: list[Activity]
    """Those that are new or say something else."""
    vectors: VectorBlock | None


def _import(work: Writing, records: Iterable[Activity], vectors: Vectors | None) -> ImportSummary:
    work.check_known()
    work.wait_for_turn()
    tally = Tally(work.source_key, work.known_rows())
    media = MediaWriter(work.connection)
    writer = VectorWriter(work.connection, vectors.source.model, vectors.source.dimensions) if vectors else None
    for chunk in _chunks(work, records, vectors, tally):
        work.put(chunk.rows)
        media.gather(chunk.changed)
        if writer is not None and chunk.vectors is not None:
            writer.write(chunk.vectors, chunk.accepted)
    media.write(work.at)
    missing = tally.missing()
    work.remove(missing)
    work.note_bundle()
    return tally.summary(removed=len(missing))


def _chunks(work: Writing, records: Iterable[Activity], vectors: Vectors | None, tally: Tally) -> Iterator[_Chunk]:
    """Yield the snapshot in chunks; the next one is made while the server works on the one before."""
    parts = iter(records)
    activities = list(islice(parts, CHUNK_LINES))
    ready: _Chunk | None = None
    with ThreadPoolExecutor(1, "import") as helper:
        while activities:
            # Asked here and not by the helper: a connection does one thing at a time.
            foreign = work.foreign([one.id for one in activities if one.id not in tally.known])
            making = helper.submit(_decided, activities, vectors, tally, foreign)
            if ready is not None:
                yield ready
            ready = making.result()
            activities = list(islice(parts, CHUNK_LINES))
    if ready is not None:
        yield ready


def _decided(activities: Sequence[Activity], vectors: Vectors | None, tally: Tally, foreign: set[ActivityId]) -> _Chunk:
    """Return what is to be done with some lines, and tally them."""
    block = vectors.block(activities) if vectors else None
    chunk = _Chunk([], [], [], block)
    for activity in activities:
        reason = _trouble(activity.id, tally, foreign) or (block.troubles.get(activity.id, "") if block else "")
        line = Rejection(reason=reason, subject=activity.id) if reason else read_line(activity)
        fate = tally.add(line)
        if fate == "rejected" or not isinstance(line, ActivityLine):
            continue
        chunk.accepted.append(activity.id)
        if fate != "unchanged":
            chunk.rows.append(line.row())
        if fate in {"inserted", "updated"}:
            chunk.changed.append(activity)
    return chunk


def _trouble(activity_id: ActivityId, tally: Tally, foreign: set[ActivityId]) -> str:
    if tally.is_seen(activity_id):
        return "id_twice"
    return "id_of_another_source" if activity_id in foreign else ""


_SOURCE_OF = """
    SELECT activities.source_key, activities.workflow_id, sources.bundle_sha256
    FROM tripper.activities JOIN tripper.sources ON sources.key = activities.source_key
    WHERE activities.id = %(id)s
"""
_HELD = "SELECT id FROM tripper.activities WHERE id = ANY(%(ids)s::uuid[]) AND removed_at IS NULL"
_RECORD = "SELECT record FROM tripper.activities WHERE id = %(id)s AND removed_at IS NULL"


def current_activities(database: Database, source_key: SourceKey) -> list[dict[str, Any]]:
    """Return the records of a source that are not removed, by id: the lines of the final JSONL that was imported last."""
    statement = text(
        "SELECT record FROM tripper.activities WHERE source_key = :source AND removed_at IS NULL ORDER BY id"
    )
    with database.connection() as connection:
        return list(connection.scalars(statement, {"source": source_key}))


def find_activity(database: Database, activity_id: str) -> dict[str, Any] | None:
    """Return the record of an activity; None where there is none, or a tombstone of one, and for what is no id."""
    if not is_uuid(activity_id):
        return None
    statement = text("SELECT record FROM tripper.activities WHERE id = CAST(:id AS uuid) AND removed_at IS NULL")
    with database.connection() as connection:
        return connection.scalar(statement, {"id": activity_id})


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
