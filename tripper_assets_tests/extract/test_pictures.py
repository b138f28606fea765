import time

import pytest
from selectolax.lexbor import LexborHTMLParser

from tripper_assets.domain.activities import ImageObject
from tripper_assets.extract.page import parse_page
from tripper_assets.extract.pictures import best_of_srcset, block_picture, picture_of, shared_pictures
from tripper_assets_tests.extract.conftest import Read
from tripper_assets_tests.waiting import AT_ONCE

BASE = "https://town.example/events/"
EVENT = (
    '<script type="application/ld+json">{"@type": "Event", "name": "Clay day", "startDate": "2024-05-04",'
    ' "image": {"url": "/own.jpg", "width": 800, "height": 600, "creditText": "A. Painter"}}</script>'
)
SHARED = '<meta property="og:title" content="Clay day"><meta property="og:image" content="/share.jpg">'


@pytest.mark.parametrize(
    ("srcset", "chosen"),
    [
        ("a.jpg 320w, b.jpg 1200w, c.jpg 4000w", ("b.jpg", 1200)),
        ("c.jpg 4000w, b.jpg 1200w, a.jpg 320w", ("b.jpg", 1200)),
        ("a.jpg 320w, b.jpg 800w", ("b.jpg", 800)),
        ("a.jpg, b.jpg 2x, c.jpg 1.5x", ("b.jpg", None)),
        ("a.jpg", ("a.jpg", None)),
        ("w_400,h_300/a.jpg 400w,w_800,h_600/a.jpg 800w", ("w_800,h_600/a.jpg", 800)),
        ("a.jpg 400w 300h, b.jpg 800w 600h", ("b.jpg", 800)),
        ("data:image/gif;base64,R0lGOD 1w, a.jpg 640w", ("a.jpg", 640)),
        (" , a.jpg 1x ,, ", ("a.jpg", None)),
        ("a.jpg nonsense, b.jpg 3x", ("b.jpg", None)),
    ],
)
def test_the_picture_of_a_set_that_is_just_large_enough_is_chosen(srcset: str, chosen: tuple[str, int | None]) -> None:
    name, width = chosen

    assert best_of_srcset(srcset, BASE) == (f"{BASE}{name}", width)


@pytest.mark.parametrize("srcset", ["", ",", " , ,", "data:image/png;base64,AAAA 2x", "javascript:alert(1) 2x"])
def test_a_set_without_a_picture_gives_none(srcset: str) -> None:
    assert best_of_srcset(srcset, BASE) == ("", None)


@pytest.mark.parametrize("srcset", ["a" * 100_000, "a," * 50_000, ", " * 50_000, "a 1" * 30_000, "a.jpg 1w " * 10_000])
def test_a_set_made_to_be_slow_is_read_at_once(srcset: str) -> None:
    began = time.process_time()

    best_of_srcset(srcset, BASE)

    assert time.process_time() - began < AT_ONCE


def shown(html: str) -> ImageObject | None:
    (node,) = LexborHTMLParser(html).css("img")[:1]
    return picture_of(node, BASE, "content")


@pytest.mark.parametrize(
    ("html", "name"),
    [
        ('<img src="a.jpg">', "a.jpg"),
        ('<img src="data:image/gif;base64,R0" data-src="a.jpg">', "a.jpg"),
        ('<img src="blank.gif" data-src="a.jpg">', "a.jpg"),
        ('<img src="small.jpg" srcset="a.jpg 1100w">', "a.jpg"),
        ('<img src="small.jpg" srcset="data:image/gif;base64,R0 1w" data-srcset="a.jpg 2x">', "a.jpg"),
        ('<picture><source srcset="a.webp 1600w, b.webp 400w"><img src="small.jpg"></picture>', "a.webp"),
        ('<picture><source media="(min-width:1px)"><img src="a.jpg"></picture>', "a.jpg"),
    ],
)
def test_an_element_shows_what_a_browser_would_load_in_large(html: str, name: str) -> None:
    found = shown(html)

    assert found is not None
    assert found.sourceUrl == f"{BASE}{name}"


def test_how_large_a_picture_is_shown_says_nothing_of_its_file_unless_it_is_a_dot() -> None:
    assert shown('<img src="a.jpg" width="320" height="200">') == ImageObject(sourceUrl=f"{BASE}a.jpg", role="content")
    dot = shown('<img src="a.gif" width="1" height="1">')
    assert dot
    assert (dot.width, dot.height) == (1, 1)
    assert shown("<img>") is None
    assert shown('<img src="file:///etc/passwd" srcset="file:///etc/passwd 2x">') is None


def test_a_block_has_its_first_picture_or_its_background() -> None:
    def found(html: str) -> list[str]:
        (block,) = LexborHTMLParser(f"<li>{html}</li>").css("li")
        return [one.sourceUrl.removeprefix(BASE) for one in block_picture(block, BASE)]

    assert found('<img alt=""><img data-src="a.jpg"><img src="b.jpg">') == ["a.jpg"]
    assert found("<a style=\"color: red; background-image: url('a.jpg')\"></a>") == ["a.jpg"]
    assert found('<a style="background:#fff url(a.jpg) no-repeat"></a>') == ["a.jpg"]
    assert found("<p>words</p>") == []


def test_a_page_shares_its_pictures_with_their_sizes() -> None:
    head = """
        <meta property="og:image" content="/a.jpg"><meta property="og:image:secure_url" content="https://town.example/s.jpg">
        <meta property="og:image:width" content="1200"><meta property="og:image:height" content="630">
        <meta property="og:image" content="/b.jpg"><meta name="twitter:image" content="/t.jpg">
        <meta property="og:image" content="/b.jpg"><meta property="og:image:height" content="tall">
    """
    page, _ = parse_page(f"<html><head>{head}</head></html>".encode(), BASE, "text/html")

    assert shared_pictures(page) == (
        ImageObject(sourceUrl="https://town.example/s.jpg", width=1200, height=630, role="shared"),
        ImageObject(sourceUrl="https://town.example/b.jpg", role="shared"),
    )


def test_without_opengraph_the_picture_for_twitter_counts() -> None:
    page, _ = parse_page(b'<meta name="twitter:image" content="/t.jpg">', BASE, "text/html")

    assert [one.sourceUrl for one in shared_pictures(page)] == ["https://town.example/t.jpg"]


def test_the_picture_that_a_page_shares_is_a_second_candidate_and_the_activitys_own_stays_first(read: Read) -> None:
    (activity,) = read(f"<html><head>{EVENT}{SHARED}</head><body><h1>Clay day</h1></body></html>").activities

    assert activity.image == (
        ImageObject(sourceUrl="https://example.org/own.jpg", width=800, height=600, creditText="A. Painter"),
        ImageObject(sourceUrl="https://example.org/share.jpg", role="shared"),
    )
    assert activity.provenance["image"].method == "json-ld"


def test_a_page_in_words_has_what_it_shares_and_then_its_first_picture(read: Read) -> None:
    page = f"""<html><head>{SHARED}</head><body><main><h1>Clay day</h1><p>Saturday 4 May 2024, 10:00</p>
        <img src="/theme/logo.png"><img src="/small.jpg" srcset="/large.jpg 1600w"><img src="/third.jpg"></main></body></html>"""

    (activity,) = read(page).activities

    assert [(one.sourceUrl.rpartition("/")[2], one.role) for one in activity.image] == [
        ("share.jpg", "shared"),
        ("large.jpg", "content"),
    ]
