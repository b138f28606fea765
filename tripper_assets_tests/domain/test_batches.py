from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.batches import (
    PATIENCE,
    Batch,
    BatchStatus,
    Origin,
    Patience,
    Step,
    Submission,
    Told,
    collectable,
    next_step,
    overall,
    sendable,
)

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
STATUSES: list[BatchStatus] = ["pending", "completed", "failed", "expired", "canceled"]


def batch(workflow: str = "w", status: BatchStatus = "pending", *, age: timedelta = timedelta(hours=1)) -> Batch:
    submitted = NOW - age
    return Batch(
        workflow_id=workflow,
        asset="embedding_batch",
        provider="remote",
        batch_id=f"{workflow} {status} {age}",
        status=status,
        submitted_at=submitted,
        deadline_at=submitted + PATIENCE,
    )


OLD = PATIENCE + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("status", "age", "over"),
    [
        ("pending", timedelta(0), False),
        ("pending", PATIENCE - timedelta(seconds=1), False),
        ("pending", PATIENCE, True),
        ("pending", OLD, True),
        ("completed", timedelta(0), True),
        ("failed", timedelta(0), True),
        ("expired", timedelta(0), True),
        ("canceled", timedelta(0), True),
        ("completed", OLD, True),
    ],
)
def test_a_batch_is_waited_for_until_it_ends_or_its_deadline(
    status: BatchStatus, age: timedelta, *, over: bool
) -> None:
    assert batch(status=status, age=age).is_over(NOW) is over


def test_no_batch_lets_a_workflow_wait_longer_than_providers_promise_and_some_grace() -> None:
    assert timedelta(hours=24) < PATIENCE <= timedelta(hours=48)


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([], []),
        ([batch("a")], []),
        ([batch("a", "completed")], ["a"]),
        ([batch("a", "completed"), batch("a")], []),
        ([batch("a"), batch("a", "completed")], []),
        ([batch("a", "completed"), batch("a", age=OLD)], ["a"]),
        ([batch("b", "failed"), batch("a", "expired")], ["a", "b"]),
        ([batch("b"), batch("a", "canceled"), batch("b", "completed")], ["a"]),
    ],
)
def test_a_workflow_is_collected_when_all_its_batches_are_over(batches: list[Batch], expected: list[str]) -> None:
    assert collectable(batches, now=NOW) == expected


BATCHES = st.lists(
    st.builds(
        batch,
        st.sampled_from("abc"),
        st.sampled_from(STATUSES),
        age=st.timedeltas(min_value=timedelta(0), max_value=2 * PATIENCE),
    )
)


@given(BATCHES, st.randoms(use_true_random=False))
def test_their_order_means_nothing(batches: list[Batch], random: st.DataObject) -> None:
    shuffled = list(batches)
    random.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue] (a random.Random)

    assert collectable(shuffled, now=NOW) == collectable(batches, now=NOW)


@given(BATCHES)
def test_past_every_deadline_everything_is_collected(batches: list[Batch]) -> None:
    assert collectable(batches, now=NOW + 2 * PATIENCE) == sorted({one.workflow_id for one in batches})


def submission(name: str = "s", **more: object) -> Submission:
    values: dict[str, object] = {
        "id": name,
        "batch_id": "b",
        "provider": "remote",
        "model": "small",
        "origin": Origin("w", "zoo-example-01234567", "embedding_batch", "embeddings"),
        "requests_uri": "memory:/b",
        "requests": 3,
        "tokens": 10,
        "intended_at": NOW - timedelta(hours=30),
    }
    return Submission.model_validate(values | more)


def minutes_ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


ASKED = {"state": "submitting", "attempted_at": minutes_ago(2)}
LONG_ASKED = {"state": "submitting", "attempted_at": minutes_ago(4)}
OVERDUE = {"submitted_at": NOW - PATIENCE, "attempted_at": NOW - PATIENCE}


@pytest.mark.parametrize(
    ("batch", "told", "step"),
    [
        (submission(), None, "submit"),
        # It may have been accepted: the provider's list is asked, and an empty one is believed after a while.
        (submission(**ASKED), None, "find"),
        (submission(**ASKED), "absent", "wait"),
        (submission(**LONG_ASKED), "absent", "submit"),
        (submission(state="submitting", attempted_at=NOW - PATIENCE), "absent", "submit"),  # however late that is seen
        (submission(**LONG_ASKED), "pending", "wait"),
        (submission(**LONG_ASKED, checked_at=minutes_ago(0.5)), None, "wait"),
        (submission(**LONG_ASKED, checked_at=minutes_ago(1)), None, "find"),
        (submission(state="submitting", attempted_at=NOW - PATIENCE), None, "find"),
        (submission(state="submitting", attempted_at=NOW - PATIENCE, checked_at=minutes_ago(1)), None, "cancel"),
        # The provider works on it.
        (submission(state="pending", submitted_at=minutes_ago(0)), None, "poll"),
        (submission(state="pending", submitted_at=minutes_ago(5), checked_at=minutes_ago(0.9)), None, "wait"),
        (submission(state="pending", submitted_at=minutes_ago(5), checked_at=minutes_ago(1)), None, "poll"),
        (submission(state="pending", submitted_at=minutes_ago(100), checked_at=minutes_ago(9)), None, "wait"),
        (submission(state="pending", submitted_at=minutes_ago(100), checked_at=minutes_ago(10)), None, "poll"),
        (submission(state="pending", submitted_at=minutes_ago(900), checked_at=minutes_ago(14)), None, "wait"),
        (submission(state="pending", submitted_at=minutes_ago(900), checked_at=minutes_ago(15)), None, "poll"),
        (submission(state="pending", submitted_at=minutes_ago(5)), "pending", "wait"),
        (submission(state="pending", submitted_at=minutes_ago(5)), "absent", "wait"),
        (submission(state="pending", **OVERDUE), None, "poll"),  # nobody looked: it may have been done for long
        (submission(state="pending", **OVERDUE, checked_at=minutes_ago(1)), None, "cancel"),
        (submission(state="pending", **OVERDUE), "pending", "cancel"),
        # It ended, also after its deadline.
        (submission(state="pending", **OVERDUE), "completed", "collect"),
        (submission(state="pending", submitted_at=minutes_ago(5)), "expired", "collect"),
        (submission(state="failed", submitted_at=minutes_ago(5)), None, "collect"),
        (submission(state="canceled", **OVERDUE), None, "collect"),
        (submission(state="completed", collected_at=NOW), None, "done"),
        (submission(collected_at=NOW), None, "done"),
    ],
)
def test_what_is_done_next_about_a_submission(batch: Submission, told: Told | None, step: Step) -> None:
    assert next_step(batch, told, now=NOW, patience=Patience()) == step


DONE = submission(state="completed", collected_at=NOW)


@pytest.mark.parametrize(
    ("submissions", "status"),
    [
        ([submission(state="pending"), submission(state="completed")], "pending"),
        ([submission(state="submitting")], "pending"),
        ([submission(state="pending"), submission()], "pending"),
        ([submission()], "unsent"),
        ([submission(), DONE], "unsent"),
        ([submission(tokens=99)], "pending"),  # there is no room for it now
        ([submission(tokens=99), submission(state="expired")], "expired"),
        ([submission(state="completed")], "completed"),
        ([DONE], "completed"),
        ([submission(state="expired", collected_at=NOW), DONE], "completed"),  # what expired was asked for again
        ([submission(state="expired", collected_at=NOW, problems={"a": "batch_request_expired"})], "expired"),
        ([submission(state="canceled", collected_at=NOW)], "canceled"),
        ([], "completed"),
    ],
)
def test_a_batch_is_as_its_submissions_are(submissions: list[Submission], status: BatchStatus) -> None:
    assert overall(submissions, room=20) == status


def test_as_many_submissions_go_out_as_the_queue_has_room_for_the_oldest_first() -> None:
    waiting = [submission("a"), submission("b", tokens=15), submission("c"), submission("d", state="pending"), DONE]

    assert [one.id for one in sendable(waiting, room=20)] == ["a", "c"]
