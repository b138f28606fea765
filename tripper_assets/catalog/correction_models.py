"""The tables of what people decide on single activities; nothing is ever removed from them, what no longer holds says since when."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tripper_assets.catalog.llm_models import Base  # with the tables that these refer to, and all others
from tripper_assets.catalog.model_base import empty_column, number_column

HOLDS = text("removed_at IS NULL")


class OverrideRow(Base):
    """One field's value as a person states it, beside what the publisher stated then; null in either is "not stated"."""

    __tablename__ = "activity_overrides"
    __table_args__ = (
        Index("uq_activity_overrides_holding", "activity_id", "field", unique=True, postgresql_where=HOLDS),
        Index(None, "source_key"),
    )
    id: Mapped[int] = number_column()
    # No row of activities needs to be there: one is corrected before its first import too.
    activity_id: Mapped[UUID]
    source_key: Mapped[str] = mapped_column(ForeignKey("tripper.sources.key", ondelete="CASCADE"))
    field: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    stated: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    by: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str] = empty_column()
    removed_by: Mapped[str] = empty_column()
    removed_at: Mapped[datetime | None]


class RefusalRow(Base):
    """An activity that is not to be published as long as its publisher says the same of it."""

    __tablename__ = "activity_refusals"
    __table_args__ = (
        Index("uq_activity_refusals_holding", "activity_id", unique=True, postgresql_where=HOLDS),
        Index(None, "source_key"),
    )
    id: Mapped[int] = number_column()
    activity_id: Mapped[UUID]
    source_key: Mapped[str] = mapped_column(ForeignKey("tripper.sources.key", ondelete="CASCADE"))
    stated_sha256: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str] = empty_column()
    removed_by: Mapped[str] = empty_column()
    removed_at: Mapped[datetime | None]
