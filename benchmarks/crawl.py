"""Pages crawled in a second: a site seen for the first time and an unchanged one, beside bare httpx2 asking for the same."""

import asyncio
import functools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2

from benchmarks.figure import Figure, seconds_in_turns
from benchmarks.page_server import paths, running
from tripper_assets.clients.crawler import crawl
from tripper_assets.clients.http import AddressGuard, HttpClient
from tripper_assets.domain.pages import Crawl, PageState
from tripper_assets.domain.sources import Source, SourceConfig, make_source
from tripper_assets.extract import extract_activities

PAGES = 500
ROUNDS = 3
AT_ONCE = 16
NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)


def measure() -> list[Figure]:
    """Return pages a second, crawled and read; the limits ask for the same pages and drop the answers."""
    with running(PAGES) as site:
        source = make_source(site, SourceConfig(max_pages=PAGES, delay_seconds=0, country_code="GB"))
        known = {page.url: page for page in _crawled(source, {}).pages}
        asked = {f"{site}{path}": "" for path in paths(PAGES)}
        tagged = {f"{site}/" if url == site else url: page.etag for url, page in known.items()}
        first, again, bodies, unchanged = seconds_in_turns(
            _crawling(source, {}, lambda crawl: crawl.report.fetched),
            _crawling(source, known, lambda crawl: crawl.report.not_modified),
            lambda: asyncio.run(_bare(asked, 200)),
            lambda: asyncio.run(_bare(tagged, 304)),
            rounds=ROUNDS,
        )
    return [
        Figure("crawl_first", "pages/s", "higher", PAGES / first, None, "", PAGES / bodies, "httpx2, bodies unread"),
        Figure("crawl_unchanged", "pages/s", "higher", PAGES / again, None, "", PAGES / unchanged, "httpx2, 304s"),
    ]


def _crawling(source: Source, known: Mapping[str, PageState], counted: Callable[[Crawl], int]) -> Callable[[], None]:
    def run() -> None:
        found = _crawled(source, known)
        if counted(found) != PAGES:
            message = f"the crawl gave {found.report} and not {PAGES} pages: its figure would say nothing"
            raise ValueError(message)

    return run


def _crawled(source: Source, known: Mapping[str, PageState]) -> Crawl:
    return asyncio.run(_crawl(source, known))


async def _crawl(source: Source, known: Mapping[str, PageState]) -> Crawl:
    parts = urlsplit(source.url)
    guard = AddressGuard(frozenset({(parts.hostname or "", parts.port or 80)}))
    async with HttpClient(user_agent="benchmark/1.0", guard=guard, max_connections=AT_ONCE) as client:
        read_page = functools.partial(_read_page, now=NOW)
        return await crawl(source, client=client, known=known, read_page=read_page, clock=lambda: NOW)


def _read_page(body: bytes, url: str, content_type: str | None, *, now: datetime):  # noqa: ANN202 (see extract_activities)
    return extract_activities(body, url=url, content_type=content_type, now=now)


async def _bare(urls: Mapping[str, str], status: int) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(client: httpx2.AsyncClient, url: str, etag: str) -> None:
        async with turns:
            answer = await client.get(url, headers={"If-None-Match": etag} if etag else {})
        if answer.status_code != status:
            message = f"{url} answered {answer.status_code}: the limit would say nothing"
            raise ValueError(message)

    async with httpx2.AsyncClient(limits=httpx2.Limits(max_connections=AT_ONCE), trust_env=False) as client:
        await asyncio.gather(*(ask(client, url, etag) for url, etag in urls.items()))
