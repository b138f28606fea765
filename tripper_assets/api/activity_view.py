"""What the page of one activity shows: its facts in words, where each was read, its pictures, and what changed when."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from markupsafe import Markup

from tripper_assets.api.search_view import Elsewhere, Picture, picture_of, site_of
from tripper_assets.api.wording import field_name, said
from tripper_assets.catalog.activity_reading import StoredActivity
from tripper_assets.catalog.card_reading import Change
from tripper_assets.domain.activities import Activity, AgeRange, ImageObject, OpeningHours, Place, Provenance, Schedule
from tripper_assets.domain.activity_words import (
    address_lines,
    ages_words,
    day_words,
    hours_words,
    language_tag,
    language_words,
    place_words,
    price_words,
    schedule_words,
    when_words,
)
from tripper_assets.domain.occurrences import is_rule
from tripper_assets.domain.structured_data import structured_data

STATED = (
    "name", "description", "startDate", "endDate", "eventSchedule", "openingHoursSpecification", "eventStatus", "eventAttendanceMode", "ageRange",
    "location", "offers", "isAccessibleForFree", "organizer", "category", "keywords", "inLanguage", "type", "image", "tags",
)  # fmt: skip
"""The fields of a record that its publisher states, in the order in which they are shown."""
SHOWN_DAYS = 12
LONGEST_VALUE = 600
UNSAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}
"""What a script element could be ended or misread with."""


@dataclass(frozen=True)
class Gallery:
    """A stored picture with what is known of it."""

    picture: Picture
    full: str
    credit: str
    source_url: str


@dataclass(frozen=True)
class Fact:
    """A field in words, and where it was read."""

    name: str
    value: str
    origin: Provenance | None
    """None where the record does not tell."""


@dataclass(frozen=True)
class ChangeView:
    """What one import changed."""

    at: datetime
    change: str
    workflow_id: str | None
    fields: tuple[tuple[str, str], ...]
    """Names of fields and what they were before, in words."""


def activity_values(stored: StoredActivity, changes: Sequence[Change], *, today: date) -> dict[str, Any]:
    """Return what the template names."""
    one = Activity.model_validate(stored.record)
    latitude, longitude = _point(one)
    return {
        "stored": stored,
        "activity": one,
        "when": when_words(one, today=today),
        "days": _days(one, today),
        "place": place_words(one.location),
        "address": address_lines(one.location),
        "ages": ages_words(one.ageRange),
        "price": price_words(one.offers, is_free=one.isAccessibleForFree),
        "lang": language_tag(one.inLanguage),
        "language": language_words(one.inLanguage),
        "site": site_of(one.url),
        "gallery": [_gallery(image) for image in one.image if image.sha256],
        "facts": facts(stored.record, one.provenance),
        "also": _also(stored),
        "changes": [_change(change) for change in changes],
        "points": [{"id": one.id, "name": one.name, "latitude": latitude, "longitude": longitude, "href": "#where"}] if latitude is not None else [],
        "structured": script_json(structured_data(one)),
        "description": _snippet(one.description),
    }  # fmt: skip


def script_json(value: Any) -> Markup:  # noqa: ANN401 (any JSON value)
    """Return JSON that may stand in a script element: nothing in it ends the element or begins another."""
    return Markup(orjson.dumps(value).decode().translate(UNSAFE))  # noqa: S704 (what could be markup is escaped)


def facts(record: Mapping[str, Any], origins: Mapping[str, Provenance]) -> list[Fact]:
    """Return the fields that a record states, with their origins."""
    return [Fact(field_name(name), _value(name, record), origins.get(name)) for name in STATED if name in record]


def _value(name: str, record: Mapping[str, Any]) -> str:
    """Return a field of a record in words; what cannot be read as an activity's field is said part by part."""
    try:
        text = _in_words(name, record[name])
    except (ValueError, TypeError, AttributeError):
        text = said(record[name])
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} …"


def _in_words(name: str, value: Any) -> str:  # noqa: ANN401 (any JSON value)
    words: Mapping[str, Callable[[], str]] = {
        "ageRange": lambda: ages_words(AgeRange.model_validate(value)),
        "location": lambda: ", ".join(address_lines(Place.model_validate(value))),
        "offers": lambda: "; ".join(" ".join(one.get(part, "") for part in ("name", "price", "priceCurrency")).strip() for one in value),
        "eventSchedule": lambda: "; ".join(schedule_words([Schedule.model_validate(one) for one in value])),
        "openingHoursSpecification": lambda: hours_words([OpeningHours.model_validate(one) for one in value]),
        "organizer": lambda: str(value["name"]),
        "image": lambda: "; ".join(one.get("sourceUrl", "") for one in value),
        "eventStatus": lambda: str(value).removeprefix("Event").lower(),
        "eventAttendanceMode": lambda: str(value).removesuffix("EventAttendanceMode").lower(),
        "inLanguage": lambda: language_words(value),
    }  # fmt: skip
    return words[name]() if name in words else said(value)


def _days(one: Activity, today: date) -> list[str]:
    """Return the days of a list of occurrences that are not over."""
    listed = [part for part in one.eventSchedule if not is_rule(part)]
    coming = sorted({(part.startDate, part.startTime[:5]) for part in listed if part.startDate >= today.isoformat()})
    return [f"{day_words(day)}{f', {clock}' if clock else ''}" for day, clock in coming[:SHOWN_DAYS]]


def _point(one: Activity) -> tuple[float, float] | tuple[None, None]:
    """Return latitude and longitude: those that were found, else the publisher's."""
    if one.geometry is not None:
        return one.geometry.coordinates[1], one.geometry.coordinates[0]
    geo = one.location.geo if one.location else None
    return (geo.latitude, geo.longitude) if geo else (None, None)


def _gallery(image: ImageObject) -> Gallery:
    shown = picture_of([image], small=False)
    assert shown is not None  # noqa: S101 (only stored ones come here)
    credit = " · ".join(part for part in (image.creditText, image.license) if part)
    return Gallery(shown, f"/media/{image.sha256}", credit, image.sourceUrl)


def _also(stored: StoredActivity) -> list[Elsewhere]:
    linked = stored.related.linked if stored.related else ()
    return [Elsewhere(site_of(one["url"]), f"/activities/{one['id']}") for one in linked]


def _change(change: Change) -> ChangeView:
    fields = tuple(
        (field_name(name), _value(name, change.before) if change.before.get(name) else "nothing")
        for name in change.changed_fields
        if name in STATED
    )
    return ChangeView(change.at, change.change, change.workflow_id, fields)


def _snippet(text: str) -> str:
    return " ".join(text.split())[:200]
