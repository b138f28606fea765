"""Publish: the final records as JSON Lines, the verdicts on them, and what changed against the last import."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.catalog.activities import current_activities
from tripper_assets.catalog.yields import load_yields
from tripper_assets.checks.publishing import as_check_result, check_specs, check_table
from tripper_assets.clients.country_shapes import country_shapes
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.stored_pictures import look_at_pictures
from tripper_assets.columns import FINAL_ORIGINS, column_metadata, column_schema
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.corrections import Decided, decided
from tripper_assets.domain.diff import ActivityDiff, diff_records
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImagesMap, TagsMap
from tripper_assets.domain.merge import merge
from tripper_assets.domain.model import Problem
from tripper_assets.domain.picture_quality import StoredPictures
from tripper_assets.domain.quality import CheckResult, Expectations, LastImport, blocking, check_bundle, uncompared
from tripper_assets.freshness import SCRAPED_DAILY
from tripper_assets.partitions import source_partitions
from tripper_assets.previews import page_links
from tripper_assets.resources import Catalog, Clock
from tripper_assets.settings import Settings
from tripper_assets.tracking import Stage, stage


@dg.asset(
    partitions_def=source_partitions,
    group_name="publish",
    kinds={"python", "json"},
    owners=OWNERS,
    check_specs=check_specs("final_jsonl"),
    description="One record a line, ordered by id: the left join of activities and their maps; what is missing is absent and counted.",
    metadata=column_metadata(column_schema(Activity), FINAL_ORIGINS),
    freshness_policy=SCRAPED_DAILY,
)
def final_jsonl(  # noqa: PLR0913, PLR0917 (Dagster hands in what an asset works with as arguments)
    context: dg.AssetExecutionContext,
    activities: list[Activity],
    images_map: ImagesMap | None,
    geocoded_map: GeocodedMap | None,
    embeddings_map: EmbeddingsMap | None,
    activity_tags: TagsMap | None,
    catalog: ResourceParam[Catalog],
    objects: ResourceParam[Objects],
    settings: ResourceParam[Settings],
    clock: ResourceParam[Clock],
) -> Generator[dg.Output[list[Activity]] | dg.AssetCheckResult]:
    """Join, and judge the result."""
    maps = {
        "images_map": images_map,
        "geocoded_map": geocoded_map,
        "embeddings_map": embeddings_map,
        "activity_tags": activity_tags,
    }
    with stage(context, catalog, clock) as work:
        merged = merge(
            activities, images=images_map, places=geocoded_map, embeddings=embeddings_map, tags=activity_tags
        )
        joined = {name: found.ids_sha256 if found else None for name, found in maps.items()}
        work.problems += merged.problems
        pictures = look_at_pictures(objects, merged.records)
        results = _checks_of_final(merged.records, work, catalog, joined, pictures)
        work.counts |= {"rows": len(merged.records), "failed_checks": sum(not one.passed for one in results)}
        work.counts["held_by"] = [one.name for one in blocking(results)]
        work.counts["checks"] = {one.name: failed_check(one) for one in results if not one.passed}
        verdicts = {"checks": dg.MetadataValue.md(check_table(results)), "joined": dg.MetadataValue.json(joined)}
    yield dg.Output(list(merged.records), metadata=work.metadata() | verdicts)
    for result in results:
        yield as_check_result(result, page_links(settings.pages_url, work.workflow_id))


def failed_check(result: CheckResult) -> dict[str, Any]:
    """Return what the catalog keeps of a failed check, for those who decide without Dagster: its sentence and the first ids that fail."""
    return {"severity": result.severity, "sentence": result.sentence, "failing": list(result.failing)}


def as_decided(records: Sequence[Activity], work: Stage, catalog: Catalog) -> Decided:
    """Return a bundle's records as people want them, and count what that changes.

    Raises:
        TransientError: the catalog does not answer.
    """
    key = work.source.key
    found = decided(records, catalog.corrections.corrections(key), catalog.corrections.refusals(key))
    work.counts |= {"corrected": len(found.stated), "refused": len(found.refused)}
    work.problems += found.problems
    return found


def bundle_checks(
    wanted: Decided,
    work: Stage,
    catalog: Catalog,
    joined: dict[str, str | None],
    pictures: StoredPictures,
) -> list[CheckResult]:
    """Return the verdicts on a bundle against what the catalog holds of its source now; what a person refused is not missed.

    Raises:
        TransientError: the catalog does not answer.
    """
    refused = set(wanted.refused)
    held = [one for one in current_activities(catalog.database, work.source.key) if one["id"] not in refused]
    models = frozenset(one["embedding"]["model"] for one in held if one.get("embedding"))
    last = LastImport(frozenset(one["id"] for one in held), models) if held else None
    wishes = _expectations(work, joined, pictures)
    yields = load_yields(catalog.database, work.workflow_id)
    return check_bundle(wanted.records, replace(wishes, last=last, yields=yields, refused=wanted.refused))


def _expectations(work: Stage, joined: dict[str, str | None], pictures: StoredPictures) -> Expectations:
    """Return what a bundle is held against without a look at the catalog."""
    config = work.source.config
    return Expectations(
        source_url=work.source.url,
        maps=joined,
        last=None,
        allowed_removals=config.require_review_above,
        pictures=pictures,
        shapes=country_shapes(),
        region=config.region,
    )


def _checks_of_final(
    records: tuple[Activity, ...],
    work: Stage,
    catalog: Catalog,
    joined: dict[str, str | None],
    pictures: StoredPictures,
) -> list[CheckResult]:
    """Return the verdicts; while the catalog is down those that compare with it fail as warnings, and the import asks again."""
    try:
        return bundle_checks(as_decided(records, work, catalog), work, catalog, joined, pictures)
    except TransientError as error:
        work.problems.append(Problem(code="catalog_down", subject=work.source.key, message=str(error)))
        return [uncompared(one) for one in check_bundle(records, _expectations(work, joined, pictures))]


@dg.asset(
    partitions_def=source_partitions,
    group_name="publish",
    kinds={"python", "json"},
    owners=OWNERS,
    description="What the new records would change in the catalog: added, removed, and changed field by field.",
    metadata=column_metadata(column_schema(ActivityDiff)),
    freshness_policy=SCRAPED_DAILY,
)
def activity_diff(
    context: dg.AssetExecutionContext,
    final_jsonl: list[Activity],
    catalog: ResourceParam[Catalog],
    clock: ResourceParam[Clock],
) -> ActivityDiff:
    """Compare with the last import."""
    with stage(context, catalog, clock) as work:
        if catalog.database.is_absent:  # then nothing came before
            diff = diff_records([], [one.dump() for one in final_jsonl], before_name="", after_name=work.workflow_id)
        else:
            before = current_activities(catalog.database, work.source.key)
            after = [record.dump() for record in as_decided(final_jsonl, work, catalog).records]
            diff = diff_records(before, after, before_name="catalog", after_name=work.workflow_id)
        work.counts |= {
            "rows": len(diff.activities),
            **diff.model_dump(include={"added", "removed", "changed", "unchanged"}),
        }
        context.add_output_metadata(work.metadata())
    return diff
