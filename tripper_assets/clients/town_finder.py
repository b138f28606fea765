"""Towns by the name that a person types: the gazetteer's answer, and where several are meant, the one in a country of the catalog."""

from collections.abc import Sequence

from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.gazetteer_index import find_towns
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery
from tripper_assets.domain.search import Spot


class TownFinder:
    """Finds towns; a name that is a town in one of ``countries`` alone is that town, whatever else the world has of the name."""

    def __init__(self, gazetteer: OfflineGeocoder, countries: Sequence[str]) -> None:
        self._gazetteer = gazetteer
        self._countries = countries

    def find(self, name: str, least_people: int) -> Spot | None:
        """Return the town of a name; None where it is not clear which is meant, or that has fewer people.

        Raises:
            ConfigurationError: the gazetteer's index cannot be built.
            CorruptObjectError: it cannot be read.
        """
        if not name.strip():
            return None
        for country in ("", *self._countries):
            answer = self._gazetteer.geocode(PlaceQuery(locality=name, countryCode=country))
            if answer.latitude is not None and answer.longitude is not None:
                return self._spot(name, answer) if self._people(name, answer) >= least_people else None
        return None

    def _people(self, name: str, answer: GeocodeAnswer) -> int:
        towns = find_towns(self._gazetteer.index, name, "")
        here = (answer.latitude, answer.longitude)
        return next((town.population for town in towns if (town.latitude, town.longitude) == here), 0)

    def _spot(self, name: str, answer: GeocodeAnswer) -> Spot:
        assert answer.latitude is not None and answer.longitude is not None  # noqa: S101, PT018 (it was asked before)
        return Spot(
            latitude=answer.latitude, longitude=answer.longitude, radius_km=1, label=answer.geocoding.label or name
        )
