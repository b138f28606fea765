"""How far apart places are on Earth, taken for a sphere."""

from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple, Protocol

EARTH_KM = 6371.0


class Located(Protocol):
    """What has a place, in degrees of WGS 84."""

    @property
    def latitude(self) -> float:
        """From the equator to the north."""
        ...

    @property
    def longitude(self) -> float:
        """From Greenwich to the east."""
        ...


class Degrees(NamedTuple):
    """A bare place, in degrees of WGS 84."""

    latitude: float
    longitude: float


def distance_km(one: Located, other: Located) -> float:
    """Return the length of the way along the great circle between two places (haversine)."""
    south, north = radians(one.latitude), radians(other.latitude)
    half = (
        sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin(radians(other.longitude - one.longitude) / 2) ** 2
    )
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))
