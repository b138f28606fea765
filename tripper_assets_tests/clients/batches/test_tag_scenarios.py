"""Voters at providers that go wrong in every way: the right vote on the right activity or a stated reason, and nothing asked twice."""

from collections import Counter
from random import Random

import pytest

from tripper_assets.clients.tagging import Asked
from tripper_assets.domain.batch_requests import Limits
from tripper_assets.domain.batches import ROUNDS
from tripper_assets.domain.tags import VoteKey
from tripper_assets_tests.clients.batches.provider_server import KEY, Faults, mark
from tripper_assets_tests.clients.batches.tag_world import PROVIDERS, Doors, TagWorld

SHORT = {"openai": 1, "groq": 2, "anthropic": 3, "gemini": 4}
SEEDS = [
    pytest.param(provider, seed, marks=() if SHORT[provider] == seed else pytest.mark.long)
    for provider in PROVIDERS
    for seed in range(50)
]
PAID_PROBLEMS = {"tags_refused", "tags_truncated", "tags_malformed", "tags_of_another_activity"}


@pytest.mark.parametrize(("provider", "seed"), SEEDS)
def test_every_activity_ends_with_its_own_vote_or_a_stated_error_and_nothing_is_submitted_twice(
    doors: Doors, provider: str, seed: int
) -> None:
    random = Random(f"{provider} {seed}")
    limits = Limits(random.choice([3, 20, 1_000]), random.choice([30_000, 190_000_000]), random.choice([9_000, 9**9]))
    world = doors.world(provider, seed=seed, faults=Faults.by(random), limits=limits)
    asked = world.questions(random.randint(1, 40))

    problems = world.to_the_end(asked)

    for one in asked:
        assert_voted_or_stated(world, one, problems)
    assert world.server.twice == []
    assert max(accepted_and_told(world).values(), default=0) <= 1
    assert max(world.server.asked.values(), default=0) <= ROUNDS
    assert world.ledger.most_in_flight <= limits.tokens
    assert world.ledger.overpaid == []
    assert KEY not in "".join([*world.troubles, *problems.values(), *(vote.error for vote in world.votes.values())])


def assert_voted_or_stated(world: TagWorld, asked: Asked, problems: dict[VoteKey, str]) -> None:
    vote = world.votes.get(asked.key)
    if vote is None:
        assert problems.get(asked.key) or world.is_overdue
        return
    assert asked.key not in problems
    assert (vote.tags is None) == (vote.error in PAID_PROBLEMS)
    if vote.tags is not None:
        assert vote.tags.free_tags == (mark(asked.text),)


def accepted_and_told(world: TagWorld) -> Counter[str]:
    """Return how often each submission was accepted; without batches of Anthropic of which nothing told whose they are."""
    tells = world.provider != "anthropic"
    held = world.server.held.values()
    return Counter(one.ours for one in held if tells or any(map(is_whole, [*one.results, *one.errors])))


def is_whole(row: bytes) -> bool:
    return row.endswith(b"}")
