"""What a few pixels tell of a picture: its colours at a glance, and whether it is another copy of one that is known; pure functions of arrays."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tripper_assets.domain.picture_rules import BASE_83

Rgb: TypeAlias = npt.NDArray[np.uint8]
"""Shape (height, width, 3), sRGB."""
Grey: TypeAlias = npt.NDArray[np.uint8]
"""Shape (HASH_SIDE, HASH_SIDE)."""
HASH_SIDE = 32
"""The hash is read from a square of so many grey pixels, whatever shape the picture has."""
HASH_WAVES = 8


def dominant_colour(pixels: Rgb) -> str:
    """Return the mean, as #rrggbb, of the pixels in the fullest of 512 boxes of similar colour."""
    flat = pixels.reshape(-1, 3)
    boxes = (flat >> 5).astype(np.int64) @ np.array([64, 8, 1])
    inside = flat[boxes == np.bincount(boxes).argmax()]
    red, green, blue = (int(value) for value in np.rint(inside.mean(axis=0)))
    return f"#{red:02x}{green:02x}{blue:02x}"


LONG_SIDE_WAVES = 4
SHORT_SIDE_WAVES = 3


def blurhash(pixels: Rgb) -> str:
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


def _waves(pixels: Rgb, across: int, down: int) -> npt.NDArray[np.float64]:
    """Return the cosine transform of the linear colours, the average first; shape (across * down, 3)."""
    height, width, _ = pixels.shape
    columns = np.cos(np.pi * np.outer(np.arange(across), np.arange(width)) / width)
    rows = np.cos(np.pi * np.outer(np.arange(down), np.arange(height)) / height)
    found = np.einsum("jy,ix,yxc->jic", rows, columns, _linear(pixels)).reshape(-1, 3) / (width * height)
    found[1:] *= 2
    return found


def _linear(pixels: Rgb) -> npt.NDArray[np.float64]:
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


def perceptual_hash(pixels: Grey) -> str:
    """Return the pHash of the picture as 16 hex digits: copies of another size, quality or format differ in few of its 64 bits.

    A bit says whether one of the 8 x 8 longest waves of the cosine transform is above their median (Zauner, "Implementation and
    Benchmarking of Perceptual Image Hash Functions", 2010); the average brightness is left out of the median.
    """
    places = np.arange(HASH_SIDE)
    waves = np.cos(np.pi * np.outer(np.arange(HASH_WAVES), 2 * places + 1) / (2 * HASH_SIDE))
    # Rounded, so that what is even has waves of 0 and not of some rounding error's sign.
    found = np.rint(waves @ pixels.astype(np.float64) @ waves.T / HASH_SIDE).ravel()
    bits = found > np.median(found[1:])
    return np.packbits(bits).tobytes().hex()


def _base_83(value: int, length: int) -> str:
    return "".join(BASE_83[value // 83 ** (length - place) % 83] for place in range(1, length + 1))
