"""What is known of a page between two crawls, and what a crawl reports of itself."""

from datetime import datetime

from pydantic import Field

from tripper_assets.domain.activities import Extraction, RawActivity
from tripper_assets.domain.model import Model, Problem

EXTRACTION_VERSION = "1"
"""Raised when the same page would be read otherwise; a page state of another version is fetched without validators."""


class PageState(Model):
    """One page as it was last read: its validators, and what it stated, to be carried over while it is unchanged."""

    url: str
    """The normalised URL that was asked for."""
    status: int
    """The HTTP status of the last answer with a body."""
    etag: str = ""
    last_modified: str = ""
    body_sha256: str = ""
    content_type: str = ""
    fetched_at: datetime
    """When the body was received, UTC."""
    extraction_version: str = EXTRACTION_VERSION
    extraction: Extraction = Extraction()


class CrawlReport(Model):
    """What a crawl did; found = fetched + not_modified + failed + skipped."""

    found: int = 0
    fetched: int = 0
    """Page bodies received anew."""
    not_modified: int = 0
    """304 answers."""
    failed: int = 0
    skipped: dict[str, int] = {}
    """URLs that were found and not asked for, by reason (robots, excluded, budget, off_site, depth)."""
    problems: list[Problem] = []
    """One for each page that failed or was refused, and for each document that could not be read whole."""
    bytes_received: int = 0
    seconds: float = 0

    @property
    def share(self) -> float:
        """How much of what is known to be asked for was dealt with, 0 to 1; each page that leads on makes it less."""
        done = self.fetched + self.not_modified + self.failed + sum(self.skipped.values())
        return done / max(self.found, 1)


class Crawl(Model):
    """The result of one crawl of one source."""

    pages: list[PageState] = []
    """Every page that answered or was unchanged, by URL."""
    report: CrawlReport = CrawlReport()
    gone: list[str] = Field(default_factory=list)
    """URLs that answered 404 or 410 and were known before."""

    @property
    def raw_activities(self) -> list[RawActivity]:
        """What the pages say, ordered by page URL and then by place on the page."""
        ordered = sorted(self.pages, key=lambda page: page.url)
        return [activity for page in ordered for activity in page.extraction.activities]
