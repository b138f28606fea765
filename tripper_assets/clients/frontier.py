"""Which page a crawl asks for next: the best first, each once, in an order that does not depend on which answer came first."""

import heapq
from dataclasses import dataclass, field
from typing import TypeAlias

from tripper_assets.domain.urls import PageUrl, Site, link_score, url_shape

START_COST = -1_000
DEPTH_COST = 2
BARREN_PAGES_FOR_ONE_COST = 10
"""Pages of one template in a row that brought nothing new: an endless calendar sinks below all that may still bring something."""

Shelf: TypeAlias = list[tuple[int, str]]
"""The waiting pages of one template as a heap of cost and URL; entries that are no longer true are dropped when they surface."""


@dataclass(frozen=True)
class Candidate:
    """A page that may be asked for."""

    page: PageUrl
    depth: int
    hops: int = 0
    """Redirects on the way here."""
    is_start: bool = False
    """The source's own page, or where it redirects to."""


@dataclass
class Frontier:
    """The pages found and not asked for yet; a page that was taken is never offered again.

    Pages lie on one shelf for each template, as what is learned of a template changes the rank of all its pages at once.
    """

    site: Site
    max_depth: int
    max_waiting: int = 100_000
    dropped: int = 0
    """Pages turned away because so many were waiting; one that is found again counts again."""
    _waiting: dict[str, tuple[int, Candidate]] = field(default_factory=dict[str, tuple[int, Candidate]])
    _too_deep: dict[str, Candidate] = field(default_factory=dict[str, Candidate])
    _taken: set[str] = field(default_factory=set[str])
    _shelves: dict[str, Shelf] = field(default_factory=dict[str, Shelf])
    _fronts: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])
    _barren: dict[str, int] = field(default_factory=dict[str, int])

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def too_deep(self) -> int:
        """How many pages were found only below the depth that the crawl goes to."""
        return len(self._too_deep)

    def offer(self, candidate: Candidate) -> bool:
        """Take note of a page and return whether it is new; one that is known is kept at the lesser depth."""
        identity = candidate.page.identity
        if identity in self._taken:
            return False
        known = self._waiting[identity][1] if identity in self._waiting else self._too_deep.get(identity)
        if known and known.depth <= candidate.depth:
            return False
        if known is None and len(self._waiting) + len(self._too_deep) >= self.max_waiting:
            self.dropped += 1
            return False
        if candidate.depth > self.max_depth:
            self._too_deep[identity] = candidate
        else:
            self._too_deep.pop(identity, None)
            self._shelve(candidate)
        return known is None

    def _shelve(self, candidate: Candidate) -> None:
        identity, shape = candidate.page.identity, url_shape(candidate.page.identity)
        cost = self._cost(candidate)
        self._waiting[identity] = (cost, candidate)
        shelf = self._shelves.setdefault(shape, [])
        heapq.heappush(shelf, (cost, identity))
        if shelf[0] == (cost, identity):
            self._show_front(shape)

    def _cost(self, candidate: Candidate) -> int:
        if candidate.is_start:
            return START_COST
        identity = candidate.page.identity
        return DEPTH_COST * candidate.depth - link_score(identity) - self.site.is_below(identity)

    def take(self, count: int) -> list[Candidate]:
        """Return the best ``count`` pages, ordered by cost and then by URL."""
        taken: list[Candidate] = []
        while self._fronts and len(taken) < count:
            cost, identity, shape = heapq.heappop(self._fronts)
            if identity in self._waiting and cost == self._waiting[identity][0] + self._penalty(shape):
                taken.append(self._waiting.pop(identity)[1])
                self._taken.add(identity)
                self._show_front(shape)
        return taken

    def _show_front(self, shape: str) -> None:
        """Put the best page of a template up for choice, at today's cost."""
        shelf = self._shelves[shape]
        while shelf:
            cost, identity = shelf[0]
            if identity in self._waiting and self._waiting[identity][0] == cost:
                heapq.heappush(self._fronts, (cost + self._penalty(shape), identity, shape))
                return
            heapq.heappop(shelf)
        del self._shelves[shape]

    def _penalty(self, shape: str) -> int:
        return self._barren.get(shape, 0) // BARREN_PAGES_FOR_ONE_COST

    def is_taken(self, identity: str) -> bool:
        """Return whether the page was asked for in this crawl."""
        return identity in self._taken

    def judge(self, identity: str, *, fruitful: bool) -> None:
        """Remember whether a page brought something new: it speaks for the other pages of its template."""
        shape = url_shape(identity)
        before = self._penalty(shape)
        self._barren[shape] = 0 if fruitful else self._barren.get(shape, 0) + 1
        if self._penalty(shape) != before and shape in self._shelves:
            self._show_front(shape)
