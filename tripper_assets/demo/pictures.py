"""Cheerful pictures drawn from a name: the same name gives the same picture, so that nothing binary has to be stored."""

import hashlib
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvips

WIDTH, HEIGHT = 960, 640
SHAPES = 9


@cache
def picture(name: str, colour: str) -> bytes:
    """Return a JPEG of 960 x 640 in a colour theme such as #4a9d5b."""
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
    base = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)], dtype=np.float32)
    canvas = _sky(base)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    for _ in range(SHAPES):
        _draw_disc(canvas, rows, columns, random, base)
    _draw_hills(canvas, rows, columns, random, base)
    return _jpeg(canvas)


@cache
def flat(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """Return a PNG of one colour: a logo's place holder, a tracking pixel."""
    image: Any = pyvips.Image.black(width, height, bands=3) + list(colour)
    return image.cast("uchar").copy(interpretation="srgb").pngsave_buffer()


def _sky(base: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    fade = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    tone = (245 - fade * 60) * 0.6 + base * 0.4 * fade + 60
    return np.broadcast_to(tone, (HEIGHT, WIDTH, 3)).astype(np.float32)


def _draw_disc(
    canvas: npt.NDArray[np.float32],
    rows: npt.NDArray[np.float32],
    columns: npt.NDArray[np.float32],
    random: np.random.Generator,
    base: npt.NDArray[np.float32],
) -> None:
    x, y, radius = random.uniform(0, WIDTH), random.uniform(0, HEIGHT), random.uniform(25, 130)
    inside = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
    tint = np.clip(base + random.uniform(-70, 90, 3).astype(np.float32), 0, 255)
    canvas[inside] = canvas[inside] * 0.35 + tint * 0.65


def _draw_hills(
    canvas: npt.NDArray[np.float32],
    rows: npt.NDArray[np.float32],
    columns: npt.NDArray[np.float32],
    random: np.random.Generator,
    base: npt.NDArray[np.float32],
) -> None:
    for level, shade in ((0.72, 0.8), (0.84, 0.55)):
        wave = np.sin(columns / random.uniform(60, 160) + random.uniform(0, 6)) * random.uniform(18, 50)
        canvas[rows > HEIGHT * level + wave] = base * shade


def _jpeg(canvas: npt.NDArray[np.float32]) -> bytes:
    pixels = np.clip(canvas, 0, 255).astype(np.uint8)
    image: Any = pyvips.Image.new_from_memory(pixels.tobytes(), WIDTH, HEIGHT, 3, "uchar")
    return image.copy(interpretation="srgb").jpegsave_buffer(Q=82, keep="none")
