"""The memory that importing very many activities takes, in a process of its own: `python -m benchmarks.import_memory`."""

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson

from benchmarks.crawl_memory import peak_bytes
from benchmarks.imports import WORKFLOW, catalog_database, started_workflow
from benchmarks.one_core import answered
from benchmarks.sample_records import DIMENSIONS, MODEL, records_of
from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.sources import make_source
from tripper_assets.formats import encode
from tripper_assets.stored_vectors import StoredVectors

ROWS = 100_000
AT = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
SOURCE = make_source("https://example.org/")


def peaks(rows: int = ROWS) -> dict[str, int]:
    """Return the peak bytes of a process that imports so many activities with vectors of 1,536 floats, and of one that finds nothing changed."""
    with catalog_database() as database, tempfile.TemporaryDirectory() as folder:
        started_workflow(database, SourceRegistry(database).add(SOURCE))
        url = database.engine.url.render_as_string(hide_password=False)
        answered("import_memory", work="make", folder=folder, rows=rows, url=url)
        first = answered("import_memory", work="load", folder=folder, rows=rows, url=url)
        again = answered("import_memory", work="load", folder=folder, rows=0, url=url)
    return {"first": int(first["bytes"]), "again": int(again["bytes"])}


class _Lines:
    """Records that are read from a file of JSON Lines, as often as they are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Activity]:
        """Read from the beginning."""
        with self._path.open("rb") as lines:
            for line in lines:
                yield Activity.model_validate(orjson.loads(line))


def _make(folder: str, rows: int, _: str) -> None:
    records = records_of(SOURCE, rows)
    ids = tuple(one.id for one in records)
    texts = tuple(one.embedding.text_sha256 if one.embedding else "" for one in records)
    vectors = np.random.default_rng(7).standard_normal((rows, DIMENSIONS), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    Path(folder, "vectors.parquet").write_bytes(encode(EmbeddingsMap("0" * 64, MODEL, ids, texts, vectors)).data)
    with Path(folder, "records.jsonl").open("wb") as lines:
        lines.writelines(orjson.dumps(one.dump(), option=orjson.OPT_APPEND_NEWLINE) for one in records)


def _load(folder: str, rows: int, url: str) -> None:
    database = Database(url)
    summary = import_snapshot(
        database,
        source_key=SOURCE.key,
        records=_Lines(Path(folder, "records.jsonl")),
        vectors=StoredVectors(Path(folder, "vectors.parquet")),
        workflow_id=WORKFLOW,
        bundle_sha256="b" * 64,
        at=AT,
    )
    database.dispose()
    if summary.inserted != rows or not summary.lines:
        raise ValueError(f"the import did {summary}: its figure would say nothing")


if __name__ == "__main__":
    job = json.loads(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].startswith("{") else {}
    if job:
        {"make": _make, "load": _load}[job["work"]](job["folder"], job["rows"], job["url"])
        print(json.dumps({"bytes": peak_bytes()}))
    else:
        print(json.dumps(peaks(*map(int, sys.argv[1:]))))
