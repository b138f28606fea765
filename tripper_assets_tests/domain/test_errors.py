import pytest

from tripper_assets.domain.errors import (
    AddressRefusedError,
    CleanedUpError,
    ConfigurationError,
    CorruptObjectError,
    NotFoundError,
    PermanentError,
    TransientError,
    TripperError,
    error_for_status,
)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_a_service_that_is_busy_or_broken_may_be_asked_again(status: int) -> None:
    error = error_for_status(status, "Fetching https://example.org/", retry_after_seconds=7)

    assert isinstance(error, TransientError)
    assert error.retry_after_seconds == 7
    assert str(error) == f"Fetching https://example.org/ failed with status {status}; try again later."


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 451])
def test_a_refused_request_is_not_sent_again_as_it_is(status: int) -> None:
    error = error_for_status(status, "Fetching https://example.org/")

    assert isinstance(error, PermanentError)
    assert str(status) in str(error)


@pytest.mark.parametrize(
    "kind", [AddressRefusedError, NotFoundError, CorruptObjectError, CleanedUpError, ConfigurationError]
)
def test_each_named_error_is_permanent_and_one_of_ours(kind: type[TripperError]) -> None:
    assert issubclass(kind, PermanentError)
    assert issubclass(kind, TripperError)
    assert not issubclass(kind, TransientError)


def test_an_error_that_names_no_wait_asks_for_none() -> None:
    assert TransientError("The store is down; try again.").retry_after_seconds is None
