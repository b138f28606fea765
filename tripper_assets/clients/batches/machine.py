"""The batch machine: intents before requests, each asked for once; all that comes back is read, and what may succeed is asked for again."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count, groupby, islice
from typing import TypeAlias

from tripper_assets.clients.batches.role import BatchLedger, BatchProvider
from tripper_assets.clients.batches.stored import RequestWriter, StoredRequests
from tripper_assets.clients.llm import LostAnswerError
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.batch_requests import (
    Found,
    Polled,
    Request,
    Result,
    batch_id,
    numbered,
    submission_id,
)
from tripper_assets.domain.batches import (
    ROUNDS,
    BatchStatus,
    Origin,
    Patience,
    Submission,
    next_step,
    overall,
    sendable,
)
from tripper_assets.domain.errors import NotFoundError, PermanentError, TransientError, TripperError
from tripper_assets.domain.llm import Usage

Take: TypeAlias = Callable[[Sequence[Result]], Mapping[str, str]]
"""Keeps the bodies of some results, and returns the problem code of each that is of no use, by custom id."""
ROWS_AT_ONCE = 500
MISSING = {"failed": "batch_failed", "expired": "batch_request_expired", "canceled": "batch_canceled"}
"""The problem code of a request that did not come back, by how its submission ended; of a completed one it is batch_result_missing."""


class BatchMachine:
    """Drives the batches of one model at one provider; remembers nothing itself, so that any process goes on with what another began."""

    def __init__(
        self,
        provider: BatchProvider,
        ledger: BatchLedger,
        objects: Objects,
        *,
        model: str,
        cost: Callable[[Usage, datetime], float],
        clock: Callable[[], datetime],
    ) -> None:
        self._provider, self._ledger, self._objects = provider, ledger, objects
        self._model, self._cost, self._clock = model, cost, clock
        self._patience = Patience(settles=provider.settles)

    def submit(self, key: str, requests: Iterable[Request], origin: Origin) -> str:
        """Submit requests and return the id of our batch; while a batch of the same ``key`` is not done, that one goes on.

        Raises:
            TransientError: the provider, the store or the catalog does not answer; asked again, it goes on where it stopped.
            PermanentError: the provider refuses the requests, or us.
        """
        identifier = self._unfinished(key)
        if not self._ledger.of_batch(identifier):
            planned = self._planned(identifier, identifier, requests, origin, 1)
            self._ledger.open(planned, deadline_at=self._deadline())
        self._send(identifier)
        return identifier

    def _unfinished(self, key: str) -> str:
        """Return the first batch of a key that is new, or of which something was not collected."""
        names = (batch_id(key, generation) for generation in count())
        return next(name for name in names if _is_unfinished(self._ledger.of_batch(name)))

    def _planned(
        self, identifier: str, parent: str, requests: Iterable[Request], origin: Origin, round_number: int
    ) -> list[Submission]:
        groups = groupby(numbered(requests, self._provider.limits, self._provider.size), key=lambda pair: pair[0])
        planned: list[Submission] = []
        for number, group in groups:
            writer, name = RequestWriter(), submission_id(parent, number)
            for _, request in group:
                writer.add(request)
            planned.append(self._intent(name, identifier, writer, origin, round_number))
        return planned

    def _intent(
        self, name: str, identifier: str, writer: RequestWriter, origin: Origin, round_number: int
    ) -> Submission:
        now = self._clock()
        return Submission(
            id=name,
            batch_id=identifier,
            round=round_number,
            provider=self._provider.name,
            model=self._model,
            origin=origin,
            requests_uri=writer.store(self._objects, name),
            requests=writer.count,
            tokens=writer.tokens,
            usd=self._cost(Usage(input=writer.tokens, output=writer.output_tokens), now),
            intended_at=now,
        )

    def _send(self, identifier: str) -> None:
        for one in sendable(self._ledger.of_batch(identifier), room=self._room()):
            self._submit(one)

    def _room(self) -> int:
        since = self._clock() - self._patience.batch  # what is older is in nobody's queue, collected or not
        return self._provider.limits.tokens - self._ledger.tokens_in_flight(self._provider.name, since)

    def _submit(self, submission: Submission) -> None:
        now, requests = self._clock(), StoredRequests(self._objects, submission.requests_uri)
        if not submission.upload_id:
            self._ledger.uploading(submission, now)
            upload_id = self._provider.upload(submission, requests)
            self._ledger.uploaded(submission, upload_id)
            submission = submission.model_copy(update={"upload_id": upload_id, "upload_started_at": now})
        # An upload takes minutes, and from here on the time counts after which a lost answer is held for none.
        attempted_at = self._clock()
        if self._ledger.attempt(submission, attempted_at):
            taken = submission.model_copy(update={"state": "submitting", "attempted_at": attempted_at})
            self._ask(taken, requests)

    def _ask(self, submission: Submission, requests: StoredRequests) -> None:
        try:
            provider_id = self._provider.submit(submission, requests)
        except LostAnswerError:
            return  # it stays as it is: the next look finds it in the provider's list, or sees that it never came
        except TripperError as error:
            self._ledger.refused(submission, is_upload_good=not isinstance(error, PermanentError))
            raise
        self._ledger.submitted(submission, provider_id, self._clock(), deadline_at=self._deadline())

    def poll(self, identifier: str) -> BatchStatus:
        """Return the state of a batch; of what was asked about a while ago the provider is asked, and the answer written down.

        Raises:
            TransientError: the provider or the catalog does not answer.
        """
        looked_at = [self._looked_at(one) for one in self._ledger.of_batch(identifier)]
        return overall(looked_at, room=self._room())

    def _looked_at(self, submission: Submission) -> Submission:
        now = self._clock()
        step = next_step(submission, None, now=now, patience=self._patience)
        if step == "find":
            return self._looked_for(submission, now)
        return self._asked_about(submission, now) if step == "poll" else submission

    def _asked_about(self, submission: Submission, now: datetime) -> Submission:
        polled = self._provider.poll(submission.provider_id)
        self._ledger.told(submission, polled, now)
        return submission.model_copy(update={"state": polled.status})

    def _looked_for(self, submission: Submission, now: datetime) -> Submission:
        """Return a submission whose answer was lost as the provider's list tells of it."""
        found = self._provider.find(submission)
        if found:
            self._ledger.submitted(submission, found, now, deadline_at=self._deadline())
            return self._asked_about(submission.model_copy(update={"state": "pending", "provider_id": found}), now)
        if next_step(submission, "absent", now=now, patience=self._patience) == "submit":
            self._ledger.refused(submission, is_upload_good=True)
            return submission.model_copy(update={"state": "intended"})
        self._ledger.told(submission, Polled("absent"), now)
        return submission

    def uncollected(self, identifier: str) -> Iterator[Request]:
        """Yield the requests of which nobody has read the answers yet, with what those are judged by.

        Raises:
            TransientError: the store or the catalog does not answer.
        """
        for one in self._ledger.of_batch(identifier):
            if one.collected_at is None:
                try:
                    yield from StoredRequests(self._objects, one.requests_uri)
                except NotFoundError:  # somebody else has collected it since
                    continue

    def collect(self, identifier: str, take: Take, *, asks: bool = True) -> dict[str, str]:
        """Read what ended, submit what waits for it, and return the problem code of each request that came to nothing, by custom id.

        Where ``asks`` is off, for nobody would wait for the answer, nothing is submitted.

        Raises:
            TransientError: the provider, the store or the catalog does not answer; what was taken is taken again then.
        """
        for one in self._ledger.of_batch(identifier):
            if next_step(one, None, now=self._clock(), patience=self._patience) == "collect":
                self._collect(one, take, may_retry=asks and _may_retry(one))
        if asks:
            self._send(identifier)
        problems: dict[str, str] = {}
        for one in self._ledger.of_batch(identifier):
            problems |= one.problems
        return problems

    def _collect(self, submission: Submission, take: Take, *, may_retry: bool) -> None:
        requests = StoredRequests(self._objects, submission.requests_uri)
        found = Found({request.custom_id for request in requests})
        for rows in _chunks(self._provider.results(submission.provider_id)):
            bodies = found.new_bodies(rows)
            found.judge(bodies, take(bodies))
        again, problems = found.outcome(
            may_retry=may_retry, missing=MISSING.get(submission.state, "batch_result_missing")
        )
        rest = (request for request in requests if request.custom_id in again)
        planned = self._planned(
            submission.batch_id, submission.id, rest if again else (), submission.origin, submission.round + 1
        )
        now = self._clock()
        self._ledger.collected(
            submission,
            problems=problems,
            usage=found.usage,
            usd=self._cost(found.usage, now),
            again=planned,
            at=now,
            deadline_at=self._deadline(),
        )
        self._objects.delete([submission.requests_uri])

    def cancel(self, identifier: str) -> None:
        """Stop a batch that nobody needs any more.

        Raises:
            TransientError: the provider or the catalog does not answer, or it is not known yet whether a part was accepted.
        """
        for one in self._ledger.of_batch(identifier):
            if one.is_open:
                self._stop(one)
                self._ledger.canceled(one, self._clock())

    def _stop(self, submission: Submission) -> None:
        known = submission if submission.state != "submitting" else self._looked_for(submission, self._clock())
        if known.state == "submitting":
            raise TransientError(
                f"Canceling the submission {submission.id} needs to know whether {self._provider.name} accepted it; try again in some minutes."
            )
        if known.provider_id:
            self._provider.cancel(known.provider_id)

    def _deadline(self) -> datetime:
        return self._clock() + self._patience.batch


def _is_unfinished(submissions: Sequence[Submission]) -> bool:
    return not submissions or any(one.collected_at is None for one in submissions)


def _may_retry(submission: Submission) -> bool:
    ended_for_good = submission.state == "canceled" or (submission.state == "failed" and not submission.is_retryable)
    return submission.round < ROUNDS and not ended_for_good


def _chunks(rows: Iterator[Result]) -> Iterator[list[Result]]:
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        yield chunk
