"""Online geocoders at servers that speak as the providers do: each question once, honest precision, and no fault that becomes a place."""

import json
import random
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripper_assets.clients.asking_geocoders import GeocodeCounts, Geocoder
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.geocoding import geocode_activities
from tripper_assets.domain.activities import Activity, GeoCoordinates, Place, PostalAddress
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.geocoding import PlaceQuery
from tripper_assets.domain.maps import PlaceRow
from tripper_assets_tests.clients.geocoder_servers import (
    ALL_PROVIDERS,
    BY_LADDER,
    FAULTS,
    KEY,
    FreeTurns,
    GeocoderSite,
    geocoder_at,
    seeded,
    serve_places,
)
from tripper_assets_tests.clients.loopback import Answer, serve
from tripper_assets_tests.clients.test_geocoding import FakeCache, activity

VECTORS = Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus" / "security" / "ssrf_vectors.json"
SHORT = {"nominatim", "census"}
FEW = [pytest.param(one, marks=[] if one in SHORT else pytest.mark.long) for one in ALL_PROVIDERS]
"""Large runs: in the short tests at the one that goes down the ladder, and the one that is asked in batches."""
PEORIA = {"addressLocality": "Peoria", "addressRegion": "IL", "addressCountry": "US"}


def at_house(number: int, house: int, **address: str) -> Activity:
    stated = PostalAddress(**{**PEORIA, "streetAddress": f"{house} Main Street", "postalCode": "61602", **address})
    return activity(number, location=Place(address=stated))


def at_venue(number: int, name: str, **address: str) -> Activity:
    return activity(number, location=Place(name=name, address=PostalAddress(**{**PEORIA, **address})))


def geocode(
    activities: Sequence[Activity], geocoder: Geocoder, cache: FakeCache | None = None
) -> tuple[tuple[PlaceRow, ...], GeocodeCounts]:
    return geocode_activities(
        activities,
        geocoder=geocoder,
        cache=FakeCache() if cache is None else cache,
        country_code=None,
        region=None,
    )


def made(site: GeocoderSite, gazetteer: Path, **options: Any) -> Geocoder:
    return geocoder_at(site.site.root, site.provider, gazetteer=OfflineGeocoder(gazetteer.parent), **options)


def facts(row: PlaceRow) -> tuple[str, ...]:
    found = row.geocoding
    return found.status, found.type, found.accuracy, found.rung


@pytest.mark.parametrize("provider", ALL_PROVIDERS)
def test_a_house_is_found_by_one_question_with_whose_data_it_is(provider: str, gazetteer: Path) -> None:
    with serve_places(provider) as site:
        rows, counts = geocode([at_house(1, 12)], made(site, gazetteer))

        assert facts(rows[0]) == ("ok", "house", "interpolated" if provider == "census" else "house", "house")
        assert (rows[0].latitude, rows[0].longitude) == (pytest.approx(40.702), -89.59)
        assert rows[0].geocoding.provider == provider
        assert rows[0].geocoding.licence
        assert rows[0].geocoding.attribution
        assert (site.count, counts.queries) == (1, 1)


@pytest.mark.parametrize("provider", BY_LADDER)
def test_the_ladder_goes_down_to_the_finest_answer_and_says_which_rung_it_is(provider: str, gazetteer: Path) -> None:
    with serve_places(provider) as site:
        activities = [
            at_venue(1, "City Library"),
            at_house(2, 9999),
            at_venue(3, "Nobody's Hall"),
            at_house(4, 7, streetAddress="7 Missing Road", postalCode=""),
        ]

        rows, _ = geocode(activities, made(site, gazetteer))

    assert [facts(row) for row in rows] == [
        ("ok", "venue", "house", "venue"),
        ("ok", "street", "street", "street"),
        ("ok", "locality", "locality", "locality"),
        ("ok", "locality", "locality", "locality"),
    ]


@pytest.mark.parametrize("provider", FEW[:-1])
def test_two_hundred_venues_of_one_town_ask_for_their_town_once(provider: str, gazetteer: Path) -> None:
    with serve_places(provider) as site:
        rows, counts = geocode([at_venue(number, f"Hall {number}x") for number in range(200)], made(site, gazetteer))

        assert {facts(row) for row in rows} == {("ok", "locality", "locality", "locality")}
        assert (site.count, counts.queries) == (201, 201)


@pytest.mark.parametrize("provider", FEW)
def test_a_thousand_equal_addresses_are_one_question(provider: str, gazetteer: Path) -> None:
    with serve_places(provider) as site:
        spellings = ["12 Main Street", "12  MAIN Street", "12 main street, Room 4"]
        activities = [at_house(number, 12, streetAddress=spellings[number % 3]) for number in range(1000)]

        rows, counts = geocode(activities, made(site, gazetteer))

        assert (site.count, counts.queries, len({row.latitude for row in rows})) == (1, 1, 1)


@pytest.mark.parametrize("provider", FEW)
def test_an_unchanged_source_asks_nothing_and_one_activity_more_asks_for_itself(provider: str, gazetteer: Path) -> None:
    with serve_places(provider) as site:
        cache, activities = FakeCache(), [at_house(number, number) for number in range(1, 201)]
        first, _ = geocode(activities, made(site, gazetteer), cache)
        asked = site.count

        second, counts = geocode(activities, made(site, gazetteer), cache)
        more, _ = geocode([at_house(0, 300), *activities], made(site, gazetteer), cache)

        assert second == first
        assert more[1:] == first
        assert (counts.queries, counts.reused, site.count) == (0, 200, asked + 1)


def test_the_census_is_asked_for_two_hundred_houses_in_one_request(gazetteer: Path) -> None:
    with serve_places("census") as site:
        activities = [at_house(number, number) for number in range(1, 201)]

        rows, counts = geocode([*activities, at_house(201, 9999), at_venue(202, "City Library")], made(site, gazetteer))

        assert [row.latitude for row in rows[:200]] == [
            pytest.approx(40.69 + number / 1000) for number in range(1, 201)
        ]
        assert [facts(row) for row in rows[200:]] == [("ok", "locality", "locality", "locality")] * 2
        assert {row.geocoding.provider for row in rows[200:]} == {"offline"}
        assert (site.count, counts.queries) == (1, 202)


def test_what_the_census_left_out_of_its_answer_is_asked_again_and_not_lost(gazetteer: Path) -> None:
    with serve_places("census") as site:
        whole = site.site.fallback
        site.site.fallback = lambda asked: Answer(200, b"\n".join(whole(asked).body.splitlines()[:1]) + b"\n")
        cache, activities = FakeCache(), [at_house(1, 1), at_house(2, 2)]

        rows, _ = geocode(activities, made(site, gazetteer), cache)
        site.site.fallback = whole
        later, _ = geocode(activities, made(site, gazetteer), cache)

    assert [row.geocoding.status for row in rows] == ["deferred", "ok"]
    assert [row.geocoding.status for row in later] == ["ok", "ok"]


@pytest.mark.parametrize("provider", BY_LADDER)
def test_a_town_that_several_states_have_is_refused_without_its_state(provider: str, gazetteer: Path) -> None:
    with serve_places(provider) as site:
        plain = PostalAddress(addressLocality="Springfield", addressCountry="US")
        stated = plain.model_copy(update={"addressRegion": "MA"})

        rows, _ = geocode(
            [activity(1, location=Place(address=plain)), activity(2, location=Place(address=stated))],
            made(site, gazetteer),
        )

    assert [row.geocoding.status for row in rows] == ["ambiguous", "ok"]
    assert rows[1].latitude == 42.11


@pytest.mark.parametrize(
    ("provider", "fault"),
    [
        # What is no answer is told by each provider's own reader; the others meet all providers in the same few lines.
        pytest.param(provider, fault, marks=marks if fault not in {"html", "half", "other json", "empty"} else [])
        for provider, marks in [(one, [] if one in SHORT else [pytest.mark.long]) for one in ALL_PROVIDERS]
        for fault in sorted(set(FAULTS) - {"late"})
    ],
)
def test_a_fault_defers_the_question_is_not_kept_and_is_asked_again(provider: str, fault: str, gazetteer: Path) -> None:
    with serve_places(provider) as site:
        site.fault = lambda _: fault
        cache = FakeCache()

        rows, counts = geocode([at_house(1, 12)], made(site, gazetteer), cache)
        site.fault = lambda _: ""
        later, _ = geocode([at_house(1, 12)], made(site, gazetteer), cache)

    assert (rows[0].geocoding.status, rows[0].latitude, counts.outages) == ("deferred", None, 1)
    assert later[0].geocoding.status == "ok"


def test_an_answer_that_comes_too_late_is_an_outage(gazetteer: Path) -> None:
    with serve_places("nominatim") as site:
        site.fault = lambda _: "late"

        rows, _ = geocode([at_house(1, 12)], made(site, gazetteer, timeout_seconds=0.1))

    assert rows[0].geocoding.status == "deferred"


@pytest.mark.parametrize(
    ("fault", "problem"),
    [("wrong country", "wrong_country"), ("swapped", "axes_swapped"), ("null island", "null_island")],
)
@pytest.mark.parametrize("provider", ALL_PROVIDERS)
def test_a_place_that_cannot_be_meant_is_flagged_and_the_town_stands_in(
    provider: str, fault: str, problem: str, gazetteer: Path
) -> None:
    with serve_places(provider) as site:
        site.fault = lambda count: fault if count == 1 else ""
        cache = FakeCache()

        rows, counts = geocode([at_house(1, 12, addressCountry="US")], made(site, gazetteer), cache)

    assert rows[0].geocoding.status == "ok"
    assert rows[0].geocoding.type != "house"
    assert (round(rows[0].latitude or 0), round(rows[0].longitude or 0)) == (41, -90)
    assert rows[0].problems == (problem,)
    assert counts.disbelieved == 1


def test_where_all_answers_are_in_the_wrong_country_there_is_no_place(gazetteer: Path) -> None:
    with serve_places("photon") as site:
        site.fault = lambda _: "wrong country"

        rows, _ = geocode([at_house(1, 12)], made(site, gazetteer))

    assert (rows[0].geocoding.status, rows[0].latitude, rows[0].problems) == ("rejected", None, ("wrong_country",))


@pytest.mark.parametrize("provider", BY_LADDER)
def test_exchanged_axes_are_told_where_the_exchanged_point_is_in_the_country(provider: str, gazetteer: Path) -> None:
    with serve_places(provider) as site:
        site.fault = lambda _: "swapped"
        address = PostalAddress(
            streetAddress="5 Rue de la République", addressLocality="Lyon", postalCode="69002", addressCountry="FR"
        )

        rows, _ = geocode([activity(1, location=Place(address=address))], made(site, gazetteer))

    assert (rows[0].geocoding.status, rows[0].problems) == ("rejected", ("axes_swapped",))


@pytest.mark.parametrize("provider", ALL_PROVIDERS)
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 60))])
def test_whatever_fails_no_place_is_wrong_or_lost(provider: str, seed: int, gazetteer: Path) -> None:
    drawn, cache = random.Random(seed), FakeCache()
    activities = [at_house(number, drawn.randint(1, 399)) for number in range(12)]
    with serve_places(provider) as site:
        truth, _ = geocode(activities, made(site, gazetteer))
        site.fault = seeded(seed)

        for _ in range(4):
            rows, _ = geocode(activities, made(site, gazetteer), cache)

            for row, true in zip(rows, truth, strict=True):
                assert row == true or (row.geocoding.status, row.latitude) == ("deferred", None)

        site.fault = lambda _: ""
        assert geocode(activities, made(site, gazetteer), cache)[0] == truth


def test_a_busy_server_is_left_alone_for_as_long_as_it_says(gazetteer: Path) -> None:
    with serve_places("nominatim") as site:
        site.fault = lambda count: "429 rest" if count == 1 else ""
        turns = FreeTurns()

        geocode([at_house(1, 12), at_house(2, 13)], made(site, gazetteer, turns=turns))

    assert turns.rests == [30.0, 1.0]


def test_the_key_stands_in_no_error(gazetteer: Path) -> None:
    with serve_places("google") as site:
        site.site.fallback = lambda _: Answer(403, KEY.encode())
        geocoder = made(site, gazetteer)
        query = PlaceQuery(locality="lyon", countryCode="FR")

        errors = [_error(geocoder, query)]
        site.site.fallback = lambda _: Answer(raw=iter(()))
        errors.append(_error(geocoder, query))
        site.site.fallback = lambda _: Answer(200, json.dumps({"status": "REQUEST_DENIED", "x": KEY}).encode())
        errors.append(_error(geocoder, query))

    assert [type(error) for error in errors] == [PermanentError, TransientError, PermanentError]
    assert not [error for error in errors if KEY in "".join(traceback.format_exception(error))]


def _error(geocoder: Geocoder, query: PlaceQuery) -> Exception:
    with pytest.raises((TransientError, PermanentError)) as caught:
        geocoder.geocode(query)
    return caught.value


def test_a_question_that_the_server_refuses_stops_no_other(gazetteer: Path) -> None:
    with serve_places("nominatim") as site:
        whole = site.site.fallback
        site.site.fallback = lambda asked: Answer(400) if "street=12+" in asked.path else whole(asked)

        rows, counts = geocode([at_house(1, 12), at_house(2, 13)], made(site, gazetteer))

    assert [row.geocoding.status for row in rows] == ["deferred", "ok"]
    assert counts.outages == 0


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared corpus of refused addresses is not beside the checkout")
@pytest.mark.parametrize("provider", ["nominatim", "census"])
def test_no_redirect_of_a_geocoder_is_followed_wherever_it_leads(provider: str, gazetteer: Path) -> None:
    vectors = json.loads(VECTORS.read_text())["must_block_url"]
    with serve_places(provider) as site, serve() as inside:
        targets = [*vectors, inside.url("/secret"), "/secret", "//evil.example/"]
        encoded = [one.encode("utf-8").decode("latin-1").replace("\r", "").replace("\n", "") for one in targets]
        site.site.fallback = lambda _: Answer(302, b"", {"Location": encoded[site.count - 1]})
        query = PlaceQuery(street="12 main street", locality="peoria", countryCode="US")

        for _ in targets:
            with pytest.raises(TransientError, match="redirected"):
                made(site, gazetteer).geocode(query)

        assert site.site.connections == len(targets)
        assert inside.connections == 0


def test_publishers_coordinates_ask_no_server(gazetteer: Path) -> None:
    with serve_places("nominatim") as site:
        place = Place(geo=GeoCoordinates(latitude=40.7, longitude=-89.6), address=PostalAddress(**PEORIA))

        rows, _ = geocode([activity(1, location=place)], made(site, gazetteer))

        assert (facts(rows[0])[3], site.count) == ("publisher", 0)


def test_an_answer_that_does_not_say_what_it_is_claims_no_precision(gazetteer: Path) -> None:
    with serve_places("nominatim") as site:
        site.site.fallback = lambda _: Answer(200, b'[{"lat": "40.7", "lon": "-89.6", "display_name": "Peoria"}]')

        rows, _ = geocode([at_house(1, 12)], made(site, gazetteer))

        assert facts(rows[0]) == ("ok", "unknown", "unknown", "house")
        assert site.count == 1


def test_nominatim_is_asked_in_its_structured_form(gazetteer: Path) -> None:
    with serve_places("nominatim") as site:
        geocode([at_house(1, 12)], made(site, gazetteer))

        asked = parse_qs(urlsplit(site.site.paths[0]).query)

    assert asked == {
        "street": ["12 main street"],
        "city": ["peoria"],
        "state": ["illinois"],
        "postalcode": ["61602"],
        "format": ["jsonv2"],
        "addressdetails": ["1"],
        "limit": ["5"],
        "countrycodes": ["us"],
    }


PLACES = st.sampled_from(
    [
        at_house(0, 12),
        at_house(0, 9999),
        at_venue(0, "City Library"),
        at_venue(0, "No Hall"),
        at_venue(0, "", addressLocality="Springfield", addressRegion=""),
    ]
)


@settings(deadline=None, max_examples=15)
@given(data=st.data(), places=st.lists(PLACES, max_size=8))
def test_any_order_of_activities_gives_the_same_rows_by_id(data: st.DataObject, places: list[Activity]) -> None:
    activities = [one.model_copy(update={"id": f"id-{number}"}) for number, one in enumerate(places)]
    shuffled = data.draw(st.permutations(activities))
    with serve_places("nominatim") as site:
        rows, counts = geocode(activities, geocoder_at(site.site.root, "nominatim"))
        asked = list(site.site.paths)
        site.site.requests.clear()

        assert geocode(shuffled, geocoder_at(site.site.root, "nominatim")) == (rows, counts)
        assert site.site.paths == asked
