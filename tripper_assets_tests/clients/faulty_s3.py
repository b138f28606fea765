"""A proxy on 127.0.0.1 in front of an S3 server that spoils chosen requests as networks and loaded servers do."""

import http.client
import random
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

RESET = struct.pack("ii", 1, 0)  # linger for no time: closing sends a reset instead of a farewell
BURST_SHARE = 0.3
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Reply:
    """What the server behind the proxy answered, or what the proxy makes up."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Exchange(BaseHTTPRequestHandler):
    """One request on its way; a fault decides how much of it goes on, and what comes back."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for the client to acknowledge its head
    server: "_Proxy"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the client gave up, which is what many faults are for
            self.close_connection = True

    def _meet(self) -> None:
        site = self.server.site
        site.requests.append((self.command, self.path))
        (site.fault(self) or site.planned(self.command) or passed)(self)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _meet  # noqa: N815 (the names that http.server looks for)

    @property
    def length(self) -> int:
        return int(self.headers.get("Content-Length", 0))

    def forward(self) -> Reply:
        """Send the request on as it came, Host and all, because the signature covers it."""
        origin = http.client.HTTPConnection(self.server.site.origin, timeout=30)
        try:
            origin.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"connection", "expect"}:
                    origin.putheader(name, value)
            origin.endheaders(self.rfile.read(self.length))
            answer = origin.getresponse()
            return Reply(answer.status, answer.read(), tuple(answer.getheaders()))
        finally:
            origin.close()

    def send(self, reply: Reply) -> None:
        self.send_head(reply)
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def send_head(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        length = dict(reply.headers).get("Content-Length", "0") if self.command == "HEAD" else str(len(reply.body))
        kept = [(name, value) for name, value in reply.headers if name.lower() not in HOP_BY_HOP]
        for name, value in (*kept, ("Content-Length", length)):
            self.send_header(name, value)
        self.end_headers()

    def reset(self) -> None:
        """Break the connection without another byte."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close_connection = True

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing in the test's output."""


Fault = Callable[[Exchange], None]


def passed(exchange: Exchange) -> None:
    exchange.send(exchange.forward())


def refused(status: int, code: str, more: str = "") -> Fault:
    """Answer as an S3 server that says no."""

    def fault(exchange: Exchange) -> None:
        exchange.rfile.read(exchange.length)
        body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>No.</Message>{more}</Error>'
        exchange.send(Reply(status, body.encode(), (("Content-Type", "application/xml"),)))

    return fault


def not_removed(code: str) -> Fault:
    """Answer 200 to a removal of several objects, and name in the body those that stay."""

    def fault(exchange: Exchange) -> None:
        keys = re.findall(r"<Key>[^<]*</Key>", exchange.rfile.read(exchange.length).decode())
        errors = "".join(f"<Error>{key}<Code>{code}</Code><Message>No.</Message></Error>" for key in keys)
        body = f'<?xml version="1.0"?><DeleteResult>{errors}</DeleteResult>'
        exchange.send(Reply(200, body.encode(), (("Content-Type", "application/xml"),)))

    return fault


class Bursts:
    """Chooses three of ten requests, and has them refused as a loaded server does; the order is the seed's."""

    def __init__(self, seed: int) -> None:
        self.statuses: list[int] = []
        self._dice = random.Random(seed)
        self._lock = threading.Lock()

    def __call__(self, _exchange: Exchange) -> Fault | None:
        with self._lock:
            roll = self._dice.random()
            if roll >= BURST_SHARE:
                return None
            status, code = (503, "SlowDown") if roll < BURST_SHARE / 2 else (500, "InternalError")
            self.statuses.append(status)
        return refused(status, code)


def answer_lost(exchange: Exchange) -> None:
    """Have the server do what was asked, and lose its answer."""
    exchange.forward()
    exchange.reset()


def cut_after(size: int) -> Fault:
    """Break the connection when so many bytes of the body were sent; the server behind sees none of it."""

    def fault(exchange: Exchange) -> None:
        exchange.rfile.read(size)
        exchange.reset()

    return fault


def stalled(exchange: Exchange) -> None:
    """Take the head, and nothing more, until the client or the test gives up."""
    exchange.server.site.closing.wait(60)
    exchange.reset()


def trickled(exchange: Exchange) -> None:
    """Send the answer's body a byte a second."""
    reply = exchange.forward()
    exchange.send_head(reply)
    for byte in reply.body:
        exchange.wfile.write(bytes([byte]))
        if exchange.server.site.closing.wait(1):
            return


def conditions_ignored(remove: Callable[[str], None]) -> Fault:
    """Overwrite what was to be written only if it is new; ``remove`` takes the path of what stands there."""

    def fault(exchange: Exchange) -> None:
        remove(exchange.path)
        passed(exchange)

    return fault


def byte_flipped(exchange: Exchange) -> None:
    """Change the first byte of the answer's body."""
    reply = exchange.forward()
    exchange.send(Reply(reply.status, bytes([reply.body[0] ^ 1]) + reply.body[1:], reply.headers))


def nothing(_exchange: Exchange) -> None:
    """Choose no fault."""


@dataclass
class FaultyS3:
    """The proxy as a test sees it: ``fault`` chooses for each request, ``spoil`` plans for the next of a method."""

    endpoint: str
    origin: str
    fault: Callable[[Exchange], Fault | None] = nothing
    plans: list[tuple[str, Fault, bool]] = field(default_factory=list[tuple[str, Fault, bool]])
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    closing: threading.Event = field(default_factory=threading.Event)

    def spoil(self, method: str, fault: Fault, *, always: bool = False) -> None:
        """Spoil the next request of this method, or all that follow."""
        self.plans.append((method, fault, always))

    def planned(self, method: str) -> Fault | None:
        for plan in self.plans:
            if plan[0] == method:
                if not plan[2]:
                    self.plans.remove(plan)
                return plan[1]
        return None

    def heal(self) -> None:
        """Let everything pass from now on."""
        self.fault = nothing
        self.plans.clear()


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    site: FaultyS3

    def shutdown_request(self, request: Any) -> None:
        """Close without the farewell that would make a reset a polite end."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a connection that the client dropped out of the test's output."""


@contextmanager
def in_front_of(endpoint: str) -> Iterator[FaultyS3]:
    """Serve a proxy until the block ends."""
    with _Proxy(("127.0.0.1", 0), Exchange) as server:
        server.site = FaultyS3(f"http://127.0.0.1:{server.server_address[1]}", urlsplit(endpoint).netloc)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.site
        finally:
            server.site.closing.set()
            server.shutdown()
            thread.join()
