"""`tripper search` as a person and a program use it."""

from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.activities import Place, Point, PostalAddress
from tripper_assets.domain.sources import make_source
from tripper_assets_tests.catalog.conftest import Site
from tripper_assets_tests.cli.conftest import Shell


@pytest.fixture
def fair(module_shell: Shell) -> Generator[Site]:
    """A source with activities in two towns, imported without vectors."""
    database = Database(module_shell.environment["TRIPPER_DATABASE_URL"])
    site = Site(database, SourceRegistry(database).add(make_source("https://fair.example/")), at=datetime.now(UTC))
    towns = {"Freiburg": ("DE", 7.85, 48.0), "Leeds": ("GB", -1.55, 53.8)}
    records = [
        site.activity(
            f"{what} in {town}",
            location=Place(address=PostalAddress(addressLocality=town, addressCountry=country)),
            geometry=Point(coordinates=(east, north)),
            isAccessibleForFree=what == "Puppets",
        )
        for town, (country, east, north) in towns.items()
        for what in ("Puppets", "Pottery", "Owls")
    ]
    site.load(records)
    yield site
    database.dispose()


@pytest.mark.usefixtures("fair")
def test_filters_in_words_are_shown_as_chips_and_hold(module_shell: Shell) -> None:
    asked = "kostenlos für Kinder in Freiburg"

    found = module_shell("search", asked, "--json").json
    told = module_shell("search", asked).out.splitlines()

    assert [one["name"] for one in found["activities"]] == ["Puppets in Freiburg"]
    assert [(chip["kind"], chip["words"]) for chip in found["question"]["chips"]] == [
        ("free", "kostenlos"),
        ("place", "in Freiburg"),
    ]
    assert found["question"]["filters"]["near"]["label"] == "Freiburg, DE"
    assert told[0] == "Read as [free], [Freiburg, DE, 10 km around]; --literally takes all as words."
    assert told[1] == "activity\twhen\twhere\turl\twhy"


@pytest.mark.usefixtures("fair")
def test_literally_every_word_is_a_word(module_shell: Shell) -> None:
    found = module_shell("search", "pottery in Freiburg", "--literally", "--json").json

    assert "chips" not in found["question"]
    assert found["activities"][0]["name"] == "Pottery in Freiburg"
    assert found["activities"][0]["ranks"]["words"] == 1


@pytest.mark.usefixtures("fair")
def test_options_filter_and_say_it_before_words_do(module_shell: Shell) -> None:
    found = module_shell(
        "search", "puppets in Freiburg", "--near", "53.8,-1.55", "--radius-km", 5, "--free", "--json"
    ).json

    assert [one["name"] for one in found["activities"]] == ["Puppets in Leeds"]
    assert found["activities"][0]["distance_km"] == 0


@pytest.mark.usefixtures("fair")
def test_pages_go_on_where_the_last_one_ended(module_shell: Shell) -> None:
    seen: list[str] = []
    after: list[str] = []
    while True:
        page = module_shell("search", "--near", "48,7.85", "--radius-km", 2000, "--limit", 2, *after, "--json").json
        seen += [one["name"] for one in page["activities"]]
        if page["next"] is None:
            break
        after = ["--after", page["next"]]

    assert len(seen) == len(set(seen)) == 6
    assert all(name.endswith("Freiburg") for name in seen[:3])
