"""A source taken through the graph with nothing but the buttons of Dagster's pages, and found in the search page afterwards."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tripper_assets_tests.api.browser_world import GENEROUS_MILLISECONDS, chromium, keep_picture, person
from tripper_assets_tests.cli.conftest import up  # noqa: F401 (a fixture)
from tripper_assets_tests.cli.pages_of_dagster import Up
from tripper_assets_tests.cli.test_api_story import LINK
from tripper_assets_tests.clients.browsing import needs_browser
from tripper_assets_tests.waiting import wait_until

MATERIALIZED = ("raw_activities", "activities", "images_map", "geocoded_map", "embeddings_map", "final_jsonl", "imported_activities")  # fmt: skip
MINUTES_10 = 600
RUN_ID = re.compile("^[0-9a-f]{8}$")
WIDE: ViewportSize = {"width": 1440, "height": 900}


@needs_browser
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_source_is_materialized_with_dagsters_own_buttons_and_found_in_the_search(up: Up, tmp_path: Path) -> None:  # noqa: F811 (the fixture above)
    source = up.register("sites/theatre-leeds/")
    expect.set_options(timeout=GENEROUS_MILLISECONDS)
    with up.running(tmp_path / "output"), chromium() as browser:
        wait_until(lambda: source.key in up.partitions())
        with tab(browser, f"http://127.0.0.1:{up.port}") as page:
            run = materialize_all(page, tmp_path)
            wait_until(lambda: up.status(run) in ("SUCCESS", "FAILURE", "CANCELED"), seconds=MINUTES_10)
            page.goto(f"/runs/{run}")
            expect(page.get_by_text("Success", exact=True).first).to_be_visible()
            keep_picture(page, "dagster-3-run", tmp_path)
            for number, asset in enumerate(MATERIALIZED, start=4):
                told = tell_of(page, asset, source.key)
                keep_picture(page, f"dagster-{number}-{asset}", tmp_path)
                assert f"/runs/{run}" in told, asset
        link = LINK.search((tmp_path / "output").read_text())
        assert link
        with person(browser, link[1], link[2], viewport=WIDE) as page:
            page.goto(f"/search?source={source.key}&past=1")
            found = page.locator(".hit h3").all_text_contents()
            page.get_by_label("What you look for").fill(found[0])
            page.get_by_role("button", name="Search").click()
            expect(page.locator(".hit h3").filter(has_text=found[0]).first).to_be_visible()
            keep_picture(page, "dagster-11-search", tmp_path)

    assert up.stored_status(run) == "SUCCESS"
    assert len(found) == 5


@contextmanager
def tab(browser: Browser, address: str) -> Generator[Page]:
    """Open a wide tab that waits as long as a busy machine needs."""
    context = browser.new_context(base_url=address, viewport=WIDE)
    context.set_default_timeout(GENEROUS_MILLISECONDS)
    yield context.new_page()
    context.close()


def materialize_all(page: Page, folder: Path) -> str:
    """Press the buttons that materialize every asset for all partitions, and return the run that they launched."""
    page.goto("/asset-groups")
    page.get_by_role("button", name="Materialize all").first.click()
    page.get_by_role("button", name="All", exact=True).click()
    launch = page.get_by_role("button", name="Launch 1 run")
    expect(launch).to_be_enabled()
    keep_picture(page, "dagster-1-launch", folder)
    launch.click()
    page.get_by_text("Launched run").first.wait_for()
    keep_picture(page, "dagster-2-launched", folder)
    page.goto("/runs")
    link = page.locator("a[href^='/runs/']:not([href*='?'])").filter(has_text=RUN_ID).first
    link.wait_for()
    return str(link.get_attribute("href")).rsplit("/", maxsplit=1)[-1]


def tell_of(page: Page, asset: str, partition: str) -> list[str]:
    """Return the runs that the page of an asset's partition links to, once it shows a materialization."""
    page.goto(f"/assets/{asset}?partition={partition}&view=partitions")
    page.get_by_text("Materialized (1)").first.wait_for()
    expect(page.get_by_text("No metadata entries")).to_have_count(0)
    links = page.locator("a[href^='/runs/']").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    return [link.split("?")[0] for link in links]
