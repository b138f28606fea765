"""A site on 127.0.0.1 that answers as a test tells it to, and remembers who asked for what."""

import hashlib
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    path: str
    headers: dict[str, str]
    at: float
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    delay_seconds: float = 0
    raw: Iterator[bytes] | None = None
    """Sent as it is instead of all else, and the connection is closed behind it."""


Respond = Callable[[Asked], Answer]


class LoopbackSite:
    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[Asked] = []
        self.connections = 0
        self.routes: dict[str, Respond] = {}
        self.fallback: Respond = lambda _: Answer(404, b"not here")

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"{self.root}{path}"

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.requests]

    def answer(self, path: str, respond: Answer | Respond) -> None:
        self.routes[path] = (lambda _: respond) if isinstance(respond, Answer) else respond

    def page(self, path: str, *links: str, text: str = "", tagged: bool = True, **headers: str) -> None:
        """Show an HTML page with links; with an ETag that is honoured unless ``tagged`` is off."""
        anchors = " ".join(f'<a href="{link}">x</a>' for link in links)
        body = f"<html><body>{text or path} {anchors}</body></html>".encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
        said = {"Content-Type": "text/html", **headers} | ({"ETag": etag} if tagged else {})

        def respond(asked: Asked) -> Answer:
            unchanged = tagged and asked.headers.get("if-none-match") == etag
            return Answer(304, b"", {"ETag": etag}) if unchanged else Answer(200, body, said)

        self.answer(path, respond)

    def respond(self, asked: Asked) -> Answer:
        self.requests.append(asked)
        return self.routes.get(asked.path, self.fallback)(asked)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        site: LoopbackSite = self.server.site  # type: ignore[attr-defined]
        site.connections += 1
        try:
            while (asked := self._read()) and self._send(site.respond(asked)):
                pass
        except OSError:
            return

    def _read(self) -> Asked | None:
        head = self.rfile.readline().split()
        if len(head) < 2:
            return None
        headers: dict[str, str] = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        at = time.monotonic()
        return Asked(head[1].decode("latin-1"), headers, at, self.rfile.read(int(headers.get("content-length", "0"))))

    def _send(self, answer: Answer) -> bool:
        time.sleep(answer.delay_seconds)
        if answer.raw is not None:
            for part in answer.raw:
                self.wfile.write(part)
            return False
        length = {} if answer.status in {204, 304} else {"Content-Length": str(len(answer.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**length, **answer.headers}.items())
        self.wfile.write(f"HTTP/1.1 {answer.status} OK\r\n{lines}\r\n".encode("latin-1") + answer.body)
        return True


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a connection that the client dropped out of the test's output."""


@contextmanager
def serve(address: str = "127.0.0.1", port: int = 0) -> Iterator[LoopbackSite]:
    with _Server((address, port), _Handler) as server:
        site = LoopbackSite(server.server_address[1])
        server.site = site  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
