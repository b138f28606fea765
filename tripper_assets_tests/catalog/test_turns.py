"""Turns at a limited service over a real catalog: requests of several processes arrive further apart than the rest between them."""

import json
import subprocess
import sys
import threading
from itertools import pairwise

import pytest
from sqlalchemy import text

from tripper_assets.catalog.caches import GeocodeCacheTable
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.turns import ServiceTurns
from tripper_assets.clients.geocoding import geocode_activities
from tripper_assets.domain.errors import TransientError
from tripper_assets_tests.clients.geocoder_servers import geocoder_at, serve_places
from tripper_assets_tests.clients.test_online_geocoder import at_house

ASKING = """
import sys, json
from tripper_assets.catalog.caches import GeocodeCacheTable
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.turns import ServiceTurns
from tripper_assets.clients.geocoding import geocode_activities
from tripper_assets_tests.clients.geocoder_servers import geocoder_at
from tripper_assets_tests.clients.test_online_geocoder import at_house

database = Database(sys.argv[1])
geocoder = geocoder_at(sys.argv[2], "nominatim", turns=ServiceTurns(database), delay_seconds=float(sys.argv[3]))
activities = [at_house(number, number) for number in range(1, 1 + int(sys.argv[4]))]
rows, counts = geocode_activities(
    activities, geocoder=geocoder, cache=GeocodeCacheTable(database), country_code=None, region=None
)
print(json.dumps([counts.queries, counts.reused, sorted({row.geocoding.status for row in rows})]))
"""


def turns(database: Database) -> ServiceTurns:
    return ServiceTurns(database)


def test_a_turn_is_held_by_one_at_a_time_and_rests_before_the_next(database: Database) -> None:
    inside: list[int] = []
    most: list[int] = []

    def ask(number: int) -> None:
        with turns(database).turn("geocoder", rest_seconds=0.01, lease_seconds=30):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert most == [1] * 8


def test_who_holds_a_turn_and_dies_keeps_others_waiting_for_the_lease_alone(database: Database) -> None:
    naps: list[float] = []
    waiting = ServiceTurns(database, sleep=naps.append)
    held = turns(database).turn("geocoder", rest_seconds=1, lease_seconds=0.05)
    held.__enter__()

    with waiting.turn("geocoder", rest_seconds=1, lease_seconds=0.05):
        pass

    assert naps


def test_a_service_that_wants_long_peace_is_left_alone_without_waiting(database: Database) -> None:
    with turns(database).turn("geocoder", rest_seconds=1, lease_seconds=30) as held:
        held.rest_seconds = 3600

    with (
        pytest.raises(TransientError, match="later run"),
        ServiceTurns(database, sleep=lambda _: pytest.fail("it waited")).turn(
            "geocoder", rest_seconds=1, lease_seconds=30
        ),
    ):
        pass


def test_two_services_do_not_wait_for_each_other(database: Database) -> None:
    with (
        turns(database).turn("geocoder a", rest_seconds=60, lease_seconds=60),
        turns(database).turn("geocoder b", rest_seconds=60, lease_seconds=60),
    ):
        pass

    with database.session() as session:
        assert session.scalar(text("SELECT count(*) FROM tripper.rate_limits")) == 2


def test_without_the_catalog_there_is_no_turn() -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")

    with (
        pytest.raises(TransientError),
        turns(away).turn("geocoder", rest_seconds=1, lease_seconds=30),
    ):
        pass


def test_two_who_share_a_catalog_ask_each_question_once_and_never_closer_than_the_rest(database_url: str) -> None:
    activities = [at_house(number, number) for number in range(1, 6)]

    def ask(server: str) -> None:
        catalog = Database(database_url)
        geocoder = geocoder_at(server, "nominatim", turns=ServiceTurns(catalog), delay_seconds=0.05)
        geocode_activities(
            activities, geocoder=geocoder, cache=GeocodeCacheTable(catalog), country_code=None, region=None
        )
        catalog.dispose()

    with serve_places("nominatim") as site:
        threads = [threading.Thread(target=ask, args=(site.site.root,)) for _ in range(2)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()

        assert len(site.site.paths) == len(set(site.site.paths)) == 5
        assert _gaps([asked.at for asked in site.site.requests]) >= 0.05


@pytest.mark.long
def test_four_processes_ask_a_server_at_most_once_a_second_and_each_question_once(database_url: str) -> None:
    with serve_places("nominatim") as site:
        said = _ask_from_processes(database_url, site.site.root, delay=1.0, processes=4, houses=12)

        assert len(site.site.paths) == len(set(site.site.paths)) == 12
        assert _gaps([asked.at for asked in site.site.requests]) >= 1.0
        assert sum(queries for queries, _, _ in said) == 12
        assert all(statuses == ["ok"] for _, _, statuses in said)


def _ask_from_processes(url: str, server: str, *, delay: float, processes: int, houses: int) -> list[list]:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", ASKING, url, server, str(delay), str(houses)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(processes)
    ]
    return [json.loads(one.communicate(timeout=250)[0]) for one in started]


def _gaps(moments: list[float]) -> float:
    return min(after - before for before, after in pairwise(moments))
