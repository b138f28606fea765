"""How activities come to their votes: the roles of a voter and of who remembers votes, and what is asked for of those."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batches import BatchStatus, Origin
from tripper_assets.domain.model import ActivityId, SourceKey
from tripper_assets.domain.tag_runs import Voter, missing_votes
from tripper_assets.domain.tags import Vote, VoteKey, tagging_text_sha256


class Tagger(Protocol):
    """A voter that answers at once."""

    @property
    def voter(self) -> Voter:
        """Who votes, and on which question."""
        ...

    def votes(self, activities: Sequence[Activity], *, at: datetime) -> list[Vote]:
        """Return a vote for each activity, in order, all of run 1."""
        ...


class Votes(Protocol):
    """Votes that were made before."""

    def load(self, source_key: SourceKey, texts: Collection[tuple[ActivityId, str]]) -> list[Vote]:
        """Return the votes of a source on these activities' texts."""
        ...

    def save(self, source_key: SourceKey, votes: Sequence[Vote]) -> None:
        """Keep votes; one that is there stays as it is."""
        ...


class Asked(NamedTuple):
    """One question to a voter."""

    key: VoteKey
    text: str
    """What the voter reads: tagging_text of the activity."""


class BatchTagger(Protocol):
    """A voter behind a provider's batch API: one model, one prompt; drives the batch machine and remembers nothing itself."""

    @property
    def voter(self) -> Voter:
        """Who votes, and on which question."""
        ...

    def most_usd(self, asked: Sequence[Asked]) -> float:
        """Return the most that these questions can cost, in US dollars."""
        ...

    def most_tokens(self, asked: Sequence[Asked]) -> int:
        """Return the most tokens that these questions and their answers can count."""
        ...

    def submit(self, asked: Sequence[Asked], origin: Origin) -> str:
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
        self,
        batch_id: str,
        asked: Sequence[Asked],
        keep: Callable[[Sequence[Vote]], None],
        *,
        at: datetime,
        asks: bool = True,
    ) -> dict[VoteKey, str]:
        """Read what ended and hand votes to ``keep`` in groups of at most 500; a paid answer that is of no use is a vote with an error.

        Votes are of all that the batch holds; ``asked`` are the questions that count now. Return the problem code of each of those that came
        to nothing unpaid: there is no vote of it, and a later workflow may ask again.
        """
        ...

    def cancel(self, batch_id: str) -> None:
        """Stop a batch that nobody needs any more."""
        ...


class Collected(NamedTuple):
    """The votes that count: on the activities' texts as they are, ordered by key."""

    votes: tuple[Vote, ...]
    fetched: int
    """How many of them were made now."""


def collect_votes(
    activities: Sequence[Activity], *, tagger: Tagger, known: Votes, source_key: SourceKey, at: datetime
) -> Collected:
    """Return the tagger's votes on the activities; it is asked about those alone that it has no vote on.

    What it said to an older question, and what another voter said, is kept and not counted: after an update that compares with other
    sentences each activity would have two votes that contradict each other.

    Raises:
        TransientError: who remembers votes does not answer, unless it is lenient.
    """
    texts = {one.id: tagging_text_sha256(one) for one in activities}
    voter = tagger.voter
    held = [vote for vote in known.load(source_key, list(texts.items())) if Voter(*vote.key[3:]) == voter]
    missing = {key.activity_id for key in missing_votes(texts, [voter], 1, {vote.key for vote in held})}
    made = tagger.votes([one for one in activities if one.id in missing], at=at) if missing else []
    known.save(source_key, made)
    return Collected(tuple(sorted([*held, *made], key=lambda vote: vote.key)), len(made))
