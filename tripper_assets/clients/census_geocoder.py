"""The geocoder role on the US Census: many houses in one request, and the towns, which it does not know, by the gazetteer."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.geocoders.census import BATCH_PATH, CENSUS, batch_body, is_askable, read_batch
from tripper_assets.clients.online_geocoder import GeocoderServer, OnlineGeocoder, read_answer
from tripper_assets.domain.candidates import judge
from tripper_assets.domain.country_shapes import CountryShapes
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery

STEPS = ("house", "locality")


class CensusGeocoder:
    """Asks the Census for houses, up to ``most_together`` in one request, and the offline gazetteer for towns."""

    is_free = False
    steps = STEPS
    keep_days = None

    def __init__(self, server: GeocoderServer, shapes: CountryShapes, gazetteer: OfflineGeocoder) -> None:
        self._server, self._shapes, self._gazetteer = server, shapes, gazetteer
        self._one = OnlineGeocoder(server, CENSUS, shapes)
        self.provider = f"{server.choice.provider} + {gazetteer.provider}"
        self.most_together = server.choice.terms.most_together

    def turn(self) -> AbstractContextManager[None]:
        """Wait for the turn at the server."""
        return self._server.turn()

    def geocode(self, query: PlaceQuery) -> GeocodeAnswer:
        """Return the answer to one question.

        Raises:
            TripperError: as the server's.
        """
        return self._one.geocode(query) if is_askable(query) else self._gazetteer.geocode(query)

    def geocode_together(self, questions: Sequence[PlaceQuery]) -> Mapping[str, GeocodeAnswer]:
        """Return the answers by the questions' keys; what the server left out is absent.

        Raises:
            TripperError: as the server's.
        """
        found = {one.key(): self._gazetteer.geocode(one) for one in questions if not is_askable(one)}
        houses = [one for one in questions if is_askable(one)]
        if len(houses) == 1:
            return found | {houses[0].key(): self._one.geocode(houses[0])}
        return found | (self._batch(houses) if houses else {})

    def _batch(self, houses: Sequence[PlaceQuery]) -> dict[str, GeocodeAnswer]:
        body = self._server.post(BATCH_PATH, *batch_body(houses))
        rows = read_answer(self._server, lambda: read_batch(body, len(houses)))
        terms = self._server.choice.terms
        return {houses[row].key(): judge(houses[row], places, terms, self._shapes) for row, places in rows.items()}
