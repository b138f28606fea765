"""What is compared to know one activity on two sites again: its names, place, times and ages, and the blocks that it is looked for in."""

import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tripper_assets.domain.activities import Activity, Place, Schedule
from tripper_assets.domain.distances import Degrees
from tripper_assets.domain.identity import fold
from tripper_assets.domain.model import ActivityId, SourceKey
from tripper_assets.domain.occurrences import is_rule

Words = tuple[str, ...]

RADIUS_METRES = {"exact": 100, "house": 100, "interpolated": 150, "street": 400, "postcode": 1_500, "locality": 5_000}
"""How far a point may lie from the activity, by the accuracy of its geocoding."""
ANYWHERE_METRES = 20_000
BLOCK_METRES = 1_500
"""A point that is less sure than this names no block of its own: its town does."""
CELLS = (0.02, 0.03)
"""The sides of a block in degrees of latitude and longitude: about two kilometres in Europe."""
MOST_DAYS = 20
"""Days of one series that name blocks."""
PART_BOUNDARY = re.compile(r"\s+[-–—|]\s+|:\s+|\s+\(|\)\s*$")
"""Where a name ends and a subtitle begins."""
YEAR = re.compile(r"20\d\d")
SHORTEST_TOWN = 4
"""Letters of the word that a town is known by: Bad, San and Le stand before many."""
PREFIX = 4
WALL, OFFSET = 5, 6


@dataclass(frozen=True)
class Occurrence:
    """One stated day; minutes None where no time is stated."""

    day: str
    wall: int | None
    """Minutes since midnight, as the wall clock shows them."""
    instant: int | None
    """Minutes since 1970 in UTC; None where the zone is unknown too."""


@dataclass(frozen=True)
class Where:
    """A place as it is compared: folded texts, empty where nothing is stated."""

    venue: Words
    street: str
    town: str
    """The one word that it is known by."""
    words: frozenset[str]
    """Those of the venue and the town: one site puts them into the name too, and another does not."""
    point: Degrees | None
    radius_metres: int
    is_online: bool
    is_offline: bool
    """Whether it says so itself."""


@dataclass(frozen=True)
class LinkFacts:
    """One activity as it is compared with those of other sources."""

    id: ActivityId
    source_key: SourceKey
    url: str
    name: str
    """Folded, and whole."""
    names: tuple[Words, ...]
    """The words of the name, then of what stands before and after its first dash, colon or bracket, where it has one."""
    where: Where
    occurrences: tuple[Occurrence, ...]
    rules: frozenset[tuple[str, Words, tuple[int, ...], tuple[int, ...], int | None]]
    """Frequency, weekdays, weeks and days of the month, and minutes since midnight."""
    ages: tuple[float, float] | None
    """From and to, in years; None where none are stated."""
    quality: float
    keys: frozenset[int]
    """The blocks: two activities that share none are never compared."""

    @property
    def rank(self) -> tuple[float, int, str]:
        """How well it stands for its group; the least is shown."""
        return (-self.quality, self.where.radius_metres, self.id)


def facts_of(activity: Activity) -> LinkFacts:
    """Return what an activity is compared by; pictures, descriptions and prices are not needed."""
    where = _where(activity)
    names = _names(activity.name)
    occurrences, rules = _occurrences(activity), _rules(activity)
    return LinkFacts(
        id=activity.id,
        source_key=activity.source_key,
        url=activity.url,
        name=fold(activity.name),
        names=names,
        where=where,
        occurrences=occurrences,
        rules=rules,
        ages=_ages(activity),
        quality=activity.quality.score if activity.quality else 0.0,
        keys=_keys(activity.url, where, _times(occurrences, activity.eventSchedule, names)),
    )


def _names(name: str) -> tuple[Words, ...]:
    parts = [part for part in PART_BOUNDARY.split(name, maxsplit=1) if part and part.strip()]
    texts = [name, *parts] if len(parts) > 1 else [name]
    found = (tuple(fold(YEAR.sub(" ", text)).split()) for text in texts)
    return tuple(words for words in found if words)


def _where(activity: Activity) -> Where:
    place, mode = activity.location or Place(), activity.eventAttendanceMode
    point, radius = _point(activity)
    town, venue = fold(place.address.addressLocality), tuple(fold(place.name).split())
    return Where(
        venue=tuple(word for word in venue if word not in town.split()) or venue,
        street=fold(place.address.streetAddress),
        town=next((word for word in town.split() if len(word) >= SHORTEST_TOWN), town),
        words=frozenset((*venue, *town.split())),
        point=point,
        radius_metres=radius,
        is_online=mode == "OnlineEventAttendanceMode",
        is_offline=mode == "OfflineEventAttendanceMode",
    )


def _point(activity: Activity) -> tuple[Degrees | None, int]:
    """Return the coordinates, and how far off they may be in metres."""
    stated = activity.location.geo if activity.location else None
    found = activity.geometry
    if found is None:
        return (Degrees(stated.latitude, stated.longitude), 100) if stated else (None, ANYWHERE_METRES)
    accuracy = activity.geocoding.accuracy if activity.geocoding else "exact"
    return Degrees(found.coordinates[1], found.coordinates[0]), RADIUS_METRES.get(accuracy, ANYWHERE_METRES)


def _occurrences(activity: Activity) -> tuple[Occurrence, ...]:
    single = [one for one in activity.eventSchedule if not is_rule(one) and one.startDate]
    stated = [_occurrence(activity.startDate)] if not single else []
    stated += [_occurrence(f"{one.startDate}T{one.startTime}" if one.startTime else one.startDate) for one in single]
    return tuple(sorted({one for one in stated if one}, key=lambda one: (one.day, one.wall or 0, one.instant or 0)))


def _occurrence(text: str) -> Occurrence | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if "T" not in text:
        return Occurrence(text[:10], None, None)
    try:
        instant = int(moment.astimezone(UTC).timestamp() // 60) if moment.tzinfo else None
    except (OverflowError, ValueError):  # the year 1 and the year 9999 have no neighbours
        instant = None
    return Occurrence(text[:10], moment.hour * 60 + moment.minute, instant)


def _rules(
    activity: Activity,
) -> frozenset[tuple[str, Words, tuple[int, ...], tuple[int, ...], int | None]]:
    return frozenset(
        (
            one.repeatFrequency or "P1W",
            tuple(sorted(one.byDay)),
            tuple(sorted(one.byMonthWeek)),
            tuple(sorted(one.byMonthDay)),
            _minutes(one.startTime),
        )
        for one in activity.eventSchedule
        if is_rule(one)
    )


def _minutes(wall_time: str) -> int | None:
    hours, _, minutes = wall_time[:WALL].partition(":")
    return int(hours) * 60 + int(minutes) if hours.isdecimal() and minutes.isdecimal() else None


def _ages(activity: Activity) -> tuple[float, float] | None:
    ages = activity.ageRange
    if ages is None or (ages.minValue is None and ages.maxValue is None):
        return None
    return ages.minValue or 0.0, math.inf if ages.maxValue is None else ages.maxValue


def _times(occurrences: Iterable[Occurrence], schedule: Iterable[Schedule], names: tuple[Words, ...]) -> set[str]:
    """Return the parts of block names that say when; what states no time is told apart by its name's words instead."""
    days = dict.fromkeys(one.day for one in occurrences)
    found = set(list(days)[:MOST_DAYS])
    found |= {f"each {day}" for one in schedule if is_rule(one) for day in one.byDay or ("day",)}
    return found or {f"always {word[:PREFIX]}" for word in names[0] if len(word) >= PREFIX}


def _keys(url: str, where: Where, times: set[str]) -> frozenset[int]:
    places = [f"town {where.town}"] if where.town else []
    places += ["online"] if where.is_online else []
    if where.point and where.radius_metres <= BLOCK_METRES:
        places += _cells(*where.point)
    return frozenset(map(_key, [f"url {url}", *(f"{place} {time}" for place in places for time in times)]))


def _cells(latitude: float, longitude: float) -> list[str]:
    """Return the four blocks around a point: they overlap by half, so that two near points share one wherever they lie."""
    row, column = math.floor(latitude / CELLS[0] * 2), math.floor(longitude / CELLS[1] * 2)
    return [f"cell {row + down} {column + right}" for down in (-1, 0) for right in (-1, 0)]


def _key(text: str) -> int:
    """Return a block's name as a number of 64 bits: two names with one number cost a comparison, and nothing else."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)
