"""One crawl of one source: from its URL, its sitemaps and what is known of it to every page that matters, each once."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from urllib.parse import urljoin

from tripper_assets.clients.answers import Visit
from tripper_assets.clients.frontier import LEADING, Candidate, Frontier
from tripper_assets.clients.http import HttpClient, Reply
from tripper_assets.clients.learned import Learned
from tripper_assets.clients.leftovers import leftovers, spent_budget
from tripper_assets.clients.moves import Moves
from tripper_assets.clients.offers import Offers
from tripper_assets.clients.politeness import PoliteClient, Turns
from tripper_assets.clients.robots import MAX_ROBOTS_BYTES, Robots, RobotsCache, RobotsFiles, product_token
from tripper_assets.clients.sitemaps import MAX_SITEMAP_BYTES, MAX_URLS, WELL_KNOWN, collect_sitemaps
from tripper_assets.clients.tally import Tally
from tripper_assets.clients.visits import ReadPage, Renderer, Visitor, keep_nothing
from tripper_assets.domain.errors import PermanentError, TransientError, TripperError
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import Crawl, CrawlReport, GonePage, KnownPage, PageState
from tripper_assets.domain.revisits import is_a_lie, is_sampled, keeps, may_skip, reading_version, unlinked_share
from tripper_assets.domain.snapshots import KeepBody, ReadBody
from tripper_assets.domain.sources import Source
from tripper_assets.domain.urls import Admission, PageUrl, originals, page_url, url_shape
from tripper_assets.page_file import CrawledPages, aliases_of

OnPage: TypeAlias = Callable[[KnownPage | None, CrawlReport], None]

WAVE = 16
"""Pages asked for before what they say is weighed: large enough for speed, small enough to keep the best first."""
SMALLEST_WAVE = 2
TELLING_IN_A_ROW = 4
"""Pages that the host was away for, before it is left alone."""
MAX_WAITING = 100_000
"""Pages that wait to be asked for, beyond those that the budget could still pay for."""
ENOUGH_SITEMAP_URLS = 1_000


def _say_nothing(page: KnownPage | None, report: CrawlReport) -> None:
    del page, report


@dataclass(frozen=True)
class CrawlTools:
    """What a crawl may use beside the network; each may be left out."""

    keep_body: KeepBody = keep_nothing
    read_body: ReadBody | None = None
    """Finds kept bodies, so that an unchanged page is read anew by a newer reader without being fetched."""
    renderer: Renderer | None = None
    robots_cache: RobotsCache | None = None
    turns: Turns | None = None
    """Shares the turns at a host with other processes."""
    since: datetime | None = None
    """When this crawl's first attempt began: what was read since then is not asked for again."""


async def crawl(
    source: Source,
    *,
    client: HttpClient,
    known: Mapping[str, KnownPage],
    read_page: ReadPage,
    clock: Callable[[], datetime],
    on_page: OnPage = _say_nothing,
    tools: CrawlTools | None = None,
) -> Crawl:
    """Return what the source's pages say; ``known`` are their states of earlier crawls by normalised URL.

    ``on_page`` is called after each page with what is known of it now (None for one that gave nothing) and the counts so far, in order
    of arrival; the result itself does not depend on that order. A known page that fails for a while keeps what it stated.

    Raises:
        TransientError: the site or its robots.txt is not to be had now, and nothing was read.
        AddressRefusedError: the source's address is not one that requests may leave for.
        PermanentError: the source's own page is disallowed, elsewhere, gone or no page, and nothing was read.
    """
    crawler = _Crawler(source, client, known, read_page, clock, on_page, tools or CrawlTools())
    return await crawler.run()


class _Crawler:
    """The state of one crawl."""

    def __init__(
        self,
        source: Source,
        client: HttpClient,
        known: Mapping[str, KnownPage],
        read_page: ReadPage,
        clock: Callable[[], datetime],
        on_page: OnPage,
        tools: CrawlTools,
    ) -> None:
        self._source = source
        self._config = source.config
        self._version = reading_version(source.config)
        self._known = known
        self._on_page = on_page
        self._clock = clock
        self._since = tools.since
        self._client = PoliteClient(client, delay_seconds=source.config.delay_seconds, clock=clock, turns=tools.turns)
        self._robots = RobotsFiles(self._ask_for_robots, product_token(client.user_agent), clock, tools.robots_cache)
        self._visitor = Visitor(
            self._client,
            self._robots,
            known,
            read_page,
            clock,
            source.config.max_bytes,
            tools.keep_body,
            tools.read_body,
            tools.renderer,
            self._version,
        )
        admission, today = Admission.of(source), clock().date()
        waiting = MAX_WAITING + source.config.max_pages
        self._frontier = Frontier(admission.site, source.config.max_depth, waiting, today=today)
        self._moves = Moves(admission)
        self._pages = CrawledPages(known)
        self._gone: list[GonePage] = []
        self._tally = Tally()
        self._learned = Learned()
        self._offers = Offers(
            source.url, admission, self._frontier, self._learned, self._tally, today, aliases_of(known)
        )
        self._unasked: list[Candidate] = []
        self._unlinked: set[str] = set()
        self._believes_sitemap = True
        self._away_in_a_row = 0
        self._start_error: TripperError | None = None

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
        self._offer_unlinked()
        await self._exhaust()
        return self._result()

    # Finding pages

    async def _offer_sitemaps(self, start: PageUrl, robots: Robots) -> None:
        if self._config.sitemap == "off" or not self._left:
            return
        declared = [_absolute(start.address, one) for one in robots.sitemaps]
        if declared:
            await self._offer_listed(declared, declared=True)
            return
        for path in WELL_KNOWN:
            guess = urljoin(start.address, path)
            if robots.allows(guess) and await self._offer_listed([guess], declared=False):
                return

    async def _offer_listed(self, urls: Sequence[str], *, declared: bool) -> bool:
        """Offer what sitemaps list, and return whether they list anything."""
        enough = min(MAX_URLS, max(ENOUGH_SITEMAP_URLS, 10 * self._config.max_pages))
        listing = await collect_sitemaps(
            urls, self._ask_for_sitemap, wanted=self._offers.is_for_us, enough=enough, declared=declared
        )
        self._tally.tell(*listing.problems)
        for entry in listing.entries.values():
            self._offers.offer(entry.url, depth=1, lastmod=entry.lastmod)
        for url in listing.feeds:
            self._offers.offer(url, depth=1)
        return bool(listing.entries or listing.feeds or listing.problems)

    def _offer_unlinked(self) -> None:
        """Offer some of the known pages that nothing leads to any more, those first that were looked at longest ago; they may be gone."""
        unlinked = [url for url in self._known if not self._frontier.is_known(url) and url not in self._offers.refused]
        oldest = sorted(unlinked, key=lambda url: (_looked_at(self._known[url]), url))
        for url in oldest[: unlinked_share(self._config.max_pages)]:
            self._unlinked.add(url)
            page = PageUrl(url, self._known[url].address or url)
            self._offers.admit(Candidate(page, depth=1, is_linked=False))

    # Asking for pages

    @property
    def _left(self) -> int:
        # Redirects are free, as they are no pages, but not without end.
        return self._config.max_pages - self._tally.asked - max(0, len(self._moves) - self._config.max_pages)

    @property
    def _is_outage(self) -> bool:
        return self._away_in_a_row >= TELLING_IN_A_ROW

    async def _exhaust(self) -> None:
        # The first waves are small: what a few pages teach of the site's URLs saves many requests.
        while (
            self._left > 0
            and not self._is_outage
            and await self._next_wave(min(WAVE, self._left, max(SMALLEST_WAVE, self._tally.asked)))
        ):
            pass

    async def _next_wave(self, count: int) -> int:
        """Take the best pages, ask for those that have to be asked for at once, and then weigh what they say in the order of their URLs."""
        taken = self._frontier.take(count)
        asked = [candidate for candidate in taken if not self._skip(candidate)]
        visits = await _all([self._visit(candidate) for candidate in asked])
        for visit in sorted(visits, key=lambda visit: visit.candidate.page.identity):
            self._settle(visit)
        if self._learned.has_news():
            self._offers.forget()
        is_away = bool(visits) and all(visit.is_outage for visit in visits)
        self._away_in_a_row = self._away_in_a_row + len(visits) if is_away else 0
        return len(taken)

    def _skip(self, candidate: Candidate) -> bool:
        """Return whether a page is as it was, as far as anybody can tell without asking for it, and count it."""
        known = self._known.get(candidate.page.identity)
        if known is None or candidate.is_start:
            return False
        now = self._clock()
        reason = may_skip(known, candidate.lastmod, now=now, since=self._since, version=self._version)
        if reason is None or (reason == "sitemap" and (not self._believes_sitemap or is_sampled(known.url, now))):
            return False
        self._tally.unchanged[reason] += 1
        self._tally.asked += 1
        if reason == "sitemap":
            self._unasked.append(candidate)
        self._settle_page(known, candidate)
        self._on_page(None, self._tally.report_so_far(self._frontier.unasked))
        return True

    def _doubt_sitemap(self) -> None:
        """Ask after all for the pages that the sitemap calls unchanged: one that it called so has changed."""
        self._believes_sitemap = False
        for candidate in self._unasked:
            self._tally.unchanged["sitemap"] -= 1
            self._tally.asked -= 1
            self._tally.confirmed -= self._known[candidate.page.identity].stated
            self._pages.drop(candidate.page.identity)
            self._frontier.take_back(candidate)
        self._unasked.clear()
        message = f"The sitemap of {self._source.url} dates pages that have changed as unchanged; its dates were not relied on."
        self._tally.tell(Problem(code="sitemap_dates_wrong", subject=self._source.url, message=message))

    async def _visit(self, candidate: Candidate) -> Visit:
        visit = await self._visitor.visit(candidate)
        self._tally.count(visit)
        self._on_page(visit.state, self._tally.report_so_far(self._frontier.unasked))
        return visit

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
            self._settle_read(visit.state, visit)
        elif visit.outcome == "gone":
            self._gone.append(GonePage(url=identity, reason=visit.reason))
        elif visit.outcome == "skipped":
            self._frontier.judge(identity, 0)
        elif visit.outcome in {"failed", "blocked"}:
            self._frontier.judge(identity, 0)
            self._keep_known(identity, visit)

    def _settle_read(self, page: KnownPage, visit: Visit) -> None:
        if visit.candidate.is_start:
            self._offers.answer_at(page.address or page.url)
        known = self._known.get(page.url)
        if isinstance(page, PageState):
            self._tally.tell(*page.extraction.problems)
            lied = (
                known is not None and known.body_sha256 != page.body_sha256 and is_a_lie(known, visit.candidate.lastmod)
            )
            if lied and self._believes_sitemap:
                self._doubt_sitemap()
        self._settle_page(page, visit.candidate)

    def _settle_page(self, page: KnownPage, candidate: Candidate) -> None:
        follows = self._config.sitemap != "only"
        leads_on = follows and self._offers.links_of(page, candidate.depth)
        if isinstance(page, PageState):
            canonical = self._offers.canonical(page)
            if canonical and follows and canonical.identity not in originals(page.url):
                self._offers.admit(Candidate(canonical, candidate.depth, found_on=url_shape(page.url)))
            worth = self._settle_state(page, canonical.identity if canonical else "")
        else:
            self._pages.keep(page.url)
            self._tally.confirmed += page.stated
            worth = float(page.stated > 0)
        self._frontier.judge(candidate.page.identity, max(worth, LEADING * leads_on), found_on=candidate.found_on)

    def _settle_state(self, page: PageState, canonical: str) -> float:
        """Keep a page under its own name and return what it is worth; one that only repeats another is not kept."""
        if canonical and self._frontier.is_taken(canonical) and self._learned.repeats(page, canonical):
            self._let_go(page.url)
            return 0.0
        worth = self._learned.take(page, canonical)
        if canonical in originals(page.url) and self._frontier.claim(canonical):
            # It was told of under the name that it was asked for by.
            self._gone.append(GonePage(url=page.url, reason="redirected"))
            page = page.model_copy(update={"url": canonical, "address": page.address or page.url})
            self._on_page(page, self._tally.report_so_far(self._frontier.unasked))
        self._pages.add(page)
        self._tally.confirmed += page.stated
        return worth

    def _let_go(self, url: str) -> None:
        """Forget a known page whose content is known by another name; it was fetched, and is counted as that."""
        if url in self._known:
            self._gone.append(GonePage(url=url, reason="redirected"))

    def _keep_known(self, identity: str, visit: Visit) -> None:
        # "Could not be read" is not "says nothing any more": an hour of errors must not remove a season of activities.
        known = self._known.get(identity)
        if known is None or not (visit.outcome == "blocked" or isinstance(visit.error, TransientError)):
            return
        if keeps(known, self._clock()):
            self._pages.keep(identity)
        else:
            message = f"{identity} could not be read for 30 days, and what it stated is left out from now on."
            self._tally.tell(Problem(code="page_stale", subject=identity, message=message))

    def _settle_move(self, visit: Visit) -> None:
        candidate, target = visit.candidate, self._offers.page(visit.target)
        move = self._moves.judge(candidate, target, visit.target)
        if move.problem:
            self._tally.tell(move.problem)
        if move.error and candidate.is_start:
            self._start_error = move.error
        if move.onward:
            self._frontier.offer(move.onward)
        if candidate.page.identity in self._known:
            self._tally.gone["redirected"] += 1
            self._gone.append(GonePage(url=candidate.page.identity, reason="redirected"))
        elif move.reason == "redirect_loop":
            self._tally.failures[move.reason] += 1
        else:
            self._tally.skipped[move.reason] += 1

    # The end

    def _carry_over(self) -> dict[str, int]:
        """Settle the known pages that were not asked for, and return how many that wait are none of the rest, by reason."""
        why_not = "outage" if self._is_outage else "budget"
        left = leftovers(
            self._known,
            self._frontier,
            refused=self._offers.refused,
            settled={*(page.url for page in self._gone)},
            why_not=why_not,
            max_kept=self._config.max_pages,
            now=self._clock(),
        )
        for url in left.kept:
            self._pages.keep(url)
        self._gone += left.gone
        self._tally.unchanged.update(left.counts())
        self._tally.gone.update(Counter(page.reason for page in left.gone))
        if why_not == "budget" and (carried := left.counts()["budget"]):
            self._tally.tell(spent_budget(self._source.url, self._config.max_pages, carried))
        taken_off = [*left.kept, *(page.url for page in left.gone)]
        return self._frontier.left(why_not, without=taken_off)

    def _result(self) -> Crawl:
        if not self._tally.has_read:
            raise self._start_error or PermanentError(f"{self._source.url} led to no page that can be read; check it.")
        report = self._tally.report(self._carry_over())
        linked = [url for url in sorted(self._known) if self._frontier.is_known(url) and url not in self._unlinked]
        return Crawl(self._pages, report, sorted(self._gone, key=lambda page: page.url), linked)


def _looked_at(page: KnownPage) -> datetime:
    return page.checked_at or page.fetched_at


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
