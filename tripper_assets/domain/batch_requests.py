"""What a batch asks for: single requests with ids of their own, how many a provider takes at once, and what came back of each."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tripper_assets.domain.llm import Usage
from tripper_assets.domain.model import Model


class Request(Model):
    """One request of a batch."""

    custom_id: str
    """32 hexadecimal digits, which every provider takes; what comes back is matched by them alone, for no provider promises an order."""
    body: dict[str, Any]
    """As the provider's endpoint takes it."""
    tokens: int
    """What it counts, at most."""
    output_tokens: int = 0
    """What its answer counts, at most; a queue has no part in these."""
    about: dict[str, Any] = {}
    """What its answer is judged by, where whoever collects it may no longer know; never sent."""


class Limits(NamedTuple):
    """What a provider takes in one submission."""

    requests: int
    bytes: int
    tokens: int
    """In all submissions that it works on at one time, and so in each."""


class Result(NamedTuple):
    """What came back of one request: a body, or the reason why there is none."""

    custom_id: str
    """Empty where it cannot be read."""
    body: Any = None
    error: str = ""
    """A code of ours or the provider's; empty where there is a body."""
    is_retryable: bool = False
    """Whether asking again may succeed."""
    usage: Usage = Usage()


class Polled(NamedTuple):
    """What a provider says of a batch."""

    status: str
    """pending, completed, failed, expired or canceled."""
    reason: str = ""
    """The provider's code of a failure as a whole."""
    is_retryable: bool = False


def batch_id(key: str, generation: int) -> str:
    """Return the id of our batch: what is asked for, and how often that was asked for before and came to nothing."""
    return hashlib.sha256(f"{key} {generation}".encode()).hexdigest()[:32]


def submission_id(parent: str, number: int) -> str:
    """Return the id of a submission of a batch, or of one that asks again for what another left; a rerun after a kill makes the same."""
    return hashlib.sha256(f"{parent} {number}".encode()).hexdigest()[:32]


def numbered(
    requests: Iterable[Request], limits: Limits, size: Callable[[Request], int]
) -> Iterator[tuple[int, Request]]:
    """Yield each request with the number of the submission that it goes into, 0, 1 and so on, so that each keeps within the limits.

    ``size`` gives a request's bytes as they are sent. One that alone is too large is a submission of its own, which its provider refuses.
    """
    number, count, total, tokens = 0, 0, 0, 0
    for request in requests:
        added = size(request)
        full = count == limits.requests or total + added > limits.bytes or tokens + request.tokens > limits.tokens
        if count and full:
            number, count, total, tokens = number + 1, 0, 0, 0
        yield number, request
        count, total, tokens = count + 1, total + added, tokens + request.tokens


class Outcome(NamedTuple):
    """What is to be done about the requests of one submission."""

    again: frozenset[str]
    """Custom ids that are asked for again."""
    problems: dict[str, str]
    """The problem code of each that is not, and came to nothing."""


class Found:
    """What came back of the requests of one submission: rows in any order, some twice, some of nobody, some not at all."""

    def __init__(self, asked: Collection[str]) -> None:
        self._asked = asked
        self._good: set[str] = set()
        self._failed: dict[str, str] = {}
        self._retryable: set[str] = set()
        self.usage = Usage()

    def new_bodies(self, rows: Iterable[Result]) -> list[Result]:
        """Return the rows that bring a body of a request that has none yet, once each; note what the others say."""
        fresh: dict[str, Result] = {}
        for row in rows:
            if row.custom_id not in self._asked or row.custom_id in self._good or row.custom_id in fresh:
                continue
            self.usage = self.usage.plus(row.usage)
            if row.error:
                self._failed[row.custom_id] = row.error
                self._note(row)
            else:
                fresh[row.custom_id] = row
        return list(fresh.values())

    def _note(self, row: Result) -> None:
        (self._retryable.add if row.is_retryable else self._retryable.discard)(row.custom_id)

    def judge(self, bodies: Iterable[Result], bad: Mapping[str, str]) -> None:
        """Note which of the bodies are of no use, and why; such an answer was paid, and asking again would say the same."""
        for row in bodies:
            self._retryable.discard(row.custom_id)
            self._failed.pop(row.custom_id, None)
            if row.custom_id in bad:
                self._failed[row.custom_id] = bad[row.custom_id]
            else:
                self._good.add(row.custom_id)

    def outcome(self, *, may_retry: bool, missing: str) -> Outcome:
        """Return what is asked for again and what came to nothing; ``missing`` is the code of what did not come back at all."""
        left = [one for one in self._asked if one not in self._good]
        again = {one for one in left if may_retry and (one in self._retryable or one not in self._failed)}
        return Outcome(frozenset(again), {one: self._failed.get(one, missing) for one in left if one not in again})
