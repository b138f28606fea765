"""One way out: every request for a page, feed, sitemap, robots.txt or picture leaves through HttpClient."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from types import TracebackType
from typing import Self, TypeAlias
from urllib.parse import urljoin

import httpcore2

from tripper_assets.clients.addresses import AddressGuard, Target, shown
from tripper_assets.clients.decoding import ACCEPT_ENCODING, decode_body
from tripper_assets.clients.http_errors import (
    RedirectRefusedError,
    TimedOutError,
    TooLargeError,
    TooManyRedirectsError,
    UnreachableError,
    UntrustedCertificateError,
)
from tripper_assets.clients.network import CertificateTrouble, GuardedNetwork, Resolve, system_resolve
from tripper_assets.domain.errors import AddressRefusedError, PermanentError, TripperError

__all__ = ["AddressGuard", "HttpClient", "Reply"]

REDIRECTS = frozenset({301, 302, 303, 307, 308})
FIRST_ERROR = 400
# Shorter than servers commonly keep an idle connection, so that a request seldom meets one that is just closing.
KEEP_ALIVE_SECONDS = 4.0
MAX_DRAINED_BYTES = 65_536
"""An unwanted body is read this far, as a connection is of further use only when its answer has come whole."""
MAX_PARTS = 200_000
"""Chunks of one body. Each costs the loop that all pages share some 15 us, so that a body of 10 MB in chunks of one byte
would hold the others for minutes; servers send some thousand bytes in each."""

Follow: TypeAlias = Callable[[str], bool]
"""Whether a redirect to this URL is followed; where not, the redirect itself is the reply."""
Accept: TypeAlias = Callable[[int, Mapping[str, str]], bool]
"""Whether the body of an answer with this status and these headers is wanted."""


@dataclass(frozen=True)
class Reply:
    """What a server answered; body is decompressed, and empty where it was not wanted."""

    url: str
    """The URL that answered, after redirects."""
    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Lower-case names; repeated headers are joined by commas."""
    body: bytes = b""
    received_bytes: int = 0
    """Of the body, as it came over the wire."""

    @cached_property
    def body_sha256(self) -> str:
        """Of the decompressed body."""
        return sha256(self.body).hexdigest()

    @property
    def redirect(self) -> str:
        """The absolute URL that the server sends on to; empty for an answer of its own."""
        location = self.headers.get("location", "").strip() if self.status in REDIRECTS else ""
        return _absolute(self.url, location) if location else ""


def _absolute(url: str, location: str) -> str:
    # Headers are latin-1 by the standard, and UTF-8 on most servers that send other letters at all.
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(url, location)
    except ValueError:
        return location


@dataclass(frozen=True)
class _Wish:
    """What one call wants of each answer on its way."""

    headers: list[tuple[bytes, bytes]]
    max_bytes: int
    truncate: bool
    accept: Accept | None
    content: bytes | None = None
    """What is sent; None asks with GET."""

    def takes(self, status: int, headers: Mapping[str, str]) -> bool:
        return status not in REDIRECTS and (self.accept is None or self.accept(status, headers))


@cache
def _system_ssl_context() -> ssl.SSLContext:
    # Reading the certificate store takes some 20 ms: once for a process, not for each client or connection.
    return httpcore2.default_ssl_context()


class HttpClient:
    """Requests that obey the guard at every hop; an async context manager, without cookies and without a proxy.

    ``resolve`` and ``ssl_context`` are the system's unless a test brings its own names and certificates.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        guard: AddressGuard,
        timeout_seconds: float = 20,
        max_connections: int = 16,
        resolve: Resolve = system_resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.user_agent = user_agent
        self.guard = guard
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout_seconds)
        # Waiting for a connection happens here, before a request's deadline begins.
        self._turns = asyncio.Semaphore(max_connections)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl_context or _system_ssl_context(),
            max_connections=max_connections,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=GuardedNetwork(guard, resolve),
        )

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._pool.__aexit__(exc_type, exc_value, traceback)

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = 10_000_000,
        max_redirects: int = 5,
        deadline_seconds: float = 60,
        follow: Follow | None = None,
        accept: Accept | None = None,
        truncate: bool = False,
    ) -> Reply:
        """Return the answer, whatever its status; ``truncate`` takes the first ``max_bytes`` of a larger body.

        Raises:
            AddressRefusedError: the URL or a redirect leads where the guard lets nothing go.
            TransientError: no connection, a broken one, or too slow.
            PermanentError: too large, not decodable, redirected in a circle, or a certificate that does not hold.
        """
        wish = _Wish(self._request_headers(headers or {}, url), max_bytes, truncate, accept)
        return await self._fetched(url, wish, max_redirects, follow, deadline_seconds)

    async def post(
        self,
        url: str,
        *,
        content: bytes,
        content_type: str,
        max_bytes: int = 10_000_000,
        deadline_seconds: float = 60,
    ) -> Reply:
        """Send ``content`` and return the answer, whatever its status; a redirect is the answer, and is not followed.

        Raises:
            TripperError: as ``get``.
        """
        headers = {"Content-Type": content_type, "Content-Length": str(len(content))}
        wish = _Wish(self._request_headers(headers, url), max_bytes, truncate=False, accept=None, content=content)
        return await self._fetched(url, wish, 0, lambda _: False, deadline_seconds)

    async def _fetched(
        self, url: str, wish: _Wish, max_redirects: int, follow: Follow | None, deadline_seconds: float
    ) -> Reply:
        async with self._turns:
            try:
                async with asyncio.timeout(deadline_seconds):
                    return await self._follow(url, wish, max_redirects, follow)
            except TimeoutError as error:
                raise TimedOutError(
                    f"Fetching {shown(url)} took longer than {deadline_seconds:g} seconds; try again later."
                ) from error

    async def _follow(self, url: str, wish: _Wish, max_redirects: int, follow: Follow | None) -> Reply:
        address = url
        for _ in range(max_redirects + 1):
            try:
                reply = await self._ask(address, wish)
            except AddressRefusedError as error:
                if address == url:
                    raise
                raise RedirectRefusedError(str(error)) from error
            address = reply.redirect
            if not address or (follow and not follow(address)):
                return reply
        raise TooManyRedirectsError(
            f"Fetching {shown(url)} was redirected more than {max_redirects} times; the site has to mend its redirects."
        )

    async def _ask(self, url: str, wish: _Wish) -> Reply:
        target = self.guard.target(url)
        try:
            async with self._answer(target, wish) as answer:
                return await _read(url, answer, wish)
        except httpcore2.TimeoutException as error:
            raise TimedOutError(f"Fetching {shown(url)} waited too long for an answer; try again later.") from error
        except httpcore2.LocalProtocolError as error:
            raise PermanentError(f"{shown(url)} cannot be asked for ({error}); give another URL.") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise _connection_trouble(url, error) from error

    @asynccontextmanager
    async def _answer(self, target: Target, wish: _Wish) -> AsyncGenerator[httpcore2.Response]:
        request = httpcore2.Request(
            "GET" if wish.content is None else "POST",
            httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
            headers=[(b"Host", target.authority.encode()), *wish.headers],
            content=wish.content,
            extensions={"timeout": self._timeouts},
        )
        answer = await self._pool.handle_async_request(request)
        try:
            yield answer
        finally:
            await answer.aclose()

    def _request_headers(self, headers: Mapping[str, str], url: str) -> list[tuple[bytes, bytes]]:
        asked = {"User-Agent": self.user_agent, "Accept": "*/*", "Accept-Encoding": ACCEPT_ENCODING, **headers}
        try:
            return [(name.encode("ascii"), value.encode("latin-1")) for name, value in asked.items()]
        except UnicodeEncodeError as error:
            raise PermanentError(f"{shown(url)} cannot be asked for: a header is not latin text ({error}).") from error


async def _read(url: str, answer: httpcore2.Response, wish: _Wish) -> Reply:
    headers = _by_name(answer.headers)
    work = f"Fetching {shown(url)}"
    if not wish.takes(answer.status, headers):
        await _received(answer, headers, MAX_DRAINED_BYTES, truncate=True, work=work)
        return Reply(url, answer.status, headers)
    # An error's page is read for what it says, and is never a reason to fail otherwise.
    truncate = wish.truncate or answer.status >= FIRST_ERROR
    raw = await _received(answer, headers, wish.max_bytes, truncate=truncate, work=work)
    encoding = headers.get("content-encoding", "")
    body = decode_body(raw, encoding, max_bytes=wish.max_bytes, work=work, truncate=truncate) if encoding else raw
    return Reply(url, answer.status, headers, body, len(raw))


async def _received(
    answer: httpcore2.Response, headers: Mapping[str, str], max_bytes: int, *, truncate: bool, work: str
) -> bytes:
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes and not truncate:
        raise TooLargeError(
            f"{work} found {int(announced):,} bytes, more than {max_bytes:,}; raise max_bytes if it is meant."
        )
    parts, size = list[bytes](), 0
    async with aclosing(answer.aiter_stream()) as arriving:
        async for part in arriving:
            parts.append(part)
            size += len(part)
            if size > max_bytes and truncate:
                break
            if size > max_bytes:
                raise TooLargeError(f"{work} gave more than {max_bytes:,} bytes; raise max_bytes if it is meant.")
            if len(parts) > MAX_PARTS:
                raise TooLargeError(f"{work} gave its body in more than {MAX_PARTS:,} chunks, which no server means.")
    return b"".join(parts)[:max_bytes]


def _by_name(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _connection_trouble(url: str, error: Exception) -> TripperError:
    reason = str(error) or "the connection broke"
    if isinstance(error, CertificateTrouble):
        return UntrustedCertificateError(
            f"Fetching {shown(url)} was refused: its certificate does not hold ({reason}); the site has to mend it."
        )
    return UnreachableError(f"Fetching {shown(url)} failed ({reason}); check the URL, or try again later.")
