"""The processes of a browser never outlive the run that they belong to, whichever of them dies and however the run ends."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tripper_assets.clients.browser import Browser, NotRenderedError, RenderBudget
from tripper_assets_tests.clients.browsing import Rendering, below, fills_in, needs_browser, programs, shell
from tripper_assets_tests.clients.loopback import LoopbackSite
from tripper_assets_tests.waiting import wait_until

pytestmark = needs_browser
GONE_WITHIN_SECONDS = 20
LONG = RenderBudget(page_seconds=60)
RENDERS = """
import asyncio, sys
from tripper_assets.clients.addresses import AddressGuard
from tripper_assets.clients.browser import Browser, RenderBudget
from tripper_assets_tests.clients.browsing import SETUP

async def render(port):
    async with Browser(SETUP, AddressGuard(frozenset({("127.0.0.1", port)})), RenderBudget(page_seconds=60)) as browser:
        await browser.render(f"http://127.0.0.1:{port}/endless")

asyncio.run(render(int(sys.argv[1])))
"""


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Fail where a process or a folder is left after a test."""
    yield
    wait_until(lambda: not of_browsers(os.getpid()), seconds=GONE_WITHIN_SECONDS)
    wait_until(lambda: not folders(os.getpid()), seconds=GONE_WITHIN_SECONDS)


def folders(owner: int) -> list[Path]:
    return list(Path("/tmp").glob(f"tripper-browser-{owner}-*"))  # noqa: S108 (only looked for)


def of_browsers(owner: int) -> list[psutil.Process]:
    """Return the processes that live in the folder of a browser of the process ``owner``, whoever their parent is now."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if f"/tripper-browser-{owner}-" in process.environ().get("HOME", ""):
                found.append(process)
    return found


async def in_the_middle(site: LoopbackSite) -> None:
    await asyncio.to_thread(wait_until, lambda: site.paths.count("/endless") == 1, seconds=GONE_WITHIN_SECONDS)
    await asyncio.sleep(0.3)


def kill(*words: str) -> None:
    """Kill the processes below us whose command line has all of these words."""
    killed = 0
    for process in below():
        with suppress(psutil.Error):
            said = " ".join(process.cmdline())
            if all(word in said for word in words):
                process.kill()
                killed += 1
    assert killed, words


def render_after(site: LoopbackSite, trouble: Callable[[], None]) -> str:
    """Make trouble in the middle of a page, and return what is said of it; the next page has to be shown all the same."""
    site.answer("/endless", shell("while (true) {}"))
    fills_in(site, "/", "After the Trouble")

    async def run() -> str:
        async with Rendering(site, budget=LONG).browser() as browser:
            rendering = asyncio.ensure_future(browser.render(site.url("/endless")))
            await in_the_middle(site)
            trouble()
            with pytest.raises(NotRenderedError) as raised:
                await rendering
            assert b"After the Trouble" in (await browser.render(site.url())).html
            return str(raised.value)

    return asyncio.run(run())


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_killed_run_leaves_no_browser(site: LoopbackSite, number: signal.Signals) -> None:
    site.answer("/endless", shell("while (true) {}"))
    run = subprocess.Popen([sys.executable, "-c", RENDERS, str(site.port)])
    asyncio.run(in_the_middle(site))
    assert len(of_browsers(run.pid)) > 3

    run.send_signal(number)
    run.wait()

    wait_until(lambda: not of_browsers(run.pid), seconds=GONE_WITHIN_SECONDS)
    wait_until(lambda: not folders(run.pid), seconds=GONE_WITHIN_SECONDS)


def test_a_killed_chromium_costs_its_page_alone(site: LoopbackSite) -> None:
    said = render_after(site, lambda: kill("--remote-debugging-pipe"))

    assert "the browser ended while it showed the page" in said


@pytest.mark.long
def test_a_killed_tab_costs_its_page_alone(site: LoopbackSite) -> None:
    said = render_after(site, lambda: kill("--type=renderer"))

    assert "crashed the browser's tab" in said


@pytest.mark.long
@pytest.mark.parametrize("part", ["browser_warden", "browser_worker", "run-driver"])
def test_whichever_process_dies_the_others_go_with_it(site: LoopbackSite, part: str) -> None:
    assert "the browser ended while it showed the page" in render_after(site, lambda: kill(part))


def test_a_canceled_crawl_ends_its_browser(site: LoopbackSite) -> None:
    site.answer("/endless", shell("while (true) {}"))

    async def run() -> None:
        async with Rendering(site, budget=LONG).browser() as browser:
            rendering = asyncio.ensure_future(browser.render(site.url("/endless")))
            await in_the_middle(site)
            rendering.cancel()
            with suppress(asyncio.CancelledError):
                await rendering
            assert of_browsers(os.getpid()) == []

    asyncio.run(run())


@pytest.mark.long
def test_a_browser_that_keeps_dying_is_not_started_for_ever(site: LoopbackSite) -> None:
    site.answer("/endless", shell("while (true) {}"))

    async def run() -> str:
        async with Rendering(site, budget=RenderBudget(page_seconds=60, starts=1)).browser() as browser:
            rendering = asyncio.ensure_future(browser.render(site.url("/endless")))
            await in_the_middle(site)
            kill("browser_worker")
            with suppress(NotRenderedError):
                await rendering
            with pytest.raises(NotRenderedError) as raised:
                await browser.render(site.url())
            return str(raised.value)

    assert "ended 1 times in this crawl and is not started again" in asyncio.run(run())


def test_a_browser_knows_no_secret_of_ours(site: LoopbackSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPPER_DATABASE_URL", "postgresql://me:canary@nowhere/x")
    fills_in(site, "/", "Anything")

    async def run() -> list[dict[str, str]]:
        async with Rendering(site).browser() as browser:
            await browser.render(site.url())
            return [process.environ() for process in of_browsers(os.getpid())]

    known = asyncio.run(run())

    assert len(known) > 3
    assert [one for one in known if "canary" in str(one) or "TRIPPER_DATABASE_URL" in one] == []


def test_a_crawl_that_renders_nothing_has_no_process(site: LoopbackSite) -> None:
    before = programs(below())

    async def run() -> list[str]:
        async with Rendering(site).browser() as browser:
            assert isinstance(browser, Browser)
            return programs(below())

    assert asyncio.run(run()) == before
