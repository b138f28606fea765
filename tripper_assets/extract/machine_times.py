"""Times that elements state for machines, joined to the times that the text shows: a stated offset holds, whatever zone the reader was given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from tripper_assets.extract.clock import Clock, parse_iso

_QUARTER, _FARTHEST = timedelta(minutes=15), timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class StatedTimes:
    """Start and end as ISO text, and the machine-readable time that start was taken from."""

    start: str
    end: str
    evidence: str


def stated_times(
    start: date | datetime, end: date | datetime | None, times: Sequence[str], clock: Clock
) -> StatedTimes:
    """Return the shown start and end with what the datetime attributes beside them state of hour and offset."""
    values = [(text, value) for text in times if isinstance(value := parse_iso(text), datetime)]
    found = _of_start(start, end, values, clock) if values else None
    if found is None:
        return StatedTimes(clock.iso(start), clock.iso(end) if end else "", "")
    text, begin = found
    if end is None and len(values) == 2 and values[0][0] == text:  # noqa: PLR2004 (start and end)
        later = values[1][1]
        end = later if (later.tzinfo is None) == (begin.tzinfo is None) and later > begin else None
    return StatedTimes(clock.iso(begin), clock.iso(_of_end(begin, end, values, clock)) if end else "", text)


def _of_start(
    start: date | datetime, end: date | datetime | None, values: list[tuple[str, datetime]], clock: Clock
) -> tuple[str, datetime] | None:
    if not isinstance(start, datetime):
        if end is not None:
            return None
        return next((one for one in values if one[1].time() != time() and _local_day(one[1], clock) == start), None)
    zoned = [one for one in values if one[1].tzinfo is not None]
    for text, value in zoned:
        if value.replace(tzinfo=None) == start:
            return None if _is_false_utc(value, clock) else (text, value)
    for text, value in zoned:
        if isinstance(end, datetime) and value.replace(tzinfo=None) == end:
            return None if _is_false_utc(value, clock) else (text, start.replace(tzinfo=value.tzinfo))
    return next((found for text, value in zoned if (found := _of_other_wall(start, text, value))), None)


def _is_false_utc(value: datetime, clock: Clock) -> bool:
    """Local time that is marked as UTC: page and markup show the same hour, and the place is in another zone."""
    return value.utcoffset() == timedelta(0) and clock.local is not None


def _of_other_wall(start: datetime, text: str, value: datetime) -> tuple[str, datetime] | None:
    """The instant is the machine's; of UTC, whose hour nobody shows, the text tells the offset."""
    if value.utcoffset() != timedelta(0):
        return (text, value) if value.date() == start.date() and value.time() != time() else None
    offset = start - value.replace(tzinfo=None)
    if abs(offset) > _FARTHEST or offset % _QUARTER:
        return None
    return text, start.replace(tzinfo=timezone(offset))


def _local_day(value: datetime, clock: Clock) -> date:
    utc = value.utcoffset() == timedelta(0) and clock.local is not None
    return (value.astimezone(clock.local) if utc else value).date()


def _of_end(begin: datetime, end: date | datetime, values: list[tuple[str, datetime]], clock: Clock) -> date | datetime:
    """Return the end with its own stated offset, else with the start's; across a change of the clock the zone's own, where it agrees."""
    if not isinstance(end, datetime) or end.tzinfo is not None or begin.tzinfo is None:
        return end
    own = next((value for _, value in values if value.tzinfo is not None and value.replace(tzinfo=None) == end), None)
    if own is not None and own.utcoffset() != timedelta(0):
        return own
    shown = begin.replace(tzinfo=None)
    agrees = clock.local is not None and shown.replace(tzinfo=clock.local).utcoffset() == begin.utcoffset()
    return end.replace(tzinfo=clock.local if agrees else begin.tzinfo)
