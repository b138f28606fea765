"""What people are told: the outbox of messages, and since when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
TIMESTAMP = sa.DateTime(timezone=True)
TOLD = "kind = 'imported' OR (kind = 'status' AND payload ->> 'to' IN ('failed', 'review'))"


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("message", JSONB(), nullable=True),
        sa.Column("at", TIMESTAMP, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", TIMESTAMP, nullable=True),
        sa.Column("delivered_at", TIMESTAMP, nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "kind IS NULL OR kind IN ('failed', 'review', 'guard', 'imported')", name=op.f("ck_notifications_kind")
        ),
        sa.CheckConstraint("(kind IS NULL) = (message IS NULL)", name=op.f("ck_notifications_message_of_a_kind")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_notifications_attempts")),
        sa.PrimaryKeyConstraint("event_id", name="pk_notifications"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_notifications_due", "notifications", ["due_at", "event_id"],
        schema=SCHEMA, postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "notification_marks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_notification_marks"),
        schema=SCHEMA,
    )
    op.create_index("ix_workflow_events_told", "workflow_events", ["at"], schema=SCHEMA, postgresql_where=sa.text(TOLD))


def downgrade() -> None:
    op.drop_index("ix_workflow_events_told", "workflow_events", schema=SCHEMA)
    op.drop_table("notification_marks", schema=SCHEMA)
    op.drop_table("notifications", schema=SCHEMA)
