"""What the batch machine needs of a provider's batch API, and of the catalog that remembers what was asked for."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tripper_assets.domain.batch_requests import Limits, Polled, Request, Result
from tripper_assets.domain.batches import Submission
from tripper_assets.domain.llm import Usage


class BatchProvider(Protocol):
    """A provider that works on many requests in its own time; every call is made once, and repeated by the machine alone."""

    name: str
    limits: Limits
    settles: timedelta
    """After which an accepted submission is found; where that needs its results, its whole window."""

    def size(self, request: Request) -> int:
        """Return the bytes of a request as it is sent."""
        ...

    def upload(self, submission: Submission, requests: Iterable[Request]) -> str:
        """Bring the requests over, and return what the submission names them by; empty where they go with the submission itself.

        Where an upload of this submission began before, what it may have left is removed first.

        Raises:
            TransientError: the provider does not answer.
            PermanentError: it refuses the requests, or us.
        """
        ...

    def submit(self, submission: Submission, requests: Iterable[Request]) -> str:
        """Ask for the work, and return the provider's id.

        Raises:
            LostAnswerError: it is not known whether it was accepted.
            TransientError: it was not accepted, and may be later.
            PermanentError: it was refused.
        """
        ...

    def find(self, submission: Submission) -> str:
        """Return the provider's id of a submission whose answer was lost; empty where the provider lists none with our id.

        Raises:
            TransientError: the provider does not answer; that says nothing.
        """
        ...

    def poll(self, provider_id: str) -> Polled:
        """Return the state of a submission."""
        ...

    def results(self, provider_id: str) -> Iterator[Result]:
        """Yield what came back, of whatever ended: in any order, perhaps twice, perhaps not at all."""
        ...

    def cancel(self, provider_id: str) -> None:
        """Stop a submission; one that has ended is no error."""
        ...


class BatchLedger(Protocol):
    """What was asked for and what it costs; outlives every process, and raises TransientError while it is down."""

    def open(self, submissions: Sequence[Submission], *, deadline_at: datetime) -> None:
        """Write down what is about to be asked for, and that its workflow waits for it; all of it or nothing, and each once."""
        ...

    def of_batch(self, batch_id: str) -> list[Submission]:
        """Return the submissions of a batch, in the order of their round and number."""
        ...

    def tokens_in_flight(self, provider: str, since: datetime) -> int:
        """Return the tokens of all submissions since then that a provider may be working on."""
        ...

    def uploading(self, submission: Submission, at: datetime) -> None:
        """Note that an upload begins."""
        ...

    def uploaded(self, submission: Submission, upload_id: str) -> None:
        """Note how the provider calls the uploaded requests."""
        ...

    def attempt(self, submission: Submission, at: datetime) -> bool:
        """Take the right to ask for an intended submission, and reserve what it costs; False where somebody else has it."""
        ...

    def submitted(self, submission: Submission, provider_id: str, at: datetime, *, deadline_at: datetime) -> None:
        """Note the provider's id; who waits for the batch waits until ``deadline_at`` at most."""
        ...

    def refused(self, submission: Submission, *, is_upload_good: bool) -> None:
        """Note that a submission was not accepted, and costs nothing; it is intended again, with what was uploaded where that is good.

        Nothing is noted of one that was asked for anew since ``submission`` was read.
        """
        ...

    def told(self, submission: Submission, polled: Polled, at: datetime) -> None:
        """Note what the provider says."""
        ...

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
        ...

    def canceled(self, submission: Submission, at: datetime) -> None:
        """Note that nobody reads the results any more; of one that was never asked for, that it costs nothing."""
        ...
