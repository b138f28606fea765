"""Scrape: what the pages of a source say, and the activities that this makes."""

import functools
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import dagster as dg
from dagster import ResourceParam

from tripper_assets.clients.crawler import crawl
from tripper_assets.domain.activities import Activity, RawActivity
from tripper_assets.domain.model import Problem, Rejection
from tripper_assets.domain.pages import Crawl, CrawlReport, PageState
from tripper_assets.domain.standardize import standardize
from tripper_assets.extract import extract_activities
from tripper_assets.interrupts import run_async
from tripper_assets.partitions import source_partitions
from tripper_assets.previews import column_schema
from tripper_assets.resources import Catalog, Clock, http_client
from tripper_assets.settings import Settings
from tripper_assets.tracking import Stage, stage

OWNERS = ["team:tripper"]
SAVED_EVERY = 25
SAVED_AFTER_SECONDS = 1.0
"""A site that is asked once a second, as most are, loses one page to a kill and not 25."""


class PageSaver:
    """Saves page states as they come, so that a killed crawl begins with what it had."""

    def __init__(self, catalog: Catalog, work: Stage, seconds: Callable[[], float] = time.monotonic) -> None:
        self._catalog = catalog
        self._work = work
        self._waiting: list[PageState] = []
        self._seconds = seconds
        self._saved_at = seconds()
        self._share = 0.0

    def __call__(self, state: PageState | None, report: CrawlReport) -> None:
        """Take one page; they are written 25 at a time, or after a second."""
        if state is not None:
            self._waiting.append(state)
        self._work.counts |= _counts(report)
        self._share = report.share
        if len(self._waiting) >= SAVED_EVERY or self._seconds() - self._saved_at >= SAVED_AFTER_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if self._waiting:
            self._catalog.lenient.pages.save(self._work.source.key, self._waiting)
        self._waiting = []
        self._saved_at = self._seconds()
        self._catalog.workflows.stage_progress(self._work.workflow_id, self._work.asset, self._work.counts, self._share)


@dg.asset(
    partitions_def=source_partitions,
    group_name="scrape",
    kinds={"python", "json"},
    owners=OWNERS,
    description="What the pages of the source say: each stated occurrence with its provenance; an unchanged page's are carried over.",
    metadata={"dagster/column_schema": column_schema(RawActivity)},
)
def raw_activities(
    context: dg.AssetExecutionContext,
    catalog: ResourceParam[Catalog],
    settings: ResourceParam[Settings],
    clock: ResourceParam[Clock],
) -> list[RawActivity]:
    """Crawl the source and read its pages."""
    with stage(context, catalog, clock) as work:
        saver = PageSaver(catalog, work)
        try:
            found = run_async(_crawl(work, catalog, settings, clock, saver))
        finally:
            saver.flush()
        catalog.lenient.pages.forget(work.source.key, found.gone, clock())
        stated = found.raw_activities
        silent = sum(not page.extraction.activities for page in found.pages)
        work.counts |= _counts(found.report) | {
            "rows": len(stated),
            "gone": len(found.gone),
            "pages_without_activities": silent,
        }
        work.problems += found.report.problems
        context.add_output_metadata(work.metadata() | {"seconds": found.report.seconds, "methods": _methods(stated)})
    return stated


async def _crawl(work: Stage, catalog: Catalog, settings: Settings, clock: Clock, saver: PageSaver) -> Crawl:
    read_page = functools.partial(_read_page, now=clock(), timezone=work.source.config.timezone)
    async with http_client(settings, work.source) as client:
        known = catalog.pages.load(work.source.key)
        return await crawl(work.source, client=client, known=known, read_page=read_page, clock=clock, on_page=saver)


def _read_page(body: bytes, url: str, content_type: str | None, **options: Any) -> Any:  # noqa: ANN401 (see extract_activities)
    return extract_activities(body, url=url, content_type=content_type, **options)


def _counts(report: CrawlReport) -> dict[str, Any]:
    return {
        "pages_found": report.found,
        "fetched": report.fetched,
        "reused": report.not_modified,
        "failed": report.failed,
        "skipped": report.skipped,
        "bytes_received": report.bytes_received,
    }


def _methods(stated: list[RawActivity]) -> dict[str, int]:
    return dict(Counter(one.provenance["name"].method if "name" in one.provenance else "unknown" for one in stated))


@dg.asset(
    partitions_def=source_partitions,
    group_name="scrape",
    kinds={"python", "json"},
    owners=OWNERS,
    description="The source's activities: occurrences folded into one record each, schema.org names, stable ids, ordered by id.",
    metadata={"dagster/column_schema": column_schema(Activity)},
)
def activities(
    context: dg.AssetExecutionContext,
    raw_activities: list[RawActivity],
    catalog: ResourceParam[Catalog],
    clock: ResourceParam[Clock],
) -> list[Activity]:
    """Standardize what the pages say."""
    with stage(context, catalog, clock) as work:
        result = standardize(raw_activities, work.source, now=clock())
        work.counts |= {
            "rows": len(result.activities),
            "raw_activities": len(raw_activities),
            "folded": len(raw_activities) - len(result.rejections) - len(result.activities),
            "rejected": len(result.rejections),
            "rejected_by_reason": dict(Counter(one.reason for one in result.rejections)),
        }
        work.problems += [*map(_as_problem, result.rejections), *result.problems]
        context.add_output_metadata(work.metadata())
    return list(result.activities)


def _as_problem(rejection: Rejection) -> Problem:
    return Problem(code=f"rejected_{rejection.reason}", subject=rejection.subject, message=rejection.message)
