"""The ledger of batches in memory, with the rules of the catalog's: a scenario on it takes a tenth of the time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tripper_assets.domain.batch_requests import Polled
from tripper_assets.domain.batches import ENDED, Submission
from tripper_assets.domain.llm import Usage

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class LedgerInMemory:
    rows: dict[str, Submission] = field(default_factory=dict)
    reserved: dict[str, float] = field(default_factory=dict)
    """US dollars of what was asked for and not settled, by submission."""
    paid: dict[str, float] = field(default_factory=dict)
    overpaid: list[str] = field(default_factory=list)
    """Submissions that cost more than was reserved for them."""
    most_in_flight: int = 0
    deadline_at: datetime = LONG_AGO
    """After which nobody waits any more."""

    def open(self, submissions: Sequence[Submission], *, deadline_at: datetime) -> None:
        self._wait(deadline_at)
        self._add(submissions)

    def _wait(self, deadline_at: datetime) -> None:
        self.deadline_at = max(self.deadline_at, deadline_at)

    def _add(self, submissions: Sequence[Submission]) -> None:
        for one in submissions:
            self.rows.setdefault(one.id, one)

    def of_batch(self, batch_id: str) -> list[Submission]:
        return [one for one in self.rows.values() if one.batch_id == batch_id]

    def tokens_in_flight(self, provider: str, since: datetime) -> int:
        return sum(
            one.tokens
            for one in self.rows.values()
            if one.provider == provider
            and one.collected_at is None
            and one.state in ("submitting", "pending")
            and one.attempted_at is not None
            and one.attempted_at > since
        )

    def uploading(self, submission: Submission, at: datetime) -> None:
        self._set(submission, upload_started_at=at)

    def uploaded(self, submission: Submission, upload_id: str) -> None:
        self._set(submission, upload_id=upload_id)

    def attempt(self, submission: Submission, at: datetime) -> bool:
        row = self.rows[submission.id]
        if row.state != "intended" or row.upload_id != submission.upload_id or row.collected_at is not None:
            return False
        self._set(submission, state="submitting", attempted_at=at, checked_at=None)
        self.reserved[row.id] = row.usd
        in_flight = [one for one in self.rows.values() if one.id in self.reserved]
        self.most_in_flight = max(self.most_in_flight, sum(one.tokens for one in in_flight))
        return True

    def submitted(self, submission: Submission, provider_id: str, at: datetime, *, deadline_at: datetime) -> None:
        self._wait(deadline_at)
        self._set(submission, state="pending", provider_id=provider_id, submitted_at=at)

    def refused(self, submission: Submission, *, is_upload_good: bool) -> None:
        row = self.rows[submission.id]
        if row.state == "submitting" and row.attempted_at == submission.attempted_at and row.collected_at is None:
            self._set(submission, state="intended", **({} if is_upload_good else {"upload_id": ""}))
            self.reserved.pop(row.id, None)

    def told(self, submission: Submission, polled: Polled, at: datetime) -> None:
        ended = {"state": polled.status, "ended_at": at, "reason": polled.reason, "is_retryable": polled.is_retryable}
        self._set(submission, checked_at=at, **(ended if polled.status in ENDED else {}))

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
        del usage
        if self.rows[submission.id].collected_at is None and usd > self.reserved.pop(submission.id, 0.0):
            self.overpaid.append(submission.id)
        self._set(submission, collected_at=at, problems=problems)
        self.paid[submission.id] = usd
        self._add(again)
        if again:
            self._wait(deadline_at)

    def canceled(self, submission: Submission, at: datetime) -> None:
        self._set(submission, state="canceled", ended_at=at, collected_at=at)
        self.reserved.pop(submission.id, None)

    def _set(self, submission: Submission, **values: Any) -> None:
        row = self.rows[submission.id]
        if row.collected_at is None:
            self.rows[submission.id] = row.model_copy(update=values)
