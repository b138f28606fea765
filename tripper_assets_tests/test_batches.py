"""Looking after batches: each provider is asked for its own, once, and what nobody waits for is stopped."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tripper_assets.batches import cancel_batches, check_batches
from tripper_assets.catalog.database import Database
from tripper_assets.domain.batches import PATIENCE, Batch
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets_tests.fakes import Provider, embedding_alone
from tripper_assets_tests.outage import NOBODY

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(hours=3)
SITE = make_source("https://zoo.example/")


@pytest.fixture
def catalog(database: Database, tmp_path: Path) -> Catalog:
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(SITE)
    for name in ("one", "two"):
        row = Workflow(id=name, source_key=SITE.key, source_url=SITE.url, status="waiting", config={}, created_at=AT)
        catalog.workflows.start(row)
    return catalog


def submitted(
    catalog: Catalog, identifier: str, workflow: str = "one", *, provider: str = "remote", minute: int = 0
) -> Batch:
    made = Batch(
        workflow_id=workflow,
        asset="embedding_batch",
        provider=provider,
        batch_id=identifier,
        submitted_at=AT + timedelta(minutes=minute),
        deadline_at=AT + PATIENCE,
    )
    catalog.batches.submitted(made)
    return made


def statuses(catalog: Catalog, workflow: str = "one") -> dict[str, str]:
    return {one.batch_id: one.status for one in catalog.batches.of_workflow(workflow)}


def test_what_a_provider_says_is_returned_and_written_down(catalog: Catalog) -> None:
    made = [submitted(catalog, name) for name in ("goes-on", "is-done")]
    provider = Provider({"goes-on": "pending", "is-done": "completed"})

    found, troubles = check_batches(catalog, embedding_alone(catalog, provider), made, LATER)

    assert ([one.status for one in found], troubles) == (["pending", "completed"], [])
    assert statuses(catalog) == {"goes-on": "pending", "is-done": "completed"}
    assert {one.checked_at for one in catalog.batches.of_workflow("one")} == {LATER}


def test_a_batch_that_ended_or_that_another_provider_works_on_is_not_asked_for(catalog: Catalog) -> None:
    ended, other = submitted(catalog, "ended"), submitted(catalog, "other", provider="another")
    provider = Provider()

    found, troubles = check_batches(
        catalog, embedding_alone(catalog, provider), [ended.model_copy(update={"status": "failed"}), other], LATER
    )

    assert [one.status for one in found] == ["failed", "pending"]
    assert (provider.polled, troubles) == ([], [])
    assert [one.checked_at for one in catalog.batches.of_workflow("one")] == [None, None]


@pytest.mark.parametrize("error", [TransientError("It does not answer."), PermanentError("The key is wrong.")])
def test_a_batch_that_cannot_be_asked_for_is_told_and_keeps_no_other_waiting(
    catalog: Catalog, error: Exception
) -> None:
    made = [submitted(catalog, name) for name in ("lost", "is-done")]

    found, troubles = check_batches(
        catalog, embedding_alone(catalog, Provider({"is-done": "completed"}, error)), made, LATER
    )

    assert troubles == [f"lost: {error}"]
    assert [(one.batch_id, one.status) for one in found] == [("lost", "pending"), ("is-done", "completed")]
    assert statuses(catalog) == {"lost": "pending", "is-done": "completed"}


def test_nothing_to_ask_for_is_nothing_found(catalog: Catalog) -> None:
    assert check_batches(catalog, embedding_alone(catalog, Provider()), [], LATER) == ([], [])


def test_an_answer_that_cannot_be_written_down_is_an_error(tmp_path: Path) -> None:
    down = catalog_on(Database(NOBODY), tmp_path)
    made = Batch(
        workflow_id="one",
        asset="embedding_batch",
        provider="remote",
        batch_id="b",
        submitted_at=AT,
        deadline_at=LATER,
    )

    with pytest.raises(TransientError, match="The catalog at"):
        check_batches(down, embedding_alone(down, Provider({"b": "completed"})), [made], LATER)


def test_the_pending_batches_of_a_workflow_are_stopped_and_ended_ones_stay(catalog: Catalog) -> None:
    for name in ("goes-on", "is-done"):
        submitted(catalog, name)
    catalog.batches.checked(submitted(catalog, "is-done"), "completed", AT)
    submitted(catalog, "others", "two")
    provider = Provider({"goes-on": "pending", "others": "pending"})

    count = cancel_batches(catalog, embedding_alone(catalog, provider), "one", LATER)

    assert (count, provider.canceled) == (1, ["goes-on"])
    assert statuses(catalog) == {"goes-on": "canceled", "is-done": "completed"}
    assert statuses(catalog, "two") == {"others": "pending"}


def test_a_batch_that_another_workflow_waits_for_goes_on_until_the_last_one_lets_go(catalog: Catalog) -> None:
    for workflow in ("one", "two"):
        submitted(catalog, "shared", workflow)
    provider = Provider({"shared": "pending"})

    first = cancel_batches(catalog, embedding_alone(catalog, provider), "one", LATER)
    after_first = list(provider.canceled)
    second = cancel_batches(catalog, embedding_alone(catalog, provider), "two", LATER)

    assert (first, after_first, second, provider.canceled) == (1, [], 1, ["shared"])


def test_a_batch_of_a_provider_that_is_no_longer_used_is_let_go(catalog: Catalog) -> None:
    submitted(catalog, "old", provider="another")
    provider = Provider()

    count = cancel_batches(catalog, embedding_alone(catalog, provider), "one", LATER)

    assert (count, provider.canceled, statuses(catalog)) == (1, [], {"old": "canceled"})


def test_a_provider_that_fails_half_way_is_asked_again_for_the_rest(catalog: Catalog) -> None:
    for minute, name in enumerate(("first", "second")):
        submitted(catalog, name, minute=minute)
    provider = Provider({"first": "pending"})
    with pytest.raises(TransientError):
        cancel_batches(catalog, embedding_alone(catalog, provider), "one", LATER)
    between = statuses(catalog)
    provider.statuses["second"] = "pending"

    count = cancel_batches(catalog, embedding_alone(catalog, provider), "one", LATER)

    assert between == {"first": "canceled", "second": "pending"}
    assert (count, provider.canceled) == (1, ["first", "second"])
