"""What language models answered, and what was spent on them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
TIMESTAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "llm_cache",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt_sha256", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("answer", JSONB(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("model", "prompt_sha256", "content_sha256", name="pk_llm_cache"),
        schema=SCHEMA,
    )
    op.create_table(
        "llm_usage",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=True),
        sa.Column("source_key", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt_sha256", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("input_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("output_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cached_input_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reasoning_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total_tokens", sa.Integer(), nullable=False),
        sa.Column("usd", sa.Double(), nullable=False),
        sa.Column("at", TIMESTAMP, nullable=False),
        sa.CheckConstraint("status IN ('reserved', 'paid', 'free')", name="ck_llm_usage_status"),
        sa.CheckConstraint("input_tokens >= 0 AND output_tokens >= 0 AND usd >= 0", name="ck_llm_usage_amounts"),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["tripper.workflows.id"], name="fk_llm_usage_workflow_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["source_key"], ["tripper.sources.key"], name="fk_llm_usage_source_key", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_llm_usage"),
        schema=SCHEMA,
    )
    for columns in (["workflow_id"], ["source_key"], ["at"]):
        op.create_index(f"ix_llm_usage_{columns[0]}", "llm_usage", columns, schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("llm_usage", schema=SCHEMA)
    op.drop_table("llm_cache", schema=SCHEMA)
