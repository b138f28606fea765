"""What has had its time is removed: objects, then the rows that say so, then an observation on each asset; by command, and once a day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from tripper_assets.clients.objects import Objects
from tripper_assets.clients.sweep import Swept, sweep_bodies
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.geocoders import GEOCODERS
from tripper_assets.domain.model import SourceKey
from tripper_assets.domain.retention import RETIRED, Expired, expired_files
from tripper_assets.domain.snapshots import PAGE_MANIFEST
from tripper_assets.domain.sources import parse_config
from tripper_assets.domain.workflows import FINAL, Workflow, WorkflowFile, WorkflowStatus
from tripper_assets.orphans import Orphans, sweep_orphans
from tripper_assets.resources import Catalog

HALF_WRITTEN_AGE = timedelta(days=1)
"""No write takes so long; what is older was left by a killed process."""


@dataclass(frozen=True)
class Chosen:
    """Which workflows are cleaned up."""

    retention_days: int
    """How old one is at least whose source says nothing in keep_days."""
    age: timedelta | None = None
    """What holds instead of both; None where nobody asked for it."""
    status: WorkflowStatus = "completed"
    source_key: SourceKey | None = None
    """None for all sources."""
    unknown: bool = False
    """Whether files of workflows that the catalog does not know go too."""


@dataclass(frozen=True)
class Removed:
    """What a clean-up removed, or what a dry one would."""

    workflows: int
    files: int
    bytes: int
    half_written: int
    """Writes that killed processes left behind."""
    swept: Swept
    orphans: Orphans

    def counts(self) -> dict[str, int]:
        """Return the numbers by the names under which they are shown."""
        kept = {name: getattr(self, name) for name in ("workflows", "files", "bytes", "half_written")}
        bodies = {"page_bodies": self.swept.bodies, "page_body_bytes": self.swept.bytes}
        orphans = {
            f"orphaned_{name}": getattr(self.orphans, name) for name in ("files", "pictures", "batches", "bytes")
        }
        unknown = {name: getattr(self.orphans, name) for name in ("unknown_files", "unknown_workflows")}
        return {**kept, **bodies, **orphans, **unknown}


def clean_up(
    catalog: Catalog,
    objects: Objects,
    *,
    chosen: Chosen,
    now: datetime,
    report: Callable[[dg.AssetObservation], object],
    dry_run: bool = False,
) -> Removed:
    """Remove the intermediates of workflows that ended long enough ago, and then what only they needed; never what the catalog serves.

    Raises:
        TransientError: the catalog or the store does not answer; what was removed until then is gone, and the rest goes the next time.
    """
    catalog.replay()  # what waits to be written may name objects
    expired: list[Expired] = []
    for page in catalog.retention.with_files(chosen.status, RETIRED, source_key=chosen.source_key):
        found = [one for workflow in page for one in _expired(workflow, now, chosen)]
        expired += found if dry_run else _retire(found, catalog, objects, now, report)
    half_written = 0 if dry_run else objects.sweep_uploads(HALF_WRITTEN_AGE, now)
    if not dry_run:
        _expire_geocodes(catalog)
    leaving = {file.uri for one in expired for file in one.files}
    swept = sweep_bodies(catalog.snapshots, objects, now=now, leaving=leaving, dry_run=dry_run)
    orphans = sweep_orphans(catalog, objects, now=now, unknown=chosen.unknown, dry_run=dry_run)
    files, size = sum(len(one.files) for one in expired), sum(one.bytes for one in expired)
    return Removed(len(expired), files, size, half_written, swept, orphans)


def give_up(
    catalog: Catalog,
    objects: Objects,
    workflow: Workflow,
    *,
    by: str,
    now: datetime,
    report: Callable[[dg.AssetObservation], object],
) -> list[Expired]:
    """Remove the files of one workflow whatever its age, and return what went; one in review is canceled, for nobody can import it then.

    Raises:
        PermanentError: it goes on, or somebody keeps it.
    """
    if workflow.kept_at is not None:
        raise PermanentError(
            f"The workflow {workflow.id} is kept since {workflow.kept_at:%Y-%m-%d}; `tripper keep {workflow.id} --release` first."
        )
    if workflow.status not in {*FINAL, "review"}:
        raise PermanentError(f"The workflow {workflow.id} is {workflow.status} and needs its files; cancel it first.")
    if workflow.status == "review":
        catalog.workflows.set_status(workflow.id, "canceled", f"{by} removed its files without importing them.", at=now)
    ended = catalog.workflows.get(workflow.id) or workflow
    return _retire(expired_files([ended], now=now, age=timedelta.min), catalog, objects, now, report)


def _retire(
    found: list[Expired],
    catalog: Catalog,
    objects: Objects,
    now: datetime,
    report: Callable[[dg.AssetObservation], object],
) -> list[Expired]:
    def remove(going: list[Expired]) -> None:
        objects.delete([file.uri for one in going for file in one.files])
        for one in going:  # before the rows say so: told twice is better than never
            _tell(one.workflow, one.files, now, report)

    return catalog.retention.retire(found, at=now, remove=remove)


def _expired(workflow: Workflow, now: datetime, chosen: Chosen) -> list[Expired]:
    kept_days = parse_config(workflow.config, subject=f"workflow {workflow.id}").keep_days
    own = timedelta(days=chosen.retention_days if kept_days is None else kept_days)
    return expired_files([workflow], now=now, age=own if chosen.age is None else chosen.age)


def _expire_geocodes(catalog: Catalog) -> None:
    """Remove the answers of geocoders whose terms let them be kept for some days only."""
    for terms in GEOCODERS.values():
        if terms.keep_days is not None:
            catalog.geocodes.expire(f"{terms.name} ", terms.keep_days)


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
    _tell(workflow, files, at, report)


def _tell(
    workflow: Workflow, files: Sequence[WorkflowFile], at: datetime, report: Callable[[dg.AssetObservation], object]
) -> None:
    # The manifest of a crawl is a file of its workflow, and no asset that could be told.
    for file in (one for one in files if one.asset != PAGE_MANIFEST):
        report(cleaned_up(file, workflow.source_key, at, workflow_id=workflow.id))


def cleaned_up(file: WorkflowFile, partition: str, at: datetime, *, workflow_id: str = "") -> dg.AssetObservation:
    """Return the observation that says on an asset that its stored object was removed."""
    return dg.AssetObservation(
        asset_key=file.asset,
        partition=partition,
        description="cleaned up",
        metadata={
            "story": f"Removed on {at:%Y-%m-%d}; the row of the file stays, and what was imported is in the catalog.",
            "workflow_id": workflow_id,
            "uri": file.uri,
            "sha256": file.sha256,
            "bytes": file.bytes,
            "rows": file.rows,
            "stored_at": file.created_at.isoformat(),
            "deleted_at": at.isoformat(),
        },
    )
