"""Which pages a crawl offers to its frontier: each by the one name that the site's URLs give it by now, or refused and counted."""

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlsplit

from tripper_assets.clients.frontier import Candidate, Frontier
from tripper_assets.clients.learned import Learned
from tripper_assets.clients.tally import Tally
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import MAX_LINKS, KnownPage, PageState
from tripper_assets.domain.paging import goes_on
from tripper_assets.domain.urls import Admission, PageUrl, folded, page_url, url_shape

MAX_REMEMBERED = 200_000
"""URLs remembered as refused; a site that makes up more of them is counted no further."""
MAX_OFFERED = 16_384
"""Links remembered as offered, before they are forgotten and weighed anew: those of a menu are met on every page."""


class Offers:
    """The way of URLs into one crawl's frontier."""

    def __init__(
        self,
        url: str,
        admission: Admission,
        frontier: Frontier,
        learned: Learned,
        tally: Tally,
        today: date,
        aliases: Mapping[str, str],
    ) -> None:
        self.refused: set[str] = set()
        self._admission = admission
        self._frontier = frontier
        self._learned = learned
        self._tally = tally
        self._today = today
        self._aliases = aliases
        self._form = urlsplit(url)[:2]
        self._spellings: dict[str, PageUrl | None] = {}
        self._depths: dict[str, int] = {}
        """How near to the start each link was offered from."""

    def answer_at(self, address: str) -> None:
        """Take note of where the source's own page answered: the site's links are spelled with its scheme and host."""
        self._form = urlsplit(address)[:2]
        self._spellings.clear()

    def forget(self) -> None:
        """Weigh links anew, as URLs mean other pages now."""
        self._depths.clear()
        self._frontier.rename(self._learned.noise.without)

    def page(self, url: str) -> PageUrl | None:
        """Return which page of the site a URL means, by all that is known of the site by now; None for what is no page."""
        page = self._spelled(url)
        return self._named(page) if page else None

    def _named(self, spelled: PageUrl) -> PageUrl:
        """Return a page by the name that it has by now: without what is noise, and by its canonical URL where that is known."""
        page = self._learned.noise.without(spelled)
        known_as = self._aliases.get(page.identity)
        return PageUrl(known_as, page.address) if known_as else page

    def is_for_us(self, url: str) -> bool:
        """Return whether a listed page lies below the source's path: a sitemap lists a whole host."""
        page = self.page(url)
        return page is not None and self._admission.site.is_below(page.identity)

    def canonical(self, page: PageState) -> PageUrl | None:
        """Return the other name that a page gives itself, None where it names none that this crawl would ask for."""
        stated = page.extraction.page.canonical
        named = self.page(stated) if stated else None
        return named if named and named.identity != page.url and not self._admission.refusal(named) else None

    def offer(self, url: str, *, depth: int, lastmod: str = "") -> None:
        """Offer the page that a URL means."""
        page = self.page(url)
        if page is not None:
            self.admit(Candidate(page, depth, lastmod=lastmod))

    def admit(self, candidate: Candidate) -> bool:
        """Offer a page that the source wants, and return whether nobody had found it before; one that it does not want is counted once."""
        page = candidate.page
        if page.identity in self.refused:
            return False
        refusal = self._admission.refusal(page)
        if refusal is None:
            return self._frontier.offer(candidate)
        if len(self.refused) < MAX_REMEMBERED:
            self.refused.add(page.identity)
            self._tally.skipped[refusal] += 1
        return False

    def links_of(self, page: KnownPage, depth: int) -> bool:
        """Offer what a page leads to, and return whether any of it is a new page that will probably state something."""
        if len(page.links) > MAX_LINKS:
            message = f"{page.url} has {len(page.links):,} links, of which the first {MAX_LINKS:,} were looked at."
            self._tally.tell(Problem(code="links_cut", subject=page.url, message=message))
        found = [(self._spelled_once(link), link) for link in page.links[:MAX_LINKS]]
        self._learned.watch(one for one, _ in found if one and ("?" in one.identity or ";" in one.identity))
        paging, shape, leads_on = frozenset(page.paging), url_shape(page.url), False
        for spelled, link in found:
            # Of links that were offered from as near, as a menu's are from every page, nothing can be new.
            if spelled is None or self._depths.get(link, depth + 1) <= depth:
                continue
            to = self._named(spelled)
            # The second page of a list is no deeper than its first, and neither is next month.
            below = depth + (link not in paging and not goes_on(page.url, to.identity, self._today))
            self._depths[link] = min(below, self._depths.get(link, below))
            is_new = self.admit(Candidate(to, below, found_on=shape))
            leads_on |= is_new and url_shape(to.identity) != shape and self._frontier.is_promising(to.identity)
        return leads_on

    def _spelled(self, url: str) -> PageUrl | None:
        page = page_url(url)
        return folded(page, *self._form) if page else None

    def _spelled_once(self, link: str) -> PageUrl | None:
        if len(self._spellings) >= MAX_OFFERED:
            self._spellings.clear()
            self._depths.clear()
        if link not in self._spellings:
            self._spellings[link] = self._spelled(link)
        return self._spellings[link]
