"""What providers were asked for and what became of it: written before anything is asked, so that nothing is asked twice."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.llm_models import SubmissionRow
from tripper_assets.catalog.models import BatchRow
from tripper_assets.catalog.usage import FREE, active_since, free_unasked, paid, reserve_submission, settle_submission
from tripper_assets.domain.batch_requests import Polled
from tripper_assets.domain.batches import ENDED, Origin, Submission
from tripper_assets.domain.llm import Usage
from tripper_assets.domain.model import SourceKey

OWN = tuple(name for name in Submission.model_fields if name != "origin")


class Submissions:
    """The submissions of one catalog; every method raises TransientError while it is down, and then nothing is asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, submissions: Sequence[Submission], *, deadline_at: datetime) -> None:
        """Write down what is about to be asked for, and that its workflow waits for it; all of it or nothing, and each once."""
        with self._database.session() as session:
            _insert(session, submissions)
            if submissions:
                session.execute(insert(BatchRow).values(_awaited(submissions, deadline_at)).on_conflict_do_nothing())

    def of_batch(self, batch_id: str) -> list[Submission]:
        """Return the submissions of a batch, in the order in which they were written down."""
        statement = select(SubmissionRow).where(SubmissionRow.batch_id == batch_id).order_by(SubmissionRow.number)
        with self._database.session() as session:
            return [_submission(row) for row in session.scalars(statement)]

    def of_source(self, source_key: SourceKey, purpose: str, since: datetime) -> list[Submission]:
        """Return what was asked for on behalf of a source and was not collected yet, of batches of which a part was sent since then.

        The parts of a long batch are written down in its first minute, and sent over weeks as the provider's queue has room.
        """
        statement = select(SubmissionRow).where(
            SubmissionRow.source_key == source_key,
            SubmissionRow.purpose == purpose,
            SubmissionRow.collected_at.is_(None),
            SubmissionRow.batch_id.in_(active_since(source_key, since)),
        )
        with self._database.session() as session:
            return [_submission(row) for row in session.scalars(statement.order_by(SubmissionRow.number))]

    def tokens_in_flight(self, provider: str, since: datetime) -> int:
        """Return the tokens of all submissions since then that a provider may be working on."""
        statement = select(func.coalesce(func.sum(SubmissionRow.tokens), 0)).where(
            SubmissionRow.provider == provider,
            SubmissionRow.collected_at.is_(None),
            SubmissionRow.state.in_(("submitting", "pending")),
            SubmissionRow.attempted_at > since,
        )
        with self._database.session() as session:
            return int(session.scalar(statement) or 0)

    def uploading(self, submission: Submission, at: datetime) -> None:
        """Note that an upload begins."""
        self._set(submission, {"upload_started_at": at})

    def uploaded(self, submission: Submission, upload_id: str) -> None:
        """Note how the provider calls the uploaded requests."""
        self._set(submission, {"upload_id": upload_id})

    def attempt(self, submission: Submission, at: datetime) -> bool:
        """Take the right to ask for an intended submission, and reserve what it costs; False where somebody else has it."""
        free = (
            update(SubmissionRow)
            .where(SubmissionRow.id == submission.id, SubmissionRow.state == "intended")
            .where(SubmissionRow.upload_id == submission.upload_id, SubmissionRow.collected_at.is_(None))
            .values({"state": "submitting", "attempted_at": at, "checked_at": None})
            .returning(SubmissionRow.id)
        )
        with self._database.session() as session:
            taken = session.scalar(free) is not None
            if taken:
                reserve_submission(session, submission, at)
        return taken

    def submitted(self, submission: Submission, provider_id: str, at: datetime, *, deadline_at: datetime) -> None:
        """Note the provider's id; who waits for the batch waits until ``deadline_at`` at most."""
        with self._database.session() as session:
            _set(session, submission, {"state": "pending", "provider_id": provider_id, "submitted_at": at})
            _wait_on(session, submission, deadline_at)

    def refused(self, submission: Submission, *, is_upload_good: bool) -> None:
        """Note that a submission was not accepted, and costs nothing; it is intended again, with what was uploaded where that is good.

        Nothing is noted of one that was asked for anew since ``submission`` was read: another process found the same, and was faster.
        """
        values: dict[str, Any] = {"state": "intended"} | ({} if is_upload_good else {"upload_id": ""})
        this_attempt = (
            update(SubmissionRow)
            .where(SubmissionRow.id == submission.id, SubmissionRow.state == "submitting")
            .where(SubmissionRow.attempted_at == submission.attempted_at, SubmissionRow.collected_at.is_(None))
            .values(values)
            .returning(SubmissionRow.id)
        )
        with self._database.session() as session:
            if session.scalar(this_attempt) is not None:
                settle_submission(session, submission.id, FREE)

    def told(self, submission: Submission, polled: Polled, at: datetime) -> None:
        """Note what the provider says."""
        ended = {
            "state": polled.status,
            "ended_at": at,
            "reason": polled.reason,
            "is_retryable": polled.is_retryable,
        }
        self._set(submission, {"checked_at": at} | (ended if polled.status in ENDED else {}))

    def collected(
        self,
        submission: Submission,
        *,
        problems: dict[str, str],
        usage: Usage,
        usd: float,
        again: Sequence[Submission],
        at: datetime,
        deadline_at: datetime,
    ) -> None:
        """Note that the results were read and what they cost, and open what is asked for again; all of it or nothing."""
        with self._database.session() as session:
            _set(session, submission, {"collected_at": at, "problems": problems})
            # One that failed as a whole was not worked on, and costs nothing.
            settle_submission(session, submission.id, FREE if submission.state == "failed" else paid(usage, usd))
            _insert(session, again)
            if again:
                _wait_on(session, submission, deadline_at)

    def canceled(self, submission: Submission, at: datetime) -> None:
        """Note that nobody reads the results any more; of one that was never asked for, that it costs nothing."""
        with self._database.session() as session:
            _set(session, submission, {"state": "canceled", "ended_at": at, "collected_at": at})
            free_unasked(session, submission.id)

    def _set(self, submission: Submission, values: dict[str, Any]) -> None:
        with self._database.session() as session:
            _set(session, submission, values)


def _set(session: Session, submission: Submission, values: dict[str, Any]) -> None:
    mine = update(SubmissionRow).where(SubmissionRow.id == submission.id, SubmissionRow.collected_at.is_(None))
    session.execute(mine.values(values))


def _insert(session: Session, submissions: Sequence[Submission]) -> None:
    rows = [{**one.model_dump(include=set(OWN)), **one.origin._asdict()} for one in submissions]
    if rows:
        session.execute(insert(SubmissionRow).on_conflict_do_nothing(), rows)


def _awaited(submissions: Sequence[Submission], deadline_at: datetime) -> dict[str, Any]:
    first = submissions[0]
    return {
        "workflow_id": first.origin.workflow_id,
        "asset": first.origin.asset,
        "provider": first.provider,
        "batch_id": first.batch_id,
        "model": first.model,
        "requested": sum(one.requests for one in submissions),
        "status": "pending",
        "submitted_at": first.intended_at,
        "deadline_at": deadline_at,
    }


def _wait_on(session: Session, submission: Submission, deadline_at: datetime) -> None:
    """Let those who wait for a batch go on with it, also where it had ended: something of it was asked for again."""
    mine = (
        update(BatchRow)
        .where(BatchRow.provider == submission.provider, BatchRow.batch_id == submission.batch_id)
        .where(BatchRow.status != "canceled")
    )
    session.execute(
        mine.values(status="pending", ended_at=None, deadline_at=func.greatest(BatchRow.deadline_at, deadline_at))
    )


def _submission(row: SubmissionRow) -> Submission:
    origin = Origin(row.workflow_id, row.source_key, row.asset, row.purpose)
    return Submission(origin=origin, **{name: getattr(row, name) for name in OWN})
