"""What it costs a crawl to keep the bodies of its pages, and how fast they are read again, beside a crawl that keeps none and bare reading."""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.figure import Figure, seconds_in_turns
from benchmarks.page_server import Site, running
from tripper_assets.clients.crawler import CrawlTools, crawl
from tripper_assets.clients.http import AddressGuard, HttpClient
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.replay import replay
from tripper_assets.clients.snapshots import CrawledBodies, SnapshotStore
from tripper_assets.domain.activities import Extraction
from tripper_assets.domain.pages import Crawl
from tripper_assets.domain.snapshots import PageSnapshot
from tripper_assets.domain.sources import Source, SourceConfig, make_source
from tripper_assets.extract import extract_activities

PAGES = 500
ROUNDS = 3
NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)


def measure() -> list[Figure]:
    """Return pages a second of processor time on a folder; every crawl has a new one, so that it keeps every body."""
    with tempfile.TemporaryDirectory() as folder, running(Site(PAGES)) as (site,):
        source = make_source(site, SourceConfig(max_pages=PAGES, delay_seconds=0, country_code="GB"))
        numbers = itertools.count()
        kept = _Kept(Path(folder) / "replayed")
        _complete(asyncio.run(_crawl(source, kept.tools())), "fetched")
        bodies = [(one, asyncio.run(kept.store().read(one.body_sha256)) or b"") for one in kept.snapshots]
        keeping, dropping, again, reading = seconds_in_turns(
            lambda: asyncio.run(_crawl(source, _Kept(Path(folder) / str(next(numbers))).tools())),
            lambda: asyncio.run(_crawl(source, CrawlTools())),
            lambda: _complete(asyncio.run(kept.replay()), "replayed"),
            lambda: [_read(body, one.address, one.headers["content-type"], NOW) for one, body in bodies],
            rounds=ROUNDS,
            clock=time.process_time,
        )
    return [
        Figure("replay", "pages/s", "higher", PAGES / again, None, "", PAGES / reading, "the pages read from memory"),
        Figure("replay_keeping", "pages/s", "higher", PAGES / keeping, None, "", PAGES / dropping, "keeping no body"),
    ]


class _Kept:
    """A folder of bodies, and what is known of them."""

    def __init__(self, folder: Path) -> None:
        self.objects = Objects(folder.as_uri())
        self.snapshots: list[PageSnapshot] = []

    def store(self) -> SnapshotStore:
        """Return a store of its own for each event loop."""
        return SnapshotStore(self.objects)

    def tools(self) -> CrawlTools:
        bodies = CrawledBodies(self.store(), self.snapshots.append)
        return CrawlTools(keep_body=bodies.keep, read_body=bodies.read)

    async def replay(self) -> Crawl:
        lines: Sequence[PageSnapshot] = sorted(self.snapshots, key=lambda one: one.url)
        return await replay(lines, read_body=self.store().read, read_page=_read, subject="the benchmark")


async def _crawl(source: Source, tools: CrawlTools) -> Crawl:
    parts = urlsplit(source.url)
    guard = AddressGuard(frozenset({(parts.hostname or "", parts.port or 80)}))
    async with HttpClient(user_agent="benchmark/1.0", guard=guard) as client:
        return await crawl(
            source, client=client, known={}, read_page=_read, clock=lambda: NOW, tools=tools
        )  # fmt: skip


def _read(body: bytes, url: str, content_type: str | None, now: datetime) -> Extraction:
    return extract_activities(body, url=url, content_type=content_type, now=now)


def _complete(found: Crawl, way: str) -> None:
    if len(found.pages) != PAGES:
        message = f"{len(found.pages)} of {PAGES} pages were {way}: the figure would say nothing"
        raise ValueError(message)
