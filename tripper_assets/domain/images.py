"""Which of the pictures that a page names belong to an activity, and what is remembered of each between two runs."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import unquote, urlsplit

from tripper_assets.domain.activities import Activity, ImageObject, ImageRole, Thumbnail
from tripper_assets.domain.model import ActivityId, Model
from tripper_assets.domain.picture_rules import MIN_PIXELS, are_alike

MIN_STATED_PIXELS = 100
"""A side that is stated to be shorter belongs to a thumbnail or a button."""
MAX_CANDIDATES = 24
"""Of one activity; a gallery of a thousand is not carried along."""
BANNER_FROM_ACTIVITIES = 10
"""With fewer activities, one picture on several of them says nothing."""
BANNER_SHARE = 0.2
ROLES: tuple[ImageRole, ...] = ("", "shared", "listing", "content")
"""Best first."""

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
    perceptual_hash: str = ""
    """The pHash as 16 hex digits; empty for what an older version stored."""
    thumbnail: Thumbnail | None = None
    """320 wide; None where the picture is no wider."""
    received_bytes: int | None = None
    """Of the body, as it came over the wire."""
    duration_seconds: float | None = None
    """From the request to the stored pictures."""
    checked_at: datetime


def choose_candidates(activities: Sequence[Activity]) -> Candidates:
    """Return the pictures of each activity that may show it, and why the others do not."""
    everywhere = banners(
        {one.id: [image.sourceUrl for image in one.image] for one in activities},
        {one.id: one.name for one in activities},
    )
    by_activity: dict[ActivityId, tuple[ImageObject, ...]] = {}
    refused: dict[str, Refusal] = {}
    for activity in activities:
        kept: dict[str, ImageObject] = {}
        for image in activity.image:
            if verdict := _refusal(image, everywhere):
                refused[image.sourceUrl] = verdict
            else:
                kept.setdefault(image.sourceUrl, image)
        by_activity[activity.id] = tuple(_best_first(kept.values()))
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


def banners(shown: Mapping[ActivityId, Iterable[str]], names: Mapping[ActivityId, str]) -> set[str]:
    """Return the pictures, by URL or hash, that too many different activities show.

    The dates of one series share a name, and its picture; with few activities nothing is told.
    """
    return set(shown_by_many(shown, names)) if len(names) >= BANNER_FROM_ACTIVITIES else set()


def shown_by_many(shown: Mapping[ActivityId, Iterable[str]], names: Mapping[ActivityId, str]) -> dict[str, int]:
    """Return the pictures that more than a fifth of the differently called activities show, with how many names those have."""
    shown_by: defaultdict[str, set[str]] = defaultdict(set)
    for activity_id, pictures in shown.items():
        for picture in pictures:
            shown_by[picture].add(names[activity_id])
    limit = max(1, BANNER_SHARE * len(set(names.values())))
    return {picture: len(some) for picture, some in shown_by.items() if len(some) > limit}


def _best_first(images: Iterable[ImageObject]) -> list[ImageObject]:
    """Return the pictures by role, in each the larger before the smaller; one of unstated size stays where it is.

    What is stated to be too small to be kept comes after all else: its server may know a larger one.
    """
    ordered: list[ImageObject] = []
    by_role = sorted(images, key=_place)
    for place in dict.fromkeys(map(_place, by_role)):
        ordered += _larger_first([one for one in by_role if _place(one) == place])
    return ordered


def _place(image: ImageObject) -> tuple[bool, int]:
    """Return what groups of candidates are ordered by."""
    return 0 < pixels(image) < MIN_PIXELS, ROLES.index(image.role)


def _larger_first(images: Sequence[ImageObject]) -> list[ImageObject]:
    """Return the pictures of stated size by falling size among the places that they had; the others stay where they were."""
    sized = iter(sorted((one for one in images if pixels(one)), key=pixels, reverse=True))
    return [next(sized) if pixels(one) else one for one in images]


def pixels(image: ImageObject | KnownImage) -> int:
    """Return the area as far as it is stated, 0 where it is not."""
    return (image.width or 0) * (image.height or 0)


def joined_pictures(one: tuple[ImageObject, ...], two: tuple[ImageObject, ...]) -> tuple[ImageObject, ...]:
    """Return the pictures of both, each once, with what either states of them: sizes, credits, licences."""
    found = {image.sourceUrl: image for image in one}
    for image in two:
        known = found.get(image.sourceUrl)
        if known is None:
            found[image.sourceUrl] = image
        else:
            more = {
                **image.model_dump(exclude_defaults=True),
                **known.model_dump(exclude_defaults=True),
                "role": known.role,
            }
            found[image.sourceUrl] = ImageObject.model_validate(more)
    return tuple(found.values())


def different(pictures: Iterable[tuple[ImageObject, KnownImage]]) -> list[tuple[ImageObject, KnownImage]]:
    """Return the stored pictures without copies of one another; of copies the larger one stays, at the place of the first."""
    kept: list[tuple[ImageObject, KnownImage]] = []
    for candidate, image in pictures:
        place = next((place for place, (_, other) in enumerate(kept) if _are_copies(image, other)), None)
        if place is None:
            kept.append((candidate, image))
        elif pixels(image) > pixels(kept[place][1]):
            kept[place] = candidate, image
    return kept


def _are_copies(one: KnownImage, two: KnownImage) -> bool:
    hashes, blurhashes = (one.perceptual_hash, two.perceptual_hash), (one.blurhash, two.blurhash)
    return one.sha256 == two.sha256 or are_alike(hashes, blurhashes)


def as_wanted(known: KnownImage) -> KnownImage:
    """Return what is known, as a rejection where an older version stored what is too small today."""
    if known.status == "rejected" or pixels(known) >= MIN_PIXELS:
        return known
    return known.model_copy(update={"status": "rejected", "reason": "too_small"})
