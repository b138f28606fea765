"""Maps on pages: a picture and a list without scripts, the ground that a script asks for, and tiles of the operator's choice."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.settings import load_settings
from tripper_assets_tests.api.searched_town import Town, searched_town

TILES = "https://tiles.example:8443/{z}/{x}/{y}.png"


@pytest.fixture(scope="module")
def town(shared_database: Database, tmp_path_factory: pytest.TempPathFactory, gazetteer: Path) -> Generator[Town]:
    with searched_town(shared_database, tmp_path_factory.mktemp("home"), gazetteer) as town:
        yield town


def test_without_scripts_a_map_is_a_picture_and_a_list_that_tell_the_same(town: Town) -> None:
    page = town.page("/search?q=puppets")

    counts = [int(one.text()) for one in page.css(".map-cluster text")]
    singles = page.css(".map-marker:not(.map-cluster)")
    groups = page.css(".map-list li")
    assert sum(counts) + len(singles) == len(page.css("[data-map-of]")) == 12
    assert [len(group.css("a")) for group in groups] == [
        int(one.css_first("text").text()) if one.css_first("text") else 1 for one in page.css(".map-marker")
    ]
    for one in page.css(".map-marker"):
        href = str(one.attributes["href"])
        assert page.css_first(href) if href.startswith("#") else href.startswith("/activities/")
    assert page.css_first("path.map-land").attributes["d"].startswith("M")
    assert "Natural Earth" in page.css_first(".map-credit").text()


def test_towns_around_are_named_and_the_asked_circle_is_drawn(town: Town) -> None:
    page = town.page("/search?q=puppets+near+Freiburg")

    assert "Freiburg" in " ".join(one.text() for one in page.css(".map-town text"))
    assert float(page.css_first(".map-circle").attributes["r"]) > 50
    assert "GeoNames" in page.css_first(".map-credit").text()


def test_the_ground_of_a_block_is_land_and_towns(town: Town) -> None:
    found = town.client.get("/maps/8/66/44").json()

    assert (found["west"], found["north"]) == (66 * 512 - 768, 44 * 512 - 512)
    assert found["land"].startswith("M")
    assert "Freiburg" in [one["name"] for one in found["towns"]]


@pytest.mark.parametrize(
    ("block", "status"),
    [("0/0/0", 200), ("17/131071/0", 200), ("3/-3/1", 200), ("3/900/1", 404), ("18/0/0", 422), ("x/0/0", 422), ("3/0/1e9", 422), ("3/99999999999999999999/0", 422)],
)  # fmt: skip
def test_blocks_that_the_world_does_not_have_are_refused(town: Town, block: str, status: int) -> None:
    assert town.client.get(f"/maps/{block}").status_code == status


def test_tiles_of_the_operator_are_shown_with_their_credit_and_from_their_server_alone(
    database: Database, tmp_path: Path, gazetteer: Path
) -> None:
    with searched_town(database, tmp_path, gazetteer, tile_url=TILES) as town:
        answer = town.client.get("/search?q=puppets")
        page = town.page("/search?q=puppets")

    policy = dict(one.split(" ", 1) for one in answer.headers["content-security-policy"].split("; "))
    images = [str(one.attributes["href"]) for one in page.css(".map-tiles image")]
    assert policy["img-src"] == "'self' data: https://tiles.example:8443"
    assert policy["default-src"] == "'self'"
    assert (
        answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    )  # such servers turn away who does not say who asks
    assert images
    assert all(one.startswith("https://tiles.example:8443/") for one in images)
    assert "OpenStreetMap" in page.css_first(".map-credit").text()
    assert not page.css(".map-town")


@pytest.mark.parametrize(
    "url",
    ["tiles.example/{z}/{x}/{y}", "https://tiles.example/{z}/{x}.png", "https://a.example; script-src */{z}/{x}/{y}", "javascript:{z}{x}{y}", "https://u:p@t.example/{z}/{x}/{y}"],
)  # fmt: skip
def test_an_address_of_tiles_that_is_none_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPPER_TILE_URL", url)

    with pytest.raises(ConfigurationError, match="TRIPPER_TILE_URL"):
        load_settings()
