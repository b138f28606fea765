"""The shape of answers in GeoJSON (RFC 7946): points in longitude and latitude, each with what its provider says of it."""

from typing import Annotated, Generic, TypeVar

from pydantic import Field

from tripper_assets.clients.geocoders.dialect import Answered

Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Properties = TypeVar("Properties", bound=Answered)


class Point(Answered):
    """Where a place is."""

    coordinates: tuple[Longitude, Latitude]


class Feature(Answered, Generic[Properties]):
    """One place."""

    geometry: Point
    properties: Properties


class FeatureCollection(Answered, Generic[Properties]):
    """All places of an answer, the provider's best first."""

    features: list[Feature[Properties]]
