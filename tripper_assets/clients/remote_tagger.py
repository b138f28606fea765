"""Voters behind the providers' batch APIs: the prompt, the questions, and the votes that come back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tripper_assets.clients.batches.anthropic import LIMITS as ANTHROPIC_LIMITS
from tripper_assets.clients.batches.anthropic import AnthropicBatches
from tripper_assets.clients.batches.gemini import LIMITS as GEMINI_LIMITS
from tripper_assets.clients.batches.gemini import GeminiBatches
from tripper_assets.clients.batches.machine import BatchMachine
from tripper_assets.clients.batches.openai import CHAT, GROQ_LIMITS, GROQ_URL, OpenAIBatches
from tripper_assets.clients.batches.openai import LIMITS as OPENAI_LIMITS
from tripper_assets.clients.batches.role import BatchLedger, BatchProvider
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.tagging import Asked
from tripper_assets.domain.batch_requests import Limits, Request, Result
from tripper_assets.domain.batches import BatchStatus, Origin
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.llm import Question, Usage
from tripper_assets.domain.model_facts import DEFAULT_MODELS, TOKEN_MARGINS
from tripper_assets.domain.structured_answers import read_answer, request_body
from tripper_assets.domain.tag_questions import prompt_version, request_id, sent_text, tag_question, vote_of
from tripper_assets.domain.tag_runs import Voter
from tripper_assets.domain.tags import Vote, VoteKey

PROVIDERS: tuple[str, ...] = tuple(DEFAULT_MODELS)
PROMPT = Path(__file__).resolve().parent.parent / "data" / "prompts" / "tags.md"
SDKS = {"anthropic": "anthropic", "gemini": "google.genai"}
"""Modules of the extra llm."""
AROUND_MESSAGES = 100
"""Tokens that stand around a question's texts."""
Cost = Callable[[Usage, datetime], float]
"""What tokens cost in US dollars at a time."""


class TaggerDoor(NamedTuple):
    """How a provider is reached."""

    api_key: str
    base_url: str = ""
    """Empty for the provider's own."""
    queue_tokens: int = 0
    """What the account may have in the provider's queue; 0 for what an account of the first tier may."""


@lru_cache(1)
def tags_prompt() -> str:
    """Return the prompt, a file of its own, so that a change of it can be read and its hash is its version."""
    return PROMPT.read_text(encoding="utf-8")


def open_tagger(
    provider: str,
    model: str,
    door: TaggerDoor,
    *,
    ledger: BatchLedger,
    objects: Objects,
    cost: Cost,
    clock: Callable[[], datetime],
) -> "RemoteTagger":
    """Return a voter; nothing is asked yet.

    Raises:
        ConfigurationError: there is no such provider, or its SDK is not installed.
    """
    api = open_batches(provider, model, door)
    machine = BatchMachine(api, ledger, objects, model=model, cost=cost, clock=clock)
    return RemoteTagger(provider, model, machine, cost=cost, clock=clock)


def open_batches(provider: str, model: str, door: TaggerDoor) -> BatchProvider:
    """Return a provider's batch API for one model.

    Raises:
        ConfigurationError: there is no such provider, or its SDK is not installed.
    """
    need_sdk(provider)
    key, url = door.api_key, door.base_url or None
    if provider == "openai":
        return OpenAIBatches(api_key=key, base_url=url, endpoint=CHAT, limits=_limits(OPENAI_LIMITS, door))
    if provider == "groq":
        limits = _limits(GROQ_LIMITS, door)
        url = url or GROQ_URL
        return OpenAIBatches(api_key=key, base_url=url, endpoint=CHAT, limits=limits, name="groq", expires=False)
    if provider == "anthropic":
        return AnthropicBatches(api_key=key, base_url=url, limits=_limits(ANTHROPIC_LIMITS, door))
    if provider == "gemini":
        return GeminiBatches(model, api_key=key, base_url=url, limits=_limits(GEMINI_LIMITS, door))
    raise ConfigurationError(f"TRIPPER_TAGGERS names the provider {provider!r}; give one of {', '.join(PROVIDERS)}.")


def need_sdk(provider: str) -> None:
    """Check that the SDK that a provider needs is installed.

    Raises:
        ConfigurationError: it is not.
    """
    try:
        is_there = provider not in SDKS or find_spec(SDKS[provider]) is not None
    except ModuleNotFoundError:  # of the package that it would be a part of
        is_there = False
    if not is_there:
        raise ConfigurationError(
            f"The voter {provider} needs an SDK that is not installed; install tripper-assets[llm]."
        )


def _limits(known: Limits, door: TaggerDoor) -> Limits:
    return known._replace(tokens=door.queue_tokens) if door.queue_tokens else known


class RemoteTagger:
    """A voter of one model that answers in batches; remembers nothing itself, so that any process goes on with what another began."""

    def __init__(
        self, provider: str, model: str, machine: BatchMachine, *, cost: Cost, clock: Callable[[], datetime]
    ) -> None:
        self._provider, self._model, self._machine = provider, model, machine
        self._cost, self._clock, self._prompt = cost, clock, tags_prompt()

    @property
    def voter(self) -> Voter:
        """Who votes, with the hash of the prompt and the shape."""
        return Voter(self._provider, self._model, prompt_version(self._prompt))

    def most_usd(self, asked: Sequence[Asked]) -> float:
        """Return the most that these questions can cost, in US dollars."""
        return self._cost(self._most(asked), self._clock())

    def most_tokens(self, asked: Sequence[Asked]) -> int:
        """Return the most tokens that these questions and their answers can count."""
        return self._most(asked).total

    def _most(self, asked: Sequence[Asked]) -> Usage:
        most = Usage()
        for one in asked:
            question = self._question(one)
            most = most.plus(Usage(input=self._tokens(question), output=question.max_output_tokens))
        return most

    def submit(self, asked: Sequence[Asked], origin: Origin) -> str:
        """Submit the questions and return the id of our batch; the same questions again go on with the same batch while it is not done.

        Raises:
            TransientError: the provider, the store or the catalog does not answer; asked again, it goes on where it stopped.
            PermanentError: the provider refuses the questions, or us.
        """
        ordered = sorted(asked, key=lambda one: one.key)
        key = text_sha256("\n".join((self._provider, self._model, *(request_id(one.key) for one in ordered))))
        return self._machine.submit(key, (self._request(one) for one in ordered), origin)

    def _request(self, asked: Asked) -> Request:
        question = self._question(asked)
        return Request(
            custom_id=request_id(asked.key),
            body=request_body(self._provider, self._model, question),
            tokens=self._tokens(question),
            output_tokens=question.max_output_tokens,
            about={"key": list(asked.key), "text": sent_text(asked.text)},
        )

    def _question(self, asked: Asked) -> Question:
        return tag_question(asked.key, asked.text, self._prompt)

    def _tokens(self, question: Question) -> int:
        return most_input_tokens(self._provider, question)

    def poll(self, batch_id: str) -> BatchStatus:
        """Return the state of a batch."""
        return self._machine.poll(batch_id)

    def collect(
        self,
        batch_id: str,
        asked: Sequence[Asked],
        keep: Callable[[Sequence[Vote]], None],
        *,
        at: datetime,
        asks: bool = True,
    ) -> dict[VoteKey, str]:
        """Hand the votes of what ended to ``keep``, and return the problem codes of those of ``asked`` that came to nothing unpaid.

        What was paid is a vote also where it is not among ``asked``: in a run or on an activity that this workflow does not count.

        Raises:
            TransientError: the provider, the store or the catalog does not answer; what was kept is kept again then.
        """
        present = {request_id(one.key): one for one in asked}
        by_id = present | self._stored(batch_id)

        def take(rows: Sequence[Result]) -> Mapping[str, str]:
            keep(list(self._votes(rows, by_id, at)))
            return {}

        problems = self._machine.collect(batch_id, take, asks=asks)
        return {present[one].key: code for one, code in problems.items() if one in present}

    def _stored(self, batch_id: str) -> dict[str, Asked]:
        """Return what the batch was asked, by the requests' own ids; nothing of one that was submitted before that was stored with it."""
        found: dict[str, Asked] = {}
        texts: dict[str, str] = {}  # one for all runs
        for one in self._machine.uncollected(batch_id):
            if one.about:
                key = VoteKey(*one.about["key"])
                found[one.custom_id] = Asked(key, texts.setdefault(key.text_sha256, one.about["text"]))
        return found

    def _votes(self, rows: Sequence[Result], by_id: Mapping[str, Asked], at: datetime) -> Iterator[Vote]:
        for row in rows:
            if row.custom_id in by_id:
                one = by_id[row.custom_id]
                yield vote_of(one.key, one.text, read_answer(self._provider, row.body), row.usage, at)

    def cancel(self, batch_id: str) -> None:
        """Stop a batch that nobody needs any more."""
        self._machine.cancel(batch_id)


def most_input_tokens(provider: str, question: Question) -> int:
    """Return the most tokens that a question counts at a provider."""
    counted = _ours(question.instructions + str(question.shape)) + _counted([question.data])
    return round((counted + AROUND_MESSAGES) * TOKEN_MARGINS[provider])


def _counted(texts: Sequence[str]) -> int:
    import toktok  # noqa: PLC0415 (a third of a second that only those pay who ask)

    return sum(toktok.batch_count(list(texts), "o200k_base"))


@lru_cache(4)
def _ours(text: str) -> int:
    """Return the tokens of what is the same in every question."""
    return _counted([text])
