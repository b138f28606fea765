"""Scrape: what the pages of a source say, and the activities that this makes."""

from collections import Counter
from dataclasses import replace
from datetime import datetime

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.crawling import PageSaver, crawl_counts, keep_manifest, kept_bodies, replay_pages
from tripper_assets.assets.llm import Gaps, fill_gaps, llm_for
from tripper_assets.clients.crawler import CrawlTools, crawl
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.snapshots import CrawledBodies
from tripper_assets.clients.visits import ReadPage
from tripper_assets.columns import ACTIVITY_ORIGINS, column_metadata, column_schema
from tripper_assets.domain.activities import Activity, Extraction, RawActivity
from tripper_assets.domain.model import Problem, Rejection
from tripper_assets.domain.pages import Crawl
from tripper_assets.domain.standardize import standardize
from tripper_assets.extract import extract_activities
from tripper_assets.freshness import SCRAPED_DAILY
from tripper_assets.interrupts import run_async
from tripper_assets.partitions import source_partitions
from tripper_assets.resources import Catalog, Clock, http_client, page_renderer
from tripper_assets.settings import Settings
from tripper_assets.tracking import Stage, stage

OWNERS = ["team:tripper"]


@dg.asset(
    partitions_def=source_partitions,
    group_name="scrape",
    kinds={"python", "json"},
    owners=OWNERS,
    description="What the pages of the source say: each stated occurrence with its provenance; an unchanged page's are carried over.",
    metadata=column_metadata(column_schema(RawActivity)),
    freshness_policy=SCRAPED_DAILY,
)
def raw_activities(
    context: dg.AssetExecutionContext,
    catalog: ResourceParam[Catalog],
    objects: ResourceParam[Objects],
    settings: ResourceParam[Settings],
    clock: ResourceParam[Clock],
) -> list[RawActivity]:
    """Crawl the source and read its pages, or read those again that another workflow crawled."""
    with stage(context, catalog, clock) as work:
        llm = llm_for(work, settings)
        gaps = Gaps(_reader(work), work.source.config.timezone, is_looked_for=llm is not None)
        if work.replay_of:
            found = run_async(replay_pages(catalog, objects, work, clock, gaps.read))
            gaps.remember(found)
        else:
            found = _crawled(work, catalog, objects, settings, clock, gaps)
        if llm is not None:
            fill_gaps(found, gaps, llm, work, catalog, clock)
        if not work.replay_of:
            keep_manifest(found, catalog, objects, work, context.run.run_id, clock())
        stated = found.raw_activities
        work.counts |= crawl_counts(found.report) | {
            "rows": len(stated),
            "pages": len(found.pages),
            "pages_without_activities": sum(not page.stated for page in found.pages),
        }
        work.problems += found.report.problems
        context.add_output_metadata(work.metadata() | {"seconds": found.report.seconds, "methods": _methods(stated)})
    return stated


def _crawled(work: Stage, catalog: Catalog, objects: Objects, settings: Settings, clock: Clock, gaps: Gaps) -> Crawl:
    saver = PageSaver(catalog, work, clock, as_saved=gaps.mark)
    bodies = kept_bodies(catalog, objects, work, clock, saver)
    try:
        found = run_async(_crawl(work, catalog, settings, clock, saver, bodies, gaps.read))
    finally:
        saver.flush()
        work.problems += bodies.problems(work.source.url)
    saver.settle(found, clock())
    return found


async def _crawl(
    work: Stage,
    catalog: Catalog,
    settings: Settings,
    clock: Clock,
    saver: PageSaver,
    bodies: CrawledBodies,
    read_page: ReadPage,
) -> Crawl:
    tools = CrawlTools(
        keep_body=bodies.keep,
        read_body=bodies.read,
        robots_cache=catalog.robots,
        turns=catalog.rate_limits,
        since=work.resumes_since,
    )
    async with http_client(settings, work.source) as client, page_renderer(settings, work.source, client) as renderer:
        tools = replace(tools, renderer=renderer)
        known = catalog.pages.load(work.source.key)
        return await crawl(
            work.source, client=client, known=known, read_page=read_page, clock=clock, on_page=saver, tools=tools
        )


def _reader(work: Stage) -> ReadPage:
    """Return what reads the source's pages as at a moment, in its zone and with its selectors."""
    config = work.source.config

    def read(body: bytes, url: str, content_type: str | None, now: datetime) -> Extraction:
        return extract_activities(
            body, url=url, content_type=content_type, now=now, timezone=config.timezone, selectors=config.selectors
        )

    return read


def _methods(stated: list[RawActivity]) -> dict[str, int]:
    return dict(Counter(one.provenance["name"].method if "name" in one.provenance else "unknown" for one in stated))


@dg.asset(
    partitions_def=source_partitions,
    group_name="scrape",
    kinds={"python", "json"},
    owners=OWNERS,
    description="The source's activities: occurrences folded into one record each, schema.org names, stable ids, ordered by id.",
    metadata=column_metadata(column_schema(Activity), ACTIVITY_ORIGINS),
    freshness_policy=SCRAPED_DAILY,
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
