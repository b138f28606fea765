"""What good data is: the score of one activity, and the checks and guards that a bundle must pass before it is published."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.model import ActivityId

Severity = Literal["ERROR", "WARN"]
GOOD_DESCRIPTION = 40
MIN_NAME, MAX_NAME = 3, 150
SHOWN_IDS = 20
ID_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ZONE = re.compile(r"(Z|[+-][0-9]{2}:[0-9]{2})\Z")


@dataclass(frozen=True)
class CheckResult:
    """The verdict of one check over a whole bundle."""

    name: str
    passed: bool
    severity: Severity
    sentence: str
    """What was found, for a person."""
    failing: tuple[ActivityId, ...] = ()
    """The first ids that fail."""
    figure: float | None = None
    """The measured share, 0 to 1; None where the check has none."""


@dataclass(frozen=True)
class LastImport:
    """What the catalog holds of a source: the ids that the last import left in place."""

    ids: frozenset[ActivityId]


def score(activity: Activity) -> float:
    """Return the share of what a guide needs that the activity states, 0 to 1, rounded to hundredths."""
    has = needed_fields(activity)
    return round(sum(has.values()) / len(has), 2)


def needed_fields(activity: Activity) -> dict[str, bool]:
    """Return what a guide needs to say of an activity, and whether this one states it."""
    return {
        "description": len(activity.description) >= GOOD_DESCRIPTION,
        "when": bool(activity.startDate or activity.eventSchedule or activity.openingHoursSpecification),
        "where": _states_place(activity),
        "image": bool(activity.image),
        "price": activity.isAccessibleForFree is not None or bool(activity.offers),
        "ages": activity.ageRange is not None,
        "own_page": any(one.page != activity.url for one in activity.provenance.values()) or not activity.provenance
        or urlsplit(activity.url).path not in ("", "/"),
    }  # fmt: skip


def _states_place(activity: Activity) -> bool:
    place = activity.location
    online = activity.eventAttendanceMode == "OnlineEventAttendanceMode"
    return online or bool(place and (place.geo or place.name or place.address.dump().keys() - {"addressCountry"}))


def check_bundle(
    activities: Sequence[Activity],
    *,
    source_url: str,
    maps: Mapping[str, str | None],
    last: LastImport | None,
    allowed_removals: float,
) -> list[CheckResult]:
    """Return the verdicts on a bundle that is ready to be published.

    ``maps`` holds the ids_sha256 of each map that was joined, None where there was none; ``last`` is None before the first import;
    ``allowed_removals`` is the share of the last import that may be missing (SourceConfig.require_review_above).
    """
    return [
        _each("ids_unique", "ERROR", 1.0, activities, _unique_ids(activities)),
        _each("names_usable", "ERROR", 1.0, activities, lambda one: MIN_NAME <= len(one.name) <= MAX_NAME),
        _each("urls_in_source", "ERROR", 0.99, activities, lambda one: _same_site(one.url, source_url)),
        _each("dates_in_order", "ERROR", 1.0, activities, _dates_in_order),
        _each("times_have_zone", "ERROR", 1.0, activities, _times_have_zone),
        _each("prices_valid", "ERROR", 1.0, activities, _prices_valid),
        _each("ages_valid", "ERROR", 1.0, activities, _ages_valid),
        _each("places_sane", "ERROR", 1.0, activities, _place_sane),
        _maps_aligned(activities, maps),
        _not_empty(activities, last),
        _count_against_last(activities, last),
        _removals_against_last(activities, last, allowed_removals),
        _each("descriptions_usable", "WARN", 0.9, activities, lambda one: len(one.description) >= GOOD_DESCRIPTION),
        _each("dates_stated", "WARN", 0.9, activities, lambda one: needed_fields(one)["when"]),
        _each("places_stated", "WARN", 0.9, activities, _states_place),
        _each("places_found", "WARN", 0.8, activities, lambda one: one.geometry is not None or not _physical(one)),
        _each("images_stored", "WARN", 0.8, activities, lambda one: bool(one.image)),
        _each("attributed", "ERROR", 1.0, activities, _attributed),
    ]


CHECKS = (
    "ids_unique", "names_usable", "urls_in_source", "dates_in_order", "times_have_zone", "prices_valid", "ages_valid", "places_sane",
    "maps_aligned", "not_empty", "count_against_last_import", "removals_against_last_import", "descriptions_usable", "dates_stated",
    "places_stated", "places_found", "images_stored", "attributed",
)  # fmt: skip


COMPARING = frozenset({"count_against_last_import", "removals_against_last_import"})


def uncompared(result: CheckResult) -> CheckResult:
    """Return a verdict that was reached without a look at the last import: one that compares with it says so, as a warning."""
    if result.name not in COMPARING:
        return result
    return CheckResult(
        result.name, False, "WARN", "The catalog did not answer, so that nothing could be compared with."
    )


def blocking(results: Sequence[CheckResult], overrides: Sequence[str] = ()) -> list[CheckResult]:
    """Return the failed ERROR checks that no decision overrides by name: what keeps a bundle from being imported."""
    return [one for one in results if not one.passed and one.severity == "ERROR" and one.name not in overrides]


def _each(
    name: str, severity: Severity, share: float, activities: Sequence[Activity], good: Callable[[Activity], bool]
) -> CheckResult:
    failing = [one.id for one in activities if not good(one)]
    figure = 1 - len(failing) / len(activities) if activities else 1.0
    sentence = (
        f"{len(activities) - len(failing)} of {len(activities)} activities pass ({figure:.0%}, wanted {share:.0%})."
    )
    return CheckResult(name, figure >= share, severity, sentence, tuple(failing[:SHOWN_IDS]), round(figure, 4))


def _unique_ids(activities: Sequence[Activity]) -> Callable[[Activity], bool]:
    seen: dict[ActivityId, int] = {}
    for one in activities:
        seen[one.id] = seen.get(one.id, 0) + 1
    return lambda one: seen[one.id] == 1 and bool(ID_FORM.fullmatch(one.id))


def _same_site(url: str, source_url: str) -> bool:
    host, home = (urlsplit(one).hostname or "" for one in (url, source_url))
    return bool(host) and host.removeprefix("www.") == home.removeprefix("www.")


def _dates_in_order(activity: Activity) -> bool:
    start, end = activity.startDate, activity.endDate
    if all(ZONE.search(moment) for moment in (start, end)):
        return datetime.fromisoformat(end) >= datetime.fromisoformat(start)
    return not end or end[:10] >= start[:10]


def _times_have_zone(activity: Activity) -> bool:
    return all("T" not in moment or bool(ZONE.search(moment)) for moment in (activity.startDate, activity.endDate))


def _prices_valid(activity: Activity) -> bool:
    prices = [float(offer.price) for offer in activity.offers if offer.price]
    return all(price >= 0 for price in prices) and not (activity.isAccessibleForFree and prices and min(prices) > 0)


def _ages_valid(activity: Activity) -> bool:
    ages = activity.ageRange
    if ages is None or ages.minValue is None or ages.maxValue is None:
        return True
    return 0 <= ages.minValue <= ages.maxValue


def _physical(activity: Activity) -> bool:
    return activity.eventAttendanceMode != "OnlineEventAttendanceMode"


def _place_sane(activity: Activity) -> bool:
    return activity.geometry is None or any(value != 0 for value in activity.geometry.coordinates)


def _attributed(activity: Activity) -> bool:
    found = activity.geocoding
    return (
        found is None
        or found.status != "ok"
        or found.provider == "publisher"
        or found.attribution in activity.attribution
    )


def _maps_aligned(activities: Sequence[Activity], maps: Mapping[str, str | None]) -> CheckResult:
    wanted = ids_sha256(one.id for one in activities)
    wrong = sorted(name for name, found in maps.items() if found is not None and found != wanted)
    absent = sorted(name for name, found in maps.items() if found is None)
    sentence = (
        f"Of {len(maps)} maps {len(wrong)} were made from another id list {wrong}, {len(absent)} are absent {absent}."
    )
    return CheckResult("maps_aligned", not wrong, "ERROR", sentence)


def _not_empty(activities: Sequence[Activity], last: LastImport | None) -> CheckResult:
    before = f"; the last import left {len(last.ids)}" if last else ""
    return CheckResult(
        "not_empty", bool(activities), "ERROR", f"The source yields {len(activities)} activities{before}."
    )


def _count_against_last(activities: Sequence[Activity], last: LastImport | None) -> CheckResult:
    name = "count_against_last_import"
    if last is None or not last.ids:
        return CheckResult(name, True, "ERROR", "There is no earlier import to compare with.")
    share = len(activities) / len(last.ids)
    sentence = (
        f"{len(activities)} activities against {len(last.ids)} in the last import ({share:.0%}, wanted 50 % to 200 %)."
    )
    return CheckResult(name, 0.5 <= share <= 2.0, "ERROR", sentence, figure=round(share, 4))  # noqa: PLR2004 (stated in the sentence)


def _removals_against_last(activities: Sequence[Activity], last: LastImport | None, allowed: float) -> CheckResult:
    name = "removals_against_last_import"
    if last is None or not last.ids:
        return CheckResult(name, True, "ERROR", "There is no earlier import to compare with.")
    gone = sorted(last.ids - {one.id for one in activities})
    share = len(gone) / len(last.ids)
    sentence = f"{len(gone)} of {len(last.ids)} activities of the last import are missing ({share:.0%}, allowed {allowed:.0%})."
    return CheckResult(name, share <= allowed, "ERROR", sentence, tuple(gone[:SHOWN_IDS]), round(share, 4))
