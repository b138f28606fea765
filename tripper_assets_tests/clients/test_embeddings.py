"""Texts become vectors once: the local model, the batch role behind it, and submit and collect over a cache."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tripper_assets.clients.embeddings import EmbeddingCache, EmbeddingProvider, Keep, collect_embeddings
from tripper_assets.clients.embeddings import submit_embeddings as submit_for
from tripper_assets.clients.instant_batches import InstantBatches
from tripper_assets.clients.local_embedder import LocalEmbedder
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batches import BatchStatus, Origin, SubmittedBatch
from tripper_assets.domain.errors import CorruptObjectError, PermanentError
from tripper_assets.domain.identity import ids_sha256, text_sha256

Vectors = dict[str, npt.NDArray[np.float32]]
ORIGIN = Origin("w", "town-12345678", "embedding_batch", "embeddings")


def submit_embeddings(
    activities: list[Activity], *, provider: EmbeddingProvider, cache: EmbeddingCache
) -> SubmittedBatch:
    return submit_for(activities, provider=provider, cache=cache, origin=ORIGIN)


def results(provider: InstantBatches, batch_id: str) -> dict[str, list[float]]:
    taken: Vectors = {}

    def keep(vectors: Vectors) -> dict[str, str]:
        taken.update(vectors)
        return {}

    provider.results(batch_id, keep)
    return {one: vector.tolist() for one, vector in taken.items()}


def activity(number: int, text: str) -> Activity:
    return Activity(
        id=f"00000000-0000-5000-8000-{number:012d}",
        index=number,
        source_key="town-12345678",
        source_url="https://town.example/",
        url=f"https://town.example/{number}",
        type="Event",
        name=text,
    )


@dataclass
class Letters:
    """Embeds a text as the unit vector of its length's parity, and counts."""

    model: str = "letters"
    dimensions: int = 2
    texts: list[str] = field(default_factory=list)

    def embed(self, texts: Sequence[str], origin: Origin | None = None) -> npt.NDArray[np.float32]:
        assert origin == ORIGIN
        self.texts += texts
        return np.array([[len(text) % 2, 1 - len(text) % 2] for text in texts], dtype=np.float32).reshape(len(texts), 2)


@dataclass
class Cache:
    vectors: dict[tuple[str, str], npt.NDArray[np.float32]] = field(default_factory=dict)

    def known(self, model: str, text_sha256s: Collection[str]) -> set[str]:
        return {one for one in text_sha256s if (model, one) in self.vectors}

    def load(self, model: str, text_sha256s: Sequence[str]) -> Vectors:
        return {one: self.vectors[model, one] for one in text_sha256s if (model, one) in self.vectors}

    def save(self, model: str, vectors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        self.vectors |= {(model, one): vector for one, vector in vectors.items()}


@dataclass
class Remote:
    """A provider whose answers a test decides."""

    status: BatchStatus = "pending"
    answers: Vectors = field(default_factory=dict)
    name: str = "remote"
    model: str = "letters"
    dimensions: int = 2
    is_free: bool = False
    submitted: list[dict[str, str]] = field(default_factory=list)

    def submit(self, texts: Mapping[str, str], origin: Origin) -> str:
        assert origin == ORIGIN
        self.submitted.append(dict(texts))
        return f"batch-{len(self.submitted)}"

    def poll(self, batch_id: str) -> BatchStatus:
        assert batch_id == f"batch-{len(self.submitted)}"
        return self.status

    def results(self, batch_id: str, keep: Keep, *, asks: bool = True) -> Mapping[str, str]:
        del asks  # nothing is left to ask for
        assert batch_id
        return keep(self.answers if self.status == "completed" else {})

    def cancel(self, batch_id: str) -> None:
        assert batch_id


@dataclass
class InParts(Remote):
    """A provider whose queue holds one text at a time, and which is done with it at once."""

    def results(self, batch_id: str, keep: Keep, *, asks: bool = True) -> Mapping[str, str]:
        assert asks
        assert batch_id
        first = next(iter(self.answers), None)
        return keep({first: self.answers.pop(first)} if first else {})


@pytest.fixture
def provider() -> InstantBatches:
    return InstantBatches(Letters(), Objects("memory://"))


def test_each_activity_gets_the_vector_of_its_own_text_and_equal_texts_are_embedded_once(
    provider: InstantBatches,
) -> None:
    activities = [activity(1, "odd"), activity(2, "even"), activity(3, "odd")]
    batch = submit_embeddings(activities, provider=provider, cache=Cache())

    collected = collect_embeddings(batch, provider=provider, cache=Cache())

    assert collected is not None
    found, problems = collected
    assert (batch.requested, batch.reused, problems) == (2, 0, [])
    assert found.ids == tuple(one.id for one in activities)
    assert found.vectors.tolist() == [[1, 0], [0, 1], [1, 0]]
    assert found.ids_sha256 == ids_sha256(one.id for one in activities)


def test_a_refined_text_is_embedded_in_place_of_the_stated_one_and_both_hashes_are_kept(
    provider: InstantBatches,
) -> None:
    activities = [activity(1, "odd"), activity(2, "even")]
    instead = {activities[1].id: "a refined odd text!"}
    batch = submit_for(activities, provider=provider, cache=Cache(), origin=ORIGIN, instead=instead)

    collected = collect_embeddings(batch, provider=provider, cache=Cache())

    assert collected is not None
    assert collected[0].vectors.tolist() == [[1, 0], [1, 0]]
    assert collected[0].text_sha256 == (text_sha256("odd"), text_sha256("a refined odd text!"))
    assert collected[0].stated_sha256 == (text_sha256("odd"), text_sha256("even"))
    assert submit_embeddings(activities, provider=provider, cache=Cache()).stated_sha256 == ()


def test_a_text_that_was_embedded_before_is_never_sent_again(provider: InstantBatches) -> None:
    cache = Cache()
    first = submit_embeddings([activity(1, "odd")], provider=provider, cache=cache)
    collect_embeddings(first, provider=provider, cache=cache)

    second = submit_embeddings([activity(7, "odd"), activity(8, "even")], provider=provider, cache=cache)

    assert (second.requested, second.reused) == (1, 1)
    collected = collect_embeddings(second, provider=provider, cache=cache)
    assert collected is not None
    assert collected[0].vectors.tolist() == [[1, 0], [0, 1]]


def test_submitting_again_after_a_kill_embeds_nothing_again() -> None:
    letters = Letters()
    provider = InstantBatches(letters, Objects("memory://"))
    activities = [activity(1, "odd"), activity(2, "even")]

    batches = [submit_embeddings(activities, provider=provider, cache=Cache()).batch_id for _ in range(2)]

    assert batches[0] == batches[1]
    assert len(letters.texts) == 2


def test_nothing_to_ask_is_no_batch_and_still_a_map(provider: InstantBatches) -> None:
    batch = submit_embeddings([], provider=provider, cache=Cache())

    collected = collect_embeddings(batch, provider=provider, cache=Cache())

    assert batch.batch_id == ""
    assert collected is not None
    assert collected[0].vectors.shape == (0, 2)


def test_a_pending_batch_gives_nothing_yet() -> None:
    remote = Remote()
    batch = submit_embeddings([activity(1, "odd")], provider=remote, cache=Cache())

    assert collect_embeddings(batch, provider=remote, cache=Cache()) is None


@pytest.mark.parametrize("status", ["failed", "expired", "canceled"])
def test_a_batch_that_ended_badly_gives_what_the_cache_holds_and_says_what_to_do(status: BatchStatus) -> None:
    remote, cache = Remote("completed"), Cache()
    known = activity(1, "odd")
    first = submit_embeddings([known], provider=remote, cache=cache)
    remote.answers = {first.text_sha256[0]: np.array([1, 0], dtype=np.float32)}
    collect_embeddings(first, provider=remote, cache=cache)
    remote.status = status
    batch = submit_embeddings([known, activity(2, "even")], provider=remote, cache=cache)

    collected = collect_embeddings(batch, provider=remote, cache=cache)

    assert collected is not None
    found, problems = collected
    assert found.ids == (known.id,)
    assert [one.code for one in problems] == [f"batch_{status}", "embedding_missing"]
    assert f"ended as {status}; materialize embedding_batch" in problems[0].message


def test_a_batch_that_is_pending_after_its_deadline_is_waited_for_no_longer() -> None:
    remote = Remote("pending")
    batch = submit_embeddings([activity(1, "odd")], provider=remote, cache=Cache())

    collected = collect_embeddings(batch, provider=remote, cache=Cache(), overdue=True)

    assert collected is not None
    found, problems = collected
    assert found.vectors.shape == (0, 2)
    assert [one.code for one in problems] == ["batch_overdue", "embedding_missing"]


def test_a_bad_or_missing_vector_is_a_problem_of_its_activity_and_shifts_nobody() -> None:
    remote, cache = Remote("completed"), Cache()
    activities = [activity(1, "nan"), activity(2, "good"), activity(3, "absent"), activity(4, "long")]
    batch = submit_embeddings(activities, provider=remote, cache=cache)
    by_name = dict(zip(("nan", "good", "absent", "long"), batch.text_sha256, strict=True))
    remote.answers = {
        by_name["long"]: np.array([3, 4], dtype=np.float32),
        by_name["good"]: np.array([0, 1], dtype=np.float32),
        by_name["nan"]: np.array([np.nan, 1], dtype=np.float32),
    }

    collected = collect_embeddings(batch, provider=remote, cache=cache)

    assert collected is not None
    found, problems = collected
    assert found.ids == (activities[1].id,)
    assert found.vectors.tolist() == [[0, 1]]
    assert {problem.subject: problem.code for problem in problems} == {
        activities[0].id: "embedding_not_finite",
        activities[2].id: "embedding_missing",
        activities[3].id: "embedding_not_unit_length",
    }
    assert list(cache.vectors) == [("letters", by_name["good"])]


def test_vectors_of_two_models_never_mix(provider: InstantBatches) -> None:
    batch = submit_embeddings([activity(1, "odd")], provider=provider, cache=Cache())

    with pytest.raises(PermanentError, match="vectors of two models never mix"):
        collect_embeddings(batch, provider=Remote(), cache=Cache())


def test_a_canceled_local_batch_is_gone(provider: InstantBatches) -> None:
    batch_id = provider.submit({"a" * 64: "text"}, ORIGIN)

    provider.cancel(batch_id)

    assert provider.poll(batch_id) == "failed"


def flip_a_bit(folder: Path, place: int) -> None:
    (stored,) = folder.glob("batches/*.parquet")
    data = bytearray(stored.read_bytes())
    data[place] ^= 1
    stored.write_bytes(data)


def test_spoilt_results_are_refused_and_made_anew(tmp_path: Path) -> None:
    letters = Letters()
    provider = InstantBatches(letters, Objects(f"file://{tmp_path}"))
    batch = submit_embeddings([activity(1, "odd")], provider=provider, cache=Cache())
    flip_a_bit(tmp_path, -1)

    with pytest.raises(CorruptObjectError, match="materialize embedding_batch again"):
        collect_embeddings(batch, provider=provider, cache=Cache())
    again = submit_embeddings([activity(1, "odd")], provider=provider, cache=Cache())
    collected = collect_embeddings(again, provider=provider, cache=Cache())

    assert collected is not None
    assert collected[0].vectors.tolist() == [[1, 0]]
    assert letters.texts == ["odd", "odd"]


def test_a_flipped_bit_is_noticed_or_changes_no_vector(tmp_path: Path) -> None:
    provider = InstantBatches(Letters(), Objects(f"file://{tmp_path}"))
    batch_id = provider.submit({"a" * 64: "odd", "b" * 64: "even"}, ORIGIN)
    size = next(tmp_path.glob("batches/*.parquet")).stat().st_size

    noticed = 0
    for place in range(0, size, 5):
        flip_a_bit(tmp_path, place)
        try:
            assert results(provider, batch_id) == {"a" * 64: [1, 0], "b" * 64: [0, 1]}
        except CorruptObjectError:
            noticed += 1
        flip_a_bit(tmp_path, place)

    assert noticed > 20


@pytest.fixture(scope="module")
def local() -> LocalEmbedder:
    return LocalEmbedder(threads=2)


def test_the_local_model_puts_like_beside_like(local: LocalEmbedder) -> None:
    dinosaurs, fossils, pool = local.embed(
        ["dinosaur museum for children", "an exhibition of fossils and dinosaurs", "opening hours of the swimming pool"]
    )

    assert dinosaurs @ fossils > 0.5 > dinosaurs @ pool


def test_the_local_model_gives_unit_vectors_in_the_order_of_the_texts(local: LocalEmbedder) -> None:
    texts = ["a long text about a walk through the forest " * 20, "", "zoo", "Zoo", "日本語 ünïcödé \ud800"]

    vectors = local.embed(texts)

    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[2], vectors[3], atol=1e-5)
    assert np.allclose(local.embed(texts[:1])[0], vectors[0], atol=0.02)


def test_no_text_is_no_vector(local: LocalEmbedder) -> None:
    assert local.embed([]).shape == (0, 384)


def test_what_is_submitted_while_results_are_read_and_ends_at_once_is_read_too() -> None:
    activities = [activity(1, "odd"), activity(2, "even"), activity(3, "other")]
    remote = InParts("completed")
    batch = submit_embeddings(activities, provider=remote, cache=Cache())
    remote.answers = {one[:32]: np.array([0.6, 0.8], dtype=np.float32) for one in batch.text_sha256}

    collected = collect_embeddings(batch, provider=remote, cache=Cache())

    assert collected
    assert (len(collected[0].ids), collected[1]) == (3, [])
