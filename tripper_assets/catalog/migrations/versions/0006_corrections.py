"""What people decide on single activities: corrected fields, and activities that are not published."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
TIMESTAMP = sa.DateTime(timezone=True)
HOLDS = sa.text("removed_at IS NULL")


def upgrade() -> None:
    _table(
        "activity_overrides",
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", JSONB(), nullable=True),
        sa.Column("stated", JSONB(), nullable=True),
    )
    _table("activity_refusals", sa.Column("stated_sha256", sa.Text(), nullable=False))
    op.create_index(
        "uq_activity_overrides_holding", "activity_overrides", ["activity_id", "field"],
        unique=True, schema=SCHEMA, postgresql_where=HOLDS,
    )
    op.create_index(
        "uq_activity_refusals_holding", "activity_refusals", ["activity_id"],
        unique=True, schema=SCHEMA, postgresql_where=HOLDS,
    )


def _table(name: str, *columns: sa.Column[object]) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        *columns,
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", TIMESTAMP, nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("removed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("removed_at", TIMESTAMP, nullable=True),
        sa.ForeignKeyConstraint(
            ["source_key"], ["tripper.sources.key"], name=f"fk_{name}_source_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        schema=SCHEMA,
    )
    op.create_index(f"ix_{name}_source_key", name, ["source_key"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("activity_refusals", schema=SCHEMA)
    op.drop_table("activity_overrides", schema=SCHEMA)
