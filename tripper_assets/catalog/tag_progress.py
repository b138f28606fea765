"""How far the voters of each source are, as its last round of votes counted it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.domain.model import Model, SourceKey
from tripper_assets.domain.refinement import RefinementProgress
from tripper_assets.domain.tag_runs import VoterProgress


class SourceProgress(Model):
    """How far the voters of one source are."""

    source_key: SourceKey
    source_url: str
    workflow_id: str
    status: str
    """The workflow's: while it is waiting, batches are under way."""
    counted_at: datetime
    voters: tuple[VoterProgress, ...]
    refinement: RefinementProgress | None = None
    """How far the refinement is; None where the source wants none, or its votes are still awaited."""


def tag_progress(database: Database, source_keys: Collection[SourceKey] | None = None) -> list[SourceProgress]:
    """Return the newest count of some sources or of all, ordered by URL; a source on which nobody voted yet is absent.

    Raises:
        TransientError: the catalog does not answer.
    """
    wanted = None if source_keys is None else list(source_keys)
    with database.connection() as connection:
        rows = connection.execute(text(_NEWEST), {"sources": wanted}).mappings()
        return [SourceProgress.model_validate(dict(row)) for row in rows]


# For each source by itself: the newest of all stages would be looked for among those of every workflow that there was.
_NEWEST = """
    SELECT sources.key AS source_key, sources.url AS source_url, newest.*
    FROM tripper.sources CROSS JOIN LATERAL (
        SELECT workflows.id AS workflow_id, workflows.status, stages.ended_at AS counted_at, stages.counts -> 'progress' AS voters,
            tagged.counts -> 'refinement' AS refinement
        FROM tripper.workflows JOIN tripper.workflow_stages stages ON stages.workflow_id = workflows.id AND stages.asset = 'tag_votes'
            LEFT JOIN tripper.workflow_stages tagged ON tagged.workflow_id = workflows.id AND tagged.asset = 'activity_tags'
        WHERE workflows.source_key = sources.key AND stages.ended_at IS NOT NULL AND stages.counts -> 'progress' IS NOT NULL
        ORDER BY workflows.created_at DESC LIMIT 1
    ) newest
    WHERE CAST(:sources AS text[]) IS NULL OR sources.key = ANY(:sources) ORDER BY sources.url
"""
