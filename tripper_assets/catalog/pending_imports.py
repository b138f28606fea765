"""Bundles that wait: the final JSONL of each workflow in review, with what the registry, the launch and people say of its import."""

from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.domain.publishing import PendingImport


class PendingImports:
    """What waits for its import in one catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, limit: int = 1000) -> list[PendingImport]:
        """Return the stored bundles of workflows in review, the newest first, and before all others those that somebody wants imported.

        Sources that are gone, or worked on now, are left out.
        """
        with self._database.connection() as connection:
            rows = connection.execute(text(_PENDING), {"limit": limit}).mappings().all()
        return [PendingImport.model_validate(dict(row)) for row in rows]


_PENDING = """
    WITH pending AS (
        SELECT workflows.id AS workflow_id, workflows.created_at, workflows.source_key, bundle.sha256 AS bundle_sha256,
            coalesce((workflows.overrides ->> 'auto_import')::bool, (sources.config ->> 'auto_import')::bool, false) AS auto_import,
            decision.decision, coalesce(decision.overrides, '{}') AS overrides,
            coalesce(ARRAY(SELECT jsonb_array_elements_text(held.counts -> 'held_by')), '{}') AS held_by,
            EXISTS (
                SELECT FROM tripper.workflows AS earlier
                JOIN tripper.workflow_files AS file ON file.workflow_id = earlier.id AND file.asset = 'final_jsonl'
                WHERE earlier.created_at < workflows.created_at AND file.sha256 = bundle.sha256
            ) AS repeated,
            EXISTS (
                SELECT FROM tripper.workflows AS newer
                JOIN tripper.workflow_files AS file ON file.workflow_id = newer.id AND file.asset = 'final_jsonl'
                WHERE newer.source_key = workflows.source_key AND newer.created_at > workflows.created_at
                    AND (decision.at IS NULL OR file.created_at > decision.at)
            ) AS superseded
        FROM tripper.workflows
        JOIN tripper.sources ON sources.key = workflows.source_key AND sources.removed_at IS NULL
        JOIN LATERAL (
            SELECT sha256, deleted_at FROM tripper.workflow_files
            WHERE workflow_id = workflows.id AND asset = 'final_jsonl' ORDER BY created_at DESC, id DESC LIMIT 1
        ) AS bundle ON bundle.deleted_at IS NULL
        LEFT JOIN LATERAL (
            SELECT decided.decision, decided.overrides, decided.at FROM tripper.decisions AS decided
            JOIN tripper.workflows AS about ON about.id = decided.workflow_id AND about.source_key = workflows.source_key
            WHERE decided.bundle_sha256 = bundle.sha256 ORDER BY decided.id DESC LIMIT 1
        ) AS decision ON true
        LEFT JOIN tripper.workflow_stages AS held
            ON held.workflow_id = workflows.id AND held.asset = 'imported_activities' AND held.status = 'skipped'
        WHERE workflows.status = 'review'
            AND NOT EXISTS (SELECT FROM tripper.source_claims WHERE source_claims.source_key = workflows.source_key)
    )
    SELECT workflow_id, source_key, bundle_sha256, auto_import, decision, overrides, held_by, repeated, superseded FROM pending
    ORDER BY (auto_import OR decision IS NOT DISTINCT FROM 'approved') DESC, created_at DESC, workflow_id
    LIMIT :limit
"""
