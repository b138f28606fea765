import asyncio
import gzip
import json
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tripper_assets.clients.http import AddressGuard, HttpClient, Reply
from tripper_assets.clients.http_errors import (
    TimedOutError,
    TooLargeError,
    TooManyRedirectsError,
    UndecodableError,
    UnreachableError,
    UntrustedCertificateError,
)
from tripper_assets.clients.network import Resolve, system_resolve
from tripper_assets.domain.errors import AddressRefusedError, PermanentError, TransientError
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite

VECTORS = Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus" / "security" / "ssrf_vectors.json"
PUBLIC = "93.184.216.34"
T = TypeVar("T")


def guard_of(*sites: LoopbackSite) -> AddressGuard:
    return AddressGuard(frozenset(("127.0.0.1", site.port) for site in sites))


def use(guard: AddressGuard, work: Callable[[HttpClient], Coroutine[None, None, T]], **options: Any) -> T:
    async def run() -> T:
        async with HttpClient(user_agent="tests/1", guard=guard, **options) as client:
            return await work(client)

    return asyncio.run(run())


def names(*answers: list[str], seconds: float = 0) -> Resolve:
    """Resolve any name to the next of ``answers``."""
    left = list(answers)

    async def resolve(*_: object) -> list[str]:
        await asyncio.sleep(seconds)
        return left.pop(0)

    return resolve


def get(site: LoopbackSite, path: str = "/", **options: Any) -> Reply:
    return use(guard_of(site), lambda client: client.get(site.url(path), **options))


def test_an_answer_is_given_whole_whatever_its_status(site: LoopbackSite) -> None:
    site.answer("/ok", Answer(200, b"hello", {"ETag": '"1"'}))
    site.answer("/broken", Answer(500, b"sorry"))

    reply = get(site, "/ok")

    assert (reply.status, reply.body, reply.received_bytes) == (200, b"hello", 5)
    assert reply.headers["etag"] == '"1"'
    assert get(site, "/broken").status == 500
    assert get(site, "/missing").body == b"not here"
    assert site.requests[0].headers["user-agent"] == "tests/1"
    assert site.requests[0].headers["host"] == f"127.0.0.1:{site.port}"


def test_headers_of_the_caller_are_sent_and_nothing_is_remembered_between_requests(site: LoopbackSite) -> None:
    site.answer("/", Answer(200, b"x", {"Set-Cookie": "a=b"}))

    async def twice(client: HttpClient) -> None:
        await client.get(site.url(), headers={"If-None-Match": '"7"'})
        await client.get(site.url())

    use(guard_of(site), twice)

    assert site.requests[0].headers["if-none-match"] == '"7"'
    assert "cookie" not in site.requests[1].headers


def test_answers_without_a_wanted_body_leave_the_connection_usable(site: LoopbackSite) -> None:
    site.answer("/304", Answer(304, b"", {"ETag": '"1"'}))
    site.answer("/moved", Answer(302, b"gone on", {"Location": "/304"}))

    async def many(client: HttpClient) -> list[int]:
        return [(await client.get(site.url(path), accept=lambda *_: False)).status for path in ("/moved", "/304") * 5]

    assert use(guard_of(site), many) == [304] * 10
    assert site.connections == 1


def test_an_unwanted_large_body_is_not_loaded(site: LoopbackSite) -> None:
    site.answer("/film", Answer(200, bytes(20_000_000), {"Content-Type": "video/mp4"}))

    reply = get(site, "/film", accept=lambda _, headers: headers["content-type"] == "text/html")

    assert (reply.status, reply.body, reply.received_bytes) == (200, b"", 0)


def test_repeated_headers_are_joined(site: LoopbackSite) -> None:
    site.answer("/", Answer(raw=iter([b"HTTP/1.1 200 OK\r\nVary: a\r\nvary: b\r\nContent-Length: 0\r\n\r\n"])))

    assert get(site).headers["vary"] == "a, b"


def test_no_proxy_is_taken_from_the_environment(site: LoopbackSite, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.page("/")

    assert get(site).status == 200


def test_redirects_are_followed_to_the_url_that_answers(site: LoopbackSite) -> None:
    site.answer("/a", Answer(301, b"", {"Location": "/b?x=1"}))
    site.answer("/b?x=1", Answer(307, b"", {"Location": site.url("/c#part")}))
    site.page("/c")

    reply = get(site, "/a")

    assert (reply.status, reply.url) == (200, site.url("/c#part"))


def test_a_redirect_that_is_not_followed_is_the_reply(site: LoopbackSite) -> None:
    site.answer("/a", Answer(302, b"x", {"Location": "//elsewhere.example/b"}))

    reply = get(site, "/a", follow=lambda _: False)

    assert (reply.status, reply.redirect, reply.body) == (302, "http://elsewhere.example/b", b"")


def test_a_redirect_without_a_place_is_an_answer(site: LoopbackSite) -> None:
    site.answer("/a", Answer(302))

    assert get(site, "/a").status == 302


def test_a_redirect_loop_and_a_sixth_hop_are_refused(site: LoopbackSite) -> None:
    site.answer("/loop", Answer(302, b"", {"Location": "/loop"}))
    for hop in range(6):
        site.answer(f"/{hop}", Answer(302, b"", {"Location": f"/{hop + 1}"}))
    site.page("/6")

    for path in ("/loop", "/0"):
        with pytest.raises(TooManyRedirectsError, match="more than 5 times"):
            get(site, path)
    assert get(site, "/1").status == 200


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "http://localhost:1/",
        "gopher://127.0.0.1/_x",
        "http://[::1]/",
    ],
)
def test_a_redirect_inward_is_refused_at_its_hop(site: LoopbackSite, location: str) -> None:
    site.answer("/", Answer(302, b"", {"Location": location}))

    with pytest.raises(AddressRefusedError):
        get(site)


def test_a_redirect_to_another_port_of_an_open_host_reaches_nobody(
    site: LoopbackSite, other_site: LoopbackSite
) -> None:
    site.answer("/", Answer(302, b"", {"Location": f"//127.0.0.1:{other_site.port}/"}))

    with pytest.raises(AddressRefusedError):
        get(site)
    assert other_site.connections == 0


def refusable(site: LoopbackSite) -> list[str]:
    forms = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "017700000001", "0", "0.0.0.0"]  # noqa: S104 (refused, not bound)
    forms += [
        "localhost",
        "localhost.",
        "LOCALHOST",
        "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "x@127.0.0.1",
    ]
    return [f"http://{form}:{site.port}/" for form in forms]


def published(site: LoopbackSite) -> list[str]:
    if not VECTORS.exists():
        return []
    urls: list[str] = json.loads(VECTORS.read_text())["must_block_url"]
    # Aimed at the listener's port too: at their own ports nobody listens, and a refusal would prove little.
    aimed = [re.sub(r"^(\w+://[^/?#\\\s]*?)(:\d+)?(?=[/?#]|$)", rf"\1:{site.port}", url) for url in urls]
    return urls + aimed


def test_no_form_of_a_private_address_makes_a_connection(site: LoopbackSite) -> None:
    async def refusals(client: HttpClient) -> list[str]:
        passed: list[str] = []
        for url in refusable(site) + published(site):
            try:
                await client.get(url, deadline_seconds=5)
            except AddressRefusedError:
                continue
            except TransientError as error:
                # A name that means nothing here: no connection either.
                assert "example.org" in url, error  # noqa: PT017
                continue
            passed.append(url)
        return passed

    assert use(AddressGuard(), refusals, resolve=only_addresses) == []
    assert site.connections == 0


async def only_addresses(host: str, port: int) -> list[str]:
    """Resolve as the system does, without asking a name server of the machine that runs the test."""
    if host == "example.org":
        raise OSError("no such name")
    return await system_resolve(host, port)


def test_one_private_answer_among_public_ones_refuses_the_name(site: LoopbackSite) -> None:
    with pytest.raises(AddressRefusedError, match="means ::1"):
        use(
            AddressGuard(),
            lambda client: client.get(f"http://twofold.example:{site.port}/"),
            resolve=names([PUBLIC, "::1"]),
        )
    assert site.connections == 0


def test_a_name_is_resolved_once_and_the_judged_address_is_connected_to(site: LoopbackSite) -> None:
    site.page("/")
    url = f"http://rebinding.example:{site.port}/"

    # A second question would find no answer left.
    reply = use(guard_of(site), lambda client: client.get(url), resolve=names(["127.0.0.1"]))

    assert reply.status == 200
    assert site.requests[0].headers["host"] == f"rebinding.example:{site.port}"


def test_a_rebound_name_is_refused_at_its_next_connection(site: LoopbackSite) -> None:
    site.answer("/", Answer(200, b"x", {"Connection": "close"}))
    url = f"http://rebinding.example:{site.port}/"

    async def twice(client: HttpClient) -> None:
        await client.get(url)
        await client.get(url)

    with pytest.raises(AddressRefusedError, match=r"127\.0\.0\.2"):
        use(guard_of(site), twice, resolve=names(["127.0.0.1"], ["127.0.0.2"]))


def test_a_second_address_is_tried_where_the_first_does_not_answer(site: LoopbackSite) -> None:
    site.page("/")
    guard = AddressGuard(frozenset({("two.example", site.port)}))

    # Nobody listens at the first one: the server is bound to 127.0.0.1 alone.
    assert (
        use(
            guard, lambda client: client.get(f"http://two.example:{site.port}/"), resolve=names(["::1", "127.0.0.1"])
        ).status
        == 200
    )


def test_a_host_that_is_down_or_unknown_is_a_transient_error() -> None:
    closed = AddressGuard(frozenset({("127.0.0.1", 1)}))
    with pytest.raises(UnreachableError, match="try again later"):
        use(closed, lambda client: client.get("http://127.0.0.1:1/"))
    with pytest.raises(UnreachableError, match="no address"):
        use(AddressGuard(), lambda client: client.get("http://nowhere.example/"), resolve=names([]))


def test_a_server_that_is_silent_or_drips_is_given_up(site: LoopbackSite) -> None:
    def drip() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
        for _ in range(50):
            yield b"x"
            threading.Event().wait(0.05)

    site.answer("/silent", Answer(200, b"x", delay_seconds=0.6))
    site.answer("/drip", lambda _: Answer(raw=drip()))

    with pytest.raises(TimedOutError):
        use(guard_of(site), lambda client: client.get(site.url("/silent")), timeout_seconds=0.2)
    with pytest.raises(TimedOutError, match=r"longer than 0\.3 seconds"):
        get(site, "/drip", deadline_seconds=0.3)


def test_a_slow_name_server_is_given_up() -> None:
    with pytest.raises(TimedOutError):
        use(
            AddressGuard(),
            lambda client: client.get("http://slow.example/"),
            resolve=names([PUBLIC], seconds=5),
            timeout_seconds=0.1,
        )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nnot a length",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000,
        b"\x00\x01garbage\r\n\r\n",
    ],
)
def test_an_answer_that_breaks_off_or_makes_no_sense_is_a_transient_error(site: LoopbackSite, raw: bytes) -> None:
    site.answer("/", lambda _: Answer(raw=iter([raw])))

    with pytest.raises(UnreachableError):
        get(site)


def test_a_body_without_end_is_cut_at_the_cap(site: LoopbackSite) -> None:
    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while True:
            yield b"x" * 65_536

    site.answer("/", lambda _: Answer(raw=endless()))

    with pytest.raises(TooLargeError, match="more than 100,000 bytes"):
        get(site, max_bytes=100_000)
    assert get(site, max_bytes=100_000, truncate=True).body == b"x" * 100_000


def test_an_announced_size_above_the_cap_is_not_loaded(site: LoopbackSite) -> None:
    site.answer("/", Answer(200, bytes(2_000)))

    with pytest.raises(TooLargeError, match="found 2,000 bytes"):
        get(site, max_bytes=1_000)


def test_a_compressed_body_is_given_decompressed_and_counted_as_it_came(site: LoopbackSite) -> None:
    packed = gzip.compress(b"hello " * 1_000)
    site.answer("/", Answer(200, packed, {"Content-Encoding": "gzip"}))
    site.answer("/false", Answer(200, b"hello", {"Content-Encoding": "gzip"}))
    site.answer("/cut", Answer(200, packed[:-9], {"Content-Encoding": "gzip"}))

    reply = get(site)

    assert (reply.body, reply.received_bytes) == (b"hello " * 1_000, len(packed))
    assert get(site, "/false").body == b"hello"
    with pytest.raises(UndecodableError):
        get(site, "/cut")


def test_a_gzip_bomb_is_cut_at_the_cap(site: LoopbackSite) -> None:
    site.answer("/", Answer(200, gzip.compress(bytes(40_000_000)), {"Content-Encoding": "gzip"}))

    with pytest.raises(TooLargeError, match="grows beyond"):
        get(site, max_bytes=1_000_000)


def test_a_header_or_path_that_cannot_be_sent_is_a_permanent_error(site: LoopbackSite) -> None:
    with pytest.raises(PermanentError, match="not latin text"):
        get(site, headers={"If-None-Match": "\u4e2d"})
    with pytest.raises(PermanentError, match="cannot be asked for"):
        get(site, headers={"If-None-Match": "a\r\nX: y"})


def test_no_more_connections_than_agreed_are_open_and_waiting_for_one_costs_no_deadline(site: LoopbackSite) -> None:
    site.answer("/", Answer(200, b"x", delay_seconds=0.1))

    async def crowd(client: HttpClient) -> list[Reply]:
        return await asyncio.gather(*(client.get(site.url(), deadline_seconds=0.3) for _ in range(8)))

    assert len(use(guard_of(site), crowd, max_connections=2)) == 8
    assert site.connections == 2


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed, and the certificate is made by it")
    both = tmp_path / "both.pem"
    made = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    named = ["-subj", "/CN=secure.test", "-addext", "subjectAltName=DNS:secure.test", "-keyout", str(both), "-out"]
    subprocess.run([*made, *named, str(tmp_path / "cert.pem")], check=True, capture_output=True)
    both.write_text(both.read_text() + (tmp_path / "cert.pem").read_text())
    return both


async def answer_over_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)
    await writer.drain()
    writer.close()


def get_over_tls(certificate: Path, host: str, *, trusted: bool) -> Reply:
    async def run() -> Reply:
        server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_side.load_cert_chain(certificate)
        server = await asyncio.start_server(answer_over_tls, "127.0.0.1", 0, ssl=server_side)
        port = server.sockets[0].getsockname()[1]
        trust = ssl.create_default_context(cafile=certificate) if trusted else None
        guard = AddressGuard(frozenset({("127.0.0.1", port)}))
        try:
            async with HttpClient(
                user_agent="t", guard=guard, resolve=names(["127.0.0.1"]), ssl_context=trust
            ) as client:
                return await client.get(f"https://{host}:{port}/")
        finally:
            server.close()
            await server.wait_closed()

    return asyncio.run(run())


def test_a_certificate_has_to_hold_for_the_name_and_not_for_the_address(certificate: Path) -> None:
    assert len(get_over_tls(certificate, "secure.test", trusted=True).body) == 300_000
    with pytest.raises(UntrustedCertificateError, match="does not hold"):
        get_over_tls(certificate, "other.test", trusted=True)


def test_a_certificate_that_nobody_signed_is_refused(certificate: Path) -> None:
    with pytest.raises(UntrustedCertificateError, match="self-signed"):
        get_over_tls(certificate, "secure.test", trusted=False)


def test_tls_with_a_server_that_speaks_none_is_a_transient_error(site: LoopbackSite) -> None:
    with pytest.raises(TransientError):
        use(guard_of(site), lambda client: client.get(f"https://127.0.0.1:{site.port}/"), timeout_seconds=0.2)
