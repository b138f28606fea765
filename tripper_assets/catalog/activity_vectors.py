"""The vectors of imported activities, checked, written in binary, and the index that finds the nearest ones."""

import hashlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt
from sqlalchemy import text

from tripper_assets.catalog.activity_rows import is_uuid
from tripper_assets.catalog.database import Database, PgConnection
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.maps import VectorSource
from tripper_assets.domain.model import ActivityId

INDEX_FROM_ROWS = 2000
"""Below this a search reads every vector in a few milliseconds, and an import need not maintain an index."""
MAX_INDEXED_DIMENSIONS = 4000
"""What pgvector's HNSW takes of the type halfvec."""
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
SHA256_TEXT_BYTES = 64


@dataclass(frozen=True)
class VectorBlock:
    """The vectors of one chunk of activities."""

    ids: list[ActivityId]
    texts: list[str]
    """The SHA-256 of each one's text."""
    vectors: npt.NDArray[np.float32]
    troubles: Mapping[ActivityId, str]
    """Why an activity's vector cannot be stored."""

    def of(self, wanted: Sequence[ActivityId]) -> list[int]:
        """Return the places of the wanted activities that have a vector."""
        chosen = set(wanted)
        return [place for place, one in enumerate(self.ids) if one in chosen]


class Vectors:
    """The vectors of one import, each checked against the activity that it is said to belong to.

    Raises:
        PermanentError: the parts do not run in parallel, so that nobody knows whose vector is whose.
    """

    def __init__(self, vectors: VectorSource) -> None:
        if not len(vectors.ids) == len(vectors.text_sha256) == len(vectors):
            raise PermanentError(
                f"Importing vectors of {vectors.model} found {len(vectors.ids)} ids, {len(vectors.text_sha256)} texts and "
                f"{len(vectors)} vectors; materialize embeddings_map again."
            )
        self.source = vectors
        self._rows = {one: row for row, one in enumerate(vectors.ids)}

    def block(self, activities: Sequence[Activity]) -> VectorBlock:
        """Return the vectors of some activities; those without one are left out."""
        # Of two lines with one id the first counts.
        firsts = {one.id: one for one in reversed(activities) if one.id in self._rows}
        having = sorted(firsts.values(), key=lambda one: self._rows[one.id])
        places = [self._rows[one.id] for one in having]
        vectors = self.source.take(places)
        whole = list[bool](np.logical_and.reduce(np.isfinite(vectors), axis=1))
        filled = list[bool](np.logical_or.reduce(vectors != 0, axis=1))
        texts = [self.source.text_sha256[row] for row in places]
        found = {
            one.id: "vector_not_finite"
            if not is_whole
            else "vector_zero"
            if not is_filled
            else self._mismatch(one, said)
            for one, is_whole, is_filled, said in zip(having, whole, filled, texts, strict=True)
        }
        troubles = {one: reason for one, reason in found.items() if reason}
        return VectorBlock([one.id for one in having], texts, vectors, troubles)

    def _mismatch(self, activity: Activity, text_sha256: str) -> str:
        stated = activity.embedding
        if stated is None:
            return ""
        if (stated.model, stated.text_sha256) != (self.source.model, text_sha256):
            return "vector_of_another_text"
        return "" if stated.dimensions == self.source.dimensions else "vector_dimensions"


class VectorWriter:
    """Writes the vectors of one import within its transaction."""

    def __init__(self, connection: PgConnection, model: str, dimensions: int) -> None:
        self._connection = connection
        self._model, self._dimensions = model, dimensions
        self._is_staged = False

    def write(self, block: VectorBlock, accepted: Sequence[ActivityId]) -> None:
        """Store the vectors of the accepted activities, whose rows are there; one whose text did not change is not written again."""
        places = block.of(accepted)
        held = self._held([block.ids[place] for place in places])
        said = {place: (self._dimensions, block.texts[place]) for place in places}
        new = [place for place in places if block.ids[place] not in held]
        changed = [place for place in places if held.get(block.ids[place], said[place]) != said[place]]
        self._copy("tripper.activity_embeddings", block, new)
        if changed:
            self._stage()
            self._copy("incoming_vectors", block, changed)
            self._connection.execute(_PUT)

    def _held(self, ids: Sequence[ActivityId]) -> dict[ActivityId, tuple[int, str]]:
        rows = self._connection.execute(_HELD, [self._model, [UUID(one) for one in ids]])
        return {found: (dimensions, said) for found, dimensions, said in rows}

    def _stage(self) -> None:
        if self._is_staged:
            self._connection.execute("TRUNCATE incoming_vectors")
            return
        self._connection.execute(_STAGING)
        self._is_staged = True

    def _copy(self, table: str, block: VectorBlock, places: Sequence[int]) -> None:
        if not places:
            return
        rows = self._binary(block, places)
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY {table} {_NAMES} FROM STDIN (FORMAT BINARY)".encode()) as copy,
        ):
            copy.write(COPY_HEADER)
            copy.write(rows)
            copy.write(COPY_TRAILER)

    def _binary(self, block: VectorBlock, places: Sequence[int]) -> bytes:
        """Return rows as COPY and pgvector's vector_recv read them: each field behind its length, all of it big-endian."""
        model, size = self._model.encode(), self._dimensions
        layout = [
            ("fields", ">i2"), ("of_id", ">i4"), ("id", "V16"), ("of_model", ">i4"), ("model", f"V{len(model)}"),
            ("of_dimensions", ">i4"), ("dimensions", ">i4"), ("of_sha", ">i4"), ("sha", f"V{SHA256_TEXT_BYTES}"),
            ("of_vector", ">i4"), ("width", ">i2"), ("unused", ">i2"), ("vector", ">f4", (size,)),
        ]  # fmt: skip
        rows = np.zeros(len(places), dtype=layout)
        lengths = {"fields": 5, "of_id": 16, "of_model": len(model), "of_dimensions": 4, "dimensions": size}
        lengths |= {"of_sha": SHA256_TEXT_BYTES, "of_vector": 4 + 4 * size, "width": size}
        for name, value in lengths.items():
            rows[name] = value
        rows["id"] = np.frombuffer(b"".join(UUID(block.ids[place]).bytes for place in places), dtype="V16")
        rows["model"] = np.void(model)
        rows["sha"] = np.frombuffer(
            "".join(block.texts[place] for place in places).encode(), dtype=f"V{SHA256_TEXT_BYTES}"
        )
        rows["vector"] = block.vectors[list(places)]
        return rows.tobytes()


_NAMES = "(activity_id, model, dimensions, text_sha256, embedding)"
_HELD = """
    SELECT activity_id::text, dimensions, text_sha256 FROM tripper.activity_embeddings
    WHERE model = %s AND activity_id = ANY(%s::uuid[])
"""
_STAGING = """
    CREATE TEMP TABLE incoming_vectors
        (activity_id uuid, model text, dimensions int, text_sha256 text, embedding public.vector)
    ON COMMIT DROP
"""
_PUT = f"""
    INSERT INTO tripper.activity_embeddings {_NAMES}
    SELECT activity_id, model, dimensions, text_sha256, embedding FROM incoming_vectors ORDER BY activity_id
    ON CONFLICT (activity_id, model) DO UPDATE
    SET dimensions = excluded.dimensions, text_sha256 = excluded.text_sha256, embedding = excluded.embedding
"""  # noqa: S608 (made of constants)


def index_vectors(database: Database, model: str, dimensions: int) -> bool:
    """Make the HNSW index of one model once it has enough vectors, and return whether it was made just now.

    Of half-precision floats: half as large as one of whole floats, and what it finds is compared again by the whole vectors.
    After the load and not before it: a copy of 1536 dimensions under a live index ran at 64 to 71 rows a second.
    """
    if dimensions > MAX_INDEXED_DIMENSIONS:
        return False
    name = index_name(model, dimensions)
    with database.connection() as connection:
        if connection.scalar(text("SELECT to_regclass(:name)"), {"name": f"tripper.{name}"}) is not None:
            return False
        rows = connection.scalar(text(_COUNT), {"model": model, "dimensions": dimensions}) or 0
        if rows < INDEX_FROM_ROWS:
            return False
        connection.execute(text(_ROOM), {"kilobytes": _index_kilobytes(rows, dimensions)})
        literal = model.replace("'", "''")
        connection.exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {name} ON tripper.activity_embeddings "
            f"USING hnsw ((embedding::public.halfvec({dimensions})) public.halfvec_cosine_ops) "
            f"WHERE model = '{literal}' AND dimensions = {dimensions}".replace("%", "%%")
        )
    return True


@contextmanager
def indexed_after(database: Database, vectors: VectorSource | None) -> Generator[None]:
    """Have the index of a model ready after its vectors are imported within; none is maintained while most of them come.

    Searches go on meanwhile, and read every vector, in tens of milliseconds. An import that fails leaves the index to the next one.
    """
    if vectors is None or not len(vectors):
        yield
        return
    _make_way(database, vectors)
    yield
    index_vectors(database, vectors.model, vectors.dimensions)


def _make_way(database: Database, vectors: VectorSource) -> None:
    """Remove the model's index where more vectors are about to come than it has: to make it anew takes less than to let it grow."""
    name = index_name(vectors.model, vectors.dimensions)
    values = {"model": vectors.model, "dimensions": vectors.dimensions}
    with database.connection() as connection:
        if connection.scalar(text("SELECT to_regclass(:name)"), {"name": f"tripper.{name}"}) is None:
            return
        rows = connection.scalar(text(_COUNT), values) or 0
        if len(vectors) < max(rows, INDEX_FROM_ROWS):
            return
        known = connection.scalar(text(_KNOWN), values | {"ids": list(filter(is_uuid, vectors.ids))}) or 0
        if len(vectors) - known > rows:
            connection.execute(text(f"DROP INDEX IF EXISTS tripper.{name}"))


def index_name(model: str, dimensions: int) -> str:
    """Return what the index of a model's vectors is called."""
    return f"ix_activity_embeddings_{hashlib.sha256(f'{model} {dimensions}'.encode()).hexdigest()[:12]}"


MOST_INDEX_KILOBYTES = 1_048_576
GRAPH_BYTES = 600
"""Of one vector's neighbours, about: an index that outgrows maintenance_work_mem is finished row by row, many times slower."""


def _index_kilobytes(rows: int, dimensions: int) -> int:
    return min(rows * (4 * dimensions + GRAPH_BYTES) // 1_000, MOST_INDEX_KILOBYTES)


_ROOM = """
    SELECT set_config('maintenance_work_mem', :kilobytes || 'kB', true)
    WHERE :kilobytes > (SELECT setting::int FROM pg_settings WHERE name = 'maintenance_work_mem')
"""
_COUNT = "SELECT count(*) FROM tripper.activity_embeddings WHERE model = :model AND dimensions = :dimensions"
_KNOWN = f"{_COUNT} AND activity_id = ANY(CAST(:ids AS uuid[]))"
