from datetime import timedelta
from typing import Any

import pytest

from tripper_assets.domain.workflows import WorkflowError
from tripper_assets_tests.api.browser_world import barriers, chromium, overflow, person, served
from tripper_assets_tests.api.conftest import AT, TOKEN, World
from tripper_assets_tests.api.review_world import an_activity, bundle
from tripper_assets_tests.clients.browsing import needs_browser
from tripper_assets_tests.waiting import wait_until

pytestmark = needs_browser
SMALL: dict[str, Any] = {"viewport": {"width": 360, "height": 800}, "color_scheme": "light"}
MORE_LOOKS = (
    {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    {"viewport": {"width": 360, "height": 800}, "color_scheme": "dark"},
    {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
)


def busy_world(world: World) -> tuple[str, str, str]:
    """Fill the catalog with a workflow in each interesting state; return the one in review, its hash and one of its activities."""
    catalog, source = world.context.catalog.workflows, world.source()
    failed, running = (
        world.workflow("running", source=world.source("a.example")),
        world.workflow("running", source=world.source("b.example")),
    )
    sentence = "Crawling https://a.example/ failed with status 503; try again with `tripper retry`."
    catalog.add_error(failed, WorkflowError(stage="raw_activities", kind="TransientError", message=sentence, at=AT))
    catalog.stage_ended(failed, "raw_activities", "failed", AT, {"problems_by_code": {"http_503": 3}})
    catalog.set_status(failed, "failed", sentence, at=AT)
    catalog.stage_ended(running, "raw_activities", "completed", AT + timedelta(seconds=5), {"rows": 20, "fetched": 9})
    catalog.stage_started(running, "activities", AT, run_id="run-1")
    place = {"type": "Point", "coordinates": [7.85, 48.0]}
    old = [an_activity(source, "Puppet theatre", startDate="2026-06-05"), an_activity(source, "Gone for good")]
    new = [
        an_activity(source, name, geometry=place, description="A long afternoon. " * 9)
        for name in ("Puppet theatre", "Beach day", "Zoo night")
    ]
    held = {"severity": "ERROR", "sentence": "4 of 9 activities are missing.", "failing": [new[0].id]}
    workflow, sha256 = bundle(world, source, new, before=old, failed={"removals_against_last_import": held})
    return workflow, sha256, new[1].id


def look_around(world: World, look: dict[str, Any]) -> dict[str, object]:
    workflow, _, activity = busy_world(world)
    paths = (
        "/",
        f"/workflows/{workflow}",
        f"/review/{workflow}",
        f"/review/{workflow}/activities/{activity}",
        "/nowhere",
    )
    wrong: dict[str, object] = {}
    with served(world.context) as base, chromium() as browser, person(browser, base, TOKEN, **look) as page:
        for path in paths:
            page.goto(path)
            if path == f"/review/{workflow}":
                page.click("[data-item]:first-child summary")
                page.wait_for_selector("[data-item]:first-child table.fields")
                page.click("[data-item]:first-child .correct summary")
            complaints = [one for one in page.complaints if "404" not in one]
            found = [
                *barriers(page),
                *complaints,
                *([f"{overflow(page)} pixels too wide"] if overflow(page) > 0 else []),
            ]
            wrong |= {path: found} if found else {}
    return wrong


def test_no_page_has_a_serious_barrier_an_error_of_its_policy_or_a_part_out_of_sight(world: World) -> None:
    assert look_around(world, SMALL) == {}


@pytest.mark.long
@pytest.mark.parametrize("look", MORE_LOOKS, ids=str)
def test_nor_at_other_widths_and_in_the_other_theme(world: World, look: dict[str, Any]) -> None:
    assert look_around(world, look) == {}


@pytest.mark.long
def test_a_review_goes_by_keys_alone_and_by_forms_without_any_script(world: World) -> None:
    workflow, sha256, _ = busy_world(world)
    with served(world.context) as base, chromium() as browser:
        with person(browser, base, TOKEN) as page:
            page.goto(f"/review/{workflow}")
            page.keyboard.press("?")
            page.wait_for_selector("dialog[open]")
            page.keyboard.press("Escape")
            for key in ("j", "x", "r"):
                page.keyboard.press(key)
            page.wait_for_selector("[data-reject-reason]:focus")
            page.keyboard.type("closed for good")
            page.keyboard.press("Enter")
            page.wait_for_selector(".item.out")
            rejected = page.text_content(".item.out .item-name")
        with person(browser, base, TOKEN, java_script_enabled=False) as page:
            page.goto(f"/review/{workflow}?q=zoo")
            page.click("summary")
            page.click("text=Its fields, and where each was read")
            page.click("tr:has(th:text-is('name')) .correct summary")
            page.fill("tr:has(th:text-is('name')) [name=value]", "Night at the zoo")
            page.click("tr:has(th:text-is('name')) button")
            corrected = page.text_content("h1")
            page.goto(f"/review/{workflow}")
            page.check("[name=override]")
            page.click("[data-approve]")
            said = page.text_content(".notice.good")

    decided = world.context.catalog.workflows.decision_for(sha256, world.source().key)
    assert rejected == "Beach day"
    assert corrected == "Night at the zoo"
    assert said is not None
    assert said.startswith("Approved.")
    assert decided is not None
    assert decided.overrides == ("removals_against_last_import",)


@pytest.mark.long
def test_the_dashboard_tells_a_change_without_being_loaded_again(world: World) -> None:
    workflow = world.workflow("running")
    with served(world.context) as base, chromium() as browser, person(browser, base, TOKEN) as page:
        page.wait_for_selector("[data-live=on]")
        page.evaluate("window.isTheSamePage = true")

        world.context.catalog.workflows.stage_started(workflow, "geocoded_map", AT)
        world.context.catalog.workflows.set_status(workflow, "failed", "The geocoder is down; try again.", at=AT)

        page.wait_for_selector(f"#w-{workflow} .badge.failed")
        wait_until(lambda: "The geocoder is down; try again." in page.text_content("main"))
        assert page.evaluate("window.isTheSamePage") is True
