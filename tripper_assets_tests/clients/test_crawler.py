"""What a crawl finds, what it may ask for, and what a second one costs."""

import gzip
import re
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from tripper_assets.clients.browser import RenderedPage
from tripper_assets.clients.crawler import CrawlTools
from tripper_assets.domain.activities import Extraction, RawActivity
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.model import count_by_code
from tripper_assets.domain.pages import GonePage
from tripper_assets_tests.clients.crawled import asked, crawl_site, is_consistent, only_state, pages, sitemap
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite

# Finding pages


def test_every_page_of_the_site_is_read_once_and_given_by_url(site: LoopbackSite) -> None:
    site.page("/", "/events", "/events/", "/about#team", "http://elsewhere.example/x", "mailto:a@b.c")
    site.page("/events/", "/event/1?utm_source=x", "/event/2", "/", text="<h2>Fair</h2>")
    site.answer("/events", Answer(301, b"", {"Location": "/events/"}))
    for path in ("/about", "/event/1", "/event/2"):
        site.page(path, "/", "/events")

    crawled = crawl_site(site)

    assert pages(site, crawled) == ["/", "/about", "/event/1", "/event/2", "/events"]
    assert len(asked(site)) == 6
    assert crawled.report.skipped == {"off_site": 1}
    assert is_consistent(crawled.report)


def test_sitemap_pages_are_read_too_unless_switched_off(site: LoopbackSite) -> None:
    site.page("/", "/linked")
    site.page("/linked")
    site.page("/listed")
    site.answer("/sitemap.xml", sitemap(site, "/listed", "/", "/linked"))

    assert pages(site, crawl_site(site)) == ["/", "/linked", "/listed"]
    assert pages(site, crawl_site(site, sitemap="off")) == ["/", "/linked"]
    assert pages(site, crawl_site(site, sitemap="only", exclude=("linked",))) == ["/", "/listed"]


def test_sitemaps_that_robots_names_are_read_instead_of_the_guess(site: LoopbackSite) -> None:
    site.page("/")
    site.page("/listed")
    site.answer("/robots.txt", Answer(200, f"Sitemap: {site.url('/index.xml')}\nSitemap: /relative.xml\n".encode()))
    index = f"<sitemapindex><sitemap><loc>{site.url('/one.xml.gz')}</loc></sitemap></sitemapindex>"
    site.answer("/index.xml", Answer(200, index.encode()))
    packed = gzip.compress(sitemap(site, "/listed").body)
    site.answer("/one.xml.gz", Answer(200, packed, {"Content-Type": "application/gzip"}))

    crawled = crawl_site(site)

    assert pages(site, crawled) == ["/", "/listed"]
    assert "/sitemap.xml" not in site.paths
    assert count_by_code(crawled.report.problems) == {"sitemap_unavailable": 1}


def test_a_page_that_its_sitemap_dates_as_unchanged_is_not_asked_for_though_the_start_page_links_to_it(
    site: LoopbackSite,
) -> None:
    paths = [f"/{number}" for number in range(40)]
    site.page("/", *paths)
    for path in paths:
        site.page(path, text=f"<h2>{path}</h2>")
    dated = "".join(f"<url><loc>{site.url(path)}</loc><lastmod>2026-04-01</lastmod></url>" for path in paths)
    site.answer("/sitemap.xml", Answer(200, f"<urlset>{dated}</urlset>".encode(), {"Content-Type": "application/xml"}))
    known = crawl_site(site)
    site.requests.clear()

    again = crawl_site(site, known=known)

    # One in fifty is asked for all the same.
    assert again.report.unchanged["sitemap"] > 20
    assert len(asked(site)) == 41 - again.report.unchanged["sitemap"]
    assert pages(site, again) == pages(site, known)


def test_a_sitemap_says_only_what_lies_below_a_source_with_a_path_while_links_lead_anywhere(site: LoopbackSite) -> None:
    site.page("/families", "/event/1")
    site.page("/event/1")
    site.page("/families/summer")
    site.answer("/sitemap.xml", sitemap(site, "/families/summer", "/council-tax"))

    assert pages(site, crawl_site(site, "/families")) == ["/event/1", "/families", "/families/summer"]


def test_include_exclude_and_file_types_hold(site: LoopbackSite) -> None:
    site.page("/", "/event/1", "/event/1/print", "/news", "/plan.pdf")
    site.page("/event/1")

    crawled = crawl_site(site, include=("/event/",), exclude=("/print",))

    assert asked(site) == ["/", "/event/1"]
    assert crawled.report.skipped == {"excluded": 2, "not_a_page": 1}


def test_max_pages_is_exact_and_spent_on_what_looks_like_activities(site: LoopbackSite) -> None:
    details = [f"/event/fair-in-park-{number}" for number in range(5)]
    site.page("/", "/login", "/imprint", *details)
    for path in (*details, "/login", "/imprint"):
        site.page(path)

    crawled = crawl_site(site, max_pages=6)

    assert sorted(asked(site)) == ["/", *details]
    assert crawled.report.skipped == {"budget": 2}
    assert is_consistent(crawled.report)


def test_one_page_means_one_request(site: LoopbackSite) -> None:
    site.page("/", "/a")

    crawl_site(site, max_pages=1)

    assert site.paths == ["/robots.txt", "/"]


def test_max_depth_counts_links_from_the_source(site: LoopbackSite) -> None:
    for number in range(5):
        site.page(f"/{number}" if number else "/", f"/{number + 1}")

    crawled = crawl_site(site, max_depth=2)

    assert pages(site, crawled) == ["/", "/1", "/2"]
    assert crawled.report.skipped == {"depth": 1}


def test_an_endless_calendar_leaves_room_for_the_real_pages(site: LoopbackSite) -> None:
    def anything(request: Asked) -> Answer:
        month = re.match(r"/calendar/(\d+)$", request.path)
        event = re.match(r"/event/(\d+)$", request.path)
        links = [f"/calendar/{int(month[1]) + step}" for step in (1, 2, 3)] if month else []
        body = "".join(f'<a href="{link}">' for link in links) + (f"<h2>{event[1]}</h2>" if event else "")
        return Answer(200 if month or event else 404, body.encode(), {"Content-Type": "text/html"})

    site.fallback = anything
    site.page("/", "/calendar/1", *(f"/list?page={page}" for page in range(1, 5)))
    for page in range(1, 5):
        site.answer(
            f"/list?page={page}",
            Answer(
                200,
                "".join(f'<a href="/event/{page}{number}">' for number in range(10, 20)).encode(),
                {"Content-Type": "text/html"},
            ),
        )

    crawled = crawl_site(site, max_pages=60, max_depth=50)

    assert len(crawled.raw_activities) == 40


def test_a_path_that_grows_is_not_followed(site: LoopbackSite) -> None:
    site.fallback = lambda _: Answer(200, b'<a href="deeper/">', {"Content-Type": "text/html"})

    crawled = crawl_site(site, max_depth=50, sitemap="off")

    assert crawled.report.skipped == {"trap": 1}
    assert crawled.report.fetched == 3


# Robots and politeness


def test_disallowed_pages_are_not_asked_for(site: LoopbackSite) -> None:
    site.answer("/robots.txt", Answer(200, b"User-agent: *\nDisallow: /private\n"))
    site.page("/", "/private/x", "/open")
    site.page("/open")

    crawled = crawl_site(site)

    assert asked(site) == ["/", "/open"]
    assert crawled.report.skipped == {"robots": 1}


def test_a_disallowed_source_is_a_permanent_error_and_nothing_is_read(site: LoopbackSite) -> None:
    site.answer("/robots.txt", Answer(200, b"User-agent: tripper_assets\nDisallow: /\n"))

    with pytest.raises(PermanentError, match=r"robots\.txt asks crawlers to stay away"):
        crawl_site(site)
    assert site.paths == ["/robots.txt"]


def test_a_robots_file_that_cannot_be_had_is_an_outage(site: LoopbackSite) -> None:
    site.answer("/robots.txt", Answer(502))

    with pytest.raises(TransientError, match="has to wait"):
        crawl_site(site)
    assert site.paths == ["/robots.txt"]


def test_the_crawl_delay_of_the_site_holds(site: LoopbackSite) -> None:
    site.answer("/robots.txt", Answer(200, b"User-agent: *\nCrawl-delay: 0.1\n"))
    site.page("/", "/a", "/b")
    site.page("/a")
    site.page("/b")

    crawl_site(site)

    times = [request.at for request in site.requests]
    # The first of them may have been noted late on a busy machine; the sum of the pauses holds all the same.
    assert times[-1] - times[0] >= 0.1 * (len(times) - 2)


@dataclass
class Shown:
    """Shows each page with one activity, and remembers when it was asked to."""

    at: list[float] = field(default_factory=list[float])

    async def render(self, url: str) -> RenderedPage:
        self.at.append(time.monotonic())
        return RenderedPage(url, b"<h2>Puppets</h2>", 20)


def test_a_page_that_is_rendered_waits_for_its_turn_at_the_host(site: LoopbackSite) -> None:
    site.answer("/", Answer(200, b"an empty shell", {"Content-Type": "text/html"}))
    shown = Shown()

    crawled = crawl_site(site, tools=CrawlTools(renderer=shown), delay_seconds=0.5, sitemap="off")

    (plain,) = [request.at for request in site.requests if request.path == "/"]
    assert [one.name for one in crawled.raw_activities] == ["Puppets"]
    # The server may note a request late on a busy machine; the browser's one leaves half a second after the first left.
    assert shown.at[0] - plain >= 0.4


# Crawling again


def test_an_unchanged_site_costs_no_body_and_says_the_same(site: LoopbackSite) -> None:
    site.page("/", "/a", "/b", text="<h2>One</h2>")
    site.page("/a", text="<h2>Two</h2>")
    site.page("/b", tagged=False, **{"Last-Modified": "Fri, 01 May 2026 10:00:00 GMT"})
    first = crawl_site(site)
    modified = site.routes["/b"]
    site.answer("/b", lambda request: Answer(304) if "if-modified-since" in request.headers else modified(request))

    second = crawl_site(site, known=first)

    assert (second.report.fetched, second.report.not_modified, second.report.bytes_received) == (0, 3, 0)
    assert second.raw_activities == first.raw_activities
    assert [page.body_sha256 for page in second.pages] == [page.body_sha256 for page in first.pages]


def test_a_changed_page_is_read_anew_and_the_others_are_carried_over(site: LoopbackSite) -> None:
    site.page("/", "/a")
    site.page("/a", text="<h2>Old</h2>")
    first = crawl_site(site)
    site.page("/a", text="<h2>New</h2>")

    second = crawl_site(site, known=first)

    assert [activity.name for activity in second.raw_activities] == ["New"]
    assert (second.report.fetched, second.report.not_modified) == (1, 1)


def test_a_page_read_by_another_version_comes_whole(site: LoopbackSite) -> None:
    site.page("/", text="<h2>One</h2>")
    first = crawl_site(site)
    old = only_state(first).model_copy(update={"extraction_version": "0", "extraction": Extraction()})

    second = crawl_site(site, known={old.url: old})

    assert (second.report.fetched, len(second.raw_activities)) == (1, 1)
    assert only_state(second).extraction_version != "0"


@pytest.mark.parametrize(
    "change",
    [{"selectors": {"fields": {"name": "h3"}}}, {"selectors": {"fields": {"name": "h1"}}}, {"timezone": "Europe/Rome"}],
)
def test_known_pages_are_read_anew_once_when_how_their_source_is_read_changes(
    site: LoopbackSite, change: dict[str, Any]
) -> None:
    site.page("/", text="<h2>One</h2>")
    first = crawl_site(site, timezone="Europe/Berlin", selectors={"fields": {"name": "h2"}})

    reports = [crawl_site(site, known=first, timezone="Europe/Berlin", selectors={"fields": {"name": "h2"}}).report]
    second = crawl_site(site, known=first, **change)
    reports += [second.report, crawl_site(site, known=second, **change).report]

    assert [(one.fetched, one.not_modified) for one in reports] == [(0, 1), (1, 0), (0, 1)]


def test_the_same_body_without_validators_is_not_read_again(site: LoopbackSite) -> None:
    site.page("/", tagged=False, text="<h2>One</h2>")
    first = crawl_site(site)
    marked = only_state(first).model_copy(
        update={"extraction": Extraction(activities=[RawActivity(page="p", name="kept")])}
    )

    second = crawl_site(site, known={marked.url: marked})

    assert second.report.fetched == 1
    assert [activity.name for activity in second.raw_activities] == ["kept"]


def test_a_page_that_lost_its_links_is_asked_for_while_there_is_budget(site: LoopbackSite) -> None:
    site.page("/", "/a", "/b")
    site.page("/a", text="<h2>One</h2>")
    site.page("/b")
    first = crawl_site(site)
    site.page("/", "/b", "/c")
    site.page("/c")

    assert pages(site, crawl_site(site, known=first)) == ["/", "/a", "/b", "/c"]
    with_less = crawl_site(site, known=first, max_pages=3)
    assert pages(site, with_less) == ["/", "/a", "/b", "/c"]
    assert (with_less.report.fetched + with_less.report.not_modified, with_less.report.unchanged) == (3, {"budget": 1})


def test_a_page_that_only_answers_with_its_slash_is_found_by_its_normal_form(site: LoopbackSite) -> None:
    site.page("/events/", "/fair/")
    site.page("/fair/", text="<h2>Fair</h2>")
    first = crawl_site(site, "/events/")
    site.page("/events/", "/new/")
    site.page("/new/")

    second = crawl_site(site, "/events/", known=first)

    assert pages(site, second) == ["/events", "/fair", "/new"]
    assert second.gone == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_known_page_that_is_no_more_is_gone(site: LoopbackSite, status: int) -> None:
    site.page("/", "/a", "/never")
    site.page("/a", text="<h2>One</h2>")
    first = crawl_site(site)
    site.answer("/a", Answer(status))

    second = crawl_site(site, known=first)

    assert second.gone == [GonePage(url=site.url("/a"), reason=f"http_{status}")]
    assert pages(site, second) == ["/"]
    assert first.gone == []


def test_a_known_page_that_fails_for_a_while_keeps_what_it_stated(site: LoopbackSite) -> None:
    site.page("/", "/a", text="x")
    site.page("/a", text="<h2>One</h2>")
    first = crawl_site(site)
    site.answer("/a", Answer(500))

    second = crawl_site(site, known=first)

    assert [activity.name for activity in second.raw_activities] == ["One"]
    assert (second.report.failed, count_by_code(second.report.problems)) == (1, {"http_500": 1})
