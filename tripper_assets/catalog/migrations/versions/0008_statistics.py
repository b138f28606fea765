"""Views that count and compare: workflows, stages, sources and locations, and what changed of each activity; and workflows that people keep."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
TIMESTAMP = sa.DateTime(timezone=True)
# A canceled workflow is neither a success nor an error of ours.
COUNTS = """
    count(*) AS workflows,
    count(*) FILTER (WHERE w.status IN ('queued', 'running', 'waiting')) AS active,
    count(*) FILTER (WHERE w.status = 'review') AS in_review,
    count(*) FILTER (WHERE w.status = 'completed') AS completed,
    count(*) FILTER (WHERE w.status = 'failed') AS failed,
    count(*) FILTER (WHERE w.status = 'canceled') AS canceled,
    count(*) FILTER (WHERE w.status = 'completed')::float8
        / nullif(count(*) FILTER (WHERE w.status IN ('completed', 'failed')), 0) AS success_rate,
    count(*) FILTER (WHERE w.status = 'failed')::float8
        / nullif(count(*) FILTER (WHERE w.status IN ('completed', 'failed')), 0) AS error_rate,
    coalesce(sum(w.errors), 0)::bigint AS errors,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY w.seconds) AS median_seconds,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY w.seconds) AS p95_seconds,
    max(w.created_at) AS last_started_at,
    max(w.completed_at) FILTER (WHERE w.status = 'completed') AS last_completed_at
"""
VIEWS = {
    # What a workflow waited for, a provider or a person, is in elapsed_seconds and not in seconds.
    "workflow_statistics": """
        SELECT w.id AS workflow_id, w.source_key, w.location_id, w.status, w.trigger, w.created_at, w.started_at, w.completed_at,
            extract(epoch FROM w.completed_at - w.started_at)::float8 AS elapsed_seconds,
            s.seconds, s.stages, s.failed_stages, e.errors, w.activities_processed
        FROM tripper.workflows AS w
        CROSS JOIN LATERAL (
            SELECT sum(extract(epoch FROM ended_at - started_at))::float8 AS seconds, count(*) AS stages,
                count(*) FILTER (WHERE status = 'failed') AS failed_stages
            FROM tripper.workflow_stages WHERE workflow_id = w.id
        ) AS s
        CROSS JOIN LATERAL (SELECT count(*) AS errors FROM tripper.workflow_errors WHERE workflow_id = w.id) AS e
    """,
    "stage_statistics": """
        SELECT w.location_id, w.source_key, s.asset, count(*) AS workflows,
            count(*) FILTER (WHERE s.status = 'completed') AS completed,
            count(*) FILTER (WHERE s.status = 'skipped') AS skipped,
            count(*) FILTER (WHERE s.status = 'failed') AS failed,
            count(*) FILTER (WHERE s.status = 'failed')::float8
                / nullif(count(*) FILTER (WHERE s.status <> 'running'), 0) AS error_rate,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM s.ended_at - s.started_at)::float8) AS median_seconds,
            percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM s.ended_at - s.started_at)::float8) AS p95_seconds
        FROM tripper.workflow_stages AS s JOIN tripper.workflows AS w ON w.id = s.workflow_id
        GROUP BY w.location_id, w.source_key, s.asset
    """,
    "source_statistics": f"""
        SELECT s.key AS source_key, s.url, s.location_id, s.imported_at, s.removed_at, a.activities, a.tombstones, m.media_items, found.*
        FROM tripper.sources AS s
        CROSS JOIN LATERAL (SELECT {COUNTS} FROM tripper.workflow_statistics AS w WHERE w.source_key = s.key) AS found
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE removed_at IS NULL) AS activities,
                count(*) FILTER (WHERE removed_at IS NOT NULL) AS tombstones
            FROM tripper.activities WHERE source_key = s.key
        ) AS a
        CROSS JOIN LATERAL (
            SELECT count(*) AS media_items FROM tripper.media WHERE source_key = s.key AND status = 'stored'
        ) AS m
    """,
    "location_statistics": f"""
        SELECT l.id AS location_id, l.name, l.country_code, o.sources, a.activities, m.media_items, found.*
        FROM tripper.locations AS l
        CROSS JOIN LATERAL (SELECT {COUNTS} FROM tripper.workflow_statistics AS w WHERE w.location_id = l.id) AS found
        CROSS JOIN LATERAL (
            SELECT count(*) AS sources FROM tripper.sources WHERE location_id = l.id AND removed_at IS NULL
        ) AS o
        CROSS JOIN LATERAL (
            SELECT count(*) AS activities FROM tripper.activities AS one JOIN tripper.sources AS s ON s.key = one.source_key
            WHERE s.location_id = l.id AND s.removed_at IS NULL AND one.removed_at IS NULL
        ) AS a
        CROSS JOIN LATERAL (
            SELECT count(*) AS media_items FROM tripper.media WHERE location_id = l.id AND status = 'stored'
        ) AS m
    """,
    # Counts alone: this one is asked for by pages that wait for it.
    "location_analytics": """
        SELECT l.id AS location_id,
            (SELECT count(*) FROM tripper.media WHERE location_id = l.id AND status = 'stored') AS total_media_items,
            (SELECT count(*) FROM tripper.workflows
                WHERE location_id = l.id AND status IN ('queued', 'running', 'waiting')) AS active_workflows,
            (SELECT count(*) FROM tripper.workflows WHERE location_id = l.id AND status = 'completed') AS completed_workflows
        FROM tripper.locations AS l
    """,
    # What a step left is what the next one replaced, and for the last step what stands there now. A correction or a rejection is
    # known by its moment, which is also that of the row it changed; everything else came with an import.
    "activity_changes": """
        SELECT h.id AS history_id, h.activity_id, a.source_key, h.at,
            CASE WHEN h.change = 'updated' AND h.previous = 'removed' THEN 'returned' ELSE h.change END AS change,
            changed.field, h.before -> changed.field AS before,
            CASE WHEN h.change <> 'removed' THEN coalesce(h.following, a.record) -> changed.field END AS after,
            h.workflow_id, h.bundle_sha256,
            CASE WHEN p.by IS NOT NULL THEN p.via WHEN d.by IS NOT NULL THEN 'decision' ELSE 'import' END AS via,
            coalesce(p.by, d.by, w.trigger, '') AS by,
            coalesce(p.reason, d.reason, '') AS reason
        FROM (
            SELECT *, lead(before) OVER steps AS following, lag(change) OVER steps AS previous
            FROM tripper.activity_history WINDOW steps AS (PARTITION BY activity_id ORDER BY id)
        ) AS h
        JOIN tripper.activities AS a ON a.id = h.activity_id
        LEFT JOIN tripper.workflows AS w ON w.id = h.workflow_id
        LEFT JOIN LATERAL unnest(h.changed_fields) AS changed(field) ON true
        LEFT JOIN LATERAL (
            SELECT said.* FROM (
                SELECT by, reason, 'correction' AS via FROM tripper.activity_overrides
                    WHERE activity_id = h.activity_id AND at = h.at
                UNION ALL
                SELECT removed_by, '', 'correction' FROM tripper.activity_overrides
                    WHERE activity_id = h.activity_id AND removed_at = h.at
                UNION ALL
                SELECT by, reason, 'rejection' FROM tripper.activity_refusals
                    WHERE activity_id = h.activity_id AND at = h.at
            ) AS said LIMIT 1
        ) AS p ON true
        LEFT JOIN LATERAL (
            SELECT by, reason FROM tripper.decisions
            WHERE workflow_id = h.workflow_id AND bundle_sha256 = h.bundle_sha256 AND decision = 'approved' AND at <= h.at
            ORDER BY id DESC LIMIT 1
        ) AS d ON true
    """,
}


def upgrade() -> None:
    op.add_column("workflows", sa.Column("kept_at", TIMESTAMP, nullable=True), schema=SCHEMA)
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {SCHEMA}.{name} AS {query}")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {SCHEMA}.{name}")
    op.drop_column("workflows", "kept_at", schema=SCHEMA)
