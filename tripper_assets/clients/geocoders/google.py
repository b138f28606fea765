"""Google's Geocoding API: words with the country as a component; its status field says what an HTTP status says elsewhere."""

from pydantic import TypeAdapter

from tripper_assets.clients.geocoders.dialect import (
    Answered,
    Dialect,
    RefusedQuestionError,
    UnreadableAnswerError,
    one_line,
    parsed,
    path,
)
from tripper_assets.clients.geocoders.geojson import Latitude, Longitude
from tripper_assets.domain.candidates import UNKNOWN, Candidate
from tripper_assets.domain.errors import ConfigurationError, TransientError
from tripper_assets.domain.geocoding import PlaceQuery

BUSY = frozenset({"OVER_QUERY_LIMIT", "OVER_DAILY_LIMIT", "UNKNOWN_ERROR"})
TYPES = {
    "street_address": "house",
    "premise": "house",
    "subpremise": "house",
    "establishment": "venue",
    "point_of_interest": "venue",
    "park": "venue",
    "route": "street",
    "intersection": "street",
    "postal_code": "postcode",
    "locality": "locality",
    "sublocality": "locality",
    "neighborhood": "locality",
    "postal_town": "locality",
    "administrative_area_level_3": "locality",
    "administrative_area_level_2": "region",
    "administrative_area_level_1": "region",
    "country": "country",
}
TOWNS = (
    "locality",
    "postal_town",
    "sublocality",
    "sublocality_level_1",
    "neighborhood",
    "administrative_area_level_3",
    "administrative_area_level_2",
)
CONFIDENCE = {"ROOFTOP": 0.95, "RANGE_INTERPOLATED": 0.8, "GEOMETRIC_CENTER": 0.8, "APPROXIMATE": 0.7}
PRECISION = {
    "ROOFTOP": "house",
    "RANGE_INTERPOLATED": "interpolated",
    "GEOMETRIC_CENTER": "street",
    "APPROXIMATE": "locality",
}
PARTIAL = 0.2
"""What a match of a part of the words takes from the confidence."""


class _Location(Answered):
    lat: Latitude
    lng: Longitude


class _Geometry(Answered):
    location: _Location
    location_type: str = ""


class _Component(Answered):
    long_name: str = ""
    short_name: str = ""
    types: list[str] = []


class _Result(Answered):
    formatted_address: str = ""
    geometry: _Geometry
    types: list[str] = []
    partial_match: bool = False
    address_components: list[_Component] = []


class _Answer(Answered):
    status: str
    results: list[_Result] = []


ANSWER = TypeAdapter(_Answer)


def _path(question: PlaceQuery) -> str:
    components = f"country:{question.countryCode}" if question.countryCode else ""
    return path("/maps/api/geocode/json", {"address": one_line(question), "components": components})


def _read(body: bytes) -> list[Candidate]:
    answer = parsed(ANSWER, body)
    if answer.status in {"OK", "ZERO_RESULTS"}:
        return [_candidate(one) for one in answer.results]
    if answer.status in BUSY:
        raise TransientError(f"the provider says {answer.status}")
    if answer.status == "REQUEST_DENIED":
        raise ConfigurationError("the provider refuses the key; check GOOGLE_API_KEY and what it may be used for")
    if answer.status == "INVALID_REQUEST":
        raise RefusedQuestionError("the provider says INVALID_REQUEST")
    raise UnreadableAnswerError("the answer's status is none of the provider's")


def _candidate(result: _Result) -> Candidate:
    found = next((TYPES[name] for name in result.types if name in TYPES), UNKNOWN)
    confidence = CONFIDENCE.get(result.geometry.location_type, 0.5) - (PARTIAL if result.partial_match else 0)
    parts = {name: one for one in reversed(result.address_components) for name in one.types}

    def part(name: str, *, short: bool = False) -> str:
        one = parts.get(name)
        return "" if one is None else one.short_name if short else one.long_name

    return Candidate(
        latitude=result.geometry.location.lat,
        longitude=result.geometry.location.lng,
        type=found,
        accuracy=_accuracy(found, result.geometry.location_type),
        confidence=confidence,
        name=part("locality") if found == "locality" else result.formatted_address.partition(",")[0],
        label=result.formatted_address,
        house_number=part("street_number"),
        localities=tuple(part(name) for name in TOWNS if part(name)),
        region=part("administrative_area_level_1"),
        postal_code=part("postal_code"),
        country_code=part("country", short=True).upper(),
    )


def _accuracy(found: str, location_type: str) -> str:
    """Return the precision that the kind of point gives a house or a venue."""
    if found not in {"house", "venue"}:
        return found
    if found == "venue" and location_type == "GEOMETRIC_CENTER":
        return "house"
    return PRECISION.get(location_type, UNKNOWN)


GOOGLE = Dialect(_path, _read, key_parameter="key")
