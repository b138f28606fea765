"""Pages made by scripts are read in a browser, only they, within their budget; whatever their scripts do, the other pages are unharmed."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, repeat
from pathlib import Path

import pytest

from tripper_assets.clients.addresses import AddressGuard
from tripper_assets.clients.browser import Browser, RenderBudget, RenderedPage
from tripper_assets.clients.browser_process import BrowserSetup
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.pages import Crawl
from tripper_assets_tests.clients.browsing import (
    CHROMIUM,
    SETUP,
    Rendering,
    fills_in,
    names,
    needs_browser,
    problems,
    shell,
)
from tripper_assets_tests.clients.hostile import ALL_NAMES, HTML, ordinary_site
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite, serve

SCRIPTED = "Puppets of the Script"


@pytest.fixture
def telltale(tmp_path: Path) -> Path:
    """A program in the place of Chromium that tells that it was started, and ends."""
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexit 1\n")
    program.chmod(0o700)
    return program


def test_a_site_without_such_pages_never_starts_a_browser(site: LoopbackSite, telltale: Path) -> None:
    pytest.importorskip("playwright")
    ordinary_site(site)

    crawled = Rendering(site, setup=replace(SETUP, program=str(telltale))).crawl()

    assert names(crawled) == ALL_NAMES
    assert not telltale.with_name("started").exists()


def test_a_browser_that_does_not_start_is_said_of_each_page_and_harms_no_other(
    site: LoopbackSite, telltale: Path
) -> None:
    pytest.importorskip("playwright")
    ordinary_site(site, "/one", "/two")
    for path in ("/one", "/two"):
        fills_in(site, path, SCRIPTED)

    crawled = Rendering(site, setup=replace(SETUP, program=str(telltale))).crawl()

    assert names(crawled) == ALL_NAMES
    assert sorted(problems(site, crawled)) == [("not_rendered", "/one"), ("not_rendered", "/two")]
    assert "does not start" in crawled.report.problems[0].message
    assert telltale.with_name("started").exists()


@pytest.mark.parametrize("program", ["", "/nowhere/chromium"])
def test_a_missing_chromium_is_told_before_the_crawl(program: str) -> None:
    pytest.importorskip("playwright")

    async def enter() -> None:
        async with Browser(BrowserSetup(program, "x"), AddressGuard(), RenderBudget()):
            pass

    with pytest.raises(ConfigurationError, match=r"pip install -e '\.\[browser\]'.*TRIPPER_CHROMIUM"):
        asyncio.run(enter())


@needs_browser
def test_what_a_script_fills_in_is_found_by_a_crawl(site: LoopbackSite) -> None:
    ordinary_site(site, "/scripted")
    fills_in(site, "/scripted", SCRIPTED)

    crawled = Rendering(site).crawl()

    assert names(crawled) == {*ALL_NAMES, SCRIPTED}
    assert problems(site, crawled) == []
    asked = [one for one in site.requests if one.path.startswith("/scripted")]
    assert [one.path for one in asked] == ["/scripted", "/scripted", "/scripted.part"]
    assert {one.headers["user-agent"] for one in asked} == {SETUP.user_agent}


@needs_browser
def test_a_page_keeps_what_it_stated_when_it_cannot_be_rendered_again(site: LoopbackSite) -> None:
    ordinary_site(site, "/scripted")
    fills_in(site, "/scripted", SCRIPTED)
    first = Rendering(site).crawl()
    twice(site, "/scripted", Answer(403, b"not now", HTML))

    second = Rendering(site).crawl(first)

    assert names(second) == {*ALL_NAMES, SCRIPTED}
    assert problems(site, second) == [("not_rendered", "/scripted")]


@needs_browser
def test_pages_beyond_the_budget_are_reported_and_rendered_by_the_next_crawl(site: LoopbackSite) -> None:
    paths = ["/scripted-1", "/scripted-2"]
    ordinary_site(site, *paths)
    for path in paths:
        fills_in(site, path, f"{SCRIPTED} {path[-1]}")
        # An unchanged shell answers 304 to whoever says that it is known.
        page = site.routes[path](Asked(path, {}, 0))
        site.answer(path, lambda asked, page=page: Answer(304) if "if-none-match" in asked.headers else page)
        page.headers["ETag"] = '"1"'

    first = Rendering(site, budget=RenderBudget(page_seconds=8, pages=1)).crawl()
    second = Rendering(site, budget=RenderBudget(page_seconds=8)).crawl(first)

    assert len(names(first) - ALL_NAMES) == 1
    assert [code for code, _ in problems(site, first)] == ["render_budget"]
    assert "raise render_max_pages" in first.report.problems[0].message
    assert len(names(second) - ALL_NAMES) == 2


@needs_browser
@pytest.mark.long
def test_a_list_of_links_that_cannot_be_rendered_again_still_leads_to_its_pages(site: LoopbackSite) -> None:
    ordinary_site(site)
    part = site.routes["/"](Asked("/", {}, 0))
    site.answer("/part", part)
    site.answer("/", shell("fetch('/part').then(r => r.text()).then(t => document.body.innerHTML = t)"))
    first = Rendering(site).crawl()
    twice(site, "/", Answer(403, b"not now", HTML))

    second = Rendering(site).crawl(first)

    assert names(first) == names(second) == ALL_NAMES
    assert problems(site, second) == [("not_rendered", "/")]


@needs_browser
def test_a_shell_known_from_a_time_without_a_browser_is_rendered_though_it_has_not_changed(site: LoopbackSite) -> None:
    fills_in(site, "/", SCRIPTED)
    page = site.routes["/"](Asked("/", {}, 0))
    page.headers["ETag"] = '"1"'
    site.answer("/", lambda asked: Answer(304) if "if-none-match" in asked.headers else page)
    without = Rendering(site, is_off=True).crawl()

    crawled = Rendering(site).crawl(without)

    assert problems(site, without) == [("empty_shell", "/")]
    assert names(crawled) == {SCRIPTED}
    assert problems(site, crawled) == []


ENDLESS_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body>"
_steps = count()


def dripping() -> Iterator[bytes]:
    yield ENDLESS_HEAD
    while True:
        time.sleep(0.1)
        yield b"<p>"


def only_for_browsers(answer: Answer) -> Iterator[Answer]:
    """Give a shell to the crawl, and the trouble to the browser that comes then."""
    yield shell("")
    yield from repeat(answer)


def twice(site: LoopbackSite, path: str, answer: Answer) -> None:
    answers = only_for_browsers(answer)
    site.answer(path, lambda _: next(answers))


def step(site: LoopbackSite, _: Asked) -> Answer:
    path = f"/step/{next(_steps)}"
    site.answer(path, lambda asked: step(site, asked))
    return shell(f"location.href = '{path}'")


HOSTILE = {
    "spins": ("render_timeout", shell("while (true) {}")),
    "asks": ("render_timeout", shell("while (true) alert('a')")),
    "grows": ("render_timeout", shell("const b = document.body; while (true) b.append('x'.repeat(99))")),
    "large": ("render_budget or render_timeout", shell("document.body.append('x'.repeat(3e6))")),
    "greedy": ("render_budget", shell("for (let i = 0; i < 9; i++) fetch('/megabyte?' + i)")),
    "busy": ("render_budget", shell("setInterval(() => fetch('/none?' + Math.random()), 1)")),
    "wanders": ("not_rendered or render_budget or render_timeout", shell("location.href = '/step'")),
    "leaves": ("not_rendered", shell("location.href = 'http://site.example:1/'")),
    "emigrates": ("not_rendered", shell("location.href = 'http://127.0.0.1:%d/'")),
    "renames itself": ("not_rendered", shell("history.pushState(null, '', '/' + 'x'.repeat(200000))")),
    "stays empty": ("not_rendered", shell("1 + 1")),
    "circles": ("not_rendered", Answer(302, b"", {"Location": "/circles"})),
    "downloads": ("not_rendered", Answer(200, b"PK", {"Content-Type": "application/zip"})),
    "forbids": ("not_rendered", Answer(403, b"no", HTML)),
    "breaks off": ("not_rendered", Answer(raw=iter([]))),
    "floods": ("render_budget", Answer(raw=repeat(ENDLESS_HEAD))),
    "drips": ("render_timeout", Answer(raw=dripping())),
}
FULL = "document.body.innerHTML = '<h1>Full</h1>'.repeat(30) + '<p>' + 'words and words '.repeat(99);"
HARMLESS = {
    "wants everything": """
      for (let i = 0; i < 20; i++) open('/popup?' + i);
      alert(1); confirm(2); prompt(3); onbeforeunload = () => 'stay';
      const a = document.createElement('a'); a.href = '/megabyte?0'; a.download = 'x'; a.click();
      navigator.serviceWorker.register('/worker.js').catch(() => {});
      navigator.geolocation.getCurrentPosition(() => {}); Notification.requestPermission();
      setInterval(() => fetch('/none'), 300);
      Object.defineProperty(Element.prototype, 'outerHTML', {get: () => '<p>lie'});""",
    "reads files": "location.href = 'file:///etc/passwd';",
    "goes to data": "location.href = 'data:text/html,elsewhere';",
    "goes to ftp": "location.href = 'ftp://127.0.0.1/';",
}


@needs_browser
@pytest.mark.long
def test_pages_that_spin_or_flood_or_only_redirect_are_said_once_each_and_harm_no_other(site: LoopbackSite) -> None:
    chosen = {f"/{name}": HOSTILE[name] for name in ("spins", "floods", "circles")}
    ordinary_site(site, *chosen, "/scripted")
    for path, (_, answer) in chosen.items():
        twice(site, path, answer)
    fills_in(site, "/scripted", SCRIPTED)

    crawled = Rendering(site, budget=RenderBudget(page_seconds=6, page_bytes=2_000_000)).crawl()

    assert names(crawled) == {*ALL_NAMES, SCRIPTED}
    assert sorted(problems(site, crawled)) == sorted((code, path) for path, (code, _) in chosen.items())


@pytest.fixture(scope="module")
def hostile() -> Iterator[tuple[LoopbackSite, Crawl]]:
    """One crawl of a site with all of these pages."""
    with serve() as site, serve() as elsewhere:
        paths = [f"/{name.replace(' ', '-')}" for name in (*HOSTILE, *HARMLESS)]
        ordinary_site(site, *paths, "/scripted")
        site.answer("/step", lambda asked: step(site, asked))
        for number in range(9):
            site.answer(f"/megabyte?{number}", Answer(200, b"x" * 1_000_000))
        for path, (_, answer) in zip(paths, HOSTILE.values(), strict=False):
            body = answer.body.replace(b"%d", str(elsewhere.port).encode())
            twice(site, path, replace(answer, body=body) if answer.raw is None else answer)
        for path, script in zip(paths[len(HOSTILE) :], HARMLESS.values(), strict=True):
            site.answer(path, shell(FULL + script))
        fills_in(site, "/scripted", SCRIPTED)
        budget = RenderBudget(page_seconds=5, page_bytes=5_000_000, html_bytes=2_000_000, requests=60)
        ports = frozenset({("127.0.0.1", site.port), ("127.0.0.1", elsewhere.port)})
        yield site, Rendering(site, budget=budget, guard=AddressGuard(ports)).crawl(max_pages=200)


@needs_browser
@pytest.mark.long
def test_all_ordinary_pages_and_a_scripted_one_are_read_beside_hostile_ones(
    hostile: tuple[LoopbackSite, Crawl],
) -> None:
    _, crawled = hostile

    assert names(crawled) >= {*ALL_NAMES, SCRIPTED}


@needs_browser
@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_a_page_with_malice_is_ended_and_said_once(hostile: tuple[LoopbackSite, Crawl], name: str) -> None:
    site, crawled = hostile
    path = f"/{name.replace(' ', '-')}"
    (code,) = [code for code, subject in problems(site, crawled) if subject == path]

    assert code in HOSTILE[name][0].split(" or ")


@needs_browser
@pytest.mark.long
@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_script_wants_beyond_its_page_is_not_given(hostile: tuple[LoopbackSite, Crawl], name: str) -> None:
    site, crawled = hostile
    path = f"/{name.replace(' ', '-')}"

    assert [found for found in problems(site, crawled) if found[1] == path] == []
    assert [one for one in site.paths if one.startswith(("/popup", "/worker.js"))] == []


@needs_browser
def test_a_page_is_shown_in_its_sources_zone_and_language_and_known_by_its_new_address(site: LoopbackSite) -> None:
    told = "document.body.innerHTML = '<p>' + new Date(0).toLocaleString() + ' ' + navigator.language"
    site.answer("/", shell(f"history.replaceState(null, '', '/list?page=1'); {told}"))
    setup = BrowserSetup(CHROMIUM, "x", locale="de", timezone="Europe/Berlin")

    async def show() -> RenderedPage:
        async with Rendering(site, setup=setup).browser() as browser:
            return await browser.render(site.url())

    page = asyncio.run(show())

    assert b"<p>1.1.1970, 01:00:00 de" in page.html
    assert page.url == site.url("/list?page=1")
