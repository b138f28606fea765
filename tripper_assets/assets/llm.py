"""Gaps of a crawl: which of the pages that were read have one, and what they state once a language model was asked about them."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from tripper_assets.catalog.llm import Account, LlmLedger
from tripper_assets.clients.llm import Asked, Extractor, ask_all
from tripper_assets.clients.visits import ReadPage
from tripper_assets.domain.activities import Extraction
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.llm import Spending
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import Crawl, PageState
from tripper_assets.extract.llm import Gap, fill_gap, find_gap
from tripper_assets.interrupts import run_async
from tripper_assets.page_file import CrawledPages
from tripper_assets.resources import Catalog, Clock, extractor
from tripper_assets.settings import Settings
from tripper_assets.tracking import Stage

Body: TypeAlias = tuple[str, str]
"""The URL that answered, and the SHA-256 of what it gave."""
MAX_GAPS = 1_000
"""Pages of one run that are remembered for the model; the others wait for the next run, as those do that the budget has no room for."""
UNASKED = "-gaps"
"""Behind the version of a page that nobody was asked about yet: the next crawl reads it anew."""


@dataclass
class Gaps:
    """The gaps of one crawl, found while its pages are read; none where they are not looked for."""

    _read_page: ReadPage
    _timezone: str | None
    is_looked_for: bool
    _found: dict[Body, Gap] = field(default_factory=dict[Body, Gap])
    """Of bodies that were read, until it is known that they are pages: the newest, as some never are."""
    _pages: dict[Body, tuple[PageState, Gap]] = field(default_factory=dict[Body, tuple[PageState, Gap]])

    def read(self, body: bytes, url: str, content_type: str | None, received_at: datetime) -> Extraction:
        """Read a page as it is always read, and note its gap."""
        extraction = self._read_page(body, url, content_type, received_at)
        if self.is_looked_for:
            gap = find_gap(
                body, extraction, url=url, content_type=content_type, now=received_at, timezone=self._timezone
            )
            if gap is not None:
                self._found[url, gap.page_sha256] = gap
                if len(self._found) > 2 * MAX_GAPS:
                    del self._found[next(iter(self._found))]
        return extraction

    def remember(self, found: Crawl) -> None:
        """Remember the pages with a gap of a crawl that saved none."""
        for page in found.pages:
            if (page.address or page.url, page.body_sha256) in self._found:
                self.mark(PageState.model_validate({name: getattr(page, name) for name in PageState.model_fields}))

    def mark(self, page: PageState) -> PageState:
        """Return a page as it is saved while the crawl goes on: one with a gap is not yet read to the end.

        One that turns out to be known by another URL is marked again, and counts as that.
        """
        body = (page.address or page.url, page.body_sha256)
        gap = self._found.pop(body, None)
        if gap is None and body in self._pages:
            gap = self._pages[body][1]
        if gap is None:
            return page
        if body in self._pages or len(self._pages) < MAX_GAPS:
            self._pages[body] = (page, gap)
        return page.model_copy(update={"extraction_version": page.extraction_version + UNASKED})

    @property
    def pages(self) -> dict[str, tuple[PageState, Gap]]:
        """The pages with a gap, the first MAX_GAPS that came, by URL and in its order."""
        return {page.url: (page, gap) for page, gap in sorted(self._pages.values(), key=lambda one: one[0].url)}


def llm_for(work: Stage, settings: Settings) -> Extractor | None:
    """Return who is asked about a source's gaps, None where nobody is.

    Raises:
        ConfigurationError: the source asks for it, and TRIPPER_LLM, its key or its price is missing.
    """
    return extractor(settings) if work.source.config.llm_extraction == "gaps" else None


def fill_gaps(found: Crawl, gaps: Gaps, llm: Extractor, work: Stage, catalog: Catalog, clock: Clock) -> None:
    """Ask about the gaps of a crawl, put what the pages bear out into its result and their saved states, and count all of it.

    A replay asks nobody, and uses what was answered before. While the catalog is down nobody is asked, and the crawl stands without.
    """
    config = work.source.config
    budget = Spending(0, 0.0) if work.replay_of else Spending(config.llm_tokens_per_run, config.llm_usd_per_run)
    account = Account(work.workflow_id, work.source.key, "gaps", llm.provider, llm.model, budget)
    pages = {url: one for url, one in gaps.pages.items() if url in found.pages}
    questions = {url: gap.question for url, (_, gap) in pages.items()}
    try:
        asked = run_async(ask_all(questions, llm, LlmLedger(catalog.database, account, clock)))
    except TransientError as error:
        asked = Asked(unasked=Counter({"unavailable": len(questions)}))
        asked.problems.append(Problem(code="llm_unavailable", subject=work.source.url, message=str(error)))
    problems = list(asked.problems)
    filled: list[PageState] = []
    for url, answer in asked.answers.items():
        page, gap = pages[url]
        extraction, dropped = fill_gap(page.extraction, gap, answer.said)
        filled.append(page.model_copy(update={"extraction": extraction}))
        problems += dropped
    _put(found, filled)
    if not work.replay_of:
        catalog.lenient.pages.save(work.source.key, filled)
    work.problems += problems
    work.counts |= _counts(asked, pages, filled, problems)


def _put(found: Crawl, pages: list[PageState]) -> None:
    assert isinstance(found.pages, CrawledPages)  # noqa: S101 (what a crawl returns)
    for page in pages:
        found.pages.add(page)


def _counts(
    asked: Asked, pages: dict[str, tuple[PageState, Gap]], filled: list[PageState], problems: list[Problem]
) -> dict[str, Any]:
    changed = sum(page.extraction != pages[page.url][0].extraction for page in filled)
    return {
        "llm_gaps": len(pages),
        "llm_filled": changed,
        "llm_calls": asked.calls,
        "llm_cached": asked.cached,
        "llm_outcomes": dict(Counter(answer.outcome for answer in asked.answers.values())),
        "llm_unasked": dict(asked.unasked),
        "llm_dropped_values": sum(one.code == "llm_value_dropped" for one in problems),
        "llm_input_tokens": asked.usage.input,
        "llm_output_tokens": asked.usage.output,
        "tokens": asked.usage.total,
        "llm_usd": round(asked.usd, 6),
    }
