"""The filters of a search as a query states them, the same for the search, the lists and the exports."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from tripper_assets.api.actions import source_of
from tripper_assets.api.context import ApiContext
from tripper_assets.api.problems import InputRefusedError
from tripper_assets.domain.search import FARTHEST_KM, OLDEST
from tripper_assets.extract.questions import NEAR_KM


class AskedFilters(BaseModel):
    """What a query says; what it leaves out filters nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: date | None = Field(default=None, description="It happens on this day.", examples=["2026-05-02"])
    since: date | None = Field(default=None, description="It happens on a day from then on.")
    until: date | None = Field(default=None, description="The last day, inclusive.")
    latitude: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    longitude: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    radius_km: float | None = Field(default=None, gt=0, le=FARTHEST_KM, allow_inf_nan=False)
    age: float | None = Field(default=None, ge=0, le=OLDEST, allow_inf_nan=False, description="The child's, in years.")
    min_age: float | None = Field(default=None, ge=0, le=OLDEST, allow_inf_nan=False)
    max_age: float | None = Field(default=None, ge=0, le=OLDEST, allow_inf_nan=False)
    free: bool = Field(default=False, description="Only what costs nothing.")
    max_price: float | None = Field(default=None, ge=0, le=1_000_000, allow_inf_nan=False)
    tag: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default=[], max_length=20, description="A category, keyword or tag; may be repeated."
    )
    language: str = Field(default="", pattern=r"^([a-z]{2,3})?$", description="Of its text, such as de.")
    source: str | None = Field(default=None, min_length=1, max_length=300, description="A source, by key or URL.")
    past: bool = Field(default=False, description="Also what is over.")


def stated(context: ApiContext, asked: AskedFilters) -> dict[str, Any]:
    """Return what the domain's filters take.

    Raises:
        InputRefusedError: half a point is given, or there is no such source.
    """
    since, until = (asked.on, asked.on) if asked.on else (asked.since, asked.until)
    low, high = (asked.age, asked.age) if asked.age is not None else (asked.min_age, asked.max_age)
    given: dict[str, Any] = {
        "since": since,
        "until": until,
        "near": _near(asked),
        "min_age": low,
        "max_age": high,
        "free": asked.free or None,
        "max_price": asked.max_price,
        "tags": tuple(asked.tag) or None,
        "language": asked.language or None,
        "past": asked.past or None,
        "source_key": _source_key(context, asked.source),
    }
    return {name: value for name, value in given.items() if value is not None}


def _near(asked: AskedFilters) -> dict[str, float] | None:
    if asked.latitude is None and asked.longitude is None:
        if asked.radius_km is not None:
            raise InputRefusedError("radius_km is around no point; give latitude and longitude too.")
        return None
    if asked.latitude is None or asked.longitude is None:
        raise InputRefusedError("latitude and longitude are one point; give both.")
    return {"latitude": asked.latitude, "longitude": asked.longitude, "radius_km": asked.radius_km or NEAR_KM}


def _source_key(context: ApiContext, named: str | None) -> str | None:
    if named is None:
        return None
    found = source_of(context, named)
    if found is None:
        raise InputRefusedError("There is no such source; GET /v1/sources lists them.")
    return found.key


Filters = Annotated[AskedFilters, Query()]
