from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.batches import PATIENCE, Batch, BatchStatus, collectable

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
