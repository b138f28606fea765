"""What the review page shows of a bundle, made from values: rows, the fields of one activity with their origin, filters, failed checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson

from tripper_assets.api.correction_forms import FieldForm, form_of
from tripper_assets.api.wording import day_and_time, words
from tripper_assets.domain.activities import Activity, Provenance
from tripper_assets.domain.corrections import CORRECTABLE, Correction, Refusal, with_corrections
from tripper_assets.domain.diff import FieldChange
from tripper_assets.domain.review import Kind, Known, Line, Wish
from tripper_assets.domain.workflows import Workflow

SHOWN_FIELDS = (
    "name", "url", "type", "startDate", "endDate", "eventSchedule", "openingHoursSpecification", "eventStatus", "eventAttendanceMode", "location",
    "geocoding", "ageRange", "offers", "isAccessibleForFree", "organizer", "category", "keywords", "inLanguage", "description", "tags", "attribution",
)  # fmt: skip
FOUND_BY = {
    "geocoding": "the geocoder",
    "tags": "the taggers",
    "attribution": "the sources' licences",
    "url": "the page that states it",
}
FILTERS: tuple[tuple[str, str, str, str], ...] = (
    ("kind", "added", "added", "added"), ("kind", "changed", "changed", "changed"), ("kind", "removed", "removed", "removed"),
    ("kind", "unchanged", "as before", ""), ("only", "corrected", "corrected", "person"), ("only", "rejected", "rejected", "failed"),
    ("only", "no_picture", "no picture", ""), ("only", "no_place", "no place", ""),
)  # fmt: skip
"""Parameter, value, name, and icon."""


class Picture(NamedTuple):
    """A stored picture: where it is served, and its size in pixels."""

    src: str
    width: int | None
    height: int | None


@dataclass(frozen=True)
class Row:
    """One activity in the list."""

    id: str
    name: str
    url: str
    """Of its own part of the review."""
    kind: Kind
    facts: tuple[str, ...] = ()
    picture: Picture | None = None
    problems: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    corrected: tuple[str, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    refusal: Refusal | None = None
    is_removed: bool = False
    open: bool = False


@dataclass(frozen=True)
class FieldRow:
    """One field of an activity: what is published, what the site says, and where it was read."""

    field: str
    value: Any
    stated: Any = None
    origin: Provenance | None = None
    made_by: str = ""
    """Who worked it out, where nobody states it."""
    change: FieldChange | None = None
    correction: Correction | None = None
    form: FieldForm | None = None
    """None where it cannot be corrected."""


@dataclass(frozen=True)
class Detail:
    """All of one activity."""

    id: str
    name: str
    action: str
    """Where its forms are sent."""
    is_removed: bool = False
    catalog_url: str = ""
    description: str = ""
    url: str = ""
    score: float = 0.0
    picture: Picture | None = None
    fields: tuple[FieldRow, ...] = ()
    unstated: tuple[FieldRow, ...] = ()
    refusal: Refusal | None = None
    error: str = ""


@dataclass(frozen=True)
class FailedCheck:
    """A check that the bundle failed."""

    name: str
    holds: bool
    """Whether the bundle is not imported until somebody lets it pass."""
    sentence: str = ""
    failing: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Filter:
    """A chip that shows part of the list."""

    name: str
    url: str
    count: int
    on: bool = False
    symbol: str = ""


def stated_activity(line: Line) -> Activity:
    """Return the activity of a line, as its publisher states it."""
    return Activity.model_validate(orjson.loads(line.raw))


def row_of(line: Line, known: Known, base: str, *, open_: bool = False) -> Row:
    """Return how an activity stands in the list: as it will be published."""
    url, kind = f"{base}/activities/{line.id}", known.kind(line.id)
    if not line.raw:
        return Row(line.id, line.name, url, "removed", is_removed=True, open=open_)
    corrections = known.corrections.get(line.id, ())
    shown, _ = with_corrections(stated_activity(line), corrections)
    return Row(
        line.id,
        shown.name,
        url,
        kind,
        facts=facts(shown),
        picture=thumbnail(shown),
        problems=line.problems,
        checks=tuple(name for name, ids in known.failing.items() if line.id in ids),
        corrected=tuple(one.field for one in corrections),
        changes=known.changes.get(line.id, ()) if kind == "changed" else (),
        refusal=known.refusals.get(line.id),
        open=open_,
    )


def facts(activity: Activity) -> tuple[str, ...]:
    """Return what a person wants to know first: when, where, for whom, and what it costs."""
    found = (when(activity), where(activity), ages(activity), price(activity))
    return tuple(one for one in found if one)


def when(activity: Activity) -> str:
    """Return when it is, in short."""
    if activity.startDate:
        return day_and_time(activity.startDate)
    if activity.eventSchedule:
        return "repeats"
    return "opening hours" if activity.openingHoursSpecification else "no date"


def where(activity: Activity) -> str:
    """Return where it is, in short."""
    if activity.location is None:
        return "online" if activity.eventAttendanceMode == "OnlineEventAttendanceMode" else "no place"
    place = activity.location
    parts = dict.fromkeys((place.name, place.address.addressLocality))
    return ", ".join(one for one in parts if one) or place.address.streetAddress or "no place"


def ages(activity: Activity) -> str:
    """Return whom it is for, empty where nobody says."""
    if activity.ageRange is None:
        return ""
    low, high = activity.ageRange.minValue, activity.ageRange.maxValue
    if low is not None and high is not None:
        return f"ages {low:g}–{high:g}"
    return f"from age {low:g}" if low is not None else f"up to age {high:g}" if high is not None else ""


def price(activity: Activity) -> str:
    """Return what it costs, empty where nobody says."""
    if activity.isAccessibleForFree:
        return "free"
    stated = [one for one in activity.offers if one.price]
    if not stated:
        return ""
    first = f"{stated[0].price} {stated[0].priceCurrency}".strip()
    return f"from {first}" if len(stated) > 1 else first


def thumbnail(activity: Activity) -> Picture | None:
    """Return the small variant of an activity's first stored picture, None where it has none."""
    for one in activity.image:
        small = one.thumbnail
        if small is not None:
            return Picture(f"/media/{small.sha256}", small.width, small.height)
        if one.sha256:
            return Picture(f"/media/{one.sha256}", one.width, one.height)
    return None


def detail_of(line: Line, known: Known, base: str, *, error: str = "", catalog_url: str = "") -> Detail:
    """Return all of one activity."""
    action = f"{base}/activities/{line.id}"
    if not line.raw:
        return Detail(line.id, line.name, action, is_removed=True, catalog_url=catalog_url)
    stated = stated_activity(line)
    shown, _ = with_corrections(stated, known.corrections.get(line.id, ()))
    fields = _fields(stated, shown, line.id, known)
    return Detail(
        line.id,
        shown.name,
        action,
        description=shown.description,
        url=shown.url,
        score=shown.quality.score if shown.quality else 0.0,
        picture=thumbnail(shown),
        fields=tuple(one for one in fields if one.value is not None or one.correction or one.change),
        unstated=tuple(
            one for one in fields if one.value is None and one.form and not one.correction and not one.change
        ),
        refusal=known.refusals.get(line.id),
        error=error,
    )


def _fields(stated: Activity, shown: Activity, activity_id: str, known: Known) -> list[FieldRow]:
    said, now = stated.dump(), shown.dump()
    corrections = {one.field: one for one in known.corrections.get(activity_id, ())}
    changes = {one.field: one for one in known.changes.get(activity_id, ())}
    changed = [name for name in changes if name not in SHOWN_FIELDS]
    return [
        FieldRow(
            name,
            now.get(name),
            stated=said.get(name),
            origin=shown.provenance.get(name),
            made_by=FOUND_BY.get(name, ""),
            change=changes.get(name),
            correction=corrections.get(name),
            form=form_of(name, now.get(name)) if name in CORRECTABLE else None,
        )
        for name in (*SHOWN_FIELDS, *changed)
    ]


def filters(base: str, wish: Wish, counts: Mapping[str, int]) -> list[Filter]:
    """Return the chips: each adds its filter, or takes it away where it is on; one that would show nothing is left out."""
    shown: list[Filter] = []
    for parameter, value, name, symbol in FILTERS:
        on = wish.asked.get(parameter) == value
        if on or counts.get(value):
            others = {key: one for key, one in wish.asked.items() if key != parameter}
            shown.append(
                Filter(
                    name, url_of(base, others if on else {**others, parameter: value}), counts.get(value, 0), on, symbol
                )
            )
    return shown


def url_of(base: str, asked: Mapping[str, str], after: str = "") -> str:
    """Return the address of a list."""
    query = urlencode({**asked, **({"after": after} if after else {})})
    return f"{base}?{query}" if query else base


def failed_checks(workflow: Workflow, held_by: Sequence[str]) -> list[FailedCheck]:
    """Return the checks that the bundle failed: those that hold it first, then the warnings."""
    told: dict[str, Any] = next(
        (one.counts.get("checks", {}) for one in workflow.stages if one.asset == "final_jsonl"), {}
    )
    names = [*held_by, *(name for name in told if name not in held_by)]
    return [
        FailedCheck(
            name,
            holds=name in held_by,
            sentence=told.get(name, {}).get("sentence", ""),
            failing=tuple(told.get(name, {}).get("failing", ())),
        )
        for name in names
    ]


def problem_counts(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return each problem code with how many activities have it, the most frequent first."""
    found = [(name.removeprefix("problem:"), count) for name, count in counts.items() if name.startswith("problem:")]
    return sorted(found, key=lambda one: (-one[1], words(one[0])))
