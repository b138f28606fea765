"""What was paid to whom, for whom and when: one row for each call that is answered at once, and for each submitted batch."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Select, case, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import Date, Double

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.llm_models import LlmUsageRow, SubmissionRow
from tripper_assets.catalog.models import SourceRow, WorkflowRow
from tripper_assets.domain.batches import Origin, Submission
from tripper_assets.domain.llm import Spending, Usage
from tripper_assets.domain.model import Model, SourceKey

By = Literal["provider", "source", "purpose", "day"]
FREE = {"status": "free", "total_tokens": 0, "usd": 0.0}


class UsageSum(Model):
    """What one provider's model, one source, one purpose or one day came to."""

    group: str
    requests: int
    input_tokens: int
    output_tokens: int
    tokens: int
    """Input and output, with what is open at the most that it can be."""
    usd: float
    """As tokens."""
    open_usd: float
    """The part of usd that is reserved: of batches under way, and of calls whose answer was lost."""


class PaidCallTable:
    """The calls to one provider; every method raises TransientError while the catalog is down."""

    def __init__(self, database: Database, provider: str, clock: Callable[[], datetime]) -> None:
        self._database, self._provider, self._clock = database, provider, clock

    def reserve(self, model: str, usage: Usage, usd: float, origin: Origin | None, *, requests: int) -> int:
        """Note that a call is about to be made and what it may cost, and return the number of the note."""
        row = _reservation(origin or Origin("", "", "", "search"), self._provider, model, usage.total, usd)
        row |= {"requests": requests, "at": self._clock()}
        with self._database.session() as session:
            return session.scalars(insert(LlmUsageRow).values(row).returning(LlmUsageRow.id)).one()

    def settle(self, note: int, usage: Usage, usd: float) -> None:
        """Note what a call cost; one that states no usage keeps what was reserved."""
        with self._database.session() as session:
            session.execute(update(LlmUsageRow).where(LlmUsageRow.id == note).values(paid(usage, usd)))

    def release(self, note: int) -> None:
        """Note that a call cost nothing."""
        with self._database.session() as session:
            session.execute(update(LlmUsageRow).where(LlmUsageRow.id == note).values(FREE))


def reserve_submission(session: Session, submission: Submission, at: datetime) -> None:
    """Note that a batch is about to be submitted, and the most that it may cost."""
    row = _reservation(submission.origin, submission.provider, submission.model, submission.tokens, submission.usd)
    row |= {"requests": submission.requests, "submission_id": submission.id, "at": at}
    statement = insert(LlmUsageRow).values(row)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["submission_id"],
            index_where=text(
                "submission_id <> ''"
            ),  # as a literal: a parameter matches no index once the statement is prepared
            set_={name: row[name] for name in ("status", "total_tokens", "usd", "at")},
        )
    )


def settle_submission(session: Session, submission_id: str, values: dict[str, Any]) -> None:
    """Note what a batch cost."""
    session.execute(update(LlmUsageRow).where(LlmUsageRow.submission_id == submission_id).values(values))


def free_unasked(session: Session, submission_id: str) -> None:
    """Note that a batch that was never asked for costs nothing."""
    never = select(SubmissionRow.id).where(SubmissionRow.id == submission_id, SubmissionRow.provider_id == "")
    session.execute(update(LlmUsageRow).where(LlmUsageRow.submission_id.in_(never)).values(FREE))


def paid(usage: Usage, usd: float) -> dict[str, Any]:
    """Return the columns of what was paid; where no usage is stated, what was reserved stays."""
    stated = {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cached_input_tokens": usage.cached_input,
        "reasoning_tokens": usage.reasoning,
        "total_tokens": usage.total,
        "usd": usd,
    }
    return {"status": "paid", **(stated if usage.total else {})}


def _reservation(origin: Origin, provider: str, model: str, tokens: int, usd: float) -> dict[str, Any]:
    return {
        "workflow_id": select(WorkflowRow.id).where(WorkflowRow.id == origin.workflow_id).scalar_subquery(),
        "source_key": select(SourceRow.key).where(SourceRow.key == origin.source_key).scalar_subquery(),
        "purpose": origin.purpose,
        "provider": provider,
        "model": model,
        "prompt_sha256": "",
        "content_sha256": "",
        "status": "reserved",
        "total_tokens": tokens,
        "usd": usd,
    }


def spent_on(session: Session, workflow_id: str, purpose: str) -> Spending:
    """Return what a workflow came to for one purpose, open calls and batches with the most that they can be."""
    sums = select(func.coalesce(func.sum(LlmUsageRow.total_tokens), 0), func.coalesce(func.sum(LlmUsageRow.usd), 0.0))
    mine = sums.where(LlmUsageRow.workflow_id == workflow_id, LlmUsageRow.purpose == purpose)
    tokens, usd = session.execute(mine).one()
    return Spending(int(tokens), float(usd))


def active_since(source_key: SourceKey, since: datetime) -> Select[str]:
    """Select the ids of a source's batches of which a part was written down or sent since then."""
    last = func.greatest(SubmissionRow.intended_at, SubmissionRow.attempted_at, SubmissionRow.submitted_at)
    return select(SubmissionRow.batch_id).where(SubmissionRow.source_key == source_key, last > since)


def spent_in_month(
    database: Database, source_key: SourceKey, purposes: Sequence[str], at: datetime, *, unsent_since: datetime
) -> Spending:
    """Return what a source came to for some purposes in the month (UTC) of ``at``, open batches at the most.

    What waits for being sent counts at the most too, of batches of which a part was written down or sent since ``unsent_since``: nobody
    sends the rest of the others.

    Raises:
        TransientError: the catalog does not answer.
    """
    since = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    paid_for = _sum_of(LlmUsageRow.total_tokens, LlmUsageRow.usd).where(
        LlmUsageRow.source_key == source_key, LlmUsageRow.purpose.in_(purposes), LlmUsageRow.at >= since
    )
    unsent = _sum_of(SubmissionRow.tokens, SubmissionRow.usd).where(
        SubmissionRow.source_key == source_key,
        SubmissionRow.purpose.in_(purposes),
        SubmissionRow.state == "intended",
        SubmissionRow.collected_at.is_(None),
        SubmissionRow.batch_id.in_(active_since(source_key, unsent_since)),
    )
    with database.session() as session:
        sums = [session.execute(one).one() for one in (paid_for, unsent)]
    return Spending(sum(int(tokens) for tokens, _ in sums), sum(float(usd) for _, usd in sums))


def _sum_of(tokens: InstrumentedAttribute[int], usd: InstrumentedAttribute[float]) -> Select[int, float]:
    return select(func.coalesce(func.sum(tokens), 0), func.coalesce(func.sum(usd), 0.0))


def usage_by(database: Database, by: By) -> list[UsageSum]:
    """Return the sums of all that was spent, the latest day or the largest sum first; days are UTC.

    Raises:
        TransientError: the catalog does not answer.
    """
    groups = {
        "provider": LlmUsageRow.provider + ":" + LlmUsageRow.model,
        "source": func.coalesce(LlmUsageRow.source_key, "(none)"),
        "purpose": LlmUsageRow.purpose,
        "day": cast(cast(func.timezone("UTC", LlmUsageRow.at), Date), LlmUsageRow.provider.type),
    }
    with database.session() as session:
        rows = session.execute(_sums(groups[by])).all()
    found = [UsageSum.model_validate(dict(zip(UsageSum.model_fields, row, strict=True))) for row in rows]
    return sorted(found, key=lambda one: one.group if by == "day" else (one.usd, one.tokens, one.group), reverse=True)


def _sums(group: Any) -> Select[Any, int, int, int, int, float, float]:  # noqa: ANN401 (one of the expressions)
    is_open = LlmUsageRow.status == "reserved"
    return select(
        group.label("group"),
        func.sum(LlmUsageRow.requests).label("requests"),
        func.sum(LlmUsageRow.input_tokens).label("input_tokens"),
        func.sum(LlmUsageRow.output_tokens).label("output_tokens"),
        func.sum(LlmUsageRow.total_tokens).label("tokens"),
        func.sum(LlmUsageRow.usd).label("usd"),
        func.sum(cast(case((is_open, LlmUsageRow.usd), else_=0.0), Double)).label("open_usd"),
    ).group_by(group)
