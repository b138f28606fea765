"""A site of many pages in a process of its own, on loopback: as quick as asyncio is, so that the client is what is measured."""

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from benchmarks.sample_pages import structured_page

LOOPBACK = "127.0.0.1"


def paths(count: int) -> list[str]:
    """Return the paths of the site's pages, of which the first links to all others."""
    return ["/", *(f"/events/{number}" for number in range(1, count))]


@contextmanager
def running(count: int) -> Generator[str]:
    """Show a site of ``count`` pages until the block ends, and give its address."""
    command = [sys.executable, "-m", "benchmarks.page_server", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None  # noqa: S101 (the type of a pipe that was asked for)
            yield f"http://{LOOPBACK}:{int(server.stdout.readline())}"
        finally:
            server.terminate()


class _Site(asyncio.Protocol):
    """One connection; requests come one after another, as they do from a client that does not pipeline."""

    def __init__(self, pages: dict[str, tuple[str, bytes]]) -> None:
        self._pages = pages
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 (what asyncio gives a protocol of streams)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received and self._transport is not None:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            self._transport.write(self._answer(head.decode("latin-1")))

    def _answer(self, head: str) -> bytes:
        etag, body = self._pages.get(head.split(" ", 2)[1], ("", b""))
        if not etag:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        if etag in head:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode()
        told = f"Content-Type: text/html; charset=utf-8\r\nETag: {etag}\r\nContent-Length: {len(body)}"
        return f"HTTP/1.1 200 OK\r\n{told}\r\n\r\n".encode() + body


def _pages(count: int) -> dict[str, tuple[str, bytes]]:
    found: dict[str, tuple[str, bytes]] = {}
    for number, path in enumerate(paths(count)):
        body = structured_page(number, tuple(paths(count)) if number == 0 else ())
        found[path] = f'"{hashlib.sha256(body).hexdigest()[:16]}"', body
    return found


async def _serve(count: int) -> None:
    pages = _pages(count)
    server = await asyncio.get_running_loop().create_server(lambda: _Site(pages), LOOPBACK, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
