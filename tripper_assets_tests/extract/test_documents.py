import hashlib
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import Extraction
from tripper_assets.extract import extract_activities
from tripper_assets_tests.waiting import AT_ONCE

NOW = datetime(2024, 4, 10, tzinfo=UTC)


def test_several_markups_of_one_activity_are_one_with_the_source_of_each_field(read: Callable[..., Extraction]) -> None:
    extraction = read("several-markups.html", timezone="Europe/London")

    (activity,) = extraction.activities
    assert (activity.name, activity.type, activity.startDate) == (
        "Puppet Show",
        "TheaterEvent",
        "2024-05-04T15:00:00+01:00",
    )
    assert activity.url == "https://example.org/puppets"
    assert activity.location is not None
    assert activity.location.address.addressLocality == "Oxford"
    methods = {field: source.method for field, source in activity.provenance.items()}
    assert methods["name"] == "json-ld"
    assert methods["location"] == methods["offers"] == methods["url"] == "microdata"
    assert methods["image"] == "opengraph"
    assert [problem.code for problem in extraction.problems] == ["jsonld_broken"]


def test_provenance_carries_the_hash_of_the_body(read: Callable[..., Extraction]) -> None:
    body = b'<script type="application/ld+json">{"@type":"Event","name":"A","startDate":"2024-05-04"}</script>'

    (activity,) = read(body, content_type="text/html").activities

    assert {source.page_sha256 for source in activity.provenance.values()} == {hashlib.sha256(body).hexdigest()}


def test_links_are_absolute_once_and_in_page_order(read: Callable[..., Extraction]) -> None:
    page = """<html><head><base href="https://cdn.example.org/sub/"><link rel="stylesheet" href="x.css"><link rel="next" href="?page=2">
    <link rel="alternate" type="text/calendar" href="/all.ics"><link rel="alternate" hreflang="de" href="/de"></head>
    <a href="a">A</a><a href="a#top">A again</a><a href="#x">top</a><a href="mailto:x@example.org">m</a><a href="javascript:x()">j</a>
    <a rel="nofollow noopener" href="/no">no</a><a href="//other.example.org/b ">B</a><a href="http://[bad">bad</a><a href="ftp://x/y">f</a>
    <a href="HTTP://EXAMPLE.org/C D">C</a><a href="http://x.example.org:99999999/">port</a><a>none</a></html>"""

    assert read(page).links == [
        "https://cdn.example.org/sub/?page=2",
        "https://cdn.example.org/all.ics",
        "https://cdn.example.org/sub/a",
        "https://other.example.org/b",
        "http://EXAMPLE.org/C%20D",
    ]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("Café für Kinder".encode(), None),
        (b"\xef\xbb\xbf" + "Café für Kinder".encode(), "text/html; charset=latin-1"),
        ("Café für Kinder".encode("utf-16"), None),
        ("Café für Kinder".encode("cp1252"), "text/html; charset=ISO-8859-1"),
        ("Café für Kinder".encode("cp1252"), None),
        (b"<meta charset=windows-1252>" + "Café für Kinder".encode("cp1252"), None),
        (
            b'<meta http-equiv="Content-Type" content="text/html; charset=utf-8">' + "Café für Kinder".encode(),
            "text/html; charset=nonsense",
        ),
        ("Café für Kinder".encode(), "text/html; charset=rot13"),
    ],
)
def test_each_encoding_gives_the_same_name(
    read: Callable[..., Extraction], body: bytes, content_type: str | None
) -> None:
    mark = next((bom for bom in (b"\xff\xfe", b"\xef\xbb\xbf") if body.startswith(bom)), b"")
    encoding = "utf-16-le" if mark == b"\xff\xfe" else "ascii"
    head, tail = ("<h1>".encode(encoding), "</h1><p>When: May 4, 2024, 10 am</p>".encode(encoding))
    prefix, _, name = body[len(mark) :].rpartition(b">") if b">" in body else (b"", b"", body[len(mark) :])

    extraction = read(mark + prefix + (b">" if prefix else b"") + head + name + tail, content_type=content_type)

    assert [one.name for one in extraction.activities] == ["Café für Kinder"]


def test_what_nobody_sees_is_not_in_a_name(jsonld: Callable[..., Extraction]) -> None:
    (activity,) = jsonld(
        '{"@type":"Event","name":"Ki\\u200bte\\u202e \\u0000Day\\ud800","startDate":"2024-05-04"}'
    ).activities

    assert activity.name == "Kite Day"


def test_a_feed_points_at_pages(read: Callable[..., Extraction]) -> None:
    feed = """<?xml version="1.0"?><rss version="2.0"><channel><link>https://example.org/</link><item><title>A</title><link>https://example.org/a?x=1&amp;y=2</link></item>
    <item><link><![CDATA[https://example.org/b]]></link></item><item><link>https://example.org/b</link></item></channel></rss>"""

    assert read(feed, content_type="application/rss+xml").links == [
        "https://example.org/a?x=1&y=2",
        "https://example.org/b",
    ]


def test_an_atom_feed_points_at_pages(read: Callable[..., Extraction]) -> None:
    feed = """<feed xmlns="http://www.w3.org/2005/Atom"><entry><link rel="alternate" href="/a"/><link rel="self" href="/self"/></entry></feed>"""

    assert read(feed).links == ["https://example.org/a"]


def test_an_empty_feed_is_a_problem(read: Callable[..., Extraction]) -> None:
    assert [problem.code for problem in read("<rss></rss>").problems] == ["feed_empty"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"%PDF-1.7", "application/pdf"), (b"\x89PNG\x00\x00", "image/png"), (b"\x00\x01\x02", None)],
)
def test_what_is_no_document_is_said_so(read: Callable[..., Extraction], body: bytes, content_type: str | None) -> None:
    assert [problem.code for problem in read(body, content_type=content_type).problems] == ["not_a_document"]


@pytest.mark.parametrize(
    "body", [b"", b" ", b"<", b"<html>", b"\xff\xfe", b"\x80\x81", b"<!doctype html><html lang=><body></body></html>"]
)
def test_an_empty_document_states_nothing(body: bytes) -> None:
    extraction = extract_activities(body, url="https://example.org/", now=NOW)

    assert extraction.activities == []


HOSTILE = {
    "100,000 nested elements": b"<div>" * 100_000 + b"x",
    "100,000 nested bold": b"<b>" * 100_000,
    "100,000 nested tables": b"<table><tr><td>" * 30_000,
    "20 MB line": b"x 1/2/2024 " * 1_800_000,
    "50,000 blocks": b"<script type=application/ld+json>{</script>" * 20_000,
    "items in circles": b"".join(
        b'<i id=a%d itemscope itemref="a%d"><b itemprop=x>y</b></i>' % (i, (i + 1) % 2000) for i in range(2000)
    ),
    "dates": b"".join(b"<li>May %d, 2024 10 am <b>Thing %d</b></li>" % (i % 28 + 1, i) for i in range(5_000)),
    "noise": random.Random(1).randbytes(200_000),
    "open tags": b"<" * 500_000,
    "ampersands": b"&" * 500_000,
    "hours": b'<script type=application/ld+json>{"@type":"Museum","name":"x","openingHours":"'
    + b"Mo-Fr 10:00-12:00," * 20_000
    + b'"}</script>',
    "quotes": b'<script type=application/ld+json>{"a":' + b'"' * 300_000 + b"</script>",
    "prices": b"<h1>e</h1><p>" + b"1,000," * 50_000 + b"$",
    "ages": b"<h1>e</h1><p>" + b"ages 3-" * 50_000,
    "addresses": b"<h1>x</h1><p>Where: " + b"a, " * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_read_in_time(name: str) -> None:
    began = time.process_time()

    extract_activities(
        HOSTILE[name], url="https://example.org/events", content_type="text/html", now=NOW, timezone="Europe/Berlin"
    )

    assert time.process_time() - began < AT_ONCE


def test_a_page_that_is_too_deep_says_so() -> None:
    extraction = extract_activities(HOSTILE["100,000 nested elements"], url="https://example.org/", now=NOW)

    assert [problem.code for problem in extraction.problems] == ["too_deep"]


TAGS = st.sampled_from(
    [
        "<h1>",
        "</h1>",
        "<li>",
        "<td>",
        "<tr>",
        "<table>",
        "<time datetime='2024-05-04'>",
        "<a href='/x'>",
        "</a>",
        "<b>",
        "</b>",
        "<p>",
        "May 4, 2024",
        "10 am",
        "When:",
        "Where:",
        "Free",
        "£4",
        "ages 3-5",
        "Town Hall",
        "<div itemscope itemtype='http://schema.org/Event'>",
        "<i itemprop=name>",
        "<i itemprop=startDate content=2024>",
        "<meta property=og:title content=x>",
        "</div>",
        "2024",
        "\x00",
        "&#xd800;",
        "events",
        "<base href='//['>",
        "<template>",
        "<dt>",
        "<dd>",
    ]
)


@given(st.lists(TAGS | st.text(max_size=5), max_size=30).map("".join))
def test_any_page_is_read_without_raising(page: str) -> None:
    extraction = extract_activities(
        page.encode("utf-8", "surrogatepass"),
        url="https://example.org/events",
        content_type="text/html",
        now=NOW,
        timezone="Europe/Berlin",
    )

    for activity in extraction.activities:
        assert activity.name
        activity.model_dump_json()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_raising(body: bytes) -> None:
    extract_activities(body, url="https://example.org/x", now=NOW)
