"""Which page a crawl asks for next: the best first, each once, in an order that does not depend on which answer came first."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import TypeAlias

from tripper_assets.domain.paging import PAGE_NUMBER, dated
from tripper_assets.domain.templates import Template
from tripper_assets.domain.urls import PageUrl, Site, link_score, originals, url_shape

UNTRIED = Template()
"""What is known of a template of which no page was read."""
START_COST = -1_000
DEPTH_COST = 1
LEADING = 0.6
"""What a page is worth that only leads to others that state something, beside one that states it."""
SPREAD = 5
"""Between the costs of pages that are asked for together."""
COPY_COST = 3
"""Of a page that looks like another form of one that is known."""
NEAR_MONTHS = 3
"""A calendar's months from the last one to so many ahead are as good as today's."""
MOST_MONTHS_COST = 12
CALENDAR_COST = 2
"""Of a page of a calendar: what it shows is most often in a list, too."""

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
    lastmod: str = ""
    """When it changed last, as a sitemap states it."""
    found_on: str = ""
    """The template of the page that led here, empty where a sitemap or nothing did."""
    is_linked: bool = True
    """False for a page that is only known from earlier crawls."""


@dataclass
class Frontier:
    """The pages found and not asked for yet; a page that was taken is never offered again.

    Pages lie on one shelf for each template, as what is learned of a template changes the rank of all its pages at once.
    """

    site: Site
    max_depth: int
    max_waiting: int = 100_000
    today: date | None = None
    """The months of calendars that are near it come first; None: all are alike."""
    dropped: int = 0
    """Pages turned away because so many were waiting; one that is found again counts again."""
    _waiting: dict[str, tuple[int, Candidate]] = field(default_factory=dict[str, tuple[int, Candidate]])
    _too_deep: dict[str, Candidate] = field(default_factory=dict[str, Candidate])
    _taken: set[str] = field(default_factory=set[str])
    _shelves: dict[str, Shelf] = field(default_factory=dict[str, Shelf])
    _fronts: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])
    _shown: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    """The only entry of the fronts that counts, by template: the others were replaced since."""
    _templates: dict[str, Template] = field(default_factory=dict[str, Template])
    _changed: set[str] = field(default_factory=set[str])
    """Parameters that became better since the fronts were shown."""
    _sharing: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))
    """The shelves whose template has a parameter, by parameter."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def unasked(self) -> int:
        """How many pages were found and not asked for, those below the depth and those turned away included."""
        return len(self) + self.too_deep + self.dropped

    @property
    def too_deep(self) -> int:
        """How many pages were found only below the depth that the crawl goes to."""
        return len(self._too_deep)

    def offer(self, candidate: Candidate) -> bool:
        """Take note of a page and return whether it is new; one that is known is kept at the lesser depth, with the date that either has."""
        identity = candidate.page.identity
        if identity in self._taken:
            return False
        known = self._waiting[identity][1] if identity in self._waiting else self._too_deep.get(identity)
        if known and known.depth <= candidate.depth and (known.lastmod or not candidate.lastmod):
            return False
        if known:
            # A sitemap dates pages that a link led to before, and the other way round.
            nearer = known if known.depth <= candidate.depth else candidate
            candidate = replace(nearer, lastmod=candidate.lastmod or known.lastmod)
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
        if shape not in self._shelves:
            self._shelves[shape] = []
            for part in _parts(shape):
                self._sharing[part].add(shape)
        shelf = self._shelves[shape]
        heapq.heappush(shelf, (cost, identity))
        if shelf[0] == (cost, identity):
            self._show_front(shape)

    def _cost(self, candidate: Candidate) -> int:
        if candidate.is_start:
            return START_COST
        identity = candidate.page.identity
        by_url = DEPTH_COST * candidate.depth - link_score(identity) - self.site.is_below(identity)
        return by_url + self._months_cost(identity) + COPY_COST * self.is_copy(identity)

    def _months_cost(self, identity: str) -> int:
        month = dated(identity) if self.today else None
        if month is None or self.today is None:
            return 0
        away = month.away(self.today)
        return CALENDAR_COST + min(
            MOST_MONTHS_COST, away - NEAR_MONTHS if away > NEAR_MONTHS else max(0, -2 * away - 1)
        )

    def is_copy(self, identity: str) -> bool:
        """Return whether a page looks like another form of one that was found; the months of a calendar do, and are none."""
        return dated(identity) is None and any(self.is_known(original) for original in originals(identity))

    def take(self, count: int) -> list[Candidate]:
        """Return the best pages, ordered by cost and then by URL: ``count`` of them, or fewer where the others are much worse.

        A page that is much worse can wait until it is known where the better ones lead.
        """
        self._show_changed()
        taken: list[Candidate] = []
        best: int | None = None
        while self._fronts and len(taken) < count:
            cost, identity, shape = heapq.heappop(self._fronts)
            if self._shown.get(shape) != (cost, identity):
                continue
            del self._shown[shape]
            is_old = identity not in self._waiting or cost != self._waiting[identity][0] + self._template_cost(shape)
            if is_old or self._template(shape).is_spent:
                self._show_front(shape)
                continue
            if best is not None and cost > best + SPREAD:
                self._show(shape, cost, identity)
                break
            candidate = self._waiting[identity][1]
            if self._cost(candidate) != self._waiting[identity][0]:
                # What it is a copy of was found only after it.
                self._shelve(candidate)
            else:
                del self._waiting[identity]
                self._taken.add(identity)
                taken.append(candidate)
                best = cost if best is None and not candidate.is_start else best
            self._show_front(shape)
        return taken

    def _show_front(self, shape: str) -> None:
        """Put the best page of a template up for choice, at today's cost; one that brings nothing any more puts up none."""
        shelf = self._shelves.get(shape, [])
        while shelf and not self._template(shape).is_spent:
            cost, identity = shelf[0]
            if identity in self._waiting and self._waiting[identity][0] == cost:
                self._show(shape, cost + self._template_cost(shape), identity)
                return
            heapq.heappop(shelf)
        self._shown.pop(shape, None)
        if not shelf:
            self._shelves.pop(shape, None)
            for part in _parts(shape):
                self._sharing[part].discard(shape)

    def _show(self, shape: str, cost: int, identity: str) -> None:
        if self._shown.get(shape) != (cost, identity):
            self._shown[shape] = cost, identity
            heapq.heappush(self._fronts, (cost, identity, shape))

    def _template_cost(self, shape: str) -> int:
        """Return what a template costs; one that was hardly tried is no better than its parameters were elsewhere."""
        own = self._template(shape)
        if own.is_tried:
            return own.cost
        alike = [self._template(part) for part in _parts(shape)]
        return max([own.cost, *(one.cost for one in alike if one.is_tried)])

    def _template(self, shape: str) -> Template:
        return self._templates.get(shape, UNTRIED)

    def left(self, why_not: str, *, without: Iterable[str]) -> dict[str, int]:
        """Return how many found pages were not asked for, by reason: barren (their template brings nothing), depth, else ``why_not``."""
        counts = Counter({why_not: self.dropped})
        counted = set(without)
        for identity in self._waiting.keys() - counted:
            counts["barren" if self._template(url_shape(identity)).is_spent else why_not] += 1
        counts["depth"] = len(self._too_deep.keys() - counted)
        return dict(counts)

    def take_back(self, candidate: Candidate) -> None:
        """Let a page that was taken wait again."""
        self._taken.discard(candidate.page.identity)
        self._shelve(candidate)

    def is_taken(self, identity: str) -> bool:
        """Return whether the page was asked for in this crawl."""
        return identity in self._taken

    def is_known(self, identity: str) -> bool:
        """Return whether the page was found in this crawl."""
        return identity in self._taken or identity in self._waiting or identity in self._too_deep

    def judge(self, identity: str, worth: float, *, found_on: str = "") -> None:
        """Remember what a page brought, 0 to 1: it speaks for the others of its template, and for those that led to it."""
        self._judge(url_shape(identity), worth)
        if worth and found_on and found_on != url_shape(identity):
            self._judge(found_on, LEADING * worth)

    def _judge(self, shape: str, worth: float) -> None:
        if self._learn(shape, worth) and shape in self._shelves:
            self._show_front(shape)
        self._changed |= {part for part in _parts(shape) if self._learn(part, worth)}

    def _show_changed(self) -> None:
        """Put up again what a parameter prices that was judged: once for many pages, and only where the template itself is hardly tried."""
        shapes = {shape for part in self._changed for shape in self._sharing.get(part, ()) if shape in self._shelves}
        self._changed.clear()
        for shape in sorted(one for one in shapes if not self._template(one).is_tried):
            self._show_front(shape)

    def _learn(self, name: str, worth: float) -> bool:
        """Count one more page of a template and return whether that makes its pages better or worse."""
        template = self._templates.setdefault(name, Template())
        before = (template.cost, template.is_spent, template.is_tried)
        template.judge(worth)
        return (template.cost, template.is_spent, template.is_tried) != before

    def is_promising(self, identity: str) -> bool:
        """Return whether most of the last pages of a page's template brought something, and it is no copy of a known one."""
        return self._template_cost(url_shape(identity)) < 0 and not self.is_copy(identity)

    def claim(self, identity: str) -> bool:
        """Take note that a page was read under another URL; return False where it was asked for already."""
        if identity in self._taken:
            return False
        self._waiting.pop(identity, None)
        self._too_deep.pop(identity, None)
        self._taken.add(identity)
        return True

    def rename(self, page_of: Callable[[PageUrl], PageUrl]) -> None:
        """Know all pages by what ``page_of`` calls them from now on; those that turn out to be one are asked for once."""
        self._taken |= {page_of(PageUrl(identity, identity)).identity for identity in self._taken}
        for identity, candidate in list(self._too_deep.items()):
            page = page_of(candidate.page)
            if page.identity != identity:
                del self._too_deep[identity]
                self.offer(replace(candidate, page=page))
        for identity, (_, candidate) in list(self._waiting.items()):
            page = page_of(candidate.page)
            if page.identity != identity:
                del self._waiting[identity]
                self.offer(replace(candidate, page=page))


@lru_cache(maxsize=16_384)
def _parts(shape: str) -> tuple[str, ...]:
    """Return what a template has in common with others: each of its parameters, wherever they are."""
    _, _, names = shape.partition("?")
    return tuple(f"?{name}" for name in names.split(",") if name and not PAGE_NUMBER.match(name))
