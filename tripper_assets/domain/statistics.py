"""What is counted of workflows and told of changes: the rows of the catalog's views, as types."""

from datetime import datetime
from typing import Any, Literal

from tripper_assets.domain.model import ActivityId, Model, SourceKey


class _Counts(Model):
    """Workflows by state, how they ended, and the seconds that their stages worked (waiting left out).

    Rates are shares of what completed or failed, 0 to 1; None where nothing did.
    """

    workflows: int
    active: int
    """Queued, running, or waiting for a provider."""
    in_review: int
    completed: int
    failed: int
    canceled: int
    success_rate: float | None
    error_rate: float | None
    errors: int
    """Every error that was written down, also of steps that were tried again."""
    median_seconds: float | None
    p95_seconds: float | None
    last_started_at: datetime | None
    last_completed_at: datetime | None


class SourceStatistics(_Counts):
    """One source; media_items are the stored pictures that it showed first."""

    source_key: SourceKey
    url: str
    location_id: str | None
    imported_at: datetime | None
    removed_at: datetime | None
    activities: int
    tombstones: int
    media_items: int


class LocationStatistics(_Counts):
    """One location with all its sources."""

    location_id: str
    name: str
    country_code: str
    sources: int
    activities: int
    media_items: int


class StageStatistics(Model):
    """One asset of one source over its workflows; a stage counts once for each workflow, as it ended there last."""

    location_id: str | None
    source_key: SourceKey
    asset: str
    workflows: int
    completed: int
    skipped: int
    failed: int
    error_rate: float | None
    median_seconds: float | None
    p95_seconds: float | None


class LocationAnalytics(Model):
    """The counts that `/analytics` answers with."""

    location_id: str
    total_media_items: int
    active_workflows: int
    completed_workflows: int


class ActivityStep(Model):
    """What happened to one field of one activity at one time; field is None where the whole activity came, went or returned."""

    history_id: int
    activity_id: ActivityId
    source_key: SourceKey
    at: datetime
    change: Literal["inserted", "updated", "removed", "returned"]
    field: str | None
    before: Any
    after: Any
    workflow_id: str | None
    """None where the workflow is gone."""
    bundle_sha256: str
    via: Literal["import", "decision", "correction", "rejection"]
    by: str
    """The person of a decision, a correction or a rejection; else what started the workflow."""
    reason: str
