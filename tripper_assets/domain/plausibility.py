"""Whether coordinates can be true: null island, exchanged axes, another country than the stated, one point for many addresses."""

from collections.abc import Iterable, Mapping

from tripper_assets.domain.activities import PostalAddress
from tripper_assets.domain.country_shapes import CountryShapes, is_null_island
from tripper_assets.domain.identity import fold
from tripper_assets.domain.ladder import house_and_road
from tripper_assets.domain.maps import PlaceRow
from tripper_assets.domain.model import ActivityId

NULL_ISLAND = "null_island"
AXES_SWAPPED = "axes_swapped"
WRONG_COUNTRY = "wrong_country"
WRONG_REGION = "wrong_region"
SHARED = "coordinate_shared"
FINE = frozenset({"exact", "house", "interpolated", "street"})
"""Precisions that a guide can send a family to; one coordinate for two addresses is odd for these alone."""
SAME_POINT_DIGITS = 5
"""A metre."""


def point_trouble(latitude: float, longitude: float, country_code: str, shapes: CountryShapes) -> str:
    """Return why a point cannot be meant, empty where nothing speaks against it."""
    if is_null_island(latitude, longitude):
        return NULL_ISLAND
    if not country_code or shapes.holds(country_code, latitude, longitude) is not False:
        return ""
    return AXES_SWAPPED if shapes.is_swapped(country_code, latitude, longitude) else WRONG_COUNTRY


def address_key(address: PostalAddress) -> str:
    """Return what tells an address from others, without rooms and floors; empty where no street is stated."""
    number, road = house_and_road(address.streetAddress)
    if not road:
        return ""
    return "|".join((fold(f"{road} {number}"), fold(address.addressLocality), fold(address.postalCode)))


def shared_coordinates(rows: Iterable[PlaceRow], addresses: Mapping[ActivityId, str]) -> set[ActivityId]:
    """Return the activities whose fine coordinates are also those of another address; ``addresses`` holds the keys by id."""
    at: dict[tuple[float, float], dict[str, list[ActivityId]]] = {}
    for row in rows:
        address = addresses.get(row.activity_id, "")
        if address and row.latitude is not None and row.longitude is not None and row.geocoding.accuracy in FINE:
            point = (round(row.latitude, SAME_POINT_DIGITS), round(row.longitude, SAME_POINT_DIGITS))
            at.setdefault(point, {}).setdefault(address, []).append(row.activity_id)
    return {one for found in at.values() if len(found) > 1 for ids in found.values() for one in ids}
