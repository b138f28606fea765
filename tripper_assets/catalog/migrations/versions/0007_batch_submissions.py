"""What providers' batches were asked for, written before they are asked, and what they cost."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
TIMESTAMP = sa.DateTime(timezone=True)
STATUSES = "'pending', 'completed', 'failed', 'expired', 'canceled'"


def upgrade() -> None:
    _set_statuses(f"{STATUSES}, 'unsent'")
    op.add_column("llm_usage", sa.Column("requests", sa.Integer(), server_default="1", nullable=False), schema=SCHEMA)
    op.add_column("llm_usage", sa.Column("submission_id", sa.Text(), server_default="", nullable=False), schema=SCHEMA)
    op.create_index(
        "ix_llm_usage_submission_id",
        "llm_usage",
        ["submission_id"],
        unique=True,
        postgresql_where=sa.text("submission_id <> ''"),
        schema=SCHEMA,
    )
    op.create_table(
        "batch_submissions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("batch_id", "provider", "model", "workflow_id", "source_key", "asset", "purpose", "requests_uri", "state")
        ),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("usd", sa.Double(), nullable=False),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in ("provider_id", "upload_id", "reason")),
        sa.Column("intended_at", TIMESTAMP, nullable=False),
        *(
            sa.Column(f"{name}_at", TIMESTAMP, nullable=True)
            for name in ("upload_started", "attempted", "submitted", "checked", "ended", "collected")
        ),
        sa.Column("is_retryable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("problems", JSONB(), server_default="{}", nullable=False),
        sa.CheckConstraint(
            "state IN ('intended', 'submitting', 'pending', 'completed', 'failed', 'expired', 'canceled')",
            name="ck_batch_submissions_state",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_batch_submissions"),
        schema=SCHEMA,
    )
    op.create_index("ix_batch_submissions_batch_id", "batch_submissions", ["batch_id"], schema=SCHEMA)
    op.create_index(
        "ix_batch_submissions_open",
        "batch_submissions",
        ["provider"],
        postgresql_where=sa.text("collected_at IS NULL"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_table("batch_submissions", schema=SCHEMA)
    op.drop_index("ix_llm_usage_submission_id", "llm_usage", schema=SCHEMA)
    for column in ("submission_id", "requests"):
        op.drop_column("llm_usage", column, schema=SCHEMA)
    op.execute("UPDATE tripper.batches SET status = 'pending' WHERE status = 'unsent'")
    _set_statuses(STATUSES)


def _set_statuses(listed: str) -> None:
    op.execute("ALTER TABLE tripper.batches DROP CONSTRAINT ck_batches_ck_batches_status")
    op.execute(f"ALTER TABLE tripper.batches ADD CONSTRAINT ck_batches_ck_batches_status CHECK (status IN ({listed}))")
