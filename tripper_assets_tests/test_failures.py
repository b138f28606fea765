import dagster as dg
import pytest

from tripper_assets.domain.errors import (
    ConfigurationError,
    CorruptObjectError,
    PermanentError,
    TransientError,
    TripperError,
)
from tripper_assets.failures import MAX_RETRIES, is_last_attempt, verdict


@pytest.mark.parametrize("error", [PermanentError("No."), ConfigurationError("No."), CorruptObjectError("No.")])
def test_what_will_fail_again_fails_the_step_with_its_sentence(error: TripperError) -> None:
    found = verdict(error, 0)

    assert isinstance(found, dg.Failure)
    assert found.description == "No."
    assert not found.allow_retries
    assert is_last_attempt(error, 0)


@pytest.mark.parametrize(
    ("asked", "attempt", "wait"), [(None, 0, 1), (None, 1, 2), (0, 0, 0), (7.5, 0, 7.5), (7.5, 1, 7.5), (3600, 0, 60)]
)
def test_what_may_pass_is_tried_again_after_the_wait_that_was_asked_for(
    asked: float | None, attempt: int, wait: float
) -> None:
    found = verdict(TransientError("The store is down.", retry_after_seconds=asked), attempt)

    assert isinstance(found, dg.RetryRequested)
    assert found.max_retries == MAX_RETRIES
    assert found.seconds_to_wait == wait


def test_after_the_last_attempt_what_may_pass_fails_the_step_too() -> None:
    error = TransientError("The store is down; try again.")

    found = verdict(error, MAX_RETRIES)

    assert not is_last_attempt(error, MAX_RETRIES - 1)
    assert is_last_attempt(error, MAX_RETRIES)
    assert isinstance(found, dg.Failure)
    assert found.description == "The store is down; try again."


def run_of(*errors: TripperError) -> tuple[dg.ExecuteInProcessResult, int]:
    """Return the result of a step that meets these errors one after the other, and how often it was tried."""
    left, tries = list(errors), []

    @dg.asset
    def crawled(context: dg.AssetExecutionContext) -> None:
        tries.append(context.retry_number)
        if left:
            raise verdict(left.pop(0), context.retry_number)

    return dg.materialize([crawled], raise_on_error=False), len(tries)


def test_a_run_outlives_a_short_outage() -> None:
    result, tries = run_of(
        TransientError("Down.", retry_after_seconds=0), TransientError("Down.", retry_after_seconds=0)
    )

    assert result.success
    assert tries == 3


def test_a_run_gives_up_on_a_long_outage_and_says_why() -> None:
    result, tries = run_of(*[TransientError("The store is down.", retry_after_seconds=0) for _ in range(9)])

    assert not result.success
    assert tries == 5
    assert result.failure_data_for_node("crawled").user_failure_data.description == "The store is down."  # pyright: ignore[reportOptionalMemberAccess]


def test_a_run_does_not_repeat_what_will_fail_again() -> None:
    result, tries = run_of(PermanentError("The key is wrong; set another."))

    assert not result.success
    assert tries == 1
    assert result.failure_data_for_node("crawled").user_failure_data.description == "The key is wrong; set another."  # pyright: ignore[reportOptionalMemberAccess]
