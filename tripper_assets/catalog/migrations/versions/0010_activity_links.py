"""Activities that several sites tell of: blocks, groups and what people said of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
TIMESTAMP = sa.DateTime(timezone=True)
# Rows of an activity that is not removed, of a source that is not removed: the view is what a reader joins, and it is never behind.
VIEW = """
CREATE VIEW tripper.linked_activities AS
    SELECT links.activity_id, links.group_id, links.position, links.score, activities.source_key, activities.url, activities.name,
        first_value(links.activity_id) OVER shown AS shown_id, count(*) OVER (PARTITION BY links.group_id) AS members
    FROM tripper.activity_links AS links
    JOIN tripper.activities ON activities.id = links.activity_id AND activities.removed_at IS NULL
    JOIN tripper.sources ON sources.key = activities.source_key AND sources.removed_at IS NULL
    WINDOW shown AS (PARTITION BY links.group_id ORDER BY links.position, links.activity_id)
"""


def upgrade() -> None:
    _of_activity(
        "activity_link_keys",
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("keys", ARRAY(sa.BigInteger()), nullable=False),
    )
    op.create_index("ix_activity_link_keys_source_key", "activity_link_keys", ["source_key"], schema=SCHEMA)
    op.create_index("ix_activity_link_keys_keys", "activity_link_keys", ["keys"], schema=SCHEMA, postgresql_using="gin")
    _of_activity(
        "activity_links",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("evidence", JSONB(), server_default="[]", nullable=False),
        sa.Column("linked_at", TIMESTAMP, nullable=False),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name="ck_activity_links_score"),
    )
    op.create_index("ix_activity_links_group_id", "activity_links", ["group_id"], schema=SCHEMA)
    op.create_table(
        "activity_link_verdicts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("is_same", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", TIMESTAMP, nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("removed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("removed_at", TIMESTAMP, nullable=True),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_activity_link_verdicts_ordered")),
        sa.PrimaryKeyConstraint("id", name="pk_activity_link_verdicts"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_activity_link_verdicts_holding", "activity_link_verdicts", ["first_id", "second_id"],
        unique=True, schema=SCHEMA, postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index("ix_activity_link_verdicts_second_id", "activity_link_verdicts", ["second_id"], schema=SCHEMA)
    op.execute(VIEW)


def _of_activity(name: str, *columns: sa.Column[Any] | sa.CheckConstraint) -> None:
    op.create_table(
        name,
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["activity_id"], ["tripper.activities.id"], name=f"fk_{name}_activity_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("activity_id", name=f"pk_{name}"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.execute("DROP VIEW tripper.linked_activities")
    for table in ("activity_link_verdicts", "activity_links", "activity_link_keys"):
        op.drop_table(table, schema=SCHEMA)
