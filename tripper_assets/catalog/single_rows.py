"""Rows of activities that are written one by one, and not by an import: their columns, full text and history, in one statement for each."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, cast

from psycopg import sql

from tripper_assets.catalog.activity_rows import COLUMNS, ActivityLine, read_line, storing_trouble
from tripper_assets.catalog.database import PgConnection
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.model import Rejection


def lines_of(activities: Sequence[Activity]) -> list[ActivityLine]:
    """Return activities as rows.

    Raises:
        ConfigurationError: one cannot be stored; nothing is written then.
    """
    return [_line(one) for one in activities]


def _line(activity: Activity) -> ActivityLine:
    line = read_line(activity)
    reason = line.reason if isinstance(line, Rejection) else storing_trouble(line, activity.source_key)
    if isinstance(line, Rejection) or reason:
        raise ConfigurationError(
            f"Storing the activity {activity.id} failed for {reason}; docs/data-format.md shows a record's form."
        )
    return line


def insert_lines(connection: PgConnection, lines: Sequence[ActivityLine], *, at: datetime) -> None:
    """Write new rows with their history; the driver sends them together, and not one after the other's answer."""
    own = {"at": at}
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, [dict(zip(COLUMNS, line.row(), strict=True)) | own for line in lines])


def update_line(connection: PgConnection, line: ActivityLine, *, at: datetime) -> None:
    """Write another record into a row that is there, with its history; one that says the same is left alone."""
    connection.execute(_UPDATE, dict(zip(COLUMNS, line.row(), strict=True)) | {"at": at})


_TYPED = {
    name: sql.SQL("{}::{}").format(sql.Placeholder(name), sql.SQL(cast("LiteralString", kind)))
    for name, kind in COLUMNS.items()
}
_INSERT = sql.SQL("""
    WITH written AS (
        INSERT INTO tripper.activities ({names}, name_plain, search, first_seen_at, updated_at)
        SELECT {values}, tripper.plain(left(%(name)s, 1000)), tripper.search_of(%(record)s::jsonb), %(at)s, %(at)s
        RETURNING id
    )
    INSERT INTO tripper.activity_history (activity_id, bundle_sha256, change, at) SELECT id, '', 'inserted', %(at)s FROM written
""").format(names=sql.SQL(", ").join(map(sql.Identifier, COLUMNS)), values=sql.SQL(", ").join(_TYPED.values()))
_UPDATE = sql.SQL("""
    WITH old AS (
        SELECT activities.id, record, bundle_sha256 FROM tripper.activities JOIN tripper.sources ON key = source_key
        WHERE activities.id = %(id)s AND record_sha256 <> %(record_sha256)s
    ), written AS (
        UPDATE tripper.activities SET {changes}, name_plain = tripper.plain(left(%(name)s, 1000)),
            search = tripper.search_of(%(record)s::jsonb), updated_at = %(at)s
        WHERE id IN (SELECT id FROM old) RETURNING id
    )
    INSERT INTO tripper.activity_history (activity_id, bundle_sha256, change, changed_fields, before, at)
    SELECT id, bundle_sha256, 'updated', ARRAY(
        SELECT key FROM jsonb_each(old.record) AS a FULL JOIN jsonb_each(%(record)s::jsonb) AS b USING (key)
        WHERE a.value IS DISTINCT FROM b.value AND key NOT IN ('index', 'provenance', 'content_sha256') ORDER BY key
    ), old.record, %(at)s FROM old JOIN written USING (id)
""").format(changes=sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), _TYPED[name]) for name in COLUMNS if name != "id"))  # fmt: skip
