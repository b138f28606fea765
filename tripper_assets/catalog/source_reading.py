"""What lists and pages read of sources: each with its last workflow, its last good result and who works on it, in one statement."""

from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.keysets import check_limit, cursor_of, position_of
from tripper_assets.domain.model import Model, SourceKey
from tripper_assets.domain.workflows import WorkflowStatus


class LastWorkflow(Model):
    """The newest workflow of a source, however it went."""

    id: str
    status: WorkflowStatus
    created_at: datetime
    completed_at: datetime | None = None
    reason: str = ""


class LastResult(Model):
    """The newest final JSONL of a source: its site was read, and its activities were made, then."""

    workflow_id: str
    at: datetime
    activities: int
    """How many the file has."""


class CurrentClaim(Model):
    """The run that works on a source now."""

    workflow_id: str
    run_id: str
    host: str
    claimed_at: datetime


class SourceView(Model):
    """A registered source as a list shows it."""

    key: SourceKey
    url: str
    location_id: str | None = None
    config: dict[str, Any]
    created_at: datetime
    imported_at: datetime | None = None
    """When its activities in the catalog were imported; None before the first import."""
    activities: int
    """How many the catalog has of it now."""
    last_workflow: LastWorkflow | None = None
    last_result: LastResult | None = None
    """None where no workflow came that far: then nothing is known of it."""
    claim: CurrentClaim | None = None

    def age_seconds(self, now: datetime) -> float | None:
        """Return how old its last good result is, None where there is none."""
        return (now - self.last_result.at).total_seconds() if self.last_result else None


class SourceFilter(Model):
    """Which sources a list shows; None filters nothing."""

    location_id: str | None = None


class SourcePage(Model):
    """One page of a list, by key."""

    sources: tuple[SourceView, ...]
    next: str | None = Field(default=None, description="The cursor of the next page; null on the last one.")


def read_sources(
    database: Database, where: SourceFilter | None = None, *, after: str = "", limit: int = 50
) -> SourcePage:
    """Return a page of the registered sources by key; ``after`` is the ``next`` of the page before.

    Raises:
        QuestionRefusedError: ``after`` is from no page, or the limit is none.
        TransientError: the catalog does not answer.
    """
    check_limit(limit)
    asked = where or SourceFilter()
    values: dict[str, Any] = {"limit": limit + 1}
    conditions = ["s.removed_at IS NULL"]
    if asked.location_id is not None:
        conditions.append("s.location_id = :location_id")
        values["location_id"] = asked.location_id
    if after:
        (values["last"],) = position_of(after, 1)
        conditions.append("s.key > :last")
    found = _read(database, conditions, values)
    following = cursor_of(found[limit - 1].key) if len(found) > limit else None
    return SourcePage(sources=tuple(found[:limit]), next=following)


def source_view(database: Database, key: SourceKey) -> SourceView | None:
    """Return one source, None where it is unknown or removed."""
    found = _read(database, ["s.removed_at IS NULL", "s.key = :key"], {"key": key, "limit": 1})
    return found[0] if found else None


def _read(database: Database, conditions: list[str], values: dict[str, Any]) -> list[SourceView]:
    # Conditions are this module's own; what others say comes in as values.
    statement = _SOURCES.replace("{conditions}", " AND ".join(conditions))
    with database.connection() as connection:
        rows = connection.execute(text(statement), values).mappings()
        return [SourceView.model_validate(dict(row)) for row in rows]


_SOURCES = """
    SELECT s.key, s.url, s.location_id, s.config, s.created_at, s.imported_at, a.activities, w.told AS last_workflow, r.told AS last_result,
        (SELECT jsonb_build_object('workflow_id', workflow_id, 'run_id', run_id, 'host', host, 'claimed_at', claimed_at)
            FROM tripper.source_claims WHERE source_key = s.key) AS claim
    FROM (SELECT * FROM tripper.sources AS s WHERE {conditions} ORDER BY s.key LIMIT :limit) AS s
    CROSS JOIN LATERAL (
        SELECT count(*) AS activities FROM tripper.activities WHERE source_key = s.key AND removed_at IS NULL
    ) AS a
    LEFT JOIN LATERAL (
        SELECT jsonb_build_object('id', id, 'status', status, 'created_at', created_at, 'completed_at', completed_at, 'reason', reason) AS told
        FROM tripper.workflows WHERE source_key = s.key ORDER BY created_at DESC, id DESC LIMIT 1
    ) AS w ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_build_object('workflow_id', f.workflow_id, 'at', f.created_at, 'activities', f.rows) AS told
        FROM tripper.workflows AS one JOIN tripper.workflow_files AS f ON f.workflow_id = one.id AND f.asset = 'final_jsonl'
        WHERE one.source_key = s.key ORDER BY one.created_at DESC, f.created_at DESC LIMIT 1
    ) AS r ON true
    ORDER BY s.key
"""
