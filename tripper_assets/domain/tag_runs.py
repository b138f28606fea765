"""Which votes are still to be asked for: worked out from the votes that there are, so that a crash, a new voter or one run more adds what is missing."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from tripper_assets.domain.model import ActivityId
from tripper_assets.domain.tags import VoteKey


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
