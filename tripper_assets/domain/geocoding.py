"""Where an activity is: the normalised question, the answer, and the ladder from the publisher's word to a region."""

from tripper_assets.domain.activities import Geocoding
from tripper_assets.domain.identity import canonical_json
from tripper_assets.domain.model import Model


class PlaceQuery(Model):
    """One normalised question to a geocoder; countryCode is ISO 3166-1 alpha-2 or empty."""

    street: str = ""
    venue: str = ""
    locality: str = ""
    region: str = ""
    postalCode: str = ""
    countryCode: str = ""

    def key(self) -> str:
        """Return the text that the cache knows this question by: equal questions have equal keys."""
        return canonical_json(self.dump())


class GeocodeAnswer(Model):
    """What a provider says to one question; coordinates are WGS 84 degrees, None unless geocoding.status is ok."""

    geocoding: Geocoding
    latitude: float | None = None
    longitude: float | None = None
