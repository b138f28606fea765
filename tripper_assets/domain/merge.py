"""The left join: activities and their maps become final records; what is missing is an absent field and a counted problem."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tripper_assets.domain.activities import (
    Activity,
    Embedding,
    GeoCoordinates,
    ImageObject,
    Place,
    Point,
    Provenance,
    Quality,
)
from tripper_assets.domain.consensus import TaggedActivity
from tripper_assets.domain.embeddings import embedding_text_sha256
from tripper_assets.domain.errors import CorruptObjectError
from tripper_assets.domain.identity import content_sha256, ids_sha256
from tripper_assets.domain.maps import EmbeddingsMap, EnrichmentMap, GeocodedMap, ImageRow, ImagesMap, PlaceRow, TagsMap
from tripper_assets.domain.model import ActivityId, Problem
from tripper_assets.domain.quality import score
from tripper_assets.domain.tags import UNKNOWN, tagging_text_sha256

COORDINATE_DIGITS = 7
REFINED = {"tags": Provenance(method="refined")}
PUBLISHER = "publisher_"
"""What problems begin with that are about the publisher's own coordinates."""


@dataclass(frozen=True)
class Merged:
    """The final records, ordered by id, and what could not be joined."""

    records: tuple[Activity, ...]
    problems: tuple[Problem, ...]


def merge(
    activities: Sequence[Activity],
    *,
    images: ImagesMap | None,
    places: GeocodedMap | None,
    embeddings: EmbeddingsMap | None,
    tags: TagsMap | None = None,
) -> Merged:
    """Return one final record for each activity.

    Raises:
        CorruptObjectError: a map was made from another id list: joining it could give somebody a stranger's picture.
    """
    wanted = ids_sha256(one.id for one in activities)
    for name, found in (
        ("images_map", images),
        ("geocoded_map", places),
        ("embeddings_map", embeddings),
        ("activity_tags", tags),
    ):
        check_alignment(name, found, wanted)
    pictures = images.by_id() if images else {}
    located = places.by_id() if places else {}
    vectors = _embeddings(embeddings)
    tagged = tags.by_id() if tags else {}
    records = [
        _record(
            one,
            pictures.get(one.id, []),
            located.get(one.id),
            vectors.get((one.id, embedding_text_sha256(one))),
            tagged.get(one.id),
        )
        for one in activities
    ]
    return Merged(tuple(records), tuple(_problems(records)))


def check_alignment(name: str, found: EnrichmentMap | None, wanted: str) -> None:
    """Refuse a map that was made from another id list.

    Raises:
        CorruptObjectError: names the map and what to materialize.
    """
    if found is not None and found.ids_sha256 != wanted:
        raise CorruptObjectError(
            f"Joining {name} was refused: it was made from another list of activities "
            f"({found.ids_sha256[:12]}… instead of {wanted[:12]}…); materialize {name} again."
        )


def _embeddings(found: EmbeddingsMap | None) -> dict[tuple[ActivityId, str], Embedding]:
    """Return the embeddings by activity and its own text: the vector of a text that was changed since is nobody's."""
    if found is None:
        return {}
    stated = found.stated_sha256 or found.text_sha256
    return {
        (one, own): Embedding(model=found.model, dimensions=found.dimensions, text_sha256=text)
        for one, own, text in zip(found.ids, stated, found.text_sha256, strict=True)
    }


def _record(
    activity: Activity,
    pictures: Sequence[ImageRow],
    place: PlaceRow | None,
    embedding: Embedding | None,
    tagged: TaggedActivity | None,
) -> Activity:
    located = place is not None and place.geocoding.status == "ok"
    tags = _tags(activity, tagged)
    merged = activity.model_copy(
        update={
            "image": tuple(map(_image, pictures)),
            "geocoding": place.geocoding if place else None,
            "geometry": _point(place) if place and located else None,
            "location": _with_geo(activity.location, place)
            if place and located
            else _without_wrong_geo(activity, place),
            "embedding": embedding,
            "tags": tags,
            "provenance": activity.provenance | (REFINED if tags and tagged and tagged.refined else {}),
            "attribution": _attribution(pictures, place),
        }
    )
    found = activity.quality.problems if activity.quality else ()
    problems = {*found, *(f"place_{code}" for code in (place.problems if place else ())), *_missing(merged)}
    merged = merged.model_copy(update={"quality": Quality(score=score(merged), problems=tuple(sorted(problems)))})
    return merged.model_copy(update={"content_sha256": content_sha256(merged.dump())})


def _tags(activity: Activity, tagged: TaggedActivity | None) -> dict[str, Any]:
    """Return the consensus as the record holds it; that on a text which was changed since is nobody's."""
    if tagged is None or tagged.text_sha256 != tagging_text_sha256(activity):
        return {}
    found = {name: value for name, value in tagged.tags.dump().items() if value != UNKNOWN}
    shares = {one.field: one.share for one in tagged.agreement}
    return (
        found | ({"agreement": shares} if shares else {}) | ({"review": list(tagged.review)} if tagged.review else {})
    )


def _image(row: ImageRow) -> ImageObject:
    return ImageObject(
        sourceUrl=row.sourceUrl,
        contentUrl=row.contentUrl,
        sha256=row.sha256,
        width=row.width,
        height=row.height,
        encodingFormat=row.encodingFormat,
        blurhash=row.blurhash,
        thumbnail=row.thumbnail,
        creditText=row.creditText,
        license=row.license,
    )


def _point(place: PlaceRow) -> Point | None:
    if place.latitude is None or place.longitude is None:
        return None
    return Point(coordinates=(round(place.longitude, COORDINATE_DIGITS), round(place.latitude, COORDINATE_DIGITS)))


def _with_geo(stated: Place | None, place: PlaceRow) -> Place:
    base = stated or Place()
    if place.latitude is None or place.longitude is None:
        return base
    geo = GeoCoordinates(
        latitude=round(place.latitude, COORDINATE_DIGITS), longitude=round(place.longitude, COORDINATE_DIGITS)
    )
    return base.model_copy(update={"geo": geo})


def _without_wrong_geo(activity: Activity, place: PlaceRow | None) -> Place | None:
    """Return the stated place, without coordinates that cannot be true."""
    if activity.location is None or place is None or not any(one.startswith(PUBLISHER) for one in place.problems):
        return activity.location
    return activity.location.model_copy(update={"geo": None})


def _attribution(pictures: Sequence[ImageRow], place: PlaceRow | None) -> tuple[str, ...]:
    found = [row.creditText for row in pictures] + ([place.geocoding.attribution] if place else [])
    return tuple(dict.fromkeys(text for text in found if text))


def _missing(record: Activity) -> list[str]:
    codes = {
        "image_missing": not record.image,
        "place_missing": record.geometry is None and record.eventAttendanceMode != "OnlineEventAttendanceMode",
        "embedding_missing": record.embedding is None,
    }
    return [code for code, missing in codes.items() if missing]


def _problems(records: Sequence[Activity]) -> list[Problem]:
    return [
        Problem(code=code, subject=record.id, message=record.name)
        for record in records
        for code in (record.quality.problems if record.quality else ())
    ]
