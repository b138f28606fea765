"""The catalog's views, read as types: statistics of sources, locations and stages, and the history of an activity."""

from typing import Any, TypeVar

from sqlalchemy import RowMapping, text

from tripper_assets.catalog.activity_rows import is_uuid
from tripper_assets.catalog.database import Database
from tripper_assets.domain.model import ActivityId, Model, SourceKey
from tripper_assets.domain.statistics import (
    ActivityStep,
    LocationAnalytics,
    LocationStatistics,
    SourceStatistics,
    StageStatistics,
)

Row = TypeVar("Row", bound=Model)


def source_statistics(database: Database, *, location_id: str | None = None) -> list[SourceStatistics]:
    """Return every source that is not removed, of one location or of all, by key."""
    where = "removed_at IS NULL AND (CAST(:location AS text) IS NULL OR location_id = :location) ORDER BY source_key"
    return _read(database, SourceStatistics, "source_statistics", where, location=location_id)


def location_statistics(database: Database) -> list[LocationStatistics]:
    """Return every location by id."""
    return _read(database, LocationStatistics, "location_statistics", "true ORDER BY location_id")


def stage_statistics(database: Database, *, source_key: SourceKey | None = None) -> list[StageStatistics]:
    """Return the stages of one source, or of all, the one with the most errors first."""
    where = (
        "CAST(:source AS text) IS NULL OR source_key = :source "
        "ORDER BY error_rate DESC NULLS LAST, failed DESC, source_key, asset"
    )
    return _read(database, StageStatistics, "stage_statistics", where, source=source_key)


def location_analytics(database: Database, location_id: str) -> LocationAnalytics | None:
    """Return the counts of one location, None where there is no such location."""
    found = _read(database, LocationAnalytics, "location_analytics", "location_id = :location", location=location_id)
    return found[0] if found else None


def activity_steps(database: Database, activity_id: ActivityId, *, limit: int) -> list[ActivityStep]:
    """Return what happened to an activity, the newest first, field by field; nothing for what is no id of one."""
    if not is_uuid(activity_id):
        return []
    where = "activity_id = CAST(:activity AS uuid) ORDER BY history_id DESC, field LIMIT :limit"
    return _read(database, ActivityStep, "activity_changes", where, activity=activity_id, limit=limit)


def _read(database: Database, kind: type[Row], view: str, where: str, **values: Any) -> list[Row]:  # noqa: ANN401 (query parameters)
    with database.connection() as connection:
        # Names and conditions are this module's own; what others say comes in as values.
        rows = connection.execute(text(f"SELECT * FROM tripper.{view} WHERE {where}"), values).mappings()  # noqa: S608 (see above)
        return [_typed(kind, row) for row in rows]


def _typed(kind: type[Row], row: RowMapping) -> Row:
    fields = dict(row)
    if "activity_id" in fields:
        fields["activity_id"] = str(fields["activity_id"])
    return kind.model_validate(fields)
