import asyncio
import gzip
import time
from collections.abc import Callable

import pytest

from tripper_assets.clients.http import Reply
from tripper_assets.clients.http_errors import TimedOutError
from tripper_assets.clients.sitemaps import MAX_FILES, MAX_SITEMAP_BYTES, Listing, collect_sitemaps, read_sitemap
from tripper_assets.domain.errors import AddressRefusedError
from tripper_assets.domain.model import count_by_code
from tripper_assets_tests.waiting import AT_ONCE

SITE = "https://example.org"


def urlset(*paths: str, lastmod: str = "") -> bytes:
    dated = f"<lastmod>{lastmod}</lastmod>" if lastmod else ""
    urls = "".join(f"<url><!-- one --><loc> {SITE}{path} </loc>{dated}</url>" for path in paths)
    return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'.encode()


def index(*paths: str) -> bytes:
    return f"<sitemapindex>{''.join(f'<sitemap><loc>{SITE}{path}</loc></sitemap>' for path in paths)}</sitemapindex>".encode()


def collect(
    files: dict[str, bytes | Exception],
    *start: str,
    wanted: Callable[[str], bool] = bool,
    enough: int = 50_000,
    declared: bool = True,
    seconds: Callable[[], float] = time.monotonic,
) -> Listing:
    async def ask(url: str) -> Reply:
        body = files.get(url.removeprefix(SITE))
        if isinstance(body, Exception):
            raise body
        return Reply(url, 404) if body is None else Reply(url, 200, {}, body)

    urls = [f"{SITE}{path}" for path in start]
    return asyncio.run(collect_sitemaps(urls, ask, wanted=wanted, enough=enough, declared=declared, seconds=seconds))


def paths(listing: Listing) -> list[str]:
    return [url.removeprefix(SITE) for url in listing.entries]


@pytest.mark.parametrize(
    "body", [urlset("/a", "/b"), gzip.compress(urlset("/a", "/b")), f"\ufeff{SITE}/a\n{SITE}/b\nx\n".encode()]
)
def test_xml_gzip_and_text_list_the_same_pages(body: bytes) -> None:
    found = read_sitemap(body)

    assert [entry.url for entry in found.entries] == [f"{SITE}/a", f"{SITE}/b"]
    assert (found.kind, found.whole) == ("urls", True)


def test_the_date_of_the_last_change_is_kept_as_stated() -> None:
    assert read_sitemap(urlset("/a", lastmod="2026-05-01")).entries[0].lastmod == "2026-05-01"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!DOCTYPE html><html><p>no</p></html>", "none"),
        (b"", "none"),
        (b"<rss><channel/></rss>", "feed"),
        (b"<feed/>", "feed"),
    ],
)
def test_a_page_or_feed_in_place_of_a_sitemap_is_told_from_one(body: bytes, kind: str) -> None:
    assert read_sitemap(body).kind == kind


def test_a_broken_sitemap_gives_what_stands_before_the_break() -> None:
    broken = urlset("/a", "/b").replace(b"</urlset>", b"<url><loc>oops")

    assert [entry.url for entry in read_sitemap(broken).entries] == [f"{SITE}/a", f"{SITE}/b"]
    assert not read_sitemap(broken).whole
    assert not read_sitemap(gzip.compress(urlset("/a"))[:-20]).whole
    assert not read_sitemap(b"\x1f\x8b" + b"\xff" * 50).whole


def test_a_list_longer_than_the_cap_is_cut() -> None:
    assert len(read_sitemap(urlset("/a", "/b", "/c"), max_urls=2).entries) == 2
    assert not read_sitemap(urlset("/a", "/b", "/c"), max_urls=2).whole
    assert not read_sitemap(f"{SITE}/a\n{SITE}/b\n".encode(), max_urls=1).whole


@pytest.mark.parametrize(
    "bomb",
    [
        b'<!DOCTYPE l [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>',
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>&x;</loc></url></urlset>',
        b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><urlset><url><loc>&x;</loc></url></urlset>',
        b"<urlset>" + b"<a>" * 200_000,
        gzip.compress(b"<urlset>" + bytes(MAX_SITEMAP_BYTES + 1)),
    ],
    ids=["laughs", "external entity", "external dtd", "deep nesting", "gzip bomb"],
)
def test_xml_bombs_end_at_once_and_read_no_file(bomb: bytes) -> None:
    started = time.process_time()

    found = read_sitemap(bomb)

    assert time.process_time() - started < AT_ONCE
    assert not [entry for entry in found.entries if entry.url]


def test_indexes_are_followed_three_levels_down_and_each_file_is_read_once() -> None:
    files: dict[str, bytes | Exception] = {
        "/sitemap.xml": index("/1.xml", "/sitemap.xml"),
        "/1.xml": index("/2.xml", "/1.xml"),
        "/2.xml": index("/3.xml", "/sitemap.xml"),
        "/3.xml": index("/4.xml") + b"",
    }
    deep = collect(files, "/sitemap.xml")
    files["/3.xml"] = urlset("/page")
    near = collect(files, "/sitemap.xml")

    assert (paths(deep), deep.files, count_by_code(deep.problems)) == ([], 4, {"sitemap_too_deep": 1})
    assert (paths(near), near.files, near.problems) == (["/page"], 4, [])


def test_only_wanted_pages_are_taken_and_no_more_files_are_read_than_needed() -> None:
    files: dict[str, bytes | Exception] = {
        "/all.xml": index("/events.xml", "/press.xml"),
        "/events.xml": urlset("/e/1", "/e/2", "/x"),
        "/press.xml": urlset("/e/3"),
    }

    listing = collect(files, "/all.xml", wanted=lambda url: "/e/" in url, enough=2)

    assert (paths(listing), listing.files) == (["/e/1", "/e/2"], 2)


def test_an_index_of_a_thousand_files_is_read_up_to_the_cap() -> None:
    files: dict[str, bytes | Exception] = {f"/{number}.xml": urlset(f"/page-{number}") for number in range(1_000)}
    files["/all.xml"] = index(*files)

    assert collect(files, "/all.xml").files == MAX_FILES


def test_what_cannot_be_had_or_read_is_a_problem_and_the_rest_is_used() -> None:
    files: dict[str, bytes | Exception] = {
        "/good.xml": urlset("/a"),
        "/html.xml": b"<html/>",
        "/slow.xml": TimedOutError("too slow"),
        "/inside.xml": AddressRefusedError("refused"),
        "/feed.xml": b"<rss/>",
    }

    listing = collect(files, "/gone.xml", *files)

    assert paths(listing) == ["/a"]
    assert listing.feeds == [f"{SITE}/feed.xml"]
    assert count_by_code(listing.problems) == {"sitemap_unavailable": 2, "address_refused": 1, "sitemap_unreadable": 1}


def test_a_guess_that_finds_no_sitemap_is_no_problem() -> None:
    assert collect({}, "/sitemap.xml", declared=False).problems == []
    assert collect({"/sitemap.xml": b"<html/>"}, "/sitemap.xml", declared=False).problems == []


def test_sitemaps_that_drip_are_read_for_three_minutes_together() -> None:
    clock = iter(range(0, 100_000, 50))
    files: dict[str, bytes | Exception] = {f"/{number}.xml": urlset(f"/{number}") for number in range(20)}

    listing = collect({"/": index(*files), **files}, "/", seconds=lambda: float(next(clock)))

    assert len(listing.entries) == 2
    assert count_by_code(listing.problems) == {"sitemaps_cut": 1}


def test_sitemaps_share_one_budget_of_bytes() -> None:
    large = urlset("/a") + b" " * (MAX_SITEMAP_BYTES - 1_000)
    files: dict[str, bytes | Exception] = {f"/{number}.xml": large for number in range(20)}

    listing = collect({"/": index(*files), **files}, "/")

    assert listing.files < 8
    assert count_by_code(listing.problems) == {"sitemaps_cut": 1}
