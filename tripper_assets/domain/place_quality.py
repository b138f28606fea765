"""The checks of places: are they found, how precisely, can they be true, and is it said whose data they are."""

from collections.abc import Callable, Sequence

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.check_results import CheckResult, each
from tripper_assets.domain.country_shapes import CountryShapes, is_null_island
from tripper_assets.domain.plausibility import FINE, SHARED
from tripper_assets.domain.sources import Region

COUNTRY_FROM_CONFIG = "country_from_config"
"""The problem of activities whose country is the source's and not their address's."""
PLACE_CHECKS = (
    "places_sane", "places_in_country", "attributed", "places_found", "places_precise", "places_in_region", "coordinates_apart",
)  # fmt: skip


def place_checks(
    activities: Sequence[Activity], shapes: CountryShapes | None, region: Region | None
) -> list[CheckResult]:
    """Return the verdicts on the places of a bundle; without ``shapes`` or ``region`` nothing is held against them."""
    located = [one for one in activities if one.geometry is not None]
    return [
        each("places_sane", "ERROR", 1.0, activities, lambda one: _is_sane(one, shapes)),
        each("places_in_country", "ERROR", 1.0, activities, lambda one: _is_in_country(one, shapes)),
        each("attributed", "ERROR", 1.0, activities, _is_attributed),
        each("places_found", "WARN", 0.8, activities, lambda one: one.geometry is not None or not _is_physical(one)),
        each("places_precise", "WARN", 0.7, [one for one in located if _may_be_precise(one)], _is_precise),
        each(
            "places_in_region",
            "WARN",
            0.98,
            located,
            lambda one: _at(one, lambda lat, lon: region is None or region.holds(lat, lon)),
        ),
        each(
            "coordinates_apart",
            "WARN",
            0.95,
            located,
            lambda one: not one.quality or f"place_{SHARED}" not in one.quality.problems,
        ),
    ]


def _may_be_precise(activity: Activity) -> bool:
    """Return whether whoever placed it knows more than towns: that the gazetteer does not is the operator's choice and no news."""
    return activity.geocoding is None or activity.geocoding.provider != "offline"


def _is_precise(activity: Activity) -> bool:
    return activity.geocoding is None or activity.geocoding.accuracy in FINE


def _is_physical(activity: Activity) -> bool:
    return activity.eventAttendanceMode != "OnlineEventAttendanceMode"


def _is_sane(activity: Activity, shapes: CountryShapes | None) -> bool:
    country = stated_country(activity)
    return _at(
        activity,
        lambda lat, lon: (
            not is_null_island(lat, lon) and not (shapes and country and shapes.is_swapped(country, lat, lon))
        ),
    )


def _is_in_country(activity: Activity, shapes: CountryShapes | None) -> bool:
    """Return whether the place lies in the country that its own address states; the source's is a guess that a place near a border corrects."""
    country = "" if country_is_guessed(activity) else stated_country(activity)
    return not (shapes and country) or _at(activity, lambda lat, lon: shapes.holds(country, lat, lon) is not False)


def country_is_guessed(activity: Activity) -> bool:
    """Return whether the country of the address is only its source's."""
    return activity.quality is not None and COUNTRY_FROM_CONFIG in activity.quality.problems


def stated_country(activity: Activity) -> str:
    """Return the country of the address as an alpha-2 code, empty where it has none."""
    return activity.location.address.addressCountry if activity.location else ""


def _at(activity: Activity, holds: Callable[[float, float], bool]) -> bool:
    """Return what holds for latitude and longitude of the place; an activity without one passes."""
    if activity.geometry is None:
        return True
    longitude, latitude = activity.geometry.coordinates
    return holds(latitude, longitude)


def _is_attributed(activity: Activity) -> bool:
    """Return whether coordinates that are somebody's data say whose they are and under which licence."""
    found = activity.geocoding
    if found is None or found.status != "ok" or found.provider == "publisher":
        return True
    return bool(found.licence) and found.attribution in activity.attribution
