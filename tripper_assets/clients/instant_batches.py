"""An embedder that answers at once, behind the role that remote batches have: submit embeds, and collect finds what was stored."""

import hashlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from tripper_assets.clients.embeddings import Embedder, Keep, Vectors
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.batches import BatchStatus, Origin
from tripper_assets.domain.errors import CorruptObjectError, NotFoundError

CONTENT = b"content_sha256"
"""Where a stored batch holds the hash of its texts' hashes and vectors."""


class InstantBatches:
    """An embedder behind the role: a batch is done when submit returns, and its results are an object of the store."""

    def __init__(self, embedder: Embedder, objects: Objects, *, name: str = "local", is_free: bool = True) -> None:
        self._embedder = embedder
        self._objects = objects
        self.name = name
        self.is_free = is_free
        self.model = embedder.model
        self.dimensions = embedder.dimensions

    def submit(self, texts: Mapping[str, str], origin: Origin) -> str:
        """Embed the texts and store the vectors; texts that were submitted before are found again, and not embedded."""
        batch_id = _batch_id(self.model, texts)
        if not self._holds(batch_id):
            hashes = sorted(texts)
            vectors = self._embedder.embed([texts[one] for one in hashes], origin)
            self._objects.put(_key(batch_id), _as_bytes(hashes, vectors))
        return batch_id

    def poll(self, batch_id: str) -> BatchStatus:
        """Return completed, or failed where the results were removed."""
        return "completed" if self._objects.exists(_key(batch_id)) else "failed"

    def results(self, batch_id: str, keep: Keep, *, asks: bool = True) -> dict[str, str]:
        """Hand the stored vectors to ``keep``, and return what it says; nothing is left to ask for.

        Raises:
            NotFoundError: the results were removed.
            CorruptObjectError: the results cannot be read.
        """
        del asks
        return dict(keep(self._read(batch_id)))

    def _read(self, batch_id: str) -> Vectors:
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
            self._read(batch_id)
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
