"""One page: asked for politely and conditionally, kept, read, and rendered where it is empty without."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeAlias

from tripper_assets.clients.answers import (
    FIRST_NOT_SUCCESS,
    GONE,
    NOT_MODIFIED,
    Visit,
    disallowed,
    failed,
    is_readable,
    is_wanted,
    media_type,
    refused_by_status,
    still_empty,
    troubled,
    unreadable,
    with_shell,
)
from tripper_assets.clients.frontier import Candidate
from tripper_assets.clients.http import Reply
from tripper_assets.clients.http_errors import TooManyRedirectsError, UnreadableError
from tripper_assets.clients.moves import MAX_HOPS
from tripper_assets.clients.politeness import PoliteClient
from tripper_assets.clients.robots import RobotsFiles
from tripper_assets.domain.activities import Extraction
from tripper_assets.domain.errors import TransientError, TripperError
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import EXTRACTION_VERSION, KnownPage, PageState
from tripper_assets.domain.revisits import is_current
from tripper_assets.domain.snapshots import KEPT_HEADERS, KeepBody, PageSnapshot, ReadBody
from tripper_assets.domain.urls import page_url

ReadPage: TypeAlias = Callable[[bytes, str, str | None, datetime], Extraction]
"""Reads a body: the body, the URL that its relative links are relative to, its Content-Type, and when it was received: what "tomorrow"
means depends on that."""

PAGE_DEADLINE_SECONDS = 30.0
MAX_HEADER_KEPT = 1_000
NOT_RENDERED_YET = ""
"""The version of a shell that a browser should have shown and could not: it is no current one, so the next crawl tries again."""
WALLS = frozenset({"soft_404", "login_wall", "captcha"})
ACCEPT = "text/html,application/xhtml+xml,text/calendar,application/xml;q=0.9,*/*;q=0.5"


class Rendered(Protocol):
    """A page as a browser shows it."""

    @property
    def url(self) -> str:
        """Where the browser ended."""
        ...

    @property
    def html(self) -> bytes:
        """The document as UTF-8."""
        ...

    @property
    def bytes_received(self) -> int:
        """What the page and all that it asked for took."""
        ...


class Renderer(Protocol):
    """Shows a page as a browser does, within a budget of its own."""

    async def render(self, url: str) -> Rendered:
        """Return the page after its scripts have run.

        Raises:
            TripperError: it cannot be rendered, or the budget is spent.
        """
        ...


async def keep_nothing(snapshot: PageSnapshot, body: bytes) -> None:
    """Keep no body: for crawls that nobody will replay."""
    del snapshot, body


@dataclass(frozen=True)
class Visitor:
    """Everything that a visit needs."""

    client: PoliteClient
    robots: RobotsFiles
    known: Mapping[str, KnownPage]
    read_page: ReadPage
    clock: Callable[[], datetime]
    max_bytes: int
    keep_body: KeepBody = keep_nothing
    read_body: ReadBody | None = None
    renderer: Renderer | None = None
    version: str = EXTRACTION_VERSION
    """How this crawl reads pages (domain/revisits.py)."""

    async def visit(self, candidate: Candidate) -> Visit:
        """Return what became of a page; whatever goes wrong with it stays with it."""
        try:
            return await self._visit(candidate)
        except TripperError as error:
            return failed(candidate, error)

    async def _visit(self, candidate: Candidate) -> Visit:
        robots = await self.robots.of(candidate.page.address)
        self.client.slow_down(candidate.page.address, robots.crawl_delay_seconds)
        if not robots.allows(candidate.page.address):
            return disallowed(candidate)
        address = candidate.page.address
        for _ in range(MAX_HOPS + 1):
            reply = await self._ask(candidate, address)
            if reply.status in GONE and self._may_need_slash(candidate, address):
                slashed = await self._ask(candidate, f"{address}/")
                reply = reply if slashed.status in GONE else slashed
            if not reply.redirect:
                return await self._answered(candidate, reply)
            target = page_url(reply.redirect)
            if target is None or target.identity != candidate.page.identity:
                return Visit(candidate, "moved", target=reply.redirect, status=reply.status)
            address = reply.redirect
        raise TooManyRedirectsError(f"{address} redirects to itself without end; the site has to mend it.")

    def _may_need_slash(self, candidate: Candidate, address: str) -> bool:
        """Return whether an address is one that no link gave us: normalised URLs lack the slash that some servers insist on."""
        plain = address == candidate.page.identity and "?" not in address and "." not in address.rpartition("/")[2]
        return plain and not address.endswith("/") and (candidate.is_start or candidate.page.identity in self.known)

    async def _ask(self, candidate: Candidate, address: str, *, conditional: bool = True) -> Reply:
        return await self.client.get(
            address,
            headers={"Accept": ACCEPT} | (self._conditions(candidate.page.identity) if conditional else {}),
            max_bytes=self.max_bytes,
            deadline_seconds=PAGE_DEADLINE_SECONDS,
            follow=_no_redirect,
            accept=lambda status, headers: is_wanted(address, status, headers),
        )

    def _conditions(self, identity: str) -> dict[str, str]:
        """Return the validators of what is known; a page that would be read otherwise today has to be here, or to come whole."""
        known = self._comparable(identity)
        if known is None:
            return {}
        if self.renderer and not known.stated and known.extraction.page.trouble == "empty_shell":
            # Its scripts have still to be run, whether the shell itself has changed or not.
            return {}
        asked = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
        return {name: value for name, value in asked.items() if value}

    def _comparable(self, identity: str) -> KnownPage | None:
        known = self.known.get(identity)
        return known if known and (is_current(known, self.version) or self.read_body is not None) else None

    async def _answered(self, candidate: Candidate, reply: Reply) -> Visit:
        known = self._comparable(candidate.page.identity)
        if reply.status == NOT_MODIFIED and known:
            return await self._unchanged(candidate, reply, known)
        if reply.status >= FIRST_NOT_SUCCESS:
            trouble = self._extraction(reply, self.clock()).page.trouble if reply.body else ""
            return refused_by_status(candidate, reply, trouble, is_known=candidate.page.identity in self.known)
        if not is_readable(reply.url, media_type(reply.headers)):
            return unreadable(candidate, reply)
        return await self._read(candidate, reply, known)

    async def _unchanged(self, candidate: Candidate, reply: Reply, known: KnownPage) -> Visit:
        """Return the visit of a 304: the page as it is known, read anew from what was kept where we would read it otherwise now."""
        if is_current(known, self.version):
            return Visit(candidate, "not_modified", state=known, status=reply.status)
        body = await self.read_body(known.body_sha256) if self.read_body else None
        if body is None:
            whole = await self._ask(candidate, reply.url, conditional=False)
            return await self._answered(candidate, whole)
        kept = replace(reply, headers={**reply.headers, "content-type": known.content_type}, body=body)
        state = self._state(candidate, kept, self._extraction(kept, known.fetched_at), known.fetched_at)
        state = state.model_copy(update={"etag": known.etag, "last_modified": known.last_modified})
        return Visit(candidate, "not_modified", state=state, status=reply.status)

    async def _read(self, candidate: Candidate, reply: Reply, known: KnownPage | None) -> Visit:
        # As of a 304: what "tomorrow" meant was decided when the body first came.
        first = known if known and known.body_sha256 == reply.body_sha256 else None
        received_at = first.fetched_at if first else self.clock()
        is_same = first is not None and is_current(first, self.version)
        extraction = first.extraction if first and is_same else self._extraction(reply, received_at)
        if extraction.page.trouble == "empty_shell" and (self.renderer or not is_same):
            reply, extraction = await self._rendered(candidate, reply, extraction)
        facts = extraction.page
        if facts.trouble in WALLS:
            return troubled(candidate, reply, facts.trouble, is_known=candidate.page.identity in self.known)
        if facts.refresh and not extraction.activities:
            return Visit(
                candidate, "moved", target=facts.refresh, status=reply.status, received_bytes=reply.received_bytes
            )
        state = self._state(candidate, reply, extraction, received_at)
        await self.keep_body(_snapshot(state, reply), reply.body)
        return Visit(candidate, "fetched", state=state, status=reply.status, received_bytes=reply.received_bytes)

    async def _rendered(self, candidate: Candidate, reply: Reply, extraction: Extraction) -> tuple[Reply, Extraction]:
        """Return the page as a browser shows it, and as it is where there is none or it fails."""
        if self.renderer is None:
            return reply, with_shell(extraction, candidate)
        try:
            async with self.client.turn(reply.url):
                shown = await self.renderer.render(reply.url)
        except TripperError as error:
            known = self.known.get(candidate.page.identity)
            if known and isinstance(error, TransientError) and known.extraction.page.trouble != "empty_shell":
                # What a browser read there before is still the best that is known.
                raise
            code = getattr(error, "code", "not_rendered")
            problem = Problem(code=code, subject=candidate.page.identity, message=str(error))
            # One that was known from a time without a browser says so itself.
            others = [one for one in extraction.problems if one.code != "empty_shell"]
            return reply, extraction.model_copy(update={"problems": [*others, problem]})
        received = reply.received_bytes + shown.bytes_received
        # The shell's validators say nothing of what the scripts will show next time.
        headers = {"content-type": "text/html; charset=utf-8"}
        page = Reply(shown.url, reply.status, headers, shown.html, received)
        read = self._extraction(page, self.clock())
        return page, still_empty(read, candidate) if read.page.trouble == "empty_shell" else read

    def _state(self, candidate: Candidate, reply: Reply, extraction: Extraction, fetched_at: datetime) -> PageState:
        now = self.clock()
        return PageState(
            url=candidate.page.identity,
            address="" if reply.url == candidate.page.identity else reply.url,
            status=reply.status if reply.status != NOT_MODIFIED else 200,
            etag=_kept(reply, "etag"),
            last_modified=_kept(reply, "last-modified"),
            body_sha256=reply.body_sha256,
            content_type=_kept(reply, "content-type"),
            fetched_at=fetched_at,
            checked_at=now,
            linked_at=now if candidate.is_linked else self._linked_before(candidate),
            extraction_version=self._version(extraction),
            extraction=extraction,
        )

    def _version(self, extraction: Extraction) -> str:
        is_unfinished = self.renderer is not None and extraction.page.trouble == "empty_shell"
        return NOT_RENDERED_YET if is_unfinished else self.version

    def _linked_before(self, candidate: Candidate) -> datetime | None:
        known = self.known.get(candidate.page.identity)
        return known.linked_at if known else None

    def _extraction(self, reply: Reply, received_at: datetime) -> Extraction:
        try:
            return self.read_page(reply.body, reply.url, reply.headers.get("content-type"), received_at)
        except Exception as error:  # a page is hostile text: what it breaks is this page, and it says so
            raise UnreadableError(
                f"Reading {reply.url} failed ({type(error).__name__}: {str(error)[:200]}); please report the page."
            ) from error


def _no_redirect(url: str) -> bool:
    del url
    return False


def _kept(reply: Reply, header: str) -> str:
    value = reply.headers.get(header, "")
    return value if len(value) <= MAX_HEADER_KEPT else ""


def _snapshot(state: PageState, reply: Reply) -> PageSnapshot:
    headers = {name: value for name in KEPT_HEADERS if (value := _kept(reply, name))}
    return PageSnapshot(
        url=state.url,
        address=reply.url,
        status=state.status,
        headers=headers,
        body_sha256=state.body_sha256,
        body_bytes=len(reply.body),
        fetched_at=state.fetched_at,
    )
