"""Photon's search over GeoJSON: free words, with the kind of place named where the question is for a town, a street or a region."""

from pydantic import TypeAdapter

from tripper_assets.clients.geocoders.dialect import MOST_CANDIDATES, Answered, Dialect, one_line, parsed, path
from tripper_assets.clients.geocoders.geojson import Feature, FeatureCollection
from tripper_assets.domain.candidates import UNKNOWN, Candidate
from tripper_assets.domain.geocoding import PlaceQuery
from tripper_assets.domain.ladder import step_of

TYPES = {
    "house": "house",
    "street": "street",
    "locality": "locality",
    "district": "locality",
    "city": "locality",
    "county": "region",
    "state": "region",
    "country": "country",
    "other": "venue",
}
LAYERS = {"locality": ("city", "locality", "district"), "region": ("state", "county"), "street": ("street",)}
WEIGHTS = {"city": 0.8, "town": 0.6, "village": 0.4}
HOUSES = frozenset({"place", "building"})


class _Properties(Answered):
    osm_key: str = ""
    osm_value: str = ""
    type: str = ""
    name: str = ""
    housenumber: str = ""
    street: str = ""
    locality: str = ""
    district: str = ""
    city: str = ""
    county: str = ""
    state: str = ""
    postcode: str = ""
    country: str = ""
    countrycode: str = ""


ANSWER = TypeAdapter(FeatureCollection[_Properties])


def _path(question: PlaceQuery) -> str:
    asked = path(
        "/api/",
        {"q": one_line(question), "limit": str(MOST_CANDIDATES), "countrycode": question.countryCode},
    )
    return asked + "".join(f"&layer={layer}" for layer in LAYERS.get(step_of(question), ()))


def _read(body: bytes) -> list[Candidate]:
    return [_candidate(one) for one in parsed(ANSWER, body).features]


def _candidate(feature: Feature[_Properties]) -> Candidate:
    said, found = feature.properties, _type(feature.properties)
    longitude, latitude = feature.geometry.coordinates
    street = " ".join(part for part in (said.street, said.housenumber) if part)
    names = (said.name, street, said.postcode, said.city, said.state, said.country)
    return Candidate(
        latitude=latitude,
        longitude=longitude,
        type=found,
        accuracy="house" if found == "venue" else found,
        confidence=0.8 if found != UNKNOWN else 0.4,
        weight=WEIGHTS.get(said.osm_value, 0.2),
        name=said.name or street,
        label=", ".join(dict.fromkeys(name for name in names if name)),
        house_number=said.housenumber,
        localities=tuple(name for name in (said.city, said.district, said.locality, said.county) if name),
        region=said.state,
        postal_code=said.postcode,
        country_code=said.countrycode.upper(),
    )


def _type(said: _Properties) -> str:
    if said.osm_key == "place" and said.osm_value == "postcode":
        return "postcode"
    found = TYPES.get(said.type, UNKNOWN)
    return "venue" if found == "house" and said.name and said.osm_key not in HOUSES else found


PHOTON = Dialect(_path, _read)
