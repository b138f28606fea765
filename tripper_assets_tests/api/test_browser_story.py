"""What a person does on a first morning with `tripper up` and the pages alone."""

import re
from pathlib import Path
from typing import Any

import pytest

from tripper_assets.demo.server import is_shown
from tripper_assets_tests.api.browser_world import barriers, chromium, keep_picture, person
from tripper_assets_tests.cli.conftest import up  # noqa: F401 (its fixture)
from tripper_assets_tests.cli.pages_of_dagster import Up
from tripper_assets_tests.cli.test_api_story import LINK
from tripper_assets_tests.clients.browsing import needs_browser
from tripper_assets_tests.waiting import wait_until

PATIENT = {"timeout": 300_000}


def add(page: Any, url: str) -> None:
    page.fill("#url", url)
    page.click("#add details summary")
    for name, value in {"delay_seconds": "0", "timezone": "Europe/Berlin", "country_code": "DE"}.items():
        page.fill(f"#{name}", value)
    page.click("text=Only add")
    page.wait_for_selector("text=The source is added")


def look_first(page: Any, url: str) -> str:
    page.fill("#url", url)
    page.click("text=Look first")
    return str(page.text_content("#add .look p b"))


def correct_the_first(page: Any, name: str) -> None:
    page.click("[data-item]:first-child summary")
    row = "[data-item]:first-child tr:has(th:text-is('name'))"
    page.click(f"{row} .correct summary")
    page.fill(f"{row} [name=value]", name)
    page.fill(f"{row} [name=reason]", "a better name")
    page.click(f"{row} button.primary")
    page.wait_for_selector(f"[data-item]:first-child .item-name:text-is('{name}')")


@needs_browser
@pytest.mark.long
def test_a_site_is_added_watched_reviewed_corrected_approved_and_found(up: Up, tmp_path: Path) -> None:  # noqa: F811 (the fixture)
    url, output = up.site("sites/theatre-leeds/"), tmp_path / "output"
    with up.running(output), chromium() as browser:
        found = LINK.search(output.read_text())
        assert found, output.read_text()
        with person(browser, found[1], found[2], viewport={"width": 1440, "height": 900}) as page:
            keep_picture(page, "1-empty-dashboard", tmp_path)
            add(page, url)
            wait_until(lambda: is_shown(up.demo_port))
            seen = look_first(page, url)
            keep_picture(page, "2-looked-first", tmp_path)
            page.click("table button:has-text('Run')")
            page.wait_for_selector("article.journey", **PATIENT)
            keep_picture(page, "3-under-way", tmp_path)
            page.wait_for_selector("a.button.primary:has-text('Review')", **PATIENT)
            keep_picture(page, "4-needs-a-decision", tmp_path)
            page.click("a.button.primary:has-text('Review')")
            correct_the_first(page, "The corrected one of this morning")
            keep_picture(page, "5-corrected", tmp_path)
            trouble = barriers(page)
            page.fill("#by", "Ada")
            page.click("[data-approve]")
            page.wait_for_selector(".notice.good")
            page.goto("/")
            page.wait_for_selector("tr .badge.completed", **PATIENT)
            keep_picture(page, "6-imported", tmp_path)
            imported = str(page.text_content("td[data-name=Import]"))
            page.goto("/search?q=corrected+one+of+this+morning&past=on")
            page.wait_for_selector("text=The corrected one of this morning", **PATIENT)
            keep_picture(page, "7-found", tmp_path)
            complaints = page.complaints

    assert re.fullmatch(r"[1-9]\d* activit(y|ies)", seen)
    assert re.fullmatch(r"[1-9]\d* new", imported)
    assert (trouble, complaints) == ([], [])
