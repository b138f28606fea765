"""Activities as a calendar (RFC 5545): one event for each rule and each list of occurrences, in the zone that is stated."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from icalendar import Event, Timezone, vGeo, vRecur
from icalendar.prop import vDDDLists

from tripper_assets.domain.activities import Activity, Schedule
from tripper_assets.domain.occurrences import DAY_NAMES, is_rule

PRODUCT = "-//tripper_assets//export//EN"
UNITS = {"D": "DAILY", "W": "WEEKLY", "M": "MONTHLY", "Y": "YEARLY", "H": "HOURLY"}
STATUS = {"EventCancelled": "CANCELLED", "EventPostponed": "TENTATIVE"}
WEEKDAYS = dict(zip(DAY_NAMES, ("MO", "TU", "WE", "TH", "FR", "SA", "SU"), strict=True))
LOOKAHEAD_DAYS = 366
ONE_DAY = timedelta(days=1)

Moment = date | datetime


@dataclass(frozen=True)
class _Happening:
    """One event of a calendar: when it is first, and how it comes again."""

    start: Moment
    end: Moment | None
    rule: vRecur | None = None
    more: tuple[Moment, ...] = ()
    """Further starts, of the same length."""
    without: tuple[Moment, ...] = ()


def calendar_pieces(activities: Iterable[Activity], *, now: datetime) -> Iterator[bytes]:
    """Yield one VCALENDAR; an activity without a day, such as a museum with its opening hours, is no event and is left out.

    A zone is described where it is used first. A time whose zone is unknown floats, as the page left it; so does one of a rule that
    states an offset alone, for its wall clock holds through summer and winter, and the offset does not.
    """
    yield f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{PRODUCT}\r\nCALSCALE:GREGORIAN\r\n".encode()
    zones: set[str] = set()
    for one in activities:
        for number, happening in enumerate(happenings(one, today=now.date())):
            for name in sorted(_zones(happening) - zones):
                zones.add(name)
                yield Timezone.from_tzid(name).to_ical()
            yield _event(one, happening, number, now).to_ical()
    yield b"END:VCALENDAR\r\n"


def happenings(activity: Activity, *, today: date) -> list[_Happening]:
    """Return the events of an activity; a rule that states no day begins on its first day from ``today``."""
    rules = [one for one in activity.eventSchedule if is_rule(one)]
    single = [one for one in activity.eventSchedule if not is_rule(one) and one.startDate]
    found = [made for one in rules if (made := _recurring(activity, one, today))]
    found += _listed(single)
    start = _moment(activity.startDate)
    if not found and start is not None:
        found = [_Happening(_fixed(start), _end(start, _moment(activity.endDate)))]
    return found


def _listed(single: Iterable[Schedule]) -> list[_Happening]:
    """Return stated occurrences as few events: those of one time of day and one length are one, with its further dates."""
    alike: dict[tuple[object, ...], list[tuple[Moment, Moment | None]]] = defaultdict(list)
    for one in single:
        start = _at(one.startDate, one.startTime, one.scheduleTimezone)
        if start is not None:
            end = _end(start, _at(one.endDate or one.startDate, one.endTime, one.scheduleTimezone))
            alike[type(start), one.startTime, one.scheduleTimezone, _length(start, end)].append((_fixed(start), end))
    return [_as_one(sorted(times, key=lambda pair: pair[0].isoformat())) for times in alike.values()]


def _length(start: Moment, end: Moment | None) -> timedelta | None:
    if isinstance(start, datetime) and isinstance(end, datetime):
        return end - start
    return timedelta(days=end.toordinal() - start.toordinal()) if end is not None else None


def _as_one(times: list[tuple[Moment, Moment | None]]) -> _Happening:
    (start, end), *rest = times
    return _Happening(start, end, more=tuple(moment for moment, _ in rest))


def _recurring(activity: Activity, rule: Schedule, today: date) -> _Happening | None:
    day = _first_day(rule, rule.startDate or activity.startDate[:10], today)
    if day is None:
        return None
    start = _wall(_at(day.isoformat(), rule.startTime, rule.scheduleTimezone), rule)
    if start is None:
        return None
    end = _wall(_at(day.isoformat(), rule.endTime, rule.scheduleTimezone), rule) if rule.endTime else None
    found = _Happening(start, _end(start, end), _recurrence(rule, start))
    left_out = [_wall(_at(one, rule.startTime, rule.scheduleTimezone), rule) for one in rule.exceptDate]
    return replace(found, without=tuple(one for one in left_out if one is not None))


def _wall(moment: Moment | None, rule: Schedule) -> Moment | None:
    """Return the moment by the wall clock where no zone is named."""
    return moment.replace(tzinfo=None) if isinstance(moment, datetime) and not rule.scheduleTimezone else moment


def _first_day(rule: Schedule, stated: str, today: date) -> date | None:
    """Return the first day that the rule holds on, from the stated one or from today on; None where none is within a year."""
    first = _day(stated) or today
    days = (first + timedelta(days=number) for number in range(LOOKAHEAD_DAYS))
    return next((one for one in days if _holds(rule, one)), None)


def _holds(rule: Schedule, one: date) -> bool:
    weeks = {(one.day + 6) // 7, -1 if (one + 7 * ONE_DAY).month != one.month else 0}
    return (
        (not rule.byDay or DAY_NAMES[one.weekday()] in rule.byDay)
        and (not rule.byMonthDay or one.day in rule.byMonthDay)
        and (not rule.byMonthWeek or not weeks.isdisjoint(rule.byMonthWeek))
    )


def _recurrence(rule: Schedule, start: Moment) -> vRecur:
    frequency = rule.repeatFrequency or "P1W"
    days = [WEEKDAYS[one] for one in rule.byDay if one in WEEKDAYS]
    if rule.byMonthWeek:
        days = [f"{week}{one}" for one in days for week in rule.byMonthWeek]
    unit = "M" if rule.byMonthWeek or (rule.byMonthDay and not rule.repeatFrequency) else frequency[-1]
    interval = "".join(char for char in frequency if char.isdigit())
    parts: dict[str, object] = {"FREQ": UNITS.get(unit, "WEEKLY")}
    parts |= {"INTERVAL": int(interval)} if interval not in {"", "1"} else {}
    parts |= {"BYDAY": days} if days else {}
    parts |= {"BYMONTHDAY": list(rule.byMonthDay)} if rule.byMonthDay else {}
    last = _day(rule.endDate)
    if last is not None:
        parts["UNTIL"] = _until(last, start)
    elif rule.repeatCount:
        parts["COUNT"] = rule.repeatCount
    return vRecur(parts)


def _until(last: date, start: Moment) -> Moment:
    """Return the end of the last day in the form of the start, as RFC 5545 asks: UTC where the start has a zone."""
    if not isinstance(start, datetime):
        return last
    end = datetime.combine(last, time(23, 59, 59), start.tzinfo)
    return end.astimezone(UTC) if start.tzinfo else end


def _at(day: str, clock: str, zone: str) -> Moment | None:
    """Return a day with its time of day in the named zone, else with the stated offset, else floating; a date where no time is stated."""
    moment = _moment(f"{day}T{clock}" if clock else day)
    if isinstance(moment, datetime) and zone:
        try:
            return moment.replace(tzinfo=ZoneInfo(zone))
        except (KeyError, ValueError):
            return moment
    return moment


def _moment(text: str) -> Moment | None:
    try:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:
        return None


def _day(text: str) -> date | None:
    found = _moment(text[:10])
    return found if not isinstance(found, datetime) else None


def _fixed(moment: Moment) -> Moment:
    """Return a moment with a bare offset in UTC: a calendar knows no offsets."""
    if isinstance(moment, datetime) and moment.tzinfo and not isinstance(moment.tzinfo, ZoneInfo):
        return moment.astimezone(UTC)
    return moment


def _end(start: Moment, stated: Moment | None) -> Moment | None:
    """Return the end in the form of the start, exclusive for whole days; None where none that comes later is stated."""
    if stated is None:
        return None
    if not isinstance(start, datetime):
        last = stated.date() if isinstance(stated, datetime) else stated
        return last + ONE_DAY if last >= start else None
    if not isinstance(stated, datetime) or bool(stated.tzinfo) != bool(start.tzinfo) or stated <= start:
        return None
    return _fixed(stated)


def _zones(happening: _Happening) -> set[str]:
    moments = (happening.start, happening.end)
    found = (one.tzinfo for one in moments if isinstance(one, datetime))
    return {one.key for one in found if isinstance(one, ZoneInfo) and one.key != "UTC"}


def _event(activity: Activity, happening: _Happening, number: int, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{activity.id}{f'-{number}' if number else ''}@tripper-assets")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("summary", activity.name)
    event.add("dtstart", happening.start)
    if happening.end is not None:
        event.add("dtend", happening.end)
    if happening.rule is not None:
        event.add("rrule", happening.rule)
    for name, moments in (("rdate", happening.more), ("exdate", happening.without)):
        if moments:
            _add_list(event, name, moments)
    _describe(event, activity)
    return event


def _add_list(event: Event, name: str, moments: tuple[Moment, ...]) -> None:
    listed = vDDDLists(list(moments))
    if not isinstance(moments[0], datetime):
        listed.params["VALUE"] = "DATE"
    event.add(name, listed)


def _describe(event: Event, activity: Activity) -> None:
    place = activity.location
    parts = (
        (place.name, place.address.streetAddress, place.address.postalCode, place.address.addressLocality)
        if place
        else ()
    )
    said = {"description": activity.description, "location": ", ".join(filter(None, parts)), "url": activity.url}
    said |= {"status": STATUS.get(activity.eventStatus or "", "")}
    for name, value in said.items():
        if value:
            event.add(name, value)
    if activity.category:
        event.add("categories", list(activity.category))
    if activity.geometry is not None:
        longitude, latitude = activity.geometry.coordinates
        event.add("geo", vGeo((latitude, longitude)))
