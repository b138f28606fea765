"""Two crawls of a site of which one page in a hundred changed between them, with the page states in the catalog, as a run keeps them."""

import asyncio
import json
import sys
import time
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.one_core import MEASURED, stay_on
from benchmarks.our_crawls import LATER, NOW, crawled, source_at
from benchmarks.page_server import CHANGE, CHANGED_OF
from tripper_assets.assets.crawling import PageSaver
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.pages import Crawl
from tripper_assets.domain.sources import Source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets.tracking import Stage

ASSET = "raw_activities"


def changes(url: str, pages: int, database: str, home: str, *, sitemap: bool) -> dict[str, Any]:
    """Return the processor seconds of the first crawl and of the second, and the share of bodies that the second fetched."""
    catalog = catalog_on(Database(database), Path(home))
    source = catalog.sources.add(source_at(url, pages, sitemap=sitemap))
    first, first_seconds = _kept(catalog, source, NOW)
    with urllib.request.urlopen(f"{url}{CHANGE}"):  # noqa: S310 (our own server's address)
        again, again_seconds = _kept(catalog, source, LATER)
    catalog.database.dispose()
    if first.report.fetched != pages or len(again.pages) != pages or again.report.fetched < pages // CHANGED_OF:
        raise ValueError(f"the crawls gave {first.report} and {again.report}: their figures would say nothing")
    return {"first_cpu_seconds": first_seconds, "again_cpu_seconds": again_seconds, "fetched": again.report.fetched}


def _kept(catalog: Catalog, source: Source, now: datetime) -> tuple[Crawl, float]:
    """Return one crawl with the processor seconds of loading, crawling, reading and saving; the server's are its own."""
    work = _stage(catalog, source, now)
    started = time.process_time()
    saver = PageSaver(catalog, work, lambda: now)
    known = catalog.pages.load(source.key)
    found = asyncio.run(crawled(source, known, now, on_page=saver))
    saver.flush()
    saver.settle(found, now)
    return found, time.process_time() - started


def _stage(catalog: Catalog, source: Source, now: datetime) -> Stage:
    workflow = Workflow(
        id=f"{source.key}-{now:%d}",
        source_key=source.key,
        source_url=source.url,
        status="running",
        config={},
        created_at=now,
    )
    Workflows(catalog.database).start(workflow)
    catalog.workflows.stage_started(workflow.id, ASSET, now)
    return Stage(ASSET, source, workflow.id)


if __name__ == "__main__":
    stay_on(MEASURED)
    print(json.dumps(changes(**json.loads(sys.argv[1]))))
