import asyncio
import gzip
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import pytest

from tripper_assets.clients.crawler import crawl
from tripper_assets.clients.http import AddressGuard, HttpClient
from tripper_assets.domain.activities import Extraction, RawActivity
from tripper_assets.domain.errors import AddressRefusedError, PermanentError, TransientError
from tripper_assets.domain.model import Problem, count_by_code
from tripper_assets.domain.pages import Crawl, CrawlReport, PageState
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
HIDDEN = ("/robots.txt", "/sitemap.xml")


def read_page(body: bytes, url: str, _: str | None) -> Extraction:
    """Read links, and one activity from each <h2>."""
    text = body.decode()
    if "crash" in text:
        raise RecursionError("too deep")
    names = re.findall(r"<h2>(.*?)</h2>", text)
    links = [urljoin(url, link) for link in re.findall(r'href="(.*?)"', text)]
    problems = [Problem(code="block_broken", subject=url)] if "broken block" in text else []
    return Extraction(activities=[RawActivity(page=url, name=name) for name in names], links=links, problems=problems)


def crawl_site(
    site: LoopbackSite,
    start: str = "/",
    *,
    known: Crawl | Mapping[str, PageState] | None = None,
    on_page: Callable[[PageState | None, CrawlReport], None] = lambda *_: None,
    timeout_seconds: float = 2,
    guard: AddressGuard | None = None,
    **config: Any,
) -> Crawl:
    async def run() -> Crawl:
        opened = guard or AddressGuard(frozenset({("127.0.0.1", site.port)}))
        states = {page.url: page for page in known.pages} if isinstance(known, Crawl) else known or {}
        async with HttpClient(
            user_agent="tripper_assets/0 (+t)", guard=opened, timeout_seconds=timeout_seconds
        ) as client:
            return await crawl(
                make_source(site.url(start), SourceConfig(**{"delay_seconds": 0, **config})),
                client=client,
                known=states,
                read_page=read_page,
                clock=lambda: NOW,
                on_page=on_page,
            )

    return asyncio.run(run())


def pages(site: LoopbackSite, crawled: Crawl) -> list[str]:
    return [page.url.removeprefix(site.root) or "/" for page in crawled.pages]


def asked(site: LoopbackSite) -> list[str]:
    return [path for path in site.paths if path not in HIDDEN]


def is_consistent(report: CrawlReport) -> bool:
    return report.found == report.fetched + report.not_modified + report.failed + sum(report.skipped.values())


def sitemap(site: LoopbackSite, *paths: str) -> Answer:
    urls = "".join(f"<url><loc>{site.url(path)}</loc></url>" for path in paths)
    return Answer(200, f"<urlset>{urls}</urlset>".encode(), {"Content-Type": "application/xml"})


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
    assert second.pages == first.pages


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
    old = first.pages[0].model_copy(update={"extraction_version": "0", "extraction": Extraction()})

    second = crawl_site(site, known={old.url: old})

    assert (second.report.fetched, len(second.raw_activities)) == (1, 1)
    assert second.pages[0].extraction_version != "0"


def test_the_same_body_without_validators_is_not_read_again(site: LoopbackSite) -> None:
    site.page("/", tagged=False, text="<h2>One</h2>")
    first = crawl_site(site)
    marked = first.pages[0].model_copy(
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
    assert pages(site, crawl_site(site, known=first, max_pages=3)) == ["/", "/b", "/c"]


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

    assert second.gone == [site.url("/a")]
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


# Redirects


def test_a_redirect_is_one_page_with_its_target(site: LoopbackSite) -> None:
    site.page("/", "/old", "/new", "/older")
    site.answer("/old", Answer(301, b"", {"Location": "/new"}))
    site.answer("/older", Answer(301, b"", {"Location": "/old"}))
    site.page("/new", text="<h2>One</h2>")

    crawled = crawl_site(site)

    assert pages(site, crawled) == ["/", "/new"]
    assert asked(site).count("/new") == 1
    assert crawled.report.skipped == {"redirect": 2}
    assert is_consistent(crawled.report)


def test_a_source_that_redirects_within_its_site_is_read_there(site: LoopbackSite) -> None:
    site.answer("/", Answer(302, b"", {"Location": "/en/"}))
    site.page("/en/", "start")
    site.page("/en/start")

    crawled = crawl_site(site)

    assert pages(site, crawled) == ["/en", "/en/start"]


def test_redirects_cost_no_budget(site: LoopbackSite) -> None:
    site.page("/", *(f"/r{number}" for number in range(3)))
    for number in range(3):
        site.answer(f"/r{number}", Answer(301, b"", {"Location": f"/p{number}"}))
        site.page(f"/p{number}")

    assert pages(site, crawl_site(site, max_pages=4)) == ["/", "/p0", "/p1", "/p2"]


def test_redirects_without_end_end(site: LoopbackSite) -> None:
    def onward(_: Asked) -> Answer:
        return Answer(302, b"", {"Location": f"/x{len(site.requests)}"})

    site.page("/", "/circle-a", "/self", "/onward")
    site.answer("/circle-a", Answer(302, b"", {"Location": "/circle-b"}))
    site.answer("/circle-b", Answer(302, b"", {"Location": "/circle-a"}))
    site.answer("/self", Answer(302, b"", {"Location": "/self/"}))
    site.answer("/self/", Answer(302, b"", {"Location": "/self"}))
    site.fallback = onward

    crawled = crawl_site(site, sitemap="off")

    assert pages(site, crawled) == ["/"]
    assert count_by_code(crawled.report.problems) == {"redirect_loop": 3}
    assert crawled.report.failed == 3
    assert is_consistent(crawled.report)


def test_a_redirect_to_another_site_is_reported_and_not_followed(site: LoopbackSite, other_site: LoopbackSite) -> None:
    site.page("/", "/away", "/forbidden")
    site.answer("/away", Answer(301, b"", {"Location": other_site.url("/")}))
    site.answer("/forbidden", Answer(301, b"", {"Location": "/plan.pdf"}))

    crawled = crawl_site(site)

    assert other_site.connections == 0
    assert crawled.report.skipped == {"not_a_page": 1, "off_site": 1}
    assert count_by_code(crawled.report.problems) == {"redirect_off_site": 1}


def test_a_source_that_redirects_to_another_site_names_it(site: LoopbackSite) -> None:
    site.answer("/", Answer(301, b"", {"Location": "https://new.example/"}))

    with pytest.raises(PermanentError, match=r"https://new\.example/, which is another site; add that one"):
        crawl_site(site)


def test_a_source_that_redirects_is_read_there_even_where_the_patterns_do_not_include_it(site: LoopbackSite) -> None:
    site.answer("/", Answer(302, b"", {"Location": "/en"}))
    site.page("/en", "/event/1", "/about")
    site.page("/event/1")

    assert pages(site, crawl_site(site, include=("/event/",))) == ["/en", "/event/1"]


@pytest.mark.parametrize("place", ["http://[bad", "//[", "http://", "\x00", "/\u00fcberblick", "/caf\u00c3\u00a9"])
def test_nonsense_in_places_that_a_site_names_is_only_a_problem(site: LoopbackSite, place: str) -> None:
    site.answer("/robots.txt", Answer(200, f"Sitemap: {place}\nSitemap: {site.url('/index.xml')}\n".encode()))
    index = f"<sitemapindex><sitemap><loc>{place.strip(chr(0))}</loc></sitemap></sitemapindex>"
    site.answer("/index.xml", Answer(200, index.encode()))
    site.page("/", "/away")
    site.answer("/away", lambda _: Answer(302, b"", {"Location": place.replace("\x00", " ")}))

    crawled = crawl_site(site)

    assert site.url("/") in [page.url for page in crawled.pages]
    assert crawled.report.problems
    assert is_consistent(crawled.report)


def test_a_page_of_links_without_end_is_looked_at_up_to_a_cap(site: LoopbackSite) -> None:
    site.page("/", *(f"/{number}" for number in range(6_000)))

    crawled = crawl_site(site, max_pages=1)

    assert crawled.report.skipped == {"budget": 5_000}
    assert count_by_code(crawled.report.problems) == {"links_cut": 1}


# Pages that go wrong


def test_bad_pages_are_problems_by_url_and_harm_no_other(site: LoopbackSite) -> None:
    def cut() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\nx"

    html = {"Content-Type": "text/html"}
    bad = {
        "http_404": Answer(404),
        "http_403": Answer(403),
        "http_500": Answer(500),
        "http_304": Answer(304),
        "page_timeout": Answer(200, b"x", html, delay_seconds=1),
        "page_too_large": Answer(200, bytes(5_000), html),
        "page_undecodable": Answer(200, b"nonsense", {**html, "Content-Encoding": "br"}),
        "extraction_failed": Answer(200, b"crash", html),
    }
    site.page("/", *(f"/{code}" for code in bad), "/page_unreachable", "/good", "/bomb")
    for code, answer in bad.items():
        site.answer(f"/{code}", answer)
    site.answer("/page_unreachable", lambda _: Answer(raw=cut()))
    site.answer("/bomb", Answer(200, gzip.compress(bytes(9_000_000)), {**html, "Content-Encoding": "gzip"}))
    site.page("/good", text="<h2>Good</h2> broken block")

    crawled = crawl_site(site, max_bytes=4_000, timeout_seconds=0.3)

    assert [activity.name for activity in crawled.raw_activities] == ["Good"]
    found = {problem.subject.removeprefix(f"{site.root}/"): problem.code for problem in crawled.report.problems}
    expected = {code: code for code in bad} | {"page_unreachable": "page_unreachable"}
    assert found == expected | {"bomb": "page_too_large", "good": "block_broken"}
    assert all(problem.message for problem in crawled.report.problems if problem.code != "block_broken")
    assert crawled.report.failed == len(bad) + 2
    assert is_consistent(crawled.report)


@pytest.mark.parametrize(
    ("content_type", "path", "is_read"),
    [
        ("text/html; charset=utf-8", "/x", True),
        ("application/xhtml+xml", "/x", True),
        ("text/calendar", "/x", True),
        ("application/atom+xml", "/x", True),
        ("application/activity+json", "/x", True),
        ("text/plain", "/x.ics", True),
        ("", "/x", True),
        ("text/plain", "/x", False),
        ("image/svg+xml", "/x", False),
        ("application/pdf", "/x", False),
    ],
)
def test_what_may_state_activities_is_read(site: LoopbackSite, content_type: str, path: str, *, is_read: bool) -> None:
    site.page("/", path)
    site.answer(path, Answer(200, b"x", {"Content-Type": content_type} if content_type else {}))

    crawled = crawl_site(site)

    assert (site.url(path) in [page.url for page in crawled.pages]) is is_read
    assert crawled.report.skipped == ({} if is_read else {"content_type": 1})


def test_a_busy_page_is_asked_again_and_a_busy_site_is_left_alone(site: LoopbackSite) -> None:
    site.page("/", *(f"/{number}" for number in range(40)))
    for number in range(40):
        site.answer(f"/{number}", Answer(503))
    site.answer("/10", lambda _: Answer(503, b"", {"Retry-After": "0"}) if site.paths.count("/10") < 2 else Answer(503))
    known = {site.url("/39"): PageState(url=site.url("/39"), status=200, fetched_at=NOW)}

    crawled = crawl_site(site, known=known, sitemap="off")

    assert site.paths.count("/10") == 2
    assert crawled.report.failed == 16
    assert crawled.report.skipped == {"outage": 24}
    assert pages(site, crawled) == ["/", "/39"]
    assert is_consistent(crawled.report)


# When nothing can be read


def test_a_site_that_is_down_is_an_outage_and_not_an_empty_site(site: LoopbackSite) -> None:
    closed = AddressGuard(frozenset({("127.0.0.1", 1)}))
    site.port = 1

    with pytest.raises(TransientError, match=r"http://127\.0\.0\.1:1/"):
        crawl_site(site, guard=closed)


@pytest.mark.parametrize("status", [500, 503])
def test_a_start_page_that_fails_is_an_outage_even_where_pages_are_known(site: LoopbackSite, status: int) -> None:
    site.page("/")
    first = crawl_site(site)
    site.answer("/", Answer(status))

    with pytest.raises(TransientError, match=str(status)):
        crawl_site(site, known=first)


def test_a_start_page_that_is_missing_or_no_page_is_a_permanent_error(site: LoopbackSite) -> None:
    site.answer("/film", Answer(200, b"x", {"Content-Type": "video/mp4"}))

    with pytest.raises(PermanentError, match="status 404"):
        crawl_site(site, "/nothing")
    with pytest.raises(PermanentError, match="video/mp4"):
        crawl_site(site, "/film")


def test_a_failing_start_page_harms_nothing_where_the_sitemap_leads_on(site: LoopbackSite) -> None:
    site.answer("/", Answer(500))
    site.page("/a", text="<h2>One</h2>")
    site.answer("/sitemap.xml", sitemap(site, "/a"))

    assert len(crawl_site(site).raw_activities) == 1


def test_a_private_source_is_refused_with_what_to_set(site: LoopbackSite) -> None:
    with pytest.raises(AddressRefusedError, match=f"TRIPPER_ALLOW_PRIVATE_ADDRESSES=127.0.0.1:{site.port}"):
        crawl_site(site, guard=AddressGuard(frozenset({("10.0.0.1", 1)})))
    assert site.connections == 0


# Telling the caller


def test_each_page_is_told_as_it_comes(site: LoopbackSite) -> None:
    told: list[tuple[str, int, int]] = []
    site.page("/", "/a", "/missing")
    site.page("/a")

    def on_page(state: PageState | None, report: CrawlReport) -> None:
        told.append((state.url.removeprefix(site.root) if state else "", report.fetched, report.failed))

    crawl_site(site, on_page=on_page)

    assert told[0] == ("/", 1, 0)
    assert min(told[1:])[0] == ""
    assert len(told) == 3


def test_an_error_of_the_caller_ends_the_crawl_as_it_is(site: LoopbackSite) -> None:
    def on_page(_: PageState | None, report: CrawlReport) -> None:
        if report.fetched > 1:
            raise TransientError("the catalog is down")

    site.page("/", *(f"/{number}" for number in range(20)))
    site.fallback = lambda _: Answer(200, b"x", {"Content-Type": "text/html"}, delay_seconds=0.02)

    with pytest.raises(TransientError, match="the catalog is down"):
        crawl_site(site, on_page=on_page)


def test_the_result_does_not_depend_on_who_answers_first(site: LoopbackSite) -> None:
    paths = [f"/event/{number}" for number in range(30)]
    delays = dict.fromkeys(paths, 0.0)

    def slowly(request: Asked) -> Answer:
        following = "".join(f'<a href="{path}/more">' for path in [request.path] if "more" not in path)
        delay = delays.get(request.path, 0)
        return Answer(200, f"<h2>{request.path}</h2>{following}".encode(), {"Content-Type": "text/html"}, delay)

    site.page("/", *paths)
    site.fallback = slowly
    first = crawl_site(site, max_pages=40, sitemap="off")
    delays.update({path: 0.01 * (number % 5) for number, path in enumerate(paths)})
    second = crawl_site(site, max_pages=40, sitemap="off")

    assert first.pages == second.pages
    assert first.report.model_dump(exclude={"seconds"}) == second.report.model_dump(exclude={"seconds"})
