"""The rankings that a search fuses: by words, by names despite typing errors, and by nearness of meaning; each holds under the filters."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pgvector import Vector
from sqlalchemy import Connection
from sqlalchemy import text as statement

from tripper_assets.catalog.activity_vectors import MAX_INDEXED_DIMENSIONS, index_name
from tripper_assets.catalog.search_conditions import Conditions
from tripper_assets.catalog.search_words import Wanted
from tripper_assets.domain.model import ActivityId

ENOUGH = 10
"""Hits by all words, from which on no hits by most of them are looked for."""
RANKED_ROWS = 2_000
"""How many rows with the words are ranked at most: what has one word in common with half of a catalog is not worth reading that half."""
LONGEST_NAME = 100
"""Characters of a question that may be a name with typing errors."""
EXACT_ROWS = 4_000
"""Up to so many rows under the filters are compared each: the index would have to pass over all the others."""
Ranking = Sequence[ActivityId]


class Asked(NamedTuple):
    """What every ranking is made for."""

    connection: Connection
    conditions: Conditions
    depth: int
    """How many each gives at most."""

    def ids(self, sql: str, **values: Any) -> list[ActivityId]:  # noqa: ANN401 (query parameters)
        """Return the ids that a statement gives under the conditions."""
        whole = statement(sql.replace("{conditions}", self.conditions.sql))
        given = {**self.conditions.values, "depth": self.depth, **values}
        return list(self.connection.scalars(whole, given))


def by_words(asked: Asked, wanted: Wanted) -> Ranking:
    """Return what has all words, by how much weight they have there."""
    if not wanted.strict:
        return []
    own = {f"own_{tag}": query for tag, query in wanted.own.items()}
    return asked.ids(_WORDS.replace("{own}", _own_words(wanted)), wanted=wanted.strict, **_ranked_by(wanted), **own)


def by_most_words(asked: Asked, wanted: Wanted, text: str) -> Ranking:
    """Return what has most of the words, by how much weight they have there, and among equals whose name is more like ``text``."""
    if not wanted.relaxed:
        return []
    return asked.ids(_MOST_WORDS, wanted=wanted.relaxed, text=text[:LONGEST_NAME], **_ranked_by(wanted))


def _ranked_by(wanted: Wanted) -> dict[str, Any]:
    return {"any_word": wanted.any_word, "most": RANKED_ROWS}


def _own_words(wanted: Wanted) -> str:
    """Return the condition that a text has what a question with operators means in the text's own language."""
    if not wanted.own:
        return ""
    cases = " ".join(f"WHEN '{tag}' THEN CAST(:own_{tag} AS tsquery)" for tag in wanted.own if tag)
    other = "CAST(:own_ AS tsquery)" if "" in wanted.own else "''::tsquery"
    return f"AND search @@ {f'CASE language {cases} ELSE {other} END' if cases else other}"


def by_name(asked: Asked, text: str) -> Ranking:
    """Return the activities whose name has words like those of ``text``, the most alike first."""
    if not text.strip() or len(text) > LONGEST_NAME:
        return []
    return asked.ids(_NAME, text=text)


def by_meaning(asked: Asked, vector: npt.NDArray[np.float32], model: str | None) -> Ranking:
    """Return the activities whose vectors are nearest, those of one model, or of every model with as many dimensions."""
    near = _Near(
        asked, {"vector": Vector(vector).to_text(), "model": model, "dimensions": vector.size}, int(vector.size)
    )
    if model is None or not _is_indexed(asked.connection, model, near.dimensions):
        return near.of_all()
    if _leave_few(asked) and (few := near.of_few()) is not None:
        return few
    found = near.by_index()
    # An index scan gives up after so many rows; what it found may not be the nearest then.
    return found if len(found) >= asked.depth else near.of_all()


class _Near(NamedTuple):
    """One vector and the ways in which the nearest to it are found."""

    asked: Asked
    values: dict[str, Any]
    dimensions: int

    def of_all(self) -> Ranking:
        """Return the nearest by comparing each row under the conditions."""
        model = "AND model = :model" if self.values["model"] else ""
        return self.asked.ids(_NEAREST.replace("{model}", model), **self.values)

    def of_few(self) -> Ranking | None:
        """Return the same where few rows are left; None where the planner was wrong and many are."""
        kept = self.asked.ids(_KEPT, most=EXACT_ROWS + 1)
        if len(kept) > EXACT_ROWS:
            return None
        return self.asked.ids(_NEAREST_OF, ids=kept, **self.values)

    def by_index(self) -> Ranking:
        """Return the nearest that the index finds."""
        return self.asked.ids(_NEAREST_INDEXED.replace("{dimensions}", str(self.dimensions)), **self.values)


def _is_indexed(connection: Connection, model: str, dimensions: int) -> bool:
    if dimensions > MAX_INDEXED_DIMENSIONS:
        return False
    name = f"tripper.{index_name(model, dimensions)}"
    return connection.scalar(statement("SELECT to_regclass(:name)"), {"name": name}) is not None


def _leave_few(asked: Asked) -> bool:
    """Return whether the planner expects so few rows under the conditions that each should be compared."""
    return asked.conditions.narrows and estimated_rows(asked) <= EXACT_ROWS


def estimated_rows(asked: Asked) -> float:
    """Return how many rows the planner expects under the conditions."""
    sql = f"EXPLAIN (FORMAT JSON) SELECT id FROM tripper.activities WHERE {asked.conditions.sql}"  # noqa: S608 (made of constants)
    plan = asked.connection.scalar(statement(sql), asked.conditions.values)
    return float(plan[0]["Plan"]["Plan Rows"])


def tune(connection: Connection) -> None:
    """Set what this transaction's rankings need."""
    connection.execute(statement(_TUNE))


def fuse(rankings: Mapping[str, Ranking], *, k: int) -> dict[ActivityId, float]:
    """Return the reciprocal rank fusion of rankings: each gives 1 / (k + rank) to what it has, ranks counted from 1."""
    scores: dict[ActivityId, float] = {}
    for ranking in rankings.values():
        for rank, one in enumerate(ranking, start=1):
            scores[one] = scores.get(one, 0.0) + 1 / (k + rank)
    return scores


# A name may differ by more letters than pg_trgm's 0.6 lets pass ("dinosour"), and an index scan goes on until enough of what it
# found is shown: by default it ends after forty vectors, and they may all be past. Compiling a statement takes longer than running it.
_TUNE = """
    SELECT set_config('pg_trgm.word_similarity_threshold', '0.45', true), set_config('jit', 'off', true),
        set_config('hnsw.ef_search', '120', true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
        set_config('hnsw.max_scan_tuples', '40000', true)
"""
_WORDS = """
    SELECT id::text FROM (
        SELECT id, over_at, search FROM tripper.activities
        WHERE search @@ CAST(:wanted AS tsquery) {own} AND {conditions} LIMIT :most
    ) AS found
    ORDER BY ts_rank(search, CAST(:any_word AS tsquery)) DESC, over_at NULLS LAST, id LIMIT :depth
"""
_MOST_WORDS = """
    SELECT id::text FROM (
        SELECT id, over_at, search, name_plain FROM tripper.activities
        WHERE search @@ CAST(:wanted AS tsquery) AND {conditions} LIMIT :most
    ) AS found
    ORDER BY round(ts_rank(search, CAST(:any_word AS tsquery))::numeric, 2) DESC,
        word_similarity(tripper.plain(:text), name_plain) DESC, over_at NULLS LAST, id LIMIT :depth
"""
_NAME = """
    SELECT id::text FROM tripper.activities
    WHERE tripper.plain(:text) <% name_plain AND {conditions}
    ORDER BY word_similarity(tripper.plain(:text), name_plain) DESC, over_at NULLS LAST, id LIMIT :depth
"""
# The dimensions stand in the statement itself: only then can the planner see that the index of this model fits. Half floats find,
# whole ones order.
_NEAREST_INDEXED = """
    SELECT id::text FROM (
        SELECT activities.id, embedding FROM tripper.activity_embeddings JOIN tripper.activities ON activities.id = activity_id
        WHERE model = :model AND dimensions = :dimensions AND {conditions}
        ORDER BY embedding::public.halfvec({dimensions}) <=> CAST(:vector AS public.halfvec({dimensions})) LIMIT :depth
    ) AS near
    ORDER BY embedding <=> CAST(:vector AS public.vector), id
"""
_NEAREST = """
    WITH kept AS MATERIALIZED (SELECT activities.id FROM tripper.activities WHERE {conditions})
    SELECT kept.id::text FROM kept JOIN tripper.activity_embeddings ON activity_id = kept.id
    WHERE dimensions = :dimensions {model}
    ORDER BY embedding <=> CAST(:vector AS public.vector), kept.id LIMIT :depth
"""
_KEPT = "SELECT activities.id::text FROM tripper.activities WHERE {conditions} LIMIT :most"
_NEAREST_OF = """
    SELECT activity_id::text FROM tripper.activity_embeddings
    WHERE activity_id = ANY(CAST(:ids AS uuid[])) AND model = :model AND dimensions = :dimensions
    ORDER BY embedding <=> CAST(:vector AS public.vector), activity_id LIMIT :depth
"""
