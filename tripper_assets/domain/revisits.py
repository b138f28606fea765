"""When a known page is asked for again, and how long one that cannot be asked for keeps what it stated."""

import re
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Literal

from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.pages import EXTRACTION_VERSION, KnownPage
from tripper_assets.domain.selectors import reading_sha256
from tripper_assets.domain.sources import SourceConfig

SKIP_FOR = timedelta(days=7)
"""However old a sitemap says a page is, it is asked for this often: dates are forgotten by people and kept up by programs."""
CLOCKS_DIFFER = timedelta(hours=1)
LONGEST_DAY = timedelta(days=1, hours=12)
"""A day without a time ends last where the clocks are 12 hours behind UTC."""
MAX_STATED_TO_SKIP = 2
"""A page that lists more than this changes with its list, which its own date seldom knows of."""
SAMPLED_SHARE = 50
"""Of pages that would be skipped one in so many is asked for all the same, another part each day: a lying sitemap is found out."""
KEEP_UNCHECKED = timedelta(days=30)
KEEP_UNLINKED = timedelta(days=30)
W3C_DATE = re.compile(
    r"^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:[.,]\d+)?\s*(Z|[+-]\d{2}:?\d{2})?)?$", re.IGNORECASE
)

Skip = Literal["sitemap", "resumed"]


def latest_change(lastmod: str) -> datetime | None:
    """Return the last moment at which a page with this sitemap date may have changed, UTC; None where the date says nothing.

    W3C datetime as the sitemap protocol asks for; a day without a time lasts until it has ended everywhere.
    """
    match = W3C_DATE.match(lastmod.strip())
    if match is None:
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
        if match[4] is None or match[5] is None:
            return datetime(day.year, day.month, day.day, tzinfo=UTC) + LONGEST_DAY
        return datetime.fromisoformat(f"{day}T{match[4]}{match[5].upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def reading_version(config: SourceConfig) -> str:
    """Return what names the way in which a source's pages are read: our reader's version, with its own selectors and zone where it has any.

    A page that was read otherwise is read anew, although it has not changed.
    """
    selectors = reading_sha256(config.selectors)
    if not selectors and config.timezone is None:
        return EXTRACTION_VERSION
    return f"{EXTRACTION_VERSION}-{text_sha256(f'{config.timezone} {selectors}')[:12]}"


def is_current(page: KnownPage, version: str = EXTRACTION_VERSION) -> bool:
    """Return whether a page was read as it would be read now."""
    return page.extraction_version == version


def may_skip(
    page: KnownPage, lastmod: str, *, now: datetime, since: datetime | None, version: str = EXTRACTION_VERSION
) -> Skip | None:
    """Return why a known page need not be asked for, None where it has to be.

    ``version`` is that of ``reading_version``; ``since`` is when this crawl began, at its first attempt: what was read since then is not asked for again.
    """
    checked = page.checked_at
    if checked is None or not is_current(page, version):
        return None
    if since is not None and checked >= since:
        return "resumed"
    changed = latest_change(lastmod)
    if changed is None or changed + CLOCKS_DIFFER >= checked or now - checked >= SKIP_FOR:
        return None
    return "sitemap" if page.stated <= MAX_STATED_TO_SKIP and not page.paging else None


def is_sampled(url: str, now: datetime) -> bool:
    """Return whether a page that could be skipped is asked for today, to see whether its sitemap tells the truth."""
    return int(sha256(f"{now:%Y-%m-%d} {url}".encode()).hexdigest()[:8], 16) % SAMPLED_SHARE == 0


def is_a_lie(page: KnownPage, lastmod: str) -> bool:
    """Return whether a page that has changed is one that its sitemap calls unchanged since our last look."""
    changed = latest_change(lastmod)
    return changed is not None and page.checked_at is not None and changed + CLOCKS_DIFFER < page.checked_at


def keeps(page: KnownPage, now: datetime) -> bool:
    """Return whether a page that could not be asked for still counts: it was confirmed within the last 30 days."""
    return now - (page.checked_at or page.fetched_at) < KEEP_UNCHECKED


def is_forsaken(page: KnownPage, now: datetime) -> bool:
    """Return whether nothing has led to a page for 30 days."""
    return now - (page.linked_at or page.checked_at or page.fetched_at) >= KEEP_UNLINKED


def unlinked_share(max_pages: int) -> int:
    """Return how many pages that nothing leads to any more are asked for in one crawl."""
    return max(20, max_pages // 5)
