"""The sample sites are as real sites are, and say the same all month."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import urlsplit

import icalendar
import pytest
from selectolax.lexbor import LexborHTMLParser

from tripper_assets.demo.content import anchor, edited_at, small_sites, town
from tripper_assets.demo.pictures import picture
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


def blocks(page: LexborHTMLParser) -> list[str]:
    return [node.text() for node in page.css('script[type="application/ld+json"]')]


def readable(block: str) -> bool:
    try:
        return bool(json.loads(block))
    except json.JSONDecodeError:
        return False


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


def test_each_small_site_has_a_sitemap_of_its_own_pages(site: DemoSite) -> None:
    for slug, small in small_sites().items():
        base = f"/sites/{slug}/"
        listed = re.findall(r"<loc>([^<]+)</loc>", get(site, f"{base}sitemap.xml").body.decode())

        assert f"{ORIGIN}{base}" in listed
        assert all(get(site, url.removeprefix(ORIGIN)).status == 200 for url in listed)
        assert len(small.activities) >= 5


def test_the_main_site_never_leads_to_the_small_ones(site: DemoSite) -> None:
    for path in site.paths:
        if not path.startswith("/sites/"):
            assert b"/sites/" not in get(site, path).body, path


def test_all_days_of_a_month_show_the_same_bytes() -> None:
    first, last = (DemoSite(ORIGIN, date(2026, 3, day)) for day in (1, 31))

    assert [get(first, path) for path in first.paths] == [get(last, path) for path in last.paths]


@pytest.mark.parametrize("today", [date(2026, 1, 31), date(2026, 12, 1), date(2028, 2, 29), date(2026, 10, 25)])
def test_every_date_lies_ahead(today: date) -> None:
    starts = [datetime.fromisoformat(fact.startDate) for fact in expected(ORIGIN, today) if fact.startDate]

    assert starts
    assert all(start.date() >= anchor(today) > today for start in starts)


TAG = DemoSite(ORIGIN, TODAY).respond("GET", "/activity/bat-walk", {}).headers["ETag"]
EDITED = format_datetime(edited_at(TODAY), usegmt=True)
LATER, EARLIER = (
    format_datetime(edited_at(TODAY) + timedelta(hours=hours), usegmt=True).replace("+0000", "GMT") for hours in (1, -1)
)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"if-none-match": TAG}, 304),
        ({"if-none-match": f"W/{TAG}"}, 304),
        ({"if-none-match": f'"other", {TAG}'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-modified-since": EDITED}, 304),
        ({"if-modified-since": LATER}, 304),
        ({"if-none-match": '"other"'}, 200),
        ({"if-none-match": '"other"', "if-modified-since": EDITED}, 200),
        ({"if-modified-since": EARLIER}, 200),
        ({"if-modified-since": "yesterday"}, 200),
        ({"if-modified-since": "Sun, 15 Mar 2026 06:00:00 -0000"}, 200),
    ],
)
def test_only_who_has_the_current_bytes_gets_a_304(site: DemoSite, asked: dict[str, str], status: int) -> None:
    answer = site.respond("GET", "/activity/bat-walk", asked)

    assert (answer.status, bool(answer.body)) == (status, status == 200)
    assert answer.headers["ETag"] == TAG


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 3, 1), date(2026, 12, 31)])
def test_everything_was_edited_before_today(today: date) -> None:
    answer = get(DemoSite(ORIGIN, today), "/sitemap.xml")
    edited = parsedate_to_datetime(answer.headers["Last-Modified"])

    assert edited < datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(hours=14)
    assert set(re.findall(r"<lastmod>([^<]+)</lastmod>", answer.body.decode())) == {edited.date().isoformat()}


def test_every_json_ld_block_can_be_read_but_the_broken_one(site: DemoSite) -> None:
    broken = [path for path, page in html_pages(site).items() for block in blocks(page) if not readable(block)]

    assert broken == [f"/activity/{town().broken_block}"]
    assert len(blocks(html_pages(site)[broken[0]])) == 2


def test_the_disallowed_part_holds_an_event_that_only_robots_txt_keeps_out(site: DemoSite) -> None:
    (block,) = blocks(html_pages(site)["/intern/draft"])

    assert json.loads(block)["name"] == "A draft that nobody may see"
    assert f'href="{ORIGIN}/intern/draft"'.encode() in get(site, "/activities/nature").body


def test_an_article_has_a_date_and_is_no_event(site: DemoSite) -> None:
    page = html_pages(site)["/news/playground"]

    assert [json.loads(block)["@type"] for block in blocks(page)] == ["NewsArticle"]
    assert page.css("time[datetime]")


def test_a_page_with_json_ld_tells_people_the_same(site: DemoSite) -> None:
    walk, gears = (html_pages(site)[f"/activity/{slug}"].css_first("dl") for slug in ("bat-walk", "grapes-and-gears"))

    assert walk is not None
    assert "8 April 2026, 19:30 – 21:00" in walk.text()
    assert gears is not None
    assert "Tuesday, Thursday, Sunday, 14:00–18:00" in gears.text()


def test_a_camp_of_several_days_names_its_last_day(site: DemoSite) -> None:
    camp, kamp = (html_pages(site)[path].text() for path in ("/activity/circus-week", "/de/aktivitaet/circus-week"))

    assert "4 April 2026, 09:00 – 8 April 2026, 15:00" in camp
    assert "4. April 2026, 09:00 Uhr – 8. April 2026, 15:00 Uhr" in kamp


def test_a_list_names_for_whom_and_where_and_links_the_activity(site: DemoSite) -> None:
    card = html_pages(site)["/activities/nature"].css("ul.cards li")[1]
    link = card.css_first("h2 a")

    assert link is not None
    assert (link.text(), link.attributes["href"]) == ("Bat Walk around the Lake", f"{ORIGIN}/activity/bat-walk")
    assert card.text().endswith("age 6 and up · Freiburg im Breisgau")


def test_a_list_of_lists_is_one_json_ld_block(site: DemoSite) -> None:
    (block,) = blocks(html_pages(site)["/activities/sport"])
    items = json.loads(block)["itemListElement"]

    assert [item["position"] for item in items] == [1, 2, 3, 4, 5]
    assert items[0]["item"]["name"] == "Climbing Club for Kids"


def test_a_head_request_has_no_body_and_others_are_refused(site: DemoSite) -> None:
    assert [site.respond("HEAD", path, {}).body for path in ("/", "/nothing")] == [b"", b""]
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

    assert body.count(b"BEGIN:VEVENT") == 8
    assert max(len(line) for line in body.split(b"\r\n")) <= 75
    assert b"\n" not in body.replace(b"\r\n", b"")


def test_a_weekly_activity_keeps_its_hour_in_the_calendar(site: DemoSite) -> None:
    calendar = icalendar.Calendar.from_ical(get(site, "/calendar.ics").body)
    club = next(event for event in calendar.walk("VEVENT") if event["SUMMARY"] == "The Why Club")

    assert club.decoded("DTSTART").isoformat() == "2026-04-03T15:30:00+02:00"
    assert club["RRULE"].to_ical() == b"FREQ=WEEKLY;UNTIL=20260630T133000Z;BYDAY=FR"


def test_pictures_differ_and_are_the_same_each_time(site: DemoSite) -> None:
    pictures = {event.slug: get(site, f"/images/{event.slug}.jpg").body for event in town().activities}
    again = _drawn_again("bat-walk")

    assert all(body.startswith(b"\xff\xd8") for body in pictures.values())
    assert len(set(pictures.values())) == len(pictures)
    assert again == pictures["bat-walk"]


def _drawn_again(slug: str) -> bytes:
    event = next(event for event in town().activities if event.slug == slug)
    return picture.__wrapped__(slug, town().categories[event.category]["colour"])


@pytest.mark.parametrize(
    "path", ["/images/nothing.jpg", "/sites/nowhere/", "/sites/theatre-leeds/images/no.jpg", "/etc/passwd"]
)
def test_what_is_not_there_is_a_404(site: DemoSite, path: str) -> None:
    assert get(site, path).status == 404


def test_small_sites_show_their_pictures(site: DemoSite) -> None:
    assert get(site, "/sites/theatre-leeds/images/giant.jpg").headers["Content-Type"] == "image/jpeg"
    assert get(site, "/sites/theatre-leeds/images/logo.png").headers["Content-Type"] == "image/png"
    assert get(site, "/sites/theatre-leeds/pixel.png").status == 200
