import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripper_assets.domain.activities import (
    AgeRange,
    Extraction,
    GeoCoordinates,
    Offer,
    Organizer,
    Place,
    PostalAddress,
)
from tripper_assets.extract import extract_activities
from tripper_assets.extract.drafts import Draft, folded
from tripper_assets.extract.precision import more_precise
from tripper_assets_tests.extract.conftest import NOW

Read = Callable[..., Extraction]
FULL = PostalAddress(streetAddress="Farm Lane 2", addressLocality="Oxford", postalCode="OX1 4AA")


@pytest.mark.parametrize(
    ("name", "value", "other", "better"),
    [
        ("startDate", "2024-05-04", "2024-05-04T15:00:00", "2024-05-04T15:00:00"),
        ("startDate", "2024-05-04T15:00:00", "2024-05-04T15:00:00+01:00", "2024-05-04T15:00:00+01:00"),
        ("startDate", "2024-05-04T15:00:00", "2024-05-04T16:00:00+01:00", None),
        ("type", "Event", "TheaterEvent", "TheaterEvent"),
        ("type", "TheaterEvent", "MusicEvent", None),
        ("description", "A show with…", "A show with puppets.", "A show with puppets."),
        ("description", "A show with puppets.", "Another text that is longer.", None),
        ("ageRange", AgeRange(minValue=3), AgeRange(minValue=3, maxValue=6), AgeRange(minValue=3, maxValue=6)),
        ("ageRange", AgeRange(minValue=3), AgeRange(minValue=5, maxValue=6), None),
        ("organizer", Organizer(name="Club"), Organizer(name="Club", url="https://c.org"), Organizer(name="Club", url="https://c.org")),
        ("offers", (Offer(price="5.00"),), (Offer(price="5.00", priceCurrency="GBP"),), (Offer(price="5.00", priceCurrency="GBP"),)),
        ("offers", (Offer(price="5.00"),), (Offer(price="6.00", priceCurrency="GBP"),), None),
        ("location", Place(name="Old Barn"), Place(name="Old Barn", address=FULL), Place(name="Old Barn", address=FULL)),
        ("location", Place(name="Old Barn"), Place(name="Hall", address=FULL), None),
        (
            "location",
            Place(name="Old Barn", address=PostalAddress(streetAddress="Farm Lane 2, Oxford OX1 4AA")),
            Place(address=FULL, geo=GeoCoordinates(latitude=51.7, longitude=-1.2)),
            Place(name="Old Barn", address=FULL, geo=GeoCoordinates(latitude=51.7, longitude=-1.2)),
        ),
        ("location", Place(address=FULL), Place(address=PostalAddress(addressLocality="Leeds")), None),
    ],
)  # fmt: skip
def test_the_more_precise_of_two_agreeing_values_holds(name: str, value: Any, other: Any, better: Any) -> None:
    assert more_precise(name, value, other) == better


def draft(method: str, **values: object) -> Draft:
    made = Draft(method)  # type: ignore[arg-type]
    for name, value in values.items():
        made.put(name, value)
    return made


@pytest.mark.parametrize(
    ("one", "two", "count"),
    [
        ({"name": "Puppets", "startDate": "2024-05-04T15:00"}, {"name": "Puppets | Old Barn", "startDate": "2024-05-04T15:00"}, 1),
        ({"name": "Puppets", "startDate": "2024-05-04T15:00"}, {"name": "Puppets", "startDate": "2024-05-04T14:00:00+00:00"}, 2),
        ({"name": "Puppets", "startDate": "2024-05-04T15:00:00+01:00"}, {"name": "Puppets", "startDate": "2024-05-04T14:00:00+00:00"}, 1),
        ({"name": "Puppets", "startDate": "2024-05-04T15:00"}, {"name": "Clay", "startDate": "2024-05-04T15:00"}, 2),
        ({"name": "Puppets", "startDate": "2024-05-04T15:00", "url": "u"}, {"name": "The show", "startDate": "2024-05-04T15:00", "url": "u"}, 1),
        ({"name": "Puppets", "startDate": "2024-05-04"}, {"name": "Puppets for all", "startDate": "2024-05-05"}, 2),
    ],
)  # fmt: skip
def test_what_two_markups_call_by_two_names_is_one_where_they_start_together(
    one: dict[str, str], two: dict[str, str], count: int
) -> None:
    assert len(folded([draft("json-ld", **one), draft("microdata", **two)])) == count


JSON_LD = """<script type="application/ld+json">{"@type":"Event","name":"Puppets","startDate":"2024-05-04","description":"From JSON-LD",
"location":{"@type":"Place","name":"Old Barn"}}</script>"""
MICRODATA = """<div itemscope itemtype="https://schema.org/TheaterEvent"><b itemprop="name">Puppets</b><meta itemprop="startDate" content="2024-05-04T15:00">
<p itemprop="description">From microdata</p><p itemprop="location" itemscope itemtype="https://schema.org/Place"><b itemprop="name">Old Barn</b>
<i itemprop="address">Farm Lane 2, Oxford OX1 4AA</i></p><span itemprop="offers" itemscope><meta itemprop="price" content="5"></span></div>"""
RDFA = """<div vocab="https://schema.org/" typeof="Event"><b property="name">Puppets</b><meta property="startDate" content="2024-05-04T15:00+01:00">
<p property="location" typeof="Place"><b property="name">Old Barn</b><span property="address" typeof="PostalAddress">
<i property="streetAddress">Farm Lane 2</i><i property="postalCode">OX1 4AA</i><i property="addressLocality">Oxford</i></span></p></div>"""
MICROFORMAT = """<div class="h-event"><b class="p-name">Puppets</b><time class="dt-start" datetime="2024-05-04T15:00">x</time><p class="p-location h-card">
<b class="p-name">Old Barn</b><data class="p-latitude" value="51.7"></data><data class="p-longitude" value="-1.2"></data></p><i class="p-category">Theatre</i></div>"""
STATE = f"""<script type="application/json">{
    json.dumps(
        {
            "event": {
                "title": "Puppets",
                "startDate": "2024-05-04T14:00:00Z",
                "endDate": "2024-05-04T15:00:00Z",
                "url": "/puppets",
            }
        }
    )
}</script>"""
OPENGRAPH = '<meta property="og:title" content="Puppets"><meta property="og:image" content="/p.jpg"><meta property="og:description" content="From OG">'
MARKUPS = [JSON_LD, MICRODATA, RDFA, MICROFORMAT, STATE, OPENGRAPH]


def test_each_field_has_the_best_founded_value_of_all_markups(read: Read) -> None:
    (activity,) = read("<html>" + "".join(MARKUPS), timezone="Europe/London").activities

    assert (activity.name, activity.type, activity.description) == ("Puppets", "TheaterEvent", "From JSON-LD")
    assert (activity.startDate, activity.endDate) == ("2024-05-04T15:00:00+01:00", "2024-05-04T16:00:00+01:00")
    assert activity.location == Place(
        name="Old Barn",
        address=PostalAddress(streetAddress="Farm Lane 2", postalCode="OX1 4AA", addressLocality="Oxford"),
        geo=GeoCoordinates(latitude=51.7, longitude=-1.2),
    )
    methods = {name: source.method for name, source in activity.provenance.items()}
    assert methods == {
        "name": "json-ld",
        "description": "json-ld",
        "type": "microdata",
        "startDate": "microdata",
        "offers": "microdata",
        "location": "microformats",
        "category": "microformats",
        "endDate": "embedded-state",
        "url": "embedded-state",
        "image": "opengraph",
    }


def without_hash(extraction: Extraction) -> list[dict[str, Any]]:
    found = [one.model_dump() for one in extraction.activities]
    for one in found:
        for source in one["provenance"].values():
            source["page_sha256"] = ""
    return found


def test_the_order_of_markups_in_a_page_changes_nothing(read: Read) -> None:
    results = [
        without_hash(read("<html>" + "".join(order), timezone="Europe/London"))
        for order in itertools.permutations(MARKUPS[:5])
    ]

    assert all(result == results[0] for result in results)


INTACT = '<script type="application/ld+json">{"@type":"Event","name":"Kite day","startDate":"2024-05-04"}</script>'
BROKEN = st.sampled_from(
    [
        "{",
        '{"@type":"Event","name":"',
        "[1,",
        '{"@id":"#e",',
        "/*",
        "<!--",
        '"',
        "}",
        "]",
        ",",
        ":",
        '{"@graph":[',
        "&quot;",
        "\\",
        "null",
        "\x00",
    ]
)


@settings(max_examples=150)
@given(st.lists(BROKEN, max_size=12).map("".join), st.lists(BROKEN, max_size=12).map("".join), st.booleans())
def test_a_broken_block_never_loses_an_intact_one(before: str, after: str, inside: bool) -> None:  # noqa: FBT001 (drawn)
    blocks = [f'<script type="application/ld+json">{text.replace("<!--", "")}</script>' for text in (before, after)]
    if inside:
        blocks[1] = f'<div itemscope itemtype="https://schema.org/Event"><b itemprop="name">{after.replace("<", "")}'
    page = f"<html><body>{blocks[0]}{INTACT}{blocks[1]}</body></html>"

    extraction = extract_activities(page.encode(), url="https://example.org/p", content_type="text/html", now=NOW)

    assert "Kite day" in {one.name for one in extraction.activities}


@settings(max_examples=150)
@given(st.integers(min_value=1, max_value=400))
def test_a_cut_block_keeps_the_events_before_the_cut(size: int) -> None:
    events = [{"@type": "Event", "name": f"Walk {number}", "startDate": f"2024-05-0{number}"} for number in range(1, 8)]
    whole = json.dumps({"@context": "https://schema.org", "@graph": events})
    text = whole[:size]
    complete = sum(text.count(json.dumps(event)) for event in events)

    page = f'<script type="application/ld+json">{text}</script>'
    extraction = extract_activities(page.encode(), url="https://example.org/p", content_type="text/html", now=NOW)

    names = [one.name for one in extraction.activities]
    assert names[:complete] == [f"Walk {number}" for number in range(1, complete + 1)]
    assert len(names) <= complete + 1
    assert [problem.code for problem in extraction.problems] == ["jsonld_broken"]
