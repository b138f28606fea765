"""A hundred questions with known answers: the fused ranking gains at least what each ranking gains alone, and the vector leg misses little."""

from collections.abc import Generator, Sequence
from statistics import fmean

import pytest

from benchmarks.search import LEGS, Answer, answers, gain, load
from benchmarks.search_questions import COUNTS, ndcg, questions
from tripper_assets.catalog.database import Database
from tripper_assets_tests.conftest import FreshDatabases


def _answered(database: Database, rows: int) -> list[Answer]:
    made, meanings = load(database, rows)
    return answers(database, questions(made, meanings, seed=3))


@pytest.fixture
def database(fresh_databases: FreshDatabases) -> Generator[Database]:
    with fresh_databases() as url:
        database = Database(url)
        yield database
        database.dispose()


def _check(found: Sequence[Answer]) -> None:
    gains = {leg: gain(found, leg) for leg in (*LEGS, "fused")}

    assert len(found) == sum(COUNTS.values()) >= 80
    assert all(gains["fused"] >= gains[leg] for leg in LEGS), gains
    assert gains["fused"] > 0.85
    assert fmean(one.recall for one in found) >= 0.95


def test_the_fused_ranking_of_2000_gains_at_least_what_each_gains_alone(database: Database) -> None:
    _check(_answered(database, 2_000))


@pytest.mark.long
def test_the_fused_ranking_of_20000_gains_at_least_what_each_gains_alone(database: Database) -> None:
    _check(_answered(database, 20_000))


def test_the_best_order_gains_one_and_a_worse_one_less() -> None:
    gains = {"a": 2.0, "b": 1.0}

    assert ndcg(["a", "b"], gains) == 1
    assert 0 < ndcg(["b", "a"], gains) < 1
    assert ndcg(["c"], gains) == 0
