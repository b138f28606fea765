"""What an answer to a request for a page means: readable, moved, gone, blocked or failed, each said in one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tripper_assets.clients.frontier import Candidate
from tripper_assets.clients.http import Reply
from tripper_assets.clients.politeness import BUSY
from tripper_assets.domain.activities import Extraction, PageTrouble
from tripper_assets.domain.errors import AddressRefusedError, PermanentError, TripperError, error_for_status
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import KnownPage
from tripper_assets.domain.urls import FEED

Outcome = Literal["fetched", "not_modified", "moved", "failed", "blocked", "gone", "skipped"]

NOT_MODIFIED = 304
FIRST_ERROR = 400
FIRST_NOT_SUCCESS = 300
GONE = frozenset({404, 410})
FORBIDDEN = frozenset({401, 403})
EXPLAINED = FORBIDDEN | BUSY
"""Errors whose page may say that a person or a login is wanted."""
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
TROUBLES: dict[PageTrouble, str] = {
    "soft_404": "says with a good status that it is missing, and states nothing",
    "login_wall": "wants a login; give a URL that anybody may see, or ask its owner for a feed",
    "captcha": "wants proof of a person; slow the crawl down (delay_seconds), or ask its owner to let this crawler in",
    "empty_shell": "is empty until scripts fill it in; set render_javascript: auto and install the extra browser to have it rendered",
}


@dataclass(frozen=True)
class Visit:
    """What became of one candidate."""

    candidate: Candidate
    outcome: Outcome
    state: KnownPage | None = None
    """What is known of the page now; a PageState where it was read anew."""
    target: str = ""
    """Where a moved page is."""
    reason: str = ""
    """Why a page was skipped, blocked or is gone."""
    problem: Problem | None = None
    error: TripperError | None = None
    """What to raise if the whole crawl hangs on this page."""
    status: int = 0
    received_bytes: int = 0

    @property
    def is_outage(self) -> bool:
        """The host itself is away or wants to be left alone, so its other pages are not to be had either."""
        return self.status in BUSY or (self.problem is not None and self.problem.code == "page_unreachable")


def media_type(headers: Mapping[str, str]) -> str:
    """Return the type that an answer states, without parameters, in lower case; empty where it states none."""
    return headers.get("content-type", "").split(";")[0].split(",")[0].strip().lower()


def is_readable(url: str, kind: str) -> bool:
    """Return whether a body of this type may state activities: HTML, calendars, RSS, Atom, XML and JSON."""
    if kind in UNTOLD:
        return not kind or FEED.search(url) is not None
    return kind in READABLE or (kind.endswith(("+json", "+xml")) and "svg" not in kind)


def is_wanted(url: str, status: int, headers: Mapping[str, str]) -> bool:
    """Return whether an answer's body is worth receiving: a page, or the page that explains an error."""
    return (status < FIRST_NOT_SUCCESS or status in EXPLAINED) and is_readable(url, media_type(headers))


def unreadable(candidate: Candidate, reply: Reply) -> Visit:
    """Return the visit of what is no page, such as a picture."""
    kind = media_type(reply.headers)
    error = PermanentError(f"{reply.url} is {kind}, which holds no activities that can be read; give a page.")
    return Visit(candidate, "skipped", reason="content_type", error=error, status=reply.status)


def refused_by_status(candidate: Candidate, reply: Reply, trouble: PageTrouble, *, is_known: bool) -> Visit:
    """Return the visit of a page whose answer is an error: gone where it was known, blocked where it is only not for us."""
    error = error_for_status(reply.status, f"Fetching {candidate.page.address}")
    code = f"http_{reply.status}"
    problem = Problem(code=code, subject=candidate.page.identity, message=str(error))
    outcome: Outcome = "failed"
    if trouble in {"captcha", "login_wall"}:
        outcome, code, problem = "blocked", trouble, trouble_of(candidate, trouble)
    elif reply.status in FORBIDDEN:
        outcome = "blocked"
    elif reply.status in GONE and is_known:
        outcome = "gone"
    return Visit(
        candidate,
        outcome,
        reason=code,
        problem=problem,
        error=error,
        status=reply.status,
        received_bytes=reply.received_bytes,
    )


def troubled(candidate: Candidate, reply: Reply, trouble: PageTrouble, *, is_known: bool) -> Visit:
    """Return the visit of a page with a good status that is missing or has a wall in front of it."""
    problem = trouble_of(candidate, trouble)
    outcome: Outcome = "blocked" if trouble != "soft_404" else "gone" if is_known else "failed"
    return Visit(
        candidate,
        outcome,
        reason=trouble,
        problem=problem,
        error=PermanentError(problem.message),
        status=reply.status,
        received_bytes=reply.received_bytes,
    )


def trouble_of(candidate: Candidate, trouble: PageTrouble) -> Problem:
    """Return the problem that names what a page is instead of one."""
    url = candidate.page.identity
    return Problem(code=trouble, subject=url, message=f"{url} {TROUBLES[trouble]}.")


def with_shell(extraction: Extraction, candidate: Candidate) -> Extraction:
    """Return what an empty shell states, with the problem that it is one."""
    return extraction.model_copy(update={"problems": [*extraction.problems, trouble_of(candidate, "empty_shell")]})


def still_empty(extraction: Extraction, candidate: Candidate) -> Extraction:
    """Return what a page states that is empty in a browser too, with the problem that says so."""
    url = candidate.page.identity
    message = f"{url} is empty in a browser too; look whether it wants something from a visitor first."
    problem = Problem(code="not_rendered", subject=url, message=message)
    return extraction.model_copy(update={"problems": [*extraction.problems, problem]})


def failed(candidate: Candidate, error: TripperError) -> Visit:
    """Return the visit of a page that an error kept us from."""
    code = "address_refused" if isinstance(error, AddressRefusedError) else getattr(error, "code", "page_failed")
    problem = Problem(code=code, subject=candidate.page.identity, message=str(error))
    return Visit(candidate, "failed", reason=code, problem=problem, error=error)


def disallowed(candidate: Candidate) -> Visit:
    """Return the visit of a page that robots.txt keeps us from."""
    error = PermanentError(
        f"{candidate.page.address} was not read: the site's robots.txt asks crawlers to stay away from it;"
        " choose another URL, or ask its owner to allow this crawler."
    )
    return Visit(candidate, "skipped", reason="robots", error=error)
