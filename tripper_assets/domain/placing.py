"""The row of each activity: the publisher's coordinates where they can be true, else what the ladder came to, with what is odd about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tripper_assets.domain.activities import Activity, Geocoding, GeoCoordinates
from tripper_assets.domain.country_shapes import CountryShapes
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery
from tripper_assets.domain.ladder import Settled
from tripper_assets.domain.maps import PlaceRow
from tripper_assets.domain.place_quality import country_is_guessed, stated_country
from tripper_assets.domain.plausibility import SHARED, WRONG_COUNTRY, address_key, point_trouble, shared_coordinates
from tripper_assets.domain.sources import Region

OUTSIDE_REGION = "outside_region"


@dataclass(frozen=True)
class Placing:
    """What the places of one source are judged by."""

    country_code: str
    """Of places that name no country; empty where the source states none."""
    region: Region | None
    shapes: CountryShapes

    def publisher_trouble(self, activity: Activity) -> str:
        """Return why the publisher's coordinates cannot be true, empty where they may be or there are none."""
        point = publisher_point(activity)
        if point is None:
            return ""
        stated = stated_country(activity)
        trouble = point_trouble(point.latitude, point.longitude, stated or self.country_code, self.shapes)
        # The source's country is a guess, and a place across the border corrects it; exchanged axes are odd all the same.
        return "" if trouble == WRONG_COUNTRY and (not stated or country_is_guessed(activity)) else trouble

    def row(
        self, activity: Activity, query: PlaceQuery | None, found: Mapping[str, Settled], why_deferred: str
    ) -> PlaceRow:
        """Return the row of one activity."""
        point, trouble = publisher_point(activity), self.publisher_trouble(activity)
        if point is not None and not trouble:
            return _publisher_row(activity, point)
        odd = (f"publisher_{trouble}",) if trouble else ()
        if query is None:
            status = "rejected" if trouble else "no_address"
            return PlaceRow(activity_id=activity.id, geocoding=Geocoding(status=status), problems=odd)
        settled = found[query.key()]
        if settled.answer is None:
            deferred = Geocoding(status="deferred", label=why_deferred)
            return PlaceRow(activity_id=activity.id, geocoding=deferred, problems=odd)
        return self._answered(activity, query, settled.answer, (*odd, *settled.problems))

    def _answered(
        self, activity: Activity, query: PlaceQuery, answer: GeocodeAnswer, problems: tuple[str, ...]
    ) -> PlaceRow:
        trouble = self._answer_trouble(answer, query)
        if trouble:
            rejected = answer.geocoding.model_copy(update={"status": "rejected"})
            return PlaceRow(activity_id=activity.id, geocoding=rejected, problems=_sorted(*problems, trouble))
        return PlaceRow(
            activity_id=activity.id,
            latitude=answer.latitude,
            longitude=answer.longitude,
            geocoding=answer.geocoding,
            problems=_sorted(*problems),
        )

    def _answer_trouble(self, answer: GeocodeAnswer, query: PlaceQuery) -> str:
        if answer.latitude is None or answer.longitude is None:
            return ""
        if self.region and not self.region.holds(answer.latitude, answer.longitude):
            return OUTSIDE_REGION
        return point_trouble(answer.latitude, answer.longitude, query.countryCode, self.shapes)


def publisher_point(activity: Activity) -> GeoCoordinates | None:
    """Return the stated coordinates."""
    return activity.location.geo if activity.location else None


def flag_shared(rows: Sequence[PlaceRow], activities: Sequence[Activity]) -> list[PlaceRow]:
    """Return the rows, those flagged whose coordinates are also those of another address."""
    addresses = {one.id: address_key(one.location.address) for one in activities if one.location}
    shared = shared_coordinates(rows, addresses)
    return [
        row.model_copy(update={"problems": _sorted(*row.problems, SHARED)}) if row.activity_id in shared else row
        for row in rows
    ]


def _publisher_row(activity: Activity, point: GeoCoordinates) -> PlaceRow:
    geocoding = Geocoding(
        status="ok", type="publisher", accuracy="exact", rung="publisher", provider="publisher", confidence=1.0
    )
    return PlaceRow(activity_id=activity.id, latitude=point.latitude, longitude=point.longitude, geocoding=geocoding)


def _sorted(*problems: str) -> tuple[str, ...]:
    return tuple(sorted(set(problems)))
