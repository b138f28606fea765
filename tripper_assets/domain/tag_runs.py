"""Which votes are still to be asked for: worked out from the votes that there are, so that a crash, a new voter or one run more adds what is missing."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple, TypeVar

from tripper_assets.domain.llm import Spending
from tripper_assets.domain.model import ActivityId, Model
from tripper_assets.domain.tags import Vote, VoteKey

T = TypeVar("T")


class Voter(NamedTuple):
    """Who votes, and on which question."""

    provider: str
    model: str
    prompt_version: str


def missing_votes(
    texts: Mapping[ActivityId, str], voters: Sequence[Voter], runs: int, votes: Collection[VoteKey]
) -> Iterator[VoteKey]:
    """Yield what is missing of runs 1 to ``runs``, by run, voter and activity; ``texts`` are the hashes of what is to be tagged now."""
    for run, voter, (activity_id, text) in product(range(1, runs + 1), voters, sorted(texts.items())):
        key = VoteKey(activity_id, text, run, *voter)
        if key not in votes:
            yield key


def current_run(texts: Mapping[ActivityId, str], voters: Sequence[Voter], votes: Iterable[VoteKey]) -> int:
    """Return the lowest run in which not every activity has a vote of every voter; the one behind the last where all are whole.

    Votes on another text, of another prompt or of somebody who votes no more do not count. Without activities or voters it is 1.
    """
    wanted = len(texts) * len(voters)
    if not wanted:
        return 1
    counts: dict[int, int] = {}
    for vote in set(votes):
        if texts.get(vote.activity_id) == vote.text_sha256 and Voter(*vote[3:]) in voters:
            counts[vote.run_number] = counts.get(vote.run_number, 0) + 1
    return next(run for run in range(1, len(counts) + 2) if counts.get(run, 0) < wanted)


class VoterBatch(Model):
    """One batch of questions to one voter."""

    provider: str
    model: str
    prompt_version: str
    batch_id: str
    requested: int = 0
    """How many questions this workflow submitted; 0 for a batch that an earlier one submitted, and this one waits for too."""

    @property
    def voter(self) -> Voter:
        """Who was asked, and which question."""
        return Voter(self.provider, self.model, self.prompt_version)


class TagBatches(Model):
    """The durable handle of what remote voters were asked: enough to find their work again."""

    ids_sha256: str
    runs: int
    """How often each voter is asked about an activity."""
    batches: tuple[VoterBatch, ...] = ()
    """None where nothing was missing, or nobody remote votes."""


class VoterProgress(Model):
    """How far one voter is with the activities of a source as they are now."""

    provider: str
    model: str
    run: int
    """The lowest in which not every activity has a vote; one more than ``runs`` where all have."""
    runs: int
    wanted: int
    """Activities times runs."""
    there: int
    """Votes of those runs, with the errors."""
    errors: int


def progress_of(texts: Mapping[ActivityId, str], voter: Voter, runs: int, votes: Iterable[Vote]) -> VoterProgress:
    """Return how far a voter is; votes on other texts, of other voters and of later runs do not count."""
    cast = [one for one in votes if (one.provider, one.model, one.prompt_version) == voter]
    mine = {one.key: one for one in cast if texts.get(one.activity_id) == one.text_sha256}
    counted = [one for one in mine.values() if one.run_number <= runs]
    return VoterProgress(
        provider=voter.provider,
        model=voter.model,
        run=min(current_run(texts, [voter], mine), runs + 1),
        runs=runs,
        wanted=len(texts) * runs,
        there=len(counted),
        errors=sum(bool(one.error) for one in counted),
    )


def affordable(
    questions: Sequence[T], most: Callable[[Sequence[T]], Spending], left: Spending
) -> tuple[Sequence[T], Spending]:
    """Return as many of the first questions as cannot cost more than what is left, and the most that those can."""
    spending = {0: Spending(0, 0.0)}

    def is_too_much(count: int) -> bool:
        spending[count] = most(questions[:count])
        return spending[count].tokens > left.tokens or spending[count].usd > left.usd

    count = len(questions)
    if questions and is_too_much(count):
        count = bisect_left(range(1, count), 1, key=is_too_much)
    return questions[:count], spending[count]
