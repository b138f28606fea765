"""One crawl of one source: from its URL, its sitemaps and what is known of it to every page that matters, each once."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from urllib.parse import urljoin

from tripper_assets.clients.frontier import Candidate, Frontier
from tripper_assets.clients.http import HttpClient, Reply
from tripper_assets.clients.politeness import PoliteClient
from tripper_assets.clients.robots import MAX_ROBOTS_BYTES, Robots, RobotsFiles, product_token
from tripper_assets.clients.sitemaps import MAX_SITEMAP_BYTES, MAX_URLS, collect_sitemaps
from tripper_assets.clients.visits import MAX_HOPS, ReadPage, Visit, Visitor
from tripper_assets.domain.errors import PermanentError, TransientError, TripperError
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import Crawl, CrawlReport, PageState
from tripper_assets.domain.sources import Source
from tripper_assets.domain.urls import Admission, PageUrl, page_url, url_shape

OnPage: TypeAlias = Callable[[PageState | None, CrawlReport], None]

WAVE = 16
"""Pages asked for before what they say is weighed: large enough for speed, small enough to keep the best first."""
SMALLEST_TELLING_WAVE = 4
MAX_WAITING = 100_000
"""Pages that wait to be asked for, beyond those that the budget could still pay for."""
MAX_REMEMBERED = 200_000
"""URLs remembered as refused; a site that makes up more of them is counted no further."""
ENOUGH_SITEMAP_URLS = 1_000
MAX_LINKS_OF_A_PAGE = 5_000


def _say_nothing(state: PageState | None, report: CrawlReport) -> None:
    del state, report


async def crawl(
    source: Source,
    *,
    client: HttpClient,
    known: Mapping[str, PageState],
    read_page: ReadPage,
    clock: Callable[[], datetime],
    on_page: OnPage = _say_nothing,
) -> Crawl:
    """Return what the source's pages say; ``known`` are their states of earlier crawls by normalised URL.

    ``on_page`` is called after each page with its state (None for one that gave none) and the counts so far, in order of arrival;
    the result itself does not depend on that order. A known page that fails for a while keeps what it stated.

    Raises:
        TransientError: the site or its robots.txt is not to be had now, and nothing was read.
        AddressRefusedError: the source's address is not one that requests may leave for.
        PermanentError: the source's own page is disallowed, elsewhere, gone or no page, and nothing was read.
    """
    return await _Crawler(source, client=client, known=known, read_page=read_page, clock=clock, on_page=on_page).run()


class _Crawler:
    """The state of one crawl."""

    def __init__(
        self,
        source: Source,
        *,
        client: HttpClient,
        known: Mapping[str, PageState],
        read_page: ReadPage,
        clock: Callable[[], datetime],
        on_page: OnPage,
    ) -> None:
        self._source = source
        self._config = source.config
        self._known = known
        self._on_page = on_page
        self._client = PoliteClient(client, delay_seconds=source.config.delay_seconds, clock=clock)
        self._robots = RobotsFiles(self._ask_for_robots, product_token(client.user_agent))
        self._visitor = Visitor(self._client, self._robots, known, read_page, clock, source.config.max_bytes)
        self._admission = Admission.of(source)
        self._frontier = Frontier(self._admission.site, source.config.max_depth, MAX_WAITING + source.config.max_pages)
        self._refused: set[str] = set()
        self._moved_to: dict[str, str] = {}
        self._said: set[tuple[str, str]] = set()
        self._pages: dict[str, PageState] = {}
        self._gone: list[str] = []
        self._counts: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._problems: list[Problem] = []
        self._bytes = 0
        self._asked = 0
        self._is_outage = False
        self._start_error: TripperError | None = None
        self._started = time.monotonic()

    async def run(self) -> Crawl:
        start = page_url(self._source.url) or PageUrl(self._source.url, self._source.url)
        robots = await self._robots.of(start.address)
        if robots.outage:
            raise TransientError(
                f"Crawling {self._source.url} has to wait, as its robots.txt cannot be had: {robots.outage}",
                retry_after_seconds=robots.outage.retry_after_seconds,
            )
        self._frontier.offer(Candidate(start, depth=0, is_start=True))
        await self._next_wave(1)
        await self._offer_sitemaps(start, robots)
        await self._exhaust()
        self._offer_known()
        await self._exhaust()
        return self._result()

    # Finding pages

    async def _offer_sitemaps(self, start: PageUrl, robots: Robots) -> None:
        guess = urljoin(start.address, "/sitemap.xml")
        urls = [_absolute(start.address, one) for one in robots.sitemaps] or [guess]
        declared = bool(robots.sitemaps)
        if self._config.sitemap == "off" or not self._left or not (declared or robots.allows(guess)):
            return
        enough = min(MAX_URLS, max(ENOUGH_SITEMAP_URLS, 10 * self._config.max_pages))
        listing = await collect_sitemaps(
            urls, self._ask_for_sitemap, wanted=self._is_listed_for_us, enough=enough, declared=declared
        )
        self._problems += listing.problems
        for url in [*listing.entries, *listing.feeds]:
            self._offer(url, depth=1)

    def _is_listed_for_us(self, url: str) -> bool:
        # A sitemap lists a whole host; a source with a path of its own means only what lies below it.
        page = page_url(url)
        return page is not None and self._admission.site.is_below(page.identity)

    def _offer_known(self) -> None:
        """Offer the pages of earlier crawls that nothing leads to any more: they may still stand, or be gone."""
        for url in sorted(self._known):
            if url not in self._refused:
                self._offer(url, depth=1)

    def _offer(self, url: str, *, depth: int) -> str | None:
        """Offer a page to the frontier; return its URL if it is one that nobody had found before."""
        page = page_url(url)
        if page is None or page.identity in self._refused:
            return None
        refusal = self._admission.refusal(page)
        if refusal is None:
            return page.identity if self._frontier.offer(Candidate(page, depth)) else None
        if len(self._refused) < MAX_REMEMBERED:
            self._refused.add(page.identity)
            self._skipped[refusal] += 1
        return None

    # Asking for pages

    @property
    def _left(self) -> int:
        # Redirects are free, as they are no pages, but not without end.
        return self._config.max_pages - self._asked - max(0, len(self._moved_to) - self._config.max_pages)

    async def _exhaust(self) -> None:
        while len(self._frontier) and self._left > 0 and not self._is_outage:
            await self._next_wave(min(WAVE, self._left))

    async def _next_wave(self, count: int) -> None:
        """Ask for the best pages at once, and then weigh what they say in the order of their URLs."""
        visits = await _all([self._visit(candidate) for candidate in self._frontier.take(count)])
        for visit in sorted(visits, key=lambda visit: visit.candidate.page.identity):
            self._settle(visit)
        self._is_outage = len(visits) >= SMALLEST_TELLING_WAVE and all(visit.is_outage for visit in visits)

    async def _visit(self, candidate: Candidate) -> Visit:
        visit = await self._visitor.visit(candidate)
        self._count(visit)
        self._on_page(visit.state, self._report_so_far())
        return visit

    def _count(self, visit: Visit) -> None:
        self._bytes += visit.received_bytes
        self._asked += visit.outcome in {"fetched", "not_modified", "failed"} or visit.reason == "content_type"
        if visit.outcome == "skipped":
            self._skipped[visit.reason] += 1
        elif visit.outcome != "moved":
            self._counts[visit.outcome] += 1
        if visit.problem:
            self._problems.append(visit.problem)

    async def _ask_for_robots(self, url: str) -> Reply:
        return await self._client.get(url, max_bytes=MAX_ROBOTS_BYTES, truncate=True)

    async def _ask_for_sitemap(self, url: str) -> Reply:
        return await self._client.get(url, max_bytes=MAX_SITEMAP_BYTES, truncate=True)

    # Weighing what pages say

    def _settle(self, visit: Visit) -> None:
        identity = visit.candidate.page.identity
        if visit.candidate.is_start:
            self._start_error = visit.error
        if visit.outcome == "moved":
            self._settle_move(visit)
        elif visit.state:
            self._settle_page(visit.state, visit.candidate.depth)
        elif visit.outcome == "failed" and identity in self._known:
            self._settle_known_failure(identity, visit)

    def _settle_page(self, state: PageState, depth: int) -> None:
        self._pages[state.url] = state
        self._problems += state.extraction.problems
        said = {(activity.name, activity.startDate) for activity in state.extraction.activities}
        found = self._offer_links(state, depth + 1) if self._config.sitemap != "only" else set[str]()
        shape = url_shape(state.url)
        leads_on = any(url_shape(one) != shape for one in found)
        self._frontier.judge(state.url, fruitful=leads_on or not said <= self._said)
        self._said |= said

    def _offer_links(self, state: PageState, depth: int) -> set[str]:
        """Offer a page's links and return those that nobody had found before."""
        links = state.extraction.links
        if len(links) > MAX_LINKS_OF_A_PAGE:
            message = (
                f"{state.url} has {len(links):,} links, of which the first {MAX_LINKS_OF_A_PAGE:,} were looked at."
            )
            self._problems.append(Problem(code="links_cut", subject=state.url, message=message))
        return {new for link in links[:MAX_LINKS_OF_A_PAGE] if (new := self._offer(link, depth=depth))}

    def _settle_known_failure(self, identity: str, visit: Visit) -> None:
        if visit.is_gone:
            self._gone.append(identity)
        elif isinstance(visit.error, TransientError):
            # "Could not be read" is not "says nothing any more": an hour of errors must not remove a season of activities.
            self._pages[identity] = self._known[identity]

    def _settle_move(self, visit: Visit) -> None:
        candidate, target = visit.candidate, page_url(visit.target)
        here = candidate.page.identity
        if target is None or not self._admission.site.holds(target.identity):
            self._note_off_site(visit)
        elif candidate.hops >= MAX_HOPS or self._goes_in_a_circle(here, target.identity):
            self._note_circle(visit)
        elif (refusal := self._admission.refusal(target)) and not candidate.is_start:
            self._skipped[refusal] += 1
        else:
            self._moved_to[here] = target.identity
            self._skipped["redirect"] += 1
            self._frontier.offer(Candidate(target, candidate.depth, candidate.hops + 1, candidate.is_start))

    def _goes_in_a_circle(self, here: str, target: str) -> bool:
        while target in self._moved_to and target != here:
            target = self._moved_to[target]
        return target == here

    def _note_off_site(self, visit: Visit) -> None:
        url = visit.candidate.page.identity
        self._skipped["off_site"] += 1
        message = f"{url} redirects to {visit.target}, which is another site; add that one as a source if it is meant."
        self._problems.append(Problem(code="redirect_off_site", subject=url, message=message))
        if visit.candidate.is_start:
            self._start_error = PermanentError(message)

    def _note_circle(self, visit: Visit) -> None:
        url = visit.candidate.page.identity
        self._counts["failed"] += 1
        message = f"{url} is redirected in a circle or too often; the site has to mend it."
        self._problems.append(Problem(code="redirect_loop", subject=url, message=message))
        if visit.candidate.is_start:
            self._start_error = PermanentError(message)

    def _keep_unasked(self) -> None:
        """Carry over the known pages that an outage kept us from asking for."""
        for url, state in self._known.items():
            if self._is_outage and not self._frontier.is_taken(url) and url not in self._refused:
                self._pages[url] = state

    # Reporting

    def _report_so_far(self) -> CrawlReport:
        # Neither validated nor copied: this runs once for each page, and a copied list would make that quadratic.
        done = self._counts["fetched"] + self._counts["not_modified"] + self._counts["failed"]
        return CrawlReport.model_construct(
            found=done + self._skipped.total() + len(self._frontier) + self._frontier.too_deep + self._frontier.dropped,
            fetched=self._counts["fetched"],
            not_modified=self._counts["not_modified"],
            failed=self._counts["failed"],
            skipped=dict(self._skipped),
            problems=self._problems,
            bytes_received=self._bytes,
            seconds=time.monotonic() - self._started,
        )

    def _report(self) -> CrawlReport:
        reason = "outage" if self._is_outage else "budget"
        left = Counter({reason: len(self._frontier) + self._frontier.dropped, "depth": self._frontier.too_deep})
        problems = sorted(self._problems, key=lambda problem: (problem.subject, problem.code, problem.message))
        changes = {"skipped": dict(sorted((self._skipped + left).items())), "problems": problems}
        return self._report_so_far().model_copy(update=changes)

    def _result(self) -> Crawl:
        if not (self._counts["fetched"] or self._counts["not_modified"]):
            raise self._start_error or PermanentError(f"{self._source.url} led to no page that can be read; check it.")
        self._keep_unasked()
        pages = [self._pages[url] for url in sorted(self._pages)]
        return Crawl(pages=pages, report=self._report(), gone=sorted(self._gone))


def _absolute(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url


async def _all(visits: Sequence[Coroutine[None, None, Visit]]) -> list[Visit]:
    """Return what all visits gave; where one raises, the others end before the error goes on."""
    tasks = [asyncio.ensure_future(visit) for visit in visits]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
