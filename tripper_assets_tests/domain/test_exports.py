"""An export says what the records say, in forms that others' readers take."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripper_assets.domain.exports import COLUMNS, FORMULA_STARTS, ExportFormat, export_pieces

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
POSITION = {"type": "array", "minItems": 2, "items": {"type": "number"}}
POINT = {
    "type": "object",
    "required": ["type", "coordinates"],
    "properties": {"type": {"const": "Point"}, "coordinates": POSITION},
}
FEATURE = {
    "type": "object",
    "required": ["type", "properties", "geometry"],
    "properties": {
        "type": {"const": "Feature"},
        "id": {"type": ["number", "string"]},
        "properties": {"type": ["object", "null"]},
        "geometry": {"oneOf": [{"type": "null"}, POINT]},
    },
    "not": {"anyOf": [{"required": ["coordinates"]}, {"required": ["geometries"]}, {"required": ["features"]}]},
}
FEATURE_COLLECTION = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {"type": {"const": "FeatureCollection"}, "features": {"type": "array", "items": FEATURE}},
    "not": {"anyOf": [{"required": [name]} for name in ("coordinates", "geometries", "geometry", "properties", "crs")]},
}
"""RFC 7946, sections 3.1.2, 3.2, 3.3, 4 and 7.1, for what has points alone."""


def record(**fields: Any) -> dict[str, Any]:
    own = {
        "id": "6f17a177-f691-594a-8d96-2256a52174b8",
        "index": 0,
        "source_key": "zoo",
        "source_url": "https://zoo.example/",
    }
    return {
        **own,
        "schema_version": "1",
        "url": "https://zoo.example/1",
        "type": "Event",
        "name": "Feeding the seals",
        **fields,
    }


def exported(form: ExportFormat, *records: dict[str, Any]) -> str:
    return b"".join(export_pieces(records, form, now=NOW)).decode()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_line_of_csv_says_the_same_as_its_record() -> None:
    place = {
        "name": "Old Mill",
        "address": {"streetAddress": 'Mill "Lane", 1', "addressLocality": "Leeds", "addressCountry": "GB"},
    }
    fields = {
        "location": place,
        "geometry": {"type": "Point", "coordinates": [-1.55, 53.8]},
        "isAccessibleForFree": False,
    }
    fields |= {
        "startDate": "2026-06-01T15:00:00+02:00",
        "offers": [{"price": "4.50", "priceCurrency": "GBP"}],
        "keywords": ["fish", "sea"],
    }

    (row,) = rows(exported("csv", record(**fields, ageRange={"minValue": 4.0}, description="One\nTwo")))

    assert tuple(row) == COLUMNS
    assert (row["name"], row["venue"], row["street"], row["town"]) == (
        "Feeding the seals",
        "Old Mill",
        'Mill "Lane", 1',
        "Leeds",
    )
    assert (float(row["latitude"]), float(row["longitude"])) == (53.8, -1.55)
    assert (row["is_free"], row["min_age"], row["max_age"], row["price"], row["currency"]) == (
        "false",
        "4.0",
        "",
        "4.50",
        "GBP",
    )
    assert (row["start"], row["keywords"], row["description"]) == (
        "2026-06-01T15:00:00+02:00",
        "fish | sea",
        "One\nTwo",
    )


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("http://evil.example";"x")', "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"]
)
def test_no_cell_that_a_page_wrote_is_a_formula(text: str) -> None:
    (row,) = rows(exported("csv", record(name=text, keywords=[text])))

    assert (row["name"], row["keywords"]) == (f"'{text}", f"'{text}")


TEXT = st.text(max_size=20) | st.sampled_from(FORMULA_STARTS).map(lambda start: f"{start}1")


@given(st.lists(st.fixed_dictionaries({"name": TEXT, "description": TEXT, "url": TEXT}), max_size=4))
@settings(max_examples=60, deadline=None)
def test_whatever_pages_say_each_format_gives_it_back(said: list[dict[str, str]]) -> None:
    records = [record(**one) for one in said]

    table = rows(b"".join(export_pieces(records, "csv", now=NOW)).decode())
    lines = [json.loads(line) for line in exported("jsonl", *records).split("\n") if line]
    collection = json.loads(exported("geojson", *records))

    assert [row["name"].removeprefix("'") for row in table] == [one["name"].removeprefix("'") for one in said]
    assert not any(cell.lstrip(" ").startswith(FORMULA_STARTS) for row in table for cell in row.values())
    assert lines == records
    assert [one["properties"]["description"] for one in collection["features"]] == [one["description"] for one in said]


def test_features_are_what_rfc_7946_says() -> None:
    placed = record(
        geometry={"type": "Point", "coordinates": [-1.55, 53.8]}, provenance={"name": {"method": "json-ld"}}
    )
    stated = record(location={"geo": {"latitude": 53.8, "longitude": -1.55}})

    found = json.loads(exported("geojson", placed, stated, record()))

    jsonschema.validate(found, FEATURE_COLLECTION)
    assert [one["geometry"] and one["geometry"]["coordinates"] for one in found["features"]] == [
        [-1.55, 53.8],
        [-1.55, 53.8],
        None,
    ]
    assert found["features"][0]["properties"]["name"] == "Feeding the seals"
    assert "provenance" not in found["features"][0]["properties"]


@pytest.mark.parametrize("form", ["csv", "geojson", "ics", "jsonl"])
def test_an_export_of_nothing_is_a_whole_document(form: ExportFormat) -> None:
    text = exported(form)

    assert {
        "csv": lambda: rows(text) == [] and text.startswith("id,name,"),
        "geojson": lambda: json.loads(text)["features"] == [],
        "ics": lambda: text.endswith("END:VCALENDAR\r\n"),
        "jsonl": lambda: text == "",
    }[form]()


@pytest.mark.parametrize("form", ["csv", "geojson", "ics", "jsonl"])
def test_an_export_is_written_while_it_is_read(form: ExportFormat) -> None:
    read: list[int] = []

    def records() -> Any:
        for number in range(1000):
            read.append(number)
            yield record(startDate="2026-06-01")

    pieces = export_pieces(records(), form, now=NOW)
    for _ in range(5):
        next(pieces)

    assert len(read) <= 5
