"""A process killed before and after each thing that it writes down: the next one ends with the same votes, at the same cost."""

from collections.abc import Callable
from typing import Any

import pytest

from tripper_assets_tests.clients.batches.tag_world import PROVIDERS, Doors, TagWorld


class Killed(BaseException):
    """The process is gone."""


class KillingLedger:
    """A ledger on whose n-th writing the process ends, before it or after."""

    def __init__(self, ledger: Any, kill_at: int, *, is_after: bool) -> None:
        self._ledger, self._left, self._is_after = ledger, kill_at, is_after

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._ledger, name)
        if not callable(call) or name in ("of_batch", "tokens_in_flight"):
            return call

        def counted(*given: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._is_after:
                raise Killed
            found = call(*given, **named)
            if self._left == 0:
                raise Killed
            return found

        return counted


@pytest.mark.parametrize(
    "provider", [PROVIDERS[0], *(pytest.param(one, marks=pytest.mark.long) for one in PROVIDERS[1:])]
)
def test_wherever_a_process_is_killed_the_votes_and_their_cost_are_the_same(doors: Doors, provider: str) -> None:
    whole = world_of(doors, provider)
    assert whole.to_the_end(whole.questions(5)) == {}
    kills = 0

    for kill_at in range(1, 100):
        killed = [is_killed(doors, provider, kill_at, whole, is_after=is_after) for is_after in (False, True)]
        kills += sum(killed)
        if not any(killed):
            break

    assert kills >= 2 * 2 * 4  # two batches, each intended, asked for, accepted and collected


def world_of(doors: Doors, provider: str) -> TagWorld:
    world = doors.world(provider)
    api: Any = world.api
    api.limits = api.limits._replace(requests=3)
    return world


def is_killed(doors: Doors, provider: str, kill_at: int, whole: TagWorld, *, is_after: bool) -> bool:
    """Return whether a process was killed at that writing; fail where the one behind it ends otherwise than one that was not."""
    world = world_of(doors, provider)
    ledger, world.ledger = world.ledger, KillingLedger(world.ledger, kill_at, is_after=is_after)  # type: ignore[assignment]
    try:
        world.to_the_end(world.questions(5))
    except Killed:
        was_killed = True
    else:
        was_killed = False
    world.ledger = ledger

    assert world.to_the_end(world.questions(5)) == {}
    assert {key: vote.tags for key, vote in world.votes.items()} == {k: vote.tags for k, vote in whole.votes.items()}
    assert sum(ledger.paid.values()) == pytest.approx(sum(whole.ledger.paid.values()))
    assert sorted(world.server.accepted.values()) == [1, 1]
    return was_killed
