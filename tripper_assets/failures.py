"""How an error of the project becomes Dagster's verdict on a step: try again, or fail with one sentence."""

import dagster as dg

from tripper_assets.domain.errors import TransientError, TripperError

MAX_RETRIES = 4
"""Five attempts, a second and then twice as long between two: a PostgreSQL that is started again takes less than the fifteen seconds."""
FIRST_WAIT_SECONDS = 1.0
MAX_WAIT_SECONDS = 60.0


def is_last_attempt(error: TripperError, retry_number: int) -> bool:
    """Return whether this error ends the step."""
    return not isinstance(error, TransientError) or retry_number >= MAX_RETRIES


def verdict(error: TripperError, retry_number: int) -> Exception:
    """Return what to raise in the step: a retry for a transient error while there are attempts left, else a failure."""
    if is_last_attempt(error, retry_number):
        return dg.Failure(description=str(error), allow_retries=False)
    asked = error.retry_after_seconds if isinstance(error, TransientError) else None
    wait = asked if asked is not None else FIRST_WAIT_SECONDS * 2**retry_number
    return dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=min(wait, MAX_WAIT_SECONDS))
