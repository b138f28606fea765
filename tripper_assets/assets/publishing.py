"""Publish: the final records as JSON Lines, the verdicts on them, and what changed against the last import."""

from collections.abc import Generator

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.catalog.activities import current_activities
from tripper_assets.checks.publishing import as_check_result, check_specs
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.diff import ActivityDiff, diff_records
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImagesMap
from tripper_assets.domain.merge import merge
from tripper_assets.domain.model import Problem
from tripper_assets.domain.quality import CheckResult, LastImport, check_bundle, uncompared
from tripper_assets.partitions import source_partitions
from tripper_assets.previews import column_schema
from tripper_assets.resources import Catalog, Clock
from tripper_assets.tracking import Stage, stage


@dg.asset(
    partitions_def=source_partitions,
    group_name="publish",
    kinds={"python", "json"},
    owners=OWNERS,
    check_specs=check_specs("final_jsonl"),
    description="One record a line, ordered by id: the left join of activities and their maps; what is missing is absent and counted.",
    metadata={"dagster/column_schema": column_schema(Activity)},
)
def final_jsonl(
    context: dg.AssetExecutionContext,
    activities: list[Activity],
    images_map: ImagesMap | None,
    geocoded_map: GeocodedMap | None,
    embeddings_map: EmbeddingsMap | None,
    catalog: ResourceParam[Catalog],
    clock: ResourceParam[Clock],
) -> Generator[dg.Output[list[Activity]] | dg.AssetCheckResult]:
    """Join, and judge the result."""
    maps = {"images_map": images_map, "geocoded_map": geocoded_map, "embeddings_map": embeddings_map}
    with stage(context, catalog, clock) as work:
        merged = merge(activities, images=images_map, places=geocoded_map, embeddings=embeddings_map)
        joined = {name: found.ids_sha256 if found else None for name, found in maps.items()}
        work.problems += merged.problems
        results = _checks_of_final(merged.records, work, catalog, joined)
        work.counts |= {"rows": len(merged.records), "failed_checks": sum(not one.passed for one in results)}
    yield dg.Output(list(merged.records), metadata=work.metadata() | {"joined": dg.MetadataValue.json(joined)})
    for result in results:
        yield as_check_result(result)


def bundle_checks(
    records: tuple[Activity, ...], work: Stage, catalog: Catalog, joined: dict[str, str | None]
) -> list[CheckResult]:
    """Return the verdicts on a bundle against what the catalog holds of its source now.

    Raises:
        TransientError: the catalog does not answer.
    """
    held = current_activities(catalog.database, work.source.key)
    last = LastImport(frozenset(one["id"] for one in held)) if held else None
    return _checked(records, work, joined, last)


def _checked(
    records: tuple[Activity, ...], work: Stage, joined: dict[str, str | None], last: LastImport | None
) -> list[CheckResult]:
    return check_bundle(
        records,
        source_url=work.source.url,
        maps=joined,
        last=last,
        allowed_removals=work.source.config.require_review_above,
    )


def _checks_of_final(
    records: tuple[Activity, ...], work: Stage, catalog: Catalog, joined: dict[str, str | None]
) -> list[CheckResult]:
    """Return the verdicts; while the catalog is down those that compare with it fail as warnings, and the import asks again."""
    try:
        return bundle_checks(records, work, catalog, joined)
    except TransientError as error:
        work.problems.append(Problem(code="catalog_down", subject=work.source.key, message=str(error)))
        return [uncompared(one) for one in _checked(records, work, joined, None)]


@dg.asset(
    partitions_def=source_partitions,
    group_name="publish",
    kinds={"python", "json"},
    owners=OWNERS,
    description="What the new records would change in the catalog: added, removed, and changed field by field.",
    metadata={"dagster/column_schema": column_schema(ActivityDiff)},
)
def activity_diff(
    context: dg.AssetExecutionContext,
    final_jsonl: list[Activity],
    catalog: ResourceParam[Catalog],
    clock: ResourceParam[Clock],
) -> ActivityDiff:
    """Compare with the last import."""
    with stage(context, catalog, clock) as work:
        before = current_activities(catalog.database, work.source.key)
        after = [record.dump() for record in final_jsonl]
        diff = diff_records(before, after, before_name="catalog", after_name=work.workflow_id)
        work.counts |= {
            "rows": len(diff.activities),
            **diff.model_dump(include={"added", "removed", "changed", "unchanged"}),
        }
        context.add_output_metadata(work.metadata())
    return diff
