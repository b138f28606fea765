"""Enrich: the pictures of each activity, downloaded once, re-encoded without metadata, stored under the hash of their bytes."""

import contextlib
from collections.abc import Sequence
from dataclasses import asdict

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.clients.image_desk import Darkroom
from tripper_assets.clients.images import ImageCounts, collect_images
from tripper_assets.clients.imaging_processes import ImageProcesses
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.tiles import tiles
from tripper_assets.columns import IMAGE_ORIGINS, column_metadata, column_schema
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import ImageRow, ImagesMap
from tripper_assets.domain.model import Problem
from tripper_assets.freshness import SCRAPED_DAILY
from tripper_assets.interrupts import run_async
from tripper_assets.partitions import source_partitions
from tripper_assets.previews import contact_sheet
from tripper_assets.resources import Catalog, Clock, http_client
from tripper_assets.settings import Settings
from tripper_assets.tracking import Progress, Stage, stage


@dg.asset(
    partitions_def=source_partitions,
    group_name="enrich",
    kinds={"python", "parquet"},
    owners=OWNERS,
    # Before the embedder, whose model stays in the memory of a run: the 150 MB of the decoding processes are gone when it comes.
    op_tags={"dagster/priority": "1"},
    description="Stored pictures by activity id, best first, or the reason why a candidate is none; unchanged pictures are reused.",
    metadata=column_metadata(column_schema(ImageRow), IMAGE_ORIGINS),
    freshness_policy=SCRAPED_DAILY,
)
def images_map(
    context: dg.AssetExecutionContext,
    activities: list[Activity],
    catalog: ResourceParam[Catalog],
    objects: ResourceParam[Objects],
    settings: ResourceParam[Settings],
    clock: ResourceParam[Clock],
) -> ImagesMap:
    """Fetch, check and store the pictures."""
    with stage(context, catalog, clock) as work:
        rows, counts = run_async(_collect(activities, work, catalog, objects, settings, clock))
        work.counts |= {"rows": len(rows), **asdict(counts), "reused": counts.reused + counts.not_modified}
        work.problems += [
            Problem(code=row.problem, subject=row.activity_id, message=row.sourceUrl) for row in rows if row.problem
        ]
        found = ImagesMap(ids_sha256(one.id for one in activities), rows)
        names = {one.id: one.name for one in activities}
        sheet = contact_sheet((names[one], small) for one, small in tiles(objects, found.by_id()))
        context.add_output_metadata(work.metadata() | {"contact_sheet": dg.MetadataValue.md(sheet)})
    return found


async def _collect(
    activities: Sequence[Activity], work: Stage, catalog: Catalog, objects: Objects, settings: Settings, clock: Clock
) -> tuple[tuple[ImageRow, ...], ImageCounts]:
    opened = contextlib.nullcontext() if work.replay_of else http_client(settings, work.source)
    async with opened as client, ImageProcesses() as processor:
        return await collect_images(
            activities,
            client=client,
            darkroom=Darkroom(objects, processor),
            known=catalog.lenient.images,
            clock=clock,
            workflow_id=work.workflow_id,
            on_progress=Progress(catalog, work),
        )
