"""iCalendar feeds as drafts of activities; a broken event is a problem and never loses the others."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.rrule import rrulestr
from icalendar import Calendar
from icalendar.cal import Component
from icalendar.prop import vRecur

from tripper_assets.domain.activities import ImageObject, Organizer, Place, Schedule
from tripper_assets.domain.model import Problem
from tripper_assets.extract.addresses import place_from_text
from tripper_assets.extract.clock import Clock
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.hours import DAYS
from tripper_assets.extract.page import absolute
from tripper_assets.extract.places import geo_of
from tripper_assets.extract.texts import MAX_DESCRIPTION, MAX_NAME, clipped, decode, plain_text

MAX_EVENTS = 5_000
MAX_OCCURRENCES = 60
HORIZON = timedelta(days=400)
# What icalendar 7 raises for values that it cannot read, seen on real and on broken feeds.
UNREADABLE = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, ArithmeticError)
_PART = re.compile(r"^BEGIN:(VTIMEZONE|VEVENT)\s*$.*?^END:\1\s*$", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_DAY_CODES = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), DAYS, strict=True))
_UNITS = {"DAILY": "D", "WEEKLY": "W", "MONTHLY": "M", "YEARLY": "Y"}
_STATUSES = {"CANCELLED": "EventCancelled", "CONFIRMED": "EventScheduled"}


def calendar_drafts(body: bytes, url: str, clock: Clock) -> tuple[list[Draft], list[Problem]]:
    """Return a draft for each event of the calendars in ``body``, and a problem for each that could not be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # icalendar warns of what it guesses and mends
        return _calendar_drafts(decode(body, "text/calendar; charset=utf-8").replace("\x00", ""), url, clock)


def _calendar_drafts(text: str, url: str, clock: Clock) -> tuple[list[Draft], list[Problem]]:
    events, broken = _events(text)
    moved = _moved(events)
    drafts, problems = [], [Problem(code="calendar_broken", subject=url, message=message) for message in broken[:20]]
    for event in events[:MAX_EVENTS]:
        try:
            draft = _draft(event, url, clock, moved)
        except UNREADABLE as error:
            problems.append(Problem(code="calendar_event_broken", subject=url, message=_sentence(error)))
            continue
        if draft is None:
            problems.append(
                Problem(
                    code="calendar_event_incomplete", subject=url, message="An event states no summary or no start."
                )
            )
        else:
            drafts.append(draft)
    return drafts, problems


def _sentence(error: Exception) -> str:
    return f"A part of the calendar could not be read: {plain_text(str(error))[:150] or type(error).__name__}."


def _events(text: str) -> tuple[list[Component], list[str]]:
    """Return the events of the whole document, or else those that can be read one by one with the document's zones."""
    try:
        return [event for calendar in Calendar.from_ical(text, multiple=True) for event in calendar.walk("VEVENT")], []
    except UNREADABLE as error:
        whole = _sentence(error)
    parts = list(_PART.finditer(text))
    zones = "\r\n".join(part[0] for part in parts if part[1].upper() == "VTIMEZONE")
    events, broken = [], [whole]
    for part in [part for part in parts if part[1].upper() == "VEVENT"][:MAX_EVENTS]:
        found, sentence = _event(part[0], zones)
        events += found
        broken += sentence
    return events, broken


def _event(text: str, zones: str) -> tuple[list[Component], list[str]]:
    sentence = ""
    for inside in dict.fromkeys((zones, "")):
        try:
            calendar = Calendar.from_ical(
                f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-\r\n{inside}\r\n{text}\r\nEND:VCALENDAR\r\n"
            )
            return list(calendar.walk("VEVENT")), []
        except UNREADABLE as error:
            sentence = _sentence(error)
    return [], [sentence]


def _moved(events: Sequence[Component]) -> dict[str, list[str]]:
    """Return the days of each series that another event of the same id replaces."""
    found: dict[str, list[str]] = {}
    for event in events:
        moved = _when(event, "RECURRENCE-ID")
        if moved is not None:
            found.setdefault(_text(event, "UID"), []).append(moved.isoformat()[:10])
    return found


def _text(event: Component, name: str) -> str:
    value = event.get(name)
    value = value[0] if isinstance(value, list) and value else value
    return plain_text(str(value)) if value is not None else ""


def _attribute(value: object, name: str) -> Any:  # noqa: ANN401 (whatever icalendar keeps there)
    """Return an attribute of a property's value; a broken one, which icalendar raises for only when it is asked, states nothing."""
    try:
        return getattr(value, name, None)
    except UNREADABLE:
        return None


def _when(event: Component, name: str) -> date | datetime | None:
    value = event.get(name)
    value = value[0] if isinstance(value, list) and value else value
    when = _attribute(value, "dt")
    return when if isinstance(when, date) else None


def _draft(event: Component, url: str, clock: Clock, moved: dict[str, list[str]]) -> Draft | None:
    name, start = clipped(_text(event, "SUMMARY"), MAX_NAME), _when(event, "DTSTART")
    if not name or start is None:
        return None
    draft = Draft("ics")
    draft.put("name", name)
    draft.put("identifier", clipped(_text(event, "UID"), 300))
    draft.put("url", absolute(_text(event, "URL"), url))
    draft.put("description", clipped(_text(event, "DESCRIPTION"), MAX_DESCRIPTION))
    draft.put("startDate", clock.iso(start), f"DTSTART {start}")
    end = _end(event, start)
    if end is not None and end != start:
        draft.put("endDate", clock.iso(end), f"DTEND {end}")
    draft.put("eventStatus", _STATUSES.get(_text(event, "STATUS").upper()))
    draft.put("category", tuple(dict.fromkeys(word for word in _categories(event) if word))[:50])
    with suppress(*UNREADABLE):  # a rule that cannot be read leaves the first occurrence, which the event states
        draft.put("eventSchedule", _schedules(event, start, clock, moved), _rule_text(event))
    _put_where(draft, event, url)
    return draft


def _end(event: Component, start: date | datetime) -> date | datetime | None:
    """Return the stated end; the end of whole days is the last day, because DTEND names the day after it."""
    end, length = _when(event, "DTEND"), _attribute(event.get("DURATION"), "dt")
    if end is None and isinstance(length, timedelta):
        end = start + length
    if end is None or isinstance(end, datetime) != isinstance(start, datetime):
        return None
    if not isinstance(end, datetime):
        end -= timedelta(days=1)
    return end if _naive(end) >= _naive(start) or (isinstance(end, datetime) and end.tzinfo) else None


def _naive(value: date | datetime) -> str:
    return value.isoformat()[:19]


def _categories(event: Component) -> Iterator[str]:
    value = event.get("CATEGORIES")
    for item in value if isinstance(value, list) else [value]:
        for category in getattr(item, "cats", []):
            yield clipped(plain_text(str(category)), 100)


def _put_where(draft: Draft, event: Component, url: str) -> None:
    location, geo = clipped(_text(event, "LOCATION"), MAX_NAME), event.get("GEO")
    point = geo_of({"latitude": _attribute(geo, "latitude"), "longitude": _attribute(geo, "longitude")})
    place = place_from_text(location) or (Place() if point else None)
    if place is not None:
        draft.put("location", place.model_copy(update={"geo": point}), location or str(point))
    organizer = event.get("ORGANIZER")
    name = plain_text(str(getattr(organizer, "params", {}).get("CN", ""))) if organizer is not None else ""
    if name and "@" not in name:
        draft.put("organizer", Organizer(name=clipped(name, MAX_NAME)), name)
    attached = event.get("ATTACH")
    for item in attached if isinstance(attached, list) else [attached]:
        kind = str(getattr(item, "params", {}).get("FMTTYPE", "")) if item is not None else ""
        image = absolute(str(item), url) if kind.startswith("image/") else ""
        if image:
            draft.put("image", (ImageObject(sourceUrl=image),), image)


def _rule_text(event: Component) -> str:
    rule = event.get("RRULE")
    rule = rule[0] if isinstance(rule, list) and rule else rule
    return str(rule.to_ical(), "utf-8", "replace") if isinstance(rule, vRecur) else ""


def _dates(event: Component, name: str) -> list[date | datetime]:
    """Return the days of EXDATE or RDATE; a period counts by its start."""
    value = event.get(name)
    found = [
        _attribute(entry, "dt")
        for item in (value if isinstance(value, list) else [value])
        for entry in _attribute(item, "dts") or []
    ]
    starts = [entry[0] if isinstance(entry, tuple) else entry for entry in found]
    return [start for start in starts if isinstance(start, date)]


def _schedules(
    event: Component, start: date | datetime, clock: Clock, moved: dict[str, list[str]]
) -> tuple[Schedule, ...]:
    rule_text = _rule_text(event)
    rule = {key.upper(): value for part in rule_text.split(";") for key, _, value in [part.partition("=")] if value}
    without = {day.isoformat()[:10] for day in _dates(event, "EXDATE")}
    if rule_text and _when(event, "RECURRENCE-ID") is None:
        without |= set(moved.get(_text(event, "UID"), ()))
    extra = [_one(day, event, start) for day in _dates(event, "RDATE")[:MAX_OCCURRENCES]]
    if not rule:
        return (_one(start, event, start), *extra) if extra else ()
    unit = _UNITS.get(rule.get("FREQ", ""))
    if unit is None or not _expressible(rule):
        return (*_expanded(rule_text, event, start, without, clock), *extra)
    schedule = _one(start, event, start).model_copy(update=_recurrence(rule, unit, without))
    return (schedule, *extra)


def _expressible(rule: dict[str, str]) -> bool:
    """schema.org's Schedule has no "first Monday" and no months: such rules are written out."""
    plain_days = all(day in _DAY_CODES for day in rule.get("BYDAY", "MO").split(","))
    plain_numbers = all(re.fullmatch(r"\d{1,2}", day) for day in rule.get("BYMONTHDAY", "1").split(","))
    weekly_days = "BYDAY" not in rule or rule["FREQ"] in {"WEEKLY", "DAILY"}
    return (
        plain_days
        and plain_numbers
        and weekly_days
        and not rule.keys() & {"BYSETPOS", "BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYHOUR", "BYMINUTE"}
    )


def _recurrence(rule: dict[str, str], unit: str, without: set[str]) -> dict[str, Any]:
    interval, count, until = rule.get("INTERVAL", "1"), rule.get("COUNT", ""), rule.get("UNTIL", "")
    last = re.match(r"(\d{4})(\d{2})(\d{2})", until)
    return {
        "endDate": "-".join(last.groups()) if last else "",
        "repeatFrequency": f"P{interval if interval.isdigit() else 1}{unit}",
        "repeatCount": int(count) if re.fullmatch(r"\d{1,5}", count) else None,
        "byDay": tuple(_DAY_CODES[day] for day in rule.get("BYDAY", "").split(",") if day in _DAY_CODES),
        "byMonthDay": tuple(int(day) for day in rule.get("BYMONTHDAY", "").split(",") if day),
        "exceptDate": tuple(sorted(without)),
    }


def _one(day: date | datetime, event: Component, start: date | datetime) -> Schedule:
    """Return one stated occurrence at the event's times."""
    end = _end(event, start)
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
    rule_text: str, event: Component, start: date | datetime, without: set[str], clock: Clock
) -> list[Schedule]:
    """Return the occurrences of the next 400 days (60 at most); none for a rule of hours, minutes or seconds."""
    if not re.search(r"FREQ=(?:DAILY|WEEKLY|MONTHLY|YEARLY)", rule_text):
        return []
    first = start.replace(tzinfo=None) if isinstance(start, datetime) else datetime(start.year, start.month, start.day)  # noqa: DTZ001 (wall time)
    rule = rrulestr(re.sub(r"UNTIL=(\d{8})(T\d{6})?Z?", r"UNTIL=\1T235959", rule_text), dtstart=first)
    today = clock.now.replace(tzinfo=None)
    # From the later of both: dateutil walks day by day from the rule's start.
    days = rule.xafter(max(first, today - timedelta(days=31)), count=MAX_OCCURRENCES, inc=True)
    near = [day for day in days if day <= today + HORIZON and day.isoformat()[:10] not in without]
    return [_one(day if isinstance(start, datetime) else day.date(), event, start) for day in near]
