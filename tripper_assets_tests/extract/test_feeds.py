from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import Extraction, GeoCoordinates
from tripper_assets.extract import extract_activities

Read = Callable[..., Extraction]
URL = "https://example.org/feed/"


def rss(items: str, names: str = "") -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" {names}><channel><title>Town</title><link>https://example.org</link>{items}</channel></rss>'


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        (
            "<ev:startdate>2024-05-04T10:00:00+01:00</ev:startdate><ev:enddate>2024-05-04T12:00:00+01:00</ev:enddate>",
            "2024-05-04T10:00:00+01:00",
            "2024-05-04T12:00:00+01:00",
        ),
        (
            """<mec:startDate>2024-05-04</mec:startDate><mec:startHour>10:00 am</mec:startHour>
            <mec:endDate>2024-05-04</mec:endDate><mec:endHour>12:00 pm</mec:endHour>""",
            "2024-05-04T10:00:00+01:00",
            "2024-05-04T12:00:00+01:00",
        ),
        ("<xcal:dtstart>20240504T090000Z</xcal:dtstart><xcal:dtend>20240504T110000Z</xcal:dtend>", "2024-05-04T10:00:00+01:00", "2024-05-04T12:00:00+01:00"),
        ("<event:start_date>Sat, 04 May 2024 09:00:00 +0000</event:start_date>", "2024-05-04T10:00:00+01:00", ""),
        ("<ev:startdate>2024-05-04</ev:startdate>", "2024-05-04", ""),
        ("<gd:when startTime='2024-05-04T10:00:00.000+01:00' endTime='2024-05-04T12:00:00.000+01:00'/>", "2024-05-04T10:00:00+01:00", "2024-05-04T12:00:00+01:00"),
    ],
)  # fmt: skip
def test_an_item_that_states_its_start_is_an_activity(read: Read, times: str, start: str, end: str) -> None:
    item = f"<item><title>Kite &amp; wind</title><link>https://example.org/kite</link><pubDate>Mon, 01 Apr 2024 08:00:00 +0000</pubDate>{times}</item>"

    extraction = read(rss(item), url=URL, timezone="Europe/London")

    (activity,) = extraction.activities
    assert (activity.name, activity.startDate, activity.endDate) == ("Kite & wind", start, end)
    assert activity.url == "https://example.org/kite"
    assert activity.provenance["startDate"].method == "rss"
    assert extraction.links == ["https://example.org/kite"]


def test_an_item_states_place_price_and_picture_too(read: Read) -> None:
    item = """<item><title><![CDATA[CANCELLED: Clay]]></title><link>https://example.org/clay</link><guid isPermaLink="false">clay-1</guid>
    <description><![CDATA[<p>With <b>clay</b>.</p>]]></description><enclosure url="/clay.jpg" type="image/jpeg" length="1"/>
    <ev:startdate>2024-05-04T10:00:00</ev:startdate><ev:location>Arts Centre, 1 High Street, Leeds LS1 4AP</ev:location><ev:organizer>Potters</ev:organizer>
    <mec:cost>£5</mec:cost><georss:point>53.8 -1.55</georss:point><category>Craft</category></item>"""

    (activity,) = read(rss(item), url=URL).activities

    assert (activity.eventStatus, activity.identifier, activity.description) == (
        "EventCancelled",
        "clay-1",
        "With clay.",
    )
    assert activity.location is not None
    assert (activity.location.name, activity.location.geo) == (
        "Arts Centre",
        GeoCoordinates(latitude=53.8, longitude=-1.55),
    )
    assert [offer.price for offer in activity.offers] == ["5.00"]
    assert [image.sourceUrl for image in activity.image] == ["https://example.org/clay.jpg"]
    assert activity.organizer is not None
    assert activity.organizer.name == "Potters"


def test_news_is_a_link_and_no_activity(read: Read) -> None:
    news = "<item><title>New roof</title><link>https://example.org/roof</link><pubDate>Sat, 04 May 2024 09:00:00 +0000</pubDate></item>"
    extraction = read(
        rss(news + news.replace("roof", "door").replace("<pubDate>", "<ev:startdate></ev:startdate><pubDate>")), url=URL
    )

    assert extraction.activities == []
    assert extraction.links == ["https://example.org/roof", "https://example.org/door"]


PIECES = st.sampled_from(
    ["<item>", "</item>", "<entry>", "<title>A</title>", "<ev:startdate>", "2024-05-04", "</ev:startdate>", "<![CDATA[", "]]>", "<gd:when startTime='",
     "'/>", "<xcal:dtstart>20240504</xcal:dtstart>", "10:00", "<link>", "<mec:startHour>25:99</mec:startHour>", "Sat, 99 May 2024", "&#x0;"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=4), max_size=20).map("".join))
def test_any_feed_is_read_without_raising(text: str) -> None:
    body = f"<rss>{text}".encode("utf-8", "replace")

    extract_activities(body, url=URL, content_type="application/rss+xml", now=datetime(2024, 4, 10, tzinfo=UTC))
