"""Pictures processed in a second on one core: a photograph of 1600 x 1200 to a WebP, beside Pillow and the bare decoder."""

import importlib
import time
from io import BytesIO
from typing import Any

import numpy as np
import pyvips

from benchmarks.figure import Figure, seconds_in_turns
from tripper_assets.clients.imaging import MAX_WIDTH, QUALITY, ProcessedImage, process_image

WIDTH, HEIGHT = 1600, 1200
PICTURES = 3


def measure() -> list[Figure]:
    """Return pictures a second; the peer makes a WebP of the same size and quality and no hash, hint or check.

    Two limits: decoding alone, and what no picture in this form comes without: decode, resize and encode by bare libvips.
    """
    bodies = [_photograph(seed) for seed in range(PICTURES)]
    ours, pillow, decoded, bare = seconds_in_turns(
        lambda: [_processed(body) for body in bodies],
        lambda: [_by_pillow(body) for body in bodies],
        lambda: [_decoded(body) for body in bodies],
        lambda: [_bare(body) for body in bodies],
        clock=time.process_time,
    )
    a_second = PICTURES / ours
    return [
        Figure(
            "images", "pictures/s", "higher", a_second, PICTURES / pillow, "Pillow", PICTURES / decoded, "pyvips decode",
        ),
        Figure("images_to_webp", "pictures/s", "higher", a_second, None, "", PICTURES / bare, "pyvips decode + WebP"),
    ]  # fmt: skip


def _photograph(seed: int) -> bytes:
    """Return a JPEG with the gradients and the grain of a photograph."""
    across, down = np.meshgrid(np.linspace(0, 9, WIDTH), np.linspace(0, 7, HEIGHT))
    waves = [np.sin(across + colour + seed) * np.cos(down * (colour + 1) / 2) for colour in range(3)]
    grain = np.random.default_rng(seed).normal(0, 6, (HEIGHT, WIDTH, 3))
    pixels = np.clip(128 + 90 * np.stack(waves, axis=2) + grain, 0, 255).astype(np.uint8)
    data: bytes = pyvips.Image.new_from_array(pixels, interpretation="srgb").jpegsave_buffer(Q=88)
    return data


def _processed(body: bytes) -> ProcessedImage:
    found = process_image(body)
    if not isinstance(found, ProcessedImage):
        message = f"the picture was refused ({found.reason}): its figure would say nothing"
        raise TypeError(message)
    return found


def _by_pillow(body: bytes) -> bytes:
    pillow: Any = importlib.import_module("PIL.Image")  # a tool for tests, which users do not have
    buffer = BytesIO()
    with pillow.open(BytesIO(body)) as image:
        image.draft("RGB", (MAX_WIDTH, MAX_WIDTH * HEIGHT // WIDTH))
        image.thumbnail((MAX_WIDTH, MAX_WIDTH))
        image.save(buffer, "WEBP", quality=QUALITY, method=2)
    return buffer.getvalue()


def _decoded(body: bytes) -> object:
    return pyvips.Image.jpegload_buffer(body, access="sequential").copy_memory()


def _bare(body: bytes) -> object:
    picture: Any = pyvips.Image.thumbnail_buffer(body, MAX_WIDTH)
    return picture.webpsave_buffer(Q=QUALITY, effort=2, keep="none")
