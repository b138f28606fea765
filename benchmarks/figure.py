"""What a benchmark returns, and how it times: the figure of ours beside a peer's and a limit's, measured in turns."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

ROUNDS = 5


@dataclass(frozen=True)
class Figure:
    """One measured figure; a peer does the same work another way, a limit is what cannot be beaten."""

    name: str
    unit: str
    better: Literal["higher", "lower"]
    ours: float
    peer: float | None = None
    peer_name: str = ""
    limit: float | None = None
    limit_name: str = ""

    def row(self) -> dict[str, Any]:
        """Return the figure with its ratios, of which each is above 1 where ours is better."""
        return {
            "name": self.name,
            "unit": self.unit,
            "better": self.better,
            "ours": self.ours,
            "peer": self.peer,
            "peer_name": self.peer_name,
            "limit": self.limit,
            "limit_name": self.limit_name,
            "ratio_to_peer": self._ratio(self.peer),
            "ratio_to_limit": self._ratio(self.limit),
        }

    def _ratio(self, other: float | None) -> float | None:
        if not other or not self.ours:
            return None
        return round(self.ours / other if self.better == "higher" else other / self.ours, 3)


def seconds_in_turns(
    *works: Callable[[], object], rounds: int = ROUNDS, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return the median seconds of each work; they take turns, so that a machine that slows down slows all of them.

    The clock of work that keeps one core busy is ``time.process_time``, which other programs on the machine do not run.
    """
    for work in works:
        work()
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, mine in zip(works, taken, strict=True):
            mine.append(seconds(work, clock))
    return [statistics.median(mine) for mine in taken]


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return how long ``work`` takes once."""
    started = clock()
    work()
    return clock() - started
