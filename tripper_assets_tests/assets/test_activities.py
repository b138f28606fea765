"""A crawl's pages are saved as they come: what a kill loses is the work of a second."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tripper_assets.assets.crawling import SAVED_EVERY, PageSaver
from tripper_assets.catalog.database import Database
from tripper_assets.domain.pages import CrawlReport, PageState
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets.tracking import Stage

SOURCE = make_source("https://town.example/")
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def catalog(database: Database, tmp_path: Path) -> Catalog:
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(SOURCE)
    row = Workflow(
        id="crawl", source_key=SOURCE.key, source_url=SOURCE.url, status="running", config={}, created_at=NOW
    )
    catalog.workflows.start(row)
    catalog.workflows.stage_started("crawl", "raw_activities", NOW)
    return catalog


def page(number: int) -> PageState:
    return PageState(url=f"https://town.example/{number}", status=200, fetched_at=NOW)


def saved(catalog: Catalog) -> int:
    return len(catalog.pages.load(SOURCE.key))


def test_pages_of_a_fast_site_are_saved_many_at_a_time(catalog: Catalog) -> None:
    saver = PageSaver(catalog, Stage("raw_activities", SOURCE, "crawl"), lambda: NOW, lambda: 0.0)

    numbers = list[int]()
    for number in range(SAVED_EVERY + 1):
        saver(page(number), CrawlReport(fetched=number))
        numbers.append(saved(catalog))

    assert numbers == [0] * (SAVED_EVERY - 1) + [SAVED_EVERY] * 2


def test_pages_of_a_slow_site_are_saved_each_second_with_how_far_the_crawl_is(catalog: Catalog) -> None:
    moments = iter([0.0, 0.6, 1.2, 1.2, 1.8])
    saver = PageSaver(catalog, Stage("raw_activities", SOURCE, "crawl"), lambda: NOW, lambda: next(moments))

    numbers = list[int]()
    for number in range(3):
        saver(page(number), CrawlReport(fetched=number + 1))
        numbers.append(saved(catalog))

    assert numbers == [0, 2, 2]
    (workflow,) = catalog.workflows.list()
    assert workflow.stages[0].counts["fetched"] == 2
