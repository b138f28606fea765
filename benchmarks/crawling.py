"""Whole crawls on one core: new, unchanged, partly changed, polite to many hosts, and very large, beside Scrapy and bare httpx2."""

import shutil
import statistics
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.crawl_memory import MARKS
from benchmarks.figure import Figure
from benchmarks.one_core import answered
from benchmarks.page_server import Site, running
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres

PAGES = 1_000
ROUNDS = 5
CHANGING_PAGES = 2_000
HOSTS, PAGES_OF_A_HOST, DELAY_SECONDS = 50, 20, 0.5
SCRAPY = "Scrapy + extruct JSON-LD"


def measure(memory_marks: tuple[int, ...] = MARKS) -> list[Figure]:
    """Return the figures; those of one busy core are in its processor seconds, which other programs on the machine do not run.

    Each crawl is a process of its own, kept on one core; the site is another on another core.
    """
    first, again, dated = _rates()
    return [first, again, dated, _polite(), *_changes(), *_memory(memory_marks)]


def _rates() -> tuple[Figure, Figure, Figure]:
    """Return pages a second: new ones, those that answer 304, and those that their sitemap dates as unchanged."""
    with running(Site(PAGES)) as urls:
        ours, peer = _in_turns(
            partial(answered, "our_crawls", work="first", urls=urls, pages=PAGES),
            partial(answered, "scrapy_crawls", urls=urls, pages=PAGES),
        )
        again = answered("our_crawls", work="again", url=urls[0], pages=PAGES, sitemap=False)
    with running(Site(PAGES, sitemap=True)) as urls:
        dated = answered("our_crawls", work="again", url=urls[0], pages=PAGES, sitemap=True)
    return (
        _rate("crawling_first", ours, PAGES / again["bodies_seconds"], "httpx2, bodies unread", peer),
        _rate("crawling_unchanged", again["seconds"], PAGES / again["unchanged_seconds"], "httpx2, 304s"),
        _rate("crawling_dated_unchanged", dated["seconds"], PAGES / dated["unchanged_seconds"], "httpx2, 304s"),
    )


def _in_turns(*works: partial[dict[str, Any]]) -> list[float]:
    taken = [[work()["cpu_seconds"] for work in works] for _ in range(ROUNDS)]
    return [statistics.median(one) for one in zip(*taken, strict=True)]


def _rate(name: str, taken: float, limit: float, limit_name: str, peer: float | None = None) -> Figure:
    beside = (PAGES / peer, SCRAPY) if peer else (None, "")
    return Figure(name, "pages/s", "higher", PAGES / taken, *beside, limit, limit_name)


def _polite() -> Figure:
    """Return the share of the ideal time: a host's robots.txt and pages, each a delay after the one before, all hosts at once."""
    with running(Site(PAGES_OF_A_HOST, hosts=HOSTS)) as urls:
        asked = {"urls": urls, "pages": PAGES_OF_A_HOST, "delay_seconds": DELAY_SECONDS}
        ours = answered("our_crawls", work="first", **asked)["seconds"]
        peer = answered("scrapy_crawls", **asked)["seconds"]
    ideal = PAGES_OF_A_HOST * DELAY_SECONDS
    return Figure(
        "crawling_50_polite_hosts", "of the ideal time", "higher", ideal / ours, ideal / peer, SCRAPY, 1, "ideal"
    )


def _changes() -> list[Figure]:
    """Return what the second crawl costs where one page in a hundred changed, as shares of the first, with all states in the catalog."""
    told = {"etags": Site(CHANGING_PAGES), "dated": Site(CHANGING_PAGES, sitemap=True)}
    with _database() as (database, home):
        found = {name: _changed(site, database, home) for name, site in told.items()}
    return [
        *(_share(f"crawling_1_percent_changed_bodies_{name}", one["fetched"] / CHANGING_PAGES) for name, one in found.items()),
        *(
            _share(f"crawling_1_percent_changed_cpu_{name}", one["again_cpu_seconds"] / one["first_cpu_seconds"])
            for name, one in found.items()
        ),
    ]  # fmt: skip


def _changed(site: Site, database: str, home: str) -> dict[str, Any]:
    with running(site) as (url,):
        return answered("crawl_changes", url=url, pages=site.pages, database=database, home=home, sitemap=site.sitemap)


def _share(name: str, ours: float) -> Figure:
    return Figure(name, "of the first crawl", "lower", ours)


@contextmanager
def _database() -> Generator[tuple[str, str]]:
    # Not a TemporaryDirectory: root's server runs as another user, who must be able to reach it.
    home = Path(tempfile.mkdtemp(prefix="tripper-bench-"))
    server = EmbeddedPostgres(home)
    try:
        url = server.ensure_started()
        database = Database(url)
        database.upgrade()
        database.dispose()
        yield url, str(home)
    finally:
        server.stop()
        shutil.rmtree(home)


def _memory(marks: tuple[int, ...]) -> list[Figure]:
    """Return the peak memory of one crawl when so many pages were read, and what each page after the first mark added to it."""
    with running(Site(max(marks), kind="small")) as (url,):
        found = answered("crawl_memory", url=url, marks=marks)
    peaks = dict(zip(found["pages"], found["bytes"], strict=True))
    low, high = min(peaks), max(peaks)
    growth = (found["end_bytes"] - peaks[low]) / (high - low) / 1_000
    return [
        *(Figure(f"crawling_memory_{pages}_pages", "MB", "lower", size / 1e6) for pages, size in peaks.items()),
        Figure("crawling_memory_growth", "KB/page", "lower", growth),
    ]
