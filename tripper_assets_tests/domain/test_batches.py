"""What is done about a batch, by its state and its age."""

from datetime import UTC, datetime, timedelta

import pytest

from tripper_assets.domain.batches import PATIENCE, BatchStatus, next_step

SUBMITTED = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "age", "step"),
    [
        ("completed", timedelta(0), "collect"),
        ("completed", 2 * PATIENCE, "collect"),
        ("pending", timedelta(hours=1), "wait"),
        ("pending", PATIENCE - timedelta(seconds=1), "wait"),
        ("pending", PATIENCE, "give_up"),
        ("failed", timedelta(0), "give_up"),
        ("expired", timedelta(0), "give_up"),
        ("canceled", timedelta(0), "give_up"),
    ],
)
def test_a_batch_is_collected_waited_for_or_given_up(status: BatchStatus, age: timedelta, step: str) -> None:
    assert next_step(status, submitted_at=SUBMITTED, now=SUBMITTED + age) == step
