"""How remote voters are asked: what is missing and affordable goes into a batch, once, and what a batch brought becomes votes."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from tripper_assets.clients.batches.stored import StoredRequests
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.tagging import Asked, BatchTagger
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batches import OPEN, BatchStatus, Submission
from tripper_assets.domain.errors import NotFoundError
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.llm import Spending
from tripper_assets.domain.model import Problem
from tripper_assets.domain.tag_questions import request_id
from tripper_assets.domain.tag_runs import Voter, VoterBatch, affordable, missing_votes
from tripper_assets.domain.tags import Vote, VoteKey, tagging_text

Keep: TypeAlias = Callable[[Sequence[Vote]], None]


def questions(
    activities: Sequence[Activity], voter: Voter, runs: int, known: Collection[VoteKey] = frozenset()
) -> list[Asked]:
    """Return the questions to a voter that have no vote among the known ones, those of run 1 first."""
    texts = {one.id: tagging_text(one) for one in activities}
    hashes = {one: text_sha256(text) for one, text in texts.items()}
    return [Asked(key, texts[key.activity_id]) for key in missing_votes(hashes, [voter], runs, known)]


class UnderWay(NamedTuple):
    """What providers may be working on."""

    batches: Mapping[str, str]
    """Our batch of each question, by the question's id at its provider."""
    output_tokens: int
    """The most that the answers can have, which no row of a submission holds."""


def under_way(submissions: Iterable[Submission], objects: Objects) -> UnderWay:
    """Return the questions of submissions that nobody collected.

    Raises:
        TransientError: the store does not answer.
    """
    batches: dict[str, str] = {}
    output_tokens = 0
    for one in submissions:
        try:
            for request in StoredRequests(objects, one.requests_uri):
                batches[request.custom_id] = one.batch_id
                output_tokens += request.output_tokens
        except NotFoundError:  # collected since it was listed
            continue
    return UnderWay(batches, output_tokens)


class Plan(NamedTuple):
    """What is done about the questions to one voter."""

    earlier: tuple[str, ...]
    """Batches that hold some of them already, and are waited for."""
    asked: Sequence[Asked]
    """That are submitted now."""
    most: Spending
    """What those can cost."""
    unaffordable: int
    """Questions that are not asked, for the budget has no room for them."""


def plan(questions: Sequence[Asked], tagger: BatchTagger, *, waiting: Mapping[str, str], left: Spending) -> Plan:
    """Return what is submitted: what does not wait in a batch already, as far as what is left of the budget goes."""

    def most(some: Sequence[Asked]) -> Spending:
        return Spending(tagger.most_tokens(some), tagger.most_usd(some))

    batches = [waiting.get(request_id(one.key), "") for one in questions]
    fresh = [one for one, batch in zip(questions, batches, strict=True) if not batch]
    asked, spending = affordable(fresh, most, left)
    return Plan(tuple(dict.fromkeys(filter(None, batches))), asked, spending, len(fresh) - len(asked))


class Brought(NamedTuple):
    """What a batch came to."""

    status: BatchStatus
    problems: list[Problem]

    @property
    def is_pending(self) -> bool:
        """Whether it is waited for."""
        return self.status in OPEN


def collect_batch(
    batch: VoterBatch, asked: Sequence[Asked], tagger: BatchTagger, keep: Keep, *, at: datetime, overdue: bool
) -> Brought:
    """Hand what a batch brought to ``keep``; one that is ``overdue`` and pending is given up, and what it brought so far is kept.

    ``asked`` may hold more than the batch does.

    Raises:
        TransientError: the provider, the store or the catalog does not answer.
        PermanentError: the provider refuses us.
    """
    status = tagger.poll(batch.batch_id)
    if status == "pending" and not overdue:
        return Brought(status, [])
    status, codes = _read_to_the_end(batch, asked, tagger, keep, at=at, overdue=overdue)
    if status in OPEN and not overdue:
        return Brought(status, [])
    problems = [_unanswered(key, code) for key, code in codes.items()]
    if status in OPEN:
        tagger.cancel(batch.batch_id)
        problems.append(_given_up(batch))
    return Brought("canceled" if status in OPEN else status, problems)


def _read_to_the_end(
    batch: VoterBatch, asked: Sequence[Asked], tagger: BatchTagger, keep: Keep, *, at: datetime, overdue: bool
) -> tuple[BatchStatus, dict[VoteKey, str]]:
    """Collect until nothing is new: what a collection submits, for it had no room before or expired, may have ended at once."""
    kept = 0

    def counted(votes: Sequence[Vote]) -> None:
        nonlocal kept
        keep(votes)
        kept += len(votes)

    while True:
        before = kept
        codes = tagger.collect(batch.batch_id, asked, counted, at=at, asks=not overdue)
        status = tagger.poll(batch.batch_id)
        if status in OPEN or kept == before:
            return status, codes


def _unanswered(key: VoteKey, code: str) -> Problem:
    message = f"{key.provider} {key.model} gave no answer in run {key.run_number}; the next workflow asks again."
    return Problem(code=code, subject=key.activity_id, message=message)


def _given_up(batch: VoterBatch) -> Problem:
    message = f"The batch of {batch.provider} {batch.model} was still pending after its deadline; the next workflow asks again."
    return Problem(code="batch_overdue", subject=batch.batch_id, message=message)
