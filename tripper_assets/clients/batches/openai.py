"""The batch role on OpenAI's files and batches, and on whatever else speaks them."""

import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, cast

import orjson

from tripper_assets.clients.batches.stored import lines
from tripper_assets.clients.openai_sdk import open_client, told, usage_of
from tripper_assets.domain.batch_requests import Limits, Polled, Request, Result
from tripper_assets.domain.batches import Submission
from tripper_assets.domain.errors import SERVER_ERROR, TOO_EARLY_AND_FRIENDS
from tripper_assets.domain.llm import Usage

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import Batch

OUR_ID = "tripper_submission"
"""The key of a batch's metadata that holds our id."""
STATUSES = {"completed": "completed", "failed": "failed", "expired": "expired", "cancelled": "canceled"}
"""How batches end; every other state, one that is new to us too, is pending, and the deadline ends it."""
RETRYABLE = frozenset({"token_limit_exceeded", "rate_limit_exceeded", "server_error", "internal_error"})
CODE = re.compile(r"[a-z0-9_]{1,60}")
FIRST_ERROR = 400
CONFLICT = 409
CLOCK_SKEW = timedelta(hours=1)
INPUT_KEPT_FOR = timedelta(days=3)
OUTPUT_KEPT_FOR = timedelta(days=7)
SPOOLED_BYTES = 8_000_000
LOOK_SECONDS = 10.0
"""For an answer to a look at a batch: a tick of a sensor, which looks, is ended after a minute, and would look at the same batch first again."""
READ_BYTES = 1 << 20
LIMITS = Limits(requests=50_000, bytes=190_000_000, tokens=3_000_000)
"""50,000 requests and 200 MB; tokens are what an account of the first tier may have in its queue."""
CHAT = "/v1/chat/completions"
GROQ_URL = "https://api.groq.com/openai/v1"
GROQ_LIMITS = Limits(requests=50_000, bytes=95_000_000, tokens=50_000_000)
"""Files of 100 MB; Groq states no queue of tokens, so that this one only keeps a slip of ours small."""


class OpenAIBatches:
    """OpenAI's batch API for one endpoint, at half the price and within 24 hours.

    ``expires`` asks that files be removed by themselves, which not everybody knows who speaks this API.
    """

    settles = timedelta(minutes=3)

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str | None = None,
        endpoint: str = "/v1/embeddings",
        limits: Limits = LIMITS,
        name: str = "openai",
        expires: bool = True,
    ) -> None:
        self.name, self.limits = name, limits
        self._key, self._base_url, self._endpoint, self._expires = api_key, base_url, endpoint, expires
        self._opened: OpenAI | None = None

    @property
    def _client(self) -> "OpenAI":
        if self._opened is None:
            self._opened = open_client(self._key, self._base_url)
        return self._opened

    def size(self, request: Request) -> int:
        """Return the bytes of a request's line."""
        return len(self._line(request))

    def _line(self, request: Request) -> bytes:
        line = {"custom_id": request.custom_id, "method": "POST", "url": self._endpoint, "body": request.body}
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

    def upload(self, submission: Submission, requests: Iterable[Request]) -> str:
        """Upload the requests as a file that expires by itself, and return its id; files that nobody uses are deleted."""
        work = f"Uploading {submission.requests} requests to {self.name}"
        with tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES) as file:
            for request in requests:
                file.write(self._line(request))
            file.seek(0)
            with told(work):
                self._delete_orphans(submission)
                return self._uploaded(submission, cast("IO[bytes]", file))

    def _uploaded(self, submission: Submission, file: IO[bytes]) -> str:
        stored = self._client.files.create(
            file=(_file_name(submission), file, "application/jsonl"),
            purpose="batch",
            **self._expiry("expires_after", INPUT_KEPT_FOR),
        )
        return _text(stored.id)

    def _expiry(self, name: str, kept_for: timedelta) -> dict[str, Any]:
        return {name: {"anchor": "created_at", "seconds": int(kept_for.total_seconds())}} if self._expires else {}

    def _delete_orphans(self, submission: Submission) -> None:
        """Delete what an earlier upload left whose id nobody learned."""
        if submission.upload_started_at is None:
            return
        since = (submission.upload_started_at - CLOCK_SKEW).timestamp()
        for file in self._client.files.list(purpose="batch", order="desc"):
            if file.created_at < since:
                break
            if file.filename == _file_name(submission):
                self._client.files.delete(file.id)

    def submit(self, submission: Submission, requests: Iterable[Request]) -> str:
        """Create the batch, with our id in its metadata, and return its id."""
        del requests  # they were uploaded
        endpoint: Any = self._endpoint
        with told(f"Submitting {submission.requests} requests to {self.name}", is_paid=True):
            batch = self._client.batches.create(
                input_file_id=submission.upload_id,
                endpoint=endpoint,
                completion_window="24h",
                metadata={OUR_ID: submission.id},
                **self._expiry("output_expires_after", OUTPUT_KEPT_FOR),
            )
            return _text(batch.id)

    def find(self, submission: Submission) -> str:
        """Return the id of the batch that has our id in its metadata, empty where the newest batches hold none."""
        asked_at = submission.attempted_at or submission.intended_at
        with told(f"Looking for the submission {submission.id} at {self.name}"):
            return next((batch.id for batch in self._batches(asked_at) if _is_of(batch, submission)), "")

    def _batches(self, since: datetime) -> Iterator["Batch"]:
        oldest = (since - CLOCK_SKEW).timestamp()
        seen: set[str] = set()
        for batch in self._client.batches.list(limit=100, timeout=LOOK_SECONDS):
            # A server that does not know how to turn pages shows the first one again and again.
            if batch.created_at < oldest or batch.id in seen:
                return
            seen.add(batch.id)
            yield batch

    def poll(self, provider_id: str) -> Polled:
        """Return the state of a batch; of one that failed as a whole the code of the first error."""
        with told(f"Asking {self.name} about the batch {provider_id}"):
            batch = self._client.batches.retrieve(provider_id, timeout=LOOK_SECONDS)
            errors = (batch.errors.data if batch.errors else None) or []
            code = next((error.code for error in errors if error.code), "") or ""
            # "unknown" where it is none of the codes that the API documents: free text may quote a request.
            reason = code if CODE.fullmatch(code) else "unknown" if code else ""
            return Polled(STATUSES.get(batch.status, "pending"), reason, reason in RETRYABLE)

    def results(self, provider_id: str) -> Iterator[Result]:
        """Yield the rows of the output file and of the error file; a file that is gone has none."""
        work = f"Reading the results of the batch {provider_id} of {self.name}"
        with told(work):
            batch = self._client.batches.retrieve(provider_id)
            files = [one for one in (batch.output_file_id, batch.error_file_id) if one]
        for file in files:
            yield from self._rows(file, work)

    def _rows(self, file_id: str, work: str) -> Iterator[Result]:
        from openai import NotFoundError  # noqa: PLC0415 (see open_client)

        with told(work):
            try:
                with self._client.files.with_streaming_response.content(file_id) as response:
                    for line in lines(response.iter_bytes(READ_BYTES)):
                        yield parse_row(line)
            except NotFoundError:
                return

    def cancel(self, provider_id: str) -> None:
        """Cancel a batch; one that has ended, or is gone, is refused, which is as good."""
        from openai import BadRequestError, ConflictError, NotFoundError  # noqa: PLC0415 (see open_client)

        with told(f"Canceling the batch {provider_id} of {self.name}"):
            try:
                self._client.batches.cancel(provider_id, timeout=LOOK_SECONDS)
            except (BadRequestError, ConflictError, NotFoundError):
                return


def parse_row(line: bytes) -> Result:
    """Return what a line of an output or error file says; of a line that cannot be read there is no custom id."""
    try:
        row = orjson.loads(line)
        custom_id = row["custom_id"]
        response, error = row.get("response") or {}, row.get("error") or {}
        body, status = response.get("body") or {}, int(response.get("status_code") or 0)
        usage = usage_of(body.get("usage") or {})
        code = str(error.get("code") or (body.get("error") or {}).get("code") or "")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
        return Result("", error="batch_malformed_row")
    if not isinstance(custom_id, str):
        return Result("", error="batch_malformed_row")
    if error or not 0 < status < FIRST_ERROR:
        return _failed(custom_id, status, code, usage)
    return Result(custom_id, body, usage=usage)


def _failed(custom_id: str, status: int, code: str, usage: Usage) -> Result:
    if code == "batch_expired":
        return Result(custom_id, error="batch_request_expired", is_retryable=True, usage=usage)
    busy = status in TOO_EARLY_AND_FRIENDS or status >= SERVER_ERROR or status == CONFLICT or code in RETRYABLE
    error = "batch_request_failed" if busy else "batch_request_refused"
    return Result(custom_id, error=error, is_retryable=busy, usage=usage)


def _file_name(submission: Submission) -> str:
    return f"tripper-{submission.id}.jsonl"


def _is_of(batch: "Batch", submission: Submission) -> bool:
    return (batch.metadata or {}).get(OUR_ID) == submission.id


def _text(found: object) -> str:
    """Return an id, which the SDK does not check."""
    if not isinstance(found, str) or not found:
        message = "the answer has no id"
        raise ValueError(message)
    return found
