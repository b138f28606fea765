"""What good data is: the score of one activity, and the checks and guards that a bundle must pass before it is published."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.check_results import SHOWN_IDS, CheckResult, each
from tripper_assets.domain.country_shapes import CountryShapes
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.model import ActivityId
from tripper_assets.domain.picture_quality import PICTURE_CHECKS, StoredPictures, picture_checks
from tripper_assets.domain.place_quality import PLACE_CHECKS, place_checks
from tripper_assets.domain.sources import Region
from tripper_assets.domain.yields import MOST_UNREAD, YIELD_CHECK, Yields, is_a_fraction, read_share, yield_sentence

GOOD_DESCRIPTION = 40
MIN_NAME, MAX_NAME = 3, 150
ID_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ZONE = re.compile(r"(Z|[+-][0-9]{2}:[0-9]{2})\Z")


@dataclass(frozen=True)
class LastImport:
    """What the catalog holds of a source: the ids that the last import left in place."""

    ids: frozenset[ActivityId]
    embedding_models: frozenset[str] = frozenset()
    """Whose vectors its records have."""


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


@dataclass(frozen=True)
class Expectations:
    """What a bundle is held against."""

    source_url: str
    maps: Mapping[str, str | None]
    """The ids_sha256 of each map that was joined, None where there was none."""
    last: LastImport | None
    """None before the first import."""
    allowed_removals: float
    """The share of the last import that may be missing (SourceConfig.require_review_above)."""
    yields: Yields | None = None
    """What the bundle's crawl saw beside the last ones, None where it crawled nothing."""
    refused: tuple[ActivityId, ...] = ()
    """Those that a person took out."""
    pictures: StoredPictures | None = None
    """What a look at their files told, None where nobody looked."""
    shapes: CountryShapes | None = None
    region: Region | None = None
    """Where places may be, as far as it is known."""


def check_bundle(activities: Sequence[Activity], wanted: Expectations) -> list[CheckResult]:
    """Return the verdicts on a bundle that is ready to be published."""
    return [
        each("ids_unique", "ERROR", 1.0, activities, _unique_ids(activities)),
        each("names_usable", "ERROR", 1.0, activities, lambda one: MIN_NAME <= len(one.name) <= MAX_NAME),
        each("urls_in_source", "ERROR", 0.99, activities, lambda one: _same_site(one.url, wanted.source_url)),
        each("dates_in_order", "ERROR", 1.0, activities, _dates_in_order),
        each("times_have_zone", "ERROR", 1.0, activities, _times_have_zone),
        each("prices_valid", "ERROR", 1.0, activities, _prices_valid),
        each("ages_valid", "ERROR", 1.0, activities, _ages_valid),
        _maps_aligned(sorted([*(one.id for one in activities), *wanted.refused]), wanted.maps),
        _not_empty(activities, wanted.last),
        _count_against_last(activities, wanted.last),
        _removals_against_last(activities, wanted.last, wanted.allowed_removals),
        _one_embedding_model(activities, wanted.last),
        _yield_against_last_runs(wanted.yields),
        _pages_read(wanted.yields),
        each("descriptions_usable", "WARN", 0.9, activities, lambda one: len(one.description) >= GOOD_DESCRIPTION),
        each("dates_stated", "WARN", 0.9, activities, lambda one: needed_fields(one)["when"]),
        each("places_stated", "WARN", 0.9, activities, _states_place),
        *picture_checks(activities, wanted.pictures),
        *place_checks(activities, wanted.shapes, wanted.region),
    ]


CHECKS = (
    "ids_unique", "names_usable", "urls_in_source", "dates_in_order", "times_have_zone", "prices_valid", "ages_valid",
    "maps_aligned", "not_empty", "count_against_last_import", "removals_against_last_import", "embeddings_of_one_model", YIELD_CHECK,
    "pages_read", "descriptions_usable", "dates_stated", "places_stated", *PICTURE_CHECKS, *PLACE_CHECKS,
)  # fmt: skip


COMPARING = frozenset(
    {"count_against_last_import", "removals_against_last_import", "embeddings_of_one_model", YIELD_CHECK, "pages_read"}
)


def uncompared(result: CheckResult) -> CheckResult:
    """Return a verdict that was reached without a look at the catalog: one that compares with it says so, as a warning."""
    if result.name not in COMPARING:
        return result
    return CheckResult(
        result.name, False, "WARN", "The catalog did not answer, so that nothing could be compared with."
    )


def blocking(results: Sequence[CheckResult], overrides: Sequence[str] = ()) -> list[CheckResult]:
    """Return the failed ERROR checks that no decision overrides by name: what keeps a bundle from being imported."""
    return [one for one in results if not one.passed and one.severity == "ERROR" and one.name not in overrides]


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


def _maps_aligned(ids: Sequence[ActivityId], maps: Mapping[str, str | None]) -> CheckResult:
    wanted = ids_sha256(ids)
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


def _one_embedding_model(activities: Sequence[Activity], last: LastImport | None) -> CheckResult:
    """Hold a bundle whose vectors are of several models, or of another than the last import's and not all there.

    While the model stays, a missing vector is one activity less in the search by meaning; where it changes, it is a whole source.
    """
    name = "embeddings_of_one_model"
    models = {f"{one.embedding.model} ({one.embedding.dimensions})" for one in activities if one.embedding}
    names = {one.embedding.model for one in activities if one.embedding}
    without = [one.id for one in activities if one.embedding is None]
    if len(models) > 1:
        return CheckResult(
            name, False, "ERROR", f"The vectors are of {len(models)} models: {', '.join(sorted(models))}."
        )
    changed = last is not None and bool(last.embedding_models) and not names <= last.embedding_models
    lost = last is not None and bool(last.embedding_models) and not names and bool(activities)
    if (changed or lost) and without:
        sentence = (
            f"The last import's vectors are of {', '.join(sorted(last.embedding_models)) if last else ''}, and {len(without)} of {len(activities)} "
            "activities have none of the model that is used now; materialize embedding_batch and what follows again."
        )
        return CheckResult(name, False, "ERROR", sentence, tuple(without[:SHOWN_IDS]))
    told = next(iter(models), "no model")
    return CheckResult(
        name,
        True,
        "ERROR",
        f"{len(activities) - len(without)} of {len(activities)} activities have a vector of {told}.",
    )


def _yield_against_last_runs(yields: Yields | None) -> CheckResult:
    if yields is None:
        return CheckResult(
            YIELD_CHECK, True, "ERROR", "The workflow asked the site for nothing, so nothing is compared."
        )
    share = round(yields.now.stated / yields.usual, 4) if yields.usual else None
    return CheckResult(YIELD_CHECK, not is_a_fraction(yields), "ERROR", yield_sentence(yields), figure=share)


def _pages_read(yields: Yields | None) -> CheckResult:
    share = read_share(yields.now) if yields else 1.0
    wanted = 1 - MOST_UNREAD
    sentence = f"{share:.0%} of the pages that were asked for could be read (wanted {wanted:.0%})."
    return CheckResult("pages_read", share >= wanted, "WARN", sentence, figure=round(share, 4))
