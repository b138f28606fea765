"""How stored activities are read: one, or a page of them by key, each with what belongs to it in as many statements as for one."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg import sql
from psycopg.rows import dict_row

from tripper_assets.catalog.database import PgConnection
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.model import ActivityId, Model, SourceKey

LARGEST_PAGE = 1_000


class Related(NamedTuple):
    """What belongs to an activity in other tables."""

    pictures: tuple[dict[str, Any], ...] = ()
    """By position: url_sha256, source_url, content_url, sha256, width and height."""
    vectors: tuple[dict[str, Any], ...] = ()
    """Model, dimensions and text_sha256, without the numbers."""
    linked: tuple[dict[str, Any], ...] = ()
    """The same activity on other sites: id, source_key, url and name."""


@dataclass(frozen=True, slots=True)
class StoredActivity:
    """One activity as the catalog has it."""

    id: ActivityId
    source_key: SourceKey
    record: dict[str, Any]
    """The line of the final JSONL, with what people corrected."""
    version: str
    """Changes whenever the record does; an update names the one that it is for."""
    first_seen_at: datetime
    updated_at: datetime
    removed_at: datetime | None
    related: Related | None = None
    """None where it was not asked for."""


class ActivityFilter(Model):
    """Which activities a list shows; None shows all."""

    source_key: SourceKey | None = None
    type: str | None = None
    locality: str | None = None
    country_code: str | None = None
    is_free: bool | None = None
    changed_since: datetime | None = None
    removed: bool = False
    """Also those that the last import no longer had."""


class ActivityPage(NamedTuple):
    """One page of a list."""

    activities: list[StoredActivity]
    next: str
    """What ``after`` takes; empty where nothing follows."""


def read_one(connection: PgConnection, activity_id: ActivityId, *, related: bool = False) -> StoredActivity | None:
    """Return an activity that is not removed, None where there is none."""
    row = connection.execute(_ONE, {"id": UUID(activity_id)}).fetchone()
    if row is None:
        return None
    found = StoredActivity(*row)
    return _with_related(connection, [found])[0] if related else found


class CurrentRecord(NamedTuple):
    """The record of an activity that is in the catalog now, as JSON text."""

    text: str
    version: str
    """As that of a StoredActivity."""
    updated_at: datetime


def current_record(connection: PgConnection, activity_id: ActivityId) -> CurrentRecord | None:
    """Return the record of an activity, None where it or its source is removed or was never there; the text is not parsed on the way."""
    row = connection.execute(_RECORD, {"id": UUID(activity_id)}).fetchone()
    return CurrentRecord(*row) if row else None


def read_page(
    connection: PgConnection, where: ActivityFilter, *, after: str, limit: int, related: bool
) -> ActivityPage:
    """Return the next activities in the order of their ids."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise ConfigurationError(f"A page of {limit} activities cannot be made; ask for 1 to {LARGEST_PAGE}.")
    asked = {name: value for name, value in where if value is not None and name in _CONDITIONS}
    conditions = [_CONDITIONS[name] for name in asked] + ([] if where.removed else [_CURRENT])
    values = asked | {"limit": limit + 1}
    if after:
        conditions.append(_AFTER)
        values["after"] = _position(after)
    wanted = sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true")
    rows = connection.execute(_PAGE.format(conditions=wanted), values).fetchall()
    found = [StoredActivity(*row) for row in rows[:limit]]
    following = _cursor(found[-1].id) if len(rows) > limit else ""
    return ActivityPage(_with_related(connection, found) if related else found, following)


def _cursor(activity_id: ActivityId) -> str:
    return base64.urlsafe_b64encode(UUID(activity_id).bytes).decode().rstrip("=")


def _position(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.urlsafe_b64decode(f"{cursor}=="))
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError(f"The position {cursor[:40]!r} is from no page; begin without one.") from error


def _with_related(connection: PgConnection, found: Sequence[StoredActivity]) -> list[StoredActivity]:
    """Return the activities with what belongs to them: three statements, however many they are."""
    ids = [UUID(one.id) for one in found]
    pictures, vectors, linked = (_by_activity(connection, one, ids) for one in (_PICTURES, _VECTORS, _LINKED))
    return [
        replace(one, related=Related(pictures.get(one.id, ()), vectors.get(one.id, ()), linked.get(one.id, ())))
        for one in found
    ]


def _by_activity(
    connection: PgConnection, statement: LiteralString, ids: list[UUID]
) -> dict[ActivityId, tuple[dict[str, Any], ...]]:
    found: dict[ActivityId, list[dict[str, Any]]] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for values in cursor.execute(statement, {"ids": ids}):
            found.setdefault(values.pop("activity_id"), []).append(values)
    return {one: tuple(rows) for one, rows in found.items()}


_CURRENT = sql.SQL("""
    activities.removed_at IS NULL
    AND EXISTS (SELECT FROM tripper.sources WHERE key = activities.source_key AND sources.removed_at IS NULL)
""")
_AFTER = sql.SQL("activities.id > %(after)s")
_ONE = """
    SELECT id::text, source_key, record, record_sha256, first_seen_at, updated_at, removed_at
    FROM tripper.activities WHERE id = %(id)s AND removed_at IS NULL
"""
_RECORD = """
    SELECT record::text, record_sha256, updated_at FROM tripper.activities
    WHERE id = %(id)s AND removed_at IS NULL
    AND EXISTS (SELECT FROM tripper.sources WHERE key = activities.source_key AND sources.removed_at IS NULL)
"""
_PAGE = sql.SQL("""
    SELECT id::text, source_key, record, record_sha256, first_seen_at, updated_at, removed_at
    FROM tripper.activities WHERE {conditions} ORDER BY activities.id LIMIT %(limit)s
""")
_CONDITIONS = {
    "source_key": sql.SQL("activities.source_key = %(source_key)s"),
    "type": sql.SQL("activities.type = %(type)s"),
    "locality": sql.SQL("activities.locality = %(locality)s"),
    "country_code": sql.SQL("activities.country_code = %(country_code)s"),
    "is_free": sql.SQL("activities.is_free = %(is_free)s"),
    "changed_since": sql.SQL("activities.updated_at >= %(changed_since)s"),
}
_PICTURES = """
    SELECT activity_id::text, url_sha256, source_url, content_url, sha256, width, height
    FROM tripper.activity_media JOIN tripper.media USING (url_sha256) WHERE activity_id = ANY(%(ids)s) ORDER BY activity_id, position
"""
_VECTORS = """
    SELECT activity_id::text, model, dimensions, text_sha256 FROM tripper.activity_embeddings
    WHERE activity_id = ANY(%(ids)s) ORDER BY activity_id, model
"""
_LINKED = """
    SELECT own.activity_id::text, other.activity_id::text AS id, activities.source_key, activities.url, activities.name
    FROM tripper.activity_links AS own JOIN tripper.activity_links AS other USING (group_id)
    JOIN tripper.activities ON activities.id = other.activity_id AND activities.removed_at IS NULL
    JOIN tripper.sources ON sources.key = activities.source_key AND sources.removed_at IS NULL
    WHERE own.activity_id = ANY(%(ids)s) AND other.activity_id <> own.activity_id ORDER BY own.activity_id, other.position
"""
