"""What a WebP file says of itself without being decoded (RFC 9649): its size, and whether it carries more than a picture."""

from dataclasses import dataclass

METADATA = frozenset({b"EXIF", b"XMP ", b"ICCP"})
PICTURES = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"})
RIFF_HEAD, CHUNK_HEAD = 12, 8
VP8X_BYTES = 10
LOSSY_START = b"\x9d\x01\x2a"
LOSSLESS_SIGNATURE = 0x2F


@dataclass(frozen=True)
class WebPFacts:
    """The size in pixels, and the chunks that are no picture: EXIF, XMP, a colour profile, or something unknown."""

    width: int
    height: int
    metadata: tuple[str, ...] = ()


def webp_facts(data: bytes) -> WebPFacts | None:
    """Return what the file says; None where it is no whole WebP file."""
    if data[:4] != b"RIFF" or data[8:RIFF_HEAD] != b"WEBP" or int.from_bytes(data[4:8], "little") + 8 != len(data):
        return None
    chunks = _chunks(data)
    size = next((found for name, body in chunks or () if (found := _size(name, body))), None)
    if chunks is None or size is None:
        return None
    others = (name.decode("latin-1").strip() for name, _ in chunks if name not in PICTURES)
    return WebPFacts(*size, tuple(others))


def stated_size(data: bytes) -> tuple[int, int] | None:
    """Return the size that a file states at its beginning, whatever of it follows; None where it states none there."""
    name, body = data[RIFF_HEAD : RIFF_HEAD + 4], data[RIFF_HEAD + CHUNK_HEAD : RIFF_HEAD + CHUNK_HEAD + 10]
    if name == b"VP8X" and len(body) == VP8X_BYTES:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    return _size(name, body)


def _chunks(data: bytes) -> list[tuple[bytes, bytes]] | None:
    """Return name and contents of each chunk; None where one is cut."""
    found: list[tuple[bytes, bytes]] = []
    at = RIFF_HEAD
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + CHUNK_HEAD], "little")
        end = at + CHUNK_HEAD + size
        if end > len(data):
            return None
        found.append((data[at : at + 4], data[at + CHUNK_HEAD : end]))
        at = end + size % 2
    return found


def _size(name: bytes, body: bytes) -> tuple[int, int] | None:
    if name == b"VP8 " and body[3:6] == LOSSY_START:
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    if name == b"VP8L" and body[:1] == bytes([LOSSLESS_SIGNATURE]):
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
