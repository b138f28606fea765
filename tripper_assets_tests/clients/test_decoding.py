import gzip
import zlib

import brotli
import pytest
import zstandard

from tripper_assets.clients.decoding import decode_body
from tripper_assets.clients.http_errors import TooLargeError, UndecodableError

TEXT = b"<html>" + bytes(range(256)) * 400
RAW_DEFLATE = zlib.compress(TEXT, wbits=-15)
PACKED = {
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
    "zstd": zstandard.ZstdCompressor().compress(TEXT),
}


def decode(body: bytes, encoding: str, *, max_bytes: int = 1_000_000, truncate: bool = False) -> bytes:
    return decode_body(body, encoding, max_bytes=max_bytes, work="Fetching it", truncate=truncate)


@pytest.mark.parametrize("encoding", PACKED)
def test_each_encoding_that_we_ask_for_is_taken_off(encoding: str) -> None:
    assert decode(PACKED[encoding], encoding.upper()) == TEXT


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (RAW_DEFLATE, "deflate"),
        (gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]), "x-gzip"),
        (zstandard.ZstdCompressor().compress(TEXT[:9]) + zstandard.ZstdCompressor().compress(TEXT[9:]), "zstd"),
        (gzip.compress(brotli.compress(TEXT)), "br, gzip"),
        (TEXT, "gzip"),
        (TEXT, "zstd"),
        (gzip.compress(TEXT), "gzip, gzip"),
        (TEXT, "utf-8"),
        (TEXT, "identity"),
    ],
)
def test_what_servers_do_to_encodings_is_read_all_the_same(body: bytes, encoding: str) -> None:
    assert decode(body, encoding) == TEXT


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", gzip.compress(bytes(30_000_000))),
        ("deflate", zlib.compress(bytes(30_000_000))),
        ("br", brotli.compress(bytes(30_000_000), quality=5)),
        ("zstd", zstandard.ZstdCompressor().compress(bytes(30_000_000))),
        ("gzip, gzip", gzip.compress(gzip.compress(bytes(30_000_000)))),
    ],
)
def test_a_bomb_is_cut_at_the_cap(encoding: str, bomb: bytes) -> None:
    with pytest.raises(TooLargeError, match="grows beyond 100,000 bytes"):
        decode(bomb, encoding, max_bytes=100_000)
    assert decode(bomb, encoding, max_bytes=100_000, truncate=True) == bytes(100_000)


@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_that_ends_too_early_is_an_error_unless_its_beginning_is_enough(encoding: str) -> None:
    cut = PACKED[encoding][:-30]

    with pytest.raises(UndecodableError):
        decode(cut, encoding)
    assert TEXT.startswith(decode(cut, encoding, truncate=True))


@pytest.mark.parametrize("encoding", ["deflate", "br"])
def test_a_body_of_another_format_is_an_error_that_names_it(encoding: str) -> None:
    with pytest.raises(UndecodableError, match=f"is not {encoding}"):
        decode(b"<html>plain</html>", encoding)


def test_a_broken_gzip_body_is_an_error() -> None:
    with pytest.raises(UndecodableError):
        decode(PACKED["gzip"][:20] + b"\xff" * 40, "gzip")


def test_more_layers_than_anybody_needs_are_refused() -> None:
    with pytest.raises(UndecodableError, match="compressed 5 times"):
        decode(TEXT, "gzip, gzip, gzip, gzip, gzip")
