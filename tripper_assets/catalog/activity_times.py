"""When an activity is: the moments and dates that its texts state, and the moment after which it is past."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tripper_assets.domain.activities import Activity, Schedule

YEARS = range(1900, 2201)
"""Others are typing errors, and some do not fit into a timestamp with a zone."""
ANYWHERE = timedelta(days=1, hours=12)
"""From a date's midnight in UTC to the end of that date in the westernmost zone."""


@dataclass(frozen=True)
class Times:
    """The columns of an activity's time; None for what is not stated or cannot be read."""

    starts_at: datetime | None
    ends_at: datetime | None
    start_date: date | None
    end_date: date | None
    over_at: datetime | None
    """None for what recurs without an end or states no time."""


def times_of(activity: Activity) -> Times:
    """Return the times of an activity as columns."""
    starts_at, start_date = _moment(activity.startDate)
    ends_at, end_date = _moment(activity.endDate)
    return Times(starts_at, ends_at, start_date, end_date, _over_at(activity))


def _moment(text: str) -> tuple[datetime | None, date | None]:
    """Return the moment (where the zone is stated) and the local date of an ISO 8601 text."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return None, None
    if local.year not in YEARS:
        return None, None
    return (local.astimezone(UTC) if local.tzinfo else None), local.date()


def _over_at(activity: Activity) -> datetime | None:
    """Return the end of the last thing that is stated.

    An event without an end is over when it starts; a date is over when it is over everywhere.
    """
    if _goes_on(activity):
        return None
    stated = [activity.endDate or activity.startDate]
    stated += [schedule.endDate or schedule.startDate for schedule in activity.eventSchedule]
    stated += [hours.validThrough for hours in activity.openingHoursSpecification]
    return max(_ends(stated), default=None)


def _goes_on(activity: Activity) -> bool:
    open_hours = any(not hours.validThrough for hours in activity.openingHoursSpecification)
    return (open_hours and not activity.endDate) or any(_is_endless(one) for one in activity.eventSchedule)


def _is_endless(schedule: Schedule) -> bool:
    return bool(schedule.repeatFrequency or schedule.byDay) and not schedule.endDate


def _ends(texts: Iterable[str]) -> list[datetime]:
    return [end for end in map(_end, texts) if end is not None]


def _end(text: str) -> datetime | None:
    moment, day = _moment(text)
    if moment is not None or day is None:
        return moment
    return datetime.combine(day, time(), UTC) + ANYWHERE
