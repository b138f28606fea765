"""The batch role on the Gemini API: requests and results are files, and a batch bears our id as its display name."""

import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any, cast

import orjson

from tripper_assets.clients.batches.stored import lines
from tripper_assets.clients.sdk_verdicts import is_of_connection, of_silence, of_status
from tripper_assets.domain.batch_requests import Limits, Polled, Request, Result
from tripper_assets.domain.batches import Submission
from tripper_assets.domain.errors import SERVER_ERROR, TOO_EARLY_AND_FRIENDS
from tripper_assets.domain.llm import Usage, stated_tokens

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import BatchJob

LIMITS = Limits(requests=50_000, bytes=190_000_000, tokens=10_000_000)
"""Of the 2 GB of a file a tenth; tokens are what an account of the first tier may have in its queue for the smallest models."""
STATES = {
    "SUCCEEDED": "completed",
    "PARTIALLY_SUCCEEDED": "completed",
    "FAILED": "failed",
    "CANCELLED": "canceled",
    "EXPIRED": "expired",
}
"""How batches end, by what stands behind JOB_STATE_ or BATCH_STATE_. The SDK's own `done` leaves out the second."""
BUSY_CODES = frozenset({4, 8, 10, 13, 14})
"""Codes of google.rpc that may be gone another time: deadline exceeded, resource exhausted, aborted, internal, unavailable."""
TIMEOUT_MS = 120_000
LOOK_MS = 10_000
SPOOLED_BYTES = 8_000_000
READ_BYTES = 1 << 20
NOT_THERE = (403, 404)
"""What is said of a file that is not there, or not ours."""
REFUSED = (400, 404, 409)
"""What is said of a batch that has ended, or is gone, where it is to be stopped."""


class GeminiBatches:
    """Gemini's batch API for one model, at half the price and within 24 hours as a rule."""

    name = "gemini"
    settles = timedelta(minutes=5)

    def __init__(self, model: str, *, api_key: str, base_url: str | None = None, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self._model, self._key, self._base_url = model, api_key, base_url
        self._opened: Client | None = None

    @property
    def _client(self) -> "Client":
        from google.genai import Client  # noqa: PLC0415 (an extra, and seconds that only those pay who ask)

        if self._opened is None:
            options: Any = {"timeout": TIMEOUT_MS, "base_url": self._base_url, "retry_options": {"attempts": 1}}
            self._opened = Client(api_key=self._key, vertexai=False, http_options=options)
        return self._opened

    def size(self, request: Request) -> int:
        """Return the bytes of a request's line."""
        return len(_line(request))

    def upload(self, submission: Submission, requests: Iterable[Request]) -> str:
        """Upload the requests as a file of our own name, which expires after two days, and return its name."""
        with tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES) as file:
            for request in requests:
                file.write(_line(request))
            file.seek(0)
            with _told(f"Uploading {submission.requests} requests to {self.name}"):
                if submission.upload_started_at is not None:
                    self._delete_orphan(submission.id)
                config: Any = {"name": submission.id, "display_name": submission.id, "mime_type": "application/jsonl"}
                stored = self._client.files.upload(file=cast("Any", file), config=config)
                return _text(stored.name)

    def _delete_orphan(self, name: str) -> None:
        """Delete what an earlier upload left of which nobody learned whether it is whole."""
        from google.genai.errors import APIError  # noqa: PLC0415 (as above)

        try:
            self._client.files.delete(name=name)
        except APIError as error:
            if error.code not in NOT_THERE:
                raise

    def submit(self, submission: Submission, requests: Iterable[Request]) -> str:
        """Create the batch, with our id as its display name, and return its name."""
        del requests  # they were uploaded
        config: Any = {"display_name": submission.id}
        with _told(f"Submitting {submission.requests} requests to {self.name}", is_paid=True):
            job = self._client.batches.create(model=self._model, src=submission.upload_id, config=config)
            return _text(job.name)

    def find(self, submission: Submission) -> str:
        """Return the name of the batch that has our id as its display name, empty where there is none."""
        config: Any = {"page_size": 100, "http_options": {"timeout": LOOK_MS}}
        with _told(f"Looking for the submission {submission.id} at {self.name}"):
            ours = (job for job in self._client.batches.list(config=config) if job.display_name == submission.id)
            return next((_text(job.name) for job in ours), "")

    def poll(self, provider_id: str) -> Polled:
        """Return the state of a batch; every state that is new to us is pending, and the deadline ends it."""
        with _told(f"Asking {self.name} about the batch {provider_id}"):
            job = self._job(provider_id)
            state = str(getattr(job.state, "value", job.state)).rpartition("STATE_")[2]
            return Polled(STATES.get(state, "pending"))

    def _job(self, name: str) -> "BatchJob":
        config: Any = {"http_options": {"timeout": LOOK_MS}}
        return self._client.batches.get(name=name, config=config)

    def results(self, provider_id: str) -> Iterator[Result]:
        """Yield the rows of the results' file; one that is gone has none."""
        with (
            tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES) as file,
            _told(f"Reading the results of the batch {provider_id} of {self.name}"),
        ):
            job = self._job(provider_id)
            if job.dest is None or not job.dest.file_name:
                return
            if self._downloaded(job.dest.file_name, cast("IO[bytes]", file)):
                for line in lines(iter(lambda: file.read(READ_BYTES), b"")):
                    yield parse_row(line)

    def _downloaded(self, name: str, file: IO[bytes]) -> bool:
        from google.genai.errors import APIError  # noqa: PLC0415 (as above)

        try:
            self._client.files.download(file=name, destination=cast("Any", file))
        except APIError as error:
            if error.code not in NOT_THERE:
                raise
            return False
        file.seek(0)
        return True

    def cancel(self, provider_id: str) -> None:
        """Stop a batch; one that has ended, or is gone, is refused, which is as good."""
        from google.genai.errors import APIError  # noqa: PLC0415 (as above)

        with _told(f"Canceling the batch {provider_id} of {self.name}"):
            try:
                self._client.batches.cancel(name=provider_id)
            except APIError as error:
                if error.code not in REFUSED:
                    raise


@contextmanager
def _told(work: str, *, is_paid: bool = False) -> Generator[None]:
    """Turn what the SDK raises into a verdict on ``work``."""
    from google.genai.errors import APIError  # noqa: PLC0415 (as above)

    try:
        yield
    except APIError as error:
        raise of_status(work, error.code, is_paid=is_paid) from None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        why = f"{type(error).__name__}: the answer is none of the API's"
        raise of_silence(work, why, is_paid=is_paid) from None
    except Exception as error:
        if not is_of_connection(error):
            raise
        arrived = type(error).__name__ != "ConnectError"
        raise of_silence(work, type(error).__name__, is_paid=is_paid and arrived) from None


def _line(request: Request) -> bytes:
    return orjson.dumps({"key": request.custom_id, "request": request.body}, option=orjson.OPT_APPEND_NEWLINE)


def parse_row(line: bytes) -> Result:
    """Return what a line of the results says; of a line that cannot be read there is no custom id."""
    try:
        row = orjson.loads(line)
        custom_id, body, error = row["key"], row.get("response") or {}, row.get("error") or {}
        usage = usage_of(body.get("usageMetadata") or {})
        code = int(error.get("code") or 0)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
        return Result("", error="batch_malformed_row")
    if not isinstance(custom_id, str):
        return Result("", error="batch_malformed_row")
    return Result(custom_id, body, usage=usage) if body and not error else _failed(custom_id, code)


def _failed(custom_id: str, code: int) -> Result:
    busy = code in BUSY_CODES or code in TOO_EARLY_AND_FRIENDS or code >= SERVER_ERROR
    return Result(custom_id, error="batch_request_failed" if busy else "batch_request_refused", is_retryable=busy)


def usage_of(stated: Mapping[str, Any]) -> Usage:
    """Return the tokens of an answer as this project counts them: its candidates leave out thoughts, its prompt what tools gave."""
    thoughts = stated_tokens(stated.get("thoughtsTokenCount"))
    return Usage(
        input=stated_tokens(stated.get("promptTokenCount")) + stated_tokens(stated.get("toolUsePromptTokenCount")),
        output=stated_tokens(stated.get("candidatesTokenCount")) + thoughts,
        cached_input=stated_tokens(stated.get("cachedContentTokenCount")),
        reasoning=thoughts,
    )


def _text(found: object) -> str:
    """Return a name, which the SDK does not check."""
    if not isinstance(found, str) or not found:
        message = "the answer has no name"
        raise ValueError(message)
    return found
