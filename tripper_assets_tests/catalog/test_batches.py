"""What providers work on: a row for each batch of each workflow, which keeps its deadline and how it ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tripper_assets.catalog.batches import Batches
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.batches import PATIENCE, Batch, BatchStatus
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow, WorkflowStatus
from tripper_assets_tests.outage import NOBODY

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = make_source("https://zoo.example/")


@pytest.fixture
def batches(database: Database) -> Batches:
    SourceRegistry(database).add(SITE)
    for name in ("one", "two", "three"):
        start(database, name)
    return Batches(database)


def start(database: Database, name: str, status: WorkflowStatus = "waiting") -> None:
    row = Workflow(id=name, source_key=SITE.key, source_url=SITE.url, status=status, config={}, created_at=AT)
    Workflows(database).start(row)


def batch(workflow: str = "one", identifier: str = "b1", *, minute: int = 0, **fields: Any) -> Batch:
    at = AT + timedelta(minutes=minute)
    values = {"asset": "embedding_batch", "provider": "remote", "submitted_at": at, "deadline_at": at + PATIENCE}
    return Batch.model_validate({"workflow_id": workflow, "batch_id": identifier, **values, **fields})


def names(found: list[Batch]) -> list[tuple[str, str]]:
    return [(one.workflow_id, one.batch_id) for one in found]


def test_a_batch_comes_back_as_it_was_submitted(batches: Batches) -> None:
    made = batch(model="slow", requested=7)

    batches.submitted(made)

    assert batches.of_workflow("one") == [made]
    assert batches.of_workflow("two") == []


def test_a_rerun_that_submits_the_same_batch_waits_no_longer(batches: Batches) -> None:
    batches.submitted(batch())

    batches.submitted(batch(minute=90))

    assert batches.of_workflow("one") == [batch()]


def test_batches_of_a_workflow_are_listed_from_the_oldest(batches: Batches) -> None:
    for identifier, minute in (("late", 2), ("early", 1)):
        batches.submitted(batch(identifier=identifier, minute=minute))

    assert names(batches.of_workflow("one")) == [("one", "early"), ("one", "late")]


def test_asking_leaves_when_it_was_asked_and_the_end_when_it_ended(batches: Batches) -> None:
    batches.submitted(batch())
    later, end = AT + timedelta(hours=1), AT + timedelta(hours=2)

    batches.checked(batch(), "pending", later)
    (pending,) = batches.of_workflow("one")
    batches.checked(batch(), "completed", end)

    (ended,) = batches.of_workflow("one")
    assert (pending.status, pending.checked_at, pending.ended_at) == ("pending", later, None)
    assert (ended.status, ended.checked_at, ended.ended_at) == ("completed", end, end)


@pytest.mark.parametrize("then", ["pending", "failed", "canceled"])
def test_a_batch_that_has_ended_stays_as_it_ended(batches: Batches, then: BatchStatus) -> None:
    batches.submitted(batch())
    batches.checked(batch(), "completed", AT)

    batches.checked(batch(), then, AT + timedelta(hours=1))

    (found,) = batches.of_workflow("one")
    assert (found.status, found.ended_at) == ("completed", AT)


def test_what_is_said_of_one_workflows_batch_is_said_of_no_other(batches: Batches) -> None:
    for made in (batch("one"), batch("two"), batch("one", "b2"), batch("one", provider="another")):
        batches.submitted(made)

    batches.checked(batch("one"), "canceled", AT)

    assert [one.status for one in batches.of_workflow("two")] == ["pending"]
    statuses = {(one.batch_id, one.provider): one.status for one in batches.of_workflow("one")}
    assert statuses == {("b1", "remote"): "canceled", ("b2", "remote"): "pending", ("b1", "another"): "pending"}


def test_a_batch_is_shared_while_another_workflow_waits_for_the_same_texts(batches: Batches) -> None:
    batches.submitted(batch("one"))
    alone = batches.is_shared(batch("one"))
    batches.submitted(batch("two", provider="another"))
    elsewhere = batches.is_shared(batch("one"))
    batches.submitted(batch("three"))
    together = batches.is_shared(batch("one"))
    batches.checked(batch("three"), "completed", AT)

    assert (alone, elsewhere, together, batches.is_shared(batch("one"))) == (False, False, True, False)


@pytest.mark.parametrize("ended", ["completed", "failed", "canceled"])
def test_a_batch_is_not_shared_with_a_workflow_that_ended(
    batches: Batches, database: Database, ended: WorkflowStatus
) -> None:
    start(database, "over", ended)
    batches.submitted(batch("one"))
    batches.submitted(batch("over"))

    assert not batches.is_shared(batch("one"))


def test_only_pending_batches_of_canceled_workflows_are_to_be_stopped(batches: Batches, database: Database) -> None:
    for made in (batch("one"), batch("one", "done"), batch("two")):
        batches.submitted(made)
    batches.checked(batch("one", "done"), "completed", AT)

    Workflows(database).set_status("one", "canceled")

    assert names(batches.of_canceled()) == [("one", "b1")]


def test_the_workflows_that_wait_come_in_order_with_all_their_batches_a_few_at_a_time(
    batches: Batches, database: Database
) -> None:
    start(database, "running", "running")
    for made in (batch("one"), batch("one", "b2", minute=1), batch("two"), batch("three"), batch("running")):
        batches.submitted(made)
    batches.checked(batch("one"), "completed", AT)

    assert names(batches.awaited(1)) == [("one", "b1"), ("one", "b2")]
    assert names(batches.awaited(1, after="one")) == [("three", "b1")]
    assert names(batches.awaited(9, after="one")) == [("three", "b1"), ("two", "b1")]
    assert names(batches.awaited(9)) == [("one", "b1"), ("one", "b2"), ("three", "b1"), ("two", "b1")]


def test_a_batch_of_an_unknown_workflow_is_refused(batches: Batches) -> None:
    with pytest.raises(PermanentError, match="violates foreign key"):
        batches.submitted(batch("nobody's"))


def test_a_catalog_that_is_down_keeps_no_batch() -> None:
    # What was paid for must be known: it is never kept for later, the step fails and is tried again.
    with pytest.raises(TransientError, match="does not answer"):
        Batches(Database(NOBODY)).submitted(batch())
