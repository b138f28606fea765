"""Prices, schedules and opening hours in a form: a row of inputs for each, and what the rows make."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tripper_assets.api.wording import words
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.occurrences import DAY_NAMES

COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "offers": (("name", "For whom"), ("price", "Price"), ("priceCurrency", "Currency")),
    "eventSchedule": (
        ("startTime", "From time"), ("endTime", "To time"), ("startDate", "First day"), ("endDate", "Last day"),
    ),
    "openingHoursSpecification": (
        ("opens", "Opens"), ("closes", "Closes"), ("validFrom", "First day"), ("validThrough", "Last day"),
    ),
}  # fmt: skip
DAYS = {"eventSchedule": "byDay", "openingHoursSpecification": "dayOfWeek"}
"""The field of a row that has days of the week."""
MOST_ROWS = 12
"""More of them are stated as JSON: nobody corrects fifty dates one by one."""
EMPTY_ROWS = 1
WEEKLY = "P1W"
_CLOCK, _ZONE = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", r"([+-]\d\d:\d\d|Z)?"
_TIME = (_CLOCK + _ZONE, "a time", "15:00")
_TIME_OR_MIDNIGHT = (f"({_CLOCK}|24:00(:00)?){_ZONE}", *_TIME[1:])
"""What is open until midnight is stated as closing at 24:00; nothing begins then, for a calendar has no such moment."""
_DAY = (r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "a day", "2026-06-01")
FORMS = {
    "price": (r"\d{1,9}(\.\d{1,9})?", "a number", "4.50"), "priceCurrency": (r"[A-Z]{3}", "three letters", "EUR"),
    "startTime": _TIME, **dict.fromkeys(("endTime", "opens", "closes"), _TIME_OR_MIDNIGHT),
    **dict.fromkeys(("startDate", "endDate", "validFrom", "validThrough"), _DAY),
}  # fmt: skip
"""By name the form of an input, what it is, and an example."""
FREE = (r".*", "", "")


@dataclass(frozen=True)
class RowForm:
    """The inputs of one row, filled with what it says now."""

    inputs: tuple[tuple[str, str, str, str], ...]
    """Name, label, value and an example."""
    days: tuple[tuple[str, str, bool], ...] = ()
    """Name, label, and whether it is ticked; empty where a row has none."""
    rest: str = ""
    """What else the row says, which a form keeps: as JSON."""


def fits_rows(field: str, value: Any) -> bool:  # noqa: ANN401 (any JSON value)
    """Return whether a value can be stated in rows: each of few, with something of it in an input, for an empty row is left out."""
    return field in COLUMNS and len(value or ()) <= MOST_ROWS and all(_fits(field, one) for one in value or ())


def _fits(field: str, said: Mapping[str, Any]) -> bool:
    days = said.get(DAYS.get(field, ""), ())
    return any((days, *(said.get(name) for name, _ in COLUMNS[field]))) and set(days) <= set(DAY_NAMES)


def rows_of(field: str, value: Sequence[Mapping[str, Any]]) -> tuple[RowForm, ...]:
    """Return a row for each thing that is stated, and empty ones."""
    return tuple(_row(field, one) for one in (*value, *({} for _ in range(EMPTY_ROWS))))


def _row(field: str, said: Mapping[str, Any]) -> RowForm:
    ticked = said.get(DAYS.get(field, ""), ())
    shown = {name for name, _ in COLUMNS[field]} | {DAYS.get(field, "")}
    rest = {name: value for name, value in said.items() if name not in shown}
    return RowForm(
        tuple((name, label, str(said.get(name, "")), FORMS.get(name, FREE)[2]) for name, label in COLUMNS[field]),
        tuple((day, day[:2], day in ticked) for day in DAY_NAMES) if field in DAYS else (),
        orjson.dumps(rest).decode() if rest else "",
    )


def has_rows(form: Mapping[str, str]) -> bool:
    """Return whether a form states its value in rows, and not as JSON."""
    return form.get("as") != "json" and any(name.startswith("row.") for name in form)


def from_rows(field: str, form: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """Return what the rows say, None where all are empty; an empty one is left out.

    Raises:
        ConfigurationError: an input is not of its form.
    """
    numbers = sorted({int(name.split(".")[1]) for name in form if re.fullmatch(r"row\.\d{1,3}\.\w+", name)})
    rows = [_said(field, {name: form.get(f"row.{one}.{name}", "") for name in _names(field)}) for one in numbers]
    return [one for one in rows if one] or None


def _names(field: str) -> tuple[str, ...]:
    return (*(name for name, _ in COLUMNS[field]), *(DAY_NAMES if field in DAYS else ()), "rest")


def _said(field: str, inputs: Mapping[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {
        name: _checked(field, name, inputs[name].strip()) for name, _ in COLUMNS[field] if inputs[name].strip()
    }
    days = [day for day in DAY_NAMES if inputs.get(day)]
    if days:
        said[DAYS[field]] = days
    rest = _rest(field, inputs["rest"]) if said else {}
    if field == "eventSchedule" and days:
        rest = {"repeatFrequency": WEEKLY, **rest}
    return {**rest, **said}


def _checked(field: str, name: str, text: str) -> str:
    if name == "price":
        text = text.replace(",", ".")
    if name == "priceCurrency":
        text = text.upper()
    form, what, example = FORMS.get(name, FREE)
    if not re.fullmatch(form, text):
        label = dict(COLUMNS[field])[name]
        raise ConfigurationError(f"{label} of {words(field)} is {text[:40]!r}; give {what} such as {example}.")
    return text


def _rest(field: str, text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(f"What else a row of {words(field)} says is no JSON; open the page anew.") from error
    return found if isinstance(found, dict) else {}
