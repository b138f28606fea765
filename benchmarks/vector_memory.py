"""The memory that storing and reading very many vectors takes, each in a process of its own: `python -m benchmarks.vector_memory`."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.crawl_memory import peak_bytes
from benchmarks.one_core import answered
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.formats import decode, encode

ROWS, DIMENSIONS = 100_000, 1_536
KEY = "vectors/object"


def peaks(rows: int = ROWS) -> dict[str, int]:
    """Return the peak bytes of a process that stores so many vectors of 1,536 floats, and of one that reads them."""
    with tempfile.TemporaryDirectory() as folder:
        wrote = answered("vector_memory", work="write", folder=folder, rows=rows)
        read = answered("vector_memory", work="read", folder=folder, rows=rows)
    return {"write": int(wrote["bytes"]), "read": int(read["bytes"])}


def _write(folder: str, rows: int) -> None:
    vectors = np.empty((rows, DIMENSIONS), dtype=np.float32)
    random = np.random.default_rng(7)
    for start in range(0, rows, 1_000):
        part = vectors[start : start + 1_000]
        random.standard_normal(part.shape, dtype=np.float32, out=part)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    ids = tuple(f"{row:032x}" for row in range(rows))
    Objects(Path(folder).as_uri()).put(KEY, encode(EmbeddingsMap("0" * 64, "benchmark", ids, ids, vectors)).data)


def _read(folder: str, rows: int) -> None:
    objects = Objects(Path(folder).as_uri())
    found = decode(objects.get(objects.uri(KEY)), EmbeddingsMap, extension="parquet", uri=KEY)
    if found.vectors.shape != (rows, DIMENSIONS):
        raise ValueError(f"{found.vectors.shape} came back: its figure would say nothing")


if __name__ == "__main__":
    job = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    if job:
        {"write": _write, "read": _read}[job["work"]](job["folder"], job["rows"])
        print(json.dumps({"bytes": peak_bytes()}))
    else:
        print(json.dumps(peaks()))
