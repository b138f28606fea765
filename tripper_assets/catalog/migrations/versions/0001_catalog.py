"""The catalog as the first graph needs it."""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import VECTOR
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "tripper"
TIMESTAMP = sa.DateTime(timezone=True)
EXTENSIONS = ("vector", "pg_trgm", "unaccent")
TABLES = (
    "activity_media", "activity_history", "activity_embeddings", "workflow_stages", "workflow_files", "workflow_events", "workflow_errors", "media",
    "decisions", "activities", "workflows", "pages", "sources", "locations", "geocode_cache", "embedding_cache",
)
PLAIN = """
CREATE FUNCTION tripper.plain(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(public.unaccent('public.unaccent'::regdictionary, value))
"""
# Cut, because a tsvector holds at most a megabyte and one endless description would fail a whole import.
SEARCH_OF = """
CREATE FUNCTION tripper.search_of(record jsonb) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(to_tsvector('pg_catalog.simple', tripper.plain(left(record ->> 'name', 10000))), 'A')
    || setweight(to_tsvector('pg_catalog.simple', tripper.plain(left(concat_ws(' ',
        record ->> 'category', record ->> 'keywords', record #>> '{location,name}', record #>> '{location,address,addressLocality}',
        record #>> '{location,address,addressRegion}', record #>> '{location,address,postalCode}', record #>> '{organizer,name}'
    ), 20000))), 'B')
    || setweight(to_tsvector('pg_catalog.simple', tripper.plain(left(coalesce(record ->> 'description', ''), 50000))), 'D')
"""
APPEND_ONLY = """
CREATE FUNCTION tripper.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON tripper.workflow_events
    FOR EACH ROW EXECUTE FUNCTION tripper.refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON tripper.workflow_events
    FOR EACH STATEMENT EXECUTE FUNCTION tripper.refuse_change();
"""


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public")
    op.execute(PLAIN)
    op.execute(SEARCH_OF)
    op.create_table(
        "embedding_cache",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.Text(), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("length(vector) = 4 * dimensions", name="ck_embedding_cache_dimensions"),
        sa.PrimaryKeyConstraint("model", "text_sha256", name="pk_embedding_cache"),
        schema=SCHEMA,
    )
    op.create_table(
        "geocode_cache",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("query_sha256", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("answer", JSONB(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("provider", "query_sha256", name="pk_geocode_cache"),
        schema=SCHEMA,
    )
    op.create_table(
        "locations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("queries", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("created_at", TIMESTAMP, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", TIMESTAMP, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("country_code ~ '^[A-Z]{2}$'", name="ck_locations_country_code"),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="ck_locations_coordinates"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_locations"),
        schema=SCHEMA,
    )
    op.create_table(
        "sources",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("config", JSONB(), nullable=False),
        sa.Column("location_id", sa.Text(), nullable=True),
        sa.Column("created_at", TIMESTAMP, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", TIMESTAMP, server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", TIMESTAMP, nullable=True),
        sa.Column("bundle_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("imported_at", TIMESTAMP, nullable=True),
        sa.ForeignKeyConstraint(
            ["location_id"], ["tripper.locations.id"], name="fk_sources_location_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_sources"),
        schema=SCHEMA,
    )
    op.create_index("ix_sources_location_id", "sources", ["location_id"], schema=SCHEMA)
    op.create_table(
        "pages",
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("url_sha256", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("etag", sa.Text(), server_default="", nullable=False),
        sa.Column("last_modified", sa.Text(), server_default="", nullable=False),
        sa.Column("body_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("content_type", sa.Text(), server_default="", nullable=False),
        sa.Column("fetched_at", TIMESTAMP, nullable=False),
        sa.Column("extraction_version", sa.Text(), nullable=False),
        sa.Column("extraction", JSONB(), nullable=False),
        sa.Column("gone_at", TIMESTAMP, nullable=True),
        sa.ForeignKeyConstraint(
            ["source_key"], ["tripper.sources.key"], name="fk_pages_source_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source_key", "url_sha256", name="pk_pages"),
        schema=SCHEMA,
    )
    op.create_table(
        "workflows",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("config", JSONB(), nullable=False),
        sa.Column("location_id", sa.Text(), nullable=True),
        sa.Column("trigger", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", TIMESTAMP, nullable=True),
        sa.Column("completed_at", TIMESTAMP, nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("activities_processed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("import_summary", JSONB(), nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'waiting', 'review', 'completed', 'failed', 'canceled')",
            name="ck_workflows_status",
        ),
        sa.CheckConstraint("activities_processed >= 0", name="ck_workflows_activities_processed"),
        sa.CheckConstraint("completed_at >= started_at", name="ck_workflows_ends_after_start"),
        sa.ForeignKeyConstraint(
            ["location_id"], ["tripper.locations.id"], name="fk_workflows_location_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["source_key"], ["tripper.sources.key"], name="fk_workflows_source_key"),
        sa.PrimaryKeyConstraint("id", name="pk_workflows"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_workflows_id_prefix", "workflows", ["id"], schema=SCHEMA, postgresql_ops={"id": "text_pattern_ops"}
    )
    op.create_index("ix_workflows_location_id", "workflows", ["location_id"], schema=SCHEMA)
    op.create_index("ix_workflows_source_key_created_at", "workflows", ["source_key", "created_at"], schema=SCHEMA)
    op.create_index("ix_workflows_status_created_at", "workflows", ["status", "created_at"], schema=SCHEMA)
    op.create_table(
        "activities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_plain", sa.Text(), nullable=False),
        sa.Column("start_text", sa.Text(), server_default="", nullable=False),
        sa.Column("end_text", sa.Text(), server_default="", nullable=False),
        sa.Column("starts_at", TIMESTAMP, nullable=True),
        sa.Column("ends_at", TIMESTAMP, nullable=True),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("over_at", TIMESTAMP, nullable=True),
        sa.Column("locality", sa.Text(), server_default="", nullable=False),
        sa.Column("country_code", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("is_free", sa.Boolean(), nullable=True),
        sa.Column("min_age", sa.Double(), nullable=True),
        sa.Column("max_age", sa.Double(), nullable=True),
        sa.Column("in_language", sa.Text(), server_default="", nullable=False),
        sa.Column("record", JSONB(), nullable=False),
        sa.Column("record_sha256", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("search", TSVECTOR(), nullable=False),
        sa.Column("first_seen_at", TIMESTAMP, nullable=False),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.Column("removed_at", TIMESTAMP, nullable=True),
        sa.Column("workflow_id", sa.Text(), nullable=True),
        sa.CheckConstraint("content_sha256 ~ '^[0-9a-f]{64}$'", name="ck_activities_content_sha256"),
        sa.CheckConstraint("country_code ~ '^[A-Z]{2}$'", name="ck_activities_country_code"),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="ck_activities_coordinates"
        ),
        sa.ForeignKeyConstraint(
            ["source_key"], ["tripper.sources.key"], name="fk_activities_source_key", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["tripper.workflows.id"], name="fk_activities_workflow_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_activities"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_activities_name_plain",
        "activities",
        ["name_plain"],
        schema=SCHEMA,
        postgresql_using="gin",
        postgresql_ops={"name_plain": "gin_trgm_ops"},
    )
    op.create_index("ix_activities_over_at", "activities", ["over_at"], schema=SCHEMA)
    op.create_index(
        "ix_activities_record",
        "activities",
        ["record"],
        schema=SCHEMA,
        postgresql_using="gin",
        postgresql_ops={"record": "jsonb_path_ops"},
    )
    op.create_index("ix_activities_search", "activities", ["search"], schema=SCHEMA, postgresql_using="gin")
    op.create_index("ix_activities_source_key", "activities", ["source_key"], schema=SCHEMA)
    op.create_index("ix_activities_workflow_id", "activities", ["workflow_id"], schema=SCHEMA)
    op.create_table(
        "decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("bundle_sha256", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", TIMESTAMP, nullable=False),
        sa.Column("overrides", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("bundle_sha256 ~ '^[0-9a-f]{64}$'", name="ck_decisions_bundle_sha256"),
        sa.CheckConstraint("decision IN ('approved', 'rejected')", name="ck_decisions_decision"),
        sa.ForeignKeyConstraint(["workflow_id"], ["tripper.workflows.id"], name="fk_decisions_workflow_id"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        schema=SCHEMA,
    )
    op.create_index("ix_decisions_bundle_sha256", "decisions", ["bundle_sha256"], schema=SCHEMA)
    op.create_index("ix_decisions_workflow_id", "decisions", ["workflow_id"], schema=SCHEMA)
    op.create_table(
        "media",
        sa.Column("url_sha256", sa.Text(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("etag", sa.Text(), server_default="", nullable=False),
        sa.Column("last_modified", sa.Text(), server_default="", nullable=False),
        sa.Column("body_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("content_url", sa.Text(), server_default="", nullable=False),
        sa.Column("sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("encoding_format", sa.Text(), server_default="", nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=True),
        sa.Column("blurhash", sa.Text(), server_default="", nullable=False),
        sa.Column("dominant_colour", sa.Text(), server_default="", nullable=False),
        sa.Column("checked_at", TIMESTAMP, nullable=False),
        sa.Column("source_key", sa.Text(), nullable=True),
        sa.Column("workflow_id", sa.Text(), nullable=True),
        sa.CheckConstraint("status = 'rejected' OR sha256 <> ''", name="ck_media_stored_has_content"),
        sa.CheckConstraint("status IN ('stored', 'rejected')", name="ck_media_status"),
        sa.ForeignKeyConstraint(
            ["source_key"], ["tripper.sources.key"], name="fk_media_source_key", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["tripper.workflows.id"], name="fk_media_workflow_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("url_sha256", name="pk_media"),
        schema=SCHEMA,
    )
    op.create_index("ix_media_sha256", "media", ["sha256"], schema=SCHEMA, postgresql_where=sa.text("sha256 <> ''"))
    op.create_index("ix_media_source_key", "media", ["source_key"], schema=SCHEMA)
    op.create_index("ix_media_workflow_id", "media", ["workflow_id"], schema=SCHEMA)
    op.create_table(
        "workflow_errors",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", TIMESTAMP, nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["tripper.workflows.id"], name="fk_workflow_errors_workflow_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_errors"),
        schema=SCHEMA,
    )
    op.create_index("ix_workflow_errors_workflow_id", "workflow_errors", ["workflow_id"], schema=SCHEMA)
    op.create_table(
        "workflow_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", JSONB(), server_default="{}", nullable=False),
        sa.Column("at", TIMESTAMP, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["workflow_id"], ["tripper.workflows.id"], name="fk_workflow_events_workflow_id"),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_events"),
        schema=SCHEMA,
    )
    op.create_index("ix_workflow_events_workflow_id", "workflow_events", ["workflow_id"], schema=SCHEMA)
    op.create_table(
        "workflow_files",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("ids_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("deleted_at", TIMESTAMP, nullable=True),
        sa.CheckConstraint("bytes >= 0 AND rows >= 0", name="ck_workflow_files_sizes"),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["tripper.workflows.id"], name="fk_workflow_files_workflow_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_files"),
        sa.UniqueConstraint("workflow_id", "uri", name="uq_workflow_files_workflow_id_uri"),
        schema=SCHEMA,
    )
    op.create_table(
        "workflow_stages",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("started_at", TIMESTAMP, nullable=False),
        sa.Column("ended_at", TIMESTAMP, nullable=True),
        sa.Column("counts", JSONB(), server_default="{}", nullable=False),
        sa.CheckConstraint("status IN ('running', 'completed', 'skipped', 'failed')", name="ck_workflow_stages_status"),
        sa.CheckConstraint("ended_at >= started_at", name="ck_workflow_stages_ends_after_start"),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["tripper.workflows.id"], name="fk_workflow_stages_workflow_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workflow_id", "asset", name="pk_workflow_stages"),
        schema=SCHEMA,
    )
    op.create_table(
        "activity_embeddings",
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("text_sha256", sa.Text(), nullable=False),
        sa.Column("embedding", VECTOR(), nullable=False),
        sa.CheckConstraint("public.vector_dims(embedding) = dimensions", name="ck_activity_embeddings_dimensions"),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["tripper.activities.id"], name="fk_activity_embeddings_activity_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("activity_id", "model", name="pk_activity_embeddings"),
        schema=SCHEMA,
    )
    op.create_table(
        "activity_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=True),
        sa.Column("bundle_sha256", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("changed_fields", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("before", JSONB(), nullable=True),
        sa.Column("at", TIMESTAMP, nullable=False),
        sa.CheckConstraint("change IN ('inserted', 'updated', 'removed')", name="ck_activity_history_change"),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["tripper.activities.id"], name="fk_activity_history_activity_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["tripper.workflows.id"], name="fk_activity_history_workflow_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_activity_history"),
        schema=SCHEMA,
    )
    op.create_index("ix_activity_history_activity_id_id", "activity_history", ["activity_id", "id"], schema=SCHEMA)
    op.create_index("ix_activity_history_workflow_id", "activity_history", ["workflow_id"], schema=SCHEMA)
    op.create_table(
        "activity_media",
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("url_sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["tripper.activities.id"], name="fk_activity_media_activity_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["url_sha256"], ["tripper.media.url_sha256"], name="fk_activity_media_url_sha256", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("activity_id", "position", name="pk_activity_media"),
        schema=SCHEMA,
    )
    op.create_index("ix_activity_media_url_sha256", "activity_media", ["url_sha256"], schema=SCHEMA)
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table, schema=SCHEMA)
    for function in ("refuse_change()", "search_of(jsonb)", "plain(text)"):
        op.execute(f"DROP FUNCTION tripper.{function}")
