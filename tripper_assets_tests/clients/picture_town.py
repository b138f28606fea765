"""A town whose pages show pictures: each activity on a page of its own and on a list, read and collected as a run does it."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tripper_assets.clients.addresses import AddressGuard
from tripper_assets.clients.http import HttpClient
from tripper_assets.clients.image_desk import Darkroom
from tripper_assets.clients.images import ImageCounts, collect_images
from tripper_assets.clients.imaging import NoPicture, ProcessedImage, WebP
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.images import KnownImage
from tripper_assets.domain.maps import ImageRow, ImagesMap
from tripper_assets.domain.merge import merge
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.standardize import standardize
from tripper_assets.extract import extract_activities
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SIZES = {"hero": (640, 480), "thumb": (400, 300), "own": (480, 480)}


def sketch(seed: int, width: int, height: int) -> bytes:
    """Return a body that stands for a picture; another size of one seed is a copy."""
    return f"picture {seed} {width} {height}".encode()


@dataclass
class Remembered:
    """Known images in a dictionary."""

    images: dict[str, KnownImage] = field(default_factory=dict[str, KnownImage])

    def load(self, urls: Sequence[str]) -> dict[str, KnownImage]:
        return {url: self.images[url] for url in urls if url in self.images}

    def save(self, images: Sequence[KnownImage], **_by: str | None) -> None:
        self.images |= {image.sourceUrl: image for image in images}


class Sketches:
    """An ImageProcessor that reads such bodies, and takes no time."""

    async def process(self, body: bytes) -> ProcessedImage | NoPicture:
        _, seed, width, height = body.decode().split()
        await asyncio.sleep(0)
        hash_ = hashlib.sha256(seed.encode()).hexdigest()[:16]
        return ProcessedImage(
            WebP(body, int(width), int(height)), WebP(body + b" small", 320, 240), "L5H2EC=PM+yV", "#808080", hash_
        )


@dataclass
class PictureTown:
    """What a site shows, and what lasts between two runs of its source."""

    site: LoopbackSite
    tagged: bool = True
    """Whether its server gives an ETag."""
    objects: Objects = field(default_factory=lambda: Objects("memory://"))
    known: Remembered = field(default_factory=Remembered)
    bodies: list[str] = field(default_factory=list)
    """The paths whose pictures were sent, and not only confirmed."""
    pictures: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.site.fallback = self.respond

    def respond(self, asked: Asked) -> Answer:
        """Draw the picture that a path such as /7/hero.jpg means."""
        number, _, kind = asked.path.strip("/").removesuffix(".jpg").partition("/")
        etag = f'"{number}-{kind}"'
        if kind not in SIZES:
            return Answer(404)
        if self.tagged and asked.headers.get("if-none-match") == etag:
            return Answer(304, b"", {"ETag": etag})
        if asked.path not in self.pictures:
            seed = int(number) * 2 + (kind == "own")
            self.pictures[asked.path] = sketch(seed, *SIZES[kind])
        self.bodies.append(asked.path)
        return Answer(200, self.pictures[asked.path], {"ETag": etag} if self.tagged else {})

    def page(self, number: int) -> tuple[str, bytes]:
        """Return URL and HTML of an activity's own page: two pictures of its own, and the site's banner for those who share it."""
        block = (
            f'{{"@context": "https://schema.org", "@type": "Event", "name": "Walk {number}", "startDate": "2026-05-12T10:00",'
            f' "url": "/walk/{number}", "image": ["/{number}/hero.jpg", "/{number}/own.jpg"]}}'
        )
        head = f'<meta property="og:title" content="Walk {number}"><meta property="og:image" content="/99999/hero.jpg">'
        page = f'<html><head>{head}<script type="application/ld+json">{block}</script></head><body><h1>Walk {number}</h1></body></html>'
        return self.site.url(f"/walk/{number}"), page.encode()

    def list_page(self, numbers: Sequence[int]) -> tuple[str, bytes]:
        """Return URL and HTML of a list with smaller copies of the pictures."""
        blocks = "".join(
            f'<li><img src="/theme/logo.png"><img src="/{number}/thumb.jpg"><h3><a href="/walk/{number}">Walk {number}</a></h3>'
            f"<p>Tuesday 12 May 2026, 10:00</p></li>"
            for number in numbers
        )
        return self.site.url("/events"), f"<html><body><main><ul>{blocks}</ul></main></body></html>".encode()

    def read(self, pages: Sequence[tuple[str, bytes]]) -> tuple[Activity, ...]:
        """Return the activities that pages state."""
        stated = [
            raw
            for url, body in pages
            for raw in extract_activities(
                body, url=url, content_type="text/html", now=NOW, timezone="Europe/Berlin"
            ).activities
        ]
        return standardize(stated, make_source(self.site.url("/events")), now=NOW).activities

    async def collect_with(
        self, activities: Sequence[Activity], processor: Sketches | None = None
    ) -> tuple[tuple[ImageRow, ...], ImageCounts]:
        """Return the rows of one run; ``bodies`` then holds what was sent for it."""
        self.bodies.clear()
        guard = AddressGuard(frozenset({("127.0.0.1", self.site.port)}))
        async with HttpClient(user_agent="test", guard=guard, timeout_seconds=20) as client:
            return await collect_images(
                activities,
                client=client,
                darkroom=Darkroom(self.objects, processor or Sketches()),
                known=self.known,
                clock=lambda: NOW,
            )

    def records(self, activities: Sequence[Activity]) -> dict[str, Activity]:
        """Return the final records of one run by id."""
        rows, _ = asyncio.run(self.collect_with(activities))
        images = ImagesMap(ids_sha256(one.id for one in activities), rows)
        merged = merge(activities, images=images, places=None, embeddings=None)
        return {one.id: one for one in merged.records}
