"""When an activity happens: what its statements say of days and times, as one start, one end, one schedule and one status."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from tripper_assets.domain.activities import EventStatus, Provenance, RawActivity, Schedule

TEXT_METHODS = frozenset({"time", "listing", "text", "opengraph", "llm"})
DATE_FIELDS = ("startDate", "endDate", "eventSchedule")
DAY = len("2026-01-31")
MINUTE = len("2026-01-31T10:00")
CANCELLED = "EventCancelled"
WEEK = "P1W"
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class When:
    """The dates of one activity, and where each was read."""

    startDate: str
    endDate: str
    eventSchedule: tuple[Schedule, ...]
    eventStatus: EventStatus | None
    provenance: dict[str, Provenance]


@dataclass
class Occurrence:
    """One stated occurrence; an end or a status that its first statement leaves open comes from a later one."""

    start: str
    end: str
    status: EventStatus | None
    stated_by: RawActivity
    ended_by: RawActivity
    begins_rule: bool

    @property
    def is_timed(self) -> bool:
        """Whether a time of day is stated."""
        return len(self.start) > DAY

    @property
    def is_one_day(self) -> bool:
        """Whether it ends on the day on which it begins."""
        return self.end[:DAY] in {"", self.start[:DAY]}

    @property
    def is_cancelled(self) -> bool:
        """Whether this occurrence is called off; the one that a rule begins with says nothing of the others."""
        return self.status == CANCELLED and not self.begins_rule


def when(members: Sequence[RawActivity]) -> When:
    """Return when a group's activity happens; ``members`` come best first, and the first that states a thing wins.

    One occurrence stays as it is, several become a schedule from the first to the last. A cancelled occurrence of a series drops out;
    an activity is cancelled only where nothing of it is left.
    """
    dated = _dated(members)
    rules = tuple(dict.fromkeys(one for raw in dated for one in raw.eventSchedule))
    stated = _occurrences(dated)
    left = sorted((one for one in stated if not one.is_cancelled), key=lambda one: (one.start, one.end))
    stands = bool(left) or any(recurs(raw) and raw.eventStatus != CANCELLED for raw in dated)
    happening = left if stands else sorted(stated, key=lambda one: (one.start, one.end))
    status = _status_giver(members, ignore_cancelled=stands)
    last = max(happening, key=lambda one: one.end or one.start, default=None)
    return When(
        startDate=happening[0].start if happening else "",
        endDate=_end(happening, last),
        eventSchedule=_schedule(rules, happening),
        eventStatus=status.eventStatus if status else None,
        provenance=_provenance(dated, happening, last, status),
    )


def states(raw: RawActivity, name: str) -> bool:
    """Return whether a raw activity says anything in a field."""
    value = getattr(raw, name)
    return value is not None and value not in ("", ())


def recurs(raw: RawActivity) -> bool:
    """Return whether a raw activity states a rule of recurrence."""
    return any(map(is_rule, raw.eventSchedule))


def is_rule(one: Schedule) -> bool:
    """Return whether a schedule is a rule of recurrence, and not one stated occurrence."""
    return bool(one.repeatFrequency or one.byDay or one.byMonthDay)


def _dated(members: Sequence[RawActivity]) -> list[RawActivity]:
    """Return the members whose dates count: those in markup where there are any, for a text may repeat a date of something else."""
    dated = [raw for raw in members if any(states(raw, name) for name in DATE_FIELDS)]
    sure = [raw for raw in dated if not _from_text(raw)]
    return sure or dated


def _from_text(raw: RawActivity) -> bool:
    found = raw.provenance.get("startDate") or raw.provenance.get("eventSchedule") or raw.provenance.get("name")
    return found is None or found.method in TEXT_METHODS


def _occurrences(dated: Sequence[RawActivity]) -> list[Occurrence]:
    """Return each occurrence once, however many pages state it and in whatever zone."""
    known: dict[str, Occurrence] = {}
    for raw in dated:
        if raw.startDate:
            keys = _moment_keys(raw.startDate)
            found = next((known[key] for key in keys if key in known), None) or _first_statement(raw)
            _complete(found, raw)
            for key in keys:
                known.setdefault(key, found)
    every = list({id(one): one for one in known.values()}.values())
    return [one for one in every if not _is_said_with_time(one, every)]


def _moment_keys(start: str) -> tuple[str, ...]:
    """Return what two statements of one occurrence have in common: the instant, or the wall time where a zone is wrong.

    Calendars state UTC where the page states local time, and many a page writes its local time with +00:00.
    """
    if len(start) == DAY:
        return (start,)
    try:
        return start[:MINUTE], datetime.fromisoformat(start).astimezone(UTC).isoformat()
    except OverflowError:  # the first hours of the year 1, from which on a rule may hold
        return (start[:MINUTE],)


def _first_statement(raw: RawActivity) -> Occurrence:
    return Occurrence(raw.startDate, raw.endDate, None, stated_by=raw, ended_by=raw, begins_rule=False)


def _complete(found: Occurrence, raw: RawActivity) -> None:
    if not found.end and raw.endDate:
        found.end, found.ended_by = raw.endDate, raw
    found.status = found.status or raw.eventStatus
    found.begins_rule = found.begins_rule or recurs(raw)


def _is_said_with_time(one: Occurrence, every: Sequence[Occurrence]) -> bool:
    """Return whether another page states this day with its time, and hand the status over."""
    if one.is_timed or not one.is_one_day:
        return False
    timed = [other for other in every if other.is_timed and other.start[:DAY] == one.start]
    for other in timed:
        other.status = other.status or one.status
        other.begins_rule = other.begins_rule or one.begins_rule
    return bool(timed)


def _status_giver(members: Sequence[RawActivity], *, ignore_cancelled: bool) -> RawActivity | None:
    """Return the first that states a status of the whole; a single cancelled occurrence says nothing of the others."""
    stating = [raw for raw in members if raw.eventStatus is not None]
    if ignore_cancelled:
        stating = [raw for raw in stating if raw.eventStatus != CANCELLED or not raw.startDate or recurs(raw)]
    return next(iter(stating), None)


def _end(happening: Sequence[Occurrence], last: Occurrence | None) -> str:
    if last is None:
        return ""
    return last.end if len(happening) == 1 else last.end or last.start


def _schedule(rules: tuple[Schedule, ...], happening: Sequence[Occurrence]) -> tuple[Schedule, ...]:
    """Return the rules, and in order of time the single occurrences that no rule states."""
    recurring = tuple(one for one in rules if is_rule(one))
    timed = [one for one in happening if one.is_timed]
    single = [one for one in rules if not is_rule(one) and not any(_says(one, other) for other in timed)]
    if len(happening) > 1:
        unsaid = [one for one in happening if not any(_says(other, one) for other in single)]
        single += [_as_schedule(one) for one in unsaid if not any(_follows(one, rule) for rule in recurring)]
    return (*recurring, *sorted(single, key=lambda one: (one.startDate, one.startTime, one.endDate, one.endTime)))


def _follows(one: Occurrence, rule: Schedule) -> bool:
    """Return whether an occurrence is one of those of a rule, as far as days of the week and the time tell."""
    day, time = one.start[:DAY], one.start[DAY + 1 : MINUTE]
    if one.begins_rule:
        return True
    if not rule.startDate <= day <= (rule.endDate or day) or day in rule.exceptDate:
        return False
    weekday, days = _weekday(day), rule.byDay
    if not days and rule.repeatFrequency == WEEK and rule.startDate:
        days = (_weekday(rule.startDate),)
    on_day = (not days or weekday in days) and _in_month(date.fromisoformat(day), rule)
    return on_day and (not time or not rule.startTime or rule.startTime.startswith(time))


def _in_month(day: date, rule: Schedule) -> bool:
    """Return whether a day is among the days of the month that a rule names: the 15th, the first or the last of that weekday."""
    last = day.day + 7 > monthrange(day.year, day.month)[1]
    weeks = {(day.day + 6) // 7, -1 if last else 0}
    return (not rule.byMonthDay or day.day in rule.byMonthDay) and (
        not rule.byMonthWeek or not weeks.isdisjoint(rule.byMonthWeek)
    )


def _weekday(day: str) -> str:
    return DAY_NAMES[date.fromisoformat(day[:DAY]).weekday()]


def _says(one: Schedule, occurrence: Occurrence) -> bool:
    """Return whether a single schedule states this occurrence, as far as the occurrence states its time."""
    day, time = occurrence.start[:DAY], occurrence.start[DAY + 1 : MINUTE]
    return one.startDate == day and one.startTime.startswith(time)


def _as_schedule(one: Occurrence) -> Schedule:
    return Schedule(
        startDate=one.start[:DAY],
        endDate=(one.end or one.start)[:DAY],
        startTime=_wall_time(one.start),
        endTime=_wall_time(one.end),
    )


def _wall_time(moment: str) -> str:
    """Return HH:MM and the offset of an ISO date-time, empty for a date."""
    return f"{moment[DAY + 1 : MINUTE]}{moment[MINUTE + 3 :]}"


def _provenance(
    dated: Sequence[RawActivity],
    happening: Sequence[Occurrence],
    last: Occurrence | None,
    status: RawActivity | None,
) -> dict[str, Provenance]:
    givers = {
        "startDate": happening[0].stated_by if happening else None,
        "endDate": last.ended_by if last else None,
        "eventSchedule": next((raw for raw in dated if raw.eventSchedule), None),
        "eventStatus": status,
    }
    return {name: raw.provenance[name] for name, raw in givers.items() if raw is not None and name in raw.provenance}
