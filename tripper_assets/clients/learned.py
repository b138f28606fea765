"""What a crawl learns of its site from the pages that it reads: what is new, what is said twice, and what in a URL is noise."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tripper_assets.domain.noise import Noise
from tripper_assets.domain.pages import PageState
from tripper_assets.domain.templates import FEW, Said, Statements
from tripper_assets.domain.urls import PageUrl, originals

DIGITS = re.compile(r"\d+")
MAX_COMPARED = 5_000
"""Pages whose statements are remembered one by one, to tell what makes no other page."""


@dataclass
class Learned:
    """The memory of one crawl."""

    noise: Noise = field(default_factory=Noise)
    _statements: Statements = field(default_factory=Statements)
    _said_by: dict[str, Said] = field(default_factory=dict[str, Said])
    _is_news: bool = False

    def take(self, page: PageState, canonical: str) -> float:
        """Learn from what a page states and return what it is worth; the same activity at another URL made for it is worth nothing."""
        said = _said(page)
        self._is_news |= self.noise.compare(page.url, said, self._said_by, canonical)
        if len(self._said_by) < MAX_COMPARED:
            self._said_by[page.url] = said
        worth = self._statements.add(said, _names(page))
        repeats = any(0 < len(self._said_by.get(one, ())) <= FEW for one in originals(page.url))
        return 0.0 if repeats else worth

    def watch(self, links: Iterable[PageUrl]) -> None:
        """Learn from the URLs that a page links to, as they are without anything learned."""
        self._is_news |= self.noise.watch(link.identity for link in links)

    def repeats(self, page: PageState, identity: str) -> bool:
        """Return whether a page states nothing that another one, which was read, does not."""
        return identity in self._said_by and _said(page) <= self._said_by[identity]

    def has_news(self) -> bool:
        """Return whether URLs mean other pages since this was asked last."""
        news, self._is_news = self._is_news, False
        return news


def _said(page: PageState) -> Said:
    # By the day: a list seldom says when something begins, and its page does.
    return frozenset(hash((activity.name, _day(activity.startDate))) for activity in page.extraction.activities)


def _names(page: PageState) -> Said:
    # Without digits: "Events of 12 May" and "Events of 13 May" are the titles of one calendar.
    return frozenset(hash(DIGITS.sub("", activity.name)) for activity in page.extraction.activities)


def _day(start: str | None) -> str:
    return (start or "")[:10]
