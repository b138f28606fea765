"""What crawls share so that no host is bothered twice: robots.txt files for a day, and the turns at a host across processes."""

import asyncio

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from tripper_assets.catalog.crawl_models import RobotsFileRow
from tripper_assets.catalog.database import Database
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.robots import RobotsFile

# One statement, so that two processes that ask at the same moment get two turns; the server's clock is the only one that counts.
RESERVE = text(
    """
    INSERT INTO tripper.rate_limits AS mine (name, free_at)
    VALUES (:name, clock_timestamp() + make_interval(secs => :delay))
    ON CONFLICT (name) DO UPDATE
      SET free_at = GREATEST(mine.free_at, clock_timestamp()) + make_interval(secs => :delay)
    RETURNING EXTRACT(EPOCH FROM free_at - clock_timestamp()) - :delay
    """
)


class RobotsTable:
    """The robots.txt files of all sources; while the catalog is down none is known, and they are fetched again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, origin: str) -> RobotsFile | None:
        """Return the kept file, None where there is none."""
        try:
            return await asyncio.to_thread(self._load, origin)
        except TransientError:
            return None

    def _load(self, origin: str) -> RobotsFile | None:
        with self._database.session() as session:
            row = session.scalar(select(RobotsFileRow).where(RobotsFileRow.origin == origin))
        return RobotsFile(row.status, row.body, row.fetched_at) if row else None

    async def save(self, origin: str, file: RobotsFile) -> None:
        """Keep a file."""
        try:
            await asyncio.to_thread(self._save, origin, file)
        except TransientError:
            return  # it is a cache: the next crawl asks again

    def _save(self, origin: str, file: RobotsFile) -> None:
        fresh = {"status": file.status, "body": file.body, "fetched_at": file.fetched_at}
        statement = insert(RobotsFileRow).values(origin=origin, **fresh)
        with self._database.session() as session:
            session.execute(statement.on_conflict_do_update(index_elements=["origin"], set_=fresh))


class RateLimits:
    """Turns at a host or service, shared by all processes on one catalog; while it is down each process has its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, name: str, delay_seconds: float) -> float:
        """Take the next free turn and return how many seconds from now it is; the one after it is ``delay_seconds`` later."""
        try:
            return await asyncio.to_thread(self._reserve, name, delay_seconds)
        except TransientError:
            return 0.0

    def _reserve(self, name: str, delay_seconds: float) -> float:
        with self._database.session() as session:
            wait = session.scalar(RESERVE, {"name": name, "delay": delay_seconds})
        return max(0.0, float(wait or 0.0))

    def free(self) -> int:
        """Remove the turns of hosts that are free again, and return how many."""
        with self._database.session() as session:
            rows = session.execute(
                text("DELETE FROM tripper.rate_limits WHERE free_at < now() - interval '1 hour' RETURNING 1")
            )
            return len(rows.all())
