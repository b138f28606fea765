"""The search page and its map as a person uses them: in Chromium, wide and narrow, light and dark, with keys and with a mouse."""

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tripper_assets.catalog.database import Database
from tripper_assets.domain.map_view import MapPoint, clusters
from tripper_assets_tests.api.browser_world import (
    GENEROUS_MILLISECONDS,
    barriers,
    chromium,
    keep_picture,
    overflow,
    person,
    served,
)
from tripper_assets_tests.api.conftest import TOKEN
from tripper_assets_tests.api.searched_town import HARM, Town, searched_town
from tripper_assets_tests.clients.browsing import needs_browser

pytestmark = needs_browser
SEEN = [(1440, 900, "light"), (360, 800, "dark")]


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    expect.set_options(timeout=GENEROUS_MILLISECONDS)
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def town(shared_database: Database, tmp_path_factory: pytest.TempPathFactory, gazetteer: Path) -> Generator[Town]:
    with searched_town(shared_database, tmp_path_factory.mktemp("home"), gazetteer) as town:
        yield town


@pytest.fixture(scope="module")
def address(town: Town) -> Generator[str]:
    with served(town.context) as found:
        yield found


def markers(page: Page) -> list[int]:
    """Return how many places each marker stands for, those out of the picture too."""
    return [int(one) if one else 1 for one in page.locator(".map-marker").evaluate_all("all => all.map(one => one.querySelector('text')?.textContent ?? '')")]  # fmt: skip


def gathered(page: Page) -> list[int]:
    """Return how many of the shown hits the rules of the server put together at the map's zoom."""
    hits = page.locator("[data-map-of]").evaluate_all("all => all.map(one => [one.dataset.mapPoint, Number(one.dataset.latitude), Number(one.dataset.longitude)])")  # fmt: skip
    points = [MapPoint(id_, "", latitude, longitude, "") for id_, latitude, longitude in hits]
    zoom = int(page.locator("[data-map]").get_attribute("data-zoom") or 0)
    return [len(one.points) for one in clusters(points, zoom)]


def test_a_map_gathers_anew_when_it_zooms_and_moves_by_keys_mouse_and_buttons(
    browser: Browser, address: str, tmp_path: Path
) -> None:
    with person(browser, address, TOKEN, viewport={"width": 1440, "height": 900}, reduced_motion="reduce") as page:
        page.goto("/search?q=puppets")
        picture = page.locator(".map-live .map-picture")
        expect(picture).to_be_visible()
        expect(page.locator(".map-land")).to_have_attribute("d", re.compile("^M"))
        began = markers(page)

        page.get_by_role("link", name="More", exact=True).click()
        expect(page.locator(".hit")).to_have_count(24)
        expect(picture).to_have_attribute("aria-label", "Map of 24 activities")
        whole = markers(page)
        expected = gathered(page)
        picture.focus()
        page.keyboard.press("-")
        page.keyboard.press("-")
        far = markers(page)
        page.keyboard.press("0")
        again = markers(page)
        page.get_by_role("button", name="Zoom out").click()
        page.keyboard.press("ArrowLeft")
        page.get_by_role("button", name="Show all").click()
        page.locator(".map-cluster").first.click()
        near = markers(page)

        keep_picture(page, "search-map", tmp_path)
        wrong = page.complaints
    assert wrong == []
    assert sum(began) == 12
    assert sorted(whole) == sorted(expected)
    assert sum(whole) == sum(far) == sum(again) == 24
    assert len(far) < len(whole)
    assert again == whole
    assert max(near) < max(whole)


@pytest.mark.long
@pytest.mark.parametrize(("width", "height", "scheme"), SEEN)
def test_pages_fit_the_screen_and_have_no_barriers(
    browser: Browser, address: str, town: Town, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    pages = {
        "first": "/search",
        "found": "/search?q=free+owls+near+Freiburg",
        "nothing": "/search?q=free+pottery+near+Leeds",
        "wrong": "/search?age=abc",
        "one": f"/activities/{town.id('Owls at night')}",
        "harm": f"/activities/{town.id(HARM)}",
    }
    found: dict[str, list[str]] = {}
    with person(browser, address, TOKEN, viewport={"width": width, "height": height}, color_scheme=scheme) as page:  # fmt: skip
        for name, path in pages.items():
            page.goto(path)
            page.wait_for_load_state("networkidle")
            keep_picture(page, f"search-{name}-{width}-{scheme}", tmp_path)
            assert overflow(page) <= 0, name
            assert page.evaluate("window.harmed") is None
            found[name] = barriers(page)
        wrong = page.complaints

    assert [one for one in wrong if "Security Policy" in one or "rror:" in one] == []
    assert found == {name: [] for name in pages}


@pytest.mark.long
def test_without_scripts_the_page_still_answers(browser: Browser, address: str) -> None:
    with person(browser, address, TOKEN, java_script_enabled=False) as page:
        page.goto("/search")
        page.get_by_label("What you look for").fill("puppets near Freiburg")
        page.get_by_role("button", name="Search").click()
        first = page.locator(".hit h3").all_text_contents()
        page.get_by_role("link", name="More", exact=True).click()
        second = page.locator(".hit h3").all_text_contents()
        page.locator(".hit h3 a").first.click()

        expect(page.locator("h1")).to_have_text(second[0])
        expect(page.locator(".map-marker")).to_have_count(1)
    assert len(first) == len(second) == 12
    assert not set(first) & set(second)
