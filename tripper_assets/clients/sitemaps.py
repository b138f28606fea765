"""Which pages a site's sitemaps list: XML and text files, gzip, indexes of indexes, all of it bounded."""

import io
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lxml import etree

from tripper_assets.clients.decoding import GZIP_MAGIC, gunzip
from tripper_assets.clients.http import Reply
from tripper_assets.domain.errors import AddressRefusedError, TripperError
from tripper_assets.domain.model import Problem
from tripper_assets.domain.urls import link_score, page_url

MAX_SITEMAP_BYTES = 50_000_000
"""The protocol's own cap on one file, decompressed."""
MAX_INDEX_DEPTH = 3
MAX_FILES = 50
MAX_URLS = 50_000
MAX_ALL_BYTES = 4 * MAX_SITEMAP_BYTES
MAX_ALL_SECONDS = 180.0
"""For all sitemaps of a site together: fifty that drip would take an hour."""
FIRST_ERROR = 400
WELL_KNOWN = ("/sitemap.xml", "/sitemap_index.xml")
"""Where a sitemap is looked for that robots.txt does not name: the second only where the first is missing."""

Kind = Literal["urls", "index", "feed", "none"]
Ask = Callable[[str], Awaitable[Reply]]


@dataclass(frozen=True)
class SitemapEntry:
    """One listed URL; lastmod is a W3C date as the site states it, or empty."""

    url: str
    lastmod: str = ""


@dataclass(frozen=True)
class SitemapFile:
    """What one file lists: pages, other sitemaps, or nothing that is a sitemap; a feed is itself a page worth reading."""

    kind: Kind
    entries: tuple[SitemapEntry, ...] = ()
    whole: bool = True
    """False where the file is broken, cut or too long, and entries are those before that place."""


@dataclass
class Listing:
    """What all sitemaps of a site list together."""

    entries: dict[str, SitemapEntry] = field(default_factory=dict[str, SitemapEntry])
    feeds: list[str] = field(default_factory=list[str])
    problems: list[Problem] = field(default_factory=list[Problem])
    files: int = 0
    bytes: int = 0
    """Received, decompressed."""


def read_sitemap(body: bytes, *, max_urls: int = MAX_URLS) -> SitemapFile:
    """Return what a sitemap lists, gzip or not, as far as it can be read."""
    cut = False
    if body.startswith(GZIP_MAGIC):
        try:
            body, ended = gunzip(body, MAX_SITEMAP_BYTES)
        except zlib.error:
            return SitemapFile("none", whole=False)
        cut = not ended or len(body) >= MAX_SITEMAP_BYTES
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _read_text(body, max_urls)
    found = _read_xml(body, max_urls)
    return SitemapFile(found.kind, found.entries, whole=found.whole and not cut)


def _read_text(body: bytes, max_urls: int) -> SitemapFile:
    lines = (line.strip() for line in io.StringIO(body.decode("utf-8-sig", "replace")))
    urls = [line for line in lines if line.startswith(("http://", "https://"))]
    entries = tuple(SitemapEntry(url) for url in urls[:max_urls])
    return SitemapFile("urls" if entries else "none", entries, whole=len(urls) <= max_urls)


def _read_xml(body: bytes, max_urls: int) -> SitemapFile:
    # A sitemap has no use for entities, and every XML bomb is made of them.
    if b"<!ENTITY" in body:
        return SitemapFile("none", whole=False)
    kind: Kind = "none"
    entries: list[SitemapEntry] = []
    try:
        for tag, entry in _elements(body):
            if entry is None:
                kind = ROOTS.get(tag, "none")
                if kind not in {"urls", "index"}:
                    return SitemapFile(kind)
            elif len(entries) >= max_urls:
                return SitemapFile(kind, tuple(entries), whole=False)
            else:
                entries.append(entry)
    except etree.XMLSyntaxError:
        return SitemapFile(kind, tuple(entries), whole=False)
    return SitemapFile(kind, tuple(entries))


ROOTS: dict[str, Kind] = {"urlset": "urls", "sitemapindex": "index", "rss": "feed", "feed": "feed", "RDF": "feed"}


def _elements(body: bytes) -> Iterator[tuple[str, SitemapEntry | None]]:
    """Yield the root's name with None, then each listed entry; memory stays flat, as each element is dropped after use."""
    events = etree.iterparse(
        io.BytesIO(body),
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    at_root = True
    for event, element in events:
        name = etree.QName(element).localname
        if at_root:
            yield name, None
            at_root = False
        if event == "end" and name in {"url", "sitemap"}:
            entry = _entry(element)
            if entry.url:
                yield name, entry
            element.clear()
            while (before := element.getprevious()) is not None:
                element.getparent().remove(before)


def _entry(element: etree._Element) -> SitemapEntry:  # pyright: ignore[reportPrivateUsage] (lxml's only name for it)
    said = {etree.QName(child).localname: (child.text or "").strip() for child in element.iterchildren("*")}
    return SitemapEntry(said.get("loc", ""), said.get("lastmod", ""))


async def collect_sitemaps(
    urls: Sequence[str],
    ask: Ask,
    *,
    wanted: Callable[[str], bool],
    enough: int = MAX_URLS,
    declared: bool = True,
    seconds: Callable[[], float] = time.monotonic,
) -> Listing:
    """Return the pages that ``wanted`` says yes to, from the sitemaps at ``urls`` and those that they name.

    It stops at ``enough`` pages, MAX_FILES files, MAX_ALL_BYTES, MAX_ALL_SECONDS and MAX_INDEX_DEPTH levels; each file is read once, so a
    circle of indexes ends.
    Where ``declared`` is false the URLs are guesses, and a guess that finds nothing is no problem.

    Raises:
        AddressRefusedError: never: a refused sitemap is a problem, as its site says where it is.
    """
    listing = Listing()
    level, seen, started = list(dict.fromkeys(urls)), set(urls), seconds()
    for depth in range(MAX_INDEX_DEPTH + 1):
        below: list[str] = []
        for url in sorted(level, key=lambda one: (-_score(one), one)):
            if listing.files >= MAX_FILES or len(listing.entries) >= enough:
                return listing
            if listing.bytes >= MAX_ALL_BYTES or seconds() - started >= MAX_ALL_SECONDS:
                listing.problems.append(_problem("sitemaps_cut", url, "and what comes after it would cost too much"))
                return listing
            below += await _collect_one(url, ask, listing, wanted=wanted, silent=not declared and depth == 0)
        level = [url for url in dict.fromkeys(below) if url not in seen]
        seen.update(level)
    if level:
        listing.problems.append(
            _problem("sitemap_too_deep", level[0], f"lies more than {MAX_INDEX_DEPTH} indexes deep")
        )
    return listing


def _score(url: str) -> int:
    page = page_url(url)
    return link_score(page.identity) if page else 0


async def _collect_one(
    url: str, ask: Ask, listing: Listing, *, wanted: Callable[[str], bool], silent: bool
) -> list[str]:
    """Add the pages of one file to ``listing`` and return the sitemaps that it names."""
    listing.files += 1
    try:
        reply = await ask(url)
    except TripperError as error:
        code = "address_refused" if isinstance(error, AddressRefusedError) else "sitemap_unavailable"
        listing.problems.append(Problem(code=code, subject=url, message=str(error)))
        return []
    if reply.status >= FIRST_ERROR:
        if not silent:
            listing.problems.append(_problem("sitemap_unavailable", url, f"answered with status {reply.status}"))
        return []
    listing.bytes += len(reply.body)
    found = read_sitemap(reply.body)
    if not found.whole or (found.kind == "none" and not silent):
        listing.problems.append(_problem("sitemap_unreadable", url, "is broken, too long or no sitemap"))
    if found.kind == "feed":
        listing.feeds.append(url)
    if found.kind == "index":
        return [entry.url for entry in found.entries]
    listing.entries.update({entry.url: entry for entry in found.entries if wanted(entry.url)})
    return []


def _problem(code: str, url: str, what: str) -> Problem:
    return Problem(code=code, subject=url, message=f"The sitemap {url} {what}; what could be read of it was used.")
