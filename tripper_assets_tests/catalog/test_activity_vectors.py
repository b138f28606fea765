import json
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from tripper_assets.catalog.activities import count_activities, current_activities
from tripper_assets.catalog.activity_vectors import index_name, index_vectors, indexed_after
from tripper_assets.domain.activities import Embedding
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.maps import EmbeddingsMap


def rows(site: Any, query: str) -> list[Any]:
    with site.database.connection() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def stored_vectors(site: Any) -> dict[str, list[float]]:
    found = rows(site, "SELECT activity_id::text, embedding::text FROM tripper.activity_embeddings")
    return {one: json.loads(vector) for one, vector in found}


def test_vectors_are_stored_beside_their_activities(site: Any) -> None:
    records = site.activities(4)
    vectors = site.vectors(records)

    site.load(records, vectors)

    assert {one: np.float32(values).tobytes() for one, values in stored_vectors(site).items()} == {
        one: vectors.vectors[row].tobytes() for one, row in vectors.by_id().items()
    }
    assert count_activities(site.database)["with_vector"] == 4


def test_a_vector_is_written_again_only_where_its_text_changed(site: Any) -> None:
    records = site.activities(3)
    vectors = site.vectors(records)
    site.load(records, vectors)
    before = stored_vectors(site)
    texts = (text_sha256("other"), *vectors.text_sha256[1:])
    changed = EmbeddingsMap(vectors.ids_sha256, "tiny", vectors.ids, texts, np.eye(3, dtype=np.float32))

    site.load(records, changed)

    after = stored_vectors(site)
    assert after[records[0].id] == [1, 0, 0]
    assert {one: after[one] for one in vectors.ids[1:]} == {one: before[one] for one in vectors.ids[1:]}


def test_vectors_of_several_models_and_dimensions_live_side_by_side(site: Any) -> None:
    records = site.activities(2)

    site.load(records, site.vectors(records))
    site.load(records, site.vectors(records, dimensions=8, model="big"))
    site.load(records)
    site.load(records, site.vectors(records, dimensions=5))

    found = rows(site, "SELECT DISTINCT model, dimensions FROM tripper.activity_embeddings ORDER BY model")
    assert found == [("big", 8), ("tiny", 5)]


def test_an_activity_with_a_wrong_vector_is_rejected_by_id(site: Any) -> None:
    records = site.activities(6)
    vectors = site.vectors(records)
    vectors.vectors[0, 1] = np.nan
    vectors.vectors[1, 2] = np.inf
    vectors.vectors[2] = 0
    stated = Embedding(model="tiny", dimensions=3, text_sha256=vectors.text_sha256[5])
    records[3] = records[3].model_copy(update={"embedding": stated})
    wide = stated.model_copy(update={"dimensions": 4, "text_sha256": vectors.text_sha256[4]})
    records[4] = records[4].model_copy(update={"embedding": wide})
    records[5] = records[5].model_copy(update={"embedding": stated})

    summary = site.load(records, vectors)

    reasons = ["vector_not_finite", "vector_not_finite", "vector_zero", "vector_of_another_text", "vector_dimensions"]
    assert summary.rejections == {one.id: reason for one, reason in zip(records, reasons, strict=False)}
    assert list(stored_vectors(site)) == [records[5].id]


def test_a_map_whose_parts_differ_in_length_is_refused_whole(site: Any) -> None:
    records = site.activities(2)
    vectors = site.vectors(records)
    torn = EmbeddingsMap(vectors.ids_sha256, "tiny", vectors.ids, vectors.text_sha256, vectors.vectors[:1])

    with pytest.raises(PermanentError, match="materialize embeddings_map again"):
        site.load(records, torn)

    assert current_activities(site.database, site.source.key) == []


NEAREST = """
    EXPLAIN SELECT activity_id FROM tripper.activity_embeddings WHERE model = 'tiny' AND dimensions = 8
    ORDER BY embedding::public.halfvec(8) <=> '[1,0,0,0,0,0,0,0]' LIMIT 10
"""
WORDS = "EXPLAIN SELECT id FROM tripper.activities WHERE search @@ to_tsquery('pg_catalog.simple', '0199')"
LIKE_NAME = "EXPLAIN SELECT id FROM tripper.activities WHERE 'kangaroo' <% name_plain"


def test_after_a_bulk_load_a_search_is_planned_with_the_indexes_of_vectors_words_and_names(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tripper_assets.catalog.activity_vectors.INDEX_FROM_ROWS", 1_000)
    records = [*site.activities(2_000), site.activity("Feeding kangaroos")]
    vectors = site.vectors(records, dimensions=8)

    with indexed_after(site.database, vectors):
        site.load(records, vectors)

    name = index_name("tiny", 8)
    for query, index in ((NEAREST, name), (WORDS, "ix_activities_search"), (LIKE_NAME, "ix_activities_name_plain")):
        plan = "\n".join(line for (line,) in rows(site, query))
        assert f"Index Scan using {index}" in plan or f"Bitmap Index Scan on {index}" in plan, plan


def test_an_index_that_most_vectors_are_yet_to_come_to_is_made_anew_after_them(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tripper_assets.catalog.activity_vectors.INDEX_FROM_ROWS", 4)
    few, many = site.activities(5), site.activities(20)
    held = "SELECT indexrelid FROM pg_stat_user_indexes WHERE indexrelname LIKE 'ix_activity_embeddings_%'"
    found: list[Any] = []

    for records in (few, many, many):
        vectors = site.vectors(records)
        with indexed_after(site.database, vectors):
            found.append(rows(site, held))
            site.load(records, vectors)
        found.append(rows(site, held))

    before, made, gone, anew, kept, same = found
    assert (before, gone) == ([], [])
    assert made != anew
    assert anew == kept == same


def test_without_vectors_no_index_is_looked_for(site: Any) -> None:
    with indexed_after(site.database, None):
        site.load(site.activities(1))

    assert rows(site, "SELECT 1 FROM pg_indexes WHERE indexdef LIKE '%hnsw%'") == []


def test_the_index_of_a_model_is_made_once_it_is_worth_it(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    records = site.activities(5)
    model = "it's 100% new"
    site.load(records, site.vectors(records, model=model))
    assert not index_vectors(site.database, model, 3)

    monkeypatch.setattr("tripper_assets.catalog.activity_vectors.INDEX_FROM_ROWS", 5)

    assert index_vectors(site.database, model, 3)
    assert not index_vectors(site.database, model, 3)
    assert not index_vectors(site.database, model, 3072)
    assert len(rows(site, "SELECT 1 FROM pg_indexes WHERE indexdef LIKE '%hnsw%'")) == 1
