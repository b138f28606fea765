"""What a provider's failure means for a call: lost where it may have been accepted and paid, else transient or permanent."""

from tripper_assets.clients.llm import LostAnswerError
from tripper_assets.domain.errors import SERVER_ERROR, TransientError, TripperError, error_for_status

REQUEST_TIMEOUT = 408


def of_silence(work: str, why: str, *, is_paid: bool) -> TripperError:
    """Return the verdict on a call that got no answer, or none that can be read."""
    if is_paid:
        return LostAnswerError(
            f"{work} got no answer ({why}); whether it was accepted is looked up before it is tried again."
        )
    return TransientError(f"{work} failed ({why}); try again later.")


def of_status(work: str, status: int, *, is_paid: bool, retry_after_seconds: float | None = None) -> TripperError:
    """Return the verdict on a status of 400 or above; the other side's own words stay out, for they quote the key."""
    if is_paid and (status >= SERVER_ERROR or status == REQUEST_TIMEOUT):
        return LostAnswerError(
            f"{work} failed with status {status}; whether it was accepted is looked up before it is tried again."
        )
    return error_for_status(status, work, retry_after_seconds=retry_after_seconds)


def is_of_connection(error: Exception) -> bool:
    """Return whether an error is the HTTP library's own, which the SDKs let through where a body breaks off while it is read."""
    return type(error).__module__.split(".")[0] in ("httpx2", "httpcore2")


def stated_wait(header: str) -> float | None:
    """Return how many seconds a Retry-After header asks to wait, None where it does not."""
    return float(header) if header.replace(".", "", 1).isdecimal() else None
