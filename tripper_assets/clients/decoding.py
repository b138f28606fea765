"""Taking the Content-Encoding off a body, never producing more than a stated number of bytes."""

import io
import zlib
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import brotli
import zstandard

from tripper_assets.clients.http_errors import TooLargeError, UndecodableError

MAX_LAYERS = 2
MAX_MEMBERS = 1_000
"""Streams one after another in one body; finding the next copies the rest, so that 400,000 empty ones took 42 s."""
STEP_BYTES = 65_536
# RFC 9659: a zstd body on the web needs no larger window, and a larger one is memory that the sender chooses.
ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

Decoded: TypeAlias = tuple[bytes, bool]
"""The bytes, and whether the stream came to its own end."""


def decode_body(body: bytes, content_encoding: str, *, max_bytes: int, work: str, truncate: bool = False) -> bytes:
    """Return ``body`` without its encodings; with ``truncate`` a larger or cut body gives its first bytes.

    A body that is not gzip or zstd although the header says so comes back as it is: servers that compress nothing
    and say so are common, and their pages are good.

    Raises:
        TooLargeError: more than ``max_bytes`` would come out.
        UndecodableError: broken, cut, or more than two layers.
    """
    for decode in _layers(content_encoding, work):
        try:
            body, ended = decode(body, max_bytes + 1)
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            raise UndecodableError(
                f"{work} gave a body that is not {content_encoding} as its header says; the site has to mend it."
            ) from error
        if len(body) > max_bytes and not truncate:
            raise TooLargeError(
                f"{work} gave a body that grows beyond {max_bytes:,} bytes; raise max_bytes if it is meant."
            )
        if not ended and not truncate:
            raise UndecodableError(f"{work} gave a body that ends in the middle of its {content_encoding}; try again.")
    return body[:max_bytes]


def _layers(content_encoding: str, work: str) -> list[Callable[[bytes, int], Decoded]]:
    """Return the decoders to apply, outermost first; unknown names such as "utf-8" are read as no encoding."""
    names = [name.strip().lower() for name in content_encoding.split(",")]
    known = [DECODERS[name] for name in reversed(names) if name in DECODERS]
    if len(known) > MAX_LAYERS:
        raise UndecodableError(
            f"{work} gave a body that is compressed {len(known)} times; at most {MAX_LAYERS} are read."
        )
    return known


def gunzip(body: bytes, limit: int) -> Decoded:
    """Return at most ``limit`` bytes out of a gzip body of one or more members; another body as it is."""
    if not body.startswith(GZIP_MAGIC):
        return body, True
    out, rest, ended, members = b"", body, True, 0
    while rest.startswith(GZIP_MAGIC) and len(out) < limit and members < MAX_MEMBERS:
        members += 1
        member, rest, ended = _inflate(rest, zlib.MAX_WBITS | 16, limit - len(out))
        out += member
    return out, ended


def _inflate(body: bytes, window_bits: int, limit: int) -> tuple[bytes, bytes, bool]:
    stream = zlib.decompressobj(window_bits)
    out = stream.decompress(body, limit)
    return out, stream.unused_data, stream.eof or len(out) >= limit


def _undeflate(body: bytes, limit: int) -> Decoded:
    # "deflate" is the zlib format (RFC 9110 8.4.1.2), but some servers send the raw stream, and browsers read both.
    try:
        out, _, ended = _inflate(body, zlib.MAX_WBITS, limit)
    except zlib.error:
        out, _, ended = _inflate(body, -zlib.MAX_WBITS, limit)
    return out, ended


def _unbrotli(body: bytes, limit: int) -> Decoded:
    stream = cast("Any", brotli.Decompressor())
    parts, size, given = [b""], 0, body
    while size < limit and not stream.is_finished():
        part = cast("bytes", stream.process(given, output_buffer_limit=min(STEP_BYTES, limit)))
        if not part and not given:
            return b"".join(parts), False
        parts.append(part)
        size, given = size + len(part), b""
    return b"".join(parts)[:limit], True


def _unzstd(body: bytes, limit: int) -> Decoded:
    if not body.startswith(ZSTD_MAGIC):
        return body, True
    parts, size = [b""], 0
    with _zstd().stream_reader(io.BytesIO(body), read_across_frames=True) as reader:
        while size < limit and (part := reader.read(STEP_BYTES)):
            parts.append(part)
            size += len(part)
    return b"".join(parts)[:limit], size >= limit or _ends_like_zstd(body)


def _ends_like_zstd(body: bytes) -> bool:
    """Return whether the last frame is whole; the reader above bounds the output but takes a cut frame for a whole one."""
    frame = _zstd().decompressobj()
    frame.decompress(body)
    for _ in range(MAX_MEMBERS):
        if not (frame.eof and frame.unused_data.startswith(ZSTD_MAGIC)):
            break
        body, frame = frame.unused_data, _zstd().decompressobj()
        frame.decompress(body)
    return frame.eof


def _zstd() -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)


DECODERS: dict[str, Callable[[bytes, int], Decoded]] = {
    "gzip": gunzip,
    "x-gzip": gunzip,
    "deflate": _undeflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
ACCEPT_ENCODING = "gzip, deflate, br, zstd"
