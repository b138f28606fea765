"""Pages read by a person's selectors: they win, the other readers fill what they leave open, and what finds nothing is said."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tripper_assets.domain.activities import AgeRange, Extraction, ImageObject, Offer, Organizer
from tripper_assets.domain.sources import parse_config
from tripper_assets.extract import extract_activities

DOCS = Path(__file__).parents[2] / "docs"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
URL = "https://zoo.example/events/"
JSONLD = """<script type="application/ld+json">{"@type": "Event", "name": "Feeding", "startDate": "%s",
 "description": "We feed the seals.", "location": {"@type": "Place", "name": "Pool"}}</script>"""


def read(html: str, selectors: Any, url: str = URL) -> Extraction:
    rules = parse_config({"selectors": selectors}, subject="zoo").selectors
    body = f"<html lang='en-GB'><body>{html}</body></html>".encode()
    return extract_activities(
        body, url=url, content_type="text/html", now=NOW, timezone="Europe/London", selectors=rules
    )


def one(html: str, **fields: Any) -> Any:
    (activity,) = read(html, {"fields": {"name": {"value": "Feeding"}, **fields}}).activities
    return activity


def codes(found: Extraction) -> list[tuple[str, str]]:
    return [(problem.code, problem.message.split(" of ")[1].split(" ")[0]) for problem in found.problems]


def test_the_example_of_the_document_reads_as_the_document_says() -> None:
    told = (DOCS / "selectors.md").read_text()
    shown = {kind: re.search(rf"```{kind}\n(.*?)```", told, re.DOTALL) for kind in ("html", "yaml")}
    assert shown["html"]
    assert shown["yaml"]
    assert (DOCS / "selectors-example.html").read_text() == shown["html"][1]
    rules = parse_config(yaml.safe_load(shown["yaml"][1]), subject="the example").selectors

    found = extract_activities(
        shown["html"][1].encode(), url="https://otterford.example/whats-on", now=NOW, timezone="Europe/London", selectors=rules
    )  # fmt: skip

    dipping, bats = found.activities
    assert (dipping.name, dipping.startDate, dipping.endDate) == (
        "Pond dipping", "2026-05-06T10:30:00+01:00", "2026-05-06T12:00:00+01:00",
    )  # fmt: skip
    assert dipping.url == "https://otterford.example/e/17"
    assert dipping.location
    assert (dipping.location.name, dipping.location.address.postalCode) == ("Mill Pond", "AB1 2CD")
    assert dipping.offers == (Offer(price="4.50", priceCurrency="GBP"),)
    assert dipping.ageRange == AgeRange(minValue=4, maxValue=9)
    assert dipping.image == (ImageObject(sourceUrl="https://otterford.example/i/pond.jpg"),)
    assert dipping.organizer == bats.organizer == Organizer(name="Otterford Rangers")
    assert (bats.name, bats.startDate, bats.location and bats.location.name) == (
        "Bat evening", "2026-06-13T21:00:00+01:00", "Otter Woods",
    )  # fmt: skip
    assert found.problems == []


def test_what_selectors_state_wins_and_what_they_leave_open_is_filled_with_its_own_provenance() -> None:
    page = JSONLD % "2026-06-05T14:00" + "<h1>Seal feeding</h1><p class=d>7 June 2026, 3pm</p>"

    (found,) = read(page, {"fields": {"name": "h1", "startDate": ".d"}}).activities

    assert (found.name, found.startDate) == ("Seal feeding", "2026-06-07T15:00:00+01:00")
    assert found.description == "We feed the seals."
    said = {name: (how.method, how.evidence, how.confidence) for name, how in found.provenance.items()}
    assert said["startDate"] == ("selector", "7 June 2026, 3pm", 1.0)
    assert said["description"] == ("json-ld", "We feed the seals.", 0.95)


def test_the_end_of_another_date_is_not_taken_over() -> None:
    page = JSONLD.replace('"description"', '"endDate": "2026-06-05T15:00", "description"') % "2026-06-05T14:00"

    (found,) = read(page + "<i>7 June 2026</i>", {"fields": {"startDate": "i"}}).activities

    assert (found.startDate, found.endDate) == ("2026-06-07", "")


def test_an_activity_without_a_date_of_its_own_is_each_date_that_the_page_states_of_it() -> None:
    page = JSONLD % "2026-06-05T14:00" + JSONLD % "2026-06-06T14:00" + "<b class=v>Seal house</b>"

    found = read(page, {"fields": {"location.name": ".v"}}).activities

    assert [(one.startDate[:10], one.location and one.location.name) for one in found] == [
        ("2026-06-05", "Seal house"),
        ("2026-06-06", "Seal house"),
    ]


def test_what_only_other_readers_found_is_left_out() -> None:
    page = JSONLD % "2026-06-05T14:00" + "<li><b>Night tour</b><i>9 June 2026 20:00</i></li>"

    found = read(page, {"activity": "li", "fields": {"name": "b", "startDate": "i"}})

    assert [one.name for one in found.activities] == ["Night tour"]


def test_selectors_that_find_no_activity_leave_the_page_to_the_other_readers_and_say_so() -> None:
    found = read(JSONLD % "2026-06-05", {"activity": "li.event", "fields": {"name": "b"}})

    assert [one.name for one in found.activities] == ["Feeding"]
    assert codes(found) == [("selector_empty", "activity")]


def test_a_field_that_is_empty_everywhere_on_a_page_is_one_problem_and_in_some_places_none() -> None:
    page = "<li><b>A</b><i>5 June 2026</i></li><li><b>B</b><i>6 June 2026</i><u>4 EUR</u></li>"
    rules = {"activity": "li", "fields": {"name": "b", "startDate": "i", "offers": "u", "image": "img@src"}}

    found = read(page, rules)

    assert codes(found) == [("selector_empty", "image")]
    assert [len(one.offers) for one in found.activities] == [0, 1]


def test_a_text_that_does_not_read_as_its_field_is_said_with_the_text() -> None:
    found = read("<h1>Tour</h1><i>soon</i>", {"fields": {"name": "h1", "startDate": "i"}})

    assert codes(found) == [("selector_unreadable", "startDate")]
    assert "'soon'" in found.problems[0].message


def test_a_default_is_stated_where_nothing_is_found_and_is_no_problem() -> None:
    found = read(
        "<h1>Tour</h1>", {"fields": {"name": "h1", "location": {"select": "i", "transform": {"default": "Zoo"}}}}
    )

    assert found.problems == []
    assert found.activities[0].location
    assert found.activities[0].location.name == "Zoo"


def test_only_pages_that_are_meant_are_read_by_them_and_the_first_that_is_meant_counts() -> None:
    rules = [
        {"pages": "/events/", "fields": {"name": "h1"}},
        {"fields": {"name": "h2"}},
    ]
    page = "<h1>One</h1><h2>Two</h2>"

    names = [read(page, rules, url).activities[0].name for url in (URL, "https://zoo.example/other/")]

    assert names == ["One", "Two"]


def test_xpaths_find_elements_attributes_texts_and_numbers() -> None:
    page = "<dl><dt>What</dt><dd>Night <b>tour</b></dd><dt>When</dt><dd>9 June 2026</dd></dl><a href='/n'>x</a><u>a</u><u>b</u>"
    rules = {
        "fields": {
            "name": "xpath://dt[.='What']/following-sibling::dd[1]",
            "startDate": "xpath://dt[.='When']/following-sibling::dd[1]/text()",
            "url": "xpath://a/@href",
            "identifier": "xpath:count(//u)",
        }
    }

    (found,) = read(page, rules).activities

    assert (found.name, found.startDate, found.url, found.identifier) == (
        "Night tour", "2026-06-09", "https://zoo.example/n", "2",
    )  # fmt: skip


def test_activities_found_by_xpath_have_fields_relative_to_them() -> None:
    page = "<p class=e><b>A</b></p><p class=e><b>B</b></p>"

    found = read(
        page,
        {"activity": "xpath://p[@class='e']", "fields": {"name": "xpath:./b", "startDate": {"value": "2026-06-05"}}},
    )

    assert [one.name for one in found.activities] == ["A", "B"]


@pytest.mark.parametrize(
    ("html", "rule", "field", "value"),
    [
        ("<i>5/6/2026</i>", {"select": "i", "transform": {"date": {"day_first": False}}}, "startDate", "2026-05-06"),
        ("<i>5/6/2026</i>", {"select": "i", "transform": {"date": {"day_first": True}}}, "startDate", "2026-06-05"),
        ("<i>5. Juni 2026, 19 Uhr</i>", {"select": "i", "transform": {"date": {"language": "de"}}}, "startDate", "2026-06-05T19:00:00+01:00"),
        ("<i>050626</i>", {"select": "i", "transform": {"date": {"format": "%d%m%y"}}}, "startDate", "2026-06-05"),
        ("<time datetime=2026-06-05T19:00+02:00>x</time>", "time@datetime", "startDate", "2026-06-05T19:00:00+02:00"),
        ("<i> a, b ,a</i>", {"select": "i", "transform": {"split": ","}}, "keywords", ("a", "b")),
        ("<i>a</i><i>b</i>", {"select": "i", "transform": {"join": " + "}}, "description", "a + b"),
        ("<i>- x -</i>", {"select": "i", "transform": {"strip": "-"}}, "description", "x"),
        ("<i>x1</i>", {"select": "i", "transform": {"replace": ["\\d", "\\2"]}}, "description", "x\\2"),
        ("<i>Free!</i>", "i", "isAccessibleForFree", True),
        ("", {"value": True}, "isAccessibleForFree", True),
        ("<i>from 12 €</i>", "i", "offers", (Offer(price="12.00", priceCurrency="EUR"),)),
        ("<i>12</i>", {"select": "i", "transform": {"price": {"currency": "CHF"}}}, "offers", (Offer(price="12.00", priceCurrency="CHF"),)),
        ("<i>4+</i>", "i", "ageRange", AgeRange(minValue=4)),
        ("<script>var a</script><i>a<b>b</b><p>c</p></i>", "i", "description", "ab c"),
    ],
)  # fmt: skip
def test_a_rule_reads_a_text_as_its_field_asks(html: str, rule: Any, field: str, value: Any) -> None:
    assert getattr(one(html, **{field: rule}), field) == value


@pytest.mark.parametrize(
    ("html", "fields", "start", "end"),
    [
        ("<i>5 June 2026</i><u>7pm - 9pm</u>", {"startTime": "u"}, "2026-06-05T19:00:00+01:00", "2026-06-05T21:00:00+01:00"),
        ("<i>5 June 2026</i><u>19.30</u><s>1am</s>", {"startTime": "u", "endTime": "s"}, "2026-06-05T19:30:00+01:00", "2026-06-06T01:00:00+01:00"),
        ("<i>5 - 7 June 2026</i><u>10 Uhr</u><s>17 Uhr</s>", {"startTime": "u", "endTime": "s"}, "2026-06-05T10:00:00+01:00", "2026-06-07T17:00:00+01:00"),
        ("<i>5 June 2026</i><u>all day</u>", {"startTime": "u"}, "2026-06-05", ""),
        ("<i>5 June 2026</i>", {"endTime": {"value": "6pm"}}, "2026-06-05", "2026-06-05T18:00:00+01:00"),
    ],
)  # fmt: skip
def test_times_beside_a_day_are_that_days(html: str, fields: dict[str, Any], start: str, end: str) -> None:
    found = one(html, startDate="i", **fields)

    assert (found.startDate, found.endDate) == (start, end)


def test_an_xpath_that_fails_on_a_page_finds_nothing_there() -> None:
    found = read("<h1>Tour</h1>", {"fields": {"name": "h1", "identifier": "xpath://h1[contains(., 1 div 0)]/@id"}})

    assert [problem.code for problem in found.problems] == ["selector_empty"]


def test_a_place_is_put_together_from_its_parts() -> None:
    found = one("<i>Zoo, 1 High St</i><u>AB1 2CD</u>", **{"location": "i", "location.postalCode": "u"})

    assert (found.location.name, found.location.address.postalCode) == ("Zoo", "AB1 2CD")
    assert found.provenance["location"].evidence == "Zoo, 1 High St, AB1 2CD"


@pytest.mark.parametrize(
    "body", [b"", b"<", b"\x00" * 50, b"<p>" * 5_000, "<b>\ud800</b>".encode("utf-8", "surrogatepass")]
)
def test_no_page_breaks_them(body: bytes) -> None:
    rules = [
        {"fields": {"name": "xpath://p", "startDate": "i"}},
        {"activity": "p", "fields": {"name": ".", "image": "@src"}},
    ]

    for one_set in rules:
        config = parse_config({"selectors": one_set}, subject="zoo")
        found = extract_activities(body, url=URL, content_type="text/html", now=NOW, selectors=config.selectors)
        assert len(found.activities) <= 5_000
