"""Refinements of tags: what a strong model made of which text with which votes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
KEY = ("activity_id", "text_sha256", "votes_sha256", "provider", "model", "prompt_version")


def upgrade() -> None:
    op.create_table(
        "tag_refinements",
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("text_sha256", sa.Text(), nullable=False),
        sa.Column("votes_sha256", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("tags", JSONB(), nullable=True),
        sa.Column("embed_text", sa.Text(), server_default="", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("usage", JSONB(), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("tags IS NOT NULL OR error <> ''", name=op.f("ck_tag_refinements_tags_or_error")),
        sa.ForeignKeyConstraint(
            ["source_key"], [f"{SCHEMA}.sources.key"], name="fk_tag_refinements_source_key_sources", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(*KEY, name="pk_tag_refinements"),
        schema=SCHEMA,
    )
    op.create_index("ix_tag_refinements_source_key", "tag_refinements", ["source_key"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("tag_refinements", schema=SCHEMA)
