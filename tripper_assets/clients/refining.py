"""How a consensus is refined: the role of a refiner, and how what one was asked is collected by whichever workflow comes next."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from tripper_assets.domain.batches import OPEN, PATIENCE, BatchStatus, Origin, Submission
from tripper_assets.domain.refinement import Refinable, Refinement, RefinementKey
from tripper_assets.domain.tag_runs import Voter

KeepRefinements: TypeAlias = Callable[[Sequence[Refinement]], None]


class Refiner(Protocol):
    """A strong model behind a provider's batch API; drives the batch machine and remembers nothing itself."""

    @property
    def refiner(self) -> Voter:
        """Who is asked, and which question."""
        ...

    def most_usd(self, asked: Sequence[Refinable]) -> float:
        """Return the most that these questions can cost, in US dollars."""
        ...

    def most_tokens(self, asked: Sequence[Refinable]) -> int:
        """Return the most tokens that these questions and their answers can count."""
        ...

    def submit(self, asked: Sequence[Refinable], origin: Origin) -> str:
        """Submit the questions and return the id of our batch; the same questions again go on with the same batch while it is not done.

        Raises:
            TransientError: the provider, the store or the catalog does not answer; asked again, it goes on where it stopped.
            PermanentError: the provider refuses the questions, or us.
        """
        ...

    def poll(self, batch_id: str) -> BatchStatus:
        """Return the state of a batch."""
        ...

    def collect(
        self, batch_id: str, keep: KeepRefinements, *, at: datetime, asks: bool = True
    ) -> dict[RefinementKey, str]:
        """Read what ended and hand refinements to ``keep`` in groups of at most 500; a paid answer that is of no use is one with an error.

        Whatever was asked is collected, also about activities that the present workflow did not find. Return the problem code of each
        question that came to nothing unpaid: there is no refinement of it, and a later workflow may ask again.
        """
        ...

    def cancel(self, batch_id: str) -> None:
        """Stop a batch that nobody needs any more."""
        ...


def bring(
    refiner: Refiner, batch_id: str, keep: KeepRefinements, *, at: datetime, overdue: bool
) -> tuple[BatchStatus, dict[RefinementKey, str]]:
    """Hand what a batch brought to ``keep``; return its state, and the problem codes of what came to nothing.

    One that is ``overdue`` and pending is given up, so that its questions may be asked again.

    Raises:
        TransientError: the provider, the store or the catalog does not answer.
        PermanentError: the provider refuses us.
    """
    status = refiner.poll(batch_id)
    if status == "pending" and not overdue:
        return status, {}
    status, codes = _read_to_the_end(refiner, batch_id, keep, at=at, asks=not overdue)
    if status not in OPEN or not overdue:
        return status, codes
    refiner.cancel(batch_id)
    return "canceled", codes


def _read_to_the_end(
    refiner: Refiner, batch_id: str, keep: KeepRefinements, *, at: datetime, asks: bool
) -> tuple[BatchStatus, dict[RefinementKey, str]]:
    """Collect until nothing is new: what a collection submits, for it had no room before or expired, may have ended at once."""
    kept, codes = 0, dict[RefinementKey, str]()

    def counted(refinements: Sequence[Refinement]) -> None:
        nonlocal kept
        keep(refinements)
        kept += len(refinements)

    while True:
        before = kept
        codes |= refiner.collect(batch_id, counted, at=at, asks=asks)
        status = refiner.poll(batch_id)
        if status == "pending" or kept == before:
            return status, codes


def is_overdue(submissions: Sequence[Submission], now: datetime) -> bool:
    """Return whether nothing of a batch was asked for so lately that its provider still owes an answer."""
    return all(now >= (one.submitted_at or one.intended_at) + PATIENCE for one in submissions)
