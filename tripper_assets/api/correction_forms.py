"""How a person states a field better in a form: the inputs for each field, and the value that they make."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import orjson

from tripper_assets.api.correction_rows import RowForm, fits_rows, from_rows, has_rows, rows_of
from tripper_assets.api.wording import words
from tripper_assets.domain.activities import AttendanceMode, EventStatus
from tripper_assets.domain.errors import ConfigurationError

FormKind = Literal["line", "text", "choice", "parts", "rows", "json"]
PARTS: dict[str, tuple[tuple[str, str], ...]] = {
    "ageRange": (("minValue", "From age"), ("maxValue", "To age")),
    "organizer": (("name", "Name"), ("url", "Web address")),
    "location": (
        ("name", "Name"), ("address.streetAddress", "Street and number"), ("address.postalCode", "Postcode"),
        ("address.addressLocality", "Town"), ("address.addressRegion", "Region"), ("address.addressCountry", "Country (DE, FR, …)"),
        ("geo.latitude", "Latitude"), ("geo.longitude", "Longitude"),
    ),
}  # fmt: skip
NUMBERS = frozenset({"minValue", "maxValue", "geo.latitude", "geo.longitude"})
LISTS = frozenset({"category", "keywords"})
STRUCTURED = frozenset({"eventSchedule", "openingHoursSpecification", "offers"})
NOT_STATED = ("", "not stated")
CHOICES: dict[str, tuple[tuple[str, str], ...]] = {
    "isAccessibleForFree": (NOT_STATED, ("true", "yes"), ("false", "no")),
    "eventStatus": (NOT_STATED, *((one, words(one.removeprefix("Event")).lower()) for one in get_args(EventStatus))),
    "eventAttendanceMode": (
        NOT_STATED,
        *((one, one.removesuffix("EventAttendanceMode").lower()) for one in get_args(AttendanceMode)),
    ),
}
HINTS = {
    "startDate": "As 2026-06-01, or with its time and offset as 2026-06-01T15:00+02:00; empty for not stated.",
    "endDate": "As 2026-06-01, or with its time and offset as 2026-06-01T15:00+02:00; empty for not stated.",
    "location": "A point that was found belongs to the place that was stated: empty it where you name another.",
    "category": "Words with commas between them.",
    "keywords": "Words with commas between them.",
    "inLanguage": "As de, fr or en.",
    "offers": 'A list such as [{"price": "4.50", "priceCurrency": "EUR"}].',
    "eventSchedule": 'A list such as [{"repeatFrequency": "P1W", "byDay": ["Monday"], "startTime": "15:00"}].',
    "openingHoursSpecification": 'A list such as [{"dayOfWeek": ["Saturday"], "opens": "10:00", "closes": "18:00"}].',
}


@dataclass(frozen=True)
class FieldForm:
    """The inputs for one field, filled with its value now."""

    kind: FormKind
    value: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """Of a choice: value and name."""
    parts: tuple[tuple[str, str, str], ...] = ()
    """Of parts: name, label and value."""
    lines: tuple[RowForm, ...] = ()
    """Of rows; the value is the same as JSON."""
    rows: int = 3
    """The lines of a text."""
    hint: str = ""


def form_of(field: str, value: Any) -> FieldForm:  # noqa: ANN401 (any JSON value)
    """Return the inputs for a field, None for a value that is not stated."""
    hint = HINTS.get(field, "")
    if field in CHOICES:
        chosen = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        return FieldForm("choice", chosen, options=CHOICES[field], hint=hint)
    if field in PARTS:
        parts = tuple((name, label, _text(_part(value, name))) for name, label in PARTS[field])
        return FieldForm("parts", parts=parts, hint=hint)
    if field in STRUCTURED:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value else ""
        rows = min(max(text.count("\n") + 1, 3), 12)
        if fits_rows(field, value):
            return FieldForm("rows", text, lines=rows_of(field, value or ()), rows=rows, hint=hint)
        return FieldForm("json", text, rows=rows, hint=hint)
    if field in LISTS:
        return FieldForm("line", ", ".join(value or ()), hint=hint)
    return FieldForm("text" if field == "description" else "line", _text(value), rows=5, hint=hint)


def _part(value: Any, name: str) -> Any:  # noqa: ANN401 (any JSON value)
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)


def value_of(field: str, form: Mapping[str, str]) -> Any:  # noqa: ANN401 (any JSON value)
    """Return the value that a form's inputs make, None for "not stated".

    Raises:
        ConfigurationError: a text that had to be JSON, a number, a day or a time is none; what else is wrong is found where it is written down.
    """
    if field in STRUCTURED and has_rows(form):
        return from_rows(field, form)
    if field in PARTS:
        return _from_parts(field, form)
    text = form.get("value", "").replace("\r\n", "\n").strip()
    if not text:
        return None
    if field in STRUCTURED:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ConfigurationError(
                f"The value of {field} is no JSON ({error.msg}, line {error.lineno}); {HINTS[field]}"
            ) from error
    if field in LISTS:
        return [one.strip() for one in text.split(",") if one.strip()]
    return text == "true" if field == "isAccessibleForFree" else text


def _from_parts(field: str, form: Mapping[str, str]) -> dict[str, Any] | None:
    made: dict[str, Any] = {}
    for name, _ in PARTS[field]:
        text = form.get(f"part.{name}", "").strip()
        if text:
            *above, last = name.split(".")
            within = made
            for step in above:
                within = within.setdefault(step, {})
            within[last] = _number(text) if name in NUMBERS else text
    return made or None


def _number(text: str) -> float | str:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text  # the model says what is wrong with it
