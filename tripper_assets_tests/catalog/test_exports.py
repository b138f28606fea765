"""What an export chooses of the catalog, and that it is read from a cursor."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tripper_assets.catalog.exports import ROWS_AT_ONCE, ExportChoice, chosen_records
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.activities import Place, Point, PostalAddress
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.search import Spot
from tripper_assets_tests.catalog.conftest import Site

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def town(make_site: Callable[[str], Site]) -> Site:
    zoo, farm = make_site("zoo.example"), make_site("farm.example")
    koeln = Place(address=PostalAddress(addressLocality="Köln am Rhein"))
    zoo.load(
        [
            zoo.activity("Seals", geometry=Point(coordinates=(-1.55, 53.80))),
            zoo.activity("Goats", geometry=Point(coordinates=(-1.55, 53.89))),  # ten kilometres to the north
            zoo.activity("Museum", location=koeln),
            zoo.activity("Eggs", startDate="2026-04-05T10:00:00Z"),
        ]
    )
    farm.load([farm.activity("Across the line", geometry=Point(coordinates=(179.99, 0.0)))])
    return zoo


def names(site: Site, **said: Any) -> list[str]:
    with chosen_records(site.database, ExportChoice.model_validate(said), now=NOW) as records:
        return [one["name"] for one in records]


def circle(latitude: float, longitude: float, radius_km: float) -> Spot:
    return Spot(latitude=latitude, longitude=longitude, radius_km=radius_km)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, {"Seals", "Goats", "Museum", "Across the line"}),
        ({"past": True}, {"Seals", "Goats", "Museum", "Across the line", "Eggs"}),
        ({"near": circle(53.8, -1.55, 9.9)}, {"Seals"}),
        ({"near": circle(53.8, -1.55, 10.1)}, {"Seals", "Goats"}),
        ({"near": circle(0, -179.99, 5)}, {"Across the line"}),
        ({"near": circle(1e-200, 179.99, 5)}, {"Across the line"}),
        ({"near": circle(90, 0, 20_038)}, {"Seals", "Goats", "Across the line"}),
        ({"town": "koln"}, {"Museum"}),
        ({"town": "Köln am Rhein"}, {"Museum"}),
        ({"town": "kol"}, set()),
        ({"town": "'; DROP TABLE tripper.activities; --\0"}, set()),
        ({"ids": ()}, set()),
    ],
)
def test_an_export_has_what_fits_all_that_is_said(town: Site, said: dict[str, Any], expected: set[str]) -> None:
    assert set(names(town, **said)) == expected


def test_an_export_of_one_source_is_in_the_order_of_its_ids_and_one_of_a_search_in_its_own(town: Site) -> None:
    goats, seals = town.activity("Goats").id, town.activity("Seals").id

    assert names(town, source_key=town.source.key) == sorted(
        ["Seals", "Goats", "Museum"], key=lambda name: town.activity(name).id
    )
    assert names(town, ids=(goats, seals)) == ["Goats", "Seals"]
    assert names(town, ids=(seals, goats)) == ["Seals", "Goats"]


def test_what_is_removed_or_of_a_removed_source_is_in_no_export(town: Site) -> None:
    town.load([town.activity("Seals")])
    assert names(town, source_key=town.source.key) == ["Seals"]

    SourceRegistry(town.database).remove(town.source.key)
    assert names(town, source_key=town.source.key) == []


def test_more_than_a_fetch_is_read_to_its_end_as_it_was_at_the_beginning(site: Site) -> None:
    site.load(site.activities(ROWS_AT_ONCE + 50))

    with chosen_records(site.database, ExportChoice(), now=NOW) as records:
        first = next(records)
        site.load([])
        rest = list(records)

    assert len([first, *rest]) == ROWS_AT_ONCE + 50
    assert names(site) == []


def test_a_catalog_that_goes_away_in_the_middle_is_an_error_and_no_short_export(site: Site) -> None:
    site.load(site.activities(ROWS_AT_ONCE + 50))
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"

    def export() -> None:
        with chosen_records(site.database, ExportChoice(), now=NOW) as records:
            next(records)
            with site.database.connection() as other:
                other.exec_driver_sql(others)
            list(records)

    with pytest.raises(TransientError):
        export()
