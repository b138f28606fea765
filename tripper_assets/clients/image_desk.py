"""One picture's URL: asked for at most once a run and conditionally, its body processed once, and the result stored once."""

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit

from tripper_assets.clients.addresses import shown
from tripper_assets.clients.http import HttpClient, Reply
from tripper_assets.clients.http_errors import TimedOutError, TooLargeError, UndecodableError
from tripper_assets.clients.imaging import MAX_BYTES, NoPicture, WebP
from tripper_assets.clients.imaging_processes import CRASHED, NO_MEMORY, TIMED_OUT, ImageProcessor
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Thumbnail
from tripper_assets.domain.errors import AddressRefusedError, TransientError, TripperError, error_for_status
from tripper_assets.domain.images import KnownImage, as_wanted
from tripper_assets.domain.model import SourceKey

PER_HOST = 4
AT_ONCE = 8
"""Bodies in memory at a time, from the first byte to the stored pictures."""
SAVE_EVERY = 20
MOST_SILENCES = 4
"""A host that let so many requests run out of time, and answered none since, is not asked again in this run."""
FRESH = timedelta(days=7)
"""How long a picture is believed whose server gives nothing to ask again with."""
OUR_LIMITS = frozenset({CRASHED.reason, NO_MEMORY, TIMED_OUT.reason})
"""Reasons that a busy machine can be as much as the picture."""
OK_FROM, OK_UNTIL, NOT_MODIFIED = 200, 300, 304
GONE = frozenset({404, 410})
FORBIDDEN = frozenset({401, 402, 403, 451})


class KnownImages(Protocol):
    """What became of each URL in earlier runs, of this source and of others."""

    def load(self, urls: Sequence[str]) -> dict[str, KnownImage]:
        """Return what is known by URL; an unknown one is absent."""
        ...

    def save(
        self, images: Sequence[KnownImage], *, workflow_id: str | None = None, source_key: SourceKey | None = None
    ) -> None:
        """Keep what became of the pictures; saying the same twice changes nothing."""
        ...


Way: TypeAlias = Literal["fetched", "not_modified", "reused", "failed"]
T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """What is known of one URL at the end of its turn; ``image`` is None where it failed, and ``problem`` says why."""

    way: Way
    image: KnownImage | None = None
    problem: str = ""

    @property
    def shows(self) -> KnownImage | None:
        """The stored picture, None where there is none."""
        return self.image if self.image and self.image.status == "stored" else None


class _Once(Generic[T]):
    """Work that is done once for each key; whoever asks meanwhile waits for the same result."""

    def __init__(self) -> None:
        self.done: dict[str, T] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, key: str, work: Callable[[], Awaitable[T]]) -> T:
        async with self._turns[key]:
            if key not in self.done:
                self.done[key] = await work()
            return self.done[key]


class Ledger:
    """What was learned and is not saved yet."""

    def __init__(self, known: KnownImages, source_key: SourceKey | None, workflow_id: str | None) -> None:
        self._known = known
        self._source_key = source_key
        self._workflow_id = workflow_id
        self._unsaved: list[KnownImage] = []

    async def add(self, image: KnownImage, *, costly: bool) -> None:
        """Save it soon; at once where it cost a body, which a run that is killed now should not ask for again."""
        self._unsaved.append(image)
        if costly or len(self._unsaved) >= SAVE_EVERY:
            await self.flush()

    async def flush(self) -> None:
        """Save what is not saved."""
        batch, self._unsaved = self._unsaved, []
        if batch:
            await asyncio.to_thread(self._known.save, batch, workflow_id=self._workflow_id, source_key=self._source_key)


def media_key(sha256: str) -> str:
    """Return where a picture stands in the object store: the same one for every activity, source and run."""
    return f"media/{sha256[:2]}/{sha256}.webp"


Fields: TypeAlias = dict[str, object]
"""Those of a KnownImage that the picture itself decides."""


class Darkroom:
    """Turns bodies into stored pictures."""

    def __init__(self, objects: Objects, processor: ImageProcessor) -> None:
        self._objects = objects
        self._processor = processor
        self._by_body: _Once[Fields | NoPicture] = _Once()

    def here(self, image: KnownImage) -> KnownImage:
        """Return a stored picture with the addresses that its files have in this store."""
        small = image.thumbnail
        if small:
            small = small.model_copy(update={"contentUrl": self._uri(small.sha256)})
        return image.model_copy(update={"contentUrl": self._uri(image.sha256), "thumbnail": small})

    async def holds(self, image: KnownImage) -> bool:
        """Return whether all files of a stored picture are there."""
        kept = [image.sha256, *([image.thumbnail.sha256] if image.thumbnail else [])]
        return all(await asyncio.gather(*(self._exists(sha256) for sha256 in kept)))

    async def develop(self, body: bytes, body_sha256: str) -> Fields | NoPicture:
        """Return what is to be said of a body's picture, after its files were stored; or why it has none."""
        return await self._by_body.get(body_sha256, lambda: self._developed(body))

    async def _developed(self, body: bytes) -> Fields | NoPicture:
        found = await self._processor.process(body)
        if isinstance(found, NoPicture):
            return found
        for picture in filter(None, (found.small, found.full)):
            await asyncio.to_thread(self._objects.put, media_key(picture.sha256), picture.data)
        return {
            "contentUrl": self._uri(found.full.sha256),
            "sha256": found.full.sha256,
            "width": found.full.width,
            "height": found.full.height,
            "bytes": len(found.full.data),
            "encodingFormat": "image/webp",
            "thumbnail": self._thumbnail(found.small) if found.small else None,
            "blurhash": found.blurhash,
            "dominant_colour": found.dominant_colour,
            "perceptual_hash": found.perceptual_hash,
        }

    def _thumbnail(self, small: WebP) -> Thumbnail:
        return Thumbnail(
            contentUrl=self._uri(small.sha256), sha256=small.sha256, width=small.width, height=small.height
        )

    def _uri(self, sha256: str) -> str:
        return self._objects.uri(media_key(sha256))

    async def _exists(self, sha256: str) -> bool:
        return await asyncio.to_thread(self._objects.exists, media_key(sha256))


class Desk:
    """Asks for each URL at most once, with what an earlier run learned of it."""

    def __init__(
        self,
        client: HttpClient | None,
        darkroom: Darkroom,
        ledger: Ledger,
        remembered: Mapping[str, KnownImage],
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._darkroom = darkroom
        self._ledger = ledger
        self._remembered = remembered
        self._clock = clock
        self._by_url: _Once[Outcome] = _Once()
        self._all = asyncio.Semaphore(AT_ONCE)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(PER_HOST))
        self._silences: Counter[str] = Counter()

    def outcomes(self) -> dict[str, Outcome]:
        """Return what became of each URL that had its turn."""
        return dict(self._by_url.done)

    async def outcome(self, url: str) -> Outcome:
        """Return what became of a URL; the second to ask has the same answer."""
        return await self._by_url.get(url, lambda: self._found(url))

    async def _found(self, url: str) -> Outcome:
        host = urlsplit(url).netloc.lower()
        # The host's turn first: a hundred pictures of one slow host must not hold the places of all others.
        async with self._hosts[host], self._all:
            known = await self._usable(url)
            if self._client is None:
                return _reused(known) if known else Outcome("failed", problem="not_fetched_in_replay")
            if known and not _conditions(known) and self._clock() - known.checked_at < FRESH:
                return _reused(known)
            if self._silences[host] >= MOST_SILENCES:
                return _failed(TransientError(f"{host} does not answer."), known)
            return await self._asked(self._client, url, known)

    async def _usable(self, url: str) -> KnownImage | None:
        """Return what is known, unless a stored file of it is gone: then it has to come as a whole again."""
        known = self._remembered.get(url)
        known = as_wanted(known) if known else None
        if known is None or known.status == "rejected":
            return known
        return self._darkroom.here(known) if await self._darkroom.holds(known) else None

    async def _asked(self, client: HttpClient, url: str, known: KnownImage | None) -> Outcome:
        asked_at, host = self._clock(), urlsplit(url).netloc.lower()
        try:
            reply = await client.get(url, headers=_conditions(known), max_bytes=MAX_BYTES)
        except TooLargeError:
            return await self._learned("failed", self._rejected(url, "too_large"))
        except TripperError as error:
            self._silences[host] += isinstance(error, TimedOutError)
            return _failed(error, known)
        self._silences[host] = 0
        if reply.status == NOT_MODIFIED and known:
            return await self._learned("not_modified", self._confirmed(known, reply))
        if not OK_FROM <= reply.status < OK_UNTIL:
            return _refused(url, reply.status, known)
        return await self._learned("fetched", await self._read(url, reply, known, asked_at))

    async def _learned(self, way: Way, image: KnownImage) -> Outcome:
        await self._ledger.add(image, costly=way == "fetched")
        return Outcome(way, image, image.reason)

    def _confirmed(self, known: KnownImage, reply: Reply) -> KnownImage:
        return known.model_copy(update={**_validators(reply, known), "checked_at": self._clock()})

    def _rejected(self, url: str, reason: str) -> KnownImage:
        return KnownImage(sourceUrl=url, status="rejected", reason=reason, checked_at=self._clock())

    async def _read(self, url: str, reply: Reply, known: KnownImage | None, asked_at: datetime) -> KnownImage:
        """Return what a body brought; the same body as last time brings the same without a look at it."""
        body_sha256 = hashlib.sha256(reply.body).hexdigest()
        if known and known.body_sha256 == body_sha256:
            image = known
        else:
            image = self._as_known(url, await self._darkroom.develop(reply.body, body_sha256))
        now = self._clock()
        learned = {
            "received_bytes": reply.received_bytes,
            "duration_seconds": (now - asked_at).total_seconds(),
            "checked_at": now,
        }
        # Nothing to ask with and no body to know again: it comes as a whole once it is not fresh, and is tried anew.
        if image.reason not in OUR_LIMITS:
            learned |= {**_validators(reply, None), "body_sha256": body_sha256}
        return image.model_copy(update=learned)

    def _as_known(self, url: str, found: Fields | NoPicture) -> KnownImage:
        if isinstance(found, NoPicture):
            return self._rejected(url, found.reason)
        return KnownImage.model_validate({"sourceUrl": url, "status": "stored", "checked_at": self._clock(), **found})


def _conditions(known: KnownImage | None) -> dict[str, str]:
    """Return the headers that ask for a body only if it is another one (RFC 9110, 13.1)."""
    asked = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified} if known else {}
    return {name: value for name, value in asked.items() if value}


def _validators(reply: Reply, known: KnownImage | None) -> dict[str, str]:
    """Return what to ask with next time; a 304 need not repeat what it confirms."""
    return {
        "etag": reply.headers.get("etag", known.etag if known else ""),
        "last_modified": reply.headers.get("last-modified", known.last_modified if known else ""),
    }


def _reused(known: KnownImage) -> Outcome:
    return Outcome("reused", known, known.reason)


def _failed(error: TripperError, known: KnownImage | None) -> Outcome:
    """Return the verdict on a URL without an answer; a server that is down takes no picture away that is stored."""
    if isinstance(error, TransientError) and known:
        return _reused(known)
    if isinstance(error, AddressRefusedError):
        return Outcome("failed", problem="image_refused_address")
    # A body cut on its way may come whole the next time, so it is not remembered as that of a broken picture is.
    return Outcome("failed", problem="broken" if isinstance(error, UndecodableError) else "image_unreachable")


def _refused(url: str, status: int, known: KnownImage | None) -> Outcome:
    if status in GONE or status in FORBIDDEN:
        return Outcome("failed", problem="image_gone" if status in GONE else "image_forbidden")
    return _failed(error_for_status(status, f"Fetching {shown(url)}"), known)
