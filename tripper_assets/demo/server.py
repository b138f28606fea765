"""Shows the sample sites on loopback, and counts what it sends."""

import contextlib
import errno
import http.client
import socket
import socketserver
import sys
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tripper_assets.demo.site import DemoSite
from tripper_assets.domain.errors import PermanentError

LOOPBACK = "127.0.0.1"
NAME = "tripper-demo"
ANSWER_SECONDS = 2
GOODBYE_SECONDS = 5


class DemoServer(ThreadingHTTPServer):
    """A server that knows its site and counts its answers by status."""

    daemon_threads = True
    # The standard library's 5 were too few for a crawler's eight connections at once: now and then one waited a second.
    request_queue_size = 128
    site: DemoSite

    def __init__(self, port: int) -> None:
        self.answers: Counter[int] = Counter()
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__((LOOPBACK, port), _Handler)

    def server_bind(self) -> None:
        """Take the port; the standard library would ask the name service for this machine's name here."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, int(self.server_address[1])

    def count(self, status: int) -> None:
        """Add an answer; many threads do, and adding is not one step."""
        with self._changed:
            self.answers[status] += 1

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (the standard library's signature)
        """Remember the connection while it is open."""
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 (the standard library's signature)
        """Close a connection, and forget it."""
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def server_close(self) -> None:
        """Hang up: a connection that is kept alive would be answered long after the site is gone."""
        super().server_close()
        with self._changed:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the visitor may have left first
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._open, timeout=GOODBYE_SECONDS)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (the standard library's signature)
        """Stay quiet about a visitor that went away: a run that is interrupted resets its connections."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """The main site's address."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = NAME
    server: DemoServer  # pyright: ignore[reportIncompatibleVariableOverride] (only DemoServer makes handlers)
    timeout = 30
    # Headers and body leave at once: a body that outgrows the buffer waited 40 ms for its headers' acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._reply("GET")

    def do_HEAD(self) -> None:
        self._reply("HEAD")

    def _reply(self, method: str) -> None:
        answer = self.server.site.respond(
            method, self.path, {name.lower(): value for name, value in self.headers.items()}
        )
        self.server.count(answer.status)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 (the standard library's signature)
        """Stay quiet."""


def is_shown(port: int) -> bool:
    """Return whether some process shows the sample sites at ``port`` already."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("HEAD", "/")
        return (connection.getresponse().headers.get("Server") or "").startswith(NAME)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def serve(port: int, today: date) -> Generator[DemoServer]:
    """Show the sample sites at 127.0.0.1 until the block ends; port 0 takes a free one.

    Raises:
        PermanentError: the port cannot be had.
    """
    try:
        server = DemoServer(port)
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        raise PermanentError(
            f"The sample site cannot be shown, for port {port} {why}; free it, or set TRIPPER_DEMO_PORT to another one."
        ) from error
    server.site = DemoSite(server.url.rstrip("/"), today)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
