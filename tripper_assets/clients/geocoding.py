"""Finding the places of activities: the publisher's word, else one question for each distinct address, asked once ever."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tripper_assets.domain.activities import Activity, Geocoding, GeoCoordinates
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery, place_query
from tripper_assets.domain.maps import PlaceRow
from tripper_assets.domain.sources import Region

SAVED_TOGETHER = 50
"""Answers that a killed run may lose at most."""
OUTAGES_IN_A_ROW = 5
"""After so many the provider is down, and the rest is asked by a later run."""


class Geocoder(Protocol):
    """Says where a place is; that it is unknown or ambiguous is an answer, an outage is a TransientError."""

    provider: str
    """What caches know the answers by."""
    is_free: bool
    """Whether asking again costs and annoys nobody, so that work goes on where the cache cannot be read."""

    def geocode(self, query: PlaceQuery) -> GeocodeAnswer:
        """Return the answer to one question."""
        ...


class GeocodeCache(Protocol):
    """Answers by provider and question."""

    def load(self, provider: str, queries: Sequence[str]) -> dict[str, GeocodeAnswer]:
        """Return the known answers by question."""
        ...

    def save(self, provider: str, answers: Mapping[str, GeocodeAnswer]) -> None:
        """Keep the answers."""
        ...


@dataclass
class GeocodeCounts:
    """What a run asked and found: queries, outages and reused count distinct questions, the others activities."""

    queries: int = 0
    """Questions that the geocoder was asked, answered or not."""
    reused: int = 0
    """Questions that the cache answered."""
    outages: int = 0
    """Questions that the geocoder failed to answer."""
    publisher: int = 0
    """Places by their publisher's own coordinates."""
    found: int = 0
    """Places by the geocoder or the cache."""
    not_found: int = 0
    ambiguous: int = 0
    rejected: int = 0
    """Answers outside the source's region."""
    deferred: int = 0
    no_address: int = 0


def geocode_activities(
    activities: Sequence[Activity],
    *,
    geocoder: Geocoder,
    cache: GeocodeCache,
    country_code: str | None,
    region: Region | None,
    on_progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> tuple[tuple[PlaceRow, ...], GeocodeCounts]:
    """Return one row for each activity, ordered by id, and what it took.

    The publisher's own coordinates count first. ``country_code`` holds for places that name no country; an answer outside
    ``region`` is rejected. Equal questions are asked once, and an outage defers its question, which is asked by the next run.

    Raises:
        TripperError: the cache does not answer, or the geocoder fails for good; the answers until then are kept.
    """
    counts = GeocodeCounts()
    queries = {one.id: place_query(one, country_code) for one in activities if _publisher_point(one) is None}
    answers = _answers([query for query in queries.values() if query], geocoder, cache, counts, on_progress)
    rows = [
        _row(one, _publisher_point(one), queries.get(one.id), answers, region)
        for one in sorted(activities, key=lambda one: one.id)
    ]
    for row in rows:
        _count(row.geocoding, counts)
    return tuple(rows), counts


def _publisher_point(activity: Activity) -> GeoCoordinates | None:
    """Return the stated coordinates; 0, 0 is what software writes for "unknown", and no place for children."""
    geo = activity.location.geo if activity.location else None
    return geo if geo and (geo.latitude, geo.longitude) != (0, 0) else None


def _answers(
    queries: Sequence[PlaceQuery],
    geocoder: Geocoder,
    cache: GeocodeCache,
    counts: GeocodeCounts,
    on_progress: Callable[[int, int], object],
) -> dict[str, GeocodeAnswer]:
    """Return the answers by question; deferred questions are absent."""
    # In the order of their keys, so that an outage hits the same questions however the pages were ordered.
    distinct = {query.key(): query for query in sorted(queries, key=PlaceQuery.key)}
    known = cache.load(geocoder.provider, list(distinct)) if distinct else {}
    missing = {key: query for key, query in distinct.items() if key not in known}
    counts.reused = len(distinct) - len(missing)
    return known | _asked(
        missing, geocoder, lambda answers: cache.save(geocoder.provider, answers), counts, on_progress
    )


def _asked(
    queries: Mapping[str, PlaceQuery],
    geocoder: Geocoder,
    save: Callable[[Mapping[str, GeocodeAnswer]], None],
    counts: GeocodeCounts,
    on_progress: Callable[[int, int], object],
) -> dict[str, GeocodeAnswer]:
    answers: dict[str, GeocodeAnswer] = {}
    unsaved: dict[str, GeocodeAnswer] = {}
    outages = 0
    try:
        for key, query in queries.items():
            if outages >= OUTAGES_IN_A_ROW:
                break
            counts.queries += 1
            on_progress(counts.queries, len(queries))
            try:
                answer = geocoder.geocode(query)
            except TransientError:
                outages += 1
                counts.outages += 1
                continue
            outages = 0
            if answer.geocoding.status == "deferred":
                continue
            answers[key] = unsaved[key] = answer
            if len(unsaved) >= SAVED_TOGETHER:
                save(unsaved)
                unsaved = {}
    finally:
        if unsaved:
            save(unsaved)
    return answers


def _row(
    activity: Activity,
    point: GeoCoordinates | None,
    query: PlaceQuery | None,
    answers: Mapping[str, GeocodeAnswer],
    region: Region | None,
) -> PlaceRow:
    if point is not None:
        return _publisher_row(activity, point)
    if query is None:
        return PlaceRow(activity_id=activity.id, geocoding=Geocoding(status="no_address"))
    answer = answers.get(query.key())
    if answer is None:
        label = "The geocoder gave no answer; the next run asks again."
        return PlaceRow(activity_id=activity.id, geocoding=Geocoding(status="deferred", label=label))
    if _is_outside(answer, region):
        return PlaceRow(activity_id=activity.id, geocoding=answer.geocoding.model_copy(update={"status": "rejected"}))
    return PlaceRow(
        activity_id=activity.id, latitude=answer.latitude, longitude=answer.longitude, geocoding=answer.geocoding
    )


def _publisher_row(activity: Activity, point: GeoCoordinates) -> PlaceRow:
    geocoding = Geocoding(
        status="ok", type="publisher", accuracy="exact", rung="publisher", provider="publisher", confidence=1.0
    )
    return PlaceRow(activity_id=activity.id, latitude=point.latitude, longitude=point.longitude, geocoding=geocoding)


def _is_outside(answer: GeocodeAnswer, region: Region | None) -> bool:
    if region is None or answer.latitude is None or answer.longitude is None:
        return False
    return not region.holds(answer.latitude, answer.longitude)


def _count(geocoding: Geocoding, counts: GeocodeCounts) -> None:
    name = geocoding.status
    if name == "ok":
        name = "publisher" if geocoding.rung == "publisher" else "found"
    setattr(counts, name, getattr(counts, name) + 1)
