"""What is known of a page between two crawls, and what a crawl reports of itself."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tripper_assets.domain.activities import Extraction, RawActivity
from tripper_assets.domain.model import Model, Problem

MAX_LINKS = 5_000
"""Links of one page that are looked at."""
EXTRACTION_VERSION = "2"
"""Raised when the same page would be read otherwise; a page state of another version is read anew."""


class KnownPage(Protocol):
    """One page as it was last read, wherever that is written down."""

    @property
    def url(self) -> str:
        """The normalised URL that the page is known by."""
        ...

    @property
    def address(self) -> str:
        """The URL that answered; empty where it is the same."""
        ...

    @property
    def status(self) -> int:
        """The HTTP status of the last answer with a body."""
        ...

    @property
    def etag(self) -> str:
        """The validator for If-None-Match, empty where there was none."""
        ...

    @property
    def last_modified(self) -> str:
        """The validator for If-Modified-Since, empty where there was none."""
        ...

    @property
    def body_sha256(self) -> str:
        """Of the body without Content-Encoding."""
        ...

    @property
    def content_type(self) -> str:
        """As the site stated it."""
        ...

    @property
    def fetched_at(self) -> datetime:
        """When the body was received, UTC."""
        ...

    @property
    def checked_at(self) -> datetime | None:
        """When the site last gave the body or said that it is unchanged, UTC."""
        ...

    @property
    def linked_at(self) -> datetime | None:
        """When a page, a feed or a sitemap last led here, UTC."""
        ...

    @property
    def extraction_version(self) -> str:
        """Of the reader that made the extraction."""
        ...

    @property
    def links(self) -> Sequence[str]:
        """The links worth following."""
        ...

    @property
    def paging(self) -> Sequence[str]:
        """Those of its links that go on with its own list."""
        ...

    @property
    def stated(self) -> int:
        """How many activities the page states."""
        ...

    @property
    def extraction(self) -> Extraction:
        """All that the page states; reading it may cost something."""
        ...


class PageState(Model):
    """One page as it was last read: its validators, and what it stated, to be carried over while it is unchanged."""

    url: str
    """The normalised URL that the page is known by."""
    address: str = ""
    """The URL that answered; empty where it is the same."""
    status: int
    """The HTTP status of the last answer with a body."""
    etag: str = ""
    last_modified: str = ""
    body_sha256: str = ""
    content_type: str = ""
    fetched_at: datetime
    """When the body was received, UTC."""
    checked_at: datetime | None = None
    """When the site last gave the body or said that it is unchanged, UTC; None in states of before this was written down."""
    linked_at: datetime | None = None
    """When a page, a feed or a sitemap last led here, UTC."""
    extraction_version: str = EXTRACTION_VERSION
    extraction: Extraction = Extraction()

    @property
    def links(self) -> Sequence[str]:
        """The links worth following."""
        return self.extraction.links

    @property
    def paging(self) -> Sequence[str]:
        """Those of its links that go on with its own list."""
        return self.extraction.page.paging

    @property
    def stated(self) -> int:
        """How many activities the page states."""
        return len(self.extraction.activities)


class CrawlReport(Model):
    """What a crawl did; found = fetched + not_modified + unchanged + failed + blocked + gone + skipped, each summed over its reasons."""

    found: int = 0
    fetched: int = 0
    """Page bodies received anew."""
    not_modified: int = 0
    """304 answers."""
    unchanged: dict[str, int] = {}
    """Known pages that no request was made for, by reason: sitemap (its date is older than our last look), resumed (this workflow had read it),
    budget (known, still found, and max_pages was spent), unlinked (nothing leads there any more; looked at in turns), replayed (read from
    its kept body)."""
    failed: int = 0
    failures: dict[str, int] = {}
    """The failed pages by problem code."""
    blocked: dict[str, int] = {}
    """Pages with a captcha or a login in front of them, by reason; what they stated before is kept."""
    gone: dict[str, int] = {}
    """Known pages that are no more, by reason: http_404, http_410, soft_404, redirected, unlinked."""
    skipped: dict[str, int] = {}
    """URLs that were found and not asked for, by reason (robots, excluded, budget, off_site, depth, trap, barren, redirect…)."""
    problems: list[Problem] = []
    """One for each page that failed or was refused, and for each document that could not be read whole."""
    bytes_received: int = 0
    confirmed: int = 0
    """Occurrences on the pages that the site gave, or called unchanged, in this crawl; the rest of the result is carried over."""
    seconds: float = 0

    @property
    def done(self) -> int:
        """How many of the found URLs were dealt with."""
        reasons = (self.unchanged, self.blocked, self.gone, self.skipped)
        return self.fetched + self.not_modified + self.failed + sum(sum(one.values()) for one in reasons)

    @property
    def share(self) -> float:
        """How much of what is known to be asked for was dealt with, 0 to 1; each page that leads on makes it less."""
        return self.done / max(self.found, 1)


class GonePage(Model):
    """A page that was known and is no more."""

    url: str
    reason: str
    """http_404, http_410, soft_404, redirected or unlinked."""


@dataclass(frozen=True)
class Crawl:
    """The result of one crawl of one source."""

    pages: Collection[KnownPage] = ()
    """Every page that answered or is carried over, by URL; may be read from disk each time it is gone through."""
    report: CrawlReport = field(default_factory=CrawlReport)
    gone: Sequence[GonePage] = ()
    linked: Sequence[str] = ()
    """The URLs of known pages that something still leads to."""

    @property
    def raw_activities(self) -> list[RawActivity]:
        """What the pages say, ordered by page URL and then by place on the page."""
        return [activity for page in by_url(self.pages) for activity in page.extraction.activities]


def by_url(pages: Iterable[KnownPage]) -> Iterable[KnownPage]:
    """Return pages in the order of their URLs; what is in order already, such as a file of pages, is not loaded for it."""
    return sorted(pages, key=lambda page: page.url) if isinstance(pages, (list, tuple)) else pages
