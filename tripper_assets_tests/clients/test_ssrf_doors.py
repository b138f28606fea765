"""Whatever a site names, and wherever it does: no connection is made to an address that is not open, and its other pages are read."""

import asyncio
import json
import re
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from tripper_assets.clients.crawler import crawl
from tripper_assets.clients.http import AddressGuard, HttpClient
from tripper_assets.domain.errors import AddressRefusedError, ConfigurationError, TransientError, TripperError
from tripper_assets.domain.pages import Crawl
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets_tests.clients.crawled import NOW
from tripper_assets_tests.clients.doors import FOLLOWED, MAPS, PAGES, at
from tripper_assets_tests.clients.hostile import ALL_NAMES, ordinary_site, read_page
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite

# Were an inner address let through, it should be the listener that tells, and not the tests' own guard.
pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2", "::1"])
CORPUS = Path("shared") / "corpus" / "security" / "ssrf_vectors.json"
PUBLIC = "93.184.216.34"


class Names:
    """Resolves the names of a test: each to its next answer, and the last one for ever."""

    def __init__(self, answers: Mapping[str, list[list[str]]]) -> None:
        self._left = {name: list(some) for name, some in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, _: int) -> list[str]:
        self.asked.append(host)
        left = self._left.get(host)
        if not left:
            # "127.1" is a name to some readers and an address to every system; another name is none, and that is an OSError too.
            return [socket.inet_ntoa(socket.inet_aton(host))]
        return left.pop(0) if len(left) > 1 else left[0]


NAMES = {
    "site.example": [["127.0.0.1"]],
    # The same site by its URL, and another machine by its address.
    "www.site.example": [["127.0.0.2"]],
    "inside.example": [["127.0.0.1"]],
    "both.example": [[PUBLIC, "127.0.0.1"]],
    "twofold.example": [[PUBLIC, "127.0.0.2"]],
    "mapped.example": [["::ffff:127.0.0.1"]],
    "localhost": [["127.0.0.1"]],
    "metadata.google.internal": [["169.254.169.254"]],
}


def published(port: int) -> list[str]:
    """Return the URLs that were found to fool others, at their own ports and at the trap's."""
    found = next((up / CORPUS for up in Path(__file__).resolve().parents if (up / CORPUS).exists()), None)
    urls: list[str] = json.loads(found.read_text())["must_block_url"] if found else []
    aimed = [re.sub(r"^(\w+://[^/?#\\\s]*?)(:\d+)?(?=[/?#]|$)", rf"\1:{port}", url) for url in urls]
    return [*urls, *aimed]


def inward(site: LoopbackSite, trap: LoopbackSite) -> list[str]:
    forms = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "[::1]", "[::ffff:7f00:1]"]
    names = ["localhost", "inside.example", "both.example", "mapped.example", "site.example", "x@127.0.0.1"]
    urls = [f"http://{host}:{trap.port}/inside" for host in [*forms, *names]]
    same_port = ["www.site.example", "127.0.0.2", "[::1]", "twofold.example"]
    urls += [f"http://{host}:{site.port}/inside" for host in same_port]
    urls += ["http://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/", "file:///etc/passwd"]
    return urls + published(trap.port)


def crawl_named(
    site: LoopbackSite, start: str = "", *, names: Names | None = None, guard: AddressGuard | None = None
) -> Crawl:
    async def run() -> Crawl:
        opened = guard or AddressGuard(frozenset({("127.0.0.1", site.port)}))
        resolve = names or Names(NAMES)
        async with HttpClient(user_agent="doors/1", guard=opened, timeout_seconds=20, resolve=resolve) as client:
            return await crawl(
                make_source(start or at(site, "/"), SourceConfig(delay_seconds=0, max_pages=1_000)),
                client=client,
                known={},
                read_page=read_page,
                clock=lambda: NOW,
            )

    return asyncio.run(run())


def put(site: LoopbackSite, door: str, urls: list[str]) -> None:
    if door in PAGES:
        ordinary_site(site, *(PAGES[door](site, url) for url in urls))
    else:
        ordinary_site(site)
        MAPS[door](site, urls)


@pytest.mark.parametrize("door", [*PAGES, *MAPS])
def test_no_door_leads_inward(site: LoopbackSite, inner: LoopbackSite, trap: LoopbackSite, door: str) -> None:
    put(site, door, inward(site, trap))

    crawled = crawl_named(site)

    assert (inner.connections, trap.connections) == (0, 0)
    assert {one.name for one in crawled.raw_activities} >= ALL_NAMES


@pytest.mark.parametrize("door", sorted(FOLLOWED))
def test_each_of_these_doors_is_one(site: LoopbackSite, inner: LoopbackSite, door: str) -> None:
    put(site, door, [f"http://www.site.example:{site.port}/open/"])
    open_to_both = AddressGuard(frozenset({("127.0.0.1", site.port), ("127.0.0.2", site.port)}))

    crawl_named(site, guard=open_to_both)

    assert [path for path in inner.paths if path.startswith("/open")]


@pytest.mark.parametrize("part", [0, *(pytest.param(one, marks=pytest.mark.long) for one in range(1, 5))])
def test_a_robots_file_that_redirects_inward_reaches_nobody(
    site: LoopbackSite, inner: LoopbackSite, trap: LoopbackSite, part: int
) -> None:
    ordinary_site(site)
    for url in inward(site, trap)[part::5]:
        location = url.replace("\r\n", " ").encode().decode("latin-1")
        site.answer("/robots.txt", Answer(302, b"", {"Location": location}))
        try:
            crawled = crawl_named(site)
        except AddressRefusedError:
            continue
        except TransientError as error:
            assert "example.org" in url, error  # noqa: PT017 (a name that means nothing here)
            continue
        assert {one.name for one in crawled.raw_activities} == ALL_NAMES, url

    assert (inner.connections, trap.connections) == (0, 0)


def test_no_inner_address_is_a_source(site: LoopbackSite, inner: LoopbackSite, trap: LoopbackSite) -> None:
    ordinary_site(site)
    read: list[str] = []
    for url in inward(site, trap):
        try:
            crawl_named(site, url)
        except (ConfigurationError, TripperError):
            continue
        read.append(url)

    assert read == []
    assert (inner.connections, trap.connections) == (0, 0)


def test_a_name_that_turns_inward_during_a_crawl_is_left(site: LoopbackSite, inner: LoopbackSite) -> None:
    ordinary_site(site)
    for path, respond in list(site.routes.items()):
        answer = respond(Asked(path, {}, 0))
        site.answer(path, Answer(answer.status, answer.body, {**answer.headers, "Connection": "close"}))
    names = Names({"site.example": [["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"], ["127.0.0.2"]]})

    crawled = crawl_named(site, names=names)

    assert inner.connections == 0
    assert "/" in {page.url.removeprefix(at(site, "")) for page in crawled.pages}
    assert {one.code for one in crawled.report.problems} == {"address_refused"}


def test_a_name_that_means_an_inner_address_is_asked_for_once_and_refused(
    site: LoopbackSite, inner: LoopbackSite
) -> None:
    names = Names({"site.example": [["127.0.0.2"], [PUBLIC]]})
    ordinary_site(site)

    with pytest.raises(AddressRefusedError):
        crawl_named(site, names=names)
    assert names.asked == ["site.example"]
    assert inner.connections == 0
