"""A person reviews a source by command: what would change, what holds it, and what they decide on the whole and on single activities."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest

from tripper_assets.cli.up_lock import hold_up_lock
from tripper_assets_tests.cli.conftest import TODAY, Shell
from tripper_assets_tests.cli.test_run import event
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite
from tripper_assets_tests.clients.loopback import serve as serve_pages

SOON = TODAY + timedelta(days=30)


@pytest.fixture(scope="module")
def pages() -> Generator[LoopbackSite]:
    with serve_pages() as site:
        links = "".join(f'<a href="/{name}">{name}</a>' for name in ("owls", "bats"))
        site.answer(
            "/",
            Answer(
                200, f"<html><body><h1>What is on</h1>{links}</body></html>".encode(), {"Content-Type": "text/html"}
            ),
        )
        site.answer("/owls", event("Owls at night"))
        site.answer("/bats", event("Bats at night"))
        yield site


@pytest.fixture(scope="module")
def ran(module_shell: Shell, pages: LoopbackSite, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    config = tmp_path_factory.mktemp("config") / "config.yaml"
    config.write_text("delay_seconds: 0\ntimezone: Europe/London\ncountry_code: GB\n")
    said = module_shell("run", pages.url("/"), "--config", config, "--json")
    assert said.code == 0, said.err
    return said.json


def ids(shell: Shell, key: str) -> dict[str, str]:
    changes = shell("review", key, "--json").json["changes"]["activities"]
    return {one["name"]: one["activity_id"] for one in changes}


def test_a_review_from_the_first_look_to_the_catalog_and_on(module_shell: Shell, ran: dict[str, Any]) -> None:
    shell, key, workflow = module_shell, ran["source_key"], ran["workflow_id"]

    seen = shell("review", key)
    assert "2 added, 0 removed, 0 changed" in seen.out
    assert f"tripper approve {workflow}" in seen.out
    named = ids(shell, key)

    assert (
        shell("correct", workflow, named["Owls at night"], "name", "Owls for children", "--reason", "poster").code == 0
    )
    assert shell("reject", workflow, "--activity", named["Bats at night"], "--reason", "not for children").code == 0
    approved = shell("approve", workflow, "--json")
    assert approved.code == 0, approved.err
    counts = {"lines": 2, "inserted": 1, "updated": 0, "unchanged": 0, "removed": 0, "rejected": 1}
    assert approved.json["import"] == counts

    # The publisher's own word in the next run changes neither.
    again = shell("run", key, "--auto-import", "--json")
    assert again.code == 0, again.err
    assert (again.json["import"]["unchanged"], again.json["import"]["rejected"]) == (1, 1)
    assert [one["name"] for one in shell("search", "owls", "--json").json["activities"]] == ["Owls for children"]

    ended = shell("correct", workflow, named["Owls at night"], "name", "--remove")
    back = shell("reject", workflow, "--activity", named["Bats at night"], "--reason", "after all", "--withdraw")
    assert (ended.code, back.code) == (0, 0), ended.err + back.err
    assert [one["name"] for one in shell("search", "owls", "--json").json["activities"]] == ["Owls at night"]


def test_a_correction_by_an_older_workflow_changes_its_field_alone(
    module_shell: Shell, ran: dict[str, Any], pages: LoopbackSite
) -> None:
    shell, key, workflow = module_shell, ran["source_key"], ran["workflow_id"]
    pages.answer("/owls", event("Owls at night", isAccessibleForFree=True))
    newer = shell("run", key, "--auto-import", "--json")
    owls = next(
        one["id"] for one in shell("search", "owls", "--json").json["activities"] if one["name"] == "Owls at night"
    )

    shell("correct", workflow, owls, "name", "Owls")
    corrected = shell("search", "owls", "--json").json["activities"]
    shell("correct", workflow, owls, "name", "--remove")
    ended = shell("search", "owls", "--json").json["activities"]

    assert newer.code == 0, newer.err
    assert [one["name"] for one in corrected if one["id"] == owls] == ["Owls"]
    assert [one["name"] for one in ended if one["id"] == owls] == ["Owls at night"]
    assert [one["isAccessibleForFree"] for one in (*corrected, *ended) if one["id"] == owls] == [True, True]


def test_an_older_bundle_cannot_be_approved_and_a_rejected_one_is_not_imported(
    module_shell: Shell, ran: dict[str, Any], pages: LoopbackSite
) -> None:
    shell, key = module_shell, ran["source_key"]
    pages.answer("/bats", event("Bats in the morning"))
    newer = shell("run", key, "--no-auto-import", "--json").json

    stale = shell("approve", ran["workflow_id"])
    rejected = shell("reject", newer["workflow_id"], "--reason", "bats sleep in the morning")
    shown = shell("review", key, "--json").json

    assert stale.code == 1
    assert f"{newer['workflow_id']} has a newer bundle" in stale.error
    assert rejected.code == 0, rejected.err
    assert (shown["status"], shown["decision"]["decision"]) == ("review", "rejected")
    assert "Bats in the morning" not in {one["name"] for one in shell("search", "bats", "--json").json["activities"]}


def test_where_up_runs_it_is_left_to_import_what_was_approved(module_shell: Shell, ran: dict[str, Any]) -> None:
    shell, key = module_shell, ran["source_key"]
    waiting = shell("run", key, "--no-auto-import", "--json").json["workflow_id"]

    with hold_up_lock(shell.home, "http://127.0.0.1:9/"):
        approved = shell("approve", waiting)
    shown = shell("review", key, "--json").json

    assert approved.out.startswith("Approved; `tripper up` imports it within a minute")
    assert (shown["status"], shown["decision"]["decision"]) == ("review", "approved")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["correct", "{workflow}", "{owls}", "geometry", "null"], "cannot be corrected"),
        (["correct", "{workflow}", "{owls}", "name"], "Give a value, or --remove"),
        (["correct", "{workflow}", "no-such-id", "name", "x"], "There is no activity no-such-id"),
        (
            ["reject", "{workflow}", "--reason", "x", "--withdraw"],
            "--withdraw takes back what was said of an --activity",
        ),
        (["approve", "{workflow}", "--override", "no_such_check"], "There is no check no_such_check"),
    ],
)
def test_a_decision_on_what_is_not_there_is_told_in_one_sentence(
    module_shell: Shell, ran: dict[str, Any], arguments: list[str], sentence: str
) -> None:
    owls = "00000000-0000-5000-8000-000000000000"
    if "{owls}" in arguments and "geometry" in arguments:
        owls = next(iter(ids(module_shell, ran["source_key"]).values()), owls)
    words = [one.format(workflow=ran["workflow_id"], owls=owls) for one in arguments]

    said = module_shell(*words)

    assert said.code in {1, 2}
    assert sentence in said.error
