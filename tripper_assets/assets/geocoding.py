"""Enrich: where each activity is, by its publisher's coordinates or a geocoder, with an honest precision."""

from collections import Counter
from dataclasses import asdict

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.clients.asking_geocoders import Geocoder
from tripper_assets.clients.geocoding import geocode_activities
from tripper_assets.columns import PLACE_ORIGINS, column_metadata, column_schema
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import GeocodedMap, PlaceRow
from tripper_assets.domain.model import Problem
from tripper_assets.freshness import SCRAPED_DAILY
from tripper_assets.partitions import source_partitions
from tripper_assets.previews import places
from tripper_assets.resources import Catalog, Clock
from tripper_assets.tracking import Progress, stage


@dg.asset(
    partitions_def=source_partitions,
    group_name="enrich",
    kinds={"python", "parquet"},
    owners=OWNERS,
    description="Coordinates by activity id (WGS 84), and how they were found; each distinct address is asked for once, ever.",
    metadata=column_metadata(column_schema(PlaceRow), PLACE_ORIGINS),
    freshness_policy=SCRAPED_DAILY,
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
            cache=catalog.lenient.geocodes if geocoder.is_free else catalog.geocodes.within(geocoder.keep_days),
            country_code=config.country_code,
            region=config.region,
            on_progress=Progress(catalog, work),
            asks=geocoder.is_free or not work.replay_of,
        )
        work.counts |= {"rows": len(rows), **asdict(counts), "fetched": counts.queries}
        work.problems += [
            Problem(code=f"place_{row.geocoding.status}", subject=row.activity_id, message=row.geocoding.label)
            for row in rows
            if row.geocoding.status != "ok"
        ]
        work.problems += [
            Problem(code=f"place_{code}", subject=row.activity_id, message=row.geocoding.label)
            for row in rows
            for code in row.problems
        ]
        shown = {
            "accuracies": dict(Counter(row.geocoding.accuracy or row.geocoding.status for row in rows)),
            "places": dg.MetadataValue.md(places(rows, {one.id: one.name for one in activities})),
        }
        context.add_output_metadata(work.metadata() | shown)
    return GeocodedMap(ids_sha256(one.id for one in activities), rows)
