"""What is known of a picture besides: its perceptual hash, its small variant, what it cost, and the location that saw it first."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
COLUMNS = ("perceptual_hash", "thumbnail", "received_bytes", "duration_seconds", "location_id")


def upgrade() -> None:
    for column in (
        sa.Column("perceptual_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("thumbnail", JSONB(), nullable=True),
        sa.Column("received_bytes", sa.Integer(), nullable=True),
        sa.Column("duration_seconds", sa.Double(), nullable=True),
        sa.Column("location_id", sa.Text(), nullable=True),
    ):
        op.add_column("media", column, schema=SCHEMA)
    op.create_foreign_key(
        "fk_media_location_id", "media", "locations", ["location_id"], ["id"],
        source_schema=SCHEMA, referent_schema=SCHEMA, ondelete="SET NULL",
    )
    op.create_index("ix_media_location_id", "media", ["location_id"], schema=SCHEMA)
    op.execute(
        "UPDATE tripper.media SET location_id = sources.location_id FROM tripper.sources WHERE sources.key = media.source_key"
    )


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_column("media", column, schema=SCHEMA)
