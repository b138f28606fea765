"""OpenAI's embeddings: through the batch machine by default, at once for few texts and for what a person searches."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from tripper_assets.clients.batches.machine import BatchMachine
from tripper_assets.clients.embeddings import KEY_DIGITS, Keep, Vectors
from tripper_assets.clients.instant_batches import InstantBatches
from tripper_assets.clients.llm import LostAnswerError
from tripper_assets.clients.openai_sdk import open_client, told
from tripper_assets.domain.batch_requests import Request, Result
from tripper_assets.domain.batches import BatchStatus, Origin
from tripper_assets.domain.embeddings import MAX_TOKENS, EmbeddingModel
from tripper_assets.domain.errors import TripperError
from tripper_assets.domain.llm import Usage

if TYPE_CHECKING:
    from openai import OpenAI

INPUTS_AT_ONCE = 2_048
TOKENS_AT_ONCE = 250_000
"""Of one call; OpenAI takes 300,000."""
DIRECT = "direct-"
"""How the ids of batches begin whose texts were embedded at once."""
FLOAT32 = np.dtype("<f4")


class PaidCalls(Protocol):
    """The ledger of calls that are answered at once; every method raises TransientError while it is down."""

    def reserve(self, model: str, usage: Usage, usd: float, origin: Origin | None, *, requests: int) -> int:
        """Note that a call is about to be made and what it may cost, and return the number of the note."""
        ...

    def settle(self, note: int, usage: Usage, usd: float) -> None:
        """Note what it cost."""
        ...

    def release(self, note: int) -> None:
        """Note that it cost nothing."""
        ...


def cut(text: str) -> tuple[str, int]:
    """Return what a model takes of a text, and how many tokens that is."""
    import toktok  # noqa: PLC0415 (a third of a second that only those pay who ask)

    # A lone surrogate, which a page may well hold, is no text that can be sent.
    kept, count = toktok.truncate(text.encode("utf-8", "replace").decode(), MAX_TOKENS, "cl100k_base")
    return kept, min(count, MAX_TOKENS)


def request_body(model: EmbeddingModel, texts: Sequence[str]) -> dict[str, Any]:
    """Return what the endpoint takes; base64 is a quarter of the numbers as text."""
    shortened = {"dimensions": model.dimensions} if model.is_shortened else {}
    return {"model": model.name, "input": list(texts), "encoding_format": "base64", **shortened}


def vector_of(stated: object) -> npt.NDArray[np.float32]:
    """Return a vector that is stated as base64 or as numbers; an empty one where it is neither."""
    try:
        if isinstance(stated, str):
            return np.frombuffer(base64.b64decode(stated, validate=True), dtype=FLOAT32).astype(np.float32)
        return np.asarray(stated if isinstance(stated, list) else [], dtype=np.float32).reshape(-1)
    except (binascii.Error, ValueError, TypeError, OverflowError):
        return np.zeros(0, dtype=np.float32)


class OpenAIEmbedder:
    """Embeds texts at once, at the full price; each call is written down before it is made."""

    def __init__(
        self,
        model: EmbeddingModel,
        calls: PaidCalls,
        *,
        api_key: str,
        base_url: str | None,
        cost: Callable[[Usage], float],
    ) -> None:
        self.model, self.dimensions = model.label, model.dimensions
        self._model, self._calls, self._cost = model, calls, cost
        self._key, self._base_url = api_key, base_url
        self._opened: OpenAI | None = None

    def embed(self, texts: Sequence[str], origin: Origin | None = None) -> npt.NDArray[np.float32]:
        """Return one vector for each text, in order; unchecked, but of the model's length: zeros where it is of another.

        Raises:
            TransientError: the provider or the catalog does not answer.
            PermanentError: the provider refuses the texts, or us.
        """
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        done = 0
        for group, tokens in _groups([cut(text) for text in texts]):
            vectors[done : done + len(group)] = self._asked(group, tokens, origin)
            done += len(group)
        return vectors

    def _asked(self, texts: Sequence[str], tokens: int, origin: Origin | None) -> npt.NDArray[np.float32]:
        most = Usage(input=tokens)
        note = self._calls.reserve(self.model, most, self._cost(most), origin, requests=len(texts))
        try:
            usage, vectors = self._answer(texts)
        except LostAnswerError:
            raise  # it may have been paid
        except TripperError:
            self._calls.release(note)
            raise
        self._calls.settle(note, usage, self._cost(usage))
        return vectors

    def _answer(self, texts: Sequence[str]) -> tuple[Usage, npt.NDArray[np.float32]]:
        if self._opened is None:
            self._opened = open_client(self._key, self._base_url)
        with told(f"Embedding {len(texts)} texts with {self.model}", is_paid=True):
            answer: Any = self._opened.embeddings.create(**request_body(self._model, texts))
            found = {int(one.index): vector_of(one.embedding) for one in answer.data}
            usage = Usage(input=int(answer.usage.prompt_tokens)) if answer.usage else Usage()
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row in range(len(texts)):
            vector = found.get(row)
            if vector is not None and vector.shape == (self.dimensions,):
                vectors[row] = vector
        return usage, vectors


def _groups(texts: Sequence[tuple[str, int]]) -> Iterator[tuple[list[str], int]]:
    group: list[str] = []
    total = 0
    for text, tokens in texts:
        if group and (len(group) == INPUTS_AT_ONCE or total + tokens > TOKENS_AT_ONCE):
            yield group, total
            group, total = [], 0
        group.append(text)
        total += tokens
    if group:
        yield group, total


class OpenAIEmbeddings:
    """OpenAI behind the role: batches of single texts, and few texts at once where the operator asked for that."""

    name = "openai"
    is_free = False

    def __init__(
        self, model: EmbeddingModel, machine: BatchMachine, direct: InstantBatches, *, direct_texts: int = 0
    ) -> None:
        self.model, self.dimensions = model.label, model.dimensions
        self._model, self._machine, self._direct, self._direct_texts = model, machine, direct, direct_texts

    def submit(self, texts: Mapping[str, str], origin: Origin) -> str:
        """Submit the texts, or embed them at once where they are few."""
        if len(texts) <= self._direct_texts:
            return DIRECT + self._direct.submit(texts, origin)
        hashes = sorted(texts)
        key = hashlib.sha256("\n".join((self.name, self.model, *hashes)).encode()).hexdigest()
        return self._machine.submit(key, (self._request(one, texts[one]) for one in hashes), origin)

    def _request(self, sha256: str, text: str) -> Request:
        kept, tokens = cut(text)
        return Request(custom_id=sha256[:KEY_DIGITS], body=request_body(self._model, [kept]), tokens=tokens)

    def poll(self, batch_id: str) -> BatchStatus:
        """Return the state of a batch."""
        if batch_id.startswith(DIRECT):
            return self._direct.poll(batch_id.removeprefix(DIRECT))
        return self._machine.poll(batch_id)

    def results(self, batch_id: str, keep: Keep, *, asks: bool = True) -> Mapping[str, str]:
        """Hand what came back to ``keep``, and return the problem codes of what came to nothing."""
        if batch_id.startswith(DIRECT):
            return self._direct.results(batch_id.removeprefix(DIRECT), keep)
        return self._machine.collect(batch_id, lambda rows: _taken(rows, self._model, keep), asks=asks)

    def cancel(self, batch_id: str) -> None:
        """Stop a batch; one whose texts were embedded at once is done."""
        if not batch_id.startswith(DIRECT):
            self._machine.cancel(batch_id)


def _taken(rows: Sequence[Result], model: EmbeddingModel, keep: Keep) -> dict[str, str]:
    vectors: Vectors = {}
    bad: dict[str, str] = {}
    for row in rows:
        # Some models answer with their version behind their name.
        if not str(row.body.get("model", model.name)).startswith(model.name):
            bad[row.custom_id] = "embedding_of_another_model"
        else:
            vectors[row.custom_id] = _vector(row.body)
    return {**bad, **keep(vectors)}


def _vector(body: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    data = body.get("data")
    first = data[0] if isinstance(data, list) and data else None
    return vector_of(first.get("embedding") if isinstance(first, dict) else None)
