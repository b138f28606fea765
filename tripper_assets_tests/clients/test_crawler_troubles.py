"""Redirects, pages that go wrong, and sites of which nothing can be read."""

import gzip
from collections.abc import Iterator

import pytest

from tripper_assets.clients.http import AddressGuard
from tripper_assets.domain.errors import AddressRefusedError, PermanentError, TransientError
from tripper_assets.domain.model import count_by_code
from tripper_assets.domain.pages import CrawlReport, KnownPage, PageState
from tripper_assets_tests.clients.crawled import NOW, asked, crawl_site, is_consistent, pages, sitemap
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite

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
        "page_timeout": Answer(200, b"x", html, delay_seconds=6),
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

    crawled = crawl_site(site, max_bytes=4_000, timeout_seconds=2)

    assert [activity.name for activity in crawled.raw_activities] == ["Good"]
    found = {problem.subject.removeprefix(f"{site.root}/"): problem.code for problem in crawled.report.problems}
    expected = {code: code for code in bad} | {"page_unreachable": "page_unreachable"}
    assert found == expected | {"bomb": "page_too_large", "good": "block_broken"}
    assert all(problem.message for problem in crawled.report.problems if problem.code != "block_broken")
    assert (crawled.report.failed, crawled.report.blocked) == (len(bad) + 1, {"http_403": 1})
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
    assert crawled.report.failed == 5
    assert (crawled.report.skipped, crawled.report.unchanged) == ({"outage": 34}, {"outage": 1})
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


def test_a_robots_file_that_redirects_to_a_private_address_costs_no_page(site: LoopbackSite) -> None:
    site.answer("/robots.txt", Answer(302, b"", {"Location": "http://10.0.0.1/robots.txt"}))
    site.page("/", "/a")
    site.page("/a", text="<h2>One</h2>")

    assert crawl_site(site).report.fetched == 2


# Telling the caller


def test_each_page_is_told_as_it_comes(site: LoopbackSite) -> None:
    told: list[tuple[str, int, int]] = []
    site.page("/", "/a", "/missing")
    site.page("/a")

    def on_page(state: KnownPage | None, report: CrawlReport) -> None:
        told.append((state.url.removeprefix(site.root) if state else "", report.fetched, report.failed))

    crawl_site(site, on_page=on_page)

    assert told[0] == ("/", 1, 0)
    assert min(told[1:])[0] == ""
    assert len(told) == 3


def test_an_error_of_the_caller_ends_the_crawl_as_it_is(site: LoopbackSite) -> None:
    def on_page(_: KnownPage | None, report: CrawlReport) -> None:
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

    assert [*first.pages] == [*second.pages]
    assert first.report.model_dump(exclude={"seconds"}) == second.report.model_dump(exclude={"seconds"})
