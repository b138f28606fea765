"""Servers on 127.0.0.1 that answer as five providers of places document it, over one small world, and fail as a seed tells them to."""

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tripper_assets.clients.asking_geocoders import Geocoder
from tripper_assets.clients.census_geocoder import CensusGeocoder
from tripper_assets.clients.country_shapes import country_shapes
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.geocoders.dialect import Dialect
from tripper_assets.clients.geocoders.google import GOOGLE
from tripper_assets.clients.geocoders.nominatim import NOMINATIM
from tripper_assets.clients.geocoders.pelias import PELIAS
from tripper_assets.clients.geocoders.photon import PHOTON
from tripper_assets.clients.online_geocoder import GeocoderServer, OnlineGeocoder, Turns
from tripper_assets.domain.geocoders import GEOCODERS, GeocoderChoice
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite, serve

NOW = datetime(2026, 11, 26, tzinfo=UTC)
KEY = "AIza-canary-51ab"
DIALECTS: dict[str, Dialect] = {"nominatim": NOMINATIM, "photon": PHOTON, "pelias": PELIAS, "google": GOOGLE}
BY_LADDER = sorted(DIALECTS)
ALL_PROVIDERS = [*BY_LADDER, "census"]


@dataclass(frozen=True)
class Spot:
    """One place of the world."""

    kind: str
    name: str
    town: str
    latitude: float
    longitude: float
    number: str = ""
    region: str = "Illinois"
    code: str = ""
    country: str = "US"


TOWNS = [
    Spot("locality", "Springfield", "Springfield", 39.8, -89.65, region="Illinois"),
    Spot("locality", "Springfield", "Springfield", 42.11, -72.54, region="Massachusetts"),
    Spot("locality", "Peoria", "Peoria", 40.69, -89.59),
    Spot("locality", "Lyon", "Lyon", 45.76, 4.84, region="Auvergne-Rhône-Alpes", country="FR"),
]
HOUSES = [
    Spot("house", "Main Street", "Peoria", 40.69 + number / 1000, -89.59, str(number), code="61602")
    for number in range(1, 400)
]
WORLD = [
    *TOWNS,
    *HOUSES,
    Spot("street", "Main Street", "Peoria", 40.7, -89.59, code="61602"),
    Spot("venue", "City Library", "Peoria", 40.6937, -89.5902, code="61602"),
    Spot("postcode", "61602", "", 40.68, -89.6, code="61602"),
    Spot("house", "Rue de la République", "Lyon", 45.764, 4.836, "5", "Auvergne-Rhône-Alpes", "69002", "FR"),
]


class GeocoderSite:
    """A provider's server; ``site`` remembers who asked for what."""

    def __init__(self, site: LoopbackSite, provider: str, world: list[Spot] | None = None) -> None:
        self.site, self.provider = site, provider
        self.world = WORLD if world is None else world
        self.fault: Callable[[int], str] = lambda _: ""
        site.fallback = self._respond

    @property
    def count(self) -> int:
        return len(self.site.requests)

    def _respond(self, asked: Asked) -> Answer:
        fault = self.fault(self.count)
        if fault in FAULTS:
            return FAULTS[fault]
        spots = ASKED[self.provider](asked, self.world)
        if fault in ODD:
            spots = [[ODD[fault](spot) for spot in row] for row in spots]
        return Answer(200, SAID[self.provider](spots), {"Content-Type": "application/json"})


FAULTS = {
    "429": Answer(429, b"slow down"),
    "429 rest": Answer(429, b"slow down", {"Retry-After": "30"}),
    "500": Answer(500, b"<h1>oops</h1>"),
    "503": Answer(503),
    "html": Answer(200, b"<html><body>Please log in</body></html>", {"Content-Type": "text/html"}),
    "half": Answer(200, b'[{"lat": "40.'),
    "other json": Answer(200, b'{"message": "ok"}'),
    "empty": Answer(200, b""),
    "undecodable": Answer(200, gzip.compress(b"[]")[:10] + b"\xff" * 20, {"Content-Encoding": "gzip"}),
    "cut": Answer(raw=iter(())),
    "redirect": Answer(302, b"", {"Location": "http://127.0.0.1:1/"}),
    "late": Answer(200, b"[]", delay_seconds=0.5),
}
ODD: dict[str, Callable[[Spot], Spot]] = {
    "wrong country": lambda spot: replace(spot, latitude=48.2, longitude=16.37, country="AT"),
    "swapped": lambda spot: replace(spot, latitude=spot.longitude, longitude=spot.latitude),
    "null island": lambda spot: replace(spot, latitude=0.0, longitude=0.0),
}


def seeded(seed: int, share: float = 0.5) -> Callable[[int], str]:
    """Fail a share of the requests in ways that a seed draws."""
    drawn = random.Random(seed)
    outages = sorted(set(FAULTS) - {"late", "cut"})
    return lambda _: drawn.choice(outages) if drawn.random() < share else ""


def _query(asked: Asked) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}


def _match(world: list[Spot], **asked: str) -> list[Spot]:
    """Return the spots that have all that is stated: street, venue, town, region, code, country."""
    return [spot for spot in world if _is_meant(spot, asked)]


def _is_meant(spot: Spot, asked: dict[str, str]) -> bool:
    wanted = {name: value.lower() for name, value in asked.items() if value}
    if "street" in wanted:
        named = spot.kind in {"house", "street"} and f"{spot.number} {spot.name}".strip().lower() == wanted["street"]
    elif "venue" in wanted:
        named = spot.kind == "venue" and spot.name.lower() == wanted["venue"]
    elif "town" in wanted:
        named = spot.kind == "locality"
    else:
        named = spot.kind == "postcode" and spot.code == wanted.get("code")
    around = {"town": spot.town, "region": spot.region, "code": spot.code, "country": spot.country}
    return named and all(not around[name] or around[name].lower() == wanted[name] for name in around if name in wanted)


def _words(text: str, country: str, world: list[Spot]) -> list[Spot]:
    """Return the finest spots that a line of words names."""
    parts = [part.strip() for part in text.lower().split(",")]
    words = " ".join(parts)
    found = [
        spot
        for spot in world
        if (not country or spot.country == country)
        and f"{spot.number} {spot.name}".strip().lower() in (parts if spot.kind != "locality" else [words])
        and (not spot.town or spot.town.lower() in words)
    ]
    return found or [
        spot
        for spot in world
        if spot.kind == "locality"
        and (not country or spot.country == country)
        and parts == [spot.name.lower(), *([spot.region.lower()] if len(parts) > 1 else [])]
    ]


def _asked_nominatim(asked: Asked, world: list[Spot]) -> list[list[Spot]]:
    said = _query(asked)
    country = said.get("countrycodes", "").upper()
    if "q" in said:
        return [_words(said["q"], country, world)]
    names = {"amenity": "venue", "street": "street", "city": "town", "state": "region", "postalcode": "code"}
    given = {ours: said.get(theirs, "") for theirs, ours in names.items()}
    return [_match(world, **given, country=country)]


def _asked_pelias(asked: Asked, world: list[Spot]) -> list[list[Spot]]:
    said = _query(asked)
    if "text" in said:
        return [_words(said["text"], said.get("boundary.country", ""), world)]
    names = {"venue": "venue", "address": "street", "locality": "town", "region": "region", "postalcode": "code"}
    return [_match(world, **{ours: said.get(theirs, "") for theirs, ours in names.items()}, country=said["country"])]


def _asked_photon(asked: Asked, world: list[Spot]) -> list[list[Spot]]:
    said = _query(asked)
    return [_words(_without_code(said["q"]), said.get("countrycode", ""), world)]


def _asked_google(asked: Asked, world: list[Spot]) -> list[list[Spot]]:
    said = _query(asked)
    assert said["key"] == KEY
    return [_words(_without_code(said["address"]), said.get("components", "").removeprefix("country:"), world)]


def _without_code(text: str) -> str:
    for code in ("61602 ", "69002 "):
        text = text.replace(code, "")
    return text


def _asked_census(asked: Asked, world: list[Spot]) -> list[list[Spot]]:
    if not asked.body:
        said = _query(asked)
        return [_match(world, street=said["street"], town=said.get("city", ""), code=said.get("zip", ""))]
    table = asked.body.decode().split("text/csv\r\n\r\n")[1].split("\r\n--")[0]
    rows = list(csv.reader(io.StringIO(table)))
    return [_match(world, street=row[1], town=row[2], code=row[4]) for row in rows]


ASKED: dict[str, Callable[[Asked, list[Spot]], list[list[Spot]]]] = {
    "nominatim": _asked_nominatim,
    "photon": _asked_photon,
    "pelias": _asked_pelias,
    "google": _asked_google,
    "census": _asked_census,
}
RANKS = {"house": 30, "venue": 30, "street": 26, "postcode": 21, "locality": 16}


def _nominatim(rows: list[list[Spot]]) -> bytes:
    return json.dumps([_nominatim_place(spot) for spot in rows[0]]).encode()


def _nominatim_place(spot: Spot) -> dict[str, Any]:
    category = {"house": ("place", "house"), "venue": ("amenity", "library"), "street": ("highway", "residential")}
    known = {"house_number": spot.number, "city": spot.town, "state": spot.region, "postcode": spot.code}
    found = category.get(spot.kind, ("place", "postcode" if spot.kind == "postcode" else "city"))
    address = {name: value for name, value in known.items() if value} | {"country_code": spot.country.lower()}
    return {
        "place_id": 7,
        "licence": "Data © OpenStreetMap contributors, ODbL 1.0.",
        "osm_type": "node",
        "lat": str(spot.latitude),
        "lon": str(spot.longitude),
        "category": found[0],
        "type": found[1],
        "place_rank": RANKS[spot.kind],
        "importance": 0.4,
        "addresstype": {"house": "place", "street": "road", "venue": "amenity"}.get(spot.kind, found[1]),
        "name": "" if spot.number else spot.name,
        "display_name": f"{spot.number} {spot.name}, {spot.town}".strip(),
        "address": address,
        "boundingbox": ["1", "2", "3", "4"],
    }


def _photon(rows: list[list[Spot]]) -> bytes:
    kinds = {"house": "house", "venue": "house", "street": "street", "locality": "city", "postcode": "other"}
    keys = {"venue": ("amenity", "library"), "street": ("highway", "residential"), "postcode": ("place", "postcode")}
    features: list[dict[str, Any]] = []
    for spot in rows[0]:
        key, value = keys.get(spot.kind, ("place", "house" if spot.kind == "house" else "city"))
        said = {"osm_key": key, "osm_value": value, "type": kinds[spot.kind], "countrycode": spot.country}
        said |= {"city": spot.town, "state": spot.region, "postcode": spot.code, "country": "x"}
        said |= {"street": spot.name, "housenumber": spot.number} if spot.number else {"name": spot.name}
        features.append({"type": "Feature", "geometry": _point(spot), "properties": said})
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def _point(spot: Spot) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [spot.longitude, spot.latitude]}


def _pelias(rows: list[list[Spot]]) -> bytes:
    layers = {"house": "address", "postcode": "postalcode"}
    features: list[dict[str, Any]] = []
    for spot in rows[0]:
        said = {"layer": layers.get(spot.kind, spot.kind), "name": spot.name, "housenumber": spot.number}
        said |= {"confidence": 1, "match_type": "exact", "accuracy": "point" if spot.number else "centroid"}
        said |= {"locality": spot.town, "region": spot.region, "postalcode": spot.code, "country_code": spot.country}
        features.append({"type": "Feature", "geometry": _point(spot), "properties": said})
    return json.dumps({"geocoding": {"version": "0.2"}, "type": "FeatureCollection", "features": features}).encode()


def _google(rows: list[list[Spot]]) -> bytes:
    types = {
        "house": ["street_address"],
        "venue": ["establishment", "point_of_interest"],
        "street": ["route"],
        "postcode": ["postal_code"],
        "locality": ["locality", "political"],
    }
    results: list[dict[str, Any]] = []
    for spot in rows[0]:
        parts = {"street_number": spot.number, "locality": spot.town, "postal_code": spot.code}
        parts |= {"administrative_area_level_1": spot.region, "country": spot.country}
        components = [{"long_name": text, "short_name": text, "types": [name]} for name, text in parts.items() if text]
        where = {"location": {"lat": spot.latitude, "lng": spot.longitude}, "location_type": "ROOFTOP"}
        results.append(
            {
                "address_components": components,
                "formatted_address": f"{spot.number} {spot.name}, {spot.town}".strip(),
                "geometry": where,
                "place_id": "x",
                "types": types[spot.kind],
            }
        )
    return json.dumps({"results": results, "status": "OK" if results else "ZERO_RESULTS"}).encode()


def _census(rows: list[list[Spot]]) -> bytes:
    labels = [[f"{s.number} {s.name.upper()}, {s.town.upper()}, IL, {s.code}" for s in row] for row in rows]
    if len(rows) > 1:
        table = io.StringIO()
        writer = csv.writer(table, quoting=csv.QUOTE_ALL)
        # The Census answers in another order than it was asked.
        for number in reversed(range(len(rows))):
            if rows[number]:
                spot = rows[number][0]
                point = f"{spot.longitude},{spot.latitude}"
                writer.writerow([number, "asked", "Match", "Exact", labels[number][0], point, "7", "L"])
            else:
                writer.writerow([number, "asked", "No_Match"])
        return table.getvalue().encode()
    matches = [
        {"coordinates": {"x": spot.longitude, "y": spot.latitude}, "matchedAddress": label, "tigerLine": {"side": "L"}}
        for spot, label in zip(rows[0], labels[0], strict=True)
    ]
    return json.dumps({"result": {"input": {}, "addressMatches": matches}}).encode()


SAID: dict[str, Callable[[list[list[Spot]]], bytes]] = {
    "nominatim": _nominatim,
    "photon": _photon,
    "pelias": _pelias,
    "google": _google,
    "census": _census,
}


@dataclass
class FreeTurn:
    rest_seconds: float


class FreeTurns:
    """Turns for one thread alone; remembers how long each asked to rest."""

    def __init__(self) -> None:
        self.rests: list[float] = []

    @contextmanager
    def turn(self, name: str, *, rest_seconds: float, lease_seconds: float) -> Iterator[FreeTurn]:
        assert name
        assert lease_seconds > rest_seconds
        held = FreeTurn(rest_seconds)
        yield held
        self.rests.append(held.rest_seconds)


def geocoder_at(
    url: str,
    provider: str,
    *,
    gazetteer: OfflineGeocoder | None = None,
    turns: Turns | None = None,
    delay_seconds: float = 1.0,
    timeout_seconds: float = 20.0,
) -> Geocoder:
    """Return the geocoder of a provider at a server."""
    terms = replace(GEOCODERS[provider], timeout_seconds=timeout_seconds)
    choice = GeocoderChoice(terms, url, delay_seconds)
    server = GeocoderServer(choice, turns=turns or FreeTurns(), user_agent="test", clock=lambda: NOW, key=KEY)
    if provider == "census":
        assert gazetteer is not None
        return CensusGeocoder(server, country_shapes(), gazetteer)
    return OnlineGeocoder(server, DIALECTS[provider], country_shapes())


@contextmanager
def serve_places(provider: str, world: list[Spot] | None = None) -> Iterator[GeocoderSite]:
    with serve() as site:
        yield GeocoderSite(site, provider, world)
