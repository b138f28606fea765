"""Refiners behind the providers' batch APIs: the prompt, the questions, and the refinements that come back."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from tripper_assets.clients.batches.machine import BatchMachine
from tripper_assets.clients.batches.role import BatchLedger, BatchProvider
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.refining import KeepRefinements
from tripper_assets.clients.remote_tagger import PROMPT, Cost, most_input_tokens
from tripper_assets.domain.batch_requests import Request, Result
from tripper_assets.domain.batches import BatchStatus, Origin
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.llm import Question, Usage
from tripper_assets.domain.refinement import (
    Refinable,
    Refinement,
    RefinementKey,
    refinement_of,
    refinement_question,
    refinement_version,
)
from tripper_assets.domain.structured_answers import read_answer, request_body
from tripper_assets.domain.tag_questions import request_id, sent_text
from tripper_assets.domain.tag_runs import Voter


@lru_cache(1)
def refinement_prompt() -> str:
    """Return the prompt, a file of its own beside the voters'."""
    return PROMPT.with_name("refinement.md").read_text(encoding="utf-8")


class About(NamedTuple):
    """What an answer is judged by."""

    key: RefinementKey
    text: str


class RemoteRefiner:
    """A refiner of one model that answers in batches; what it asked is stored with the batch, so that any later workflow can judge it."""

    def __init__(
        self,
        api: BatchProvider,
        model: str,
        *,
        ledger: BatchLedger,
        objects: Objects,
        cost: Cost,
        clock: Callable[[], datetime],
    ) -> None:
        self._provider, self._model = api.name, model
        self._machine = BatchMachine(api, ledger, objects, model=model, cost=cost, clock=clock)
        self._cost, self._clock, self._prompt = cost, clock, refinement_prompt()

    @property
    def refiner(self) -> Voter:
        """Who is asked, with the hash of the prompt and the shape."""
        return Voter(self._provider, self._model, refinement_version(self._prompt))

    def most_usd(self, asked: Sequence[Refinable]) -> float:
        """Return the most that these questions can cost, in US dollars."""
        return self._cost(self._most(asked), self._clock())

    def most_tokens(self, asked: Sequence[Refinable]) -> int:
        """Return the most tokens that these questions and their answers can count."""
        return self._most(asked).total

    def _most(self, asked: Sequence[Refinable]) -> Usage:
        most = Usage()
        for one in map(self._question, asked):
            most = most.plus(Usage(input=most_input_tokens(self._provider, one), output=one.max_output_tokens))
        return most

    def submit(self, asked: Sequence[Refinable], origin: Origin) -> str:
        """Submit the questions and return the id of our batch; the same questions again go on with the same batch while it is not done.

        Raises:
            TransientError: the provider, the store or the catalog does not answer; asked again, it goes on where it stopped.
            PermanentError: the provider refuses the questions, or us.
        """
        ordered = sorted(asked, key=lambda one: one.key)
        key = text_sha256("\n".join((self._provider, self._model, *(request_id(one.key) for one in ordered))))
        return self._machine.submit(key, map(self._request, ordered), origin)

    def _question(self, asked: Refinable) -> Question:
        return refinement_question(asked, self._prompt)

    def _request(self, asked: Refinable) -> Request:
        question = self._question(asked)
        return Request(
            custom_id=request_id(asked.key),
            body=request_body(self._provider, self._model, question),
            tokens=most_input_tokens(self._provider, question),
            output_tokens=question.max_output_tokens,
            about={"key": list(asked.key), "text": sent_text(asked.text)},
        )

    def poll(self, batch_id: str) -> BatchStatus:
        """Return the state of a batch."""
        return self._machine.poll(batch_id)

    def collect(
        self, batch_id: str, keep: KeepRefinements, *, at: datetime, asks: bool = True
    ) -> dict[RefinementKey, str]:
        """Hand the refinements of what ended to ``keep``, and return the problem codes of the questions that came to nothing unpaid.

        Raises:
            TransientError: the provider, the store or the catalog does not answer; what was kept is kept again then.
        """
        asked = {one.custom_id: _about(one.about) for one in self._machine.uncollected(batch_id)}

        def take(rows: Sequence[Result]) -> Mapping[str, str]:
            keep([self._refinement(asked[row.custom_id], row, at) for row in rows if row.custom_id in asked])
            return {}

        problems = self._machine.collect(batch_id, take, asks=asks)
        return {asked[one].key: code for one, code in problems.items() if one in asked}

    def _refinement(self, about: About, row: Result, at: datetime) -> Refinement:
        return refinement_of(about.key, about.text, read_answer(self._provider, row.body), row.usage, at)

    def cancel(self, batch_id: str) -> None:
        """Stop a batch that nobody needs any more."""
        self._machine.cancel(batch_id)


def _about(told: Mapping[str, Any]) -> About:
    return About(RefinementKey(*told["key"]), told["text"])
