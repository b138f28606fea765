"""Pelias' search over GeoJSON: structured, or by the words where the town stands somewhere in a line."""

from pydantic import TypeAdapter

from tripper_assets.clients.geocoders.dialect import MOST_CANDIDATES, Answered, Dialect, one_line, parsed, path
from tripper_assets.clients.geocoders.geojson import Feature, FeatureCollection
from tripper_assets.domain.candidates import UNKNOWN, Candidate
from tripper_assets.domain.geocoding import PlaceQuery

TYPES = {
    "address": "house",
    "venue": "venue",
    "street": "street",
    "intersection": "street",
    "postalcode": "postcode",
    "neighbourhood": "locality",
    "borough": "locality",
    "localadmin": "locality",
    "locality": "locality",
    "county": "region",
    "macrocounty": "region",
    "region": "region",
    "macroregion": "region",
    "country": "country",
    "dependency": "country",
}


class _Properties(Answered):
    layer: str = ""
    name: str = ""
    label: str = ""
    housenumber: str = ""
    postalcode: str = ""
    confidence: float = 0.5
    accuracy: str = ""
    match_type: str = ""
    country_code: str = ""
    region: str = ""
    county: str = ""
    localadmin: str = ""
    locality: str = ""
    borough: str = ""
    neighbourhood: str = ""
    population: float | None = None


ANSWER = TypeAdapter(FeatureCollection[_Properties])


def _path(question: PlaceQuery) -> str:
    is_line = bool(question.street) and not (question.locality or question.postalCode)
    if is_line:
        asked = {"text": one_line(question), "boundary.country": question.countryCode}
        return path("/v1/search", asked | {"size": str(MOST_CANDIDATES)})
    asked = {
        "venue": question.venue,
        "address": question.street,
        "locality": question.locality,
        "region": question.region,
        "postalcode": question.postalCode,
        "country": question.countryCode,
    }
    return path("/v1/search/structured", asked | {"size": str(MOST_CANDIDATES)})


def _read(body: bytes) -> list[Candidate]:
    return [_candidate(one) for one in parsed(ANSWER, body).features]


def _candidate(feature: Feature[_Properties]) -> Candidate:
    said = feature.properties
    longitude, latitude = feature.geometry.coordinates
    found = TYPES.get(said.layer, UNKNOWN)
    is_between = "interpolated" in {said.match_type, said.accuracy}
    towns = (said.locality, said.localadmin, said.borough, said.neighbourhood, said.county)
    return Candidate(
        latitude=latitude,
        longitude=longitude,
        type=found,
        accuracy=_accuracy(found, said, is_between=is_between),
        confidence=said.confidence,
        weight=said.confidence,
        name=said.name,
        label=said.label or said.name,
        house_number=said.housenumber,
        localities=tuple(name for name in towns if name),
        region=said.region,
        postal_code=said.postalcode,
        country_code=said.country_code.upper(),
    )


def _accuracy(found: str, said: _Properties, *, is_between: bool) -> str:
    if found not in {"house", "venue"}:
        return found
    if is_between:
        return "interpolated"
    # A house known only by the middle of something larger is no house.
    return "street" if found == "house" and said.accuracy == "centroid" else "house"


PELIAS = Dialect(_path, _read)
