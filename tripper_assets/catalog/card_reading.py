"""What pages show of activities besides their hits: records by id, how often each changed, and what the catalog is rich in."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row
from sqlalchemy import text

from tripper_assets.catalog.activity_rows import is_uuid
from tripper_assets.catalog.database import Database
from tripper_assets.domain.model import ActivityId

LOOKED_AT = 2_000
"""Activities that suggestions are made of: enough to know what there is, and as quick among many as among few."""
SHOWN_CHANGES = 50


class Change(NamedTuple):
    """What one import, or a person, changed of an activity."""

    at: datetime
    change: str
    """inserted, updated or removed."""
    changed_fields: list[str]
    before: dict[str, Any]
    """The record that was replaced, empty for a new activity."""
    workflow_id: str | None


class Riches(NamedTuple):
    """What a catalog is rich in, the most frequent first."""

    activities: int
    """How many there are; from ``LOOKED_AT`` on no more are counted."""
    towns: list[str]
    tags: list[str]


def records_of(database: Database, ids: Iterable[ActivityId]) -> dict[ActivityId, dict[str, Any]]:
    """Return the records of activities by id; those that are gone are not among them."""
    with database.connection() as connection:
        rows = connection.execute(text(_RECORDS), {"ids": [one for one in ids if is_uuid(one)]})
        return {row.id: row.record for row in rows}


def changes_of(database: Database, activity_id: ActivityId) -> list[Change]:
    """Return the last changes of an activity, the newest first."""
    with database.reading() as connection, connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_CHANGES, {"id": UUID(activity_id), "most": SHOWN_CHANGES}).fetchall()
    return [
        Change(row["at"], row["change"], row["changed_fields"], row["before"] or {}, row["workflow_id"]) for row in rows
    ]


def riches(database: Database) -> Riches:
    """Return the towns and the tags of some of the activities that are not over."""
    with database.connection() as connection:
        row = connection.execute(text(_RICHES), {"most": LOOKED_AT}).one()
    return Riches(row.activities, row.towns or [], row.tags or [])


_RECORDS = """
    SELECT id::text AS id, record FROM tripper.activities WHERE id = ANY(CAST(:ids AS uuid[])) AND removed_at IS NULL
"""
_CHANGES = """
    SELECT at, change, changed_fields, before, workflow_id FROM tripper.activity_history
    WHERE activity_id = %(id)s ORDER BY id DESC LIMIT %(most)s
"""
_RICHES = """
    WITH chosen AS MATERIALIZED (
        SELECT locality, tags FROM tripper.activities
        WHERE removed_at IS NULL AND (over_at IS NULL OR over_at > now())
            AND EXISTS (SELECT FROM tripper.sources WHERE key = source_key AND sources.removed_at IS NULL)
        LIMIT :most
    )
    SELECT (SELECT count(*) FROM chosen) AS activities,
        (SELECT array_agg(locality) FROM
            (SELECT locality FROM chosen WHERE locality <> '' GROUP BY locality ORDER BY count(*) DESC, locality LIMIT 4) AS towns) AS towns,
        (SELECT array_agg(tag) FROM
            (SELECT tag FROM chosen, unnest(tags) AS tag GROUP BY tag ORDER BY count(*) DESC, tag LIMIT 12) AS tags) AS tags
"""
