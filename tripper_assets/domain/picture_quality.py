"""What must hold for the pictures of a bundle: their files are what the records say, carry nothing else, and differ from one another."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from tripper_assets.domain.activities import Activity, ImageObject, Thumbnail
from tripper_assets.domain.check_results import SHOWN_IDS, CheckResult, each
from tripper_assets.domain.images import pixels, shown_by_many
from tripper_assets.domain.picture_rules import MIN_PIXELS
from tripper_assets.domain.webp import WebPFacts

StoredPictures: TypeAlias = Mapping[str, WebPFacts | None]
"""By URI, what each stored file says; None where it is missing, damaged or no picture."""

PICTURE_CHECKS = (
    "images_stored", "images_sound", "images_without_metadata", "images_varied", "images_credited",
)  # fmt: skip


def picture_checks(activities: Sequence[Activity], pictures: StoredPictures | None) -> list[CheckResult]:
    """Return the verdicts on the pictures of a bundle; ``pictures`` is None where nobody looked at their files."""
    return [
        each("images_stored", "WARN", 0.8, activities, lambda one: bool(one.image)),
        _of_files("images_sound", activities, pictures, pictures_sound),
        _of_files("images_without_metadata", activities, pictures, pictures_bare),
        _varied(activities),
        each("images_credited", "ERROR", 1.0, activities, credits_shown),
    ]


def _of_files(
    name: str,
    activities: Sequence[Activity],
    pictures: StoredPictures | None,
    good: Callable[[Activity, StoredPictures], bool],
) -> CheckResult:
    if pictures is None:
        return CheckResult(name, True, "ERROR", "The stored pictures were not looked at.")
    return each(name, "ERROR", 1.0, activities, lambda one: good(one, pictures))


def _varied(activities: Sequence[Activity]) -> CheckResult:
    shared = shared_pictures(activities)
    failing = [one.id for one in activities if any(image.sha256 in shared for image in one.image)]
    sentence = f"{len(shared)} pictures are each shown by more than a fifth of the differently called activities."
    return CheckResult("images_varied", not shared, "WARN", sentence, tuple(failing[:SHOWN_IDS]))


def stored_files(activity: Activity) -> Iterator[ImageObject | Thumbnail]:
    """Yield the files of an activity's pictures."""
    for image in activity.image:
        if image.contentUrl:
            yield image
        if image.thumbnail:
            yield image.thumbnail


def pictures_sound(activity: Activity, stored: StoredPictures) -> bool:
    """Return whether every file is there and of the size that the record says, and no picture is smaller than 300 x 300 pixels in all."""
    whole = all(_is_as_told(file, stored.get(file.contentUrl)) for file in stored_files(activity))
    return whole and all(pixels(image) >= MIN_PIXELS for image in activity.image if image.contentUrl)


def _is_as_told(file: ImageObject | Thumbnail, facts: WebPFacts | None) -> bool:
    return facts is not None and (facts.width, facts.height) == (file.width, file.height)


def pictures_bare(activity: Activity, stored: StoredPictures) -> bool:
    """Return whether no file carries metadata, such as where it was taken."""
    return not any(facts.metadata for file in stored_files(activity) if (facts := stored.get(file.contentUrl)))


def credits_shown(activity: Activity) -> bool:
    """Return whether what must be shown with the record names everyone who is to be named for a picture."""
    return all(image.creditText in activity.attribution for image in activity.image if image.creditText)


def shared_pictures(activities: Sequence[Activity]) -> dict[str, int]:
    """Return the pictures that more than a fifth of the differently called activities show, by hash, with how many they are."""
    shown = {one.id: [image.sha256 for image in one.image if image.sha256] for one in activities}
    return shown_by_many(shown, {one.id: one.name for one in activities})
