"""Who works on a source, what providers work on, how far a stage is, and what a launch said otherwise than the registry."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
TIMESTAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "workflows", sa.Column("overrides", JSONB(), server_default="{}", nullable=False), schema=SCHEMA
    )
    op.add_column(
        "workflow_stages", sa.Column("progress", sa.Double(), server_default="0", nullable=False), schema=SCHEMA
    )
    op.add_column("workflow_stages", sa.Column("run_id", sa.Text(), server_default="", nullable=False), schema=SCHEMA)
    op.execute(
        "ALTER TABLE tripper.workflow_stages ADD CONSTRAINT ck_workflow_stages_progress CHECK (progress BETWEEN 0 AND 1)"
    )
    op.execute("UPDATE tripper.workflow_stages SET progress = 1 WHERE status IN ('completed', 'skipped')")
    op.create_table(
        "source_claims",
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_started", sa.Double(), nullable=False),
        sa.Column("claimed_at", TIMESTAMP, nullable=False),
        sa.ForeignKeyConstraint(
            ["source_key"], ["tripper.sources.key"], name="fk_source_claims_source_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source_key", name="pk_source_claims"),
        schema=SCHEMA,
    )
    op.create_index("ix_source_claims_run_id", "source_claims", ["run_id"], schema=SCHEMA)
    op.create_table(
        "batches",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("requested", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("submitted_at", TIMESTAMP, nullable=False),
        sa.Column("deadline_at", TIMESTAMP, nullable=False),
        sa.Column("checked_at", TIMESTAMP, nullable=True),
        sa.Column("ended_at", TIMESTAMP, nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'completed', 'failed', 'expired', 'canceled')", name="ck_batches_status"
        ),
        sa.CheckConstraint("requested >= 0", name="ck_batches_requested"),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["tripper.workflows.id"], name="fk_batches_workflow_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workflow_id", "asset", "provider", "batch_id", name="pk_batches"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_batches_pending",
        "batches",
        ["checked_at"],
        postgresql_where=sa.text("status = 'pending'"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_table("batches", schema=SCHEMA)
    op.drop_table("source_claims", schema=SCHEMA)
    for table, column in (("workflow_stages", "run_id"), ("workflow_stages", "progress"), ("workflows", "overrides")):
        op.drop_column(table, column, schema=SCHEMA)
