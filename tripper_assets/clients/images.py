"""The pictures of many activities: the best candidates of each, the next best in the place of those that fail, and none twice."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from tripper_assets.clients.http import HttpClient
from tripper_assets.clients.image_desk import Darkroom, Desk, KnownImages, Ledger, Outcome
from tripper_assets.domain.activities import Activity, ImageObject
from tripper_assets.domain.images import KnownImage, banners, choose_candidates, different
from tripper_assets.domain.maps import ImageRow
from tripper_assets.domain.model import ActivityId

PER_ACTIVITY = 3
TRIES_PER_PICTURE = 4
"""A list of a thousand dead links is not followed to its end for one picture."""


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
    """Candidates that were not worth asking for: logos, banners, thumbnails; and those that turned out to be one picture everywhere."""


Pictures: TypeAlias = list[tuple[ImageObject, Outcome]]
"""Candidates of one activity in their order, and what became of each."""
Found: TypeAlias = dict[ActivityId, Pictures]


async def collect_images(
    activities: Sequence[Activity],
    *,
    client: HttpClient | None,
    darkroom: Darkroom,
    known: KnownImages,
    clock: Callable[[], datetime],
    workflow_id: str | None = None,
    per_activity: int = PER_ACTIVITY,
    on_progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> tuple[tuple[ImageRow, ...], ImageCounts]:
    """Return the pictures of each activity, best first, then its candidates that failed; ordered by id and position.

    Where a candidate fails, is a copy of one that is there, or is shown by too many activities, the next best stands in. What cost a body
    is saved at once, the rest at the end, also where an error stops the work. Without a client nobody is asked, and what is known counts
    whatever its age. ``on_progress`` hears, in a thread, how many of how many activities are done.

    Raises:
        TransientError: the object store or the place of the known images does not answer.
        PermanentError: the object store cannot be written.
    """
    candidates = choose_candidates(activities)
    ledger = Ledger(known, activities[0].source_key if activities else None, workflow_id)
    remembered = await asyncio.to_thread(known.load, candidates.urls())
    desk = Desk(client, darkroom, ledger, remembered, clock)
    names = {one.id: one.name for one in activities}
    try:
        found, everywhere = await _without_banners(
            candidates.by_activity, desk, names, per_activity=per_activity, on_progress=on_progress
        )
    except ExceptionGroup as stopped:
        raise stopped.exceptions[0] from None  # the others were only cancelled, or met the same end
    finally:
        await ledger.flush()
    rows = tuple(row for one, pictures in sorted(found.items()) for row in _rows(one, pictures, everywhere))
    return rows, _counts(rows, desk.outcomes(), len(candidates.refused), everywhere)


async def _without_banners(
    candidates: Mapping[ActivityId, Sequence[ImageObject]],
    desk: Desk,
    names: Mapping[ActivityId, str],
    *,
    per_activity: int,
    on_progress: Callable[[int, int], object],
) -> tuple[Found, set[str]]:
    """Return what became of the candidates, and the hashes of pictures that turned out to be everywhere, under whatever URLs."""
    everywhere: set[str] = set()
    while True:
        found = await _all_pictures(candidates, desk, everywhere, per_activity, on_progress)
        stored = {one: _stored(pictures) for one, pictures in found.items()}
        more = banners({one: [image.sha256 for _, image in images] for one, images in stored.items()}, names)
        if more <= everywhere:
            return found, everywhere
        everywhere |= more
        on_progress = lambda _done, _total: None  # noqa: E731 (progress never falls)


async def _all_pictures(
    candidates: Mapping[ActivityId, Sequence[ImageObject]],
    desk: Desk,
    everywhere: set[str],
    per_activity: int,
    on_progress: Callable[[int, int], object],
) -> Found:
    tasks: dict[ActivityId, asyncio.Task[Pictures]] = {}

    async def pictures(images: Sequence[ImageObject]) -> Pictures:
        found = await _pictures(images, desk, everywhere, per_activity)
        await asyncio.to_thread(on_progress, sum(task.done() for task in tasks.values()) + 1, len(tasks))
        return found

    async with asyncio.TaskGroup() as group:
        for one, images in candidates.items():
            tasks[one] = group.create_task(pictures(images))
    return {one: task.result() for one, task in tasks.items()}


async def _pictures(candidates: Sequence[ImageObject], desk: Desk, everywhere: set[str], wanted: int) -> Pictures:
    """Return what became of the best candidates, and of as many more as it takes to have ``wanted`` different pictures."""
    found: Pictures = []
    waiting = list(candidates[: wanted * TRIES_PER_PICTURE])
    while waiting and (lacking := wanted - len(different(_stored(found, everywhere)))) > 0:
        now, waiting = waiting[:lacking], waiting[lacking:]
        outcomes = await asyncio.gather(*(desk.outcome(one.sourceUrl) for one in now))
        found += zip(now, outcomes, strict=True)
    return found


def _stored(pictures: Pictures, everywhere: set[str] | None = None) -> list[tuple[ImageObject, KnownImage]]:
    shown = [(candidate, outcome.shows) for candidate, outcome in pictures]
    return [(one, image) for one, image in shown if image and image.sha256 not in (everywhere or ())]


def _rows(activity_id: ActivityId, pictures: Pictures, everywhere: set[str]) -> list[ImageRow]:
    rows = [
        _row(activity_id, candidate).model_copy(update=_shown(image))
        for candidate, image in different(_stored(pictures, everywhere))
    ]
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


SHOWN = (
    "contentUrl", "sha256", "width", "height", "encodingFormat", "bytes", "blurhash", "thumbnail",
)  # fmt: skip


def _shown(image: KnownImage) -> dict[str, object]:
    return {name: getattr(image, name) for name in SHOWN}


def _counts(
    rows: Sequence[ImageRow], outcomes: Mapping[str, Outcome], refused: int, everywhere: set[str]
) -> ImageCounts:
    ways = Counter(outcome.way for outcome in outcomes.values())
    shown = [outcome.shows for outcome in outcomes.values()]
    return ImageCounts(
        fetched=ways["fetched"],
        not_modified=ways["not_modified"],
        reused=ways["reused"],
        stored=len({row.sha256 for row in rows if row.sha256}),
        rejected=sum(one.image is not None and one.image.status == "rejected" for one in outcomes.values()),
        failed=sum(outcome.image is None for outcome in outcomes.values()),
        refused=refused + sum(image is not None and image.sha256 in everywhere for image in shown),
    )
