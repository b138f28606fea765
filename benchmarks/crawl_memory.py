"""The memory of one crawl of very many pages, in a process of its own; `python -m benchmarks.crawl_memory 10000` for a quick look."""

import asyncio
import json
import resource
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.one_core import MEASURED, stay_on
from benchmarks.our_crawls import crawled, source_at
from benchmarks.page_server import Site, running
from tripper_assets.domain.pages import CrawlReport, KnownPage

MARKS = (10_000, 50_000, 100_000)
PEAK_UNIT_BYTES = 1 if sys.platform == "darwin" else 1_024
"""What getrusage counts the peak in."""


def peaks(url: str, marks: Sequence[int]) -> dict[str, Any]:
    """Return the process's peak memory in bytes when each of ``marks`` pages were read, by number, and when the crawl was done."""
    found: dict[int, int] = {}

    def look(_: KnownPage | None, report: CrawlReport) -> None:
        if report.fetched in marks:
            found[report.fetched] = peak_bytes()

    pages = asyncio.run(crawled(source_at(url, max(marks)), {}, on_page=look)).report.fetched
    if pages != max(marks):
        raise ValueError(f"the crawl read {pages:,} pages: its figure would say nothing")
    return {"pages": list(found), "bytes": list(found.values()), "end_bytes": peak_bytes()}


def peak_bytes() -> int:
    """Return the most memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT_BYTES


if __name__ == "__main__":
    job = json.loads(sys.argv[1]) if sys.argv[1].startswith("{") else {}
    if job:
        stay_on(MEASURED)
        print(json.dumps(peaks(**job)))
    else:
        last = int(sys.argv[1])
        with running(Site(last, kind="small")) as (address,):
            print(json.dumps(peaks(address, [last // 10, last // 2, last])))
