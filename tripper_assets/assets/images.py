"""Enrich: the pictures of each activity, downloaded once, re-encoded without metadata, stored under the hash of their bytes."""

from collections.abc import Sequence
from dataclasses import asdict

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.clients.images import ImageCounts, collect_images
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import ImageRow, ImagesMap
from tripper_assets.domain.model import Problem
from tripper_assets.interrupts import run_async
from tripper_assets.partitions import source_partitions
from tripper_assets.previews import column_schema
from tripper_assets.resources import Catalog, Clock, http_client
from tripper_assets.settings import Settings
from tripper_assets.tracking import Progress, Stage, stage


@dg.asset(
    partitions_def=source_partitions,
    group_name="enrich",
    kinds={"python", "parquet"},
    owners=OWNERS,
    description="Stored pictures by activity id, best first, or the reason why a candidate is none; unchanged pictures are reused.",
    metadata={"dagster/column_schema": column_schema(ImageRow)},
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
        context.add_output_metadata(work.metadata())
    return ImagesMap(ids_sha256(one.id for one in activities), rows)


async def _collect(
    activities: Sequence[Activity], work: Stage, catalog: Catalog, objects: Objects, settings: Settings, clock: Clock
) -> tuple[tuple[ImageRow, ...], ImageCounts]:
    async with http_client(settings, work.source) as client:
        return await collect_images(
            activities,
            client=client,
            objects=objects,
            known=catalog.lenient.images,
            clock=clock,
            on_progress=Progress(catalog, work),
        )
