"""How a workflow's intermediates are removed: the objects, then the rows that say so, then an observation on each asset."""

from collections.abc import Callable, Sequence
from datetime import datetime

import dagster as dg

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.resources import Catalog


def remove_files(
    workflow: Workflow,
    files: Sequence[WorkflowFile],
    *,
    catalog: Catalog,
    objects: Objects,
    at: datetime,
    report: Callable[[dg.AssetObservation], object],
) -> None:
    """Remove ``files``; done again after a kill it ends the same, for a removed object is no error."""
    objects.delete([file.uri for file in files])
    catalog.workflows.mark_deleted(workflow.id, [file.uri for file in files], at)
    for file in files:
        report(cleaned_up(file, workflow.source_key, at))


def cleaned_up(file: WorkflowFile, partition: str, at: datetime) -> dg.AssetObservation:
    """Return the observation that says on an asset that its stored object was removed."""
    return dg.AssetObservation(
        asset_key=file.asset,
        partition=partition,
        description="cleaned up",
        metadata={"uri": file.uri, "sha256": file.sha256, "bytes": file.bytes, "deleted_at": at.isoformat()},
    )
