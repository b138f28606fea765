"""The tables of activities that several sites tell of: the blocks they are looked for in, their groups, and what people said of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tripper_assets.catalog.correction_models import Base  # with the tables that these refer to, and all others
from tripper_assets.catalog.model_base import empty_column, number_column


class LinkKeyRow(Base):
    """The blocks of an activity as its record was when it was compared last; one without a row was not compared yet."""

    __tablename__ = "activity_link_keys"
    __table_args__ = (Index("ix_activity_link_keys_keys", "keys", postgresql_using="gin"),)
    activity_id: Mapped[UUID] = mapped_column(ForeignKey("tripper.activities.id", ondelete="CASCADE"), primary_key=True)
    source_key: Mapped[str] = mapped_column(index=True)
    content_sha256: Mapped[str]
    keys: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class ActivityLinkRow(Base):
    """One activity's place in its group; what is in no group has no row."""

    __tablename__ = "activity_links"
    __table_args__ = (CheckConstraint("score BETWEEN 0 AND 1", name="score"),)
    activity_id: Mapped[UUID] = mapped_column(ForeignKey("tripper.activities.id", ondelete="CASCADE"), primary_key=True)
    group_id: Mapped[UUID] = mapped_column(index=True)
    """The least of the members' ids when the group was made."""
    position: Mapped[int]
    """0 stands for the group."""
    score: Mapped[float]
    """Of the surest pair that it is in."""
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    """The pairs that it is in: with, score, by, and what was alike."""
    linked_at: Mapped[datetime]
    """When it came into this group, or what speaks for it changed."""


class LinkVerdictRow(Base):
    """What a person said of two activities; never removed, what no longer holds says since when."""

    __tablename__ = "activity_link_verdicts"
    __table_args__ = (
        CheckConstraint("first_id < second_id", name="ordered"),
        Index(
            "uq_activity_link_verdicts_holding", "first_id", "second_id",
            unique=True, postgresql_where=text("removed_at IS NULL"),
        ),
        Index(None, "second_id"),
    )  # fmt: skip
    id: Mapped[int] = number_column()
    # No rows of activities: the word holds for one that comes back after it was deleted.
    first_id: Mapped[UUID]
    second_id: Mapped[UUID]
    is_same: Mapped[bool]
    by: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str] = empty_column()
    removed_by: Mapped[str] = empty_column()
    removed_at: Mapped[datetime | None]
