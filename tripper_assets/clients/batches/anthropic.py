"""The batch role on Anthropic's Message Batches."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from tripper_assets.clients.batches.stored import lines
from tripper_assets.clients.sdk_verdicts import is_of_connection, of_silence, of_status, stated_wait
from tripper_assets.domain.batch_requests import Limits, Polled, Request, Result
from tripper_assets.domain.batches import Submission
from tripper_assets.domain.llm import Usage, stated_tokens

if TYPE_CHECKING:
    from anthropic import Anthropic
    from anthropic.types.messages import MessageBatch

LIMITS = Limits(requests=100_000, bytes=16_000_000, tokens=100_000_000)
"""100,000 requests; of the 256 MB a sixteenth, as there is no upload and a call is held in memory eight times over. No queue is stated."""
TIMEOUT_SECONDS = 120.0
LOOK_SECONDS = 10.0
READ_BYTES = 1 << 20
CLOCK_SKEW = timedelta(hours=1)
ROWS_LOOKED_AT = 20
ID_DIGITS = 32
"""Of each of the two ids that a request's custom_id holds, which may have 64."""
RETRYABLE = frozenset({"api_error", "overloaded_error", "rate_limit_error", "timeout_error"})


class AnthropicBatches:
    """Anthropic's batch API, at half the price and within 24 hours.

    A batch of theirs bears nothing of ours but the requests' own ids, which its results repeat: one whose answer was lost is found once it
    has ended, and is held to be accepted until its whole window has passed.
    """

    name = "anthropic"
    settles = timedelta(hours=25)

    def __init__(self, *, api_key: str, base_url: str | None = None, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self._key, self._base_url = api_key, base_url
        self._opened: Anthropic | None = None
        self._owners: dict[str, str] = {}

    @property
    def _client(self) -> "Anthropic":
        from anthropic import Anthropic  # noqa: PLC0415 (an extra, and a second that only those pay who ask)

        if self._opened is None:
            self._opened = Anthropic(api_key=self._key, base_url=self._base_url, max_retries=0, timeout=TIMEOUT_SECONDS)
        return self._opened

    def size(self, request: Request) -> int:
        """Return the bytes of a request as a part of the call."""
        return len(orjson.dumps(_as_sent(request, "0" * ID_DIGITS))) + 1

    def upload(self, submission: Submission, requests: Iterable[Request]) -> str:
        """Return nothing: the requests go with the submission."""
        del submission, requests
        return ""

    def submit(self, submission: Submission, requests: Iterable[Request]) -> str:
        """Create the batch, and return its id."""
        sent: Any = [_as_sent(request, submission.id) for request in requests]
        with _told(f"Submitting {submission.requests} requests to {self.name}", is_paid=True):
            batch: Any = self._client.messages.batches.create(requests=sent)
            if not isinstance(batch.id, str) or not batch.id:
                message = "the answer has no id"
                raise ValueError(message)
            return batch.id

    def find(self, submission: Submission) -> str:
        """Return the id of the batch whose results bear our id, empty where there is none, or it has not ended."""
        with _told(f"Looking for the submission {submission.id} at {self.name}"):
            alike = (one for one in self._listed(submission) if one.results_url and _count(one) == submission.requests)
            return next((one.id for one in alike if self._is_of(one.id, submission)), "")

    def _listed(self, submission: Submission) -> Iterator["MessageBatch"]:
        """Yield the batches, newest first, that were made when the submission was asked for."""
        asked_at = submission.attempted_at or submission.intended_at
        for batch in self._client.messages.batches.list(limit=100, timeout=LOOK_SECONDS):
            if batch.created_at < asked_at - CLOCK_SKEW:
                return
            if batch.created_at <= asked_at + CLOCK_SKEW:
                yield batch

    def _is_of(self, provider_id: str, submission: Submission) -> bool:
        """Return whether a batch is the submission's; of many that were lost together the rows are read once each."""
        if provider_id not in self._owners:
            rows = islice(self._lines(provider_id), ROWS_LOOKED_AT)
            self._owners[provider_id] = next((owner for _, owner in map(_ids, rows) if owner), "")
        return self._owners[provider_id] == submission.id

    def poll(self, provider_id: str) -> Polled:
        """Return the state of a batch; one that was stopped is canceled, whatever of it came to an end before."""
        with _told(f"Asking {self.name} about the batch {provider_id}"):
            batch = self._client.messages.batches.retrieve(provider_id, timeout=LOOK_SECONDS)
            if batch.processing_status != "ended":
                return Polled("pending")
            return Polled("canceled" if batch.cancel_initiated_at else "completed")

    def results(self, provider_id: str) -> Iterator[Result]:
        """Yield the rows of the results; where they are gone, or never were, there are none."""
        with _told(f"Reading the results of the batch {provider_id} of {self.name}"):
            if self._client.messages.batches.retrieve(provider_id).results_url:
                yield from map(parse_row, self._lines(provider_id))

    def _lines(self, provider_id: str) -> Iterator[bytes]:
        from anthropic import NotFoundError  # noqa: PLC0415 (as above)

        try:
            with self._client.messages.batches.with_streaming_response.results(provider_id) as response:
                yield from lines(response.iter_bytes(READ_BYTES))
        except NotFoundError:
            return

    def cancel(self, provider_id: str) -> None:
        """Stop a batch; one that has ended, or is gone, is refused, which is as good."""
        from anthropic import BadRequestError, ConflictError, NotFoundError  # noqa: PLC0415 (as above)

        with _told(f"Canceling the batch {provider_id} of {self.name}"):
            try:
                self._client.messages.batches.cancel(provider_id, timeout=LOOK_SECONDS)
            except (BadRequestError, ConflictError, NotFoundError):
                return


@contextmanager
def _told(work: str, *, is_paid: bool = False) -> Generator[None]:
    """Turn what the SDK raises into a verdict on ``work``."""
    from anthropic import AnthropicError, APIConnectionError, APIStatusError  # noqa: PLC0415 (as above)

    try:
        yield
    except APIStatusError as error:
        wait = stated_wait(error.response.headers.get("retry-after", ""))
        raise of_status(work, error.status_code, is_paid=is_paid, retry_after_seconds=wait) from None
    except APIConnectionError as error:
        never_arrived = type(error.__cause__).__name__ == "ConnectError"
        raise of_silence(work, type(error).__name__, is_paid=is_paid and not never_arrived) from None
    except (AnthropicError, ValueError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: the answer is none of the API's"
        raise of_silence(work, why, is_paid=is_paid) from None
    except Exception as error:
        if not is_of_connection(error):
            raise
        raise of_silence(work, type(error).__name__, is_paid=is_paid) from None


def _count(batch: "MessageBatch") -> int:
    counts = batch.request_counts
    return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired


def _as_sent(request: Request, submission_id: str) -> dict[str, Any]:
    return {"custom_id": request.custom_id + submission_id, "params": request.body}


def _ids(line: bytes) -> tuple[str, str]:
    """Return the ids of the request and of the submission that a row repeats, both empty where it cannot be read."""
    try:
        both = orjson.loads(line)["custom_id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "", ""
    return (both[:ID_DIGITS], both[ID_DIGITS:]) if isinstance(both, str) else ("", "")


def parse_row(line: bytes) -> Result:
    """Return what a line of the results says; of a line that cannot be read there is no custom id."""
    try:
        custom_id, result = _ids(line)[0], orjson.loads(line)["result"]
        kind, message = result["type"], result.get("message") or {}
        usage = usage_of(message.get("usage") or {})
        error = ((result.get("error") or {}).get("error") or {}).get("type")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
        return Result("", error="batch_malformed_row")
    if not custom_id:
        return Result("", error="batch_malformed_row")
    return Result(custom_id, message, usage=usage) if kind == "succeeded" else _failed(custom_id, kind, error)


def _failed(custom_id: str, kind: object, error: object) -> Result:
    if kind == "expired":
        return Result(custom_id, error="batch_request_expired", is_retryable=True)
    if kind == "canceled":
        return Result(custom_id, error="batch_canceled")
    busy = error in RETRYABLE
    return Result(custom_id, error="batch_request_failed" if busy else "batch_request_refused", is_retryable=busy)


def usage_of(stated: Mapping[str, Any]) -> Usage:
    """Return the tokens of a message as this project counts them: its own input leaves out what was read from and written to a cache."""
    cached = stated_tokens(stated.get("cache_read_input_tokens"))
    written = stated_tokens(stated.get("cache_creation_input_tokens"))
    details = stated.get("output_tokens_details") or {}
    return Usage(
        input=stated_tokens(stated.get("input_tokens")) + cached + written,
        output=stated_tokens(stated.get("output_tokens")),
        cached_input=cached,
        reasoning=stated_tokens(details.get("thinking_tokens")),
    )
