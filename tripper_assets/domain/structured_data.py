"""An activity as schema.org's JSON-LD, as a page states it to search engines and to whoever reads it in turn."""

from typing import Any

from tripper_assets.domain.activities import Activity, AgeRange, Offer, OpeningHours, Place, Schedule
from tripper_assets.domain.model import without_empty

CONTEXT = "https://schema.org"


def structured_data(activity: Activity) -> dict[str, Any]:
    """Return the activity's JSON-LD; what it does not state is left out."""
    stated: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": activity.type,
        "identifier": activity.id,
        "name": activity.name,
        "description": activity.description,
        "url": activity.url,
        "inLanguage": activity.inLanguage,
        "keywords": list(dict.fromkeys([*activity.category, *activity.keywords])),
        "startDate": activity.startDate,
        "endDate": activity.endDate,
        "eventSchedule": [_typed("Schedule", one) for one in activity.eventSchedule],
        "openingHoursSpecification": [_typed("OpeningHoursSpecification", one) for one in activity.openingHoursSpecification],
        "eventStatus": activity.eventStatus and f"{CONTEXT}/{activity.eventStatus}",
        "eventAttendanceMode": activity.eventAttendanceMode and f"{CONTEXT}/{activity.eventAttendanceMode}",
        "typicalAgeRange": _ages(activity.ageRange),
        "location": _place(activity),
        "offers": [_typed("Offer", one) for one in activity.offers],
        "isAccessibleForFree": activity.isAccessibleForFree,
        "organizer": activity.organizer and {"@type": "Organization", "name": activity.organizer.name, "url": activity.organizer.url},
        "image": [one.sourceUrl for one in activity.image if one.sha256],
    }  # fmt: skip
    return without_empty(stated)


def _typed(kind: str, value: Schedule | OpeningHours | Offer) -> dict[str, Any]:
    return {"@type": kind, **value.dump()}


def _ages(ages: AgeRange | None) -> str:
    """Return the range as schema.org writes it: 3-6, 7-."""
    if ages is None or (ages.minValue is None and ages.maxValue is None):
        return ""
    return f"{ages.minValue or 0:g}-{'' if ages.maxValue is None else f'{ages.maxValue:g}'}"


def _place(activity: Activity) -> dict[str, Any] | None:
    place = activity.location or Place()
    stated: dict[str, Any] = {"name": place.name, "address": _address(place)}
    point = activity.geometry
    if point is not None:
        stated["geo"] = {
            "@type": "GeoCoordinates",
            "latitude": point.coordinates[1],
            "longitude": point.coordinates[0],
        }
    elif place.geo is not None:
        stated["geo"] = {"@type": "GeoCoordinates", **place.geo.dump()}
    kept = without_empty(stated)
    return {"@type": "Place", **kept} if kept else None


def _address(place: Place) -> dict[str, Any] | None:
    stated = place.address.dump()
    return {"@type": "PostalAddress", **stated} if stated else None
