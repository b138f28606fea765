"""Whatever the scripts of a page reach for in a browser: no connection is made to an address that is not open, and the page is read."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import unquote

import pytest

from tripper_assets.clients.browser import RenderBudget
from tripper_assets.clients.http import AddressGuard
from tripper_assets_tests.clients.browsing import Rendering, needs_browser, shell
from tripper_assets_tests.clients.doors import at
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite
from tripper_assets_tests.clients.test_ssrf_doors import NAMES, Names, inward

pytestmark = [needs_browser, pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2", "::1"])]
BUDGET = RenderBudget(page_seconds=10, requests=5_000)
ELEMENTS = """
  const add = (kind, set) => { const one = document.createElement(kind); set(one); document.body.append(one); };
  const css = url => `@import "${url}"; body { background: url("${url}"); } @font-face { font-family: f; src: url("${url}"); }`;
"""
DOORS = {
    "fetch": "fetch(url, {mode: 'no-cors'}).catch(() => {});",
    "fetch with a body": "fetch(url, {method: 'POST', mode: 'no-cors', body: 'x', keepalive: true}).catch(() => {});",
    "XMLHttpRequest": "const ask = new XMLHttpRequest(); ask.open('GET', url); ask.send();",
    "beacon": "navigator.sendBeacon(url, 'x');",
    "EventSource": "new EventSource(url);",
    "WebSocket": "new WebSocket(url.replace('http', 'ws'));",
    "script": "add('script', one => one.src = url);",
    "module": "import(url).catch(() => {});",
    "style": "add('style', one => one.textContent = css(url));",
    "stylesheet": "add('link', one => { one.rel = 'stylesheet'; one.href = url; });",
    "preload": "for (const rel of ['preload', 'prefetch', 'preconnect', 'dns-prefetch', 'modulepreload', 'prerender', 'icon', 'manifest'])"
    " add('link', one => { one.rel = rel; one.as = 'script'; one.href = url; });",
    "picture": "add('img', one => one.src = url); add('video', one => { one.poster = url; one.src = url; });",
    "frame": "add('iframe', one => one.src = url);",
    "object": "add('object', one => one.data = url); add('embed', one => one.src = url);",
    "form": "add('iframe', one => one.name = 'f' + url); add('form', one => { one.action = url; one.target = 'f' + url; });"
    " document.forms[document.forms.length - 1].submit();",
    "worker": "new Worker(URL.createObjectURL(new Blob([`fetch('${url}', {mode: 'no-cors'}); importScripts('${url}')`])));",
    "shared worker": "new SharedWorker(URL.createObjectURL(new Blob([`importScripts('${url}')`])));",
    "window": "open(url);",
    "frame in a frame": "add('iframe', one => one.srcdoc = `<iframe src='${url}'></iframe><img src='${url}'>`);",
    "redirect": "fetch('/to?' + encodeURIComponent(url), {mode: 'no-cors'}).catch(() => {});"
    " add('iframe', one => one.src = '/to?' + encodeURIComponent(url));",
    "peers": "try { new RTCPeerConnection({iceServers: [{urls: url.replace('http://', 'stun:').replace(/[/]$/, '')}]})"
    ".createOffer({offerToReceiveAudio: true}); new WebTransport(url.replace('http', 'https')); } catch {}",
}
GROUPS = 4
REACHED = set(DOORS) - {"window", "peers", "picture", "shared worker", "redirect"}
"""Those that lead somewhere where the address is open; a pop-up, a peer and a picture do not even then."""


@pytest.fixture
def datagrams(inner: LoopbackSite, trap: LoopbackSite) -> Iterator[list[socket.socket]]:
    """Listen for UDP where the others listen for TCP."""
    with ExitStack() as opened:
        found = [opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)]
        found[0].bind(("127.0.0.2", inner.port))
        found[1].bind(("127.0.0.1", trap.port))
        for one in found:
            one.setblocking(False)
        yield found


def is_silent(listening: socket.socket) -> bool:
    try:
        listening.recv(1)
    except BlockingIOError:
        return True
    return False


def told_apart(site: LoopbackSite, trap: LoopbackSite) -> list[str]:
    hosts = ["127.0.0.1", "localhost", "inside.example", "both.example", "[::1]", "[::ffff:7f00:1]"]
    urls = [f"http://{host}:{trap.port}/" for host in hosts]
    return [
        *urls,
        *(f"http://{host}:{site.port}/" for host in ("127.0.0.2", "twofold.example")),
        "http://169.254.169.254/",
    ]


def door(script: str, urls: list[str]) -> Answer:
    each = f"for (const url of {json.dumps(urls)}) {{ try {{ {script} }} catch {{}} }}"
    return shell(f"{ELEMENTS} {each} document.body.append('all doors tried');")


def shown(site: LoopbackSite, paths: list[str], guard: AddressGuard | None = None) -> dict[str, bytes]:
    async def run() -> dict[str, bytes]:
        async with Rendering(site, budget=BUDGET, resolve=Names(NAMES), guard=guard).browser() as browser:
            return {path: (await browser.render(at(site, path))).html for path in paths}

    return asyncio.run(run())


def redirects(site: LoopbackSite) -> None:
    """Let every path that is not known send on to the URL in its query."""
    site.fallback = lambda asked: Answer(
        302, b"", {"Location": unquote(asked.path.partition("?")[2]).encode().decode("latin-1").replace("\r\n", " ")}
    )


def test_no_script_reaches_inward(
    site: LoopbackSite, inner: LoopbackSite, trap: LoopbackSite, datagrams: list[socket.socket]
) -> None:
    redirects(site)
    # A browser makes one address of its many forms, so that one door is tried with all of them, and the others with those that it tells apart.
    site.answer("/door", door(DOORS["fetch"], [url for url in inward(site, trap) if "example.org" not in url]))
    scripts = list(DOORS.values())
    for number in range(GROUPS):
        site.answer(
            f"/door-{number}", door(" ".join(f"{{ {one} }}" for one in scripts[number::GROUPS]), told_apart(site, trap))
        )
    paths = ["/door", *(f"/door-{number}" for number in range(GROUPS))]

    found = shown(site, paths)

    assert (inner.connections, trap.connections) == (0, 0)
    assert all(map(is_silent, datagrams))
    assert [path for path in paths if b"all doors tried" not in found[path]] == []
    assert [path for path in paths if b"secret" in found[path]] == []


@pytest.mark.long
def test_each_of_these_scripts_is_a_door(site: LoopbackSite, inner: LoopbackSite) -> None:
    redirects(site)
    opened = f"http://www.site.example:{site.port}/"
    tried = " ".join(f"{{ const url = '{opened}{name.replace(' ', '-')}'; {DOORS[name]} }}" for name in sorted(REACHED))
    site.answer("/doors", door(tried, ["once"]))
    open_to_both = AddressGuard(frozenset({("127.0.0.1", site.port), ("127.0.0.2", site.port)}))

    shown(site, ["/doors"], open_to_both)

    reached = {path.strip("/").replace("-", " ") for path in inner.paths}
    assert reached >= REACHED, sorted(REACHED - reached)
