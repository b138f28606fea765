"""Geocoding a source: one question for each distinct address ever, outages that cost nothing but time, rows that never move."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripper_assets.clients.asking_geocoders import GeocodeCounts
from tripper_assets.clients.geocoding import geocode_activities
from tripper_assets.domain.activities import Activity, Geocoding, GeoCoordinates, Place, PostalAddress, Quality
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery
from tripper_assets.domain.maps import PlaceRow
from tripper_assets.domain.sources import Region

BAVARIA = Region(min_latitude=47, min_longitude=9, max_latitude=51, max_longitude=14)
KNOWN = {"Munich": (48.1, 11.6), "Cologne": (50.9, 6.9)}


class FakeGeocoder:
    """Knows two towns, refuses "Neustadt", and is down for what it is told to be down for."""

    provider = "fake"
    is_free = True
    steps: tuple[str, ...] = ()
    keep_days = None

    def __init__(self, *, down_for: Sequence[str] = (), fails_for: str = "") -> None:
        self.asked: list[str] = []
        self._down_for = down_for
        self._fails_for = fails_for

    def turn(self) -> AbstractContextManager[None]:
        return nullcontext()

    def geocode(self, query: PlaceQuery) -> GeocodeAnswer:
        self.asked.append(query.locality)
        if query.locality in self._down_for:
            raise TransientError("The geocoder is down.")
        if self._fails_for and query.locality == self._fails_for:
            raise PermanentError("The key of the geocoder is wrong.")
        if query.locality == "Neustadt":
            return GeocodeAnswer(geocoding=Geocoding(status="ambiguous"))
        if query.locality == "Busy":
            return GeocodeAnswer(geocoding=Geocoding(status="deferred"))
        if query.locality not in KNOWN:
            return GeocodeAnswer(geocoding=Geocoding(status="not_found"))
        latitude, longitude = KNOWN[query.locality]
        return GeocodeAnswer(geocoding=Geocoding(status="ok", rung="locality"), latitude=latitude, longitude=longitude)


class FakeCache:
    """Keeps answers in memory, and how many came at a time."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], GeocodeAnswer] = {}
        self.saves: list[int] = []

    def load(self, provider: str, queries: Sequence[str]) -> dict[str, GeocodeAnswer]:
        return {query: self.answers[provider, query] for query in queries if (provider, query) in self.answers}

    def save(self, provider: str, answers: Mapping[str, GeocodeAnswer]) -> None:
        self.saves.append(len(answers))
        self.answers |= {(provider, query): answer for query, answer in answers.items()}


def activity(number: int, town: str = "", **fields: object) -> Activity:
    location = Place(address=PostalAddress(addressLocality=town)) if town else None
    return Activity.model_validate(
        {
            "id": f"id-{number:04}",
            "index": number,
            "source_key": "example-org-00000000",
            "source_url": "https://example.org/",
            "url": f"https://example.org/{number}",
            "type": "Event",
            "name": "Puppets",
            "location": location,
        }
        | fields
    )


def geocode(
    activities: Sequence[Activity],
    geocoder: FakeGeocoder | None = None,
    cache: FakeCache | None = None,
    region: Region | None = None,
) -> tuple[tuple[PlaceRow, ...], GeocodeCounts]:
    return geocode_activities(
        activities, geocoder=geocoder or FakeGeocoder(), cache=cache or FakeCache(), country_code="DE", region=region
    )


def statuses(rows: Sequence[PlaceRow]) -> list[str]:
    return [row.geocoding.status for row in rows]


def test_a_thousand_equal_addresses_are_one_question() -> None:
    geocoder = FakeGeocoder()

    rows, counts = geocode([activity(number, "Munich") for number in range(1000)], geocoder)

    assert geocoder.asked == ["Munich"]
    assert {(row.latitude, row.longitude) for row in rows} == {(48.1, 11.6)}
    assert (counts.queries, counts.found) == (1, 1000)


def test_the_second_run_asks_nothing_whatever_the_answers_were() -> None:
    activities = [activity(1, "Munich"), activity(2, "Neustadt"), activity(3, "Atlantis")]
    cache, geocoder = FakeCache(), FakeGeocoder()
    first, _ = geocode(activities, FakeGeocoder(), cache)

    second, counts = geocode(activities, geocoder, cache)

    assert second == first
    assert geocoder.asked == []
    assert (counts.queries, counts.reused) == (0, 3)
    assert (counts.found, counts.ambiguous, counts.not_found) == (1, 1, 1)


def test_an_activity_more_asks_for_that_one_only() -> None:
    cache, geocoder = FakeCache(), FakeGeocoder()
    geocode([activity(2, "Munich")], FakeGeocoder(), cache)

    rows, _ = geocode([activity(1, "Cologne"), activity(2, "Munich")], geocoder, cache)

    assert geocoder.asked == ["Cologne"]
    assert [row.latitude for row in rows] == [50.9, 48.1]


def test_the_publishers_own_coordinates_count_and_ask_nobody() -> None:
    geocoder = FakeGeocoder()
    place = Place(geo=GeoCoordinates(latitude=48.2, longitude=11.5), address=PostalAddress(addressLocality="Munich"))

    rows, counts = geocode([activity(1, location=place)], geocoder)

    assert (rows[0].latitude, rows[0].longitude) == (48.2, 11.5)
    assert (rows[0].geocoding.rung, rows[0].geocoding.provider) == ("publisher", "publisher")
    assert geocoder.asked == []
    assert (counts.publisher, counts.found) == (1, 0)


def test_null_island_is_no_coordinate_of_a_publisher() -> None:
    place = Place(geo=GeoCoordinates(latitude=0, longitude=0), address=PostalAddress(addressLocality="Munich"))

    rows, counts = geocode([activity(1, location=place)])

    assert (rows[0].latitude, counts.publisher, counts.found, counts.disbelieved) == (48.1, 0, 1, 1)
    assert rows[0].problems == ("publisher_null_island",)


@pytest.mark.parametrize(
    ("latitude", "longitude", "problem"),
    [(45.7, 4.8, "publisher_wrong_country"), (11.5, 48.2, "publisher_axes_swapped")],
)
def test_coordinates_of_a_publisher_that_cannot_be_true_are_flagged_and_the_address_is_asked_for(
    latitude: float, longitude: float, problem: str
) -> None:
    address = PostalAddress(addressLocality="Munich", addressCountry="DE")
    place = Place(geo=GeoCoordinates(latitude=latitude, longitude=longitude), address=address)

    rows, counts = geocode([activity(1, location=place)])

    assert (rows[0].latitude, rows[0].geocoding.status, rows[0].problems) == (48.1, "ok", (problem,))
    assert (counts.publisher, counts.found, counts.disbelieved) == (0, 1, 1)


def test_wrong_coordinates_without_an_address_are_no_place() -> None:
    address = PostalAddress(addressCountry="DE")
    place = Place(geo=GeoCoordinates(latitude=45.7, longitude=4.8), address=address)

    rows, _ = geocode([activity(1, location=place)])

    assert (rows[0].latitude, rows[0].geocoding.status) == (None, "rejected")
    assert rows[0].problems == ("publisher_wrong_country",)


def test_a_place_across_the_border_corrects_the_country_that_only_the_source_states() -> None:
    place = Place(geo=GeoCoordinates(latitude=47.56, longitude=7.59), address=PostalAddress(addressCountry="FR"))
    guessed = Quality(score=1, problems=("country_from_config",))

    rows, counts = geocode([activity(1, location=place, quality=guessed)])

    assert (rows[0].latitude, rows[0].problems, counts.publisher) == (47.56, (), 1)


def test_one_coordinate_for_different_addresses_is_flagged_and_rooms_of_one_house_are_not() -> None:
    def at(number: int, street: str, latitude: float) -> Activity:
        geo = GeoCoordinates(latitude=latitude, longitude=11.5)
        address = PostalAddress(streetAddress=street, addressLocality="Munich")
        return activity(number, location=Place(geo=geo, address=address))

    rows, counts = geocode(
        [
            at(1, "Lange Gasse 1", 48.2),
            at(2, "Kurze Gasse 7", 48.2),
            at(3, "Marktplatz 3, Raum 2", 48.3),
            at(4, "Marktplatz 3", 48.3),
        ]
    )

    assert [row.problems for row in rows] == [("coordinate_shared",), ("coordinate_shared",), (), ()]
    assert counts.shared == 2


def test_an_answer_outside_the_region_of_the_source_is_rejected_and_stays_cached() -> None:
    cache = FakeCache()

    rows, counts = geocode(
        [activity(1, "Munich"), activity(2, "Cologne"), activity(3, "Atlantis")], cache=cache, region=BAVARIA
    )

    assert statuses(rows) == ["ok", "rejected", "not_found"]
    assert (rows[1].latitude, rows[1].longitude) == (None, None)
    assert counts.rejected == 1
    assert sorted(answer.geocoding.status for answer in cache.answers.values()) == ["not_found", "ok", "ok"]


def test_activities_without_a_place_or_online_have_no_address() -> None:
    online = activity(2, "Munich", eventAttendanceMode="OnlineEventAttendanceMode")
    geocoder = FakeGeocoder()

    rows, counts = geocode([activity(1), online], geocoder)

    assert statuses(rows) == ["no_address", "no_address"]
    assert (geocoder.asked, counts.no_address) == ([], 2)


def test_an_outage_defers_its_question_and_the_others_go_on() -> None:
    activities = [activity(1, "Cologne"), activity(2, "Munich"), activity(3, "Cologne")]
    cache = FakeCache()

    rows, counts = geocode(activities, FakeGeocoder(down_for=["Cologne"]), cache)
    later, _ = geocode(activities, FakeGeocoder(), cache)

    assert statuses(rows) == ["deferred", "ok", "deferred"]
    assert (counts.queries, counts.outages, counts.deferred) == (2, 1, 2)
    assert statuses(later) == ["ok", "ok", "ok"]


def test_a_deferred_answer_is_not_kept() -> None:
    cache = FakeCache()

    rows, _ = geocode([activity(1, "Busy")], cache=cache)

    assert (statuses(rows), cache.answers) == (["deferred"], {})


def test_after_five_outages_in_a_row_nobody_is_asked_any_more() -> None:
    towns = [f"Town {letter}" for letter in "abcdefghij"]
    geocoder = FakeGeocoder(down_for=towns)

    rows, counts = geocode([activity(number, town) for number, town in enumerate(towns)], geocoder)

    assert len(geocoder.asked) == 5
    assert set(statuses(rows)) == {"deferred"}
    assert counts.deferred == 10


def test_outages_between_answers_do_not_add_up() -> None:
    towns = [f"Town {letter}" for letter in "abcdefghijklmnop"]
    geocoder = FakeGeocoder(down_for=towns[::2])

    rows, _ = geocode([activity(number, town) for number, town in enumerate(towns)], geocoder)

    assert statuses(rows) == ["deferred", "not_found"] * 8


def test_answers_are_saved_fifty_at_a_time() -> None:
    cache = FakeCache()

    geocode([activity(number, f"Town {number:03}") for number in range(120)], cache=cache)

    assert cache.saves == [50, 50, 20]


class Limited(FakeGeocoder):
    """One that counts its questions, and may be asked by one process at a time."""

    is_free = False

    def __init__(self, *, down_for: Sequence[str] = (), killed_at: int = 0) -> None:
        super().__init__(down_for=down_for)
        self._killed_at = killed_at
        self.turns = 0

    def turn(self) -> AbstractContextManager[None]:
        self.turns += 1
        return nullcontext()

    def geocode(self, query: PlaceQuery) -> GeocodeAnswer:
        if len(self.asked) == self._killed_at > 0:
            raise KeyboardInterrupt
        return super().geocode(query)


def test_a_run_that_is_killed_asks_nothing_again_that_a_limited_geocoder_answered() -> None:
    activities = [activity(number, f"Town {number:03}") for number in range(20)]
    cache, killed, again = FakeCache(), Limited(killed_at=7), Limited()
    with pytest.raises(KeyboardInterrupt):
        geocode(activities, killed, cache)

    geocode(activities, again, cache)

    assert (len(killed.asked), len(again.asked)) == (7, 13)
    assert set(killed.asked) & set(again.asked) == set()


def test_what_another_process_was_answered_during_the_wait_is_not_asked_again() -> None:
    cache, other, mine = FakeCache(), Limited(), Limited()
    activities = [activity(1, "Munich"), activity(2, "Cologne")]
    mine.turn = lambda: (geocode(activities, other, cache), nullcontext())[1]  # type: ignore[method-assign]

    rows, counts = geocode(activities, mine, cache)

    assert (statuses(rows), mine.asked, counts.queries, counts.reused) == (["ok", "ok"], [], 0, 2)


class FlakyCache(FakeCache):
    """A catalog that is away for its first writes."""

    def __init__(self, away_for: int) -> None:
        super().__init__()
        self._away_for = away_for

    def save(self, provider: str, answers: Mapping[str, GeocodeAnswer]) -> None:
        self._away_for -= 1
        if self._away_for >= 0:
            raise TransientError("The catalog is down.")
        super().save(provider, answers)


def test_an_answer_that_could_not_be_kept_at_once_is_kept_with_a_later_one() -> None:
    cache, geocoder = FlakyCache(away_for=1), Limited()

    rows, _ = geocode([activity(1, "Cologne"), activity(2, "Munich")], geocoder, cache)

    assert statuses(rows) == ["ok", "ok"]
    assert (len(geocoder.asked), len(cache.answers)) == (2, 2)


def test_answers_that_cannot_be_kept_at_all_fail_the_run() -> None:
    with pytest.raises(TransientError, match="catalog"):
        geocode([activity(1, "Cologne")], Limited(), FlakyCache(away_for=9))


def test_an_error_for_good_keeps_the_answers_until_then() -> None:
    cache = FakeCache()

    with pytest.raises(PermanentError, match="key"):
        geocode([activity(1, "Cologne"), activity(2, "Munich")], FakeGeocoder(fails_for="Munich"), cache)

    assert cache.saves == [1]


def test_no_activities_are_no_rows_and_no_question_to_the_cache() -> None:
    assert geocode([]) == ((), GeocodeCounts())


TOWNS = st.sampled_from(["Munich", "Cologne", "Neustadt", "Atlantis", "Down", "Busy", ""])


@settings(deadline=None)
@given(st.data(), st.lists(TOWNS, max_size=12))
def test_any_order_of_activities_gives_the_same_rows(data: st.DataObject, towns: list[str]) -> None:
    activities = [activity(number, town) for number, town in enumerate(towns)]
    shuffled = data.draw(st.permutations(activities))

    rows = geocode(activities, FakeGeocoder(down_for=["Down"]), region=BAVARIA)

    assert geocode(shuffled, FakeGeocoder(down_for=["Down"]), region=BAVARIA) == rows
    assert [row.activity_id for row in rows[0]] == [one.id for one in activities]
