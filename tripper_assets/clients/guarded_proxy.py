"""The only way out of a browser: a proxy on loopback that lets each page reach what the address guard passes, and only so much of it."""

import asyncio
import re
from base64 import b64decode
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Any, Self

from tripper_assets.clients.addresses import AddressGuard, Target
from tripper_assets.clients.network import Resolve, checked_addresses, connect_to_any, system_resolve
from tripper_assets.domain.errors import AddressRefusedError

LOOPBACK = "127.0.0.1"
MAX_HEAD_BYTES = 65_536
MAX_CONNECTIONS = 64
MAX_CONNECTIONS_OF_A_PAGE = 40
"""A browser opens at most 32 to one proxy."""
MAX_REQUESTS_OF_A_PAGE = 400
HEAD_SECONDS = 10.0
CONNECT_SECONDS = 10.0
CHUNK_BYTES = 65_536
FIRST_FINAL = 200
PROXY_AUTHENTICATION = 407
WITHOUT_BODY = frozenset({204, 304})
MAX_LENGTH_DIGITS = 16
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
    }
)
REASONS = {
    400: "Bad Request",
    403: "Refused",
    407: "Proxy Authentication Required",
    502: "Bad Gateway",
    503: "Too Many",
}
METHOD = re.compile(r"[A-Z]{1,20}")
STATUS_LINE = re.compile(r"HTTP/1\.[01] (\d{3})(?: .*)?")


class _RefusalError(Exception):
    """A request that is answered by the proxy itself."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _SpentError(Exception):
    """The page has used up its bytes."""


@dataclass(eq=False)
class Lease:
    """What one page may use of the proxy, and the credential that it is known by."""

    max_bytes: int
    user: str = field(default_factory=lambda: token_urlsafe(12))
    password: str = field(default_factory=lambda: token_urlsafe(24))
    used_bytes: int = 0
    """Both ways, with heads and what TLS adds."""
    requests: int = 0
    refused: int = 0
    """Requests that the guard let nowhere."""
    connections: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    @property
    def is_spent(self) -> bool:
        """Whether the page asked for more than it may have."""
        return self.used_bytes > self.max_bytes

    def take(self, count: int) -> None:
        """Use up ``count`` bytes."""
        self.used_bytes += count
        if self.is_spent:
            self.cut()
            raise _SpentError

    def cut(self) -> None:
        """Drop all connections."""
        for writer in self.connections:
            writer.transport.abort()


@dataclass(frozen=True)
class _Head:
    """The first line and the headers of a request or an answer."""

    first: str
    headers: list[tuple[str, str]]

    def value(self, name: str) -> str:
        """Return a header's value, empty where there is none."""
        return next((value for known, value in self.headers if known.lower() == name), "")

    def onward(self, first: str) -> bytes:
        """Return the head as it is handed on: for this one exchange, without what was meant for the proxy."""
        kept = [(name, value) for name, value in self.headers if name.lower() not in HOP_BY_HOP]
        lines = [first, *(f"{name}: {value}" for name, value in [*kept, ("Connection", "close")])]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _read_head(reader: asyncio.StreamReader, broken: int) -> _Head:
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise _RefusalError(broken) from error
    first, *lines = text.removesuffix("\r\n\r\n").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    # A folded or nameless header is read in two ways by two readers.
    if any(not colon or not name or name != name.strip() for name, colon, _ in pairs):
        raise _RefusalError(broken)
    return _Head(first, [(name, value.strip()) for name, _, value in pairs])


class GuardedProxy:
    """An HTTP proxy on 127.0.0.1 for one crawl's browser; an async context manager, at whose end every connection is dropped.

    Each page has a lease with a credential of its own, so that no other process can use the proxy, and a page that is over no more.
    """

    def __init__(self, guard: AddressGuard, resolve: Resolve = system_resolve) -> None:
        self._guard = guard
        self._resolve = resolve
        self._leases: dict[str, Lease] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0, limit=MAX_HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextmanager
    def lease(self, max_bytes: int) -> Generator[Lease]:
        """Let one page use the proxy while the block runs."""
        lease = Lease(max_bytes)
        self._leases[lease.user] = lease
        try:
            yield lease
        finally:
            del self._leases[lease.user]
            lease.cut()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except _RefusalError as refusal:
            writer.write(_refusal(refusal.status))
        except (_SpentError, OSError):  # a timeout is an OSError
            writer.transport.abort()
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_SECONDS):
            head = await _read_head(reader, broken=400)
        lease = self._lease_of(head)
        if len(lease.connections) >= MAX_CONNECTIONS_OF_A_PAGE or lease.requests >= MAX_REQUESTS_OF_A_PAGE:
            raise _RefusalError(503)
        lease.requests += 1
        lease.connections.add(writer)
        try:
            await self._forward(head, lease, reader, writer)
        finally:
            lease.connections.discard(writer)

    def _lease_of(self, head: _Head) -> Lease:
        scheme, _, said = head.value("proxy-authorization").partition(" ")
        if scheme.lower() != "basic":
            raise _RefusalError(PROXY_AUTHENTICATION)
        try:
            user, _, password = b64decode(said, validate=True).decode("ascii").partition(":")
        except ValueError as error:  # neither base64 nor ASCII
            raise _RefusalError(403) from error
        lease = self._leases.get(user)
        if lease is None or not compare_digest(lease.password, password):
            raise _RefusalError(403)
        return lease

    async def _forward(
        self, head: _Head, lease: Lease, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        method, _, rest = head.first.partition(" ")
        wanted, _, version = rest.partition(" ")
        if not METHOD.fullmatch(method) or version not in {"HTTP/1.1", "HTTP/1.0"}:
            raise _RefusalError(400)
        is_tunnel, body_bytes = method == "CONNECT", _body_bytes(head)
        target = self._target(f"https://{wanted}/" if is_tunnel else wanted, lease)
        far_reader, far_writer = await self._connect(target, lease)
        try:
            if writer.is_closing():
                return  # the page was over, or had used up its share, while the other side was called
            if is_tunnel:
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                await _first_of(_pump(reader, far_writer, lease), _pump(far_reader, writer, lease))
            else:
                sent = head.onward(f"{method} {target.path} HTTP/1.1")
                lease.take(len(sent))
                far_writer.write(sent)
                body = _pump_body(body_bytes, reader, far_writer, lease)
                await _first_of(body, _pump_answer(method, far_reader, writer, lease))
        finally:
            far_writer.transport.abort()

    def _target(self, url: str, lease: Lease) -> Target:
        try:
            return self._guard.target(url)
        except AddressRefusedError as error:
            lease.refused += 1
            raise _RefusalError(403) from error

    async def _connect(self, target: Target, lease: Lease) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                addresses = await checked_addresses(target.host, target.port, self._guard, self._resolve)
                return await connect_to_any(
                    addresses, lambda one: asyncio.open_connection(one, target.port, limit=MAX_HEAD_BYTES)
                )
        except AddressRefusedError as error:
            lease.refused += 1
            raise _RefusalError(403) from error
        except OSError as error:
            raise _RefusalError(502) from error


async def _pump(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, lease: Lease, left: float = float("inf")
) -> None:
    """Hand bytes on as fast as the other side takes them, until there are no more or ``left`` have gone."""
    while left > 0 and (data := await source.read(int(min(left, CHUNK_BYTES)))):
        left -= len(data)
        lease.take(len(data))
        sink.write(data)
        await sink.drain()


def _body_bytes(head: _Head) -> int:
    """Return how long the body of a request is; browsers always say so."""
    said = head.value("content-length") or "0"
    if head.value("transfer-encoding") or not (said.isascii() and said.isdecimal() and len(said) < MAX_LENGTH_DIGITS):
        raise _RefusalError(400)
    return int(said)


async def _pump_body(left: int, reader: asyncio.StreamReader, sink: asyncio.StreamWriter, lease: Lease) -> None:
    """Hand on a body of ``left`` bytes, then wait until the browser is gone.

    What else it sends is dropped: a second request on this connection might be for another host, which nobody has checked.
    """
    while data := await reader.read(CHUNK_BYTES):
        onward, left = data[:left], max(0, left - len(data))
        lease.take(len(data))
        sink.write(onward)
        await sink.drain()


async def _pump_answer(method: str, source: asyncio.StreamReader, writer: asyncio.StreamWriter, lease: Lease) -> None:
    status, length = 0, float("inf")
    while status < FIRST_FINAL:
        head = await _read_head(source, broken=502)
        match = STATUS_LINE.fullmatch(head.first)
        status = int(match[1]) if match else 0
        # A site that asks for the proxy's credential, or speaks another protocol, is no site.
        if status in {0, 101, PROXY_AUTHENTICATION}:
            raise _RefusalError(502)
        length = 0 if method == "HEAD" or status in WITHOUT_BODY else _length(head)
        said = head.onward(head.first)
        lease.take(len(said))
        if status >= FIRST_FINAL:
            writer.write(said)
    await _pump(source, writer, lease, length)


def _length(head: _Head) -> float:
    """Return how long the body of an answer is, infinity where only its end will tell."""
    said = head.value("content-length")
    told = said.isascii() and said.isdecimal() and len(said) < MAX_LENGTH_DIGITS and not head.value("transfer-encoding")
    return int(said) if told else float("inf")


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until one has ended, and raise what it raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _refusal(status: int) -> bytes:
    asks = 'Proxy-Authenticate: Basic realm="pages"\r\n' if status == PROXY_AUTHENTICATION else ""
    return f"HTTP/1.1 {status} {REASONS[status]}\r\n{asks}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
