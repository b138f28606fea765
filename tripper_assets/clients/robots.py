"""What a site's robots.txt lets us do: Protego reads the rules, RFC 9309 says what a missing or broken file means."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from protego import Protego

from tripper_assets.clients.http import Reply
from tripper_assets.domain.errors import AddressRefusedError, PermanentError, TransientError, error_for_status

MAX_ROBOTS_BYTES = 500 * 1024
MAX_CRAWL_DELAY_SECONDS = 30.0
FIRST_ERROR = 400

Ask = Callable[[str], Awaitable[Reply]]
"""Fetches one robots.txt: five redirects, at most MAX_ROBOTS_BYTES of it."""


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


async def fetch_robots(origin: str, ask: Ask, token: str) -> Robots:
    """Return what ``origin`` (scheme, host and port) allows.

    RFC 9309 section 2.3.1: an answer of 4xx, or redirects without end, means there are no rules; a server that fails or cannot be
    reached means that nothing is allowed. 408, 425 and 429 are a busy server and not a missing file.

    Raises:
        AddressRefusedError: the origin, or where it redirects to, is not one that requests may leave for.
    """
    url = f"{origin}/robots.txt"
    try:
        reply = await ask(url)
    except TransientError as error:
        return Robots(token, outage=error)
    except AddressRefusedError:
        raise
    except PermanentError:
        return Robots(token)
    if reply.status < FIRST_ERROR:
        return read_robots(reply.body, token)
    error = error_for_status(reply.status, f"Fetching {url}")
    return Robots(token, outage=error) if isinstance(error, TransientError) else Robots(token)


class RobotsFiles:
    """The robots.txt of each origin that a crawl meets, asked for once."""

    def __init__(self, ask: Ask, token: str) -> None:
        self._ask = ask
        self._token = token
        self._found: dict[str, asyncio.Task[Robots]] = {}

    async def of(self, url: str) -> Robots:
        """Return what the origin of ``url`` allows.

        Raises:
            AddressRefusedError: as ``fetch_robots``.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._found:
            self._found[origin] = asyncio.ensure_future(fetch_robots(origin, self._ask, self._token))
        return await self._found[origin]
