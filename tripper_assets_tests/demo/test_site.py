"""The sample sites are as real sites are, and say the same all month."""

import re
from datetime import date, datetime
from urllib.parse import urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser

from tripper_assets.demo.content import anchor, small_sites, town
from tripper_assets.demo.site import DemoSite, Response, expected

ORIGIN = "http://127.0.0.1:8765"
TODAY = date(2026, 3, 15)


@pytest.fixture(scope="module")
def site() -> DemoSite:
    return DemoSite(ORIGIN, TODAY)


def get(site: DemoSite, path: str, **headers: str) -> Response:
    return site.respond("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})


def html_pages(site: DemoSite) -> dict[str, LexborHTMLParser]:
    answers = {path: get(site, path) for path in site.paths}
    return {path: LexborHTMLParser(one.body) for path, one in answers.items() if "html" in one.headers["Content-Type"]}


def test_the_main_site_has_at_least_60_pages_and_50_activities(site: DemoSite) -> None:
    pages = [path for path in html_pages(site) if not path.startswith("/sites/")]

    assert len(pages) >= 60
    assert len(expected(ORIGIN, TODAY)) >= 50
    assert len({fact.name for fact in expected(ORIGIN, TODAY)}) == len(expected(ORIGIN, TODAY))


def test_nine_of_ten_activities_have_a_picture() -> None:
    facts = expected(ORIGIN, TODAY)

    assert sum(fact.has_image for fact in facts) / len(facts) >= 0.9


def test_every_markup_and_both_languages_are_there() -> None:
    told = town().activities

    assert {event.style for event in told} == {"json-ld", "microdata", "text"}
    assert {event.lang for event in told} == {"en", "de"}
    assert len(small_sites()) == 4


def test_every_link_answers_but_the_one_that_is_gone(site: DemoSite) -> None:
    statuses: dict[str, int] = {}
    for page in html_pages(site).values():
        for node in page.css("a[href], link[href], img[src]"):
            url = str(node.attributes.get("href") or node.attributes.get("src"))
            if url.startswith(ORIGIN):
                path = urlsplit(url).path
                statuses[path] = get(site, path).status

    assert {path: status for path, status in statuses.items() if status != 200} == {
        "/summer-fair": 404,
        "/programme/bat-walk.html": 301,
    }


def test_no_page_needs_anything_from_elsewhere(site: DemoSite) -> None:
    for path, page in html_pages(site).items():
        for node in page.css("img[src], script[src], link[rel=stylesheet]"):
            url = str(node.attributes.get("src") or node.attributes.get("href"))
            assert url.startswith(ORIGIN), path


def test_small_sites_keep_to_themselves(site: DemoSite) -> None:
    for path, page in html_pages(site).items():
        if path.startswith("/sites/"):
            base = ORIGIN + "/".join(path.split("/")[:3]) + "/"
            links = [str(node.attributes["href"]) for node in page.css("a[href]")]
            assert all(link.startswith((base, "#")) for link in links), path


def test_all_days_of_a_month_show_the_same_bytes() -> None:
    first, last = (DemoSite(ORIGIN, date(2026, 3, day)) for day in (1, 31))

    assert [get(first, path) for path in first.paths] == [get(last, path) for path in last.paths]


@pytest.mark.parametrize("today", [date(2026, 1, 31), date(2026, 12, 1), date(2028, 2, 29), date(2026, 10, 25)])
def test_every_date_lies_ahead(today: date) -> None:
    starts = [datetime.fromisoformat(fact.startDate) for fact in expected(ORIGIN, today) if fact.startDate]

    assert starts
    assert all(start.date() >= anchor(today) > today for start in starts)


def test_an_unchanged_page_costs_a_304(site: DemoSite) -> None:
    answer = get(site, "/activity/bat-walk")

    by_tag = get(site, "/activity/bat-walk", if_none_match=answer.headers["ETag"])
    by_date = get(site, "/activity/bat-walk", if_modified_since=answer.headers["Last-Modified"])

    assert (by_tag.status, by_tag.body, by_date.status) == (304, b"", 304)


def test_a_page_with_another_tag_is_sent_whole(site: DemoSite) -> None:
    answer = get(site, "/activity/bat-walk", if_none_match='"other"', if_modified_since="whatever")

    assert answer.status == 200
    assert answer.body


def test_a_head_request_has_no_body_and_others_are_refused(site: DemoSite) -> None:
    assert site.respond("HEAD", "/", {}).body == b""
    assert int(site.respond("HEAD", "/", {}).headers["Content-Length"]) > 0
    assert site.respond("POST", "/", {}).status == 405


def test_the_sitemap_lacks_some_pages_and_robots_disallow_a_part(site: DemoSite) -> None:
    sitemap, robots = (get(site, path).body.decode() for path in ("/sitemap.xml", "/robots.txt"))

    assert "Disallow: /intern/" in robots
    assert f"Sitemap: {ORIGIN}/sitemap.xml" in robots
    listed = set(re.findall(r"<loc>([^<]+)</loc>", sitemap))
    assert {f"{ORIGIN}/activity/{slug}" for slug in town().unlisted_in_sitemap}.isdisjoint(listed)


def test_the_calendar_is_folded_at_75_octets_and_ends_lines_as_the_rfc_says(site: DemoSite) -> None:
    body = get(site, "/calendar.ics").body

    assert body.count(b"BEGIN:VEVENT") == 7
    assert max(len(line) for line in body.split(b"\r\n")) <= 75
    assert b"\n" not in body.replace(b"\r\n", b"")


def test_pictures_differ_and_are_the_same_each_time(site: DemoSite) -> None:
    walk, fair = (get(site, f"/images/{slug}.jpg").body for slug in ("bat-walk", "why-club"))

    assert walk.startswith(b"\xff\xd8")
    assert walk != fair
    assert get(DemoSite(ORIGIN, TODAY), "/images/bat-walk.jpg").body == walk


@pytest.mark.parametrize(
    "path", ["/images/nothing.jpg", "/sites/nowhere/", "/sites/theatre-leeds/images/no.jpg", "/etc/passwd"]
)
def test_what_is_not_there_is_a_404(site: DemoSite, path: str) -> None:
    assert get(site, path).status == 404


def test_small_sites_show_their_pictures(site: DemoSite) -> None:
    assert get(site, "/sites/theatre-leeds/images/giant.jpg").headers["Content-Type"] == "image/jpeg"
    assert get(site, "/sites/theatre-leeds/images/logo.png").headers["Content-Type"] == "image/png"
    assert get(site, "/sites/theatre-leeds/pixel.png").status == 200
