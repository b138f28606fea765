"""What an export says of each activity, format by format, as pieces that are written one after the other: nothing here holds more than one activity."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import orjson

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.calendars import calendar_pieces

ExportFormat = Literal["csv", "geojson", "ics", "jsonl"]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the start of a formula, also in the wide letters that some of them fold."""
COLUMNS = (
    "id", "name", "type", "start", "end", "venue", "street", "postcode", "town", "region", "country", "latitude", "longitude", "min_age", "max_age",
    "is_free", "price", "currency", "category", "keywords", "organizer", "language", "status", "url", "image", "description", "source_key",
    "attribution",
)  # fmt: skip
SEPARATOR = " | "


def export_pieces(activities: Iterable[Mapping[str, Any]], form: ExportFormat, *, now: datetime) -> Iterator[bytes]:
    """Yield an export of records piece by piece; ``now`` is when it is made, which calendars state.

    Together the pieces are one whole document, also where there is nothing to export.
    """
    writers: dict[ExportFormat, Callable[[], Iterator[bytes]]] = {
        "csv": lambda: csv_pieces(activities),
        "geojson": lambda: geojson_pieces(activities),
        "ics": lambda: calendar_pieces(map(_as_activity, activities), now=now),
        "jsonl": lambda: jsonl_pieces(activities),
    }
    return writers[form]()


def _as_activity(record: Mapping[str, Any]) -> Activity:
    return Activity.model_validate(record)


def jsonl_pieces(activities: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield each record as a line, as final_jsonl has it."""
    for one in activities:
        yield orjson.dumps(one, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def geojson_pieces(activities: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield one FeatureCollection (RFC 7946); an activity whose place is unknown is a Feature with the geometry null."""
    yield b'{"type":"FeatureCollection","features":['
    for number, one in enumerate(activities):
        yield (b",\n" if number else b"\n") + orjson.dumps(_feature(one))
    yield b"\n]}\n"


def _feature(record: Mapping[str, Any]) -> dict[str, Any]:
    point = _point(record)
    geometry = {"type": "Point", "coordinates": list(point)} if point else None
    said = {name: value for name, value in record.items() if name not in {"geometry", "provenance", "index"}}
    return {"type": "Feature", "id": record["id"], "geometry": geometry, "properties": said}


def _point(record: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return longitude and latitude: the geocoded ones, else the publisher's."""
    if "geometry" in record:
        longitude, latitude = record["geometry"]["coordinates"]
        return longitude, latitude
    geo = record.get("location", {}).get("geo")
    return (geo["longitude"], geo["latitude"]) if geo else None


def csv_pieces(activities: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield a header and a line for each activity (RFC 4180, UTF-8); no cell is a formula, whatever a page said."""
    yield _csv_line(COLUMNS)
    for one in activities:
        row = _row(one)
        yield _csv_line([_cell(row[name]) for name in COLUMNS])


def _csv_line(cells: Iterable[object]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    """Return a value as a cell; a text that a spreadsheet would run gets an apostrophe before it, and numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    text = SEPARATOR.join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    place: Mapping[str, Any] = record.get("location", {})
    address: Mapping[str, Any] = place.get("address", {})
    ages, organizer = record.get("ageRange", {}), record.get("organizer", {})
    offer, image = _first(record, "offers"), _first(record, "image")
    longitude, latitude = _point(record) or (None, None)
    return {
        **{name: record.get(name) for name in ("id", "name", "type", "category", "keywords", "url", "description", "source_key", "attribution")},
        "start": record.get("startDate"),
        "end": record.get("endDate"),
        "venue": place.get("name"),
        "street": address.get("streetAddress"),
        "postcode": address.get("postalCode"),
        "town": address.get("addressLocality"),
        "region": address.get("addressRegion"),
        "country": address.get("addressCountry"),
        "latitude": latitude,
        "longitude": longitude,
        "min_age": ages.get("minValue"),
        "max_age": ages.get("maxValue"),
        "is_free": record.get("isAccessibleForFree"),
        "price": offer.get("price"),
        "currency": offer.get("priceCurrency"),
        "organizer": organizer.get("name"),
        "language": record.get("inLanguage"),
        "status": record.get("eventStatus"),
        "image": image.get("contentUrl") or image.get("sourceUrl"),
    }  # fmt: skip


def _first(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(iter(record.get(name, ())), {})
