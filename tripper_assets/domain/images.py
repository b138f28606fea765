"""Which of the pictures that a page names belong to an activity, and what is remembered of each between two runs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import unquote, urlsplit

from tripper_assets.domain.activities import Activity, ImageObject
from tripper_assets.domain.model import ActivityId, Model

MIN_STATED_PIXELS = 100
"""A side that is stated to be shorter belongs to a thumbnail or a button."""
BANNER_FROM_ACTIVITIES = 10
"""With fewer activities, one picture on several of them says nothing."""
BANNER_SHARE = 0.2

# Whole words of the path and query only: "iconic-bridge.jpg" and "logopaedie.jpg" are pictures of something.
DECORATION = re.compile(
    r"(?<![a-z])(fav)?(logos?|icons?|sprites?|(gr)?avatars?|place-?holders?|spacers?|spinners?|no-?image)(?![a-z])"
    r"|(?<![a-z])(blank|(tracking-?)?pixel|1x1)(?=\.|$|[/?&])",
    re.IGNORECASE,
)
CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
VECTOR = re.compile(r"\.svgz?$", re.IGNORECASE)

Refusal = Literal["not_http", "vector", "decoration", "stated_too_small", "banner"]


@dataclass(frozen=True)
class Candidates:
    """Which pictures are worth asking for."""

    by_activity: Mapping[ActivityId, tuple[ImageObject, ...]]
    """Best first, each URL once; every activity has its entry."""
    refused: Mapping[str, Refusal]
    """By URL, why it is worth nothing to any of the activities that name it."""

    def urls(self) -> list[str]:
        """Return each distinct URL once, in order."""
        return list(dict.fromkeys(one.sourceUrl for images in self.by_activity.values() for one in images))


class KnownImage(Model):
    """One image URL as it was last asked for: its validators, and what became of it."""

    sourceUrl: str
    status: Literal["stored", "rejected"]
    reason: str = ""
    """Why it was rejected; empty for a stored one."""
    etag: str = ""
    last_modified: str = ""
    body_sha256: str = ""
    """Of the body as it was received."""
    contentUrl: str = ""
    sha256: str = ""
    """Of the stored WebP."""
    width: int | None = None
    height: int | None = None
    encodingFormat: str = ""
    bytes: int | None = None
    blurhash: str = ""
    dominant_colour: str = ""
    """As #rrggbb."""
    checked_at: datetime


def choose_candidates(activities: Sequence[Activity]) -> Candidates:
    """Return the pictures of each activity that may show it, and why the others do not."""
    banners = _banners(activities)
    by_activity: dict[ActivityId, tuple[ImageObject, ...]] = {}
    refused: dict[str, Refusal] = {}
    for activity in activities:
        kept: dict[str, ImageObject] = {}
        for image in activity.image:
            if verdict := _refusal(image, banners):
                refused[image.sourceUrl] = verdict
            else:
                kept.setdefault(image.sourceUrl, image)
        by_activity[activity.id] = tuple(_larger_first(list(kept.values())))
    wanted = {one.sourceUrl for images in by_activity.values() for one in images}
    return Candidates(by_activity, {url: why for url, why in refused.items() if url not in wanted})


def _refusal(image: ImageObject, banners: set[str]) -> Refusal | None:
    if image.sourceUrl in banners:
        return "banner"
    if any(side is not None and 0 < side < MIN_STATED_PIXELS for side in (image.width, image.height)):
        return "stated_too_small"
    return url_refusal(image.sourceUrl)


def url_refusal(url: str) -> Refusal | None:
    """Return why a URL by its looks alone leads to no picture of an activity; None where it may."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "not_http"
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return "not_http"
    if VECTOR.search(parts.path):
        return "vector"
    said = CAMEL_CASE.sub("-", unquote(f"{parts.path}?{parts.query}")).replace("_", "-")
    return "decoration" if DECORATION.search(said) else None


def _banners(activities: Sequence[Activity]) -> set[str]:
    """Return the URLs that too many different activities show; the dates of one series share a name, and its picture."""
    if len(activities) < BANNER_FROM_ACTIVITIES:
        return set()
    names: dict[str, set[str]] = {}
    for activity in activities:
        for image in activity.image:
            names.setdefault(image.sourceUrl, set()).add(activity.name)
    limit = max(1, BANNER_SHARE * len({activity.name for activity in activities}))
    return {url for url, shown_by in names.items() if len(shown_by) > limit}


def _larger_first(images: Sequence[ImageObject]) -> Iterator[ImageObject]:
    """Yield the pictures of stated size by falling size among the places that they had; the others stay where they were."""
    sized = iter(sorted((one for one in images if _stated_area(one)), key=_stated_area, reverse=True))
    return (next(sized) if _stated_area(one) else one for one in images)


def _stated_area(image: ImageObject) -> int:
    return (image.width or 0) * (image.height or 0)
