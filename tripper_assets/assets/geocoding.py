"""Enrich: where each activity is, by its publisher's coordinates or a geocoder, with an honest precision."""

from dataclasses import asdict

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.clients.geocoding import Geocoder, geocode_activities
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import GeocodedMap, PlaceRow
from tripper_assets.domain.model import Problem
from tripper_assets.partitions import source_partitions
from tripper_assets.previews import column_schema
from tripper_assets.resources import Catalog, Clock
from tripper_assets.tracking import Progress, stage


@dg.asset(
    partitions_def=source_partitions,
    group_name="enrich",
    kinds={"python", "parquet"},
    owners=OWNERS,
    description="Coordinates by activity id (WGS 84), and how they were found; each distinct address is asked for once, ever.",
    metadata={"dagster/column_schema": column_schema(PlaceRow)},
)
def geocoded_map(
    context: dg.AssetExecutionContext,
    activities: list[Activity],
    catalog: ResourceParam[Catalog],
    geocoder: ResourceParam[Geocoder],
    clock: ResourceParam[Clock],
) -> GeocodedMap:
    """Find the places."""
    with stage(context, catalog, clock) as work:
        config = work.source.config
        rows, counts = geocode_activities(
            activities,
            geocoder=geocoder,
            cache=catalog.lenient.geocodes if geocoder.is_free else catalog.geocodes,
            country_code=config.country_code,
            region=config.region,
            on_progress=Progress(catalog, work),
        )
        work.counts |= {"rows": len(rows), **asdict(counts), "fetched": counts.queries}
        work.problems += [
            Problem(code=f"place_{row.geocoding.status}", subject=row.activity_id, message=row.geocoding.label)
            for row in rows
            if row.geocoding.status != "ok"
        ]
        context.add_output_metadata(work.metadata())
    return GeocodedMap(ids_sha256(one.id for one in activities), rows)
