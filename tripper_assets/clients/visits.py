"""One page: asked for politely and conditionally, and what became of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeAlias

from tripper_assets.clients.frontier import Candidate
from tripper_assets.clients.http import Reply
from tripper_assets.clients.http_errors import TooManyRedirectsError, UnreadableError
from tripper_assets.clients.politeness import BUSY, PoliteClient
from tripper_assets.clients.robots import RobotsFiles
from tripper_assets.domain.activities import Extraction
from tripper_assets.domain.errors import AddressRefusedError, PermanentError, TripperError, error_for_status
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import EXTRACTION_VERSION, PageState
from tripper_assets.domain.urls import FEED, page_url

ReadPage: TypeAlias = Callable[[bytes, str, str | None], Extraction]
"""Reads a body: the body, the URL that its relative links are relative to, and its Content-Type."""
Outcome = Literal["fetched", "not_modified", "moved", "failed", "skipped"]

PAGE_DEADLINE_SECONDS = 30.0
MAX_HOPS = 5
MAX_HEADER_KEPT = 1_000
NOT_MODIFIED = 304
FIRST_ERROR = 400
FIRST_NOT_SUCCESS = 300
GONE = frozenset({404, 410})
READABLE = frozenset(
    {
        "text/html",
        "application/xhtml+xml",
        "text/calendar",
        "application/ics",
        "application/rss+xml",
        "application/atom+xml",
        "application/rdf+xml",
        "application/xml",
        "text/xml",
        "application/json",
        "application/ld+json",
        "application/feed+json",
        "text/json",
    }
)
UNTOLD = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream"})
"""Types that servers give to files they know nothing of: read where the URL says that it is a feed, or nothing says anything."""


@dataclass(frozen=True)
class Visit:
    """What became of one candidate."""

    candidate: Candidate
    outcome: Outcome
    state: PageState | None = None
    target: str = ""
    """Where a moved page is."""
    reason: str = ""
    """Why a skipped page was."""
    problem: Problem | None = None
    error: TripperError | None = None
    """What to raise if the whole crawl hangs on this page."""
    status: int = 0
    received_bytes: int = 0

    @property
    def is_gone(self) -> bool:
        """The site says that the page is no more."""
        return self.status in GONE

    @property
    def is_outage(self) -> bool:
        """The host itself is away or wants to be left alone, so its other pages are not to be had either."""
        return self.status in BUSY or (self.problem is not None and self.problem.code == "page_unreachable")


@dataclass(frozen=True)
class Visitor:
    """Everything that a visit needs."""

    client: PoliteClient
    robots: RobotsFiles
    known: Mapping[str, PageState]
    read_page: ReadPage
    clock: Callable[[], datetime]
    max_bytes: int

    async def visit(self, candidate: Candidate) -> Visit:
        """Return what became of a page; whatever goes wrong with it stays with it."""
        try:
            return await self._visit(candidate)
        except TripperError as error:
            return _failed(candidate, error)

    async def _visit(self, candidate: Candidate) -> Visit:
        robots = await self.robots.of(candidate.page.address)
        self.client.slow_down(candidate.page.address, robots.crawl_delay_seconds)
        if not robots.allows(candidate.page.address):
            return Visit(candidate, "skipped", reason="robots", error=_disallowed(candidate.page.address))
        address = candidate.page.address
        for _ in range(MAX_HOPS + 1):
            reply = await self._ask(candidate, address)
            if reply.status in GONE and self._may_need_slash(candidate, address):
                reply = await self._ask(candidate, f"{address}/")
            if not reply.redirect:
                return self._answered(candidate, reply)
            target = page_url(reply.redirect)
            if target is None or target.identity != candidate.page.identity:
                return Visit(candidate, "moved", target=reply.redirect, status=reply.status)
            address = reply.redirect
        raise TooManyRedirectsError(f"{address} redirects to itself without end; the site has to mend it.")

    def _may_need_slash(self, candidate: Candidate, address: str) -> bool:
        """Return whether an address is one that no link gave us: normalised URLs lack the slash that some servers insist on."""
        plain = address == candidate.page.identity and "?" not in address and "." not in address.rpartition("/")[2]
        return plain and not address.endswith("/") and (candidate.is_start or candidate.page.identity in self.known)

    async def _ask(self, candidate: Candidate, address: str) -> Reply:
        return await self.client.get(
            address,
            headers=self._conditions(candidate.page.identity),
            max_bytes=self.max_bytes,
            deadline_seconds=PAGE_DEADLINE_SECONDS,
            follow=_no_redirect,
            accept=lambda status, headers: status < FIRST_NOT_SUCCESS and is_readable(address, _media_type(headers)),
        )

    def _conditions(self, identity: str) -> dict[str, str]:
        """Return the validators of what is known; a page that would be read otherwise today has to come whole."""
        asked = {"Accept": "text/html,application/xhtml+xml,text/calendar,application/xml;q=0.9,*/*;q=0.5"}
        known = self._usable(identity)
        if known and known.etag:
            asked["If-None-Match"] = known.etag
        if known and known.last_modified:
            asked["If-Modified-Since"] = known.last_modified
        return asked

    def _usable(self, identity: str) -> PageState | None:
        known = self.known.get(identity)
        return known if known and known.extraction_version == EXTRACTION_VERSION else None

    def _answered(self, candidate: Candidate, reply: Reply) -> Visit:
        known = self._usable(candidate.page.identity)
        if reply.status == NOT_MODIFIED and known:
            return Visit(candidate, "not_modified", state=known, status=reply.status)
        if reply.status >= FIRST_NOT_SUCCESS:
            return _refused_by_status(candidate, reply)
        media_type = _media_type(reply.headers)
        if not is_readable(reply.url, media_type):
            error = PermanentError(
                f"{reply.url} is {media_type}, which holds no activities that can be read; give a page."
            )
            return Visit(candidate, "skipped", reason="content_type", error=error, status=reply.status)
        return self._read(candidate, reply, known)

    def _read(self, candidate: Candidate, reply: Reply, known: PageState | None) -> Visit:
        digest = sha256(reply.body).hexdigest()
        is_same = known is not None and known.body_sha256 == digest
        state = PageState(
            url=candidate.page.identity,
            status=reply.status,
            etag=_kept(reply, "etag"),
            last_modified=_kept(reply, "last-modified"),
            body_sha256=digest,
            content_type=_kept(reply, "content-type"),
            fetched_at=self.clock(),
            extraction=known.extraction if known and is_same else self._extraction(reply),
        )
        return Visit(candidate, "fetched", state=state, status=reply.status, received_bytes=reply.received_bytes)

    def _extraction(self, reply: Reply) -> Extraction:
        try:
            return self.read_page(reply.body, reply.url, reply.headers.get("content-type"))
        except Exception as error:  # a page is hostile text: what it breaks is this page, and it says so
            raise UnreadableError(
                f"Reading {reply.url} failed ({type(error).__name__}: {str(error)[:200]}); please report the page."
            ) from error


def _no_redirect(url: str) -> bool:
    del url
    return False


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").split(";")[0].split(",")[0].strip().lower()


def is_readable(url: str, media_type: str) -> bool:
    """Return whether a body of this type may state activities: HTML, calendars, RSS, Atom, XML and JSON."""
    if media_type in UNTOLD:
        return not media_type or FEED.search(url) is not None
    return media_type in READABLE or (media_type.endswith(("+json", "+xml")) and "svg" not in media_type)


def _kept(reply: Reply, header: str) -> str:
    value = reply.headers.get(header, "")
    return value if len(value) <= MAX_HEADER_KEPT else ""


def _refused_by_status(candidate: Candidate, reply: Reply) -> Visit:
    error = error_for_status(reply.status, f"Fetching {candidate.page.address}")
    problem = Problem(code=f"http_{reply.status}", subject=candidate.page.identity, message=str(error))
    return Visit(candidate, "failed", problem=problem, error=error, status=reply.status)


def _failed(candidate: Candidate, error: TripperError) -> Visit:
    code = "address_refused" if isinstance(error, AddressRefusedError) else getattr(error, "code", "page_failed")
    problem = Problem(code=code, subject=candidate.page.identity, message=str(error))
    return Visit(candidate, "failed", problem=problem, error=error)


def _disallowed(url: str) -> PermanentError:
    return PermanentError(
        f"{url} was not read: the site's robots.txt asks crawlers to stay away from it;"
        " choose another URL, or ask its owner to allow this crawler."
    )
