"""What the properties of an iCalendar event say: text, moments and the end, with nothing raised for what is broken."""

from datetime import date, datetime, timedelta
from typing import Any

from icalendar.cal import Component

from tripper_assets.extract.texts import plain_text

# What icalendar 7 raises for values that it cannot read, seen on real and on broken feeds.
UNREADABLE = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, ArithmeticError)


def text_of(event: Component, name: str) -> str:
    """Return the first value of a property as plain text, empty where there is none."""
    value = event.get(name)
    value = value[0] if isinstance(value, list) and value else value
    return plain_text(str(value)) if value is not None else ""


def attribute(value: object, name: str) -> Any:  # noqa: ANN401 (whatever icalendar keeps there)
    """Return an attribute of a property's value; a broken one, which icalendar raises for only when it is asked, states nothing."""
    try:
        return getattr(value, name, None)
    except UNREADABLE:
        return None


def when(event: Component, name: str) -> date | datetime | None:
    """Return the first value of a property that is a day or a moment, None where there is none that can be read."""
    value = event.get(name)
    value = value[0] if isinstance(value, list) and value else value
    moment = attribute(value, "dt")
    return moment if isinstance(moment, date) else None


def end_of(event: Component, start: date | datetime) -> date | datetime | None:
    """Return the stated end; the end of whole days is the last day, because DTEND names the day after it."""
    end, length = when(event, "DTEND"), attribute(event.get("DURATION"), "dt")
    if end is None and isinstance(length, timedelta):
        end = start + length
    if end is None or isinstance(end, datetime) != isinstance(start, datetime):
        return None
    if not isinstance(end, datetime):
        end -= timedelta(days=1)
    return end if _naive(end) >= _naive(start) or (isinstance(end, datetime) and end.tzinfo) else None


def _naive(value: date | datetime) -> str:
    return value.isoformat()[:19]
