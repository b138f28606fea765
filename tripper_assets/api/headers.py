"""What holds for every request and answer: security headers, how large a body may be, and how often a stranger may ask."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tripper_assets.api.problems import ProblemError, response_of

MAX_BODY_BYTES = 1_000_000
REMEMBERED_ADDRESSES = 10_000


@dataclass(frozen=True)
class Limits:
    """How much of what may be asked; numbers are for one address."""

    body_bytes: int = MAX_BODY_BYTES
    strangers_a_minute: int = 600
    """Requests that carry neither the token nor a session."""
    refusals_a_minute: int = 20
    """Answers 401; who has had so many gets 429 for everything until a minute is over."""


def content_security_policy(images: tuple[str, ...] = ()) -> str:
    """Return the policy of every page; ``images`` are further origins that pictures may come from, such as map tiles."""
    pictures = " ".join(("'self'", "data:", *images))
    return "; ".join(
        (
            "default-src 'self'",
            f"img-src {pictures}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def security_headers(images: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the headers that keep a browser from doing more than a page asks for."""
    return {
        "Content-Security-Policy": content_security_policy(images),
        "X-Content-Type-Options": "nosniff",
        # Servers of map tiles want to know which site shows them, and turn away who does not say.
        "Referrer-Policy": "strict-origin-when-cross-origin" if images else "same-origin",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


class SecurityHeaders:
    """Adds the security headers to every answer that does not set them itself.

    Pictures may also come from the origins that the app's state names as ``image_origins``, which the settings decide when it starts.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers, state = MutableHeaders(scope=message), getattr(scope.get("app"), "state", None)
                if scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-cache")  # they have an ETag
                for name, value in security_headers(getattr(state, "image_origins", ())).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


class _Rate:
    """A bucket of tokens for each of the addresses that asked last; it fills up within a minute."""

    def __init__(self, a_minute: int, seconds: Callable[[], float]) -> None:
        self._size, self._seconds = a_minute, seconds
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def left(self, address: str) -> float:
        """Return how many are left to an address now."""
        now = self._seconds()
        held, at = self._buckets.get(address, (float(self._size), now))
        return min(float(self._size), held + (now - at) * self._size / 60)

    def take(self, address: str) -> bool:
        """Take one, and return whether there was one."""
        left = self.left(address)
        self._buckets[address] = (max(left - 1, 0.0), self._seconds())
        self._buckets.move_to_end(address)
        while len(self._buckets) > REMEMBERED_ADDRESSES:
            self._buckets.popitem(last=False)
        return left >= 1


class RequestLimits:
    """Refuses bodies that are too large (413), and strangers and guessers of tokens that ask too often (429)."""

    def __init__(
        self, app: ASGIApp, limits: Limits | None = None, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._limits = limits or Limits()
        self._strangers = _Rate(self._limits.strangers_a_minute, seconds)
        self._refusals = _Rate(self._limits.refusals_a_minute, seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except ProblemError as problem:
            await response_of(Request(scope), problem)(scope, receive, send)
            return
        await self._app(scope, _counted(receive, self._limits.body_bytes), self._watching(scope, send))

    def _check(self, scope: Scope) -> None:
        headers, address = Headers(scope=scope), _address(scope)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._limits.body_bytes:
            raise _too_large(self._limits.body_bytes)
        is_stranger = "authorization" not in headers and "cookie" not in headers
        if self._refusals.left(address) < 1 or (is_stranger and not self._strangers.take(address)):
            raise ProblemError(429, "Too many requests come from here; wait a minute.", headers={"Retry-After": "60"})

    def _watching(self, scope: Scope, send: Send) -> Send:
        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:  # noqa: PLR2004 (who guesses)
                self._refusals.take(_address(scope))
            await send(message)

        return watched


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _counted(receive: Receive, most: int) -> Receive:
    """Return ``receive`` for a body that may not say how long it is."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > most:
                raise _too_large(most)
        return message

    return counted


def _too_large(most: int) -> ProblemError:
    return ProblemError(413, f"The body is larger than {most} bytes; send less.", headers={"Connection": "close"})
