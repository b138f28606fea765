"""Sites of many pages in a process of their own, on loopback: as quick as asyncio is, so that the client is what is measured."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from typing import Literal

from benchmarks.one_core import SERVING, stay_on
from benchmarks.sample_pages import small_page, structured_page

LOOPBACK = "127.0.0.1"
CHANGE = "/change"
"""Asking for this changes one page in a hundred."""
CHANGED_OF, CHANGED_AT = 100, 50
OLD, NEW = "2026-03-01", "2026-03-16"
"""What the sitemap dates pages, and changed ones."""
LINKED_BY_A_SMALL_PAGE = 10


@dataclass(frozen=True)
class Site:
    """What a site is made of."""

    pages: int
    kind: Literal["structured", "small"] = "structured"
    """structured: of 64 KB, all linked by the first one; small: of 2 KB, made up as they are asked for, each linking to ten."""
    sitemap: bool = False
    """Whether robots.txt names a sitemap, which dates every page."""
    hosts: int = 1
    """Addresses of the loopback network that show it, each to be crawled as a site of its own."""


def paths(count: int) -> list[str]:
    """Return the paths of the site's pages, of which the first links to all others."""
    return ["/", *(f"/events/{number}" for number in range(1, count))]


@contextmanager
def running(site: Site) -> Generator[list[str]]:
    """Show a site until the block ends, and give its addresses."""
    command = [sys.executable, "-m", "benchmarks.page_server", json.dumps(asdict(site))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None  # noqa: S101 (the type of a pipe that was asked for)
            yield json.loads(server.stdout.readline())
        finally:
            server.terminate()


class _Shown:
    """The answers of a site, by path."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._is_changed = False
        self._body = cache(self._made) if site.kind != "small" else self._made

    def answer(self, path: str, host: str, etag: str) -> bytes:
        """Return the whole answer to a GET."""
        if path == CHANGE:
            self._is_changed = True
            return _ok(b"", "text/plain")
        if path == "/robots.txt":
            named = f"Sitemap: http://{host}/sitemap.xml\n" if self._site.sitemap else ""
            return _ok(f"User-agent: *\nDisallow: /private/\n{named}".encode(), "text/plain")
        if path == "/sitemap.xml" and self._site.sitemap:
            return _ok(self._sitemap(host), "application/xml")
        number = 0 if path == "/" else int(path[8:]) if path.startswith("/events/") and path[8:].isdecimal() else -1
        return self._page(number, etag) if 0 <= number < self._site.pages else _MISSING

    def _page(self, number: int, known: str) -> bytes:
        etag = f'"{number}-{self._version(number)}"'
        if known == etag:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode()
        return _ok(self._body(number, self._version(number)), "text/html; charset=utf-8", etag)

    def _version(self, number: int) -> int:
        return int(self._is_changed and number % CHANGED_OF == CHANGED_AT)

    def _made(self, number: int, version: int) -> bytes:
        links = tuple(paths(self._site.pages)) if number == 0 else ()
        if self._site.kind == "small":
            first = number * LINKED_BY_A_SMALL_PAGE + 1
            links = tuple(
                f"/events/{one}" for one in range(first, min(first + LINKED_BY_A_SMALL_PAGE, self._site.pages))
            )
        body = (small_page if self._site.kind == "small" else structured_page)(number, links)
        return body.replace(b"A workshop", b"A new workshop").replace(b"</h1>", b", again</h1>") if version else body

    def _sitemap(self, host: str) -> bytes:
        dates = {number: NEW if self._version(number) else OLD for number in range(self._site.pages)}
        entries = "".join(
            f"<url><loc>http://{host}{path}</loc><lastmod>{dates[number]}</lastmod></url>"
            for number, path in enumerate(paths(self._site.pages))
        )
        return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'.encode()


_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def _ok(body: bytes, kind: str, etag: str = "") -> bytes:
    tag = f"ETag: {etag}\r\n" if etag else ""
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{tag}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Connection(asyncio.Protocol):
    """One connection; requests come one after another, as they do from a client that does not pipeline."""

    def __init__(self, shown: _Shown) -> None:
        self._shown = shown
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
        first, *lines = head.split("\r\n")
        told = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return self._shown.answer(first.split(" ", 2)[1], told.get("host", ""), told.get("if-none-match", ""))


async def _serve(site: Site) -> None:
    shown = _Shown(site)
    loop = asyncio.get_running_loop()
    addresses: list[str] = []
    for host in [LOOPBACK] if site.hosts == 1 else [f"127.0.0.{number + 2}" for number in range(site.hosts)]:
        server = await loop.create_server(lambda: _Connection(shown), host, 0)
        addresses.append(f"http://{host}:{server.sockets[0].getsockname()[1]}")
    if site.kind != "small":
        for path in paths(site.pages):  # made before anybody waits for them
            shown.answer(path, "", "")
    print(json.dumps(addresses), flush=True)
    await loop.create_future()


if __name__ == "__main__":
    stay_on(SERVING)
    asyncio.run(_serve(Site(**json.loads(sys.argv[1]))))
