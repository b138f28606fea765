"""The browser's own side of rendering: a process that shows one page after another with Playwright, as it is told on its standard input.

Run by its path below a warden. It is told one JSON object a line: first how the browser is set up, then each page; it answers each
with a line of JSON, behind which stand ``size`` bytes of HTML. It knows of nothing else of the project, and of no secret.
"""

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any, BinaryIO

from playwright.async_api import (
    Browser,
    BrowserContext,
    CDPSession,
    Error,
    Page,
    Playwright,
    async_playwright,
)
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

SETTLING_SHARE = 0.4
"""How much of its time a page may go on asking for things after its document is there; then it is taken as it is."""
QUIET_SECONDS = 0.5
LOOK_SECONDS = 0.1
CLOSING_SECONDS = 3.0
MAX_SAID = 300
MAX_URL = 2_048
BROWSER_GONE = 3
PROXY_NAME = "page-proxy.invalid"
ARGUMENTS = (
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-pings",
    "--disable-remote-fonts",
    "--disable-notifications",
    "--disable-speech-api",
    "--disable-file-system",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    # A page is read for its words.
    "--blink-settings=imagesEnabled=false",
    "--mute-audio",
    "--disable-gpu",
)
# Playwright takes these safeguards away for the sake of tests.
KEPT_SAFEGUARDS = ["--disable-popup-blocking", "--disable-ipc-flooding-protection"]
WITHOUT_PEERS = "delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection; delete window.WebTransport;"
READ = """(() => {
  const root = document.documentElement;
  const html = root ? "<!DOCTYPE html>" + root.outerHTML : "";
  return {url: location.href, length: html.length, html: html.length > %d ? "" : html};
})()"""


class Pipes:
    """Orders in, answers out."""

    def __init__(self, orders: asyncio.StreamReader, answers: BinaryIO) -> None:
        self._orders = orders
        self._answers = answers

    async def order(self) -> dict[str, Any] | None:
        """Return the next order, None when there are no more."""
        line = await self._orders.readline()
        return json.loads(line) if line else None

    def answer(self, said: dict[str, Any], html: bytes = b"") -> None:
        """Send one answer."""
        self._answers.write(json.dumps({**said, "size": len(html)}).encode() + b"\n" + html)
        self._answers.flush()


async def serve(pipes: Pipes) -> None:
    """Start the browser and show pages until there are no more orders."""
    setup = await pipes.order()
    if setup is None:
        return
    async with async_playwright() as playwright:
        try:
            browser = await _launch(playwright, setup)
        except Error as error:
            pipes.answer({"error": "start", "said": _cause_of_start(error)})
            return
        browser.on("disconnected", lambda _: os._exit(BROWSER_GONE))
        # Our only child is Playwright's driver, without which every call waits for ever.
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, os._exit, BROWSER_GONE)
        pipes.answer({"version": browser.version})
        while order := await pipes.order():
            said, html = await _show(browser, setup, order)
            pipes.answer(said, html)
    os._exit(0)


async def _launch(playwright: Playwright, setup: dict[str, Any]) -> Browser:
    # Loopback too goes through the proxy, and what would not go through it finds no host: the proxy has the only name that means anything.
    rules = f"MAP {PROXY_NAME} 127.0.0.1 , MAP * ~NOTFOUND"
    return await playwright.chromium.launch(
        executable_path=setup["program"],
        chromium_sandbox=setup["sandbox"],
        args=[*ARGUMENTS, "--proxy-bypass-list=<-loopback>", f"--host-resolver-rules={rules}"],
        ignore_default_args=KEPT_SAFEGUARDS,
        proxy={"server": _proxy(setup)},
        timeout=setup["start_seconds"] * 1000,
        handle_sigint=False,
        handle_sigterm=False,
        handle_sighup=False,
    )


def _proxy(setup: dict[str, Any]) -> str:
    return f"http://{PROXY_NAME}:{setup['proxy_port']}"


def _cause_of_start(error: Error) -> str:
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    said = [line.partition("[err] ")[2] for line in lines if "[err] " in line]
    fatal = [line for line in said if "FATAL" in line]
    return (fatal or said or lines or ["no reason given"])[0][:MAX_SAID]


async def _show(browser: Browser, setup: dict[str, Any], order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return what became of a page; whatever its scripts do, in bounded time."""
    context: BrowserContext | None = None
    try:
        async with asyncio.timeout(order["seconds"]):
            context = await _new_context(browser, setup, order)
            return await _shown(context, order)
    except (TimeoutError, PlaywrightTimeoutError):
        return {"error": "timeout"}, b""
    except Error as error:
        return {"error": "failed", "said": _cause(error)}, b""
    finally:
        await _close(context)


async def _new_context(browser: Browser, setup: dict[str, Any], order: dict[str, Any]) -> BrowserContext:
    context = await browser.new_context(
        proxy={
            "server": _proxy(setup),
            "username": order["user"],
            "password": order["password"],
        },
        user_agent=setup["user_agent"],
        locale=setup["locale"] or None,
        timezone_id=setup["timezone"] or None,
        accept_downloads=False,
        service_workers="block",
        permissions=[],
    )
    await context.add_init_script(WITHOUT_PEERS)
    return context


async def _shown(context: BrowserContext, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    page = await context.new_page()
    context.on("page", _shut)
    traffic = Traffic(context, order["max_requests"])
    page.on("crash", lambda _: traffic.stop("crash"))
    work = asyncio.ensure_future(_opened(context, page, traffic, order))
    try:
        await asyncio.wait({work, traffic.stopped}, return_when=asyncio.FIRST_COMPLETED)
        return await work if work.done() else ({"error": traffic.stopped.result()}, b"")
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError, Error):
            await work


async def _shut(popup: Page) -> None:
    with suppress(Error):
        await popup.close()


class Traffic:
    """What a page and its scripts ask for; ``stopped`` comes true when that is more than it may be.

    Playwright's own "networkidle" never comes on a page that leads to another protocol, such as mailto.
    """

    def __init__(self, context: BrowserContext, max_requests: int) -> None:
        self.stopped: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._left = max_requests
        self._open = 0
        self._changed_at = time.monotonic()
        context.on("request", lambda _: self._began())
        context.on("requestfinished", lambda _: self._ended())
        context.on("requestfailed", lambda _: self._ended())

    def _began(self) -> None:
        self._open += 1
        self._left -= 1
        self._changed_at = time.monotonic()
        if self._left < 0:
            self.stop("requests")

    def _ended(self) -> None:
        self._open -= 1
        self._changed_at = time.monotonic()

    def stop(self, why: str) -> None:
        """Say that the page is over."""
        if not self.stopped.done():
            self.stopped.set_result(why)

    @property
    def is_quiet(self) -> bool:
        """Nothing is asked for, and nothing was for a while."""
        return self._open <= 0 and time.monotonic() - self._changed_at >= QUIET_SECONDS


async def _opened(
    context: BrowserContext, page: Page, traffic: Traffic, order: dict[str, Any]
) -> tuple[dict[str, Any], bytes]:
    response = await page.goto(order["url"], wait_until="commit", timeout=order["seconds"] * 1000)
    if response is not None and not response.ok:
        return {"error": "status", "status": response.status}, b""
    session = await context.new_cdp_session(page)
    await _settle(session, traffic, order["seconds"] * SETTLING_SHARE)
    found = await _evaluate(session, READ % order["max_html"])
    html = found["html"].encode("utf-8", "replace")
    if found["length"] > order["max_html"] or len(html) > order["max_html"]:
        return {"error": "size"}, b""
    if len(found["url"]) > MAX_URL:
        return {"error": "failed", "said": "its scripts give it an address without end"}, b""
    return {"url": found["url"]}, html


async def _settle(session: CDPSession, traffic: Traffic, seconds: float) -> None:
    """Wait until the document is there, and then for quiet, but not longer than ``seconds``."""
    while await _evaluate(session, "document.readyState") == "loading":  # noqa: ASYNC110 (the browser has no event that comes for sure)
        await asyncio.sleep(LOOK_SECONDS)
    until = time.monotonic() + seconds
    while not traffic.is_quiet and time.monotonic() < until:  # noqa: ASYNC110 (quiet is the lack of events)
        await asyncio.sleep(LOOK_SECONDS)


async def _evaluate(session: CDPSession, expression: str) -> Any:  # noqa: ANN401 (whatever the expression gives)
    """Return what an expression gives in a world of our own, where the page cannot have changed what its words mean."""
    while True:
        try:
            frame = (await session.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
            world = await session.send("Page.createIsolatedWorld", {"frameId": frame})
            asked = {"expression": expression, "contextId": world["executionContextId"], "returnByValue": True}
            return (await session.send("Runtime.evaluate", asked))["result"]["value"]
        except Error as error:
            # The page just went elsewhere, and its world with it.
            if "context" not in error.message.lower():
                raise
        await asyncio.sleep(LOOK_SECONDS)


def _cause(error: Error) -> str:
    first = error.message.splitlines()[0] if error.message else "no reason given"
    return first.partition(": ")[2][:MAX_SAID] if first.startswith(("Page.", "Browser")) else first[:MAX_SAID]


async def _close(context: BrowserContext | None) -> None:
    """Close the page's context; a browser that cannot even do that is given up, and the warden ends it."""
    if context is None:
        return
    try:
        async with asyncio.timeout(CLOSING_SECONDS):
            await context.close()
    except (TimeoutError, Error):
        os._exit(BROWSER_GONE)


async def _main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    await serve(Pipes(orders, answers))


if __name__ == "__main__":
    asyncio.run(_main())
