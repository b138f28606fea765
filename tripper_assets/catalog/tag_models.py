"""The tables of votes on tags and of what refines them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tripper_assets.catalog.model_base import empty_column
from tripper_assets.catalog.notification_models import Base  # with all other tables


class TagVoteRow(Base):
    """One voter's answer about one text of one activity, or why there is none; each is paid once and never changes."""

    __tablename__ = "tag_votes"
    __table_args__ = (
        CheckConstraint("run_number >= 1", name="run_number"),
        CheckConstraint("tags IS NOT NULL OR error <> ''", name="tags_or_error"),
        Index(None, "source_key"),
    )
    # No rows of activities: votes are cast before an activity is imported, and outlive one that is removed and comes back.
    activity_id: Mapped[UUID] = mapped_column(primary_key=True)
    text_sha256: Mapped[str] = mapped_column(primary_key=True)
    run_number: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    prompt_version: Mapped[str] = mapped_column(primary_key=True)
    source_key: Mapped[str] = mapped_column(ForeignKey("sources.key", ondelete="CASCADE"))
    tags: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[str] = empty_column()
    usage: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    latency_seconds: Mapped[float | None]
    created_at: Mapped[datetime]


class TagRefinementRow(Base):
    """A strong model's answer about one text with its consensus, or why there is none; each is paid once and never changes."""

    __tablename__ = "tag_refinements"
    __table_args__ = (
        CheckConstraint("tags IS NOT NULL OR error <> ''", name="tags_or_error"),
        Index(None, "source_key"),
    )
    activity_id: Mapped[UUID] = mapped_column(primary_key=True)
    text_sha256: Mapped[str] = mapped_column(primary_key=True)
    votes_sha256: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    prompt_version: Mapped[str] = mapped_column(primary_key=True)
    source_key: Mapped[str] = mapped_column(ForeignKey("sources.key", ondelete="CASCADE"))
    tags: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    embed_text: Mapped[str] = empty_column()
    error: Mapped[str] = empty_column()
    usage: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    created_at: Mapped[datetime]
