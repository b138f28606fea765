"""Nominatim's search (format=jsonv2, addressdetails=1): structured where the question is, by the words where it is not."""

from pydantic import AliasChoices, Field, TypeAdapter

from tripper_assets.clients.geocoders.dialect import MOST_CANDIDATES, Answered, Dialect, one_line, parsed, path
from tripper_assets.clients.geocoders.geojson import Latitude, Longitude
from tripper_assets.domain.candidates import UNKNOWN, Candidate
from tripper_assets.domain.geocoding import PlaceQuery

TOWNS = (
    "city",
    "town",
    "village",
    "hamlet",
    "municipality",
    "borough",
    "city_district",
    "suburb",
    "quarter",
    "neighbourhood",
    "isolated_dwelling",
    "county",
)
REGIONS = ("state", "region", "province", "state_district")
RANKS = ((4, "country"), (12, "region"), (25, "locality"), (27, "street"), (30, "house"))
"""The last place_rank of each kind: https://nominatim.org/release-docs/latest/customize/Ranking/."""
TYPES = {"house": "house", "house_number": "house", "road": "street", "postcode": "postcode", "country": "country"}
HOUSES = frozenset({"place", "building"})
"""Categories of rank 30 that are a house; the others are venues."""
CONFIDENCE = {"house": 0.95, "venue": 0.9, "street": 0.9, "postcode": 0.85, "locality": 0.9, "region": 0.9}


class _Place(Answered):
    lat: Latitude
    lon: Longitude
    category: str = Field(default="", validation_alias=AliasChoices("category", "class"))
    type: str = ""
    place_rank: int | None = None
    importance: float | None = None
    addresstype: str = ""
    name: str | None = None
    display_name: str = ""
    osm_type: str = ""
    address: dict[str, str] = {}


PLACES = TypeAdapter(list[_Place])


def _path(question: PlaceQuery) -> str:
    options = {
        "format": "jsonv2",
        "addressdetails": "1",
        "limit": str(MOST_CANDIDATES),
        "countrycodes": question.countryCode.lower(),
    }
    is_line = bool(question.street) and not (question.locality or question.postalCode)
    asked = {"q": one_line(question)} if is_line else _structured(question)
    return path("/search", asked | options)


def _structured(question: PlaceQuery) -> dict[str, str]:
    return {
        "amenity": question.venue,
        "street": question.street,
        "city": question.locality,
        "state": question.region,
        "postalcode": question.postalCode,
    }


def _read(body: bytes) -> list[Candidate]:
    return [_candidate(place) for place in parsed(PLACES, body)]


def _candidate(place: _Place) -> Candidate:
    found = _type(place)
    # A number between two known ones is a way that runs along its houses.
    is_interpolated = found == "house" and place.osm_type == "way" and place.category == "place"
    return Candidate(
        latitude=place.lat,
        longitude=place.lon,
        type=found,
        accuracy="interpolated" if is_interpolated else "house" if found == "venue" else found,
        confidence=CONFIDENCE.get(found, 0.5),
        weight=place.importance or 0.0,
        name=place.name or place.display_name.partition(",")[0],
        label=place.display_name,
        house_number=place.address.get("house_number", ""),
        localities=tuple(place.address[name] for name in TOWNS if name in place.address),
        region=next((place.address[name] for name in REGIONS if name in place.address), ""),
        postal_code=place.address.get("postcode", ""),
        country_code=place.address.get("country_code", "").upper(),
    )


def _type(place: _Place) -> str:
    stated = TYPES.get(place.addresstype) or TYPES.get(place.type if place.category in HOUSES else "")
    if stated:
        return stated
    if place.place_rank is None:
        return UNKNOWN
    found = next((name for last, name in RANKS if place.place_rank <= last), UNKNOWN)
    return "venue" if found == "house" and place.category not in HOUSES else found


NOMINATIM = Dialect(_path, _read)
