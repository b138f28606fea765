from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from tripper_assets.domain.activities import Extraction, GeoCoordinates
from tripper_assets.extract.microformats import microformat_nodes
from tripper_assets.extract.page import Page

Read = Callable[..., Extraction]


@pytest.mark.parametrize(
    "markup",
    [
        """<article class="h-event"><h1 class="p-name">Fair</h1><time class="dt-start" datetime="2024-05-04 10:00+01:00">4 May</time>
        <time class="dt-end" datetime="2024-05-04T12:00+01:00">noon</time><a class="u-url" href="/fair">more</a><img class="u-photo" src="/fair.jpg" alt="">
        <p class="p-location h-card"><b class="p-name">Town Hall</b> <span class="p-street-address">High Street 1</span> <i class="p-locality">Leeds</i>
        <data class="p-latitude" value="53.8"></data><data class="p-longitude" value="-1.5"></data></p>
        <p class="p-category">Market</p><div class="e-content">Rides and <b>cake</b>.</div></article>""",
        """<div class="vevent"><a class="url summary" href="/fair">Fair</a><abbr class="dtstart" title="2024-05-04T10:00:00+01:00">4 May</abbr>
        <span class="dtend"><span class="value-title" title="2024-05-04T12:00+01:00"> </span>noon</span><img class="photo" src="/fair.jpg">
        <div class="location vcard"><b class="fn org">Town Hall</b><div class="adr"><i class="street-address">High Street 1</i><i class="locality">Leeds</i></div>
        <div class="geo"><abbr class="latitude" title="53.8">N</abbr><abbr class="longitude" title="-1.5">W</abbr></div></div>
        <span class="category">Market</span><p class="description">Rides and <b>cake</b>.</p></div>""",
        """<div class="h-event"><b class="p-name">Fair</b><p class="dt-start"><time class="value">2024-05-04</time> <span class="value">10am</span><span class="value">+01:00</span></p>
        <p class="dt-duration">PT2H</p><a class="u-url" href="/fair">x</a><img class="u-featured" src="/fair.jpg"><p class="p-location">Town Hall</p>
        <div class="p-adr h-adr"><i class="p-street-address">High Street 1</i><i class="p-locality">Leeds</i></div><p class="p-geo h-geo">
        <i class="p-latitude">53.8</i><i class="p-longitude">-1.5</i></p><i class="p-category">Market</i><p class="p-summary">Rides and cake.</p></div>""",
    ],
)
def test_an_event_is_read_whole(read: Read, markup: str) -> None:
    (activity,) = read(f"<html><body>{markup}</body></html>").activities

    assert (activity.name, activity.startDate, activity.endDate) == (
        "Fair",
        "2024-05-04T10:00:00+01:00",
        "2024-05-04T12:00:00+01:00",
    )
    assert activity.url == "https://example.org/fair"
    assert activity.location is not None
    assert (activity.location.name, activity.location.address.streetAddress) == ("Town Hall", "High Street 1")
    assert activity.location.geo == GeoCoordinates(latitude=53.8, longitude=-1.5)
    assert (activity.category, activity.description) == (("Market",), "Rides and cake.")
    assert [image.sourceUrl for image in activity.image] == ["https://example.org/fair.jpg"]
    assert {source.method for source in activity.provenance.values()} == {"microformats"}


@pytest.mark.parametrize(
    ("inside", "start"),
    [
        ('<i class="value">2024-05-04</i> at <i class="value">7pm</i>', "2024-05-04T19:00:00"),
        ('<i class="value">2024-05-04</i> at <i class="value">12:30 a.m.</i>', "2024-05-04T00:30:00"),
        ('<i class="value">2024-125</i>', "2024-05-04"),
        ('<i class="value">19:30Z</i> <i class="value">2024-05-04</i>', "2024-05-04T19:30:00+00:00"),
        ("4 May 2024, 7 pm", "2024-05-04T19:00:00"),
        ("2024-05-04", "2024-05-04"),
    ],
)
def test_times_in_parts_and_words(read: Read, inside: str, start: str) -> None:
    (activity,) = read(
        f'<html lang="en-GB"><div class="h-event"><b class="p-name">Fair</b> <p class="dt-start">{inside}</p></div></html>'
    ).activities

    assert activity.startDate == start


def test_an_end_without_a_day_is_on_the_day_of_the_start(read: Read) -> None:
    page = """<div class="h-event"><b class="p-name">Fair</b><time class="dt-start">2024-05-04 10:00</time> to
    <span class="dt-end"><time class="value">12:00</time></span></div>"""

    assert [one.endDate for one in read(page).activities] == ["2024-05-04T12:00:00"]


def test_a_class_of_the_theme_beside_stated_activities_is_none(read: Read) -> None:
    page = """<script type="application/ld+json">{"@type":"Event","name":"Fair","startDate":"2024-05-04"}</script>
    <body class="vevent"><h2 class="summary">More events</h2></body>"""

    assert [one.name for one in read(page, content_type="text/html").activities] == ["Fair"]


def test_events_of_a_feed_are_each_their_own(read: Read) -> None:
    event = '<div class="h-event"><a class="p-name u-url" href="/%d">Fair %d</a><time class="dt-start">2024-05-0%d</time></div>'
    page = (
        f'<div class="h-feed"><b class="p-name">Fairs</b>{"".join(event % (one, one, one) for one in (4, 5, 6))}</div>'
    )

    assert [(one.name, one.startDate) for one in read(page).activities] == [
        ("Fair 4", "2024-05-04"),
        ("Fair 5", "2024-05-05"),
        ("Fair 6", "2024-05-06"),
    ]


CLASSES = ["h-event", "vevent", "p-name", "summary", "dt-start", "dtstart", "value", "value-title", "location", "p-location", "h-card", "vcard", "adr",
           "geo", "u-url", "url", "p-latitude", "duration", "h-full", "p-4"]  # fmt: skip
PIECES = st.sampled_from(
    [f'<p class="{one}">' for one in CLASSES]
    + ["</p>", "2024-05-04", "25:99pm", '<abbr class="dtstart" title="x">', "<b>", "</b>"]
)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_markup_is_read_without_raising(html: str) -> None:
    html = html.replace("<p", "<div").replace("</p", "</div")
    nodes = microformat_nodes(Page("https://example.org/p", "", html, LexborHTMLParser(html)))

    assert all(node["@type"] == ["Event"] for node in nodes)
