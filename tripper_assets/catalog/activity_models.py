"""The tables of what was imported: activities with their full text, their vectors, their pictures, and how they changed."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import VECTOR
from sqlalchemy import CheckConstraint, Computed, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.dialects.postgresql import DATERANGE, TSVECTOR, Range
from sqlalchemy.orm import Mapped, mapped_column

from tripper_assets.catalog.model_base import empty_column, number_column, of_some_workflow
from tripper_assets.catalog.models import COUNTRY_CODE, SHA256, Base  # with the tables that these refer to


class ActivityRow(Base):
    """One activity as the last import left it: its whole record, and columns to search and filter by.

    removed_at makes it a tombstone: the last import's snapshot did not have it.
    """

    __tablename__ = "activities"
    __table_args__ = (
        CheckConstraint(COUNTRY_CODE, name="country_code"),
        CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="coordinates"),
        CheckConstraint(f"content_sha256 {SHA256}", name="content_sha256"),
        Index("ix_activities_search", "search", postgresql_using="gin"),
        Index(
            "ix_activities_name_plain",
            "name_plain",
            postgresql_using="gin",
            postgresql_ops={"name_plain": "gin_trgm_ops"},
        ),
        Index(
            "ix_activities_record",
            "record",
            postgresql_using="gin",
            postgresql_ops={"record": "jsonb_path_ops"},
        ),
        Index("ix_activities_tags", "tags", postgresql_using="gin"),
        Index("ix_activities_days", "days", postgresql_using="gist"),
        Index(None, "latitude", "longitude"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    source_key: Mapped[str] = mapped_column(ForeignKey("tripper.sources.key", ondelete="CASCADE"), index=True)
    url: Mapped[str]
    type: Mapped[str]
    name: Mapped[str]
    name_plain: Mapped[str]
    """Lower case, without accents."""
    start_text: Mapped[str] = empty_column()
    end_text: Mapped[str] = empty_column()
    starts_at: Mapped[datetime | None]
    """None where the record states a date alone, or a time without its zone."""
    ends_at: Mapped[datetime | None]
    start_date: Mapped[date | None]
    """The local date, where the record states one that can be read."""
    end_date: Mapped[date | None]
    over_at: Mapped[datetime | None] = mapped_column(index=True)
    """After which it is past; None for what recurs without an end or states no time."""
    locality: Mapped[str] = empty_column()
    country_code: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    is_free: Mapped[bool | None]
    min_age: Mapped[float | None]
    max_age: Mapped[float | None]
    in_language: Mapped[str] = empty_column()
    record: Mapped[dict[str, Any]]
    """The line of the final JSONL."""
    record_sha256: Mapped[str]
    """Of the whole record; content_sha256 leaves position and provenance out."""
    content_sha256: Mapped[str]
    search: Mapped[str] = mapped_column(TSVECTOR)
    # The database works the rest out of the record, whoever writes it.
    language: Mapped[str | None] = mapped_column(Computed("tripper.language_of(in_language)", persisted=True))
    tags: Mapped[list[str] | None] = mapped_column(Computed("tripper.tags_of(record)", persisted=True))
    """Categories, keywords and tags, in lower case, without accents."""
    least_price: Mapped[float | None] = mapped_column(Computed("tripper.least_price_of(record)", persisted=True))
    days: Mapped[Range[date] | None] = mapped_column(
        DATERANGE, Computed("tripper.days_of(record, start_date, end_date)", persisted=True)
    )
    """From the first day to the last, open where a rule is; None where no day is stated."""
    weekdays: Mapped[int | None] = mapped_column(
        Computed("tripper.weekdays_of(record, start_date, end_date)", persisted=True)
    )
    """Bits of the weekdays on which it happens within its days, Monday 1 to Sunday 64; with 128 tripper.happens_within knows more."""
    first_seen_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    """When what it says changed last."""
    removed_at: Mapped[datetime | None]
    workflow_id: Mapped[str | None] = of_some_workflow()
    """The workflow whose import changed it last."""


class EmbeddingRow(Base):
    """The vector of an activity by one model; one column for all models, so its dimensions are not fixed."""

    __tablename__ = "activity_embeddings"
    __table_args__ = (CheckConstraint("public.vector_dims(embedding) = dimensions", name="dimensions"),)
    activity_id: Mapped[UUID] = mapped_column(ForeignKey("tripper.activities.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    dimensions: Mapped[int]
    text_sha256: Mapped[str]
    embedding: Mapped[Any] = mapped_column(VECTOR())


class HistoryRow(Base):
    """What one import changed of one activity; before is the record that it replaced, None for a new activity."""

    __tablename__ = "activity_history"
    __table_args__ = (
        CheckConstraint("change IN ('inserted', 'updated', 'removed')", name="change"),
        Index(None, "activity_id", "id"),
    )
    id: Mapped[int] = number_column()
    activity_id: Mapped[UUID] = mapped_column(ForeignKey("tripper.activities.id", ondelete="CASCADE"))
    workflow_id: Mapped[str | None] = of_some_workflow()
    bundle_sha256: Mapped[str]
    change: Mapped[str]
    changed_fields: Mapped[list[str]] = mapped_column(server_default="{}")
    before: Mapped[dict[str, Any] | None]
    at: Mapped[datetime]


class ActivityMediaRow(Base):
    """Which pictures an activity has, 0 the best."""

    __tablename__ = "activity_media"
    __table_args__ = (
        ForeignKeyConstraint(["url_sha256"], ["tripper.media.url_sha256"], ondelete="CASCADE"),
        Index(None, "url_sha256"),
    )
    activity_id: Mapped[UUID] = mapped_column(ForeignKey("tripper.activities.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    url_sha256: Mapped[str]
