"""How language models are asked: the extractor role, and many questions over a cache, within a budget, a few at once."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tripper_assets.domain.errors import PermanentError, TransientError, TripperError
from tripper_assets.domain.llm import Answer, Price, Question, Spending, Usage, cost, reserved
from tripper_assets.domain.model import Problem

AT_ONCE = 4
FAILURES_IN_A_ROW = 3
"""After so many nobody else is asked in this run: the other side is down."""


class LostAnswerError(TransientError):
    """A question was sent and its answer did not come: it may have been answered, and paid."""


class Extractor(Protocol):
    """A language model that answers in a given shape."""

    provider: str
    model: str
    price: Price

    async def ask(self, question: Question) -> Answer:
        """Return the answer, whatever it is; an answer of another shape is one of outcome malformed.

        Raises:
            LostAnswerError: it is not known whether the question was answered.
            TransientError: it was not answered, and may be later.
            PermanentError: the other side refuses us.
        """
        ...

    async def close(self) -> None:
        """Close what the questions opened."""
        ...


class Ledger(Protocol):
    """Answers that were paid before, and what one workflow spends; both outlive a killed process."""

    def known(self, questions: Mapping[str, Question]) -> dict[str, Answer]:
        """Return the answers of questions that were asked before, by the keys of ``questions``."""
        ...

    def reserve(self, question: Question, most: Spending) -> int | None:
        """Note that a question is about to be asked, and return the number of the note; None where the budget has no room for it."""
        ...

    def settle(self, note: int, question: Question, answer: Answer, usd: float) -> None:
        """Note what it cost, and keep the answer."""
        ...

    def release(self, note: int) -> None:
        """Note that the question was not answered and costs nothing."""
        ...


@dataclass
class Asked:
    """What became of many questions."""

    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    """By the keys of the questions; a question without one was not answered."""
    unasked: Counter[str] = field(default_factory=Counter[str])
    """Questions without an answer by reason: budget, unavailable, refused."""
    problems: list[Problem] = field(default_factory=list[Problem])
    calls: int = 0
    """Answers that were paid now."""
    cached: int = 0
    usage: Usage = field(default_factory=Usage)
    usd: float = 0.0


async def ask_all(
    questions: Mapping[str, Question], extractor: Extractor, ledger: Ledger, *, at_once: int = AT_ONCE
) -> Asked:
    """Ask each distinct question once, those first that were given first; what was asked before is not asked again.

    Nothing is raised for a model that is down or refuses us: its questions stay open, and a problem says why.

    Raises:
        TransientError: the ledger cannot be read or written; without it nothing is asked.
    """
    try:
        return await _Asking(questions, extractor, ledger).run(at_once)
    finally:
        await extractor.close()


class _Asking:
    """The state of one round of questions."""

    def __init__(self, questions: Mapping[str, Question], extractor: Extractor, ledger: Ledger) -> None:
        self._questions = questions
        self._extractor = extractor
        self._ledger = ledger
        self._asked = Asked()
        self._failures = 0
        self._why_stopped = ""

    async def run(self, at_once: int) -> Asked:
        known = self._ledger.known(self._questions)
        self._asked.cached = len(known)
        self._asked.answers |= known
        alike: dict[tuple[str, str], list[str]] = {}
        for key, question in self._questions.items():
            if key not in known:
                alike.setdefault((question.content_sha256, question.prompt_sha256), []).append(key)
        waiting = iter(alike.values())
        # An answer that is on its way was paid: where one worker ends with an error, the others keep theirs before it goes on.
        ended = await asyncio.gather(*(self._work(waiting) for _ in range(at_once)), return_exceptions=True)
        failures = [one for one in ended if one is not None]
        if failures:
            raise failures[0]
        return self._asked

    async def _work(self, waiting: Iterator[list[str]]) -> None:
        for keys in waiting:
            try:
                found = self._why_stopped or await self._ask(self._questions[keys[0]], keys[0])
            except BaseException:
                self._why_stopped = "unavailable"
                raise
            if isinstance(found, Answer):
                self._asked.answers |= dict.fromkeys(keys, found)
            else:
                self._asked.unasked[found] += len(keys)

    async def _ask(self, question: Question, subject: str) -> Answer | str:
        """Return the answer, or why there is none."""
        note = self._ledger.reserve(question, reserved(question, self._extractor.price))
        if note is None:
            return "budget"
        try:
            answer = await self._extractor.ask(question)
        except TripperError as error:
            if not isinstance(error, LostAnswerError):
                self._ledger.release(note)
            return self._failed(error, subject)
        self._failures = 0
        self._count(answer)
        self._ledger.settle(note, question, answer, cost(answer.usage, self._extractor.price))
        return answer

    def _failed(self, error: TripperError, subject: str) -> str:
        why = "refused" if isinstance(error, PermanentError) else "unavailable"
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            self._why_stopped = why
        self._asked.problems.append(Problem(code=f"llm_{why}", subject=subject, message=str(error)))
        return why

    def _count(self, answer: Answer) -> None:
        before, now = self._asked.usage, answer.usage
        self._asked.calls += 1
        self._asked.usd += cost(now, self._extractor.price)
        self._asked.usage = Usage(**{name: getattr(before, name) + getattr(now, name) for name in Usage.model_fields})
