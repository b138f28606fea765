"""What people decide on single activities: values that stand in the place of stated ones, and activities that are not to be published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from tripper_assets.domain.activities import Activity, Point, Provenance
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.identity import canonical_json, content_sha256, text_sha256
from tripper_assets.domain.model import ActivityId, Model, Problem
from tripper_assets.domain.quality import score

CORRECTABLE = (
    "name", "description", "url", "type", "inLanguage", "category", "keywords", "startDate", "endDate", "eventSchedule", "openingHoursSpecification",
    "eventStatus", "eventAttendanceMode", "ageRange", "location", "offers", "isAccessibleForFree", "organizer",
)  # fmt: skip
"""The fields that a publisher states, and a person may state better; the others are worked out."""
NEEDED = frozenset({"name", "url", "type"})
"""An activity without one of these is none."""


class Correction(Model):
    """One field's value as a person states it, None for "not stated"; it holds for every later run until it is removed."""

    activity_id: ActivityId
    field: str
    value: Any = None
    by: str
    at: datetime
    reason: str = ""


class Refusal(Model):
    """An activity that a person does not want published, as long as its publisher says the same of it."""

    activity_id: ActivityId
    stated_sha256: str
    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True)
class Decided:
    """The records as people want them: corrected, and without what they refused."""

    records: tuple[Activity, ...]
    stated: Mapping[ActivityId, Mapping[str, Any]]
    """What the publisher says of each corrected field, None for "not stated"."""
    refused: tuple[ActivityId, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Activities that were refused once and are published all the same, and corrections that make no activity any more."""


def stated_sha256(activity: Activity) -> str:
    """Return the hash of what a publisher says of an activity: without pictures, coordinates that were found and all else that is worked out."""
    if activity.location and activity.geocoding and activity.geocoding.rung != "publisher":
        activity = activity.model_copy(update={"location": activity.location.model_copy(update={"geo": None})})
    record = activity.dump()
    return text_sha256(canonical_json({name: record[name] for name in CORRECTABLE if name in record}))


def corrected(activity: Activity, field: str, value: Any, *, reason: str = "") -> Activity:  # noqa: ANN401 (any JSON value)
    """Return the activity with one field as a person states it.

    A corrected place has the coordinates that it states itself, or none: those of the former one are not its own.

    Raises:
        ConfigurationError: there is no such field to correct, or the value is none for it.
    """
    if field not in CORRECTABLE:
        raise ConfigurationError(
            f"The field {field} of an activity cannot be corrected; one of {', '.join(CORRECTABLE)} can."
        )
    if value in (None, "") and field in NEEDED:
        raise ConfigurationError(f"An activity needs a {field}; give one, or reject the activity.")
    record = activity.dump()
    record.pop(field, None)
    if value is not None:
        record[field] = value
    try:
        said = Activity.model_validate(record)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise ConfigurationError(
            f"Correcting {field} of {activity.name!r} failed: {where}: {problem['msg']}; docs/data-format.md shows its form."
        ) from error
    if field == "location":
        said = _placed(said)
    source = Provenance(method="person", page="", evidence=reason[:200])
    return _rehashed(said.model_copy(update={"provenance": {**said.provenance, field: source}}))


def uncorrected(record: Mapping[str, Any], stated: Mapping[str, Any]) -> Activity:
    """Return the record of a corrected activity as its publisher states it; ``stated`` is that of each corrected field, None for "not stated".

    Where it says nothing of a field's origin any more, the next import does.
    """
    fields = {name: value for name, value in {**record, **stated}.items() if value is not None}
    fields["provenance"] = {name: one for name, one in record.get("provenance", {}).items() if name not in stated}
    said = Activity.model_validate(fields)
    return _rehashed(_placed(said) if "location" in stated else said)


def _placed(activity: Activity) -> Activity:
    """Return the activity with the coordinates that its place states, or none: those of another place are not its own."""
    geo = activity.location.geo if activity.location else None
    point = Point(coordinates=(geo.longitude, geo.latitude)) if geo else None
    return activity.model_copy(update={"geometry": point, "geocoding": None})


def _rehashed(activity: Activity) -> Activity:
    quality = activity.quality
    if quality is not None:
        activity = activity.model_copy(update={"quality": quality.model_copy(update={"score": score(activity)})})
    return activity.model_copy(update={"content_sha256": content_sha256(activity.dump())})


def decided(
    records: Sequence[Activity],
    corrections: Mapping[ActivityId, Sequence[Correction]],
    refusals: Mapping[ActivityId, Refusal],
) -> Decided:
    """Return the records as people want them.

    A correction that no longer makes an activity is left out and named: one person's word must not stop a whole source.
    """
    kept: list[Activity] = []
    refused: list[ActivityId] = []
    problems: list[Problem] = []
    for one in records:
        refusal = refusals.get(one.id)
        if refusal is not None and refusal.stated_sha256 == stated_sha256(one):
            refused.append(one.id)
            continue
        problems += [_returned(one, refusal)] if refusal is not None else []
        better, wrong = with_corrections(one, corrections.get(one.id, ()))
        problems += wrong
        kept.append(better)
    return Decided(tuple(kept), _stated(records, corrections), tuple(refused), tuple(problems))


def _stated(
    records: Sequence[Activity], corrections: Mapping[ActivityId, Sequence[Correction]]
) -> dict[ActivityId, dict[str, Any]]:
    said = {one.id: one.dump() for one in records if one.id in corrections}
    return {one: {each.field: record.get(each.field) for each in corrections[one]} for one, record in said.items()}


def _returned(activity: Activity, refusal: Refusal) -> Problem:
    message = f"{refusal.by} rejected it on {refusal.at:%Y-%m-%d}, and its publisher says something else of it now."
    return Problem(code="rejected_before", subject=activity.id, message=message)


def with_corrections(activity: Activity, corrections: Sequence[Correction]) -> tuple[Activity, list[Problem]]:
    """Return the activity with all its corrections, and a problem for each that makes none of it any more."""
    wrong: list[Problem] = []
    for one in sorted(corrections, key=lambda one: one.field):
        try:
            activity = corrected(activity, one.field, one.value, reason=one.reason)
        except ConfigurationError as error:
            wrong.append(Problem(code="correction_unfitting", subject=activity.id, message=str(error)))
    return activity, wrong
