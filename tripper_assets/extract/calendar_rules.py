"""The recurrences of an iCalendar event as schema.org Schedules: stated where Schedule can say the rule, else written out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from dateutil.rrule import rrule, rruleset, rrulestr
from icalendar.cal import Component
from icalendar.prop import vRecur

from tripper_assets.domain.activities import Schedule
from tripper_assets.extract.calendar_values import attribute, end_of, text_of, when
from tripper_assets.extract.clock import Clock
from tripper_assets.extract.hours import DAYS

MAX_OCCURRENCES = 60
HORIZON = timedelta(days=400)
LOOK_BACK = timedelta(days=31)
MAX_WALKED_DAYS = 2_000_000
"""Between the starts of all rules of a document and now: dateutil walks a million days in a second."""
MAX_DATELESS_RULES = 1
"""A rule on a day that never comes, such as 30 February, is walked to the year 9999, which takes 3 seconds."""
_DAY_CODES = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), DAYS, strict=True))
_DAY = re.compile(r"(?:^|(?<=,))([+-]?\d)?(MO|TU|WE|TH|FR|SA|SU)(?=,|$)")
_WEEKS = frozenset({1, 2, 3, 4, 5, -1})
_UNITS = {"DAILY": "D", "WEEKLY": "W", "MONTHLY": "M", "YEARLY": "Y"}


@dataclass
class Walk:
    """What the rules of one document may still cost, and how many of them were not written out."""

    days: int = MAX_WALKED_DAYS
    dateless_rules: int = MAX_DATELESS_RULES
    left_out: int = 0

    def may_go(self, days: int) -> bool:
        """Return whether one more rule may be walked for so many days, and count it."""
        if days > self.days or self.dateless_rules <= 0:
            self.left_out += 1
            return False
        self.days -= days
        return True


def rule_text(event: Component) -> str:
    """Return the first RRULE as it stands, empty where there is none."""
    rule = event.get("RRULE")
    rule = rule[0] if isinstance(rule, list) and rule else rule
    return str(rule.to_ical(), "utf-8", "replace") if isinstance(rule, vRecur) else ""


def _dates(event: Component, name: str) -> list[date | datetime]:
    """Return the days of EXDATE or RDATE; a period counts by its start."""
    value = event.get(name)
    found = [
        attribute(entry, "dt")
        for item in (value if isinstance(value, list) else [value])
        for entry in attribute(item, "dts") or []
    ]
    starts = [entry[0] if isinstance(entry, tuple) else entry for entry in found]
    return [start for start in starts if isinstance(start, date)]


def schedules(
    event: Component, start: date | datetime, clock: Clock, moved: dict[str, list[str]], walk: Walk
) -> tuple[Schedule, ...]:
    """Return what an event says of its recurrence; ``moved`` are the days, by UID, that another event replaces.

    Raises:
        ValueError, and the others of UNREADABLE: the rule cannot be read.
    """
    stated = rule_text(event)
    rule = {key.upper(): value for part in stated.split(";") for key, _, value in [part.partition("=")] if value}
    without = {day.isoformat()[:10] for day in _dates(event, "EXDATE")}
    if stated and when(event, "RECURRENCE-ID") is None:
        without |= set(moved.get(text_of(event, "UID"), ()))
    extra = [_one(day, event, start) for day in _dates(event, "RDATE")[:MAX_OCCURRENCES]]
    if not rule:
        return (_one(start, event, start), *extra) if extra else ()
    unit = _UNITS.get(rule.get("FREQ", ""))
    if unit is None or not _expressible(rule):
        return (*_expanded(stated, event, start, without, clock, walk), *extra)
    schedule = _one(start, event, start).model_copy(update=_recurrence(rule, unit, without))
    return (schedule, *extra)


def _expressible(rule: dict[str, str]) -> bool:
    """Return whether Schedule says the rule exactly; it has no months, no weeks of the year and no "last working day": they are written out."""
    days = _DAY.findall(rule.get("BYDAY", "MO"))
    plain_numbers = all(re.fullmatch(r"\d{1,2}", day) for day in rule.get("BYMONTHDAY", "1").split(","))
    readable = len(days) == len(rule.get("BYDAY", "MO").split(",")) and plain_numbers
    return (
        readable
        and (_is_nth_weekday(rule, days) if rule["FREQ"] == "MONTHLY" else _is_plain(rule, days))
        and not rule.keys() & {"BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYHOUR", "BYMINUTE"}
    )


def _is_plain(rule: dict[str, str], days: list[tuple[str, str]]) -> bool:
    weekly_days = "BYDAY" not in rule or rule["FREQ"] in {"WEEKLY", "DAILY"}
    return weekly_days and not any(week for week, _ in days) and "BYSETPOS" not in rule


def _is_nth_weekday(rule: dict[str, str], days: list[tuple[str, str]]) -> bool:
    """Return whether a monthly rule names days of the month, or the same weeks for all its weekdays.

    BYSETPOS counts among all the days of BYDAY together: only with one weekday is it the week. BYMONTHDAY beside BYDAY is Friday the 13th.
    """
    if "BYDAY" not in rule:
        return "BYSETPOS" not in rule
    weeks = _weeks(rule, days)
    alike = {tuple(week for week, other in days if other == day) for _, day in days}
    exact = len({day for _, day in days}) == 1 if "BYSETPOS" in rule else len(alike) == 1
    return exact and bool(weeks) and all(week in _WEEKS for week in weeks) and "BYMONTHDAY" not in rule


def _weeks(rule: dict[str, str], days: list[tuple[str, str]]) -> list[int]:
    """Return the weeks of the month that BYSETPOS or else BYDAY states, each once; 0 where a weekday stands without one."""
    stated = rule.get("BYSETPOS")
    if stated is None:
        return list(dict.fromkeys(int(week or 0) for week, _ in days))
    readable = re.fullmatch(r"[+-]?\d(?:,[+-]?\d){0,9}", stated) and not any(week for week, _ in days)
    return [int(week) for week in stated.split(",")] if readable else []


def _recurrence(rule: dict[str, str], unit: str, without: set[str]) -> dict[str, Any]:
    interval, count, until = rule.get("INTERVAL", "1"), rule.get("COUNT", ""), rule.get("UNTIL", "")
    last = re.match(r"(\d{4})(\d{2})(\d{2})", until)
    days = _DAY.findall(rule.get("BYDAY", ""))
    return {
        "endDate": "-".join(last.groups()) if last else "",
        "repeatFrequency": f"P{interval if interval.isdigit() else 1}{unit}",
        "repeatCount": int(count) if re.fullmatch(r"\d{1,5}", count) else None,
        "byDay": tuple(dict.fromkeys(_DAY_CODES[day] for _, day in days)),
        "byMonthWeek": tuple(week for week in _weeks(rule, days) if week),
        "byMonthDay": tuple(int(day) for day in rule.get("BYMONTHDAY", "").split(",") if day),
        "exceptDate": tuple(sorted(without)),
    }


def _one(day: date | datetime, event: Component, start: date | datetime) -> Schedule:
    """Return one stated occurrence at the event's times."""
    end = end_of(event, start)
    at = day if isinstance(day, datetime) else start
    until = (
        at + (end - start)
        if isinstance(at, datetime) and isinstance(end, datetime) and isinstance(start, datetime)
        else None
    )
    return Schedule(
        startDate=day.isoformat()[:10],
        endDate=day.isoformat()[:10],
        startTime=f"{at:%H:%M}" if isinstance(at, datetime) else "",
        endTime=f"{until:%H:%M}" if until else "",
        scheduleTimezone=str(getattr(getattr(start, "tzinfo", None), "key", "") or ""),
    )


def _expanded(
    stated: str, event: Component, start: date | datetime, without: set[str], clock: Clock, walk: Walk
) -> list[Schedule]:
    """Return the occurrences of the next 400 days (60 at most); none for a rule of hours, minutes or seconds."""
    if not re.search(r"FREQ=(?:DAILY|WEEKLY|MONTHLY|YEARLY)", stated):
        return []
    first = start.replace(tzinfo=None) if isinstance(start, datetime) else datetime(start.year, start.month, start.day)  # noqa: DTZ001 (wall time)
    rule = rrulestr(re.sub(r"UNTIL=(\d{8})(T\d{6})?Z?", r"UNTIL=\1T235959", stated), dtstart=first)
    today = clock.now.replace(tzinfo=None)
    # From the later of both: dateutil walks day by day from the rule's start.
    since = max(first, today - LOOK_BACK)
    if not walk.may_go((since - first).days):
        return []
    days = takewhile(lambda day: day <= today + HORIZON, _days_since(rule, since, walk))
    near = [day for day in islice(days, MAX_OCCURRENCES) if day.isoformat()[:10] not in without]
    return [_one(day if isinstance(start, datetime) else day.date(), event, start) for day in near]


def _days_since(rule: rrule | rruleset, since: datetime, walk: Walk) -> Iterator[datetime]:
    if next(iter(rule), None) is None:
        walk.dateless_rules -= 1
        return iter(())
    return rule.xafter(since, inc=True)
