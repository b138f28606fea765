"""Asking a host politely: how far apart requests start, how many run at once, and what a host that asks for peace gets."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import urlsplit

from tripper_assets.clients.http import Accept, Follow, HttpClient, Reply
from tripper_assets.clients.http_errors import UnreachableError

AT_ONCE_WITHOUT_DELAY = 8
"""Requests in flight at a host whose configuration asks for no delay, such as the bundled demo."""
BUSY = frozenset({429, 503})
MAX_RETRIES = 2
MAX_RETRY_AFTER_SECONDS = 60.0
"""A host that asks for longer peace is left alone: the page fails as one that may succeed later."""
REFUSALS_IN_A_ROW = 8
"""After so many busy answers a host is asked for nothing more in this crawl."""
MAX_PATIENCE_SECONDS = 300.0
"""What all waits of one crawl may sum up to."""
MAX_DELAY_SECONDS = 10.0
"""What latency and refusals may raise a delay to."""
FIRST_EXTRA_SECONDS = 0.5
SMOOTHING = 0.3
"""The weight of the newest answer's time in the running mean."""
CALMED = 0.9
"""How much of the extra delay is left after each good answer."""
LEAST_EXTRA_SECONDS = 0.05


class Turns(Protocol):
    """The turns at a host, shared with other processes."""

    async def reserve(self, name: str, delay_seconds: float) -> float:
        """Take the next free turn and return how many seconds from now it is; the one after it is ``delay_seconds`` later."""
        ...


@dataclass
class Pace:
    """How far apart requests to one host start: its wish, more where it is slow, and more still after it said that it is busy.

    As Scrapy's AutoThrottle, the delay follows the time that answers take, so that a host is idle at least half of the time; unlike it,
    a crawl that was told to make no delay makes none until the host asks for peace.
    """

    wish_seconds: float
    """What the configuration and robots.txt ask for."""
    latency_seconds: float = 0.0
    extra_seconds: float = 0.0
    refused_at: float = float("-inf")

    @property
    def delay_seconds(self) -> float:
        """Between two starts, now."""
        slow = self.latency_seconds if self.wish_seconds else 0.0
        return max(self.wish_seconds, min(MAX_DELAY_SECONDS, max(slow, self.extra_seconds)))

    def answered(self, seconds: float) -> None:
        """Take note of a good answer and how long it took."""
        self.latency_seconds += SMOOTHING * (seconds - self.latency_seconds)
        self.extra_seconds *= CALMED
        if self.extra_seconds < LEAST_EXTRA_SECONDS:
            self.extra_seconds = 0.0

    def refused(self, at: float) -> None:
        """Take note that the host said that it is busy, at a moment in seconds; refusals of requests that ran together count once."""
        if at - self.refused_at >= self.delay_seconds:
            self.extra_seconds = min(MAX_DELAY_SECONDS, max(2 * self.delay_seconds, FIRST_EXTRA_SECONDS))
            self.refused_at = at


class HostQueue:
    """The turns at one host: with a delay one request at a time, starts at least the delay apart."""

    def __init__(self, name: str, delay_seconds: float, turns: Turns | None = None) -> None:
        self.pace = Pace(delay_seconds)
        self.refusals: list[Reply] = []
        self._name = name
        self._turns = turns
        self._together = asyncio.Semaphore(AT_ONCE_WITHOUT_DELAY)
        self._alone = asyncio.Lock()
        self._free_at = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait until a request may start, and hold the turn while it runs."""
        async with self._alone if self.pace.delay_seconds else self._together:
            await self._wait()
            delay = self.pace.delay_seconds
            if delay and self._turns is not None:
                await asyncio.sleep(await self._turns.reserve(self._name, delay))
            self._free_at = max(self._free_at, _now() + delay)
            yield

    async def _wait(self) -> None:
        while (wait := self._free_at - _now()) > 0:  # noqa: ASYNC110 (another turn, or a rest, may move free_at meanwhile)
            await asyncio.sleep(wait)

    def rest(self, seconds: float) -> None:
        """Let no request start for ``seconds``."""
        self._free_at = max(self._free_at, _now() + seconds)

    def slow_down(self, delay_seconds: float) -> None:
        """Keep at least ``delay_seconds`` between two requests from now on."""
        if delay_seconds > self.pace.wish_seconds:
            self.pace.wish_seconds = delay_seconds
            self.rest(delay_seconds)


def _now() -> float:
    return asyncio.get_running_loop().time()


class PoliteClient:
    """An HttpClient that waits for its turn at each host, and does what Retry-After says within bounds."""

    def __init__(
        self, client: HttpClient, *, delay_seconds: float, clock: Callable[[], datetime], turns: Turns | None = None
    ) -> None:
        self._client = client
        self._delay_seconds = delay_seconds
        self._clock = clock
        self._turns = turns
        self._patience_seconds = MAX_PATIENCE_SECONDS
        self._queues: dict[str, HostQueue] = {}

    def slow_down(self, url: str, delay_seconds: float) -> None:
        """Keep at least ``delay_seconds`` between two requests to the URL's host from now on."""
        self._queue(url).slow_down(delay_seconds)

    def turn(self, url: str) -> AbstractAsyncContextManager[None]:
        """Wait for a turn at the URL's host, and hold it while the block asks there by other means, as a browser does."""
        return self._queue(url).turn()

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
        queue, retries_left = self._queue(url), MAX_RETRIES
        if len(queue.refusals) >= REFUSALS_IN_A_ROW:
            return queue.refusals[-1]
        while True:
            try:
                async with queue.turn():
                    asked_at = _now()
                    reply = await self._client.get(
                        url,
                        headers=headers,
                        max_bytes=max_bytes,
                        deadline_seconds=deadline_seconds,
                        follow=follow,
                        accept=accept,
                        truncate=truncate,
                    )
                    wait = self._wait_after(reply, queue, _now() - asked_at, retries_left)
            except UnreachableError:
                # Most often an idle connection that the server closed at the very moment; a host that is down fails again.
                if retries_left < MAX_RETRIES:
                    raise
            else:
                if wait is None:
                    return reply
                self._patience_seconds -= wait
                queue.rest(wait)
            retries_left -= 1

    def _wait_after(self, reply: Reply, queue: HostQueue, seconds: float, retries_left: int) -> float | None:
        """Return how long to wait before the same is asked again, None where the answer counts."""
        if reply.status not in BUSY:
            queue.pace.answered(seconds)
            queue.refusals.clear()
            return None
        queue.pace.refused(_now())
        queue.refusals.append(reply)
        wait = retry_after_seconds(reply, self._clock())
        is_bearable = wait is not None and wait <= min(MAX_RETRY_AFTER_SECONDS, self._patience_seconds)
        return wait if retries_left and is_bearable else None

    def _queue(self, url: str) -> HostQueue:
        host = _host(url)
        if host not in self._queues:
            self._queues[host] = HostQueue(f"host {host}", self._delay_seconds, self._turns)
        return self._queues[host]


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        # The client refuses it, with the reason.
        return ""


def retry_after_seconds(reply: Reply, now: datetime) -> float | None:
    """Return how long a busy host wants to be left alone, None where it is not busy or does not say."""
    return asked_seconds(reply.headers.get("retry-after", ""), now) if reply.status in BUSY else None


def asked_seconds(said: str, now: datetime) -> float | None:
    """Return how many seconds a Retry-After asks for, which states them or a moment; None where it is neither."""
    said = said.strip()
    if said.isascii() and said.isdecimal():
        return float(said[:9])
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())
