"""Asking a host politely: how far apart requests start, how many run at once, and what a host that asks for peace gets."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from tripper_assets.clients.http import Accept, Follow, HttpClient, Reply
from tripper_assets.clients.http_errors import UnreachableError

AT_ONCE_WITHOUT_DELAY = 8
"""Requests in flight at a host whose configuration asks for no delay, such as the bundled demo."""
BUSY = frozenset({429, 503})
MAX_RETRIES = 2
MAX_RETRY_AFTER_SECONDS = 60.0
"""A host that asks for longer peace is left alone: the page fails as one that may succeed later."""

MAX_PATIENCE_SECONDS = 300.0
"""What all waits of one crawl may sum up to."""


class HostQueue:
    """The turns at one host: with a delay one request at a time, starts at least the delay apart."""

    def __init__(self, delay_seconds: float) -> None:
        self.delay_seconds = delay_seconds
        self._turns = asyncio.Semaphore(1 if delay_seconds else AT_ONCE_WITHOUT_DELAY)
        self._free_at = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait until a request may start, and hold the turn while it runs."""
        async with self._turns:
            clock = asyncio.get_running_loop().time
            while (wait := self._free_at - clock()) > 0:  # noqa: ASYNC110 (another turn may move free_at meanwhile)
                await asyncio.sleep(wait)
            self._free_at = clock() + self.delay_seconds
            yield

    def rest(self, seconds: float) -> None:
        """Let no request start for ``seconds``."""
        self._free_at = max(self._free_at, asyncio.get_running_loop().time() + seconds)


class PoliteClient:
    """An HttpClient that waits for its turn at each host, and does what Retry-After says within bounds."""

    def __init__(self, client: HttpClient, *, delay_seconds: float, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._delay_seconds = delay_seconds
        self._clock = clock
        self._patience_seconds = MAX_PATIENCE_SECONDS
        self._queues: dict[str, HostQueue] = {}

    def slow_down(self, url: str, delay_seconds: float) -> None:
        """Keep at least ``delay_seconds`` between two requests to the URL's host from now on."""
        if delay_seconds > self._queue(url).delay_seconds:
            self._queues[_host(url)] = slower = HostQueue(delay_seconds)
            slower.rest(delay_seconds)

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = 10_000_000,
        deadline_seconds: float = 60,
        follow: Follow | None = None,
        accept: Accept | None = None,
        truncate: bool = False,
    ) -> Reply:
        """Return the answer; a busy one (429, 503) only after the retries that its Retry-After allows.

        Raises:
            TripperError: as ``HttpClient.get``.
        """
        retries_left = MAX_RETRIES
        while True:
            queue = self._queue(url)
            try:
                async with queue.turn():
                    reply = await self._client.get(
                        url,
                        headers=headers,
                        max_bytes=max_bytes,
                        deadline_seconds=deadline_seconds,
                        follow=follow,
                        accept=accept,
                        truncate=truncate,
                    )
            except UnreachableError:
                # Most often an idle connection that the server closed at the very moment; a host that is down fails again.
                if retries_left < MAX_RETRIES:
                    raise
            else:
                wait = retry_after_seconds(reply, self._clock())
                if wait is None or wait > min(MAX_RETRY_AFTER_SECONDS, self._patience_seconds) or not retries_left:
                    return reply
                self._patience_seconds -= wait
                queue.rest(wait)
            retries_left -= 1

    def _queue(self, url: str) -> HostQueue:
        host = _host(url)
        if host not in self._queues:
            self._queues[host] = HostQueue(self._delay_seconds)
        return self._queues[host]


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        # The client refuses it, with the reason.
        return ""


def retry_after_seconds(reply: Reply, now: datetime) -> float | None:
    """Return how long a busy host wants to be left alone, None where it is not busy or does not say."""
    said = reply.headers.get("retry-after", "").strip() if reply.status in BUSY else ""
    if said.isascii() and said.isdecimal():
        return float(said[:9])
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())
