"""Bytes from a stranger become a small picture: type by content, bounded before decoding, upright, sRGB, without metadata."""

import hashlib
import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyvips

from tripper_assets.domain.model import Model, Rejection

MAX_WIDTH = 1024
MAX_HEIGHT = 4096
"""Of tall posters and strips; a WebP ends at 16,383."""
MAX_PIXELS = 50_000_000
"""Stated in the header: libvips itself has no limit, and 48 KB of PNG can hold 400 megapixels."""
LARGE_PIXELS = 12_000_000
MIN_SIDE = 32
"""Tracking pixels, spacers and rules are shorter."""
MAX_BYTES = 15_000_000
QUALITY = 80
EFFORT = 2
HINT_SIDE = 32
"""The picture that blurhash and dominant colour are read from."""
WHITE = [255, 255, 255]
PROFILE = "icc-profile-data"

# A picture that is not decoded line by line (interlaced PNG, progressive JPEG, AVIF) stands in memory as a whole:
# one such of 50 megapixels takes some 300 MB, so that no two large ones are decoded at a time.
_one_large = threading.Lock()

Pixels: TypeAlias = Any
"""A pyvips image; the package has no types."""
Kind: TypeAlias = Literal["jpeg", "png", "gif", "webp", "heif"]


class ProcessedImage(Model):
    """A picture as it is stored: WebP, sRGB, upright, no metadata, at most 1024 wide and never enlarged."""

    data: bytes
    sha256: str
    """Of data."""
    bytes: int
    width: int
    height: int
    encodingFormat: str = "image/webp"  # noqa: N815 (schema.org's own name)
    blurhash: str
    dominant_colour: str
    """As #rrggbb."""


def process_image(body: bytes) -> ProcessedImage | Rejection:
    """Return the picture that ``body`` holds, the same bytes for the same body, or why it is none.

    Transparent parts become white; of an animation the first frame is kept. The subject of a rejection is the body's SHA-256.
    """
    _harden()
    if len(body) > MAX_BYTES:
        return _rejection("too_large", body, f"{len(body):,} bytes, more than {MAX_BYTES:,}")
    kind = sniff(body)
    if kind is None:
        return _not_a_picture(body)
    try:
        return _processed(body, kind)
    except pyvips.Error as error:
        return _rejection("broken", body, " ".join(str(error).split()))


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


def _not_a_picture(body: bytes) -> Rejection:
    if b"<svg" in body[:4096].lower():
        return _rejection("svg_refused", body, "an SVG is a program as much as a picture")
    return _rejection("not_an_image", body, f"begins with {body[:16]!r}")


def _rejection(reason: str, body: bytes, message: str) -> Rejection:
    return Rejection(reason=reason, subject=hashlib.sha256(body).hexdigest(), message=message[:200])


def _processed(body: bytes, kind: Kind) -> ProcessedImage | Rejection:
    header = _load(body, kind)
    pixels = header.width * header.height
    if pixels > MAX_PIXELS:
        return _rejection("too_many_pixels", body, f"{header.width} x {header.height} pixels, more than {MAX_PIXELS:,}")
    if min(header.width, header.height) < MIN_SIDE:
        return _rejection("too_small", body, f"{header.width} x {header.height} pixels")
    with _one_large if pixels > LARGE_PIXELS else nullcontext():
        picture = _finished(_shrunk(body, kind, header))
    return _encoded(picture)


def _load(body: bytes, kind: Kind, **options: Any) -> Pixels:  # noqa: ANN401 (the loaders' own options)
    # The loader by name, and each load with fail_on: thumbnail_buffer ignores it and paints the missing half grey.
    load: Callable[..., Pixels] = getattr(pyvips.Image, f"{kind}load_buffer")
    return load(body, access="sequential", fail_on="error", **options)


def _shrunk(body: bytes, kind: Kind, header: Pixels) -> Pixels:
    """Return the picture for the resize to end in; JPEG and WebP decode to a fraction of their size much faster."""
    upright = header.autorot()
    # At least twice the final size is left, as the decoder's own shrinking is a plain average.
    spare = max(upright.width / MAX_WIDTH, upright.height / MAX_HEIGHT) / 2
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
    fitted = image.thumbnail_image(MAX_WIDTH, height=MAX_HEIGHT, size="down", **profile)
    coloured = fitted.colourspace("srgb")
    opaque = coloured.flatten(background=WHITE) if coloured.hasalpha() else coloured
    return opaque.cast("uchar").copy_memory()


def _encoded(picture: Pixels) -> ProcessedImage:
    data: bytes = picture.webpsave_buffer(Q=QUALITY, effort=EFFORT, keep="none")
    hint = _hint(picture)
    return ProcessedImage(
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        width=picture.width,
        height=picture.height,
        blurhash=blurhash(hint),
        dominant_colour=dominant_colour(hint),
    )


def _hint(picture: Pixels) -> npt.NDArray[np.uint8]:
    small = picture.thumbnail_image(HINT_SIDE, height=HINT_SIDE, size="down")
    return np.frombuffer(small.write_to_memory(), dtype=np.uint8).reshape(small.height, small.width, 3)


def dominant_colour(pixels: npt.NDArray[np.uint8]) -> str:
    """Return the mean, as #rrggbb, of the pixels in the fullest of 512 boxes of similar colour."""
    flat = pixels.reshape(-1, 3)
    boxes = (flat >> 5).astype(np.int64) @ np.array([64, 8, 1])
    inside = flat[boxes == np.bincount(boxes).argmax()]
    red, green, blue = (int(value) for value in np.rint(inside.mean(axis=0)))
    return f"#{red:02x}{green:02x}{blue:02x}"


BASE_83 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
LONG_SIDE_WAVES = 4
SHORT_SIDE_WAVES = 3


def blurhash(pixels: npt.NDArray[np.uint8]) -> str:
    """Return the BlurHash (woltapp/blurhash, Algorithm.md) of 4 x 3 waves, or 3 x 4 for an upright picture.

    The package blurhash-python gives the same text, by a call that Pillow 14 removes.
    """
    height, width, _ = pixels.shape
    across, down = (LONG_SIDE_WAVES, SHORT_SIDE_WAVES) if width >= height else (SHORT_SIDE_WAVES, LONG_SIDE_WAVES)
    waves = _waves(pixels, across, down)
    details = waves[1:]
    step = int(np.clip(np.floor(np.abs(details).max() * 166 - 0.5), 0, 82))
    levels = _levels(details / ((step + 1) / 166))
    head = _base_83(across - 1 + (down - 1) * 9, 1) + _base_83(step, 1) + _base_83(_average(waves[0]), 4)
    return head + "".join(_base_83(int(level), 2) for level in levels @ np.array([361, 19, 1]))


def _waves(pixels: npt.NDArray[np.uint8], across: int, down: int) -> npt.NDArray[np.float64]:
    """Return the cosine transform of the linear colours, the average first; shape (across * down, 3)."""
    height, width, _ = pixels.shape
    columns = np.cos(np.pi * np.outer(np.arange(across), np.arange(width)) / width)
    rows = np.cos(np.pi * np.outer(np.arange(down), np.arange(height)) / height)
    found = np.einsum("jy,ix,yxc->jic", rows, columns, _linear(pixels)).reshape(-1, 3) / (width * height)
    found[1:] *= 2
    return found


def _linear(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    value = pixels / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 (sRGB, IEC 61966-2-1)


def _average(linear: npt.NDArray[np.float64]) -> int:
    value = np.clip(linear, 0, 1)
    curved = np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)  # noqa: PLR2004 (same)
    red, green, blue = (int(one) for one in np.floor(curved * 255 + 0.5))
    return (red << 16) + (green << 8) + blue


def _levels(details: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    rooted = np.sign(details) * np.sqrt(np.abs(details))
    return np.clip(np.floor(rooted * 9 + 9.5), 0, 18).astype(np.int64)


def _base_83(value: int, length: int) -> str:
    return "".join(BASE_83[value // 83 ** (length - place) % 83] for place in range(1, length + 1))
