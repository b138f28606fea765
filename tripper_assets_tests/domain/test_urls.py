import json
from pathlib import Path

import pytest

from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets.domain.urls import Admission, PageUrl, Site, is_trap, link_score, originals, page_url, url_shape

CORPUS = Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus"


def page(url: str) -> PageUrl:
    found = page_url(url)
    assert found
    return found


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("HTTPS://Example.org:443/Events/?utm_source=mail#top", "https://example.org/Events"),
        ("https://example.org/x?PHPSESSID=0123456789abcdef&id=4", "https://example.org/x?id=4"),
        ("https://example.org/x;jsessionid=A1B2?id=4", "https://example.org/x?id=4"),
        ("https://example.org/story?sid=123", "https://example.org/story?sid=123"),
        ("https://example.org/a?x=1;y=2&z=%C3%BC", "https://example.org/a?x=1;y=2&z=%C3%BC"),
    ],
)
def test_a_page_is_known_without_fragment_tracking_and_session(url: str, identity: str) -> None:
    assert page(url).identity == identity


@pytest.mark.parametrize(
    "url", ["mailto:a@example.org", "javascript:void(0)", "/relative", "http://", "https://[::1/?a=1", ""]
)
def test_what_is_no_page_on_the_web_is_none(url: str) -> None:
    assert page_url(url) is None


def test_the_final_slash_is_asked_for_but_makes_no_other_page() -> None:
    assert page("https://example.org/events/?page=2") == PageUrl(
        "https://example.org/events?page=2", "https://example.org/events/?page=2"
    )
    assert page("https://example.org/").address == "https://example.org/"


@pytest.mark.parametrize(
    ("url", "holds"),
    [
        ("https://example.org/x", True),
        ("http://www.example.org/x", True),
        ("https://shop.example.org/x", False),
        ("https://example.org:8443/x", False),
        ("https://example.com/x", False),
    ],
)
def test_a_site_is_one_host_with_and_without_www(url: str, *, holds: bool) -> None:
    assert Site.of("https://www.example.org/").holds(url) is holds


def test_a_source_with_a_path_has_a_folder() -> None:
    site = Site.of("https://example.org/families")

    assert site.is_below("https://example.org/families")
    assert site.is_below("https://example.org/families/2026")
    assert not site.is_below("https://example.org/families-2")
    assert not site.is_below("https://elsewhere.org/families/2026")
    assert Site.of("https://example.org/en/index.html").folder == "/en/"


def admission(config: SourceConfig) -> Admission:
    return Admission.of(make_source("https://example.org/start", config))


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("https://example.org/events/1", None),
        ("https://example.com/events/1", "off_site"),
        ("https://example.org/Plan.PDF", "not_a_page"),
        ("https://example.org/photo.jpeg?w=3", "not_a_page"),
        ("https://example.org/events/print/1", "excluded"),
        ("https://example.org/news/1", "excluded"),
        ("https://example.org/events/a/b/a/b/a", "trap"),
        ("https://example.org/start", None),
    ],
)
def test_include_and_exclude_patterns_and_the_site_decide_what_is_asked_for(url: str, refusal: str | None) -> None:
    rules = admission(SourceConfig(include=("/events/",), exclude=("/print/",)))

    assert rules.refusal(page(url)) == refusal


def test_a_pattern_may_speak_of_the_final_slash() -> None:
    assert admission(SourceConfig(exclude=("/old/$",))).refusal(page("https://example.org/old/")) == "excluded"


def test_feeds_can_be_left_out() -> None:
    feed = page("https://example.org/events.ics")

    assert admission(SourceConfig()).refusal(feed) is None
    assert admission(SourceConfig(feeds=False)).refusal(feed) == "excluded"


@pytest.mark.parametrize(
    ("path", "trap"),
    [
        ("/a/b/a/b/a/b", True),
        ("/" + "/".join("abcdefghijklmno"), True),
        ("/list?" + "&".join(f"f{number}=1" for number in range(9)), True),
        ("/2011/11/11/11", False),
        ("/events/2026/05/summer-fair?page=2", False),
    ],
)
def test_paths_that_only_machines_make_are_traps(path: str, *, trap: bool) -> None:
    assert is_trap(f"https://example.org{path}") is trap


def test_links_are_ranked_by_how_much_they_look_like_activities() -> None:
    ranked = [
        "/veranstaltung/sommerfest-im-park-2026",
        "/veranstaltungen?page=3",
        "/ueberblick",
        "/list?a=1&b=2&c=3",
        "/wp-login",
    ]
    scores = [link_score(f"https://example.org{path}") for path in ranked]

    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


def test_pages_of_one_template_have_one_shape() -> None:
    assert url_shape("https://example.org/event/12?page=3&a=1") == "/event/*?a,page"
    assert url_shape("https://example.org/event/summer-fair") == url_shape("https://example.org/event/99")
    assert url_shape("https://example.org/about") != url_shape("https://example.org/contact")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/event/1?view=large&x=2", ["/event/1?x=2", "/event/1?view=large"]),
        ("/event/1/print", ["/event/1"]),
        ("/event/1/PDF/", ["/event/1"]),
        ("/fr/event/1", ["/event/1"]),
        ("/pt-br/event/1", ["/event/1"]),
        ("/list?page=2", []),
        ("/printing/course", []),
        ("/fr", []),
    ],
)
def test_a_url_may_be_a_copy_of_shorter_ones(path: str, found: list[str]) -> None:
    assert list(originals(f"https://example.org{path}")) == [f"https://example.org{one}" for one in found]


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/event/1?format=pdf", "not_a_page"),
        ("/event/1?print=PDF", "not_a_page"),
        ("/event/1?format=html", None),
        ("/event/1?name=pdf", None),
    ],
)
def test_a_parameter_that_asks_for_a_file_makes_no_page(path: str, refusal: str | None) -> None:
    assert admission(SourceConfig()).refusal(page(f"https://example.org{path}")) == refusal


def test_hostile_urls_are_judged_in_no_time() -> None:
    for url in (
        "https://example.org/" + "a-" * 900,
        "https://example.org/?" + "a=1&" * 500,
        "https://example.org/" + "9" * 2000,
    ):
        known = page(url)
        assert isinstance(link_score(known.identity), int)
        assert url_shape(known.identity)


def test_the_published_url_cases_never_raise() -> None:
    folders = [CORPUS / name / "cases.dev.json" for name in ("urls-courlan", "urls-w3lib")]
    if not all(path.exists() for path in folders):
        pytest.skip("the shared corpus is not beside this checkout")
    texts = [
        arg for path in folders for case in json.loads(path.read_text()) for arg in case["args"] if isinstance(arg, str)
    ]

    for found in filter(None, map(page_url, texts)):
        assert page(found.identity).identity == found.identity
        assert page(found.address) == found
