"""Finding the places of activities: the publisher's word, else one question for each distinct address, asked once ever."""

from collections.abc import Callable, Sequence

from tripper_assets.clients.asking_geocoders import Asking, GeocodeCache, GeocodeCounts, Geocoder
from tripper_assets.clients.country_shapes import country_shapes
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.geocoding import place_query
from tripper_assets.domain.maps import PlaceRow
from tripper_assets.domain.placing import Placing, flag_shared, publisher_point
from tripper_assets.domain.plausibility import SHARED
from tripper_assets.domain.sources import Region

OUTAGE = "The geocoder gave no answer; the next run asks again."
UNASKED = "A replay asks no geocoder; the next run of the source does."


def geocode_activities(
    activities: Sequence[Activity],
    *,
    geocoder: Geocoder,
    cache: GeocodeCache,
    country_code: str | None,
    region: Region | None,
    on_progress: Callable[[int, int], object] = lambda _done, _total: None,
    asks: bool = True,
) -> tuple[tuple[PlaceRow, ...], GeocodeCounts]:
    """Return one row for each activity, ordered by id, and what it took.

    The publisher's own coordinates count first, unless they cannot be true. ``country_code`` holds for places that name no country; an
    answer outside ``region`` is rejected. Equal questions are asked once, and an outage defers its question, which is asked by the next
    run; where ``asks`` is off, all that the cache does not answer is deferred.

    Raises:
        TripperError: the cache does not answer, or the geocoder fails for good; the answers until then are kept.
    """
    counts, placing = GeocodeCounts(), Placing(country_code or "", region, country_shapes())
    queries = {
        one.id: place_query(one, country_code)
        for one in activities
        if publisher_point(one) is None or placing.publisher_trouble(one)
    }
    distinct = {query.key(): query for query in queries.values() if query}
    found = Asking(geocoder, cache, counts, on_progress, asks=asks).settle(distinct)
    why = OUTAGE if asks else UNASKED
    rows = [placing.row(one, queries.get(one.id), found, why) for one in sorted(activities, key=lambda one: one.id)]
    rows = flag_shared(rows, activities)
    for row in rows:
        _count(row, counts)
    return tuple(rows), counts


def _count(row: PlaceRow, counts: GeocodeCounts) -> None:
    name = row.geocoding.status
    if name == "ok":
        name = "publisher" if row.geocoding.rung == "publisher" else "found"
    setattr(counts, name, getattr(counts, name) + 1)
    counts.disbelieved += bool(set(row.problems) - {SHARED})
    counts.shared += SHARED in row.problems
