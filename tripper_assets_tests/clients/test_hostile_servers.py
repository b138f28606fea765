"""A site of which one page is answered with malice: the crawl ends soon and small, says so once, and reads all other pages."""

import gzip
import threading
import zlib
from collections.abc import Callable, Iterator
from itertools import count

import brotli
import pytest
import zstandard

from tripper_assets_tests.clients.hostile import (
    ALL_NAMES,
    HOSTILE_NAME,
    HTML,
    Crawling,
    Outcome,
    crawling,
    ordinary_site,
    stated,
)
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite

HOSTILE = "/event/hostile"
LONGEST_SECONDS = 60
"""A page's own deadline is 3 seconds here, asked for three times at most; the rest is a busy machine."""
MOST_MEGABYTES = 120
PAGE = stated(HOSTILE_NAME)
Respond = Callable[[Asked], Answer]


@pytest.fixture(scope="module")
def crawler() -> Iterator[Crawling]:
    with crawling() as process:
        yield process


def crawled_with(crawler: Crawling, site: LoopbackSite, respond: Answer | Respond, **order: float) -> Outcome:
    ordinary_site(site, HOSTILE)
    site.answer(HOSTILE, respond)

    found = crawler.crawl(site, **order)

    assert found.error == ""
    assert found.seconds < LONGEST_SECONDS
    assert found.megabytes < MOST_MEGABYTES
    assert found.names - {HOSTILE_NAME} == ALL_NAMES
    return found


def raw(*parts: bytes) -> Respond:
    """Answer with these bytes and close the connection."""
    return lambda _: Answer(raw=iter(parts))


def without_end(start: bytes, part: bytes, *, pause_seconds: float = 0) -> Respond:
    def parts() -> Iterator[bytes]:
        yield start
        while True:
            threading.Event().wait(pause_seconds)
            yield part

    return lambda _: Answer(raw=parts())


def moved(location: str) -> Answer:
    return Answer(302, b"", {"Location": location})


def encoded(body: bytes, encoding: str) -> Answer:
    return Answer(200, body, {**HTML, "Content-Encoding": encoding})


def packed_often(times: int) -> bytes:
    body = PAGE
    for _ in range(times):
        body = gzip.compress(body)
    return body


def zeros(compress: Callable[[bytes], bytes], flush: Callable[[], bytes], megabytes: int) -> bytes:
    parts = [compress(bytes(1_000_000)) for _ in range(megabytes)]
    return b"".join([*parts, flush()])


def gzip_bomb(megabytes: int = 256) -> bytes:
    stream = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    return zeros(stream.compress, stream.flush, megabytes)


def deflate_bomb() -> bytes:
    stream = zlib.compressobj(9)
    return zeros(stream.compress, stream.flush, 256)


def brotli_bomb() -> bytes:
    stream = brotli.Compressor(quality=5)
    return zeros(stream.process, stream.finish, 256)


def zstd_bomb() -> bytes:
    stream = zstandard.ZstdCompressor().compressobj()
    return zeros(stream.compress, stream.flush, 256)


def wide_zstd() -> bytes:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=0, enable_ldm=True)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return stream.compress(PAGE * 10) + stream.flush()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ONE_BY_ONE = b"".join(b"1\r\n%c\r\n" % byte for byte in PAGE.ljust(100_000)) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    "make",
    [gzip_bomb, lambda: gzip.compress(gzip_bomb(500)), deflate_bomb, brotli_bomb, zstd_bomb, wide_zstd],
    ids=["gzip", "gzip twice", "deflate", "brotli", "zstd", "a zstd window of 128 MB"],
)
def test_a_body_that_grows_is_one_problem(
    crawler: Crawling, site: LoopbackSite, make: Callable[[], bytes], request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id.split()
    encoding = {"brotli": "br", "a": "zstd"}.get(name[0], name[0])
    body = make()

    found = crawled_with(crawler, site, encoded(body, "gzip, gzip" if name[-1] == "twice" else encoding))

    assert [path for _, path in found.problems] == [HOSTILE]


# Of the size that the cap lets through: each member is a header and nothing else.
MANY_MEMBERS = gzip.compress(b"") * 400_000
MANY_FRAMES = zstandard.ZstdCompressor().compress(b"") * 700_000


@pytest.mark.parametrize(
    ("body", "encoding"), [(MANY_MEMBERS, "gzip"), (MANY_FRAMES, "zstd")], ids=["gzip members", "zstd frames"]
)
def test_half_a_million_empty_parts_of_a_body_do_not_hold_the_crawl(
    crawler: Crawling, site: LoopbackSite, body: bytes, encoding: str
) -> None:
    found = crawled_with(crawler, site, encoded(body, encoding))

    assert {path for _, path in found.problems} <= {HOSTILE}


BROKEN: dict[str, Answer | Respond] = {
    "gzip five times": encoded(packed_often(5), "gzip, gzip, gzip, gzip, gzip"),
    "gzip five times, told once": encoded(packed_often(5), "gzip"),
    "brotli that is none": encoded(b"\xff\xfe not brotli" * 40, "br"),
    "gzip that is cut": encoded(gzip.compress(PAGE)[:-9], "gzip"),
    "gzip with a wrong checksum": encoded(gzip.compress(PAGE)[:-8] + bytes(8), "gzip"),
    "endless body": without_end(HEAD + b"\r\n", b"x" * 65_536),
    "endless chunks": without_end(CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
    "slow body": without_end(HEAD + b"Content-Length: 100000\r\n\r\n", b"x", pause_seconds=1),
    "slow headers": without_end(b"HTTP/1.1 200 OK\r\n", b"X", pause_seconds=1),
    "slow status line": without_end(b"HTTP/1.", b"1", pause_seconds=1),
    "silence": lambda _: Answer(raw=iter(lambda: threading.Event().wait(8) and b"", 1)),
    "endless headers": without_end(HEAD, b"X-More: x\r\n" * 1_000),
    "endless header": without_end(HEAD + b"X-Long: ", b"x" * 65_536),
    "header of 1 MB": raw(HEAD + b"X-Long: " + b"x" * 1_000_000 + b"\r\nContent-Length: 2\r\n\r\nok"),
    "header without colon": raw(HEAD + b"nonsense\r\n\r\n" + PAGE),
    "header with NUL": raw(HEAD + b"X-N: a\x00b\r\n\r\n" + PAGE),
    "cut body": raw(HEAD + b"Content-Length: 100000\r\n\r\n" + PAGE),
    "cut chunk": raw(CHUNKED + b"ffff\r\n" + PAGE),
    "negative length": raw(HEAD + b"Content-Length: -5\r\n\r\n" + PAGE),
    "two lengths": raw(HEAD + b"Content-Length: 5\r\nContent-Length: 500\r\n\r\n" + PAGE),
    "length of words": raw(HEAD + b"Content-Length: many\r\n\r\n" + PAGE),
    "length beyond all": raw(HEAD + b"Content-Length: " + b"9" * 19 + b"\r\n\r\n" + PAGE),
    "length of 5,000 digits": raw(HEAD + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n" + PAGE),
    "chunk size of letters": raw(CHUNKED + b"zzz\r\n" + PAGE),
    "chunk size below zero": raw(CHUNKED + b"-1\r\n" + PAGE),
    "chunk size beyond all": raw(CHUNKED + b"f" * 30 + b"\r\n" + PAGE),
    "chunk longer than told": raw(CHUNKED + b"2\r\n" + PAGE),
    "endless chunk extension": without_end(CHUNKED + b"5;x=", b"x" * 65_536),
    "endless trailers": without_end(CHUNKED + b"0\r\n", b"X-More: x\r\n" * 1_000),
    "no answer": raw(),
    "garbage": raw(b"\x00\x01\x02 garbage\r\n\r\n"),
    "HTTP/0.9": raw(PAGE),
    "HTTP/2 frames": raw(b"\x00\x00\x12\x04" + bytes(40)),
    "a status of letters": raw(b"HTTP/1.1 OK 200\r\n\r\n" + PAGE),
    "a status of 999": raw(b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n"),
    "status 0": raw(b"HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n"),
    "endless 100 Continue": without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
    "endless 103": without_end(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1_000),
    "switching protocols": raw(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n" + PAGE),
    "to javascript": moved("javascript:alert(1)"),
    "to file": moved("file:///etc/passwd"),
    "to ftp": moved("ftp://127.0.0.1/x"),
    "to data": moved("data:text/html,<h1>x</h1>"),
    "to itself": moved(HOSTILE),
    "to itself with a slash": lambda asked: moved(HOSTILE if asked.path.endswith("/") else f"{HOSTILE}/"),
    "to an address in brackets that do not close": moved("http://[::1/"),
    "to 100 KB": moved("/" + "x" * 90_000),
    "to 3 KB": moved("/" + "x" * 3_000),
    "to a port that is no number": moved("http://127.0.0.1:port/"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_page_that_cannot_be_had_is_one_problem(crawler: Crawling, site: LoopbackSite, how: str) -> None:
    found = crawled_with(crawler, site, BROKEN[how], deadline_seconds=3)

    assert [path for _, path in found.problems] == [HOSTILE]
    assert HOSTILE_NAME not in found.names


def test_a_body_in_chunks_of_one_byte_is_given_up_for_their_number(crawler: Crawling, site: LoopbackSite) -> None:
    respond = without_end(CHUNKED, b"1\r\nx\r\n" * 10_000)

    found = crawled_with(crawler, site, respond, deadline_seconds=60)

    assert found.problems == [("page_too_large", HOSTILE)]


ODD_AND_READ: dict[str, Answer | Respond] = {
    "plain that says gzip": encoded(PAGE, "gzip"),
    "plain that says gzip twice": encoded(PAGE, "gzip, gzip"),
    "plain that says zstd": encoded(PAGE, "zstd"),
    "gzip twice": encoded(packed_often(2), "gzip, gzip"),
    "an encoding nobody knows": encoded(PAGE, "banana"),
    "an alphabet in place of an encoding": encoded(PAGE, "utf-8"),
    "no encoding, told": encoded(PAGE, "identity"),
    "an empty encoding": encoded(PAGE, ""),
    "gzip in capital letters": encoded(gzip.compress(PAGE), "GZIP"),
    "gzip with something behind it": encoded(gzip.compress(PAGE) + b"\r\n\r\n", "gzip"),
    "chunks of one byte": raw(CHUNKED + ONE_BY_ONE),
    "a thousand headers": Answer(200, PAGE, {**HTML, **{f"X-{number}": "x" for number in range(1_000)}}),
    "twice the same length": raw(HEAD + b"Content-Length: %d\r\n" % len(PAGE) * 2 + b"\r\n" + PAGE),
    "a few early hints": raw(b"HTTP/1.1 103 Early\r\n\r\n" * 5 + HEAD + b"\r\n" + PAGE),
    "no length and no chunks": raw(HEAD + b"\r\n" + PAGE),
    "NUL bytes in the text": Answer(200, PAGE.replace(b"<main>", b"<main>" + bytes(500)), HTML),
    "a status without words": raw(b"HTTP/1.1 200\r\nContent-Type: text/html\r\n\r\n" + PAGE),
}


@pytest.mark.parametrize("how", ODD_AND_READ)
def test_an_odd_answer_that_browsers_read_is_read(crawler: Crawling, site: LoopbackSite, how: str) -> None:
    # A busy machine takes its time over ten thousand chunks; how long is not what is asked here.
    found = crawled_with(crawler, site, ODD_AND_READ[how], deadline_seconds=30)

    assert found.problems == []
    assert HOSTILE_NAME in found.names


ODD: dict[str, Answer | Respond] = {
    "length below the body's": raw(HEAD + b"Content-Length: 40\r\n\r\n" + PAGE * 3),
    "length and chunks": raw(HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + PAGE),
    "another answer behind the first": raw(
        HEAD + b"Content-Length: 2\r\n\r\nok" + HEAD + b"Content-Length: %d\r\n\r\n" % len(PAGE) + PAGE
    ),
    "five thousand headers": Answer(200, PAGE, {**HTML, **{f"X-{number}": "x" for number in range(5_000)}}),
    "204": raw(b"HTTP/1.1 204 No Content\r\nContent-Type: text/html\r\n\r\n"),
    "204 with a body": raw(b"HTTP/1.1 204 No Content\r\nContent-Type: text/html\r\n\r\n" + PAGE),
    "205": Answer(205, b"", HTML),
    "206": Answer(206, PAGE[:200], {**HTML, "Content-Range": f"bytes 0-199/{len(PAGE)}"}),
    "304 that nobody asked for": Answer(304, b""),
    "300": Answer(300, b"choose", HTML),
    "302 without a place": Answer(302, b""),
    "302 to nothing": moved(""),
    "two places": raw(b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"),
    "an empty body": Answer(200, b"", HTML),
}


@pytest.mark.parametrize("how", ODD)
def test_an_odd_answer_is_at_most_one_problem(crawler: Crawling, site: LoopbackSite, how: str) -> None:
    found = crawled_with(crawler, site, ODD[how])

    assert len(found.problems) <= 1


def test_redirects_that_go_on_are_one_problem(crawler: Crawling, site: LoopbackSite) -> None:
    hops = count()
    site.fallback = lambda asked: moved(f"/hop/{next(hops)}") if asked.path.startswith("/hop") else Answer(404)

    found = crawled_with(crawler, site, moved("/hop/x"))

    assert [code for code, _ in found.problems] == ["redirect_loop"]
    assert len([path for path in site.paths if path.startswith("/hop")]) <= 6


def test_a_circle_of_redirects_is_one_problem(crawler: Crawling, site: LoopbackSite) -> None:
    site.answer("/b", moved("/c"))
    site.answer("/c", moved(HOSTILE))

    found = crawled_with(crawler, site, moved("/b"))

    assert [code for code, _ in found.problems] == ["redirect_loop"]


@pytest.mark.long
def test_a_site_of_which_every_page_but_one_drips_ends(crawler: Crawling, site: LoopbackSite) -> None:
    ordinary_site(site, *(f"/event/slow-{number}" for number in range(16)))
    for number in range(16):
        site.answer(f"/event/slow-{number}", without_end(HEAD + b"Content-Length: 9\r\n\r\n", b"", pause_seconds=9))

    found = crawler.crawl(site, deadline_seconds=1)

    assert found.names == ALL_NAMES
    assert len(found.problems) == 16
    assert found.seconds < LONGEST_SECONDS
