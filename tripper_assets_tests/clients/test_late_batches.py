"""Batches that come late, never, or after their workflow was canceled: what ended is taken, nobody waits without end, and nothing is asked twice."""

from datetime import timedelta

import pytest

from tripper_assets.batches import cancel_batches
from tripper_assets.domain.batch_requests import Limits
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.model import count_by_code
from tripper_assets_tests.batch_world import NOW, BatchWorld, answer_is_lost, some, statuses, world
from tripper_assets_tests.clients.openai_server import Faults
from tripper_assets_tests.fakes import embedding_alone

__all__ = ["world"]  # a fixture
ALWAYS = 1.0


def test_a_batch_past_its_deadline_is_stopped_and_the_workflow_goes_on_without(world: BatchWorld) -> None:
    world.server.faults = Faults(stuck=ALWAYS)

    found, problems = world.to_the_end(some(2))

    assert len(found.ids) == 0
    assert count_by_code(problems) == {"embedding_missing": 2, "batch_overdue": 1}
    assert [held.batch.status for held in world.server.held.values()] == ["cancelled"]
    assert timedelta(hours=26) <= world.now - NOW <= timedelta(hours=28)


def test_what_was_done_while_nobody_looked_for_days_is_taken_and_not_thrown_away(world: BatchWorld) -> None:
    batch = world.submit(some(3))
    is_ready = world.tick(minutes=3 * 24 * 60)

    found = world.collect(batch)

    assert is_ready
    assert found is not None
    assert (len(found[0].ids), found[1]) == (3, [])
    assert statuses(world) == {"paid": 1}


def test_a_lost_submission_that_was_done_while_nobody_looked_for_days_is_found_and_taken(world: BatchWorld) -> None:
    world.server.before = lambda call: answer_is_lost(world, call)
    batch = world.submit(some(3))
    world.now += timedelta(days=3)

    found = world.collect(batch)

    assert found is not None
    assert (len(found[0].ids), found[1]) == (3, [])


def test_of_a_batch_past_its_deadline_the_parts_that_ended_are_taken(world: BatchWorld) -> None:
    world.limits = Limits(requests=2, bytes=10_000, tokens=1_000)
    world.server.before = lambda call: first_goes_well(world, call)

    found, problems = world.to_the_end(some(4))

    assert len(found.ids) == 2
    assert count_by_code(problems) == {"embedding_missing": 2, "batch_overdue": 1}
    assert sorted(held.batch.status for held in world.server.held.values()) == ["cancelled", "completed"]


def first_goes_well(world: BatchWorld, call: str) -> None:
    if call == "POST batches":
        world.server.faults = Faults(stuck=float(bool(world.server.held)))


def test_nothing_is_asked_for_again_that_nobody_would_wait_for(world: BatchWorld) -> None:
    world.server.faults = Faults(row_busy=ALWAYS)
    batch = world.submit(some(3))
    world.now += timedelta(hours=27)

    found = world.collect(batch)

    assert found is not None
    assert count_by_code(found[1]) == {"batch_request_failed": 3}
    assert len(world.server.accepted) == 1


def test_who_looked_long_ago_takes_back_no_submission_that_was_made_again_meanwhile(world: BatchWorld) -> None:
    world.server.before = lambda call: setattr(world.server, "faults", Faults(broken=float(call == "POST batches")))
    batch = world.submit(some(3))
    (seen,) = world.ledger.of_batch(batch.batch_id)
    world.server.before = lambda _: None
    world.server.faults = Faults()
    world.tick(5)
    world.collect(batch)

    world.ledger.refused(seen, is_upload_good=True)
    world.collect(batch)

    (again,) = world.ledger.of_batch(batch.batch_id)
    assert (seen.state, again.state) == ("submitting", "pending")
    assert list(world.server.accepted.values()) == [1]


def test_a_provider_that_is_gone_at_the_deadline_holds_nobody(world: BatchWorld) -> None:
    world.server.faults = Faults(stuck=ALWAYS)
    batch = world.submit(some(2))
    world.server.faults = Faults(broken=ALWAYS)
    world.now += timedelta(hours=27)

    found = world.collect(batch)

    assert found is not None
    assert count_by_code(found[1]) == {"embedding_missing": 2, "batch_overdue": 1, "batch_unreachable": 1}


def test_the_batch_of_a_canceled_workflow_is_canceled_and_its_cost_is_bounded(world: BatchWorld) -> None:
    world.limits = Limits(requests=2, bytes=10_000, tokens=20)
    world.server.faults = Faults(stuck=ALWAYS)
    batch = world.submit(some(5))

    canceled = cancel_batches(
        world.catalog, embedding_alone(world.catalog, world.provider()), world.workflow, world.now
    )

    assert canceled == 1
    assert {held.batch.status for held in world.server.held.values()} == {"cancelled"}
    assert {one.state for one in world.ledger.of_batch(batch.batch_id)} == {"canceled"}
    assert statuses(world) == {"reserved": len(world.server.held)}


def test_canceling_waits_until_it_is_known_whether_a_lost_submission_was_accepted(world: BatchWorld) -> None:
    world.server.before = lambda call: answer_is_lost(world, call)
    world.server.faults = Faults(late_list=ALWAYS, stuck=ALWAYS)
    world.submit(some(2))
    with pytest.raises(TransientError, match="try again in some minutes"):
        cancel_batches(world.catalog, embedding_alone(world.catalog, world.provider()), world.workflow, world.now)
    world.now += timedelta(minutes=2)

    cancel_batches(world.catalog, embedding_alone(world.catalog, world.provider()), world.workflow, world.now)

    assert [held.batch.status for held in world.server.held.values()] == ["cancelled"]
