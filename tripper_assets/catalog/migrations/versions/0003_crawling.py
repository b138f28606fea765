"""What makes a crawl cheap to repeat: when a page was last confirmed, robots.txt files, turns at a host, and snapshots of pages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
TIMESTAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("pages", sa.Column("address", sa.Text(), server_default="", nullable=False), schema=SCHEMA)
    op.add_column("pages", sa.Column("checked_at", TIMESTAMP, nullable=True), schema=SCHEMA)
    op.add_column("pages", sa.Column("linked_at", TIMESTAMP, nullable=True), schema=SCHEMA)
    op.add_column("pages", sa.Column("gone_reason", sa.Text(), server_default="", nullable=False), schema=SCHEMA)
    op.execute("UPDATE tripper.pages SET address = url, checked_at = fetched_at, linked_at = fetched_at")
    op.add_column("workflows", sa.Column("replay_of", sa.Text(), nullable=True), schema=SCHEMA)
    op.create_table(
        "robots_files",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("origin", name="pk_robots_files"),
        schema=SCHEMA,
    )
    op.create_table(
        "rate_limits",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("free_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rate_limits"),
        schema=SCHEMA,
    )
    op.create_table(
        "page_snapshots",
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("url_sha256", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", JSONB(), server_default="{}", nullable=False),
        sa.Column("body_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("fetched_at", TIMESTAMP, nullable=False),
        sa.Column("used_at", TIMESTAMP, nullable=False),
        sa.ForeignKeyConstraint(
            ["source_key"], ["tripper.sources.key"], name="fk_page_snapshots_source_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source_key", "url_sha256", "body_sha256", name="pk_page_snapshots"),
        schema=SCHEMA,
    )
    op.create_index("ix_page_snapshots_body_sha256", "page_snapshots", ["body_sha256"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("page_snapshots", schema=SCHEMA)
    op.drop_table("rate_limits", schema=SCHEMA)
    op.drop_table("robots_files", schema=SCHEMA)
    op.drop_column("workflows", "replay_of", schema=SCHEMA)
    for column in ("gone_reason", "linked_at", "checked_at", "address"):
        op.drop_column("pages", column, schema=SCHEMA)
