"""10,000 vectors of 1,536 floats through the IO manager's format and store, beside JSON and a raw copy; and the memory of 100,000."""

import json
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure, seconds_in_turns
from benchmarks.vector_memory import peaks
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.formats import decode, encode

ROWS, DIMENSIONS = 10_000, 1_536
MANY, FLOAT_BYTES, GIB, MOST_GIB = 100_000, 4, 2**30, 1.5
JSON_ROWS = 500
"""JSON is written for so many rows and scaled: all of them take half a minute."""


def measure() -> list[Figure]:
    """Return seconds to write and to read, and the size against float32."""
    vectors = np.random.default_rng(7).standard_normal((ROWS, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = tuple(f"{row:032x}" for row in range(ROWS))
    value = EmbeddingsMap("0" * 64, "benchmark", ids, ids, vectors)
    with tempfile.TemporaryDirectory() as folder:
        return [*_measure(value, Path(folder)), *_memory()]


def _memory() -> list[Figure]:
    """Return the peaks of processes that store and read 100,000 of them, beside the bare floats and the most that they may take."""
    bare = MANY * DIMENSIONS * FLOAT_BYTES / GIB
    found = peaks(MANY)
    return [
        Figure(f"vectors_memory_{work}", "GiB", "lower", found[work] / GIB, MOST_GIB, "the bound", bare, "float32")
        for work in ("write", "read")
    ]


def _measure(value: EmbeddingsMap, folder: Path) -> list[Figure]:
    objects, raw, text = Objects(f"file://{folder}/objects"), folder / "raw", folder / "text.json"
    data = value.vectors.tobytes()
    turn = iter(range(1_000_000))
    stored = objects.put("first/object", encode(value).data)

    def ours_writes() -> None:
        objects.put(f"benchmark/{next(turn)}", encode(value).data)

    def ours_reads() -> None:
        decode(objects.get(stored.uri, sha256=stored.sha256), EmbeddingsMap, extension="parquet", uri=stored.uri)

    def json_writes() -> None:
        text.write_text(json.dumps(value.vectors[:JSON_ROWS].tolist()), encoding="utf-8")

    wrote, copied, json_wrote = seconds_in_turns(ours_writes, lambda: raw.write_bytes(data), json_writes)
    read, copied_back, json_read = seconds_in_turns(ours_reads, raw.read_bytes, lambda: json.loads(text.read_text()))
    scale = ROWS / JSON_ROWS
    return [
        Figure("vectors_write", "s", "lower", wrote, json_wrote * scale, "JSON", copied, "raw copy"),
        Figure("vectors_read", "s", "lower", read, json_read * scale, "JSON", copied_back, "raw copy"),
        Figure("vectors_size", "of float32", "lower", stored.bytes / len(data), None, "", 1.0, "float32"),
    ]
