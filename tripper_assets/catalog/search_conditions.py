"""How the filters of a search become conditions on activities: SQL made of constants, and the values that it is given."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from math import cos, degrees, radians
from typing import Any, NamedTuple

from tripper_assets.catalog.activity_rows import COORDINATE_DIGITS
from tripper_assets.catalog.storable import storable_text
from tripper_assets.domain.distances import EARTH_KM
from tripper_assets.domain.search import SearchFilters, Spot

POLE = 89.9
"""Degrees from which on every longitude is near."""
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 12, 31)


class Conditions(NamedTuple):
    """An SQL condition on tripper.activities, its values, and whether it is more than that a hit may be shown at all."""

    sql: str
    values: Mapping[str, Any]
    narrows: bool


_PRESENT: tuple[str, ...] = (
    "activities.removed_at IS NULL",
    "EXISTS (SELECT FROM tripper.sources WHERE sources.key = activities.source_key AND sources.removed_at IS NULL)",
)
_NOT_OVER = "(activities.over_at IS NULL OR activities.over_at > :now)"
# The index knows the days from the first to the last; the weekdays are bits, and only what those leave open is read from the record.
_DAYS = """
    activities.days && daterange(CAST(:since AS date), CAST(:until AS date), '[]')
    AND activities.weekdays & tripper.weekdays_between(
        greatest(lower(activities.days), CAST(:since AS date)), least(upper(activities.days) - 1, CAST(:until AS date))) <> 0
    AND (activities.weekdays < 128 OR tripper.happens_within(
        activities.record, activities.start_date, activities.end_date, CAST(:since AS date), CAST(:until AS date)))
"""
# Written without coalesce, so that the planner's statistics of the columns hold.
_OLD_ENOUGH = "(activities.min_age IS NULL OR activities.min_age <= :max_age)"
_YOUNG_ENOUGH = "(activities.max_age IS NULL OR activities.max_age >= :min_age)"
_FREE = "activities.is_free"
_PRICE = "(activities.is_free OR activities.least_price <= :max_price)"
_TAGS = "activities.tags @> ARRAY(SELECT left(tripper.plain(asked), 200) FROM unnest(CAST(:tags AS text[])) AS asked)"
_LANGUAGE = "activities.language = :language"
_SOURCE = "activities.source_key = :source_key"
# Half of 1 - cos is the square of the half angle's sine; a square would underflow between two points that are almost one, which PostgreSQL
# takes for an error.
DISTANCE = f"""
    2 * {EARTH_KM} * asin(least(1, sqrt(
        (1 - cos(radians(activities.latitude - :latitude))) / 2
        + cos(radians(:latitude)) * cos(radians(activities.latitude)) * (1 - cos(radians(activities.longitude - :longitude))) / 2)))
"""
"""Kilometres along the great circle from the asked place."""


def conditions(filters: SearchFilters, *, now: datetime) -> Conditions:
    """Return the condition that the filters are; past activities are hidden unless they or their days are asked for."""
    parts: list[str] = list(_PRESENT)
    values: dict[str, Any] = {}
    if not _asks_for_past(filters, now):
        parts.append(_NOT_OVER)
        values["now"] = now
    shown = len(parts)
    for sql, given in _asked(filters):
        parts.append(sql)
        values |= given
    return Conditions(" AND ".join(parts), values, narrows=len(parts) > shown)


def _asks_for_past(filters: SearchFilters, now: datetime) -> bool:
    return filters.past or (filters.until is not None and filters.until < now.astimezone(UTC).date())


def _asked(filters: SearchFilters) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    if filters.since or filters.until:
        found.append((_DAYS, {"since": filters.since or EARLIEST, "until": filters.until or LATEST}))
    if filters.near is not None:
        found.append(_near(filters.near))
    if filters.max_age is not None:
        found.append((_OLD_ENOUGH, {"max_age": filters.max_age}))
    if filters.min_age is not None:
        found.append((_YOUNG_ENOUGH, {"min_age": filters.min_age}))
    if filters.free:
        found.append((_FREE, {}))
    if filters.max_price is not None:
        found.append((_PRICE, {"max_price": filters.max_price}))
    if filters.tags:
        found.append((_TAGS, {"tags": [storable_text(tag) for tag in filters.tags]}))
    if filters.language:
        found.append((_LANGUAGE, {"language": filters.language}))
    if filters.source_key is not None:
        found.append((_SOURCE, {"source_key": storable_text(filters.source_key)}))
    return found


def _near(spot: Spot) -> tuple[str, dict[str, Any]]:
    """Return the circle, and around it the box that the index knows; one across the antimeridian is two."""
    reach = degrees(spot.radius_km / EARTH_KM)
    south, north = spot.latitude - reach, spot.latitude + reach
    # Rounded, as those of the rows are: PostgreSQL refuses to turn 5e-324 degrees into radians.
    at = {"latitude": round(spot.latitude, COORDINATE_DIGITS), "longitude": round(spot.longitude, COORDINATE_DIGITS)}
    values: dict[str, Any] = {**at, "radius_km": spot.radius_km}
    values |= {"south": max(south, -90.0), "north": min(north, 90.0)}
    parts = ["activities.latitude BETWEEN :south AND :north"]
    widest = max(abs(south), abs(north))
    wide = reach / cos(radians(widest)) if widest < POLE else 180.0
    if wide < 180:  # noqa: PLR2004 (degrees)
        west, east = spot.longitude - wide, spot.longitude + wide
        values |= {"west": west + 360 if west < -180 else west, "east": east - 360 if east > 180 else east}  # noqa: PLR2004 (degrees)
        both = "AND" if values["west"] <= values["east"] else "OR"
        parts.append(f"(activities.longitude >= :west {both} activities.longitude <= :east)")
    parts.append(f"{DISTANCE} <= :radius_km")
    return " AND ".join(parts), values
