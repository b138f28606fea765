"""How texts become vectors: the roles of embedders and of who embeds in his own time, and submit and collect over a cache."""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batches import OPEN, BatchStatus, Origin, SubmittedBatch
from tripper_assets.domain.embeddings import embedding_text, vector_problem
from tripper_assets.domain.errors import PermanentError, TripperError
from tripper_assets.domain.identity import ids_sha256, text_sha256
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.model import ActivityId, Problem

Vectors = dict[str, npt.NDArray[np.float32]]
Keep: TypeAlias = Callable[[Vectors], Mapping[str, str]]
"""Keeps the good ones of some vectors, and returns the problem code of each bad one, by the same keys."""
KEY_DIGITS = 32
"""Vectors come back by so many first digits of their text's hash: a custom id has no room for more."""
LOADED_AT_ONCE = 2_000


class Embedder(Protocol):
    """Something that turns texts into unit vectors at once."""

    model: str
    dimensions: int

    def embed(self, texts: Sequence[str], origin: Origin | None = None) -> npt.NDArray[np.float32]:
        """Return one unit vector for each text, in order; shape (texts, dimensions). ``origin`` pays, None where a person asked."""
        ...


class EmbeddingCache(Protocol):
    """Vectors that were made before, by model and text hash."""

    def known(self, model: str, text_sha256s: Collection[str]) -> set[str]:
        """Return the hashes of the texts whose vectors are known."""
        ...

    def load(self, model: str, text_sha256s: Sequence[str]) -> Vectors:
        """Return the known vectors by text hash."""
        ...

    def save(self, model: str, vectors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Keep vectors by text hash."""
        ...


class EmbeddingProvider(Protocol):
    """Something that embeds many texts in its own time; texts and vectors are keyed by text hash, so that order means nothing."""

    name: str
    model: str
    """What vectors are kept under; those of two models never mix."""
    dimensions: int
    is_free: bool
    """Whether asking again costs nothing, so that work goes on where the cache cannot be read."""

    def submit(self, texts: Mapping[str, str], origin: Origin) -> str:
        """Submit texts and return the batch's id; the same texts again give the same batch while it is not done."""
        ...

    def poll(self, batch_id: str) -> BatchStatus:
        """Return the state of a batch; what was asked about a moment ago is not asked about again."""
        ...

    def results(self, batch_id: str, keep: Keep, *, asks: bool = True) -> Mapping[str, str]:
        """Hand what came back to ``keep``, submit what is left unless ``asks`` is off, and return the problem codes of what came to nothing.

        Keys are the first KEY_DIGITS digits of the texts' hashes, or all of them.
        """
        ...

    def cancel(self, batch_id: str) -> None:
        """Stop a batch that nobody needs any more."""
        ...


def submit_embeddings(
    activities: Sequence[Activity],
    *,
    provider: EmbeddingProvider,
    cache: EmbeddingCache,
    origin: Origin,
    asks: bool = True,
    instead: Mapping[ActivityId, str] = MappingProxyType({}),
) -> SubmittedBatch:
    """Submit the texts that the cache does not hold, equal texts once, and return the handle; none where ``asks`` is off.

    What stands in ``instead`` is embedded in place of that activity's own text.

    Raises:
        TransientError: the provider or the cache does not answer.
        PermanentError: the provider refuses the texts, or us.
    """
    own = [embedding_text(activity) for activity in activities]
    texts = [instead.get(activity.id, text) for activity, text in zip(activities, own, strict=True)]
    hashes = [text_sha256(text) for text in texts]
    distinct = dict(zip(hashes, texts, strict=True))
    known = cache.known(provider.model, distinct)
    missing = {one: text for one, text in distinct.items() if one not in known}
    sent = missing if asks else {}
    return SubmittedBatch(
        ids_sha256=ids_sha256(activity.id for activity in activities),
        model=provider.model,
        dimensions=provider.dimensions,
        ids=tuple(activity.id for activity in activities),
        text_sha256=tuple(hashes),
        stated_sha256=tuple(map(text_sha256, own)) if texts != own else (),
        provider=provider.name,
        batch_id=provider.submit(sent, origin) if sent else "",
        requested=len(sent),
        reused=len(distinct) - len(missing),
    )


def collect_embeddings(
    batch: SubmittedBatch, *, provider: EmbeddingProvider, cache: EmbeddingCache, overdue: bool = False
) -> tuple[EmbeddingsMap, list[Problem]] | None:
    """Return the vectors of a batch by activity id with what is missing or wrong, or None while it is pending.

    One that ended badly, or is pending and ``overdue``, gives what the cache holds and a problem: a bundle without some vectors is
    better than none.

    Raises:
        PermanentError: the batch was made for another model.
        TransientError: the provider or the cache does not answer; of an overdue batch the provider need not.
    """
    if (batch.provider, batch.model) != (provider.name, provider.model):
        raise PermanentError(
            f"Collecting the batch of {batch.provider} {batch.model} is not for {provider.name} {provider.model}: vectors of two models "
            "never mix; materialize embedding_batch again."
        )
    gathered = _Gathered(batch, cache)
    answer = _overdue(batch, provider, gathered) if overdue else _answered(batch, provider, gathered)
    if answer.status in OPEN and not overdue:
        return None
    gathered.fill_from_cache()
    vectors, missing = gathered.as_map(answer.codes)
    return vectors, [*answer.problems, *missing]


class _Answer(NamedTuple):
    """What a provider says of a batch in the end."""

    status: BatchStatus
    codes: Mapping[str, str]
    problems: list[Problem]


def _answered(batch: SubmittedBatch, provider: EmbeddingProvider, gathered: "_Gathered") -> _Answer:
    if not batch.batch_id:
        return _Answer("completed", {}, [])
    status = provider.poll(batch.batch_id)
    if status == "pending":
        return _Answer(status, {}, [])
    gone = status not in ("completed", "unsent") and provider.is_free
    status, codes = (status, {}) if gone else _read_to_the_end(batch, provider, gathered)
    return _Answer(status, codes, [] if status == "completed" else [_ended_badly(batch, status)])


def _read_to_the_end(
    batch: SubmittedBatch, provider: EmbeddingProvider, gathered: "_Gathered"
) -> tuple[BatchStatus, Mapping[str, str]]:
    """Read until nothing is new: what is submitted meanwhile, for it had no room before or expired, may have ended at once."""
    while True:
        before = gathered.count
        codes = provider.results(batch.batch_id, gathered.keep)
        status = provider.poll(batch.batch_id)
        if status in OPEN or provider.is_free or gathered.count == before:
            return status, codes


def _overdue(batch: SubmittedBatch, provider: EmbeddingProvider, gathered: "_Gathered") -> _Answer:
    """Take what ended, and let the rest go; that a provider is down keeps nobody waiting any more."""
    if not batch.batch_id:
        return _Answer("completed", {}, [])
    try:
        provider.poll(batch.batch_id)
        codes = provider.results(batch.batch_id, gathered.keep, asks=False)
        status = provider.poll(batch.batch_id)
        if status in OPEN:
            provider.cancel(batch.batch_id)
            status = "pending"
        return _Answer(status, codes, [] if status == "completed" else [_ended_badly(batch, status)])
    except TripperError as error:
        told = Problem(code="batch_unreachable", subject=batch.batch_id, message=str(error))
        return _Answer("pending", {}, [_ended_badly(batch, "pending"), told])


def _ended_badly(batch: SubmittedBatch, status: BatchStatus) -> Problem:
    how = "was still pending after its deadline" if status == "pending" else f"ended as {status}"
    message = (
        f"The batch of {batch.provider} {how}; materialize embedding_batch and what follows again for its vectors."
    )
    return Problem(
        code="batch_overdue" if status == "pending" else f"batch_{status}", subject=batch.batch_id, message=message
    )


class _Gathered:
    """The vectors of a batch's texts as they come: one matrix, for a hundred thousand of them have no room twice."""

    def __init__(self, batch: SubmittedBatch, cache: EmbeddingCache) -> None:
        self._batch, self._cache = batch, cache
        self._rows: dict[str, list[int]] = {}
        for row, text in enumerate(batch.text_sha256):
            self._rows.setdefault(text[:KEY_DIGITS], []).append(row)
        self._vectors = np.zeros((len(batch.ids), batch.dimensions), dtype=np.float32)
        self._has = np.zeros(len(batch.ids), dtype=bool)

    @property
    def count(self) -> int:
        """How many activities have a vector."""
        return int(self._has.sum())

    def keep(self, vectors: Vectors) -> dict[str, str]:
        """Take and cache the good vectors, and return the problem codes of the others."""
        verdicts = {one: vector_problem(vector, self._batch.dimensions) for one, vector in vectors.items()}
        good = {one: vector for one, vector in vectors.items() if not verdicts[one] and one[:KEY_DIGITS] in self._rows}
        self._cache.save(self._batch.model, {self._whole(one): vector for one, vector in good.items()})
        self._put(good)
        return {one: code for one, code in verdicts.items() if code}

    def _whole(self, key: str) -> str:
        return self._batch.text_sha256[self._rows[key[:KEY_DIGITS]][0]]

    def _put(self, vectors: Vectors) -> None:
        for one, vector in vectors.items():
            rows = self._rows[one[:KEY_DIGITS]]
            self._vectors[rows] = vector
            self._has[rows] = True

    def fill_from_cache(self) -> None:
        """Take what did not come from the provider."""
        left = list(dict.fromkeys(self._batch.text_sha256[row] for row in np.flatnonzero(~self._has)))
        for start in range(0, len(left), LOADED_AT_ONCE):
            self._put(self._cache.load(self._batch.model, left[start : start + LOADED_AT_ONCE]))

    def as_map(self, codes: Mapping[str, str]) -> tuple[EmbeddingsMap, list[Problem]]:
        """Return the map, and a problem for each activity that has no vector."""
        batch, rows = self._batch, np.flatnonzero(self._has)
        by_key = {one[:KEY_DIGITS]: code for one, code in codes.items()}
        problems = [
            Problem(
                code=by_key.get(batch.text_sha256[row][:KEY_DIGITS], "embedding_missing"),
                subject=batch.ids[row],
                message="The provider gave no usable vector.",
            )
            for row in np.flatnonzero(~self._has)
        ]
        ids, texts = tuple(batch.ids[row] for row in rows), tuple(batch.text_sha256[row] for row in rows)
        own = tuple(batch.stated_sha256[row] for row in rows) if batch.stated_sha256 else ()
        vectors = self._vectors if len(rows) == len(batch.ids) else self._vectors[rows]
        return EmbeddingsMap(batch.ids_sha256, batch.model, ids, texts, vectors, own), problems
