"""100,000 made-up activities in the embedded Postgres: how well and how fast 102 questions are answered, beside an exact scan of all vectors."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, median
from typing import NamedTuple
from uuid import UUID

from pgvector import Vector
from pgvector.psycopg import register_vector
from sqlalchemy import text

from benchmarks.figure import Figure, seconds
from benchmarks.imports import catalog_database
from benchmarks.search_questions import Asked, ndcg, questions
from benchmarks.search_world import DIMENSIONS, MODEL, NOW, Made, Meanings, in_parts, make, vectors_of
from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.activity_vectors import index_vectors
from tripper_assets.catalog.database import Database, PgConnection, driver_connection
from tripper_assets.catalog.search import search
from tripper_assets.catalog.search_conditions import conditions
from tripper_assets.catalog.search_rankings import Asked as Ranked
from tripper_assets.catalog.search_rankings import by_meaning, by_most_words, by_name, by_words, tune
from tripper_assets.catalog.search_words import NOTHING, wanted_words
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.workflows import Workflow

ROWS, SOURCES = 100_000, 20
SEED, VECTOR_SEED, QUESTION_SEED = 1, 7, 3
AT, BOUND = 10, 0.95
LEGS = ("words", "name", "meaning")


class Answer(NamedTuple):
    """What one question found and how long that took; rankings by leg, and the fused one as "fused"."""

    question: Asked
    rankings: dict[str, Sequence[str]]
    exact: Sequence[str]
    """By comparing every vector under the same filter."""
    seconds: float
    exact_seconds: float

    @property
    def recall(self) -> float:
        """Return the share of the nearest that the vector leg has among its first."""
        nearest = set(self.exact[:AT])
        return len(nearest & set(self.rankings["meaning"][:AT])) / len(nearest) if nearest else 1.0


def measure() -> list[Figure]:
    """Return the recall of the vector leg, the gain of the fused ranking, and seconds of whole searches."""
    with catalog_database() as database:
        made, meanings = load(database, ROWS)
        return figures(answers(database, questions(made, meanings, seed=QUESTION_SEED)))


def figures(found: Sequence[Answer]) -> list[Figure]:
    """Return the figures of answered questions."""
    gains = {leg: gain(found, leg) for leg in (*LEGS, "fused")}
    best = max(LEGS, key=lambda leg: gains[leg])
    by_kind: dict[str, list[Answer]] = defaultdict(list)
    for one in found:
        by_kind[one.question.kind].append(one)
    return [
        Figure("search_vector_recall", "of the nearest 10", "higher", fmean(one.recall for one in found), BOUND, "the bound", 1.0, "exact scan"),
        Figure("search_ndcg", "nDCG@10", "higher", gains["fused"], gains[best], f"the best ranking alone ({best})", 1.0, "the best order"),
        Figure(
            "search_all_questions", "s", "lower", sum(one.seconds for one in found), sum(one.exact_seconds for one in found), "exact scan of vectors"
        ),
        *(
            Figure(
                f"search_{kind}", "s", "lower", median(one.seconds for one in some), median(one.exact_seconds for one in some), "exact scan of vectors"
            )
            for kind, some in by_kind.items()
        ),
    ]  # fmt: skip


def gain(found: Sequence[Answer], leg: str) -> float:
    """Return the mean nDCG@10 of a ranking."""
    return fmean(ndcg(one.rankings[leg], one.question.gains, at=AT) for one in found)


def load(database: Database, count: int) -> tuple[list[Made], Meanings]:
    """Fill a catalog with made activities and their vectors, whose index is made afterwards."""
    registry, made = SourceRegistry(database), list[Made]()
    for number, (first, size) in enumerate(in_parts(count, count // SOURCES)):
        source = registry.add(make_source(f"https://town{number}.example/"))
        part = make(source, size, seed=SEED, first=first)
        _import(database, source, part)
        made += part
    meanings = Meanings(VECTOR_SEED)
    with database.connection() as connection:
        _copy_vectors(driver_connection(connection), vectors_of(made, meanings.of(made)))
    index_vectors(database, MODEL, DIMENSIONS)
    with database.connection() as connection:
        connection.execute(text("ANALYZE tripper.activities, tripper.activity_embeddings, tripper.sources"))
    return made, meanings


def _import(database: Database, source: Source, part: Sequence[Made]) -> None:
    workflow = Workflow(
        id=source.key, source_key=source.key, source_url=source.url, status="running", config={}, created_at=NOW
    )
    Workflows(database).start(workflow)
    records = [one.record for one in part]
    sha256 = text_sha256(source.key)
    import_snapshot(
        database,
        source_key=source.key,
        records=records,
        vectors=None,
        workflow_id=workflow.id,
        bundle_sha256=sha256,
        at=NOW,
    )


def _copy_vectors(connection: PgConnection, vectors: EmbeddingsMap) -> None:
    register_vector(connection)
    columns = "activity_id, model, dimensions, text_sha256, embedding"
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY tripper.activity_embeddings ({columns}) FROM STDIN (FORMAT BINARY)".encode()) as copy,
    ):
        copy.set_types(["uuid", "text", "int4", "text", "vector"])
        for one, sha, vector in zip(vectors.ids, vectors.text_sha256, vectors.vectors, strict=True):
            copy.write_row((UUID(one), MODEL, DIMENSIONS, sha, vector))


def answers(database: Database, asked: Sequence[Asked]) -> list[Answer]:
    """Return the answers to all questions; each is asked once before it is timed."""
    return [_answer(database, one) for one in asked]


def _answer(database: Database, question: Asked) -> Answer:
    rankings, exact = _rankings(database, question)

    def whole() -> list[str]:
        page = search(
            database,
            text=question.words,
            filters=question.filters,
            vector=question.vector,
            model=MODEL,
            limit=AT,
            now=NOW,
        )
        return [hit.id for hit in page.hits]

    rankings["fused"] = whole()
    return Answer(
        question, rankings, exact, seconds(whole), seconds(lambda: _rankings(database, question, only_exact=True))
    )


def _rankings(
    database: Database, question: Asked, *, only_exact: bool = False
) -> tuple[dict[str, Sequence[str]], Sequence[str]]:
    with database.connection() as connection:
        tune(connection)
        ranked = Ranked(connection, conditions(question.filters, now=NOW), 100)
        exact = ranked.ids(_EXACT, vector=Vector(question.vector).to_text(), model=MODEL)
        if only_exact:
            return {}, exact
        wanted = wanted_words(connection, question.words, question.filters.language) if question.words else NOTHING
        words = [*by_words(ranked, wanted), *by_most_words(ranked, wanted, question.words)]
        return {
            "words": list(dict.fromkeys(words)),
            "name": by_name(ranked, question.words),
            "meaning": by_meaning(ranked, question.vector, MODEL),
        }, exact


_EXACT = """
    SELECT activities.id::text FROM tripper.activities JOIN tripper.activity_embeddings ON activity_id = activities.id
    WHERE model = :model AND {conditions} ORDER BY embedding <=> CAST(:vector AS public.vector) LIMIT :depth
"""
