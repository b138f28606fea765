"""The vectors of imported activities, and the index that finds the nearest ones."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from pgvector.psycopg import register_vector
from sqlalchemy import text

from tripper_assets.catalog.activity_rows import Vectors
from tripper_assets.catalog.database import Database, PgConnection
from tripper_assets.domain.model import ActivityId

INDEX_FROM_ROWS = 2000
"""Below this a search reads every vector in a few milliseconds, and an import need not maintain an index."""
MAX_INDEXED_DIMENSIONS = 2000
"""What pgvector's HNSW takes of the type vector."""


def put_vectors(connection: PgConnection, vectors: Vectors, ids: Sequence[ActivityId]) -> None:
    """Store the vectors of the accepted activities; one whose text did not change is not written again."""
    held = connection.execute(_HELD, [vectors.map.model, vectors.map.dimensions, [UUID(one) for one in ids]])
    known = dict(held.fetchall())
    wanted = [(one, row) for one in ids if (row := vectors.row(one)) is not None]
    fresh = [(one, row) for one, row in wanted if known.get(one) != vectors.map.text_sha256[row]]
    if not fresh:
        return
    register_vector(connection)
    connection.execute("CREATE TEMP TABLE incoming_vectors (id uuid, sha text, embedding vector) ON COMMIT DROP")
    with connection.cursor() as cursor, cursor.copy("COPY incoming_vectors FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["uuid", "text", "vector"])
        for one, row in fresh:
            copy.write_row((UUID(one), vectors.map.text_sha256[row], vectors.map.vectors[row]))
    connection.execute(_PUT, [vectors.map.model, vectors.map.dimensions])


_HELD = """
    SELECT activity_id::text, text_sha256 FROM tripper.activity_embeddings
    WHERE model = %s AND dimensions = %s AND activity_id = ANY(%s::uuid[])
"""
_PUT = """
    INSERT INTO tripper.activity_embeddings (activity_id, model, dimensions, text_sha256, embedding)
    SELECT id, %s, %s, sha, embedding FROM incoming_vectors ORDER BY id
    ON CONFLICT (activity_id, model) DO UPDATE
    SET dimensions = excluded.dimensions, text_sha256 = excluded.text_sha256, embedding = excluded.embedding
"""


def index_vectors(database: Database, model: str, dimensions: int) -> bool:
    """Make the HNSW index of one model once it has enough vectors, and return whether it was made just now.

    After the load and not before it: a copy of 1536 dimensions under a live index ran at 64 to 71 rows a second.
    """
    if dimensions > MAX_INDEXED_DIMENSIONS:
        return False
    name = f"ix_activity_embeddings_{hashlib.sha256(f'{model} {dimensions}'.encode()).hexdigest()[:12]}"
    with database.connection() as connection:
        if connection.scalar(text("SELECT to_regclass(:name)"), {"name": f"tripper.{name}"}) is not None:
            return False
        rows = connection.scalar(text(_COUNT), {"model": model, "dimensions": dimensions}) or 0
        if rows < INDEX_FROM_ROWS:
            return False
        literal = model.replace("'", "''")
        connection.exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {name} ON tripper.activity_embeddings "
            f"USING hnsw ((embedding::public.vector({dimensions})) public.vector_cosine_ops) "
            f"WHERE model = '{literal}' AND dimensions = {dimensions}".replace("%", "%%")
        )
    return True


_COUNT = "SELECT count(*) FROM tripper.activity_embeddings WHERE model = :model AND dimensions = :dimensions"
