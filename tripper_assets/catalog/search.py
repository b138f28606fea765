"""Search: words, typing errors in names and nearness of meaning, each a ranking of its own, fused into one."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from pgvector import Vector
from sqlalchemy import Connection
from sqlalchemy import text as statement

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.storable import storable_text
from tripper_assets.domain.model import ActivityId, Model, SourceKey

RANK_CONSTANT = 60
"""k of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009)."""
CANDIDATES = 60
"""How many each ranking gives to the fusion, at least."""
OPERATORS = re.compile(r'"|(^|\s)-')
"""Quotes and minus as web search engines read them; or is one more word."""
LONGEST_QUERY = 1000
"""Characters of a query that are read."""


class SearchHit(Model):
    """One found activity; score is the fused one, the best hit first, and only comparable within one search."""

    id: ActivityId
    name: str
    url: str
    source_key: SourceKey
    type: str
    startDate: str = ""  # noqa: N815 (schema.org's name)
    endDate: str = ""  # noqa: N815 (schema.org's name)
    place: str = ""
    """The venue's name and the locality, as far as they are known."""
    latitude: float | None = None
    longitude: float | None = None
    isAccessibleForFree: bool | None = None  # noqa: N815 (schema.org's name)
    score: float
    found_by: tuple[str, ...]
    """Which rankings have it: words, name, meaning."""


def search(
    database: Database,
    *,
    text: str,
    vector: npt.NDArray[np.float32] | None = None,
    model: str | None = None,
    limit: int = 10,
    source_key: SourceKey | None = None,
    now: datetime,
    past: bool = False,
) -> list[SearchHit]:
    """Return the activities that fit ``text`` best; removed ones never, past ones where ``past`` asks for them.

    ``vector`` is the text's own, of unit length; it is compared with those of ``model``, or of every model with its dimensions.
    """
    values: dict[str, Any] = {
        "text": storable_text(text)[:LONGEST_QUERY],
        "source": source_key,
        "now": now,
        "past": past,
        "has_operators": OPERATORS.search(text) is not None,
        "candidates": max(CANDIDATES, 2 * limit),
    }
    with database.connection() as connection:
        connection.execute(statement(_TUNE))
        rankings = _word_rankings(connection, values)
        if vector is not None:
            rankings["meaning"] = _nearest(connection, values, vector, model)
        scores = fuse(rankings)
        best = sorted(scores, key=lambda one: (-scores[one], one))[:limit]
        rows = connection.execute(statement(_ROWS), {"ids": best}).mappings().all()
    by_id: dict[str, dict[str, Any]] = {row["id"]: {str(name): value for name, value in row.items()} for row in rows}
    return [_hit(by_id[one], scores[one], rankings) for one in best]


def fuse(rankings: Mapping[str, Sequence[ActivityId]], *, k: int = RANK_CONSTANT) -> dict[ActivityId, float]:
    """Return the reciprocal rank fusion of rankings: each gives 1 / (k + rank) to what it has, ranks counted from 1."""
    scores: dict[ActivityId, float] = {}
    for ranking in rankings.values():
        for rank, one in enumerate(ranking, start=1):
            scores[one] = scores.get(one, 0.0) + 1 / (k + rank)
    return scores


def _word_rankings(connection: Connection, values: dict[str, Any]) -> dict[str, Sequence[ActivityId]]:
    if not values["text"].strip():
        return {}
    rankings = {"words": connection.scalars(statement(_WORDS), values).all()}
    if not values["has_operators"]:
        rankings["name"] = connection.scalars(statement(_NAME), values).all()
    return rankings


def _nearest(
    connection: Connection, values: dict[str, Any], vector: npt.NDArray[np.float32], model: str | None
) -> Sequence[ActivityId]:
    # The dimensions stand in the statement itself: only then can the planner see that the index of this model fits.
    nearest = _MEANING.replace("{dimensions}", str(int(vector.size)))
    nearest = nearest.replace("{model}", "AND model = :model" if model else "")
    asked = {"vector": Vector(vector).to_text(), "model": model, "dimensions": vector.size}
    return connection.scalars(statement(nearest), values | asked).all()


def _hit(row: dict[str, Any], score: float, rankings: Mapping[str, Sequence[ActivityId]]) -> SearchHit:
    found_by = tuple(name for name, ranking in rankings.items() if row["id"] in ranking)
    return SearchHit.model_validate({**row, "score": round(score, 6), "found_by": found_by})


# A name may differ by more letters than pg_trgm's 0.6 lets pass ("dinosour"), and an index scan goes on until enough of what it
# found is shown: by default it ends after forty vectors, and they may all be past.
_TUNE = """
    SELECT set_config('pg_trgm.word_similarity_threshold', '0.45', true), set_config('hnsw.iterative_scan', 'strict_order', true)
"""
_SHOWN = """
    removed_at IS NULL
    AND (CAST(:source AS text) IS NULL OR source_key = :source)
    AND (:past OR over_at IS NULL OR over_at > :now)
    AND EXISTS (SELECT FROM tripper.sources WHERE key = source_key AND sources.removed_at IS NULL)
"""
# The query as web search engines read it, or each of its words as the beginning of a word. The words come from the parser
# itself, so nothing in a query can be an operator by accident.
_WORDS = f"""
    WITH query AS (
        SELECT websearch_to_tsquery('pg_catalog.simple', tripper.plain(:text)) || coalesce((
            SELECT string_agg('''' || replace(replace(lexeme, E'\\\\', E'\\\\\\\\'), '''', '''''') || ''':*', ' & ')::tsquery
            FROM unnest(to_tsvector('pg_catalog.simple', tripper.plain(:text)))
            WHERE NOT :has_operators
        ), '') AS wanted
    )
    SELECT id::text FROM tripper.activities, query
    WHERE search @@ wanted AND {_SHOWN}
    ORDER BY ts_rank_cd(search, wanted) DESC, over_at NULLS LAST, id LIMIT :candidates
"""  # noqa: S608 (made of constants)
_NAME = f"""
    SELECT id::text FROM tripper.activities
    WHERE tripper.plain(:text) <% name_plain AND {_SHOWN}
    ORDER BY word_similarity(tripper.plain(:text), name_plain) DESC, over_at NULLS LAST, id LIMIT :candidates
"""  # noqa: S608 (made of constants)
_MEANING = f"""
    SELECT id::text FROM tripper.activity_embeddings JOIN tripper.activities ON id = activity_id
    WHERE dimensions = :dimensions {{model}} AND {_SHOWN}
    ORDER BY embedding::public.vector({{dimensions}}) <=> CAST(:vector AS public.vector({{dimensions}})) LIMIT :candidates
"""  # noqa: S608 (made of constants)
_ROWS = """
    SELECT id::text AS id, name, url, source_key, type, start_text AS "startDate", end_text AS "endDate",
        concat_ws(', ', nullif(record #>> '{location,name}', ''), nullif(locality, '')) AS place,
        latitude, longitude, is_free AS "isAccessibleForFree"
    FROM tripper.activities WHERE id = ANY(CAST(:ids AS uuid[]))
"""
