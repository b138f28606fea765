"""Pages made by scripts, and crawls that render them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import psutil
import pytest

from tripper_assets.clients.browser import Browser, RenderBudget
from tripper_assets.clients.browser_process import BrowserSetup
from tripper_assets.clients.crawler import CrawlTools, crawl
from tripper_assets.clients.http import AddressGuard, HttpClient
from tripper_assets.clients.network import Resolve, system_resolve
from tripper_assets.domain.pages import Crawl, KnownPage
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets.settings import Settings
from tripper_assets_tests.clients.crawled import NOW
from tripper_assets_tests.clients.hostile import HTML, read_page, stated
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite

CHROMIUM = Settings().chromium_path
needs_browser = pytest.mark.skipif(
    not CHROMIUM or find_spec("playwright") is None,
    reason="there is no Chromium or no Playwright here; `make browser` installs them",
)
SETUP = BrowserSetup(CHROMIUM, "tripper_assets/0 (+t)")
BUDGET = RenderBudget(page_seconds=8)


def shell(script: str) -> Answer:
    """Return a page that is empty until its script has run."""
    program = f"/* {'a long program ' * 40} */ {script}"
    body = f'<!doctype html><html lang=en><body><div id="root"></div><script>{program}</script></body></html>'
    return Answer(200, body.encode(), HTML)


def fills_in(site: LoopbackSite, path: str, name: str) -> None:
    """Show a page whose script asks for one activity and states it."""
    site.answer(f"{path}.part", Answer(200, stated(name), HTML))
    site.answer(path, shell(f"fetch('{path}.part').then(r => r.text()).then(t => document.body.innerHTML = t)"))


@dataclass(frozen=True)
class Rendering:
    """How a crawl of a site renders."""

    site: LoopbackSite
    start: str = ""
    setup: BrowserSetup = SETUP
    budget: RenderBudget = BUDGET
    guard: AddressGuard | None = None
    resolve: Resolve = system_resolve
    is_off: bool = False

    @property
    def opened(self) -> AddressGuard:
        return self.guard or AddressGuard(frozenset({("127.0.0.1", self.site.port)}))

    def browser(self) -> Browser:
        return Browser(self.setup, self.opened, self.budget, self.resolve)

    def crawl(self, known: Crawl | None = None, **config: Any) -> Crawl:
        return asyncio.run(self._crawl({page.url: page for page in known.pages} if known else {}, config))

    async def _crawl(self, known: Mapping[str, KnownPage], config: Mapping[str, Any]) -> Crawl:
        client = HttpClient(
            user_agent=self.setup.user_agent, guard=self.opened, timeout_seconds=20, resolve=self.resolve
        )
        async with client, self.browser() as browser:
            return await crawl(
                make_source(self.start or self.site.url(), SourceConfig(**{"delay_seconds": 0, **config})),
                client=client,
                known=known,
                read_page=read_page,
                clock=lambda: NOW,
                tools=CrawlTools(renderer=None if self.is_off else browser),
            )


def names(crawled: Crawl) -> set[str]:
    return {one.name for one in crawled.raw_activities if one.name}


def problems(site: LoopbackSite, crawled: Crawl) -> list[tuple[str, str]]:
    return [(one.code, one.subject.removeprefix(site.root)) for one in crawled.report.problems]


def below() -> list[psutil.Process]:
    """Return the processes that this one has started, and theirs."""
    return psutil.Process().children(recursive=True)


def programs(processes: list[psutil.Process]) -> list[str]:
    found: list[str] = []
    for process in processes:
        try:
            found.append(process.name())
        except psutil.NoSuchProcess:
            continue
    return found
