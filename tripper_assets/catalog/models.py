"""The tables of the catalog, all in the schema ``tripper``; a change here needs a migration, and a test compares the two."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tripper_assets.catalog.model_base import (
    Base,
    empty_column,
    now_column,
    number_column,
    of_some_workflow,
    of_workflow,
)

WORKFLOW_STATUSES = "'queued', 'running', 'waiting', 'review', 'completed', 'failed', 'canceled'"
COUNTRY_CODE = "country_code ~ '^[A-Z]{2}$'"
TOLD_EVENTS = "kind = 'imported' OR (kind = 'status' AND payload ->> 'to' IN ('failed', 'review'))"
SHA256 = "~ '^[0-9a-f]{64}$'"


class LocationRow(Base):
    """A place that people make a guide to."""

    __tablename__ = "locations"
    __table_args__ = (
        CheckConstraint(COUNTRY_CODE, name="country_code"),
        CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="coordinates"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    country_code: Mapped[str]
    queries: Mapped[list[str]] = mapped_column(server_default="{}")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    created_at: Mapped[datetime] = now_column()
    updated_at: Mapped[datetime] = now_column()


class SourceRow(Base):
    """A registered source; removed_at hides it and its activities, and keeps what is known of them."""

    __tablename__ = "sources"
    key: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    config: Mapped[dict[str, Any]]
    location_id: Mapped[str | None] = mapped_column(ForeignKey("tripper.locations.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = now_column()
    updated_at: Mapped[datetime] = now_column()
    removed_at: Mapped[datetime | None]
    bundle_sha256: Mapped[str] = empty_column()
    """Of the final JSONL that was imported last; empty before the first import."""
    imported_at: Mapped[datetime | None]


class ClaimRow(Base):
    """The run that works on a source now, and the process that does it."""

    __tablename__ = "source_claims"
    source_key: Mapped[str] = mapped_column(ForeignKey("tripper.sources.key", ondelete="CASCADE"), primary_key=True)
    run_id: Mapped[str] = mapped_column(index=True)
    workflow_id: Mapped[str]
    """Not a foreign key: the claim comes before the workflow's row."""
    host: Mapped[str]
    pid: Mapped[int]
    process_started: Mapped[float]
    claimed_at: Mapped[datetime]


class WorkflowRow(Base):
    """One journey of one source through the graph."""

    __tablename__ = "workflows"
    __table_args__ = (
        CheckConstraint(f"status IN ({WORKFLOW_STATUSES})", name="status"),
        CheckConstraint("completed_at >= started_at", name="ends_after_start"),
        CheckConstraint("activities_processed >= 0", name="activities_processed"),
        Index(None, "source_key", "created_at"),
        Index(None, "status", "created_at"),
        Index("ix_workflows_created_at", "created_at", "id"),
        Index("ix_workflows_id_prefix", "id", postgresql_ops={"id": "text_pattern_ops"}),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    source_key: Mapped[str] = mapped_column(ForeignKey("tripper.sources.key"))
    source_url: Mapped[str]
    status: Mapped[str]
    config: Mapped[dict[str, Any]]
    overrides: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """What the launch said otherwise than the registry; config holds it too."""
    location_id: Mapped[str | None] = mapped_column(ForeignKey("tripper.locations.id", ondelete="SET NULL"), index=True)
    trigger: Mapped[str] = empty_column()
    created_at: Mapped[datetime] = now_column()
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    reason: Mapped[str] = empty_column()
    activities_processed: Mapped[int] = mapped_column(server_default="0")
    import_summary: Mapped[dict[str, Any] | None]
    replay_of: Mapped[str | None]
    """The workflow whose kept pages are read again; None where the site is asked."""
    kept_at: Mapped[datetime | None]
    """Since when a person keeps its files from retention; None where nobody does."""
    stages: Mapped[list["StageRow"]] = relationship(order_by="(StageRow.started_at, StageRow.asset)")
    files: Mapped[list["FileRow"]] = relationship(order_by="FileRow.id")
    errors: Mapped[list["ErrorRow"]] = relationship(order_by="ErrorRow.id")


class StageRow(Base):
    """What one asset did in a workflow, the last time that it ran there."""

    __tablename__ = "workflow_stages"
    __table_args__ = (
        CheckConstraint("status IN ('running', 'completed', 'skipped', 'failed')", name="status"),
        CheckConstraint("ended_at >= started_at", name="ends_after_start"),
        CheckConstraint("progress BETWEEN 0 AND 1", name="progress"),
    )
    workflow_id: Mapped[str] = mapped_column(ForeignKey("tripper.workflows.id", ondelete="CASCADE"), primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    progress: Mapped[float] = mapped_column(server_default="0")
    """The share that is done; it never falls within one run."""
    run_id: Mapped[str] = empty_column()


class BatchRow(Base):
    """Work that a provider does for a workflow in its own time."""

    __tablename__ = "batches"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'unsent', 'completed', 'failed', 'expired', 'canceled')", name="status"),
        CheckConstraint("requested >= 0", name="requested"),
        Index("ix_batches_pending", "checked_at", postgresql_where=text("status = 'pending'")),
    )
    workflow_id: Mapped[str] = mapped_column(ForeignKey("tripper.workflows.id", ondelete="CASCADE"), primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    batch_id: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = empty_column()
    requested: Mapped[int] = mapped_column(server_default="0")
    status: Mapped[str]
    submitted_at: Mapped[datetime]
    deadline_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class FileRow(Base):
    """One object that a stage stored; the row outlives the object."""

    __tablename__ = "workflow_files"
    __table_args__ = (
        UniqueConstraint("workflow_id", "uri"),
        CheckConstraint("bytes >= 0 AND rows >= 0", name="sizes"),
    )
    id: Mapped[int] = number_column()
    workflow_id: Mapped[str] = of_workflow()
    asset: Mapped[str]
    run_id: Mapped[str]
    uri: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    ids_sha256: Mapped[str] = empty_column()
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class ErrorRow(Base):
    """One failure with its context."""

    __tablename__ = "workflow_errors"
    id: Mapped[int] = number_column()
    workflow_id: Mapped[str] = of_workflow(index=True)
    stage: Mapped[str]
    kind: Mapped[str]
    message: Mapped[str]
    at: Mapped[datetime]


class EventRow(Base):
    """One thing that happened to a workflow; a trigger refuses to change or remove it."""

    __tablename__ = "workflow_events"
    __table_args__ = (Index("ix_workflow_events_told", "at", postgresql_where=text(TOLD_EVENTS)),)
    id: Mapped[int] = number_column()
    workflow_id: Mapped[str] = mapped_column(ForeignKey("tripper.workflows.id"), index=True)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    at: Mapped[datetime] = now_column()


class DecisionRow(Base):
    """What a person decided on one bundle; the last one counts."""

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint("decision IN ('approved', 'rejected')", name="decision"),
        CheckConstraint(f"bundle_sha256 {SHA256}", name="bundle_sha256"),
    )
    id: Mapped[int] = number_column()
    workflow_id: Mapped[str] = mapped_column(ForeignKey("tripper.workflows.id"), index=True)
    bundle_sha256: Mapped[str] = mapped_column(index=True)
    decision: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    overrides: Mapped[list[str]] = mapped_column(server_default="{}")
    reason: Mapped[str] = empty_column()


class MediaRow(Base):
    """One picture's URL, and what became of it; found by the hash of the URL, as pages are."""

    __tablename__ = "media"
    __table_args__ = (
        CheckConstraint("status IN ('stored', 'rejected')", name="status"),
        CheckConstraint("status = 'rejected' OR sha256 <> ''", name="stored_has_content"),
        Index("ix_media_sha256", "sha256", postgresql_where=text("sha256 <> ''")),
    )
    url_sha256: Mapped[str] = mapped_column(primary_key=True)
    source_url: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str] = empty_column()
    etag: Mapped[str] = empty_column()
    last_modified: Mapped[str] = empty_column()
    body_sha256: Mapped[str] = empty_column()
    content_url: Mapped[str] = empty_column()
    sha256: Mapped[str] = empty_column()
    width: Mapped[int | None]
    height: Mapped[int | None]
    encoding_format: Mapped[str] = empty_column()
    bytes: Mapped[int | None]
    blurhash: Mapped[str] = empty_column()
    dominant_colour: Mapped[str] = empty_column()
    perceptual_hash: Mapped[str] = empty_column()
    thumbnail: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The small variant; None where the picture is no wider."""
    received_bytes: Mapped[int | None]
    duration_seconds: Mapped[float | None]
    checked_at: Mapped[datetime]
    source_key: Mapped[str | None] = mapped_column(ForeignKey("tripper.sources.key", ondelete="SET NULL"), index=True)
    """The source, location and workflow that saw it first."""
    location_id: Mapped[str | None] = mapped_column(ForeignKey("tripper.locations.id", ondelete="SET NULL"), index=True)
    workflow_id: Mapped[str | None] = of_some_workflow()


class EmbeddingCacheRow(Base):
    """A text's vector, as little-endian float32: exact, and read without parsing."""

    __tablename__ = "embedding_cache"
    __table_args__ = (CheckConstraint("length(vector) = 4 * dimensions", name="dimensions"),)
    model: Mapped[str] = mapped_column(primary_key=True)
    text_sha256: Mapped[str] = mapped_column(primary_key=True)
    dimensions: Mapped[int]
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = now_column()


class GeocodeCacheRow(Base):
    """A geocoder's answer to one question, found by the hash of the question."""

    __tablename__ = "geocode_cache"
    provider: Mapped[str] = mapped_column(primary_key=True)
    query_sha256: Mapped[str] = mapped_column(primary_key=True)
    query: Mapped[str]
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = now_column()
