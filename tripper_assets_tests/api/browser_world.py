"""The pages in a real Chromium: a server of the test's own, a browser, and what axe says of a page."""

import math
import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from tripper_assets.api.app import create_app
from tripper_assets.api.context import ApiContext
from tripper_assets_tests.clients.browsing import CHROMIUM
from tripper_assets_tests.waiting import wait_until

GENEROUS_MILLISECONDS = 120_000
"""CI's machine is slow and busy; nothing here waits that long where all is well."""
SERIOUS = frozenset({"serious", "critical"})


@contextmanager
def served(context: ApiContext) -> Generator[str]:
    """Serve the pages on loopback, and give their address."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(context), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)


@contextmanager
def chromium() -> Generator[Any]:
    """Start the system's Chromium."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (an extra)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def person(browser: Any, base: str, token: str, **options: Any) -> Generator[Any]:
    """Give a page of somebody who signed in; ``complaints`` of it are what the browser says in its console."""
    context = browser.new_context(base_url=base, **options)
    context.set_default_timeout(GENEROUS_MILLISECONDS)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto("/sign-in")
    page.fill("#token", token)
    page.click("main button")
    page.wait_for_url("**/")
    try:
        yield page
    finally:
        context.close()


def barriers(page: Any) -> list[str]:
    """Return what axe finds that is serious: the rule, and the first elements."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 (with Playwright, an extra)

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes'][:4]]} {one['nodes'][0].get('failureSummary', '')}"
        for one in found
        if one["impact"] in SERIOUS
    ]


def overflow(page: Any) -> int:
    """Return by how many pixels a page is wider than its window, or begins left of it, where nobody can scroll to."""
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    lefts = "[...document.querySelectorAll('main p, main th, main td, main button')].map((one) => -one.getBoundingClientRect().left)"
    return max(wider, math.ceil(page.evaluate(f"Math.max(0, ...{lefts})")))


def keep_picture(page: Any, name: str, folder: Path) -> None:
    """Keep a screenshot, below the folder that TRIPPER_ARTEFACTS names, else below the test's own."""
    target = Path(os.environ.get("TRIPPER_ARTEFACTS") or folder)
    target.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=target / f"{name}.png", full_page=True)
