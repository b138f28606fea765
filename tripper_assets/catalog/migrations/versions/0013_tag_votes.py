"""Votes on tags: who said what of which text of which activity."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
KEY = ("activity_id", "text_sha256", "run_number", "provider", "model", "prompt_version")


def upgrade() -> None:
    op.create_table(
        "tag_votes",
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("text_sha256", sa.Text(), nullable=False),
        sa.Column("run_number", sa.Integer(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("tags", JSONB(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("usage", JSONB(), server_default="{}", nullable=False),
        sa.Column("latency_seconds", sa.Double(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("run_number >= 1", name=op.f("ck_tag_votes_run_number")),
        sa.CheckConstraint("tags IS NOT NULL OR error <> ''", name=op.f("ck_tag_votes_tags_or_error")),
        sa.ForeignKeyConstraint(
            ["source_key"], [f"{SCHEMA}.sources.key"], name="fk_tag_votes_source_key_sources", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(*KEY, name="pk_tag_votes"),
        schema=SCHEMA,
    )
    op.create_index("ix_tag_votes_source_key", "tag_votes", ["source_key"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("tag_votes", schema=SCHEMA)
