"""The page of one activity: its facts with their origins, what changed, its data for machines, and who is not there."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets_tests.api.searched_town import Town, searched_town


@pytest.fixture(scope="module")
def town(shared_database: Database, tmp_path_factory: pytest.TempPathFactory, gazetteer: Path) -> Generator[Town]:
    with searched_town(shared_database, tmp_path_factory.mktemp("home"), gazetteer) as town:
        yield town


def test_each_fact_is_shown_with_where_it_was_read(town: Town) -> None:
    page = town.page(f"/activities/{town.id('Owls at night')}")

    rows = {row.css_first("th").text(): row for row in page.css("table.fields-known tbody tr")}
    said = {name: row.css_first("td").text(strip=True) for name, row in rows.items()}
    assert said["starts"] == "Sat 2 May 2026, 19:00"
    assert said["ages"] == "4 to 10 years"
    assert said["place"] == "Zoo, Weg 1, Freiburg, DE"
    assert "text, believed 60 %" in rows["starts"].css_first(".origin").text()
    assert rows["starts"].css_first("q").text() == "Saturday, 7 pm"
    assert rows["starts"].css_first(".origin a").attributes["href"] == "https://zoo.example/owls"


def test_the_same_activity_elsewhere_is_linked(town: Town) -> None:
    page = town.page(f"/activities/{town.id('Owls at night')}")

    links = {one.text(): one.attributes["href"] for one in page.css(".one-side a")}
    assert links["fair.example"] == f"/activities/{town.fair.activity('Owls by night').id}"


def test_it_states_itself_as_schema_org_does(town: Town) -> None:
    (data,) = town.page(f"/activities/{town.id('Owls at night')}").css("script[type='application/ld+json']")

    stated = json.loads(data.text())
    assert {name: stated[name] for name in ("@context", "@type", "name", "startDate", "typicalAgeRange", "isAccessibleForFree", "image")} == {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": "Owls at night",
        "startDate": "2026-05-02T19:00:00+02:00",
        "typicalAgeRange": "4-10",
        "isAccessibleForFree": True,
        "image": ["https://zoo.example/o.jpg"],
    }  # fmt: skip
    assert stated["location"]["geo"] == {"@type": "GeoCoordinates", "latitude": 47.99, "longitude": 7.85}


@pytest.mark.parametrize("name", ["Baby swimming", "Weekly pottery", "Over and done", "Puppets 01"])
def test_what_is_not_stated_is_left_out(town: Town, name: str) -> None:
    page = town.page(f"/activities/{town.id(name)}")

    assert page.css_first("h1").text() == name
    assert "None" not in page.css_first("main").text()


@pytest.mark.parametrize("name", ["nothing", "%00", "..%2f..%2fetc", "00000000-0000-0000-0000-000000000000", "'" * 300])
def test_what_is_not_there_is_said_so(town: Town, name: str) -> None:
    page = town.page(f"/activities/{name}", status=404)

    assert page.css_first("h1").text() == "Not Found"


def test_what_an_import_changed_is_told_with_what_was_there_before(
    database: Database, tmp_path: Path, gazetteer: Path
) -> None:
    with searched_town(database, tmp_path, gazetteer) as town:
        town.zoo.load([town.zoo.activity("Owls at night", description="Now with bats.", startDate="2026-05-09")])

        page = town.page(f"/activities/{town.id('Owls at night')}")
        gone = town.client.get(f"/activities/{town.id('Baby swimming')}").status_code

    changed, added = (" ".join(one.text(separator=" ").split()) for one in page.css(".history li"))
    assert changed.startswith("Changed")
    assert "was: Watch the owls wake up." in changed
    assert "was: Sat 2 May 2026, 19:00" in changed
    assert added.startswith("Added")
    assert gone == 404
