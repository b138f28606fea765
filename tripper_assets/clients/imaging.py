"""Bytes from a stranger become small pictures: type by content, bounded before decoding, upright, sRGB, without metadata.

What decodes runs in a process of its own (imaging_worker.py); whatever is imported here delays its start.
"""

import hashlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np
import pyvips

from tripper_assets.clients.image_hints import HASH_SIDE, Grey, Rgb, blurhash, dominant_colour, perceptual_hash
from tripper_assets.domain.picture_rules import FULL_WIDTH, MIN_PIXELS
from tripper_assets.domain.webp import stated_size

SMALL_WIDTH = 320
HEIGHT_FOR_WIDTH = 4
"""Tall posters and strips are no higher than so many times what they may be wide; a WebP ends at 16,383."""
MAX_PIXELS = 50_000_000
"""Stated in the header: libvips itself has no limit, and 48 KB of PNG can hold 400 megapixels."""
LARGE_PIXELS = 12_000_000
LARGE_HEIF_PIXELS = 4_000_000
"""AVIF takes 16 bytes of memory for each pixel."""
MIN_SIDE = 100
"""Tracking pixels, spacers, rules and strips are shorter."""
MAX_BYTES = 15_000_000
QUALITY = 80
EFFORT = 2
HINT_SIDE = 32
"""The picture that blurhash and dominant colour are read from."""
WHITE = [255, 255, 255]
PROFILE = "icc-profile-data"
NO_ROOM = re.compile(
    r"out of memory|insufficient memory|memory allocation|creating thread|unable to allocate", re.IGNORECASE
)

Pixels: TypeAlias = Any
"""A pyvips image; the package has no types."""
Kind: TypeAlias = Literal["jpeg", "png", "gif", "webp", "heif"]
Alone: TypeAlias = Callable[[], AbstractContextManager[object]]
"""Held while a large picture is decoded.

One that is not decoded line by line (interlaced PNG, progressive JPEG, AVIF) stands in memory as a whole: one such of 50 megapixels
takes some 300 MB, so that no two large ones are decoded at a time.
"""


@dataclass(frozen=True)
class WebP:
    """A picture as it is stored: sRGB, upright, no metadata, never enlarged."""

    data: bytes = field(repr=False)
    width: int
    height: int

    @property
    def sha256(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class ProcessedImage:
    """What is kept of one picture."""

    full: WebP
    """At most 1024 wide."""
    small: WebP | None
    """320 wide; None where the picture is no wider."""
    blurhash: str
    dominant_colour: str
    """As #rrggbb."""
    perceptual_hash: str
    """16 hex digits; see image_hints.perceptual_hash."""


@dataclass(frozen=True)
class NoPicture:
    """Why a body gives no picture."""

    reason: str
    """A problem code."""
    message: str = ""


def process_image(body: bytes, *, alone: Alone = nullcontext) -> ProcessedImage | NoPicture:
    """Return the pictures to keep of what ``body`` holds, the same bytes for the same body, or why there are none.

    Transparent parts become white; of an animation the first frame is kept.
    """
    picture = decode_image(body, alone=alone)
    return picture if isinstance(picture, NoPicture) else _kept(picture)


def decode_image(body: bytes, *, alone: Alone = nullcontext) -> Pixels | NoPicture:
    """Return the picture in memory, 8 bits of sRGB, upright and no larger than what is stored; or why ``body`` is none."""
    _harden()
    if len(body) > MAX_BYTES:
        return NoPicture("too_large", f"{len(body):,} bytes, more than {MAX_BYTES:,}")
    kind = sniff(body)
    if kind is None:
        return _not_a_picture(body)
    try:
        return _decoded(body, kind, alone)
    except pyvips.Error as error:
        said = " ".join(str(error).split())
        return NoPicture("too_much_memory" if NO_ROOM.search(said) else "broken", said[:200])


@cache
def _harden() -> None:
    """Set libvips up once: no loader that is not meant for strangers' bytes, no cache, no threads of its own."""
    pyvips.block_untrusted_set(True)
    # Each picture comes once, and several are processed side by side already.
    pyvips.cache_set_max(0)
    pyvips.voperation.concurrency_set(1)


def sniff(body: bytes) -> Kind | None:
    """Return what ``body`` holds by its first bytes; None for whatever no browser shows as a picture, and for SVG."""
    if body.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if body.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return "webp"
    return "heif" if body[4:8] == b"ftyp" and body[8:12] in {b"avif", b"avis", b"mif1", b"miaf"} else None


def _not_a_picture(body: bytes) -> NoPicture:
    if b"<svg" in body[:4096].lower():
        return NoPicture("svg_refused", "an SVG is a program as much as a picture")
    return NoPicture("not_an_image", f"begins with {body[:16]!r}")


def _decoded(body: bytes, kind: Kind, alone: Alone) -> Pixels | NoPicture:
    # libvips makes room for the whole of a WebP when it reads the header: a gigabyte for 42 bytes.
    stated = stated_size(body) if kind == "webp" else None
    if stated and stated[0] * stated[1] > MAX_PIXELS:
        return _too_many(*stated)
    header = _load(body, kind)
    pixels = header.width * header.height
    if pixels > MAX_PIXELS:
        return _too_many(header.width, header.height)
    if _stored_pixels(header.autorot()) < MIN_PIXELS or min(header.width, header.height) < MIN_SIDE:
        return NoPicture("too_small", f"{header.width} x {header.height} pixels")
    with alone() if pixels > (LARGE_HEIF_PIXELS if kind == "heif" else LARGE_PIXELS) else nullcontext():
        return _finished(_shrunk(body, kind, header))


def _too_many(width: int, height: int) -> NoPicture:
    return NoPicture("too_many_pixels", f"{width} x {height} pixels, more than {MAX_PIXELS:,}")


def _stored_pixels(upright: Pixels) -> float:
    scale = min(1, FULL_WIDTH / upright.width, FULL_WIDTH * HEIGHT_FOR_WIDTH / upright.height)
    return upright.width * upright.height * scale**2


def _load(body: bytes, kind: Kind, **options: Any) -> Pixels:  # noqa: ANN401 (the loaders' own options)
    # The loader by name, and each load with fail_on: thumbnail_buffer ignores it and paints the missing half grey.
    load: Callable[..., Pixels] = getattr(pyvips.Image, f"{kind}load_buffer")
    return load(body, access="sequential", fail_on="error", **options)


def _shrunk(body: bytes, kind: Kind, header: Pixels) -> Pixels:
    """Return the picture for the resize to end in; JPEG and WebP decode to a fraction of their size much faster."""
    upright = header.autorot()
    # At least twice the final size is left, as the decoder's own shrinking is a plain average.
    spare = max(upright.width / FULL_WIDTH, upright.height / (FULL_WIDTH * HEIGHT_FOR_WIDTH)) / 2
    if kind == "jpeg":
        return _load(body, kind, shrink=max(step for step in (1, 2, 4, 8) if step <= max(1, spare)))
    if kind == "webp" and spare > 1:
        return _load(body, kind, scale=1 / spare)
    return header


def _finished(image: Pixels) -> Pixels:
    """Return the decoded picture: resized, turned upright, 8 bits of sRGB, on white."""
    # Without a profile RGB is sRGB already, and converting it to itself takes longer than all the rest (75 ms of 110).
    has_profile = image.get_typeof(PROFILE) or image.interpretation == "cmyk"
    profile = {"output_profile": "srgb"} if has_profile else {}
    fitted = _fitted(image, FULL_WIDTH, **profile)
    coloured = fitted.colourspace("srgb")
    opaque = coloured.flatten(background=WHITE) if coloured.hasalpha() else coloured
    return opaque.cast("uchar").copy_memory()


def _fitted(image: Pixels, width: int, **options: str) -> Pixels:
    return image.thumbnail_image(width, height=width * HEIGHT_FOR_WIDTH, size="down", **options)


def _kept(picture: Pixels) -> ProcessedImage:
    hint = _hint(picture)
    return ProcessedImage(
        full=encode_webp(picture),
        small=encode_webp(_fitted(picture, SMALL_WIDTH)) if picture.width > SMALL_WIDTH else None,
        blurhash=blurhash(hint),
        dominant_colour=dominant_colour(hint),
        perceptual_hash=perceptual_hash(_grey_square(picture)),
    )


def encode_webp(picture: Pixels) -> WebP:
    """Return a decoded picture as it is stored."""
    data: bytes = picture.webpsave_buffer(Q=QUALITY, effort=EFFORT, keep="none")
    return WebP(data, picture.width, picture.height)


def _hint(picture: Pixels) -> Rgb:
    small = picture.thumbnail_image(HINT_SIDE, height=HINT_SIDE, size="down")
    return np.frombuffer(small.write_to_memory(), dtype=np.uint8).reshape(small.height, small.width, 3)


def _grey_square(picture: Pixels) -> Grey:
    square = picture.thumbnail_image(HASH_SIDE, height=HASH_SIDE, size="force").colourspace("b-w")
    return np.frombuffer(square.write_to_memory(), dtype=np.uint8).reshape(HASH_SIDE, HASH_SIDE)
