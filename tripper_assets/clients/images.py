"""The pictures of many activities: each URL asked once a run and conditionally, each body processed once, each result stored once."""

import asyncio
import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit

from tripper_assets.clients.addresses import shown
from tripper_assets.clients.http import HttpClient, Reply
from tripper_assets.clients.http_errors import TooLargeError, UndecodableError
from tripper_assets.clients.imaging import MAX_BYTES, ProcessedImage, process_image
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity, ImageObject
from tripper_assets.domain.errors import AddressRefusedError, TransientError, TripperError, error_for_status
from tripper_assets.domain.images import KnownImage, choose_candidates
from tripper_assets.domain.maps import ImageRow
from tripper_assets.domain.model import ActivityId, Rejection, SourceKey

PER_HOST = 4
AT_ONCE = 16
"""Bodies in memory at a time, from the first byte to the stored WebP."""
DECODERS = min(4, os.cpu_count() or 1)
SAVE_EVERY = 20
TRIES_PER_PICTURE = 4
"""A list of a thousand dead links is not followed to its end for one picture."""
FRESH = timedelta(days=7)
"""How long a picture is believed whose server gives nothing to ask again with."""
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


@dataclass(frozen=True)
class ImageCounts:
    """What one run cost and brought, by distinct URL but for stored."""

    fetched: int = 0
    """Bodies received."""
    not_modified: int = 0
    """Answers without a body, as nothing changed."""
    reused: int = 0
    """Not asked for, or the server was down: what is known of them holds."""
    stored: int = 0
    """Distinct pictures that the rows show."""
    rejected: int = 0
    """Asked for in this run or an earlier one, and no picture that can be shown."""
    failed: int = 0
    """Without an answer, or with one that says no."""
    refused: int = 0
    """Candidates that were not worth asking for: logos, banners, thumbnails."""


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


Pictures: TypeAlias = list[tuple[ImageObject, Outcome]]
"""Candidates of one activity in their order, and what became of each."""


async def collect_images(
    activities: Sequence[Activity],
    *,
    client: HttpClient,
    objects: Objects,
    known: KnownImages,
    clock: Callable[[], datetime],
    per_activity: int = 3,
    on_progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> tuple[tuple[ImageRow, ...], ImageCounts]:
    """Return the pictures of each activity, best first, then its candidates that failed; ordered by id and position.

    Where a candidate fails or is the same picture again, the next best stands in. What was learned is saved as it comes,
    and at the end, also where an error stops the work. ``on_progress`` hears, in a thread, how many of how many activities are done.

    Raises:
        TransientError: the object store or the place of the known images does not answer.
        PermanentError: the object store cannot be written.
    """
    candidates = choose_candidates(activities)
    ledger = _Ledger(known, activities[0].source_key if activities else None)
    remembered = await asyncio.to_thread(known.load, candidates.urls())
    tasks: dict[ActivityId, asyncio.Task[Pictures]] = {}
    failure: Exception | None = None

    async def pictures(images: Sequence[ImageObject]) -> Pictures:
        found = await _pictures(images, desk, per_activity)
        await asyncio.to_thread(on_progress, sum(task.done() for task in tasks.values()) + 1, len(tasks))
        return found

    with ThreadPoolExecutor(DECODERS, thread_name_prefix="decode") as decoders:
        desk = _Desk(client, _Darkroom(objects, decoders), ledger, remembered, clock)
        try:
            async with asyncio.TaskGroup() as group:
                for one, images in candidates.by_activity.items():
                    tasks[one] = group.create_task(pictures(images))
        except ExceptionGroup as stopped:
            failure = stopped.exceptions[0]  # the others were only cancelled, or met the same end
        finally:
            await ledger.flush()
    if failure:
        raise failure
    rows = tuple(row for one, task in sorted(tasks.items()) for row in _rows(one, task.result()))
    return rows, _counts(rows, desk.outcomes(), len(candidates.refused))


async def _pictures(candidates: Sequence[ImageObject], desk: "_Desk", wanted: int) -> Pictures:
    """Return what became of the best candidates, and of as many more as it takes to have ``wanted`` different pictures."""
    found: Pictures = []
    waiting = list(candidates[: wanted * TRIES_PER_PICTURE])
    while waiting and (lacking := wanted - len(_different(found))) > 0:
        now, waiting = waiting[:lacking], waiting[lacking:]
        outcomes = await asyncio.gather(*(desk.outcome(one.sourceUrl) for one in now))
        found += zip(now, outcomes, strict=True)
    return found


def _different(pictures: Pictures) -> list[tuple[ImageObject, KnownImage]]:
    """Return the stored pictures, each once: two sizes of one file may well be stored as the same bytes."""
    by_sha256: dict[str, tuple[ImageObject, KnownImage]] = {}
    for candidate, outcome in pictures:
        if outcome.shows:
            by_sha256.setdefault(outcome.shows.sha256, (candidate, outcome.shows))
    return list(by_sha256.values())


def _rows(activity_id: ActivityId, pictures: Pictures) -> list[ImageRow]:
    rows = [_row(activity_id, candidate).model_copy(update=_shown(image)) for candidate, image in _different(pictures)]
    rows += [
        _row(activity_id, candidate).model_copy(update={"problem": outcome.problem})
        for candidate, outcome in pictures
        if outcome.problem
    ]
    return [row.model_copy(update={"position": position}) for position, row in enumerate(rows)]


def _row(activity_id: ActivityId, candidate: ImageObject) -> ImageRow:
    return ImageRow(
        activity_id=activity_id,
        position=0,
        sourceUrl=candidate.sourceUrl,
        creditText=candidate.creditText,
        license=candidate.license,
    )


def _shown(image: KnownImage) -> dict[str, object]:
    fields = {"contentUrl", "sha256", "width", "height", "encodingFormat", "bytes", "blurhash"}
    return image.model_dump(include=fields)


def _counts(rows: Sequence[ImageRow], outcomes: Sequence[Outcome], refused: int) -> ImageCounts:
    ways = Counter(outcome.way for outcome in outcomes)
    return ImageCounts(
        fetched=ways["fetched"],
        not_modified=ways["not_modified"],
        reused=ways["reused"],
        stored=len({row.sha256 for row in rows if row.sha256}),
        rejected=sum(outcome.image is not None and outcome.image.status == "rejected" for outcome in outcomes),
        failed=sum(outcome.image is None for outcome in outcomes),
        refused=refused,
    )


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


class _Ledger:
    """What was learned and is not saved yet."""

    def __init__(self, known: KnownImages, source_key: SourceKey | None) -> None:
        self._known = known
        self._source_key = source_key
        self._unsaved: list[KnownImage] = []

    async def add(self, image: KnownImage) -> None:
        self._unsaved.append(image)
        if len(self._unsaved) >= SAVE_EVERY:
            await self.flush()

    async def flush(self) -> None:
        batch, self._unsaved = self._unsaved, []
        if batch:
            await asyncio.to_thread(self._known.save, batch, source_key=self._source_key)


def media_key(sha256: str) -> str:
    """Return where a picture stands in the object store: the same one for every activity, source and run."""
    return f"media/{sha256[:2]}/{sha256}.webp"


class _Darkroom:
    """Turns bodies into stored pictures, off the event loop."""

    def __init__(self, objects: Objects, decoders: ThreadPoolExecutor) -> None:
        self._objects = objects
        self._decoders = decoders
        self._by_body: _Once[ProcessedImage | Rejection] = _Once()

    def uri(self, sha256: str) -> str:
        return self._objects.uri(media_key(sha256))

    async def holds(self, sha256: str) -> bool:
        return await asyncio.to_thread(self._objects.exists, media_key(sha256))

    async def develop(self, body: bytes, body_sha256: str) -> ProcessedImage | Rejection:
        return await self._by_body.get(body_sha256, lambda: self._developed(body))

    async def _developed(self, body: bytes) -> ProcessedImage | Rejection:
        found = await asyncio.get_running_loop().run_in_executor(self._decoders, process_image, body)
        if isinstance(found, ProcessedImage):
            await asyncio.to_thread(self._objects.put, media_key(found.sha256), found.data)
            return found.model_copy(update={"data": b""})  # the bytes are stored; only what is said of them is of use
        return found


class _Desk:
    """Asks for each URL at most once, with what an earlier run learned of it."""

    def __init__(
        self,
        client: HttpClient,
        darkroom: _Darkroom,
        ledger: _Ledger,
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

    def outcomes(self) -> list[Outcome]:
        return list(self._by_url.done.values())

    async def outcome(self, url: str) -> Outcome:
        return await self._by_url.get(url, lambda: self._found(url))

    async def _found(self, url: str) -> Outcome:
        # The host's turn first: a hundred pictures of one slow host must not hold the places of all others.
        async with self._hosts[urlsplit(url).netloc.lower()], self._all:
            known = await self._usable(url)
            if known and not _conditions(known) and self._clock() - known.checked_at < FRESH:
                return _reused(known)
            return await self._asked(url, known)

    async def _usable(self, url: str) -> KnownImage | None:
        """Return what is known, unless its stored picture is gone: then it has to come as a whole again."""
        known = self._remembered.get(url)
        if known is None or known.status == "rejected":
            return known
        if not await self._darkroom.holds(known.sha256):
            return None
        return known.model_copy(update={"contentUrl": self._darkroom.uri(known.sha256)})

    async def _asked(self, url: str, known: KnownImage | None) -> Outcome:
        try:
            reply = await self._client.get(url, headers=_conditions(known), max_bytes=MAX_BYTES)
        except TooLargeError:
            return await self._learned("failed", self._rejected(url, "too_large"))
        except TripperError as error:
            return _failed(error, known)
        if reply.status == NOT_MODIFIED and known:
            return await self._learned("not_modified", self._confirmed(known, reply))
        if not OK_FROM <= reply.status < OK_UNTIL:
            return _refused(url, reply.status, known)
        return await self._learned("fetched", await self._read(url, reply, known))

    async def _learned(self, way: Way, image: KnownImage) -> Outcome:
        await self._ledger.add(image)
        return Outcome(way, image, image.reason)

    def _confirmed(self, known: KnownImage, reply: Reply) -> KnownImage:
        return known.model_copy(update=_validators(reply, known) | {"checked_at": self._clock()})

    def _rejected(self, url: str, reason: str) -> KnownImage:
        return KnownImage(sourceUrl=url, status="rejected", reason=reason, checked_at=self._clock())

    async def _read(self, url: str, reply: Reply, known: KnownImage | None) -> KnownImage:
        """Return what a body brought; the same body as last time brings the same without a look at it."""
        body_sha256 = hashlib.sha256(reply.body).hexdigest()
        if known and known.body_sha256 == body_sha256:
            image = known
        else:
            image = self._as_known(url, await self._darkroom.develop(reply.body, body_sha256))
        fresh = {"body_sha256": body_sha256, "checked_at": self._clock()}
        return image.model_copy(update=_validators(reply, None) | fresh)

    def _as_known(self, url: str, found: ProcessedImage | Rejection) -> KnownImage:
        if isinstance(found, Rejection):
            return self._rejected(url, found.reason)
        return KnownImage(
            sourceUrl=url,
            status="stored",
            contentUrl=self._darkroom.uri(found.sha256),
            bytes=found.bytes,
            checked_at=self._clock(),
            **found.model_dump(exclude={"data", "bytes"}),
        )


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
