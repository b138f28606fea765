"""Publish: the import of an approved bundle into Postgres in one transaction, and the clean-up that follows a durable import."""

from collections.abc import Generator
from typing import Any

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.assets.publishing import bundle_checks
from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.cleanup import remove_files
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.publishing import Verdict, publish_verdict
from tripper_assets.domain.retention import present_intermediates
from tripper_assets.domain.workflows import ImportSummary
from tripper_assets.formats import Bundle
from tripper_assets.partitions import KEEP_FILES_TAG, source_partitions
from tripper_assets.previews import column_schema
from tripper_assets.resources import Catalog, Clock
from tripper_assets.tracking import Stage, stage


@dg.asset(
    partitions_def=source_partitions,
    group_name="publish",
    kinds={"python", "postgres"},
    owners=OWNERS,
    output_required=False,
    deps=["activity_diff"],  # the diff is against the catalog as it was before
    description="The source's rows in the catalog, old or new and never a mix; yields nothing without auto_import or a decision.",
    metadata={"dagster/column_schema": column_schema(ImportSummary)},
)
def imported_activities(
    context: dg.AssetExecutionContext,
    final_jsonl: Bundle,
    embeddings_map: EmbeddingsMap | None,
    catalog: ResourceParam[Catalog],
    clock: ResourceParam[Clock],
) -> Generator[dg.Output[ImportSummary]]:
    """Import the bundle if it may be."""
    summary: ImportSummary | None = None
    with stage(context, catalog, clock) as work:
        verdict = _verdict(final_jsonl, embeddings_map, work, catalog)
        if verdict.publish:
            summary = import_snapshot(
                catalog.database,
                source_key=work.source.key,
                records=final_jsonl.records,
                vectors=embeddings_map,
                workflow_id=work.workflow_id,
                bundle_sha256=final_jsonl.sha256,
                at=clock(),
            )
            _record_import(summary, work, catalog)
        else:
            work.skipped = verdict.reason
            work.counts["held_by"] = list(verdict.failed_checks)
            context.log.warning(verdict.reason)
            catalog.workflows.set_status(work.workflow_id, "review", verdict.reason)
    if summary is not None:
        yield dg.Output(summary, metadata=work.metadata())


def _verdict(bundle: Bundle, embeddings: EmbeddingsMap | None, work: Stage, catalog: Catalog) -> Verdict:
    decision = catalog.workflows.decision_for(bundle.sha256, work.source.key)
    return publish_verdict(
        bundle_checks(bundle.records, work, catalog, {"embeddings_map": embeddings.ids_sha256 if embeddings else None}),
        auto_import=work.auto_import,
        decision=decision.decision if decision else None,
        overrides=decision.overrides if decision else (),
        workflow_id=work.workflow_id,
        newer=catalog.workflows.newer_bundle(work.workflow_id, since=decision.at if decision else None),
    )


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
)
def workflow_cleanup(
    context: dg.AssetExecutionContext,
    catalog: ResourceParam[Catalog],
    objects: ResourceParam[Objects],
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
    return dg.MaterializeResult(metadata=work.metadata())
