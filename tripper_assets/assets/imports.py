"""Publish: the import of an approved bundle into Postgres in one transaction, and the clean-up that follows a durable import."""

from collections.abc import Generator
from typing import Any

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.assets.publishing import as_decided, bundle_checks
from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.activity_vectors import indexed_after
from tripper_assets.catalog.links import Links
from tripper_assets.catalog.without_database import NEEDED
from tripper_assets.cleanup import remove_files
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.stored_pictures import look_at_pictures
from tripper_assets.columns import REMOVED_COLUMNS, column_metadata, column_schema
from tripper_assets.domain.corrections import Decided
from tripper_assets.domain.errors import TripperError
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.model import Problem
from tripper_assets.domain.publishing import Verdict, publish_verdict
from tripper_assets.domain.retention import present_intermediates
from tripper_assets.domain.workflows import ImportSummary
from tripper_assets.formats import Bundle
from tripper_assets.freshness import AFTER_A_DECISION
from tripper_assets.partitions import KEEP_FILES_TAG, source_partitions
from tripper_assets.previews import page_links, table
from tripper_assets.resources import Catalog, Clock
from tripper_assets.settings import Settings
from tripper_assets.tracking import Stage, stage


@dg.asset(
    partitions_def=source_partitions,
    group_name="publish",
    kinds={"python", "postgres"},
    owners=OWNERS,
    output_required=False,
    deps=["activity_diff"],  # the diff is against the catalog as it was before
    description="The source's rows in the catalog, old or new and never a mix; yields nothing without auto_import or a decision.",
    metadata=column_metadata(column_schema(ImportSummary)),
    freshness_policy=AFTER_A_DECISION,
)
def imported_activities(
    context: dg.AssetExecutionContext,
    final_jsonl: Bundle,
    embeddings_map: EmbeddingsMap | None,
    catalog: ResourceParam[Catalog],
    objects: ResourceParam[Objects],
    settings: ResourceParam[Settings],
    clock: ResourceParam[Clock],
) -> Generator[dg.Output[ImportSummary]]:
    """Import the bundle if it may be."""
    summary: ImportSummary | None = None
    with stage(context, catalog, clock, pages_url=settings.pages_url) as work:
        if catalog.database.is_absent:
            work.skipped = f"The final JSONL is stored; importing it needs {NEEDED}, and run the source again."
            catalog.workflows.set_status(work.workflow_id, "review", work.skipped)
            return
        wanted = as_decided(final_jsonl.records, work, catalog)
        verdict = _verdict(final_jsonl, wanted, embeddings_map, work, catalog, objects)
        if verdict.publish:
            with indexed_after(catalog.database, embeddings_map):
                summary = import_snapshot(
                    catalog.database,
                    source_key=work.source.key,
                    records=wanted.records,
                    vectors=embeddings_map,
                    workflow_id=work.workflow_id,
                    bundle_sha256=final_jsonl.sha256,
                    at=clock(),
                )
            catalog.corrections.restate(wanted.stated)
            summary = summary.with_refused(wanted.refused)
            _record_import(summary, work, catalog)
            _link(work, catalog, clock)
        else:
            work.skipped = verdict.reason
            work.counts["held_by"] = list(verdict.failed_checks)
            context.log.warning(verdict.reason)
            catalog.workflows.set_status(work.workflow_id, "review", verdict.reason)
    if summary is not None:
        yield dg.Output(summary, metadata=work.metadata())


def _verdict(
    bundle: Bundle,
    wanted: Decided,
    embeddings: EmbeddingsMap | None,
    work: Stage,
    catalog: Catalog,
    objects: Objects,
) -> Verdict:
    decision = catalog.workflows.decision_for(bundle.sha256, work.source.key)
    joined = {"embeddings_map": embeddings.ids_sha256 if embeddings else None}
    return publish_verdict(
        bundle_checks(wanted, work, catalog, joined, look_at_pictures(objects, wanted.records)),
        auto_import=work.auto_import,
        decision=decision.decision if decision else None,
        overrides=decision.overrides if decision else (),
        workflow_id=work.workflow_id,
        newer=catalog.workflows.newer_bundle(work.workflow_id, since=decision.at if decision else None),
    )


def _link(work: Stage, catalog: Catalog, clock: Clock) -> None:
    """Compare what is new with other sites' activities; the import stands where that fails, and the next one compares again."""
    try:
        work.counts["linked"] = Links(catalog.database).update(work.source.key, at=clock()).linked
    except TripperError as error:
        work.problems.append(Problem(code="not_linked", subject=work.source.key, message=str(error)))


def _record_import(summary: ImportSummary, work: Stage, catalog: Catalog) -> None:
    written = summary.inserted + summary.updated + summary.removed
    work.counts |= {"rows": summary.lines, "written": written, **summary.model_dump(exclude={"rejections", "lines"})}
    catalog.workflows.set_import_summary(work.workflow_id, summary, summary.lines)
    catalog.workflows.set_status(work.workflow_id, "completed")


@dg.asset(
    partitions_def=source_partitions,
    group_name="publish",
    kinds={"python"},
    owners=OWNERS,
    deps=[imported_activities],
    description="Removes the workflow's five intermediates after an automatic import, and keeps their rows; without auto_import everything stays.",
    metadata=column_metadata(REMOVED_COLUMNS),
    freshness_policy=AFTER_A_DECISION,
)
def workflow_cleanup(
    context: dg.AssetExecutionContext,
    catalog: ResourceParam[Catalog],
    objects: ResourceParam[Objects],
    settings: ResourceParam[Settings],
    clock: ResourceParam[Clock],
) -> dg.MaterializeResult[Any]:
    """Remove what the catalog now holds, and say so on each asset."""
    with stage(context, catalog, clock) as work:
        kept = not work.auto_import or KEEP_FILES_TAG in context.run.tags
        workflow = catalog.workflows.get(work.workflow_id)
        files = () if kept or workflow is None else present_intermediates(workflow)
        if workflow is not None and files:
            remove_files(workflow, files, catalog=catalog, objects=objects, at=clock(), report=context.log_event)
        work.counts |= {"rows": len(files), "kept": int(kept), "bytes_removed": sum(file.bytes for file in files)}
        removed = table([{"asset": file.asset, "uri": file.uri, "bytes": file.bytes} for file in files])
    shown = {"removed": dg.MetadataValue.md(removed), **page_links(settings.pages_url, work.workflow_id)}
    return dg.MaterializeResult(metadata=work.metadata() | shown)
