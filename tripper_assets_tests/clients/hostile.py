"""Crawls of sites with a hostile page, in a process of their own: what was found, how long it took, and how much memory."""

import asyncio
import ctypes
import gc
import json
import multiprocessing
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tripper_assets.clients import visits
from tripper_assets.clients.crawler import crawl
from tripper_assets.clients.http import AddressGuard, HttpClient, Reply
from tripper_assets.domain.activities import Extraction
from tripper_assets.domain.errors import TripperError
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets.extract import extract_activities
from tripper_assets_tests.clients.crawled import NOW
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite

ORDINARY = 12
HTML = {"Content-Type": "text/html; charset=utf-8"}
ORDINARY_PATH = re.compile(r"^https?://[^/]+/(robots\.txt|sitemap[^/]*|event/number-\d+)?$")
KILLED_AFTER_SECONDS = 45


@dataclass(frozen=True)
class Order:
    """One crawl, and a deadline for each request of a hostile page in place of half a minute and more; the other pages keep
    theirs, because a busy machine answers late."""

    url: str
    port: int
    timeout_seconds: float = 20
    deadline_seconds: float = 3
    config: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Outcome:
    """What a crawl came to; problems are (code, path of the subject)."""

    names: set[str] = field(default_factory=set[str])
    problems: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    error: str = ""
    seconds: float = 0
    megabytes: float = 0
    """Above what the process held before."""
    links: int = 0
    """What the pages' states hold of links, as they are stored for the next crawl."""


class Impatient(HttpClient):
    """A client whose requests of a hostile page end soon, so that a test of slowness takes seconds."""

    longest_seconds = 60.0

    async def get(self, url: str, **options: Any) -> Reply:
        if not ORDINARY_PATH.search(url):
            options["deadline_seconds"] = min(options.get("deadline_seconds", 60), self.longest_seconds)
        return await super().get(url, **options)


def read_page(body: bytes, url: str, content_type: str | None, received_at: datetime) -> Extraction:
    return extract_activities(body, url=url, content_type=content_type, now=received_at)


async def _crawl(order: Order) -> Outcome:
    source = make_source(order.url, SourceConfig(**{"delay_seconds": 0, **order.config}))
    guard = AddressGuard(frozenset({("127.0.0.1", order.port)}))
    async with Impatient(user_agent="hostile/1", guard=guard, timeout_seconds=order.timeout_seconds) as client:
        client.longest_seconds = order.deadline_seconds
        try:
            done = await crawl(source, client=client, known={}, read_page=read_page, clock=lambda: NOW)
        except TripperError as error:
            return Outcome(error=f"{type(error).__name__}: {error}")
    problems = [(one.code, re.sub(r"^https?://[^/]*", "", one.subject)) for one in done.report.problems]
    links = sum(len(page.extraction.links) for page in done.pages)
    return Outcome({one.name for one in done.raw_activities}, problems, links=links)


def _memory(line: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{line}:")[2].split()[0]) / 1024


def _work(orders: Connection) -> None:
    visits.PAGE_DEADLINE_SECONDS = 30.0
    while order := orders.recv():
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        before, started = _memory("VmRSS"), time.monotonic()
        found = asyncio.run(_crawl(order))
        seconds, megabytes = time.monotonic() - started, _memory("VmHWM") - before
        orders.send(Outcome(found.names, found.problems, found.error, seconds, megabytes, found.links))


class Crawling:
    """A process that crawls what it is told, and is replaced where a crawl does not end."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._orders, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs,), daemon=True)
        self._process.start()

    def crawl(self, site: LoopbackSite, *, start: str = "/", **options: Any) -> Outcome:
        self._orders.send(Order(site.url(start), site.port, **options))
        if self._orders.poll(KILLED_AFTER_SECONDS):
            return self._orders.recv()
        self.stop()
        self._start()
        raise AssertionError(f"the crawl did not end within {KILLED_AFTER_SECONDS} seconds")

    def stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._orders.close()


@contextmanager
def crawling() -> Iterator[Crawling]:
    process = Crawling()
    try:
        yield process
    finally:
        process.stop()


def stated(name: str) -> bytes:
    """Return a page that states one activity."""
    place = {"@type": "Place", "name": "Mill Lane Library", "address": "12 Mill Lane, Springfield"}
    said = {"@context": "https://schema.org", "@type": "Event", "name": name, "location": place}
    said["startDate"] = "2026-05-12T10:00"
    script = f'<script type="application/ld+json">{json.dumps(said)}</script>'
    return f"<!doctype html><html lang=en><body><main><h1>{name}</h1>{script}</main></body></html>".encode()


def name_of(number: int) -> str:
    return f"Lantern Walk Number {number}"


ALL_NAMES = {name_of(number) for number in range(1, ORDINARY + 1)}
HOSTILE_NAME = "Hostile Morning"


def ordinary_site(site: LoopbackSite, *hostile: str) -> None:
    """Let the site have ordinary pages with one activity each, and a start page that links them behind the hostile ones."""
    events = [f"/event/number-{number}" for number in range(1, ORDINARY + 1)]
    anchors = "".join(f'<a href="{path}">x</a>' for path in [*hostile, *events])
    site.answer("/", Answer(200, f"<html><body>{anchors}</body></html>".encode(), HTML))
    for number, path in enumerate(events, start=1):
        site.answer(path, Answer(200, stated(name_of(number)), HTML))
