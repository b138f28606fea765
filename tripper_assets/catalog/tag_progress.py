"""How far the voters of each source are, as its last round of votes counted it."""

from datetime import datetime

from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.domain.model import Model, SourceKey
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


def tag_progress(database: Database, source_key: SourceKey | None = None) -> list[SourceProgress]:
    """Return the newest count of one source or of all, ordered by URL; a source on which nobody voted yet is absent.

    Raises:
        TransientError: the catalog does not answer.
    """
    with database.connection() as connection:
        rows = connection.execute(text(_NEWEST), {"source": source_key}).mappings()
        found = [SourceProgress.model_validate(dict(row)) for row in rows]
    return sorted(found, key=lambda one: one.source_url)


_NEWEST = """
    SELECT DISTINCT ON (w.source_key) w.source_key, w.source_url, w.id AS workflow_id, w.status, s.ended_at AS counted_at,
        s.counts -> 'progress' AS voters
    FROM tripper.workflow_stages s JOIN tripper.workflows w ON w.id = s.workflow_id
    WHERE s.asset = 'tag_votes' AND s.counts -> 'progress' IS NOT NULL AND s.ended_at IS NOT NULL
        AND (CAST(:source AS text) IS NULL OR w.source_key = :source)
    ORDER BY w.source_key, s.ended_at DESC
"""
