"""A crawl of a loopback site for tests, with a reader that knows links and <h2>."""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from tripper_assets.clients.crawler import CrawlTools, crawl
from tripper_assets.clients.http import AddressGuard, HttpClient
from tripper_assets.clients.visits import ReadPage
from tripper_assets.domain.activities import Extraction, PageFacts, RawActivity
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import Crawl, CrawlReport, KnownPage, PageState
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
HIDDEN = ("/robots.txt", "/sitemap.xml", "/sitemap_index.xml")


def read_page(body: bytes, url: str, _: str | None, __: datetime) -> Extraction:
    """Read links, and one activity from each <h2>."""
    text = body.decode()
    if "crash" in text:
        raise RecursionError("too deep")
    names = re.findall(r"<h2>(.*?)</h2>", text)
    links = [urljoin(url, link) for link in re.findall(r'href="(.*?)"', text)]
    problems = [Problem(code="block_broken", subject=url)] if "broken block" in text else []
    activities = [RawActivity(page=url, name=name) for name in names]
    page = PageFacts(trouble="empty_shell" if "empty shell" in text else "")
    return Extraction(activities=activities, links=links, problems=problems, page=page)


def crawl_site(
    site: LoopbackSite,
    start: str = "/",
    *,
    known: Crawl | Mapping[str, KnownPage] | None = None,
    on_page: Callable[[KnownPage | None, CrawlReport], None] = lambda *_: None,
    timeout_seconds: float = 20,
    guard: AddressGuard | None = None,
    tools: CrawlTools | None = None,
    reader: ReadPage = read_page,
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
                read_page=reader,
                clock=lambda: NOW,
                on_page=on_page,
                tools=tools or CrawlTools(),
            )

    return asyncio.run(run())


def only_state(crawled: Crawl) -> PageState:
    """Return the only page as a state that a test may change."""
    (page,) = crawled.pages
    fields = {name: getattr(page, name) for name in PageState.model_fields}
    return PageState.model_validate(fields)


def pages(site: LoopbackSite, crawled: Crawl) -> list[str]:
    return [page.url.removeprefix(site.root) or "/" for page in crawled.pages]


def asked(site: LoopbackSite) -> list[str]:
    return [path for path in site.paths if path not in HIDDEN]


def is_consistent(report: CrawlReport) -> bool:
    return report.found == report.done


def sitemap(site: LoopbackSite, *paths: str) -> Answer:
    urls = "".join(f"<url><loc>{site.url(path)}</loc></url>" for path in paths)
    return Answer(200, f"<urlset>{urls}</urlset>".encode(), {"Content-Type": "application/xml"})
