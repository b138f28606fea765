"""schema.org Schedules as structured data states them: the rule's days, weeks of the month, times and limits."""

import re

from tripper_assets.domain.activities import Schedule
from tripper_assets.extract.clock import parse_iso, zone
from tripper_assets.extract.hours import clock_text, days_in
from tripper_assets.extract.jsonld import Node, short
from tripper_assets.extract.places import items, text_of

_FREQUENCIES = {"daily": "P1D", "weekly": "P1W", "monthly": "P1M", "yearly": "P1Y", "annually": "P1Y"}
_NTH_DAY = re.compile(r"([+-]?\d)?([A-Za-z].*)")


def schedule_of(node: Node) -> Schedule | None:
    """Return a schema.org Schedule as stated; None where it has no rule, days or start. "1MO" in byDay is Monday in week 1 of the month."""
    zone_name, count = text_of(node.get("scheduleTimezone")), text_of(node.get("repeatCount"))
    days, weeks = _days(node)
    schedule = Schedule(
        startDate=_date_text(text_of(node.get("startDate"))),
        endDate=_date_text(text_of(node.get("endDate"))),
        startTime=clock_text(text_of(node.get("startTime"))),
        endTime=clock_text(text_of(node.get("endTime"))),
        scheduleTimezone=zone_name if zone(zone_name) else "",
        repeatFrequency=_frequency(text_of(node.get("repeatFrequency"))),
        repeatCount=int(count) if re.fullmatch(r"\d{1,4}", count) else None,
        byDay=days,
        byMonthDay=_numbers(node, "byMonthDay", r"[12]?\d|3[01]"),
        byMonthWeek=weeks or _numbers(node, "byMonthWeek", r"[1-5]|-1"),
        exceptDate=tuple(day for item in items(node.get("exceptDate")) if (day := _date_text(text_of(item)))),
    )
    return schedule if schedule != Schedule() else None


def _days(node: Node) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the weekdays of byDay, and the weeks of the month where all of them carry the same."""
    stated = [
        match.groups() for item in items(node.get("byDay")) if (match := _NTH_DAY.fullmatch(short(text_of(item))))
    ]
    named = [(day, int(week or 0)) for week, text in stated for day in days_in(text)]
    days = tuple(dict.fromkeys(day for day, _ in named))
    alike = {tuple(dict.fromkeys(week for other, week in named if other == day)) for day in days}
    weeks = alike.pop() if len(alike) == 1 else ()
    return days, weeks if all(week in {1, 2, 3, 4, 5, -1} for week in weeks) else ()


def _frequency(text: str) -> str:
    return text if re.fullmatch(r"P(?:\d{1,3}[DWMY]|T\d{1,3}H)", text) else _FREQUENCIES.get(short(text).casefold(), "")


def _numbers(node: Node, name: str, pattern: str) -> tuple[int, ...]:
    return tuple(int(text) for item in items(node.get(name)) if re.fullmatch(pattern, text := text_of(item)))


def _date_text(text: str) -> str:
    value = parse_iso(text)
    return value.isoformat()[:10] if value else ""
