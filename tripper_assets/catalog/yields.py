"""What the crawls of a source saw, from the counts of their stages."""

from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.domain.yields import YIELD_CHECK, PastRun, Yields, comparable, crawl_yield

MOST_RUNS = 50
"""Looked at for those with the same crawl settings."""


def load_yields(database: Database, workflow_id: str) -> Yields | None:
    """Return what the workflow's crawl saw and what those before it did; None where it crawled nothing, or read a replay.

    Earlier runs are those whose bundle was not held for its yield, or was imported all the same: days of a broken site must not become
    what is usual.

    Raises:
        TransientError: the catalog does not answer.
    """
    with database.connection() as connection:
        rows = connection.execute(
            text(_CRAWLS), {"workflow": workflow_id, "check": YIELD_CHECK, "limit": MOST_RUNS}
        ).mappings()
        crawls = [dict(row) for row in rows]
    own = next((row for row in crawls if row["id"] == workflow_id), None)
    if own is None or own["replay_of"] is not None:
        return None
    before = [
        PastRun(crawl_yield(row["counts"]).stated, row["config"], is_taken_all_the_same=row["held"])
        for row in crawls
        if row["id"] != workflow_id
    ]
    return Yields(crawl_yield(own["counts"]), comparable(before, own["config"]))


_CRAWLS = """
    WITH own AS (SELECT id, source_key, created_at FROM tripper.workflows WHERE id = :workflow),
    crawls AS (
        SELECT workflows.id, workflows.created_at, workflows.replay_of, workflows.config, crawl.counts,
            workflows.id = own.id AS is_own, jsonb_typeof(workflows.import_summary) = 'object' AS imported, final.status AS final_status,
            coalesce(final.counts -> 'held_by' @> to_jsonb(CAST(:check AS text)), false) AS held
        FROM own
        JOIN tripper.workflows ON workflows.source_key = own.source_key
            AND (workflows.id = own.id OR workflows.created_at <= own.created_at AND workflows.replay_of IS NULL)
        JOIN tripper.workflow_stages AS crawl
            ON crawl.workflow_id = workflows.id AND crawl.asset = 'raw_activities' AND crawl.status = 'completed'
        LEFT JOIN tripper.workflow_stages AS final
            ON final.workflow_id = workflows.id AND final.asset = 'final_jsonl'
    )
    SELECT id, replay_of, config, counts, held FROM crawls
    WHERE is_own OR coalesce(imported, false) OR (final_status = 'completed' AND NOT held)
    ORDER BY is_own DESC, created_at DESC, id LIMIT :limit
"""
