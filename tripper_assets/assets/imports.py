"""Publish: the import of an approved bundle into Postgres in one transaction, and the clean-up that follows a durable import."""

from collections.abc import Generator
from typing import Any

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.assets.publishing import bundle_checks
from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.publishing import Verdict, publish_verdict
from tripper_assets.domain.workflows import INTERMEDIATES, ImportSummary, WorkflowFile
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
            context.log.warning(verdict.reason)
            catalog.workflows.set_status(work.workflow_id, "review", verdict.reason)
    if summary is not None:
        yield dg.Output(summary, metadata=work.metadata())


def _verdict(bundle: Bundle, embeddings: EmbeddingsMap | None, work: Stage, catalog: Catalog) -> Verdict:
    decision = catalog.workflows.decision_for(bundle.sha256)
    return publish_verdict(
        bundle_checks(bundle.records, work, catalog, {"embeddings_map": embeddings.ids_sha256 if embeddings else None}),
        auto_import=work.source.config.auto_import,
        decision=decision.decision if decision else None,
        overrides=decision.overrides if decision else (),
        workflow_id=work.workflow_id,
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
        kept = not work.source.config.auto_import or KEEP_FILES_TAG in context.run.tags
        removed = [] if kept else remove_intermediates(work.workflow_id, catalog, objects, clock)
        for file in removed:
            context.log_event(cleaned_up(file, context.partition_key, clock().isoformat()))
        work.counts |= {"rows": len(removed), "kept": int(kept), "bytes_removed": sum(file.bytes for file in removed)}
    return dg.MaterializeResult(metadata=work.metadata())


def remove_intermediates(workflow_id: str, catalog: Catalog, objects: Objects, clock: Clock) -> list[WorkflowFile]:
    """Remove the workflow's five kinds of intermediates that are still there, and return their rows."""
    workflow = catalog.workflows.get(workflow_id)
    files = [
        file for file in (workflow.files if workflow else []) if file.asset in INTERMEDIATES and file.deleted_at is None
    ]
    objects.delete([file.uri for file in files])
    catalog.workflows.mark_deleted(workflow_id, [file.uri for file in files], clock())
    return files


def cleaned_up(file: WorkflowFile, partition: str, at: str) -> dg.AssetObservation:
    """Return the observation that says on an asset that its stored object was removed."""
    return dg.AssetObservation(
        asset_key=file.asset,
        partition=partition,
        description="cleaned up",
        metadata={"uri": file.uri, "sha256": file.sha256, "bytes": file.bytes, "deleted_at": at},
    )
