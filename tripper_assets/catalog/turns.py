"""Turns at a service that is asked by one process at a time: whoever has the turn asks, and the next waits until its rest is over."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.domain.errors import TransientError

# One statement decides, by the server's clock. The turn is taken at the moment of asking and not in advance, so that a process that
# wakes late moves nobody's request nearer to its own; the rest begins when the answer is there, so that requests arrive further apart than it.
TAKE = text(
    """
    INSERT INTO tripper.rate_limits AS mine (name, free_at)
    VALUES (:name, clock_timestamp() + make_interval(secs => :lease))
    ON CONFLICT (name) DO UPDATE SET free_at = clock_timestamp() + make_interval(secs => :lease)
      WHERE mine.free_at <= clock_timestamp()
    RETURNING free_at
    """
)
GIVE_BACK = text(
    """
    UPDATE tripper.rate_limits SET free_at = clock_timestamp() + make_interval(secs => :rest)
    WHERE name = :name AND free_at = :mine
    """
)
WAIT = text("SELECT EXTRACT(EPOCH FROM free_at - clock_timestamp()) FROM tripper.rate_limits WHERE name = :name")
NAP_SECONDS = (0.02, 0.5)
"""The shortest and the longest nap while another holds the turn: it is given back long before its lease ends."""
MOST_PATIENCE_SECONDS = 120.0


@dataclass
class Turn:
    """One turn; ``rest_seconds`` is how long nobody may ask after it, and may be raised while it is held."""

    rest_seconds: float


class ServiceTurns:
    """Turns shared by all processes on one catalog; without the catalog there are none, for a limit must hold."""

    def __init__(self, database: Database, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._database = database
        self._sleep = sleep

    @contextmanager
    def turn(self, name: str, *, rest_seconds: float, lease_seconds: float) -> Generator[Turn]:
        """Wait for a turn, and hold it while the block asks; a process that dies holds it for ``lease_seconds`` more.

        Raises:
            TransientError: the catalog does not answer, or the service has to be left alone for longer than anybody waits.
        """
        mine = self._wait(name, rest_seconds, lease_seconds)
        turn = Turn(rest_seconds)
        try:
            yield turn
        finally:
            # Where the catalog is down now, the lease ends by itself.
            with suppress(TransientError), self._database.session() as session:
                session.execute(GIVE_BACK, {"name": name, "rest": turn.rest_seconds, "mine": mine})

    def _wait(self, name: str, rest_seconds: float, lease_seconds: float) -> datetime:
        patience = max(MOST_PATIENCE_SECONDS, 2 * lease_seconds)
        while True:
            with self._database.session() as session:
                mine = session.scalar(TAKE, {"name": name, "lease": lease_seconds})
                wait = None if mine else session.scalar(WAIT, {"name": name})
            if mine:
                return mine
            seconds = max(0.0, float(wait or 0.0))
            if seconds > patience:
                raise TransientError(
                    f"Asking the {name} has to wait for {seconds:.0f} seconds, as it asked for; a later run asks again.",
                    retry_after_seconds=seconds,
                )
            shortest, longest = NAP_SECONDS
            nap = max(shortest, seconds if seconds <= rest_seconds else min(longest, rest_seconds / 4))
            patience -= nap
            self._sleep(nap)
