"""Pictures processed in a second on one core, from a photograph of 1600 x 1200, beside Pillow and the bare decoder."""

import asyncio
import importlib
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
import pyvips

from benchmarks.figure import Figure, seconds_in_turns
from tripper_assets.clients.addresses import AddressGuard
from tripper_assets.clients.http import HttpClient
from tripper_assets.clients.image_desk import Darkroom
from tripper_assets.clients.images import collect_images
from tripper_assets.clients.imaging import QUALITY, SMALL_WIDTH, NoPicture, decode_image, encode_webp
from tripper_assets.clients.imaging_processes import ImageProcesses
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity, ImageObject
from tripper_assets.domain.images import KnownImage
from tripper_assets.domain.picture_rules import FULL_WIDTH

WIDTH, HEIGHT = 1600, 1200
PICTURES = 3
NOW = datetime(2026, 3, 15, tzinfo=UTC)
CPU_CLOCK_OF_PROCESS = 2
"""What the lowest bits of a clock's number say on Linux: that it counts the processor time of a whole process."""


def measure() -> list[Figure]:
    """Return pictures a second of processor time, of all processes that work on them.

    The WebP of 1024 pixels alone, and the whole step: fetched from a server on loopback (whose time counts as ours), both variants, hashes
    and colours made in a decoding process, and stored. The peer makes WebP files of the same sizes and quality, and nothing else. The
    limit is decoding alone; beside it stands what no picture in this form comes without: decode, resize and encode by bare libvips.
    """
    bodies = [_photograph(seed) for seed in range(PICTURES)]
    with asyncio.Runner() as runner, _served(bodies) as urls:
        processes = runner.run(_opened())
        ours, step, pillow, pillow_step, decoded, bare = seconds_in_turns(
            lambda: [_large_variant(body) for body in bodies],
            lambda: runner.run(_step(processes, urls)),
            lambda: [_by_pillow(body, FULL_WIDTH) for body in bodies],
            lambda: [_by_pillow(body, FULL_WIDTH, SMALL_WIDTH) for body in bodies],
            lambda: [_decoded(body) for body in bodies],
            lambda: [_bare(body) for body in bodies],
            clock=_processor_seconds,
        )
        runner.run(processes.__aexit__())
    limit = PICTURES / decoded
    return [
        Figure("images_1024", "pictures/s", "higher", PICTURES / ours, PICTURES / pillow, "Pillow", limit, "pyvips decode"),
        Figure("images", "pictures/s", "higher", PICTURES / step, PICTURES / pillow_step, "Pillow, both sizes", limit, "pyvips decode"),
        Figure("images_to_webp", "pictures/s", "higher", PICTURES / ours, None, "", PICTURES / bare, "pyvips decode + WebP"),
    ]  # fmt: skip


async def _opened() -> ImageProcesses:
    return await ImageProcesses(count=1).__aenter__()


def _processor_seconds() -> float:
    """Return the processor time of this process and of its children that live; psutil tells the latter in steps of 10 ms."""
    children = [child.pid for child in psutil.Process().children()]
    return time.process_time() + sum(time.clock_gettime(~pid << 3 | CPU_CLOCK_OF_PROCESS) for pid in children)


def _photograph(seed: int) -> bytes:
    """Return a JPEG with the gradients and the grain of a photograph."""
    across, down = np.meshgrid(np.linspace(0, 9, WIDTH), np.linspace(0, 7, HEIGHT))
    waves = [np.sin(across + colour + seed) * np.cos(down * (colour + 1) / 2) for colour in range(3)]
    grain = np.random.default_rng(seed).normal(0, 6, (HEIGHT, WIDTH, 3))
    pixels = np.clip(128 + 90 * np.stack(waves, axis=2) + grain, 0, 255).astype(np.uint8)
    data: bytes = pyvips.Image.new_from_array(pixels, interpretation="srgb").jpegsave_buffer(Q=88)
    return data


def _large_variant(body: bytes) -> bytes:
    found = decode_image(body)
    _check(found)
    return encode_webp(found).data


async def _step(processes: ImageProcesses, urls: list[str]) -> None:
    guard = AddressGuard(frozenset({("127.0.0.1", urlsplit(urls[0]).port or 0)}))
    async with HttpClient(user_agent="benchmark", guard=guard) as client:
        rows, _ = await collect_images(
            [_activity(number, url) for number, url in enumerate(urls)],
            client=client,
            darkroom=Darkroom(Objects("memory://"), processes),
            known=Remembered(),
            clock=lambda: NOW,
        )
    if any(row.problem for row in rows):
        message = f"a picture was refused ({rows}): its figure would say nothing"
        raise TypeError(message)


def _activity(number: int, url: str) -> Activity:
    return Activity(
        id=f"00000000-0000-5000-8000-{number:012}",
        index=number,
        source_key="pictures",
        source_url=url,
        url=url,
        type="Event",
        name=f"Picture {number}",
        image=(ImageObject(sourceUrl=url),),
    )


class Remembered:
    """Known images that are forgotten with the run."""

    def load(self, urls: Sequence[str]) -> dict[str, KnownImage]:
        """Return nothing: every run is the first."""
        del urls
        return {}

    def save(self, images: Sequence[KnownImage], **_by: str | None) -> None:
        """Forget the pictures."""
        del images


@contextmanager
def _served(bodies: list[bytes]) -> Generator[list[str]]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies[int(self.path.strip("/"))]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's own name)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield [f"http://127.0.0.1:{server.server_address[1]}/{number}" for number in range(len(bodies))]
        server.shutdown()


def _check(found: object) -> None:
    if isinstance(found, NoPicture):
        message = f"the picture was refused ({found.reason}): its figure would say nothing"
        raise TypeError(message)


def _by_pillow(body: bytes, *widths: int) -> list[bytes]:
    pillow: Any = importlib.import_module("PIL.Image")  # a tool for tests, which users do not have
    made: list[bytes] = []
    with pillow.open(BytesIO(body)) as image:
        image.draft("RGB", (FULL_WIDTH, FULL_WIDTH * HEIGHT // WIDTH))
        for width in widths:
            buffer = BytesIO()
            image.thumbnail((width, width))
            image.save(buffer, "WEBP", quality=QUALITY, method=2)
            made.append(buffer.getvalue())
    return made


def _decoded(body: bytes) -> object:
    return pyvips.Image.jpegload_buffer(body, access="sequential").copy_memory()


def _bare(body: bytes) -> object:
    picture: Any = pyvips.Image.thumbnail_buffer(body, FULL_WIDTH)
    return picture.webpsave_buffer(Q=QUALITY, effort=2, keep="none")
