"""Pages made by scripts: shown in a browser that starts when the first is met, within a budget, and through the guarded proxy alone."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import ClassVar, Self
from urllib.parse import urlsplit

from tripper_assets.clients.addresses import AddressGuard, shown
from tripper_assets.clients.browser_process import Answer, BrowserProcess, BrowserSetup, check_installed
from tripper_assets.clients.guarded_proxy import MAX_REQUESTS_OF_A_PAGE, GuardedProxy, Lease
from tripper_assets.clients.network import Resolve, system_resolve
from tripper_assets.domain.errors import ConfigurationError, TransientError

GRACE_SECONDS = 5.0
"""What a browser has beyond a page's time to say that it is over; then it is ended."""


class NotRenderedError(TransientError):
    """A page could not be shown this time."""

    code: ClassVar[str] = "not_rendered"


class RenderTimeoutError(NotRenderedError):
    """A page's scripts took longer than they were given."""

    code: ClassVar[str] = "render_timeout"


class RenderBudgetError(NotRenderedError):
    """The page, or the whole crawl, would take more of the browser than it may."""

    code: ClassVar[str] = "render_budget"


@dataclass(frozen=True)
class RenderBudget:
    """What one crawl may take of a browser."""

    pages: int = 50
    seconds: float = 900
    page_seconds: float = 20
    bytes: int = 300_000_000
    page_bytes: int = 20_000_000
    """All that a page and its scripts send and receive."""
    html_bytes: int = 10_000_000
    requests: int = MAX_REQUESTS_OF_A_PAGE
    """Of one page."""
    starts: int = 5
    """How often a browser that ended by itself is started again, and the first start."""


@dataclass(frozen=True)
class RenderedPage:
    """A page as the browser shows it."""

    url: str
    """Where the browser ended, on the same host."""
    html: bytes
    """The document as UTF-8."""
    bytes_received: int
    """What the page and all that it asked for took, both ways."""


class Browser:
    """Renders one page after another; an async context manager, at whose end no process of the browser is left.

    Nothing is started before the first page. Every request that a page makes goes through a GuardedProxy with ``guard`` and ``resolve``.
    """

    def __init__(
        self, setup: BrowserSetup, guard: AddressGuard, budget: RenderBudget, resolve: Resolve = system_resolve
    ) -> None:
        self._setup = setup
        self._budget = budget
        self._proxy = GuardedProxy(guard, resolve)
        # One at a time: a page that takes the browser down takes no other with it.
        self._alone = asyncio.Lock()
        self._process: BrowserProcess | None = None
        self._open = AsyncExitStack()
        self._pages = 0
        self._starts = 0
        self._seconds = 0.0
        self._bytes = 0

    async def __aenter__(self) -> Self:
        """Make ready.

        Raises:
            ConfigurationError: Playwright or Chromium is missing.
        """
        check_installed(self._setup.program)
        await self._open.enter_async_context(self._proxy)
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._end()
        finally:
            await self._open.aclose()

    async def render(self, url: str) -> RenderedPage:
        """Return the page after its scripts have run.

        Raises:
            NotRenderedError: it cannot be shown now; a RenderTimeoutError or RenderBudgetError where that is why.
        """
        async with self._alone:
            self._check_budget(url)
            self._pages += 1
            began = asyncio.get_running_loop().time()
            try:
                return await self._rendered(url)
            finally:
                self._seconds += asyncio.get_running_loop().time() - began

    def _check_budget(self, url: str) -> None:
        budget = self._budget
        spent = [
            f"{limit:,g} {what}"
            for used, limit, what in (
                (self._pages, budget.pages, "pages"),
                (self._seconds, budget.seconds, "seconds"),
                (self._bytes, budget.bytes, "bytes"),
            )
            if used >= limit
        ]
        if spent:
            raise RenderBudgetError(
                f"{shown(url)} was not rendered: the crawl has used the {spent[0]} that it may render; raise render_max_pages"
                " or narrow the source."
            )

    async def version(self) -> str:
        """Start the browser and return its version.

        Raises:
            ConfigurationError: Chromium does not start.
        """
        async with self._alone:
            return (await self._running("about:blank")).version

    async def _running(self, url: str) -> BrowserProcess:
        if self._process is None:
            if self._starts >= self._budget.starts:
                raise RenderBudgetError(
                    f"{shown(url)} was not rendered: the browser ended {self._starts} times in this crawl and is not started again;"
                    " look at the page in a browser, or set render_javascript: never."
                )
            self._starts += 1
            self._process = await BrowserProcess.start(self._setup, self._proxy.port)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.end()

    async def _rendered(self, url: str) -> RenderedPage:
        try:
            process = await self._running(url)
        except (ConfigurationError, OSError) as error:  # an OSError: no room for a folder, or for another process
            raise NotRenderedError(f"{shown(url)} was not rendered: {error}") from error
        with self._proxy.lease(min(self._budget.page_bytes, self._budget.bytes - self._bytes)) as lease:
            try:
                answer = await self._asked(process, url, lease)
            finally:
                self._bytes += lease.used_bytes
        if lease.is_spent or (answer and answer.error in {"requests", "size"}):
            raise RenderBudgetError(
                f"{shown(url)} was not rendered: it takes more than {_cap(answer, lease, self._budget)}; give a lighter page, or a feed."
            )
        return self._page(url, answer, lease)

    async def _asked(self, process: BrowserProcess, url: str, lease: Lease) -> Answer | None:
        budget = self._budget
        order = {
            "url": url,
            "user": lease.user,
            "password": lease.password,
            "seconds": budget.page_seconds,
            "max_html": budget.html_bytes,
            "max_requests": budget.requests,
        }
        answer = None
        try:
            async with asyncio.timeout(budget.page_seconds + GRACE_SECONDS):
                answer = await process.ask(order)
        except TimeoutError:
            answer = Answer({"error": "timeout"})
            await self._end()
        finally:
            if answer is None:  # it ended, or we are canceled and its answer would be taken for another page's
                await self._end()
        return answer

    def _page(self, url: str, answer: Answer | None, lease: Lease) -> RenderedPage:
        if answer is None:
            raise NotRenderedError(
                f"{shown(url)} was not rendered: the browser ended while it showed the page; try again later."
            )
        if answer.error == "timeout":
            raise RenderTimeoutError(
                f"{shown(url)} was not rendered: its scripts took longer than {self._budget.page_seconds:g} seconds; try again later."
            )
        if answer.error:
            raise NotRenderedError(f"{shown(url)} was not rendered: {_cause(answer)}; look at it in a browser.")
        ended = str(answer.said["url"])
        if _site(ended)[0] == "chrome-error":
            raise NotRenderedError(
                f"{shown(url)} was not rendered: its scripts lead where nothing answers or nothing may be asked for; look at it in a browser."
            )
        if _site(ended) != _site(url):
            raise NotRenderedError(
                f"{shown(url)} was not rendered: its scripts lead to {shown(ended)}; give that as a source if it is meant."
            )
        return RenderedPage(ended, answer.html, lease.used_bytes)


def _cause(answer: Answer) -> str:
    if answer.error == "status":
        return f"the browser got status {answer.said['status']}"
    if answer.error == "crash":
        return "the page crashed the browser's tab"
    return str(answer.said.get("said") or answer.error)


def _cap(answer: Answer | None, lease: Lease, budget: RenderBudget) -> str:
    if lease.is_spent:
        return f"{lease.max_bytes:,} bytes"
    return (
        f"{budget.requests:,} requests"
        if answer and answer.error == "requests"
        else f"{budget.html_bytes:,} bytes of HTML"
    )


def _site(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return ("http" if parts.scheme in {"http", "https"} else parts.scheme, parts.netloc.lower().removeprefix("www."))
