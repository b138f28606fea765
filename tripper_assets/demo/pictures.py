"""Cheerful pictures drawn from a name: the same name gives the same picture, so that nothing binary has to be stored."""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyvips

WIDTH, HEIGHT = 960, 640
SHAPES = 9
EDITION = 2
"""Counts up when pictures are drawn in another way, so that nobody keeps an old one."""

Plane: TypeAlias = npt.NDArray[np.floating]
Canvas: TypeAlias = npt.NDArray[np.uint8]
Outline: TypeAlias = Callable[[Plane, Plane, float], Plane]
"""How many pixels a point lies inside of a shape of that radius, negative outside of it."""


@cache
def picture(name: str, colour: str) -> bytes:
    """Return a JPEG of 960 x 640 in a colour theme such as #4a9d5b."""
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
    base = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)], dtype=np.float32)
    canvas = _sky(base)
    _draw_sun(canvas, random)
    for _ in range(SHAPES):
        _draw_shape(canvas, random, base)
    _draw_hills(canvas, random, base)
    return _jpeg(canvas)


@cache
def logo(colour: str, width: int, height: int) -> bytes:
    """Return a PNG: a strip of the hills and the sky of a picture."""
    whole: Any = pyvips.Image.new_from_buffer(picture("logo", colour), "")
    strip = whole.crop(0, HEIGHT - WIDTH * height // width, WIDTH, WIDTH * height // width)
    return strip.resize(width / WIDTH, vscale=height / strip.height).pngsave_buffer(keep="none")


@cache
def flat(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """Return a PNG of one colour: a tracking pixel."""
    image: Any = pyvips.Image.black(width, height, bands=3) + list(colour)
    return image.cast("uchar").copy(interpretation="srgb").pngsave_buffer()


def _disc(across: Plane, down: Plane, radius: float) -> Plane:
    return radius - np.hypot(across, down)


def _ring(across: Plane, down: Plane, radius: float) -> Plane:
    return radius * 0.22 - np.abs(np.hypot(across, down) - radius * 0.76)


def _flower(across: Plane, down: Plane, radius: float) -> Plane:
    return radius * (0.75 + 0.25 * np.cos(5 * np.arctan2(down, across))) - np.hypot(across, down)


def _kite(across: Plane, down: Plane, radius: float) -> Plane:
    return radius - (np.abs(across) * 1.5 + np.abs(down))


OUTLINES: tuple[Outline, ...] = (_disc, _ring, _flower, _kite)


def _sky(base: Plane) -> Canvas:
    fade = np.linspace(0.15, 0.6, HEIGHT, dtype=np.float32)[:, None]
    rows = 255 - (255 - base) * fade
    return np.broadcast_to(rows[:, None, :], (HEIGHT, WIDTH, 3)).astype(np.uint8)


def _draw_sun(canvas: Canvas, random: np.random.Generator) -> None:
    x, y = random.uniform(0.15, 0.85) * WIDTH, random.uniform(0.15, 0.3) * HEIGHT
    _blend(canvas, _disc, (x, y, random.uniform(50, 80)), np.array([255, 226, 128], dtype=np.float32), 0.9)


def _draw_shape(canvas: Canvas, random: np.random.Generator, base: Plane) -> None:
    outline = OUTLINES[int(random.integers(len(OUTLINES)))]
    circle = (random.uniform(0, WIDTH), random.uniform(0, HEIGHT * 0.8), random.uniform(25, 100))
    _blend(canvas, outline, circle, np.clip(base + random.uniform(-70, 90, 3).astype(np.float32), 0, 255), 0.65)


def _blend(canvas: Canvas, outline: Outline, circle: tuple[float, float, float], tint: Plane, opacity: float) -> None:
    """Draw a shape with smooth edges; only the box around it is looked at."""
    x, y, radius = circle
    top, bottom = max(int(y - radius) - 1, 0), min(int(y + radius) + 2, HEIGHT)
    left, right = max(int(x - radius) - 1, 0), min(int(x + radius) + 2, WIDTH)
    across = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(x)
    down = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(y)
    cover = np.clip(outline(across, down, radius) + 0.5, 0, 1)[..., None] * np.float32(opacity)
    box = canvas[top:bottom, left:right]
    box[:] = box + (tint - box) * cover


def _draw_hills(canvas: Canvas, random: np.random.Generator, base: Plane) -> None:
    columns, rows = np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT)[:, None]
    for level, shade in ((0.72, 0.8), (0.84, 0.55)):
        wave = np.sin(columns / random.uniform(60, 160) + random.uniform(0, 6)) * random.uniform(18, 50)
        ridge = (HEIGHT * level + wave).astype(np.int64)
        first = int(ridge.min())
        canvas[first:][rows[first:] > ridge] = (base * shade).astype(np.uint8)


def _jpeg(canvas: Canvas) -> bytes:
    image: Any = pyvips.Image.new_from_memory(canvas.tobytes(), WIDTH, HEIGHT, 3, "uchar")
    return image.copy(interpretation="srgb").jpegsave_buffer(Q=82, keep="none")
