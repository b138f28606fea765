"""One source's pictures on a loopback site, collected as a run does it, and what lasts between two runs."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from PIL import Image

from tripper_assets.clients.addresses import AddressGuard
from tripper_assets.clients.http import HttpClient
from tripper_assets.clients.image_desk import Darkroom
from tripper_assets.clients.images import ImageCounts, collect_images
from tripper_assets.clients.imaging import NoPicture, ProcessedImage, process_image
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity, ImageObject
from tripper_assets.domain.images import KnownImage
from tripper_assets.domain.maps import ImageRow
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)


SOURCE = "town-00000000"


def jpeg(shade: int, size: tuple[int, int] = (400, 300), kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (shade, 255 - shade, shade // 2)).save(buffer, kind)
    return buffer.getvalue()


def photo(seed: int, width: int, height: int, kind: str = "JPEG") -> bytes:
    spots = np.random.default_rng(seed).uniform(0, 255, (6, 8, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(spots).resize((width, height), Image.Resampling.BICUBIC).save(buffer, kind)
    return buffer.getvalue()


def activity(number: int, *urls: str) -> Activity:
    return Activity(
        id=f"00000000-0000-5000-8000-{number:012}",
        index=number,
        source_key=SOURCE,
        source_url="https://town.example",
        url=f"https://town.example/{number}",
        type="Event",
        name=f"Walk {number}",
        image=tuple(ImageObject(sourceUrl=url) for url in urls),
    )


@dataclass
class Remembered:
    """Known images in a dictionary; the sizes of what was saved are kept."""

    images: dict[str, KnownImage] = field(default_factory=dict[str, KnownImage])
    batches: list[int] = field(default_factory=list[int])
    sources: set[str | None] = field(default_factory=set[str | None])

    def load(self, urls: Sequence[str]) -> dict[str, KnownImage]:
        return {url: self.images[url] for url in urls if url in self.images}

    def save(
        self, images: Sequence[KnownImage], *, workflow_id: str | None = None, source_key: str | None = None
    ) -> None:
        assert workflow_id == "w1"
        self.images |= {image.sourceUrl: image for image in images}
        self.batches.append(len(images))
        self.sources.add(source_key)


@dataclass
class InThisProcess:
    """An ImageProcessor that needs no process of its own, and remembers how large the bodies were."""

    processed: list[int] = field(default_factory=list[int])

    async def process(self, body: bytes) -> ProcessedImage | NoPicture:
        self.processed.append(len(body))
        return process_image(body)


@dataclass
class Town:
    """One source's pictures on a loopback site, with what lasts between two runs."""

    site: LoopbackSite
    objects: Objects = field(default_factory=lambda: Objects("memory://"))
    known: Remembered = field(default_factory=Remembered)
    processor: InThisProcess = field(default_factory=InThisProcess)
    now: datetime = NOW

    def show(self, path: str, body: bytes, *, etag: str = "", modified: str = "") -> str:
        """Answer ``path`` with a body, conditionally where it has a validator."""

        def respond(asked: Asked) -> Answer:
            said = {"ETag": etag} if etag else {}
            said |= {"Last-Modified": modified} if modified else {}
            unchanged = (etag and asked.headers.get("if-none-match") == etag) or (
                modified and asked.headers.get("if-modified-since") == modified
            )
            return Answer(304, b"", said) if unchanged else Answer(200, body, said)

        self.site.answer(path, respond)
        return self.site.url(path)

    def collect(self, *activities: Activity, per_activity: int = 3) -> tuple[tuple[ImageRow, ...], ImageCounts]:
        async def run() -> tuple[tuple[ImageRow, ...], ImageCounts]:
            guard = AddressGuard(frozenset({("127.0.0.1", self.site.port)}))
            async with HttpClient(user_agent="test", guard=guard, timeout_seconds=5) as client:
                return await collect_images(
                    activities,
                    client=client,
                    darkroom=Darkroom(self.objects, self.processor),
                    known=self.known,
                    clock=lambda: self.now,
                    workflow_id="w1",
                    per_activity=per_activity,
                )

        self.site.requests.clear()
        return asyncio.run(run())


def problems(rows: Sequence[ImageRow]) -> list[tuple[int, str]]:
    return [(row.position, row.problem) for row in rows]
