"""The map beside a review shows every place of the list, and follows what the list is narrowed to."""

from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from tripper_assets.domain.activities import Point
from tripper_assets.domain.sources import Source
from tripper_assets_tests.api.browser_world import chromium, person, served
from tripper_assets_tests.api.conftest import TOKEN, World
from tripper_assets_tests.api.review_world import an_activity, bundle
from tripper_assets_tests.clients.browsing import needs_browser


@pytest.fixture
def source(world: World) -> Source:
    return world.source()


def scattered(world: World, source: Source, count: int) -> str:
    """Return a workflow whose bundle has Puppets and Circuses in turn, fifty at a place."""
    names = [f"{'Circus' if number % 2 else 'Puppets'} {number}" for number in range(count)]
    places = [Point(coordinates=(7 + number // 50, 47)) for number in range(count)]
    records = [an_activity(source, name, geometry=place) for name, place in zip(names, places, strict=True)]
    return bundle(world, source, records)[0]


def told(page: Any) -> str:
    return page.get_attribute("#where .map-picture", "aria-label")


def test_of_more_places_than_a_page_can_list_the_picture_counts_all_and_the_script_is_told_where_to_ask(
    world: World, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tripper_assets.api.pages.review.MOST_LISTED", 30)
    workflow = scattered(world, source, 200)

    page = LexborHTMLParser(world.client.get(f"/review/{workflow}?q=puppets").text)
    asked = world.client.get(str(page.css_first("[data-map]").attributes["data-points"])).json()

    counts = [int(one.text()) for one in page.css(".map-cluster text")]
    assert sum(counts) + len(page.css(".map-marker:not(.map-cluster)")) == 100
    assert len(page.css("[data-map-point]")) < 100
    assert len(asked["points"]) == 100
    assert asked["base"] == f"/review/{workflow}/activities/"
    assert {len(one) for one in asked["points"]} == {4}


def test_the_places_of_a_review_are_for_those_who_signed_in(world: World, source: Source) -> None:
    workflow = scattered(world, source, 2)

    assert world.stranger.get(f"/review/{workflow}/points").status_code != 200


@needs_browser
@pytest.mark.parametrize("listed", [30, pytest.param(2_000, marks=pytest.mark.long)], ids=["asked", "written"])
def test_a_search_narrows_the_map_without_a_new_load(
    world: World, source: Source, listed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tripper_assets.api.pages.review.MOST_LISTED", listed)
    workflow = scattered(world, source, 200)
    with served(world.context) as base, chromium() as browser, person(browser, base, TOKEN) as page:
        page.goto(f"/review/{workflow}")
        page.wait_for_selector("#where .map-live")
        page.evaluate("window.same = true")
        before = told(page)
        page.fill("#q", "puppets")
        page.press("#q", "Enter")
        page.wait_for_selector("#where .map-live [aria-label='Map of 100 activities']")
        page.fill("#q", "nowhere at all")
        page.press("#q", "Enter")
        page.wait_for_selector("#where:not(:has(.map))")
        page.click("a:text-is('Show all 200')")
        page.wait_for_selector("#where .map-live")

        assert before == "Map of 200 activities"
        assert told(page) == before
        assert page.complaints == []
