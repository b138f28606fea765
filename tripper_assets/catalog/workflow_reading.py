"""What lists and pages read of workflows: each with its stages and problems, a page of them in one statement."""

from datetime import datetime
from typing import Any, get_args

from pydantic import Field
from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.keysets import check_limit, cursor_of, moment_of, position_of
from tripper_assets.domain.model import Model, SourceKey
from tripper_assets.domain.workflows import StageStatus, WorkflowStatus


class StageView(Model):
    """One stage, in the order in which they began."""

    asset: str
    status: StageStatus
    progress: float
    """The share that is done, 0 to 1."""
    started_at: datetime
    ended_at: datetime | None = None
    run_id: str = ""
    counts: dict[str, Any] = {}
    """Numbers by name: rows, fetched, reused, problems, and the asset's own."""

    @property
    def problems(self) -> int:
        """How many problems it counted."""
        found = self.counts.get("problems", 0)
        return found if isinstance(found, int) else 0


class WorkflowView(Model):
    """A workflow as a list shows it."""

    id: str
    source_key: SourceKey
    source_url: str
    status: WorkflowStatus
    trigger: str
    location_id: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    reason: str = ""
    """Why it is in review, failed or canceled; empty else."""
    activities_processed: int = 0
    import_summary: dict[str, Any] | None = None
    replay_of: str | None = None
    bundle_sha256: str = ""
    """Of its final JSONL; empty where it has none, or not any more."""
    errors: int = 0
    """How many errors were written down, also of steps that were tried again."""
    last_error: str = ""
    stages: tuple[StageView, ...] = ()

    @property
    def problems(self) -> int:
        """How many problems its stages counted."""
        return sum(one.problems for one in self.stages)


class WorkflowFilter(Model):
    """Which workflows a list shows; what is None or empty filters nothing."""

    status: tuple[WorkflowStatus, ...] = ()
    source_key: SourceKey | None = None
    location_id: str | None = None


class WorkflowPage(Model):
    """One page of a list, the newest first."""

    workflows: tuple[WorkflowView, ...]
    next: str | None = Field(default=None, description="The cursor of the next page; null on the last one.")


def read_workflows(
    database: Database, where: WorkflowFilter | None = None, *, after: str = "", limit: int = 50
) -> WorkflowPage:
    """Return a page of workflows, the newest first; ``after`` is the ``next`` of the page before.

    Raises:
        QuestionRefusedError: ``after`` is from no page, or the limit is none.
        TransientError: the catalog does not answer.
    """
    check_limit(limit)
    asked = where or WorkflowFilter()
    values: dict[str, Any] = {"limit": limit + 1}
    conditions: list[str] = []
    if asked.status:
        conditions.append("w.status = ANY(:status)")
        values["status"] = list(asked.status)
    for name in ("source_key", "location_id"):
        if getattr(asked, name) is not None:
            conditions.append(f"w.{name} = :{name}")
            values[name] = getattr(asked, name)
    if after:
        at, last = position_of(after, 2)
        conditions.append("(w.created_at, w.id) < (:at, :last)")
        values |= {"at": moment_of(at, after), "last": last}
    found = _read(database, conditions, values)
    end = found[limit - 1] if len(found) > limit else None
    following = cursor_of(end.created_at.isoformat(), end.id) if end else None
    return WorkflowPage(workflows=tuple(found[:limit]), next=following)


def workflow_views(database: Database, ids: list[str]) -> list[WorkflowView]:
    """Return the workflows of these ids as they are now, the newest first."""
    return _read(database, ["w.id = ANY(:ids)"], {"ids": ids, "limit": len(ids)}) if ids else []


def workflow_counts(database: Database) -> dict[WorkflowStatus, int]:
    """Return how many workflows there are in each state, none left out."""
    with database.connection() as connection:
        rows = connection.execute(text("SELECT status, count(*) FROM tripper.workflows GROUP BY status")).all()
    counted = dict(iter(rows))
    return {status: counted.get(status, 0) for status in get_args(WorkflowStatus)}


def _read(database: Database, conditions: list[str], values: dict[str, Any]) -> list[WorkflowView]:
    # Conditions are this module's own; what others say comes in as values.
    statement = _WORKFLOWS.replace("{conditions}", " AND ".join(conditions) or "true")
    with database.connection() as connection:
        rows = connection.execute(text(statement), values).mappings()
        return [WorkflowView.model_validate(dict(row)) for row in rows]


_WORKFLOWS = """
    SELECT w.id, w.source_key, w.source_url, w.status, w.trigger, w.location_id, w.created_at, w.started_at, w.completed_at, w.reason,
        w.activities_processed, w.import_summary, w.replay_of, coalesce(b.sha256, '') AS bundle_sha256,
        coalesce(e.errors, 0) AS errors, coalesce(e.last_error, '') AS last_error, coalesce(s.stages, '[]'::jsonb) AS stages
    FROM (SELECT * FROM tripper.workflows AS w WHERE {conditions} ORDER BY w.created_at DESC, w.id DESC LIMIT :limit) AS w
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object(
            'asset', asset, 'status', status, 'progress', progress, 'started_at', started_at, 'ended_at', ended_at, 'run_id', run_id,
            'counts', counts) ORDER BY started_at, asset) AS stages
        FROM tripper.workflow_stages WHERE workflow_id = w.id
    ) AS s ON true
    LEFT JOIN LATERAL (
        SELECT CASE WHEN deleted_at IS NULL THEN sha256 END AS sha256 FROM tripper.workflow_files
        WHERE workflow_id = w.id AND asset = 'final_jsonl' ORDER BY created_at DESC, id DESC LIMIT 1
    ) AS b ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS errors, (array_agg(message ORDER BY id DESC))[1] AS last_error
        FROM tripper.workflow_errors WHERE workflow_id = w.id
    ) AS e ON true
    ORDER BY w.created_at DESC, w.id DESC
"""
