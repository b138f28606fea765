import html

import numpy as np
import pandas as pd
import pytest

from tripper_assets.domain.activities import Geocoding, Place, PostalAddress, RawActivity
from tripper_assets.domain.diff import ActivityChange, ActivityDiff, FieldChange
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImageRow, ImagesMap, PlaceRow
from tripper_assets.domain.workflows import ImportSummary
from tripper_assets.previews import SHEET_BYTES, SHOWN_CHARS, contact_sheet, page_links, places, plain_markdown, preview


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


def test_text_of_a_page_stays_text_in_markdown() -> None:
    shown = plain_markdown("![x](http://evil.example/p.png)\n<b>`now`</b> a_b*c | d")

    assert not set("![<`_*|\n") & set(shown.replace("!", ""))
    assert html.unescape(shown) == "![x](http://evil.example/p.png) <b>`now`</b> a_b*c | d"


def test_a_contact_sheet_shows_six_pictures_a_row_with_their_names_below() -> None:
    sheet = rows_of(contact_sheet((f"Fair {number}", b"RIFF") for number in range(7)))

    assert sheet[0] == [""] * 6
    assert sheet[2] == ["![](data:image/webp;base64,UklGRg==)"] * 6
    assert sheet[3] == [f"Fair {number}" for number in range(6)]
    assert sheet[4:] == [["![](data:image/webp;base64,UklGRg==)"], ["Fair 6"]]


def test_a_contact_sheet_has_a_bound_however_many_pictures_there_are() -> None:
    sheet = contact_sheet((f"Fair {number}", b"x" * 3_000) for number in range(1_000))

    assert SHEET_BYTES * 0.9 < len(sheet.encode()) <= SHEET_BYTES
    assert sheet.count("data:image") == 11


def test_names_of_strangers_are_no_markup_in_a_contact_sheet() -> None:
    cells = rows_of(contact_sheet([("![x](https://evil.example/p.png) | <b>", b"x")]))

    assert len(cells[3]) == 1
    assert not set("<[|") & set(cells[3][0])


def test_no_picture_is_shown_as_nothing() -> None:
    assert contact_sheet([]) == "_nothing_"


def test_what_has_no_place_stands_first_among_the_places() -> None:
    found = PlaceRow(
        activity_id="a", latitude=47.99591, longitude=7.85222, geocoding=Geocoding(status="ok", label="Freiburg")
    )
    lost = PlaceRow(activity_id="b", geocoding=Geocoding(status="ambiguous", label="2 towns"))

    shown = rows_of(places([found, lost], {"a": "Zoo", "b": "Fair"}))

    assert [row[0] for row in shown[2:]] == ["Fair", "Zoo"]
    assert shown[3][-1] == "47.9959, 7.8522"


def test_a_diff_shows_what_is_gone_before_what_changed_before_what_came() -> None:
    change = FieldChange(field="startDate", before="2026-05-02", after=None)
    diff = ActivityDiff(
        before="catalog",
        after="w",
        activities=(
            ActivityChange(activity_id="a", name="Zoo", kind="added"),
            ActivityChange(activity_id="c", name="Fair", kind="changed", changes=(change,)),
            ActivityChange(activity_id="r", name="Park", kind="removed"),
        ),
    )

    shown = rows_of(preview(diff))[2:]

    assert [row[:2] for row in shown] == [["removed", "Park"], ["changed", "Fair"], ["added", "Zoo"]]
    assert shown[1][2] == "startDate: 2026-05-02 → nothing"


def test_a_large_diff_says_how_much_it_does_not_show() -> None:
    many = tuple(ActivityChange(activity_id=str(one), name="Zoo", kind="added") for one in range(50))

    assert preview(ActivityDiff(before="", after="w", activities=many)).endswith("\n\nand 30 more")


def test_links_lead_to_the_pages_and_carry_nothing_that_opens_them() -> None:
    links = {name: link.url for name, link in page_links("https://t.example", "w", "final_jsonl").items()}

    assert links == {
        "review_page": "https://t.example/review/w",
        "file": "https://t.example/v1/workflows/w/files/final_jsonl",
    }
