"""Batches at a provider that goes wrong in every way: the right vector on the right activity or a counted problem, and nothing asked twice."""

from pathlib import Path
from random import Random

import numpy as np
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.domain.batch_requests import Limits
from tripper_assets.domain.batches import ROUNDS
from tripper_assets.domain.embeddings import embedding_text
from tripper_assets_tests.batch_world import BatchWorld, activity, batch_world
from tripper_assets_tests.clients.openai_server import KEY, Faults, vector_for

WORDS = [
    "zoo",
    "farm",
    "castle",
    "harbour",
    "museum",
    "picnic",
    "puppet",
    "theatre",
    "swimming",
    "circus",
    "forest",
    "pony",
    "Kräuter",
    "日本",
    "\u2028line",
]


SHORT = (2, 3)


@pytest.mark.parametrize(
    "seed", [*SHORT, *(pytest.param(one, marks=pytest.mark.long) for one in range(100) if one not in SHORT)]
)
def test_every_activity_ends_with_its_own_vector_or_a_counted_problem_and_nothing_is_submitted_twice(
    shared_database: Database, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    texts = [
        " ".join(random.choices(WORDS, k=random.randint(1, 12))) + f" {seed}" for _ in range(random.randint(1, 60))
    ]
    activities = [activity(number, text) for number, text in enumerate(texts)]
    limits = Limits(random.choice([3, 20, 1_000]), random.choice([900, 190_000_000]), random.choice([150, 3_000_000]))

    with batch_world(shared_database, tmp_path, seed=seed, faults=Faults.by(random), limits=limits) as world:
        found, problems = world.to_the_end(activities)

        rows = found.by_id()
        named = {problem.subject for problem in problems}
        for one in activities:
            assert (one.id in rows) != (one.id in named)
            if one.id in rows:
                assert np.array_equal(found.vectors[rows[one.id]], vector_for(embedding_text(one), 8))
        assert max(world.server.accepted.values(), default=0) <= 1
        assert max(world.server.asked.values(), default=0) <= ROUNDS
        assert KEY not in "".join([*world.troubles, *(problem.message for problem in problems)])
        assert_every_submission_is_accounted_for(world)


def assert_every_submission_is_accounted_for(world: BatchWorld) -> None:
    rows = {row.submission_id: row.status for row in world.usage()}
    assert set(world.server.accepted) <= set(rows)
    # What was canceled at its deadline may have been paid in part: it stays reserved, as the most that it can be.
    assert {status for one, status in rows.items() if one not in world.server.accepted} <= {"free"}
