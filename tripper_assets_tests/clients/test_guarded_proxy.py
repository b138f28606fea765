"""The proxy of a browser: nobody but a page with a lease gets through it, to nowhere but where the guard lets requests go, and not for ever."""

import asyncio
import threading
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import repeat

import pytest

from tripper_assets.clients import guarded_proxy
from tripper_assets.clients.guarded_proxy import GuardedProxy, Lease
from tripper_assets.clients.http import AddressGuard
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite
from tripper_assets_tests.clients.test_ssrf_doors import NAMES, Names, inward

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2", "::1"])
LARGE = 10_000_000


def credential(lease: Lease) -> str:
    return "Proxy-Authorization: Basic " + b64encode(f"{lease.user}:{lease.password}".encode()).decode()


class Client:
    """Speaks to the proxy as a browser does, and as none would."""

    def __init__(self, proxy: GuardedProxy, lease: Lease) -> None:
        self.proxy = proxy
        self.lease = lease

    async def say(self, *lines: str, body: bytes = b"", with_credential: bool = True) -> bytes:
        """Send one request and return all that comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        said = [*lines, credential(self.lease)] if with_credential else lines
        writer.write("\r\n".join([*said, "", ""]).encode("latin-1") + body)
        try:
            return await asyncio.wait_for(reader.read(), 20)
        except ConnectionResetError:
            return b""
        finally:
            writer.transport.abort()

    async def get(self, url: str) -> bytes:
        return await self.say(f"GET {url} HTTP/1.1", "Host: whatever")


def through(
    site: LoopbackSite,
    work: Callable[[Client], Coroutine[None, None, None]],
    *,
    max_bytes: int = LARGE,
    resolve: Names | None = None,
) -> Lease:
    """Do ``work`` with a proxy that leads to the site alone, and return the lease as it was left."""

    async def run() -> Lease:
        async with opened(site, max_bytes, resolve) as client:
            await work(client)
            return client.lease

    return asyncio.run(run())


@asynccontextmanager
async def opened(site: LoopbackSite, max_bytes: int, resolve: Names | None) -> AsyncGenerator[Client]:
    guard = AddressGuard(frozenset({("127.0.0.1", site.port)}))
    async with GuardedProxy(guard, resolve or Names(NAMES)) as proxy:
        with proxy.lease(max_bytes) as lease:
            yield Client(proxy, lease)


def test_a_page_gets_what_it_asks_for(site: LoopbackSite) -> None:
    site.answer("/a?b=c", Answer(200, b"here", {"X-Told": "so", "Connection": "keep-alive"}))

    async def work(client: Client) -> None:
        said = await client.get(f"http://site.example:{site.port}/a?b=c")
        assert said.startswith(b"HTTP/1.1 200 OK\r\n")
        assert said.endswith(b"\r\n\r\nhere")
        assert b"X-Told: so" in said
        assert b"keep-alive" not in said

    assert through(site, work).used_bytes > len("here")


def test_the_credential_stays_with_the_proxy(site: LoopbackSite) -> None:
    async def work(client: Client) -> None:
        await client.say(f"GET {site.url('/x')} HTTP/1.1", "Proxy-Connection: keep-alive", "Cookie: a=b")

    through(site, work)

    assert site.requests[0].headers == {"cookie": "a=b", "connection": "close"}


def test_a_tunnel_leads_to_the_checked_address(site: LoopbackSite) -> None:
    site.answer("/in", Answer(200, b"through a tunnel", {"Connection": "close"}))

    async def work(client: Client) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.proxy.port)
        writer.write(f"CONNECT site.example:{site.port} HTTP/1.1\r\n{credential(client.lease)}\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connected\r\n\r\n"
        writer.write(b"GET /in HTTP/1.1\r\n\r\n")
        assert await reader.readuntil(b"tunnel")
        writer.close()

    through(site, work)

    assert site.paths == ["/in"]


def test_without_a_credential_nobody_gets_through(site: LoopbackSite) -> None:
    async def work(client: Client) -> None:
        for line in (f"GET {site.url()} HTTP/1.1", f"CONNECT 127.0.0.1:{site.port} HTTP/1.1"):
            said = await client.say(line, with_credential=False)
            assert said.startswith(b"HTTP/1.1 407 ")
            assert b'Proxy-Authenticate: Basic realm="pages"' in said

    through(site, work)

    assert site.connections == 0


def test_a_made_up_credential_and_that_of_a_page_that_is_over_are_refused(site: LoopbackSite) -> None:
    async def work(client: Client) -> None:
        with client.proxy.lease(LARGE) as over:
            pass
        made_up = [
            over,
            Lease(LARGE),
            Lease(LARGE, user=client.lease.user),
            Lease(LARGE, password=client.lease.password),
        ]
        for lease in made_up:
            assert (await Client(client.proxy, lease).get(site.url())).startswith(b"HTTP/1.1 403 ")
        for said in ("Basic !", "Basic 4pyT", "Basic \xe9", "Bearer x"):
            answer = await client.say(
                f"GET {site.url()} HTTP/1.1", f"Proxy-Authorization: {said}", with_credential=False
            )
            assert answer[:12] in {b"HTTP/1.1 403", b"HTTP/1.1 407"}

    through(site, work)

    assert site.connections == 0


def test_no_form_of_an_inner_address_is_reached(site: LoopbackSite, inner: LoopbackSite, trap: LoopbackSite) -> None:
    async def work(client: Client) -> None:
        for url in inward(site, trap):
            if "\r" not in url and "example.org" not in url:
                said = await client.get(url.encode().decode("latin-1"))
                assert said[:10] in {b"HTTP/1.1 4", b"HTTP/1.1 5"}, url
            authority = url.partition("://")[2].partition("/")[0]
            if authority.isascii() and "\r" not in url and "example.org" not in url:
                said = await client.say(f"CONNECT {authority} HTTP/1.1")
                assert said[:10] in {b"HTTP/1.1 4", b"HTTP/1.1 5"}, url

    lease = through(site, work, max_bytes=LARGE)

    assert (inner.connections, trap.connections, site.connections) == (0, 0, 0)
    assert lease.refused > 50


def test_a_name_is_checked_again_for_each_connection(site: LoopbackSite, inner: LoopbackSite) -> None:
    names = Names({"site.example": [["127.0.0.1"], ["127.0.0.2"]]})

    async def work(client: Client) -> None:
        assert b" 404 " in await client.get(f"http://site.example:{site.port}/")
        assert b" 403 " in await client.get(f"http://site.example:{site.port}/")

    through(site, work, resolve=names)

    assert names.asked == ["site.example"] * 2
    assert inner.connections == 0


def test_a_second_request_on_a_connection_is_not_handed_on(site: LoopbackSite) -> None:
    site.answer("/first", Answer(200, b"first"))

    async def work(client: Client) -> None:
        second = b"GET http://127.0.0.2/second HTTP/1.1\r\nHost: inside\r\n\r\n"
        await client.say(f"POST {site.url('/first')} HTTP/1.1", "Content-Length: 4", body=b"body" + second)

    through(site, work)

    # The site takes the body for the beginning of another request, and would tell of what follows it.
    assert site.requests[0].path == "/first"
    assert [one.path for one in site.requests if "second" in one.path] == []


@pytest.mark.parametrize(
    "lines",
    [
        ("nonsense",),
        ("GET",),
        ("get {} HTTP/1.1",),
        ("GET {} HTTP/2",),
        ("GET / HTTP/1.1",),
        ("GET {} HTTP/1.1", "X-A: 1", " folded: 2"),
        ("GET {} HTTP/1.1", "no colon"),
        ("GET {} HTTP/1.1", "Space : 1"),
        ("POST {} HTTP/1.1", "Transfer-Encoding: chunked"),
        ("POST {} HTTP/1.1", "Content-Length: -1"),
        ("GET {} HTTP/1.1", "X: " + "x" * 70_000),
    ],
    ids=lambda lines: " ".join(lines)[:40],
)
def test_what_two_readers_could_read_in_two_ways_is_refused(site: LoopbackSite, lines: tuple[str, ...]) -> None:
    async def work(client: Client) -> None:
        said = await client.say(*(line.replace("{}", site.url()) for line in lines))
        assert said[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 403", b""}

    through(site, work)

    assert site.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Give\r\nProxy-Authenticate: Basic realm=x\r\n\r\n",
        b"HTTP/1.1 101 Switch\r\n\r\n",
        b"junk\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
        b"HTTP/1.1 103 Hints\r\n\r\n" * 3,
    ],
    ids=["407", "101", "junk", "large head", "only hints"],
)
def test_an_answer_that_is_none_is_not_handed_on(site: LoopbackSite, answer: bytes) -> None:
    site.answer("/", lambda _: Answer(raw=iter([answer])))

    async def work(client: Client) -> None:
        assert (await client.get(site.url())).startswith(b"HTTP/1.1 502 ")

    through(site, work)


def test_an_endless_body_ends_with_the_pages_bytes(site: LoopbackSite) -> None:
    site.answer("/", lambda _: Answer(raw=repeat(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000)))

    async def work(client: Client) -> None:
        assert len(await client.get(site.url())) <= 1_000_000

    lease = through(site, work, max_bytes=1_000_000)

    assert lease.is_spent
    assert lease.used_bytes < 1_000_000 + guarded_proxy.CHUNK_BYTES * 2


def test_a_browser_that_does_not_read_holds_no_body_in_memory(site: LoopbackSite) -> None:
    sent = 0

    def parts() -> Iterator[bytes]:
        nonlocal sent
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while True:
            sent += 100_000
            yield b"x" * 100_000

    site.answer("/", lambda _: Answer(raw=parts()))

    async def work(client: Client) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", client.proxy.port)
        writer.write(f"GET {site.url()} HTTP/1.1\r\n{credential(client.lease)}\r\n\r\n".encode())
        await asyncio.sleep(1)
        writer.transport.abort()

    through(site, work, max_bytes=10**12)

    # What the kernel's own buffers take, and no more.
    assert 0 < sent < 40_000_000


def test_the_end_of_a_page_drops_its_connections(site: LoopbackSite) -> None:
    asked, waiting = threading.Event(), threading.Event()

    def parts() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        asked.set()
        waiting.wait(20)

    site.answer("/", lambda _: Answer(raw=parts()))

    async def work(client: Client) -> None:
        with client.proxy.lease(LARGE) as page:
            asking = asyncio.ensure_future(Client(client.proxy, page).get(site.url()))
            await asyncio.to_thread(asked.wait, 10)
        await asyncio.wait_for(asking, 10)

    through(site, work)
    waiting.set()


def test_a_page_has_a_number_of_requests_and_of_connections(
    site: LoopbackSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded_proxy, "MAX_REQUESTS_OF_A_PAGE", 3)

    async def work(client: Client) -> None:
        answers = [await client.get(site.url()) for _ in range(5)]
        assert [said[9:12] for said in answers] == [b"404", b"404", b"404", b"503", b"503"]

    through(site, work)

    assert site.connections == 3


def test_connections_beyond_the_cap_are_dropped_and_silent_ones_too(
    site: LoopbackSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded_proxy, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(guarded_proxy, "HEAD_SECONDS", 1.0)

    async def work(client: Client) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", client.proxy.port) for _ in range(2)]
        assert await client.get(site.url()) == b""
        for reader, writer in silent:
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
        assert b" 404 " in await client.get(site.url())

    through(site, work)
