"""What a site's robots.txt lets us do: Protego reads the rules, RFC 9309 says what a missing or broken file means."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from protego import Protego

from tripper_assets.clients.http import Reply
from tripper_assets.clients.http_errors import RedirectRefusedError
from tripper_assets.domain.errors import AddressRefusedError, PermanentError, TransientError, error_for_status
from tripper_assets.domain.robots import RobotsFile

MAX_ROBOTS_BYTES = 500 * 1024
MAX_CRAWL_DELAY_SECONDS = 30.0
FIRST_ERROR = 400
CACHED_FOR = timedelta(hours=24)
"""RFC 9309 section 2.4: a cached file is not used for longer."""

Ask = Callable[[str], Awaitable[Reply]]
"""Fetches one robots.txt: five redirects, at most MAX_ROBOTS_BYTES of it."""


class RobotsCache(Protocol):
    """Keeps robots.txt files between crawls, by origin (scheme, host and port)."""

    async def load(self, origin: str) -> RobotsFile | None:
        """Return the kept file, None where there is none."""
        ...

    async def save(self, origin: str, file: RobotsFile) -> None:
        """Keep a file."""
        ...


@dataclass(frozen=True)
class Robots:
    """What one origin allows one crawler; with ``outage`` it allows nothing until its robots.txt can be had."""

    token: str
    """The product token that the groups are matched with, such as "tripper_assets"."""
    rules: Protego | None = None
    outage: TransientError | None = None

    def allows(self, url: str) -> bool:
        """Return whether ``url`` may be asked for."""
        if self.outage:
            return False
        return self.rules is None or self.rules.can_fetch(url, self.token)

    @property
    def crawl_delay_seconds(self) -> float:
        """What the site asks for between two requests, at most 30: a larger wish would make one crawl last for days."""
        asked = self.rules.crawl_delay(self.token) if self.rules else None
        return min(max(asked or 0.0, 0.0), MAX_CRAWL_DELAY_SECONDS)

    @property
    def sitemaps(self) -> list[str]:
        """The URLs of the Sitemap lines, each once."""
        return list(dict.fromkeys(self.rules.sitemaps)) if self.rules else []


def product_token(user_agent: str) -> str:
    """Return the name that robots.txt groups know a crawler by: "tripper_assets/0.1 (+https://…)" is tripper_assets.

    Not the whole header: Protego looks for a group's name anywhere in it, so a contact address would choose a group.
    """
    return user_agent.strip().split("/")[0].split(" ")[0]


def read_robots(body: bytes, token: str) -> Robots:
    """Return the rules in ``body``, of which the first 500 KiB count, as whole lines."""
    kept = body[:MAX_ROBOTS_BYTES]
    if len(body) >= MAX_ROBOTS_BYTES:
        kept = kept[: kept.rfind(b"\n") + 1]
    return Robots(token, Protego.parse(kept.decode("utf-8-sig", "replace")))


def judge_robots(status: int, body: bytes, url: str, token: str) -> Robots:
    """Return what an answer to the request for robots.txt allows.

    RFC 9309 section 2.3.1: an answer of 4xx means there are no rules; a server that fails means that nothing is allowed.
    408, 425 and 429 are a busy server and not a missing file.
    """
    if status < FIRST_ERROR:
        return read_robots(body, token)
    error = error_for_status(status, f"Fetching {url}")
    return Robots(token, outage=error) if isinstance(error, TransientError) else Robots(token)


class RobotsFiles:
    """The robots.txt of each origin that a crawl meets, asked for once in 24 hours."""

    def __init__(
        self,
        ask: Ask,
        token: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        cache: RobotsCache | None = None,
    ) -> None:
        self._ask = ask
        self._token = token
        self._clock = clock
        self._cache = cache
        self._found: dict[str, asyncio.Task[tuple[datetime, Robots]]] = {}

    async def of(self, url: str) -> Robots:
        """Return what the origin of ``url`` allows.

        Raises:
            AddressRefusedError: the origin is not one that requests may leave for.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        found = self._found.get(origin)
        if found is None or self._is_old(found):
            self._found[origin] = found = asyncio.ensure_future(self._fetched(origin))
        return (await found)[1]

    def _is_old(self, found: asyncio.Task[tuple[datetime, Robots]]) -> bool:
        return found.done() and not found.exception() and self._clock() - found.result()[0] >= CACHED_FOR

    async def _fetched(self, origin: str) -> tuple[datetime, Robots]:
        url = f"{origin}/robots.txt"
        kept = await self._cache.load(origin) if self._cache else None
        now = self._clock()
        if kept is not None and timedelta() <= now - kept.fetched_at < CACHED_FOR:
            return kept.fetched_at, judge_robots(kept.status, kept.body, url, self._token)
        try:
            reply = await self._ask(url)
        except TransientError as error:
            return now, Robots(self._token, outage=error)
        except AddressRefusedError as error:
            if not isinstance(error, RedirectRefusedError):
                raise
            # As good as a missing file: what a file says of where it is must not end the crawl.
            return now, Robots(self._token)
        except PermanentError:
            # Redirects without end, or a body that cannot be read, are as good as a missing file.
            return now, Robots(self._token)
        robots = judge_robots(reply.status, reply.body, url, self._token)
        if self._cache is not None and robots.outage is None:
            await self._cache.save(origin, RobotsFile(reply.status, reply.body[:MAX_ROBOTS_BYTES], now))
        return now, robots
