"""What may be imported is, once: by itself, on a decision, and again where its run did not do it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from tripper_assets.claims import claim_source
from tripper_assets.domain.sources import SourceConfig
from tripper_assets.partitions import REQUEST_TAG
from tripper_assets.resources import Catalog
from tripper_assets.sensors import decision_sensor, import_sensor
from tripper_assets_tests.sensors.ticks import NOW, ONE, TWO, decide, imports, in_review, requests


def test_a_bundle_of_a_source_with_auto_import_is_imported_once_and_others_wait(catalog: Catalog) -> None:
    catalog.sources.sync([TWO.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "waits", "a")
    in_review(catalog, "goes", "b", source_key=TWO.key, source_url=TWO.url)

    asked, _ = imports(import_sensor)

    assert asked == [(f"import:{'b' * 64}", TWO.key, "goes")]


def test_switching_auto_import_on_imports_what_waits(catalog: Catalog) -> None:
    in_review(catalog, "waits")
    before = imports(import_sensor)
    catalog.sources.sync([ONE.model_copy(update={"config": SourceConfig(auto_import=True)})])

    after, _ = imports(import_sensor)

    assert before == ([], "1 bundles in review: 1 waits for a decision.")
    assert after == [(f"import:{'a' * 64}", ONE.key, "waits")]


def test_what_the_launch_said_of_auto_import_stands_above_the_registry(catalog: Catalog) -> None:
    catalog.sources.sync([ONE.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "waits", overrides={"auto_import": False})

    assert imports(import_sensor) == ([], "1 bundles in review: 1 waits for a decision.")


def test_a_bundle_with_a_newer_one_after_it_or_held_by_checks_waits_for_a_person(catalog: Catalog) -> None:
    on = SourceConfig(auto_import=True)
    catalog.sources.sync([one.model_copy(update={"config": on}) for one in (ONE, TWO)])
    in_review(catalog, "old", "a")
    in_review(catalog, "new", "b", created_at=NOW + timedelta(seconds=1))
    in_review(catalog, "held", "c", source_key=TWO.key, source_url=TWO.url)
    catalog.workflows.stage_ended("held", "imported_activities", "skipped", NOW, {"held_by": ["not_empty"]})

    asked, _ = imports(import_sensor)

    assert [workflow for _, _, workflow in asked] == ["new"]


def test_the_same_bundle_of_a_later_workflow_is_asked_for_too(catalog: Catalog) -> None:
    # A site that has not changed has the same bundle every day, and Dagster launches one run for each key.
    catalog.sources.sync([ONE.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "yesterday")
    first, _ = imports(import_sensor)
    catalog.workflows.set_status("yesterday", "completed")
    in_review(catalog, "today", created_at=NOW + timedelta(days=1))

    second, _ = imports(import_sensor)

    assert [workflow for _, _, workflow in first + second] == ["yesterday", "today"]
    assert [key for key, _, _ in first + second] == [f"import:{'a' * 64}", f"import:{'a' * 64}:today"]


def test_a_source_that_a_run_works_on_is_not_imported_now(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    catalog.sources.sync([ONE.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "waits")
    claim_source(instance, catalog, ONE.key, run_id="a-run", workflow_id="w", at=NOW)

    assert imports(import_sensor) == ([], "No bundle waits for its import.")


def test_an_approved_bundle_is_imported_and_a_rejected_one_is_not(catalog: Catalog) -> None:
    catalog.sources.sync([TWO.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "approved", "a")
    in_review(catalog, "rejected", "b", source_key=TWO.key, source_url=TWO.url)
    decide(catalog, "approved", "a", "approved")
    decide(catalog, "rejected", "b", "rejected")

    decided, _ = imports(decision_sensor)
    automatic = imports(import_sensor)

    assert decided == [(f"import:{'a' * 64}", ONE.key, "approved")]
    assert automatic == ([], "2 bundles in review: 1 was approved by a person, 1 was rejected by a person.")


def test_a_decision_that_names_the_check_that_held_the_import_asks_anew(catalog: Catalog) -> None:
    in_review(catalog, "held")
    decide(catalog, "held", "a", "approved")
    catalog.workflows.stage_ended("held", "imported_activities", "skipped", NOW, {"held_by": ["not_empty"]})
    before = imports(decision_sensor)
    decide(catalog, "held", "a", "approved", "not_empty")

    after, _ = imports(decision_sensor)

    assert before == ([], "1 bundles in review: 1 is held by checks that the decision does not name.")
    assert after == [(f"import:{'a' * 64}:not_empty", ONE.key, "held")]


@pytest.mark.parametrize(
    ("ended", "asked", "said"),
    [
        ([], [("import:{}", "waits")], ""),
        (["STARTED"], [], "1 bundles in review: 1 is under way."),
        (["CANCELED"], [("import:{}:2", "waits")], ""),
        (["FAILURE", "SUCCESS"], [("import:{}:3", "waits")], ""),
        (["FAILURE"] * 5, [], "1 bundles in review: 1 was tried 5 times in vain, as its runs say."),
    ],
)
def test_a_request_whose_run_did_not_do_it_is_made_again_a_few_times(
    catalog: Catalog, kept_instance: dg.DagsterInstance, ended: list[str], asked: list[tuple[str, str]], said: str
) -> None:
    catalog.sources.sync([ONE.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "waits")
    key = f"import:{'a' * 64}"
    for state in ended:
        create_run_for_test(kept_instance, status=dg.DagsterRunStatus(state), tags={REQUEST_TAG: key})

    with dg.build_sensor_context(instance=kept_instance) as context:
        found, told = requests(cast("Iterable[Any]", import_sensor(context)))

    assert [(run_key, name) for run_key, _, name in found] == [(one.format("a" * 64), name) for one, name in asked]
    assert told == said


def test_what_somebody_wants_imported_comes_before_a_thousand_bundles_that_wait(catalog: Catalog) -> None:
    for number in range(20):
        in_review(catalog, f"waits-{number:02}", f"{number % 10}", created_at=NOW + timedelta(seconds=number))
    catalog.sources.sync([TWO.model_copy(update={"config": SourceConfig(auto_import=True)})])
    in_review(catalog, "goes", "b", source_key=TWO.key, source_url=TWO.url, created_at=NOW - timedelta(days=1))

    found = catalog.pending_imports.list(limit=1)

    assert [one.workflow_id for one in found] == ["goes"]


def test_a_decision_on_the_empty_bundle_of_one_source_is_none_on_anothers(catalog: Catalog) -> None:
    catalog.sources.add(TWO)
    in_review(catalog, "one")
    in_review(catalog, "two", source_key=TWO.key, source_url=TWO.url, created_at=NOW + timedelta(seconds=1))
    decide(catalog, "one", "a", "approved", "not_empty")

    asked, _ = imports(decision_sensor)

    assert [name for _, _, name in asked] == ["one"]
    assert catalog.workflows.decision_for("a" * 64, TWO.key) is None


def test_a_decision_that_did_not_know_of_a_newer_bundle_imports_nothing(catalog: Catalog) -> None:
    in_review(catalog, "old")
    decide(catalog, "old", "a", "approved")
    in_review(catalog, "new", "b", created_at=NOW + timedelta(seconds=1))
    before, _ = imports(decision_sensor)
    decide(catalog, "old", "a", "approved")

    after, _ = imports(decision_sensor)

    assert before == []
    assert [name for _, _, name in after] == ["old"]
