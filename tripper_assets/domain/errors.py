"""The errors of the project as a tree; each says in one sentence the work, the subject, the cause and what to do.

* TripperError
  * TransientError: the same call may succeed later (408, 425, 429, 5xx, a lost connection, a service that is down)
  * PermanentError: the same call will fail again until somebody changes something
    * AddressRefusedError: a request would have left for an address that the operator did not allow
    * NotFoundError: a named source, workflow or object does not exist
    * ConflictError: what was to be written does not fit what is there now
    * CorruptObjectError: stored bytes are not the bytes that were stored
    * CleanedUpError: the stored input was removed by retention or clean-up
    * ConfigurationError: a setting or a source's configuration is wrong
    * QuestionRefusedError: a search asks for what no activity can be, or with a cursor of another question
"""

TOO_EARLY_AND_FRIENDS = frozenset({408, 425, 429})
SERVER_ERROR = 500


class TripperError(Exception):
    """An error whose message is one sentence for a person and holds no secret."""


class TransientError(TripperError):
    """The same call may succeed later; ``retry_after_seconds`` is what the other side asked for, None where it did not."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class PermanentError(TripperError):
    """The same call will fail again until somebody changes something."""


class AddressRefusedError(PermanentError):
    """A request would have left for an address that the operator did not allow."""


class NotFoundError(PermanentError):
    """A named source, workflow or object does not exist."""


class ConflictError(PermanentError):
    """What was to be written does not fit what is there now: somebody else was first, or it is there already."""


class CorruptObjectError(PermanentError):
    """Stored bytes are not the bytes that were stored."""


class CleanedUpError(PermanentError):
    """The stored input was removed by retention or clean-up."""


class ConfigurationError(PermanentError):
    """A setting or a source's configuration is wrong; the message names the field."""


class QuestionRefusedError(PermanentError):
    """A search asks for what no activity can be, or with a cursor of another question: an API's 422."""


def error_for_status(status: int, work: str, *, retry_after_seconds: float | None = None) -> TripperError:
    """Return the verdict on an HTTP status of 400 or above: transient for 408, 425, 429 and 5xx, else permanent.

    ``work`` says what was being done and to what, such as ``"fetching https://example.org/"``.
    """
    if status in TOO_EARLY_AND_FRIENDS or status >= SERVER_ERROR:
        return TransientError(
            f"{work} failed with status {status}; try again later.", retry_after_seconds=retry_after_seconds
        )
    return PermanentError(f"{work} failed with status {status}; the other side refuses this request as it is.")
