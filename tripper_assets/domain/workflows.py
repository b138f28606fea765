"""What a workflow is: one journey of one source through the graph, its states and what its stages leave behind."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from tripper_assets.domain.model import Model, SourceKey
from tripper_assets.domain.sources import Source, parse_config

WorkflowStatus = Literal["queued", "running", "waiting", "review", "completed", "failed", "canceled"]
StageStatus = Literal["running", "completed", "skipped", "failed"]

TRANSITIONS: dict[WorkflowStatus, frozenset[WorkflowStatus]] = {
    "queued": frozenset({"running", "failed", "canceled"}),
    "running": frozenset({"waiting", "review", "completed", "failed", "canceled"}),
    "waiting": frozenset({"running", "failed", "canceled"}),
    "review": frozenset({"running", "completed", "failed", "canceled"}),
    # A finished workflow runs again when a person retries it or materializes one of its assets anew.
    "completed": frozenset({"running"}),
    "failed": frozenset({"running"}),
    "canceled": frozenset({"running"}),
}
FINAL: frozenset[WorkflowStatus] = frozenset({"completed", "failed", "canceled"})

INTERMEDIATES = ("raw_activities", "images_map", "geocoded_map", "embeddings_map", "final_jsonl")
"""What clean-up removes after a durable import: exactly these five."""


def may_become(now: WorkflowStatus, then: WorkflowStatus) -> bool:
    """Return whether a workflow may go from ``now`` to ``then``; staying is always allowed."""
    return now == then or then in TRANSITIONS[now]


class WorkflowFile(Model):
    """One object that a stage stored; deleted_at says when clean-up removed it, None while it is there."""

    asset: str
    run_id: str
    uri: str
    bytes: int
    rows: int
    sha256: str
    ids_sha256: str = ""
    created_at: datetime
    deleted_at: datetime | None = None


class WorkflowStage(Model):
    """What one asset did in a workflow; counts are numbers by name (rows, fetched, reused, problems and the asset's own)."""

    asset: str
    status: StageStatus
    started_at: datetime
    ended_at: datetime | None = None
    counts: dict[str, Any] = {}
    progress: float = 0.0
    """The share that is done, 0 to 1; it never falls within one run."""
    run_id: str = ""
    """The Dagster run that did it last."""


class WorkflowError(Model):
    """One failure with its context."""

    stage: str
    kind: str
    """The class of the error."""
    message: str
    at: datetime


MAX_REJECTIONS = 1_000


class ImportSummary(Model):
    """What an import did; lines = inserted + updated + unchanged + rejected, and removed counts tombstones."""

    lines: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: int = 0
    rejections: dict[str, str] = {}
    """The reason of each rejected activity, by id; at most 1,000."""

    def with_refused(self, refused: Sequence[str]) -> "ImportSummary":
        """Return the counts with the lines that a person refused, which the import did not see."""
        reasons = self.rejections | dict.fromkeys(refused[:MAX_REJECTIONS], "rejected_by_a_person")
        counts = {"lines": self.lines + len(refused), "rejected": self.rejected + len(refused)}
        return self.model_copy(update={**counts, "rejections": reasons})


class Workflow(Model):
    """A workflow as the catalog knows it."""

    id: str
    source_key: SourceKey
    source_url: str
    status: WorkflowStatus
    config: dict[str, Any]
    overrides: dict[str, Any] = {}
    """What the launch said otherwise than the registry; config holds it too."""
    location_id: str | None = None
    trigger: str = ""
    """Who started it: cli, demo, ui, sensor."""
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    reason: str = ""
    """Why it is in review, failed or canceled; empty else."""
    activities_processed: int = 0
    import_summary: ImportSummary | None = None
    replay_of: str | None = None
    """The workflow whose kept pages are read again; None where the site is asked."""
    kept_at: datetime | None = None
    """Since when a person keeps its files from retention; None where nobody does."""
    stages: list[WorkflowStage] = []
    files: list[WorkflowFile] = []
    errors: list[WorkflowError] = []


def queued_workflow(
    source: Source, overrides: dict[str, Any], *, identifier: str, trigger: str, created_at: datetime, replay_of: str | None = None
) -> Workflow:  # fmt: skip
    """Return a workflow that waits for its run; ``overrides`` are what this launch says otherwise than the registry.

    Raises:
        ConfigurationError: an override is wrong.
    """
    values = source.config.model_dump(mode="json") | overrides
    config = parse_config(values, subject=source.url).model_dump(mode="json")
    return Workflow(
        id=identifier,
        source_key=source.key,
        source_url=source.url,
        status="queued",
        config=config,
        overrides={name: config[name] for name in overrides},  # as they were read: a YAML "no" is text until then
        location_id=source.location_id,
        trigger=trigger,
        created_at=created_at,
        replay_of=replay_of,
    )
