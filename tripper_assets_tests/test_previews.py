import html

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tripper_assets.domain.activities import Activity, Geocoding, Place, PostalAddress, RawActivity
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImageRow, ImagesMap, PlaceRow
from tripper_assets.domain.workflows import ImportSummary
from tripper_assets.formats import encode
from tripper_assets.previews import SHOWN_CHARS, VECTOR_COLUMNS, column_schema, plain_markdown, preview


def raw(name: str, **fields: object) -> RawActivity:
    return RawActivity.model_validate({"page": "https://e.org/", "name": name, **fields})


def rows_of(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_records_are_shown_by_what_a_person_knows_them_by() -> None:
    table = preview(
        [
            raw(
                "Theatre",
                startDate="2026-05-02",
                location=Place(name="Park"),
                description="Long",
                isAccessibleForFree=False,
            ),
            raw("Zoo", location=Place(address=PostalAddress(addressLocality="Köln")), url="https://e.org/zoo"),
            raw("Fair", location=Place(address=PostalAddress(postalCode="50667"))),
        ]
    )

    assert rows_of(table) == [
        ["name", "startDate", "location", "isAccessibleForFree", "url"],
        ["---"] * 5,
        ["Theatre", "2026-05-02", "Park", "False", ""],
        ["Zoo", "", "Köln", "", "https://e.org/zoo"],
        ["Fair", "", "", "", ""],
    ]


def test_only_the_first_rows_and_the_first_letters_are_shown() -> None:
    rows = rows_of(preview([raw("x" * 500) for _ in range(100)]))

    assert len(rows) == 2 + 8
    assert rows[2] == ["x" * SHOWN_CHARS]


@pytest.mark.parametrize("value", [[], (), ImagesMap("h", ()), GeocodedMap("h", ())])
def test_nothing_is_shown_as_nothing(value: object) -> None:
    assert preview(value) == "_nothing_"


def test_maps_and_vectors_are_shown_by_activity() -> None:
    image = ImageRow(activity_id="a", position=0, sourceUrl="https://e.org/1.jpg", width=640)
    place = PlaceRow(activity_id="a", geocoding=Geocoding(status="not_found"))
    vectors = EmbeddingsMap("h", "minilm", ("a",), ("t",), np.full((1, 384), 0.12345, dtype=np.float32))

    assert rows_of(preview(ImagesMap("h", (image,))))[2] == ["a", "0", "https://e.org/1.jpg", "640"]
    assert "not&#95;found" in preview(GeocodedMap("h", (place,)))
    assert rows_of(preview(vectors))[2] == ["a", "minilm", "&#91;0.123, 0.123, 0.123, 0.123&#93;"]


def test_one_model_is_shown_field_by_field() -> None:
    assert rows_of(preview(ImportSummary(lines=3)))[2:4] == [["lines", "3"], ["inserted", "0"]]


def test_dicts_without_a_known_column_are_shown_as_they_are() -> None:
    assert rows_of(preview([{"n": 1, "provenance": {}}, {"m": 2}])) == [["n", "m"], ["---"] * 2, ["1", ""], ["", "2"]]


def test_a_frame_has_no_preview() -> None:
    assert preview(pd.DataFrame({"n": [1]})) == ""


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[click](javascript:alert(1))",
        "![x](https://evil.example/pixel.png)",
        "| a | b |\n| --- | --- |",
        "`code` **bold** __bold__",
        "\\<img src=x>",
    ],
)
def test_markup_from_a_strangers_page_does_not_act(hostile: str) -> None:
    rows = preview([raw(f"Fair {hostile}")]).splitlines()

    assert len(rows) == 3
    cell = rows[2].removeprefix("| ").removesuffix(" |")
    assert not set(cell) & set("<>[]|`*_\\")


def test_each_column_of_a_stored_model_tells_its_type_and_what_it_means() -> None:
    columns = {column.name: column for column in column_schema(Activity).columns}

    assert list(columns) == list(Activity.model_fields)
    assert {
        name: columns[name].type for name in ("name", "category", "offers", "ageRange", "eventStatus", "provenance")
    } == {
        "name": "str",
        "category": "list of str",
        "offers": "list of Offer",
        "ageRange": "AgeRange or nothing",
        "eventStatus": "str or nothing",
        "provenance": "Provenance by name",
    }
    assert columns["index"].description == "The position in this run's `activities`, which is ordered by id."


def test_the_columns_of_vectors_are_those_that_are_stored() -> None:
    vectors = EmbeddingsMap("h", "minilm", ("a",), ("t",), np.full((1, 384), 0.05, dtype=np.float32))

    stored = pq.read_schema(pa.BufferReader(encode(vectors).data))

    assert [column.name for column in VECTOR_COLUMNS.columns] == stored.names


def test_text_of_a_page_stays_text_in_markdown() -> None:
    shown = plain_markdown("![x](http://evil.example/p.png)\n<b>`now`</b> a_b*c | d")

    assert not set("![<`_*|\n") & set(shown.replace("!", ""))
    assert html.unescape(shown) == "![x](http://evil.example/p.png) <b>`now`</b> a_b*c | d"
