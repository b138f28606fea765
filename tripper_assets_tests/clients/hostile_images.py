"""Pictures as the web has them and as nobody should send them: each with what must become of it."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyvips
from PIL import Image, ImageCms

RED, GREEN, BLUE, WHITE = (200, 20, 20), (20, 200, 20), (20, 20, 200), (255, 255, 255)
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Hostile:
    """One body, how it is served, and what must become of it: a reason, or a size with colours at the left and the right."""

    kind: str
    body: bytes
    reason: str = ""
    size: tuple[int, int] = (0, 0)
    left: Colour = RED
    right: Colour = BLUE
    headers: tuple[tuple[str, str], ...] = ()


def halves(seed: int, width: int = 0, height: int = 480, mode: str = "RGB") -> Image.Image:
    """Red on the left and blue on the right, of a width that the seed tells, with a mark that makes each another file."""
    image = Image.new("RGB", (width or 640 + seed % 97, height), RED)
    image.paste(BLUE, (image.width // 2, 0, image.width, height))
    image.putpixel((seed % image.width, height - 1 - seed // image.width % height), GREEN)
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _ordinary(seed: int) -> Hostile:
    kind = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")[seed % 5]
    image = halves(seed)
    return Hostile(f"ordinary {kind}", encoded(image, kind), size=image.size)


def _large(seed: int) -> Hostile:
    image = halves(seed, 2048 + seed % 50 * 2, 1024)
    return Hostile("large", encoded(image), size=(1024, round(1024 * 1024 / image.width)))


def _cmyk(seed: int) -> Hostile:
    image = halves(seed, mode="CMYK")
    # What a press can print of the two colours, without a profile.
    return Hostile("cmyk", encoded(image), size=image.size, left=(206, 39, 46), right=(63, 50, 116))


def _deep(seed: int) -> Hostile:
    pixels = np.asarray(halves(seed)).astype(np.uint16) * 257
    body: bytes = pyvips.Image.new_from_array(pixels).copy(interpretation="rgb16").pngsave_buffer()
    return Hostile("16 bits", body, size=(pixels.shape[1], pixels.shape[0]))


def _transparent(seed: int) -> Hostile:
    image = halves(seed, mode="RGBA")
    image.paste((0, 0, 0, 0), (image.width // 2, 0, image.width, image.height))
    image = image.quantize(16) if seed % 2 else image
    return Hostile("transparent", encoded(image, "PNG"), size=image.size, right=WHITE)


def _located(seed: int) -> Hostile:
    exif = Image.Exif()
    exif[0x010F] = "SECRET camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, seed % 60), 3: "E", 4: (11.0, 34.0, 0.0)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    kind = ("JPEG", "WEBP", "PNG")[seed % 3]
    image = halves(seed)
    return Hostile("GPS", encoded(image, kind, exif=exif, xmp=b"<x>SECRET</x>", icc_profile=profile), size=image.size)


def _rotated(seed: int) -> Hostile:
    turns = {
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
    }
    orientation = (3, 6, 8, 2)[seed % 4]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = halves(seed)
    return Hostile("rotated", encoded(image.transpose(turns[orientation]), exif=exif), size=image.size)


def _animated(seed: int) -> Hostile:
    kind = ("GIF", "WEBP", "PNG")[seed % 3]
    image = halves(seed)
    later = [Image.new("RGB", image.size, colour) for colour in (GREEN, WHITE)]
    return Hostile("animated", encoded(image, kind, save_all=True, append_images=later), size=image.size)


def _truncated(seed: int) -> Hostile:
    noise = np.random.default_rng(seed).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    body = encoded(
        Image.fromarray(noise),
        ("JPEG", "PNG", "WEBP", "GIF", "AVIF")[seed % 5],
        **({"progressive": True} if seed % 10 == 0 else {}),
    )
    return Hostile("truncated", body[: len(body) * (30 + seed % 60) // 100], "broken")


def _svg(seed: int) -> Hostile:
    body = (
        f"<?xml version='1.0'?><!-- {seed} --><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    )
    return Hostile("SVG", body.encode(), "svg_refused")


def _html(seed: int) -> Hostile:
    return Hostile("HTML", f"<!doctype html><p>Please log in, guest {seed}</p>".encode(), "not_an_image")


def _polyglot(seed: int) -> Hostile:
    image = halves(seed)
    return Hostile("polyglot", encoded(image) + b"<script>SECRET</script>PK\3\4", size=image.size)


def _dot(seed: int) -> Hostile:
    return Hostile("dot", encoded(halves(seed, 1 + seed % 99, 99), "GIF"), "too_small")


def _empty(seed: int) -> Hostile:
    return Hostile("empty", b"\xff\xd8\xff"[: seed % 4], "not_an_image" if seed % 4 < 3 else "broken")


def png(width: int, height: int, data: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """Return a PNG with whatever header."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), *more, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def _gif_header(width: int, height: int) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0x80, 0, 0)
        + bytes(6)
        + struct.pack("<cHHHHB", b",", 0, 0, width, height, 0)
        + b"\2\2D\1\0;"
    )


def _webp_header(width: int, height: int) -> bytes:
    body = struct.pack("<BI", 0x2F, (width - 1) | (height - 1) << 14) + bytes(17)
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


BOMBS: tuple[Callable[[int], Hostile], ...] = (
    lambda seed: Hostile("PNG of 400 megapixels", png(20_000, 20_000 + seed, zlib.compress(bytes(100_000_000), 9)), "too_many_pixels"),
    lambda seed: Hostile("PNG of 4 gigapixels", png(65_000, 65_000 + seed, b""), "too_many_pixels"),
    lambda seed: Hostile("WebP of 268 megapixels", _webp_header(16_383, 16_383 - seed), "too_many_pixels"),
    lambda seed: Hostile("GIF of 4 gigapixels", _gif_header(65_535, 65_535 - seed), "too_many_pixels"),
    lambda seed: Hostile("gzip of 256 MB", _gzipped(seed), "too_large", headers=(("Content-Encoding", "gzip"),)),
    lambda seed: Hostile("16 MB", b"\xff\xd8\xff" + bytes(16_000_000 + seed), "too_large"),
    lambda seed: Hostile("PNG with a profile of 100 MB", _profile_bomb(seed), size=(640, 480)),
    lambda seed: Hostile("GIF of 20,000 frames", _frames(seed), size=(640, 480)),
    # 49 megapixels of 16 bits with an alpha, interlaced: within the limit of pixels, and 400 MB as a whole.
    lambda seed: Hostile("interlaced PNG of 400 MB", _interlaced(seed), "too_much_memory"),
    lambda seed: Hostile("AVIF of 49 megapixels", _avif(seed), "too_much_memory"),
)  # fmt: skip


def _interlaced(seed: int) -> bytes:
    flat = (pyvips.Image.black(7_000, 7_000, bands=4).linear(1, [seed, 20, 30, 40_000])).cast("ushort")
    body: bytes = flat.copy(interpretation="rgb16").pngsave_buffer(interlace=True, compression=1)
    return body


def _avif(seed: int) -> bytes:
    flat = (
        (pyvips.Image.black(7_000, 7_000, bands=3).linear(1, [seed, 20, 30])).cast("uchar").copy(interpretation="srgb")
    )
    body: bytes = flat.heifsave_buffer(compression="av1", effort=0)
    return body


def _gzipped(seed: int) -> bytes:
    pack = zlib.compressobj(9, wbits=31)
    million = bytes(1_000_000)
    return pack.compress(b"\xff\xd8\xff%d" % seed) + b"".join(pack.compress(million) for _ in range(256)) + pack.flush()


def _profile_bomb(seed: int) -> bytes:
    profile = b"p%d\0\0" % seed + zlib.compress(bytes(100_000_000), 9)
    pixels = np.asarray(halves(seed, 640))
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return png(640, 480, zlib.compress(rows), (b"iCCP", profile))


def _frames(seed: int) -> bytes:
    first = encoded(halves(seed, 640), "GIF").removesuffix(b";")
    frame = b"!\xf9\x04\0\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return first + frame * 20_000 + b";"


KINDS: tuple[Callable[[int], Hostile], ...] = (
    _ordinary, _large, _cmyk, _deep, _transparent, _located, _rotated, _animated, _truncated, _svg, _html, _polyglot, _dot, _empty,
)  # fmt: skip


def hostile_images(count: int, bombs: int) -> list[Hostile]:
    """Return so many pictures, of which so many are bombs; each is another file."""
    ordinary = [KINDS[number % len(KINDS)](number) for number in range(count - bombs)]
    return ordinary + [BOMBS[number % len(BOMBS)](number // len(BOMBS)) for number in range(bombs)]
