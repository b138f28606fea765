"""A process that dies anywhere while voters are asked or collected leaves what the next one ends: the same votes, at the same cost."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from tripper_assets.domain.model import ActivityId
from tripper_assets.domain.sources import SourceConfig
from tripper_assets.domain.tag_runs import TagBatches
from tripper_assets.domain.tags import Vote
from tripper_assets_tests.batch_world import SITE
from tripper_assets_tests.voting_world import VotingWorld, some, voting

__all__ = ["voting"]  # a fixture
RUNS = 2
ACTIVITIES = 4
STEPS = 210
"""Moments at which an undisturbed story can die: before and after each call of the catalog and of a provider."""


class Killed(BaseException):
    """The end of a process, as far as a test in the same one can have it."""


@dataclass
class Deaths:
    """Counts the moments of a story, and ends the process at those that a test names."""

    at: frozenset[int]
    moments: int = 0

    def moment(self) -> None:
        self.moments += 1
        if self.moments in self.at:
            raise Killed

    def around(self, it: Any) -> Any:
        return Mortal(it, self)


class Mortal:
    """Something whose calls can be the last of a process, before they did something or after."""

    def __init__(self, it: Any, deaths: Deaths) -> None:
        self._it, self._deaths = it, deaths

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._it, name)
        return self._mortal(found) if callable(found) else found

    def _mortal(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            self._deaths.moment()
            result = call(*arguments, **named)
            self._deaths.moment()
            return result

        return called


def story(world: VotingWorld, deaths: Deaths) -> tuple[Vote, ...]:
    """Have activities voted on as the graph does, with a new process after each death; what was not stored is lost with the old one."""
    world.around = deaths.around
    stored: TagBatches | None = None
    for _ in range(100):
        try:
            if stored is None:
                stored, _ = world.ask(some(ACTIVITIES))
            world.later(minutes=20)
            votes, _ = world.poll(some(ACTIVITIES), stored)
        except Killed:
            world.later(minutes=5)
            continue
        if votes is not None:
            return votes
        for one in world.services.values():
            one.done = True
    message = "the story has no end"
    raise AssertionError(message)


def said(votes: tuple[Vote, ...]) -> dict[tuple[ActivityId, int, str], str]:
    return {(one.activity_id, one.run_number, one.provider): one.tags.setting for one in votes if one.tags}


def check(world: VotingWorld, deaths: Deaths) -> None:
    world.config = SourceConfig(tag_runs=RUNS)

    votes = story(world, deaths)

    wanted = {
        (one.id, run, name): "indoor"
        for one in some(ACTIVITIES)
        for run in range(1, RUNS + 1)
        for name in world.services
    }
    assert said(votes) == wanted
    assert all(set(one.asked.values()) == {1} for one in world.services.values())
    assert world.usd() == round(len(wanted) * 100e-6, 9)
    assert world.catalog.votes.keys(SITE.key, [(one.activity_id, one.text_sha256) for one in votes]) == {
        one.key for one in votes
    }


def test_a_story_without_a_death_has_as_many_moments_as_are_tried(voting: VotingWorld) -> None:
    deaths = Deaths(frozenset())

    check(voting, deaths)

    assert STEPS - 40 < deaths.moments <= STEPS


@pytest.mark.parametrize("moment", range(3, STEPS, 52))
def test_a_death_changes_neither_votes_nor_cost(voting: VotingWorld, moment: int) -> None:
    check(voting, Deaths(frozenset({moment})))


@pytest.mark.long
@pytest.mark.parametrize("moment", range(1, STEPS + 1))
def test_a_death_at_each_moment_changes_neither_votes_nor_cost(voting: VotingWorld, moment: int) -> None:
    check(voting, Deaths(frozenset({moment})))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(60))
def test_deaths_in_a_row_change_neither_votes_nor_cost(voting: VotingWorld, seed: int) -> None:
    random = Random(seed)
    moments = frozenset(random.sample(range(1, 4 * STEPS), 12))

    check(voting, Deaths(moments))
