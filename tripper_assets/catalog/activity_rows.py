"""How an activity becomes a line with its hashes, and a row with its columns, or the reason why it cannot."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb

from tripper_assets.catalog.activity_times import times_of
from tripper_assets.catalog.storable import is_storable
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import canonical_json, content_sha256
from tripper_assets.domain.model import Rejection, SourceKey

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
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MAX_LATITUDE = 90
MAX_LONGITUDE = 180
COORDINATE_DIGITS = 9


@dataclass(frozen=True)
class ActivityLine:
    """An activity as a line of the final JSONL; its row is worked out only where it has to be written."""

    activity: Activity
    text: bytes
    """The record as JSON with sorted keys."""
    record_sha256: str
    """Of the whole record."""
    content_sha256: str
    """Of what the activity says: without position and provenance."""

    def row(self) -> tuple[Any, ...]:
        """Return the values of COLUMNS, in their order."""
        values = _values(self.activity) | {"record": Jsonb(self.text, dumps=bytes)}
        values |= {"record_sha256": self.record_sha256, "content_sha256": self.content_sha256}
        return tuple(values[name] for name in COLUMNS)


def read_line(activity: Activity) -> ActivityLine | Rejection:
    """Return the activity as a line with its hashes, or why it has none."""
    record = activity.dump()
    try:
        text = _json(record)
    except UnicodeEncodeError:
        return Rejection(reason="text_not_storable", subject=activity.id)
    except ValueError:
        return Rejection(reason="not_a_number", subject=activity.id)
    said = activity.content_sha256 or content_sha256(record)
    return ActivityLine(activity, text, hashlib.sha256(text).hexdigest(), said)


def _json(record: dict[str, Any]) -> bytes:
    """Return the record's canonical JSON.

    Raises:
        ValueError: it holds what is no number; UnicodeEncodeError, which is one: half a character.
    """
    try:
        text = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a character, or a whole number of more than 64 bits
        return canonical_json(record).encode()
    # NaN is null there, and an empty field is left out: what is null is looked at once more.
    return canonical_json(record).encode() if b"null" in text else text


def storing_trouble(line: ActivityLine, source_key: SourceKey) -> str:
    """Return why a line cannot be a row of the source, empty where it can: a row that fails would fail the whole import."""
    activity = line.activity
    if not is_uuid(activity.id):
        return "id_not_a_uuid"
    if activity.source_key != source_key:
        return "of_another_source"
    if b"\\u0000" in line.text and not _all_storable(activity.dump()):
        return "text_not_storable"
    if activity.content_sha256 and not re.fullmatch(r"[0-9a-f]{64}", activity.content_sha256):
        return "content_sha256_malformed"
    return "" if _is_on_earth(activity) else "coordinates_out_of_range"


def is_uuid(text: str) -> bool:
    """Return whether ``text`` is a UUID in its canonical form."""
    return UUID_TEXT.fullmatch(text) is not None


def _all_storable(value: Any) -> bool:  # noqa: ANN401 (any JSON value)
    if isinstance(value, dict):
        return all(_all_storable(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return all(map(_all_storable, value))
    return is_storable(value) if isinstance(value, str) else True


def _coordinates(activity: Activity) -> tuple[float | None, float | None]:
    """Return latitude and longitude: the geocoded ones, else the publisher's; a tenth of a millimetre is as near as anybody asks."""
    if activity.geometry is not None:
        longitude, latitude = activity.geometry.coordinates
        return round(latitude, COORDINATE_DIGITS), round(longitude, COORDINATE_DIGITS)
    geo = activity.location.geo if activity.location else None
    return (round(geo.latitude, COORDINATE_DIGITS), round(geo.longitude, COORDINATE_DIGITS)) if geo else (None, None)


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
