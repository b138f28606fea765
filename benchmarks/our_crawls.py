"""Crawls of ours in a process of its own on one core: of one site once, of one again and again, and of many politely at once."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2

from benchmarks.figure import seconds_in_turns
from benchmarks.one_core import MEASURED, stay_on
from tripper_assets.clients.crawler import OnPage, crawl
from tripper_assets.clients.http import AddressGuard, HttpClient
from tripper_assets.domain.activities import Extraction
from tripper_assets.domain.pages import Crawl, CrawlReport, KnownPage
from tripper_assets.domain.sources import Source, SourceConfig, make_source
from tripper_assets.extract import extract_activities

AT_ONCE = 16
ROUNDS = 5
NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def source_at(url: str, pages: int, *, delay_seconds: float = 0, sitemap: bool = False) -> Source:
    """Return the source of a site whose pages are all to be read."""
    told = {"max_pages": pages, "delay_seconds": delay_seconds, "sitemap": "auto" if sitemap else "off"}
    # The menu leads to pages that the site does not have; the peer leaves them out as well.
    only = {"country_code": "GB", "max_depth": 10, "include": ("/events/",)}
    return make_source(url, SourceConfig.model_validate(told | only))


def _say_nothing(page: KnownPage | None, report: CrawlReport) -> None:
    del page, report


async def crawled(
    source: Source, known: Mapping[str, KnownPage], now: datetime = NOW, on_page: OnPage = _say_nothing
) -> Crawl:
    """Return what a crawl gives, with a client of its own as each run has one."""
    parts = urlsplit(source.url)
    guard = AddressGuard(frozenset({(parts.hostname or "", parts.port or 80)}))
    async with HttpClient(user_agent="benchmark/1.0", guard=guard, max_connections=AT_ONCE) as client:
        return await crawl(source, client=client, known=known, read_page=_read_page, clock=lambda: now, on_page=on_page)


def _read_page(body: bytes, url: str, content_type: str | None, now: datetime) -> Extraction:
    return extract_activities(body, url=url, content_type=content_type, now=now)


def first(urls: Sequence[str], pages: int, delay_seconds: float = 0) -> dict[str, Any]:
    """Return the seconds of the first crawls of sites, all at once, and how many pages and activities they gave."""
    sources = [source_at(url, pages, delay_seconds=delay_seconds) for url in urls]
    found, taken = _timed(lambda: asyncio.run(_together(sources)))
    stated = sum(page.stated for one in found for page in one.pages)
    return taken | {"pages": sum(one.report.fetched for one in found), "activities": stated}


async def _together(sources: Sequence[Source]) -> list[Crawl]:
    return await asyncio.gather(*(crawled(source, {}) for source in sources))


def again(url: str, pages: int, *, sitemap: bool) -> dict[str, Any]:
    """Return the processor seconds of an unchanged crawl, and those of bare httpx2 asking for the same 304s, and for the bodies."""
    source = source_at(url, pages, sitemap=sitemap)
    known = {page.url: page for page in asyncio.run(crawled(source, {})).pages}
    tagged = {page.address or page.url: page.etag for page in known.values()}
    ours, unchanged, bodies = seconds_in_turns(
        lambda: _check(asyncio.run(crawled(source, known, LATER)), pages),
        lambda: asyncio.run(_bare(tagged, 304)),
        lambda: asyncio.run(_bare(dict.fromkeys(tagged, ""), 200)),
        rounds=ROUNDS,
        clock=time.process_time,
    )
    return {"seconds": ours, "unchanged_seconds": unchanged, "bodies_seconds": bodies}


def _check(found: Crawl, pages: int) -> None:
    if found.report.not_modified + found.report.unchanged.get("sitemap", 0) != pages:
        raise ValueError(f"the crawl gave {found.report} and not {pages} pages: its figure would say nothing")


async def _bare(urls: Mapping[str, str], status: int) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(client: httpx2.AsyncClient, url: str, etag: str) -> None:
        async with turns:
            answer = await client.get(url, headers={"If-None-Match": etag} if etag else {})
        if answer.status_code != status:
            raise ValueError(f"{url} answered {answer.status_code}: the limit would say nothing")

    async with httpx2.AsyncClient(limits=httpx2.Limits(max_connections=AT_ONCE), trust_env=False) as client:
        await asyncio.gather(*(ask(client, url, etag) for url, etag in urls.items()))


def _timed(work: Callable[[], list[Crawl]]) -> tuple[list[Crawl], dict[str, float]]:
    started, cpu_started = time.perf_counter(), time.process_time()
    found = work()
    return found, {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu_started}


if __name__ == "__main__":
    stay_on(MEASURED)
    job = json.loads(sys.argv[1])
    print(json.dumps({"first": first, "again": again}[job.pop("work")](**job)))
