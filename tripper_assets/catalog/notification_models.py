"""The tables of what people are told: the outbox of messages, and since when anybody is told."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from tripper_assets.catalog.link_models import Base  # with the tables that these refer to, and all others
from tripper_assets.catalog.model_base import empty_column

KINDS = "'failed', 'review', 'guard', 'imported'"


class NotificationRow(Base):
    """One change of a workflow: a message that waits, arrived or was given up, or nothing where it was no news."""

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint(f"kind IS NULL OR kind IN ({KINDS})", name="kind"),
        CheckConstraint("(kind IS NULL) = (message IS NULL)", name="message_of_a_kind"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index("ix_notifications_due", "due_at", "event_id", postgresql_where=text("due_at IS NOT NULL")),
    )
    # No foreign key: events are never removed, and rows here are.
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str | None]
    message: Mapped[dict[str, Any] | None]
    at: Mapped[datetime]
    """Of the event."""
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime | None]
    """When it is sent, or sent again; None where nothing is to be sent any more."""
    delivered_at: Mapped[datetime | None]
    trouble: Mapped[str] = empty_column()
    """Why the last attempt did not arrive."""


class NotificationMarkRow(Base):
    """Since when a webhook is told: what happened before is no news."""

    __tablename__ = "notification_marks"
    name: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
