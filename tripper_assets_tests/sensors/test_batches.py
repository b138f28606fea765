"""Workflows go on when their batches are over, and those of canceled ones are canceled."""

from datetime import timedelta
from itertools import count

import dagster as dg
import pytest

from tripper_assets import sensors
from tripper_assets.claims import claim_source
from tripper_assets.domain.batches import PATIENCE, Batch
from tripper_assets.domain.graph import TAGGING
from tripper_assets.resources import Catalog
from tripper_assets.sensors import collected
from tripper_assets_tests.fakes import Provider
from tripper_assets_tests.sensors.ticks import NOW, ONE, TWO, batch, batches_tick, batches_tick_from, workflow
from tripper_assets_tests.voting_world import MODEL, Service, Voters


def test_a_workflow_goes_on_when_all_its_batches_are_done(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    provider = Provider({"first": "completed", "second": "pending"})
    workflow(catalog, "waits", status="waiting")
    batch(catalog, "waits", "first")
    batch(catalog, "waits", "second")
    before = batches_tick(instance, provider)
    provider.statuses = {"second": "failed"}

    after = batches_tick(instance, provider)

    assert before == ([], "2 batches are awaited.")
    assert after == ([("collect:waits", ONE.key, "waits")], "")
    assert [one.status for one in catalog.batches.of_workflow("waits")] == ["completed", "failed"]


def test_a_workflow_goes_on_past_the_deadline_of_its_batch_and_a_provider_that_is_down_holds_no_other(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    catalog.sources.add(TWO)
    workflow(catalog, "late", status="waiting")
    workflow(catalog, "waits", status="waiting", source_key=TWO.key, source_url=TWO.url)
    batch(catalog, "late", "lost", deadline=-timedelta(seconds=1))
    batch(catalog, "waits", "pending")

    asked, _ = batches_tick(instance, Provider({"pending": "pending"}))

    assert asked == [("collect:late", ONE.key, "late")]


def test_no_batch_and_one_that_could_not_be_asked_for_are_said(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    before = batches_tick(instance, Provider())
    workflow(catalog, "waits", status="waiting")
    batch(catalog, "waits", "lost")

    after = batches_tick(instance, Provider())

    assert before == ([], "No workflow waits for a batch.")
    assert after == ([], "1 batches are awaited; 1 could not be asked for, as the log says.")


def test_the_batches_of_a_canceled_workflow_are_canceled_and_one_that_is_shared_goes_on(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    provider = Provider({"own": "pending", "shared": "pending"})
    workflow(catalog, "canceled", status="canceled")
    workflow(catalog, "waits", status="waiting")
    batch(catalog, "canceled", "own")
    batch(catalog, "canceled", "shared")
    batch(catalog, "waits", "shared")

    _, said = batches_tick(instance, provider)
    _, again = batches_tick(instance, provider)

    assert said == "1 batches are awaited; 2 of canceled workflows were canceled."
    assert again == "1 batches are awaited."
    assert provider.canceled == ["own"]
    assert [one.status for one in catalog.batches.of_workflow("canceled")] == ["canceled", "canceled"]
    assert [one.status for one in catalog.batches.of_workflow("waits")] == ["pending"]


def test_a_batch_that_cannot_be_canceled_now_is_asked_for_again(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    workflow(catalog, "canceled", status="canceled")
    batch(catalog, "canceled", "own")

    batches_tick(instance, Provider())
    provider = Provider({"own": "pending"})
    batches_tick(instance, provider)

    assert provider.canceled == ["own"]


def test_a_workflow_whose_source_a_run_works_on_is_collected_later(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    workflow(catalog, "waits", status="waiting")
    batch(catalog, "waits", "done")
    claim_source(instance, catalog, ONE.key, run_id="a-run", workflow_id="w", at=NOW)

    asked, _ = batches_tick(instance, Provider({"done": "completed"}))

    assert asked == []


def test_a_tick_goes_on_behind_the_last_workflow_of_the_one_before_and_then_begins_anew(
    catalog: Catalog, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensors, "WORKFLOWS_A_TICK", 2)
    for name in ("one", "three", "two"):
        workflow(catalog, name, status="waiting")
        batch(catalog, name, name)
    provider = Provider(dict.fromkeys(("one", "three", "two"), "pending"))

    first, _ = batches_tick_from(instance, provider, "")
    second, _ = batches_tick_from(instance, provider, first)

    assert (first, second) == ("three", "")
    assert provider.polled == ["one", "three", "two"]


def test_a_tick_whose_time_is_up_asks_nothing_more_and_the_next_goes_on_there(
    catalog: Catalog, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        workflow(catalog, name, status="waiting")
        batch(catalog, name, name)
    workflow(catalog, "canceled", status="canceled")
    batch(catalog, "canceled", "own")
    provider = Provider(dict.fromkeys(("one", "two", "own"), "pending"))
    seconds = count(step=60)
    with monkeypatch.context() as patch:
        patch.setattr(sensors.time, "monotonic", lambda: next(seconds))
        slow, _ = batches_tick_from(instance, provider, "")
        done = (provider.polled.copy(), provider.canceled.copy())

    last, said = batches_tick_from(instance, provider, slow)

    assert (slow, done) == ("one", (["one"], []))
    assert (last, provider.polled, provider.canceled) == ("", ["one", "two"], ["own"])
    assert said == "1 batches are awaited; 1 of canceled workflows were canceled."


def test_a_workflow_that_only_tags_goes_on_with_its_votes_alone_and_any_other_with_all_that_follows(
    catalog: Catalog,
) -> None:
    workflow(catalog, "tags", status="waiting", trigger="tagging")
    workflow(catalog, "crawls", status="waiting", trigger="cli")
    workflow(catalog, "of-the-ui", status="waiting", trigger="ui")
    catalog.workflows.stage_started("crawls", "raw_activities", NOW)
    for name in ("tags", "of-the-ui"):
        catalog.workflows.stage_started(name, "tag_batches", NOW)

    found = {name: collected(one) for name in ("tags", "crawls", "of-the-ui") if (one := catalog.workflows.get(name))}

    assert found == {"tags": TAGGING[1:], "crawls": (), "of-the-ui": TAGGING[1:]}


def test_each_batch_is_asked_for_where_it_was_submitted(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    services = {name: Service(name) for name in ("one", "two")}
    provider = Provider({"vectors": "completed"})
    workflow(catalog, "waits", status="waiting")
    batch(catalog, "waits", "vectors")
    for name in services:
        of_voter = Batch(
            workflow_id="waits", asset="tag_batches", provider=name, model=MODEL, batch_id=f"of-{name}", submitted_at=NOW, deadline_at=NOW + PATIENCE
        )  # fmt: skip
        catalog.batches.submitted(of_voter)

    asked, _ = batches_tick(instance, provider, Voters(services))

    statuses = {one.batch_id: one.status for one in catalog.batches.of_workflow("waits")}
    assert statuses == {
        "vectors": "completed",
        "of-one": "completed",
        "of-two": "completed",
    }  # nothing was ever asked there
    assert [workflow for _, _, workflow in asked] == ["waits"]
