"""What the dashboard reads besides workflows and sources: what was paid by day and provider and by workflow, and which batches are under way."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.domain.model import Model


class DaySpending(Model):
    """What one provider's model came to on one day, UTC, for one purpose; open calls and batches count with the most that they can be."""

    day: date
    provider: str
    model: str
    purpose: str = ""
    """What it was paid for, such as tags."""
    requests: int
    tokens: int
    usd: float


class WorkflowSpending(Model):
    """What one workflow came to."""

    workflow_id: str
    tokens: int
    usd: float


class ProviderBatch(Model):
    """A batch that a provider has, or had last, of a workflow."""

    workflow_id: str
    provider: str
    model: str
    status: str
    requested: int
    submitted_at: datetime
    deadline_at: datetime
    checked_at: datetime | None = None


def spending_by_day(database: Database, *, now: datetime, days: int) -> list[DaySpending]:
    """Return what was paid on each of the last ``days``, the latest first; days without a call are left out."""
    with database.connection() as connection:
        rows = connection.execute(text(_BY_DAY), {"since": now - timedelta(days=days)}).mappings()
        return [DaySpending.model_validate(dict(row)) for row in rows]


def spending_of(database: Database, workflow_ids: Sequence[str]) -> dict[str, WorkflowSpending]:
    """Return what workflows came to, by id; one that paid nobody is absent."""
    with database.connection() as connection:
        rows = connection.execute(text(_OF_WORKFLOWS), {"ids": list(workflow_ids)}).mappings()
        return {row["workflow_id"]: WorkflowSpending.model_validate(dict(row)) for row in rows}


def batches_of(database: Database, workflow_ids: Sequence[str]) -> list[ProviderBatch]:
    """Return the batches of workflows, the latest first."""
    with database.connection() as connection:
        rows = connection.execute(text(_BATCHES), {"ids": list(workflow_ids)}).mappings()
        return [ProviderBatch.model_validate(dict(row)) for row in rows]


def count_catalog(database: Database) -> int:
    """Return how many activities the catalog has now."""
    with database.connection() as connection:
        return connection.scalar(text("SELECT count(*) FROM tripper.activities WHERE removed_at IS NULL")) or 0


_BY_DAY = """
    SELECT (at AT TIME ZONE 'UTC')::date AS day, provider, model, purpose, sum(requests)::bigint AS requests, sum(total_tokens)::bigint AS tokens,
        sum(usd) AS usd
    FROM tripper.llm_usage WHERE at >= :since GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, 7 DESC, 2, 3, 4
"""
_OF_WORKFLOWS = """
    SELECT workflow_id, sum(total_tokens)::bigint AS tokens, sum(usd) AS usd FROM tripper.llm_usage
    WHERE workflow_id = ANY(:ids) GROUP BY workflow_id
"""
_BATCHES = """
    SELECT workflow_id, provider, model, status, requested, submitted_at, deadline_at, checked_at FROM tripper.batches
    WHERE workflow_id = ANY(:ids) ORDER BY submitted_at DESC
"""
