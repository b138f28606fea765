"""The repository of activities: create, get, list, update, delete, statistics and search, in a session of the caller's or of its own.

What an import brought is never changed behind its back: an update is a correction, and a delete a refusal, that later imports keep to.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row
from sqlalchemy import text
from sqlalchemy.orm import Session

from tripper_assets.catalog.activity_media import MediaWriter
from tripper_assets.catalog.activity_reading import ActivityFilter, ActivityPage, StoredActivity, read_one, read_page
from tripper_assets.catalog.activity_rows import is_uuid
from tripper_assets.catalog.activity_vectors import Vectors, VectorWriter
from tripper_assets.catalog.corrections import corrections_now, hold_correction, hold_refusals, stated_now
from tripper_assets.catalog.database import Database, PgConnection, driver_connection
from tripper_assets.catalog.search import search
from tripper_assets.catalog.single_rows import insert_lines, lines_of, update_line
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.corrections import (
    Correction,
    Refusal,
    corrected,
    stated_sha256,
    uncorrected,
    with_corrections,
)
from tripper_assets.domain.errors import ConfigurationError, ConflictError, NotFoundError, PermanentError
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.model import ActivityId, Model, SourceKey
from tripper_assets.domain.search import SearchHit

NO_SUCH_KEY, THERE_ALREADY = "23503", "23505"
"""SQLSTATEs of a foreign key that is not met and of a key that is taken."""


class ActivityStatistics(Model):
    """What the catalog holds, of one source or of all; shares are 0 to 1 of the current activities, None where there are none."""

    current: int
    removed: int
    sources: int
    linked: int
    """Activities that another site tells of too."""
    with_place: float | None
    with_time: float | None
    with_picture: float | None
    with_vector: float | None
    quality: float | None
    """The mean of the records' scores, of those that have one."""
    newest_change_at: datetime | None


@dataclass(frozen=True)
class _Held:
    """A row that nobody else changes until the transaction ends."""

    id: ActivityId
    record: Mapping[str, Any]
    source_key: SourceKey
    is_imported: bool
    """Whether the source has had an import."""


class Repository:
    """The activities of one catalog.

    Every method takes the caller's ``session``, whose transaction it then belongs to, or makes its own. All of them raise TransientError
    where the catalog does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, activities: Sequence[Activity], *, at: datetime, vectors: EmbeddingsMap | None = None, session: Session | None = None
    ) -> None:  # fmt: skip
        """Store new activities with all that belongs to them, or none of them.

        Raises:
            NotFoundError: a source is not in the registry.
            ConflictError: one is there already, or its source has imports, of which the next one would take it away.
            ConfigurationError: one cannot be stored.
        """
        lines = lines_of(activities)
        with _named("Creating activities"), self._session(session) as held:
            self._refuse_imported(held, {one.source_key for one in activities})
            connection = driver_connection(held.connection())
            insert_lines(connection, lines, at=at)
            _put_pictures(connection, activities, at)
            if vectors is not None:
                _put_vectors(connection, activities, vectors)

    def get(self, activity_id: ActivityId, *, related: bool = False, session: Session | None = None) -> StoredActivity | None:  # fmt: skip
        """Return an activity, None where there is none; with ``related`` its pictures, vectors and links too."""
        if not is_uuid(activity_id):
            return None
        with self._reading(session) as connection:
            return read_one(connection, activity_id, related=related)

    def list(
        self, where: ActivityFilter | None = None, *, after: str = "", limit: int = 50, related: bool = False, session: Session | None = None
    ) -> ActivityPage:  # fmt: skip
        """Return a page of activities in the order of their ids; ``after`` is the former page's ``next``.

        Pages do not shift: what is stored meanwhile is shown in its place or not, and nothing twice. However long the page is, it takes
        one statement, and three more with ``related``.

        Raises:
            ConfigurationError: ``after`` is not from a page.
        """
        with self._reading(session) as connection:
            return read_page(connection, where or ActivityFilter(), after=after, limit=limit, related=related)

    def update(
        self, activity_id: ActivityId, changes: Mapping[str, Any], *, version: str, by: str, at: datetime, reason: str = "", session: Session | None = None
    ) -> StoredActivity:  # fmt: skip
        """State fields better, and return the activity as it is then; each field holds for later imports too, as `tripper correct` says.

        ``version`` is that of the activity that the caller saw.

        Raises:
            NotFoundError: there is no such activity.
            ConflictError: it was changed since.
            ConfigurationError: a field cannot be corrected, or a value is none for it; nothing is written.
        """
        with self._session(session) as held:
            row = _held(held, activity_id, version)
            said = _corrected(held, row, changes, by=by, at=at, reason=reason)
            update_line(driver_connection(held.connection()), lines_of([said])[0], at=at)
            found = read_one(driver_connection(held.connection()), activity_id)
        if found is None:
            raise _missing(activity_id)
        return found

    def delete(
        self, activity_id: ActivityId, *, by: str, at: datetime, reason: str = "", version: str | None = None, session: Session | None = None
    ) -> None:  # fmt: skip
        """Remove an activity with its pictures' places, vectors, links and history; an import brings it back only when its publisher says something new.

        Raises:
            NotFoundError: there is no such activity.
            ConflictError: it was changed since ``version``.
        """
        with self._session(session) as held:
            row = _held(held, activity_id, version)
            if row.is_imported:
                stated = stated_sha256(uncorrected(row.record, stated_now(held, activity_id)))
                refusal = Refusal(activity_id=activity_id, stated_sha256=stated, by=by, at=at, reason=reason)
                hold_refusals(held, row.source_key, [refusal])
            held.execute(text("DELETE FROM tripper.activities WHERE id = CAST(:id AS uuid)"), {"id": activity_id})

    def statistics(self, source_key: SourceKey | None = None, *, session: Session | None = None) -> ActivityStatistics:
        """Return what there is, and how complete it is, in one statement."""
        with self._reading(session) as connection, connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(_STATISTICS, {"source": source_key}).fetchone()
        return ActivityStatistics.model_validate(row)

    def search(self, text: str, *, now: datetime, **options: Any) -> Sequence[SearchHit]:  # noqa: ANN401 (as catalog/search.py says)
        """Return what fits ``text`` best; ``options`` are those of ``catalog.search.search``."""
        return search(self._database, text=text, now=now, **options).hits

    @contextmanager
    def _session(self, given: Session | None) -> Generator[Session]:
        if given is None:
            with self._database.session() as made:
                yield made
        else:
            with self._database.verdicts():
                yield given

    @contextmanager
    def _reading(self, given: Session | None) -> Generator[PgConnection]:
        if given is None:
            with self._database.reading() as made:
                yield made
        else:
            with self._database.verdicts():
                yield driver_connection(given.connection())

    def _refuse_imported(self, session: Session, keys: set[SourceKey]) -> None:
        statement = text("SELECT key FROM tripper.sources WHERE key = ANY(:keys) AND bundle_sha256 <> '' ORDER BY key")
        for key in session.scalars(statement, {"keys": sorted(keys)}):
            raise ConflictError(
                f"Creating activities in {key} would last until its next import only, which leaves what its site tells; "
                "add a source for what you state yourself."
            )


def _put_pictures(connection: PgConnection, activities: Sequence[Activity], at: datetime) -> None:
    media = MediaWriter(connection)
    media.gather([one for one in activities if one.image])
    media.write(at)


def _put_vectors(connection: PgConnection, activities: Sequence[Activity], vectors: EmbeddingsMap) -> None:
    """Store the activities' vectors.

    Raises:
        ConfigurationError: one is none, or another activity's.
    """
    block = Vectors(vectors).block(activities)
    for one, reason in block.troubles.items():
        raise ConfigurationError(f"Storing the vector of {one} failed for {reason}; embed the activity again.")
    VectorWriter(connection, vectors.model, vectors.dimensions).write(block, [one.id for one in activities])


@contextmanager
def _named(work: str) -> Generator[None]:
    """Say which rule of the database refused the data, as an error that a caller can tell from others."""
    try:
        yield
    except PermanentError as error:
        state = getattr(error.__cause__, "sqlstate", None)
        if state == NO_SUCH_KEY:
            raise NotFoundError(
                f"{work} names a source that is not in the registry; add it with `tripper sources add URL`."
            ) from error
        if state == THERE_ALREADY:
            raise ConflictError(f"{work} failed, for one of them is there already; update it instead.") from error
        raise


def _held(session: Session, activity_id: ActivityId, version: str | None) -> _Held:
    """Return the row of an activity, which no import and nobody else changes now.

    Raises:
        NotFoundError: there is none.
        ConflictError: it is of another version.
    """
    source = session.scalar(text(_SOURCE), {"id": activity_id}) if is_uuid(activity_id) else None
    if source is None:
        raise _missing(activity_id)
    session.execute(text(_IMPORTS_WAIT), {"source": source})
    row = session.execute(text(_LOCKED), {"id": activity_id}).one_or_none()
    if row is None:
        raise _missing(activity_id)
    record, there, imported = row
    if version is not None and there != version:
        raise ConflictError(
            f"The activity {activity_id} was changed since it was read; read it again, and decide on what it says now."
        )
    return _Held(activity_id, record, source, imported)


def _missing(activity_id: ActivityId) -> NotFoundError:
    return NotFoundError(f"There is no activity {activity_id} in the catalog; `tripper search --json` shows ids.")


def _corrected(
    session: Session, row: _Held, changes: Mapping[str, Any], *, by: str, at: datetime, reason: str
) -> Activity:
    """Write a correction for each changed field, and return the activity with all that hold."""
    stated = uncorrected(row.record, stated_now(session, row.id))
    said = stated.dump()
    for field, value in sorted(changes.items()):
        corrected(stated, field, value)
        one = Correction(activity_id=row.id, field=field, value=value, by=by, at=at, reason=reason)
        hold_correction(session, row.source_key, one, stated=said.get(field))
    return with_corrections(stated, corrections_now(session, row.id))[0]


_SOURCE = "SELECT source_key FROM tripper.activities WHERE id = CAST(:id AS uuid) AND removed_at IS NULL"
_IMPORTS_WAIT = "SELECT pg_advisory_xact_lock(hashtextextended('import ' || :source, 0))"
_LOCKED = """
    SELECT record, record_sha256, bundle_sha256 <> '' FROM tripper.activities JOIN tripper.sources ON key = source_key
    WHERE activities.id = CAST(:id AS uuid) AND activities.removed_at IS NULL FOR UPDATE OF activities
"""
_STATISTICS = """
    WITH chosen AS (
        SELECT activities.* FROM tripper.activities JOIN tripper.sources ON key = source_key
        WHERE sources.removed_at IS NULL AND (CAST(%(source)s AS text) IS NULL OR source_key = %(source)s)
    ), here AS (SELECT * FROM chosen WHERE removed_at IS NULL)
    SELECT count(*) AS current, (SELECT count(*) FROM chosen WHERE removed_at IS NOT NULL) AS removed, count(DISTINCT source_key) AS sources,
        (SELECT count(*) FROM tripper.linked_activities WHERE members > 1 AND (CAST(%(source)s AS text) IS NULL OR source_key = %(source)s)) AS linked,
        avg((latitude IS NOT NULL)::int)::float8 AS with_place,
        avg((start_date IS NOT NULL OR record ? 'openingHoursSpecification' OR record ? 'eventSchedule')::int)::float8 AS with_time,
        avg(EXISTS (SELECT FROM tripper.activity_media WHERE activity_id = here.id)::int)::float8 AS with_picture,
        avg(EXISTS (SELECT FROM tripper.activity_embeddings WHERE activity_id = here.id)::int)::float8 AS with_vector,
        avg(CAST(record #>> '{quality,score}' AS float8)) AS quality, max(updated_at) AS newest_change_at
    FROM here
"""
