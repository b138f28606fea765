"""How an activity becomes a row: its columns, or the reason why it cannot be stored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from psycopg.types.json import Jsonb

from tripper_assets.catalog.activity_times import times_of
from tripper_assets.catalog.storable import is_storable
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.identity import canonical_json, content_sha256, text_sha256
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.model import ActivityId, Rejection, SourceKey

COLUMNS: Mapping[str, str] = {
    "id": "uuid",
    "source_key": "text",
    "url": "text",
    "type": "text",
    "name": "text",
    "start_text": "text",
    "end_text": "text",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "start_date": "date",
    "end_date": "date",
    "over_at": "timestamptz",
    "locality": "text",
    "country_code": "text",
    "latitude": "float8",
    "longitude": "float8",
    "is_free": "bool",
    "min_age": "float8",
    "max_age": "float8",
    "in_language": "text",
    "record": "jsonb",
    "record_sha256": "text",
    "content_sha256": "text",
}
"""The columns that are copied in, with their types; the rest is worked out in the database."""
MAX_LATITUDE = 90
MAX_LONGITUDE = 180


@dataclass(frozen=True)
class ActivityLine:
    """An activity as a line of the final JSONL and as the columns of its row."""

    id: ActivityId
    record_sha256: str
    """Of the whole record."""
    content_sha256: str
    """Of what the activity says: without position and provenance."""
    row: tuple[Any, ...]
    """In the order of COLUMNS."""


def read_line(activity: Activity, source_key: SourceKey) -> ActivityLine | Rejection:
    """Return the activity as a row of the source, or why it cannot be one: a row that fails would fail the whole import."""
    record = activity.dump()
    try:
        text = canonical_json(record)
    except ValueError:
        return Rejection(reason="not_a_number", subject=activity.id)
    reason = _trouble(activity, text, source_key)
    if reason:
        return Rejection(reason=reason, subject=activity.id)
    hashes = {"record_sha256": text_sha256(text), "content_sha256": activity.content_sha256 or content_sha256(record)}
    values = _values(activity) | {"record": Jsonb(text, dumps=str.encode)} | hashes
    return ActivityLine(activity.id, **hashes, row=tuple(values[name] for name in COLUMNS))


def _trouble(activity: Activity, text: str, source_key: SourceKey) -> str:
    if not is_uuid(activity.id):
        return "id_not_a_uuid"
    if activity.source_key != source_key:
        return "of_another_source"
    if not is_storable(text) or ("\\u0000" in text and not _all_storable(activity.dump())):
        return "text_not_storable"
    if activity.content_sha256 and not re.fullmatch(r"[0-9a-f]{64}", activity.content_sha256):
        return "content_sha256_malformed"
    return "" if _is_on_earth(activity) else "coordinates_out_of_range"


def is_uuid(text: str) -> bool:
    """Return whether ``text`` is a UUID in its canonical form."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _all_storable(value: Any) -> bool:  # noqa: ANN401 (any JSON value)
    if isinstance(value, dict):
        return all(_all_storable(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return all(map(_all_storable, value))
    return is_storable(value) if isinstance(value, str) else True


def _coordinates(activity: Activity) -> tuple[float | None, float | None]:
    """Return latitude and longitude: the geocoded ones, else the publisher's."""
    if activity.geometry is not None:
        return activity.geometry.coordinates[1], activity.geometry.coordinates[0]
    geo = activity.location.geo if activity.location else None
    return (geo.latitude, geo.longitude) if geo else (None, None)


def _is_on_earth(activity: Activity) -> bool:
    latitude, longitude = _coordinates(activity)
    return abs(latitude or 0) <= MAX_LATITUDE and abs(longitude or 0) <= MAX_LONGITUDE


def _values(activity: Activity) -> dict[str, Any]:
    times = times_of(activity)
    address = activity.location.address if activity.location else None
    country = address.addressCountry if address else ""
    ages = activity.ageRange
    latitude, longitude = _coordinates(activity)
    return {
        "id": UUID(activity.id),
        "source_key": activity.source_key,
        "url": activity.url,
        "type": activity.type,
        "name": activity.name,
        "start_text": activity.startDate,
        "end_text": activity.endDate,
        "starts_at": times.starts_at,
        "ends_at": times.ends_at,
        "start_date": times.start_date,
        "end_date": times.end_date,
        "over_at": times.over_at,
        "locality": address.addressLocality if address else "",
        "country_code": country if re.fullmatch("[A-Z]{2}", country) else None,
        "latitude": latitude,
        "longitude": longitude,
        "is_free": activity.isAccessibleForFree,
        "min_age": ages.minValue if ages else None,
        "max_age": ages.maxValue if ages else None,
        "in_language": activity.inLanguage,
    }


class Vectors:
    """The vectors of one import, each checked against the activity that it is said to belong to.

    Raises:
        PermanentError: the map's parts do not run in parallel, so that nobody knows whose vector is whose.
    """

    def __init__(self, vectors: EmbeddingsMap) -> None:
        if not len(vectors.ids) == len(vectors.text_sha256) == len(vectors.vectors):
            raise PermanentError(
                f"Importing vectors of {vectors.model} found {len(vectors.ids)} ids, {len(vectors.text_sha256)} texts and "
                f"{len(vectors.vectors)} vectors; materialize embeddings_map again."
            )
        self.map = vectors
        self._rows = vectors.by_id()

    def row(self, activity_id: ActivityId) -> int | None:
        """Return the row number of the activity's vector, None where it has none."""
        return self._rows.get(activity_id)

    def trouble(self, activity: Activity) -> str:
        """Return why the activity's vector cannot be stored, empty where it can or where there is none."""
        row = self.row(activity.id)
        if row is None:
            return ""
        vector = self.map.vectors[row]
        if not np.isfinite(vector).all():
            return "vector_not_finite"
        if not vector.any():
            return "vector_zero"
        stated = activity.embedding
        if stated is None:
            return ""
        if (stated.model, stated.text_sha256) != (self.map.model, self.map.text_sha256[row]):
            return "vector_of_another_text"
        return "" if stated.dimensions == self.map.dimensions else "vector_dimensions"
