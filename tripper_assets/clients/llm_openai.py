"""The extractor role on OpenAI's chat completions with structured outputs, and on whatever else speaks them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson

from tripper_assets.clients.llm import LostAnswerError
from tripper_assets.clients.openai_sdk import retry_after, usage_of
from tripper_assets.domain.errors import TransientError, TripperError, error_for_status
from tripper_assets.domain.llm import Answer, Price, Question, Usage
from tripper_assets.domain.model_facts import capability

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletion

TIMEOUT_SECONDS = 60.0
ATTEMPTS = 3
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
Sleep = Callable[[float], Awaitable[None]]


class OpenAIExtractor:
    """Asks one model; a question that was not answered (408, 425, 429, 5xx) is asked again, one that may have been is not."""

    provider = "openai"

    def __init__(
        self,
        model: str,
        price: Price,
        *,
        api_key: str,
        base_url: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.model = model
        self.price = price
        self._key, self._base_url, self._timeout, self._sleep = api_key, base_url, timeout_seconds, sleep
        self._opened: AsyncOpenAI | None = None

    @property
    def _client(self) -> "AsyncOpenAI":
        """The SDK's client; opened at the first question, for this event loop."""
        from openai import AsyncOpenAI  # noqa: PLC0415 (half a second that only those pay who ask)

        if self._opened is None:
            # The SDK's own retries ask again after a timeout too, which may be paid twice.
            self._opened = AsyncOpenAI(api_key=self._key, base_url=self._base_url, max_retries=0, timeout=self._timeout)
        return self._opened

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.close()
        self._opened = None

    async def ask(self, question: Question) -> Answer:
        """Return the answer.

        Raises:
            LostAnswerError: the connection broke, or the answer took too long.
            TransientError: the other side is busy or down, after three attempts.
            PermanentError: it refuses the key, the model or the question.
        """
        for attempt in range(ATTEMPTS):
            found = await self._try(question)
            if isinstance(found, Answer):
                return found
            wait = _wait_seconds(found, attempt)
            if wait is None or attempt == ATTEMPTS - 1:
                raise found
            await self._sleep(wait)
        raise AssertionError  # the last attempt returns or raises

    async def _try(self, question: Question) -> Answer | TripperError:
        from openai import APIConnectionError, APIResponseValidationError, APIStatusError  # noqa: PLC0415 (as above)

        try:
            return _answer(await self._create(question), question)
        except APIStatusError as error:
            return self._verdict(error)
        except APIConnectionError as error:
            raise LostAnswerError(
                f"Asking {self.model} got no answer ({type(error).__name__}); it is asked again in the next run."
            ) from error
        except (APIResponseValidationError, ValueError) as error:
            raise LostAnswerError(
                f"Asking {self.model} got an answer that is none of the API's; check OPENAI_BASE_URL."
            ) from error

    async def _create(self, question: Question) -> "ChatCompletion":
        shape: Any = {"name": "page", "schema": question.shape, "strict": True}
        effort = capability("openai", self.model).effort
        settings: Any = {"reasoning_effort": effort} if effort else {}
        completion: Any = await self._client.chat.completions.create(
            model=self.model,
            messages=[
                {"role": "system", "content": question.instructions},
                {"role": "user", "content": question.data},
            ],
            response_format={"type": "json_schema", "json_schema": shape},
            max_completion_tokens=question.max_output_tokens,
            **settings,
        )
        if not hasattr(completion, "choices"):
            message = "the body is no completion"
            raise ValueError(message)
        return completion

    def _verdict(self, error: "APIStatusError") -> TripperError:
        """Return the verdict on a status; the other side's own words stay out, for they quote the key."""
        work = f"Asking {self.model}"
        if error.code == "insufficient_quota":
            return error_for_status(402, f"{work} (the account's quota is spent)")
        return error_for_status(error.status_code, work, retry_after_seconds=retry_after(error))


def _wait_seconds(error: TripperError, attempt: int) -> float | None:
    """Return how long to wait before the next attempt, None where another makes no sense now."""
    if not isinstance(error, TransientError):
        return None
    asked = error.retry_after_seconds
    wait = asked if asked is not None else FIRST_WAIT_SECONDS * 2**attempt
    return wait if wait <= LONGEST_WAIT_SECONDS else None


def _answer(completion: "ChatCompletion", question: Question) -> Answer:
    """Return what a completion says; whatever it is, it was paid."""
    # Servers that only speak like OpenAI leave things out that its types promise.
    usage, choices = _usage(getattr(completion, "usage", None)), getattr(completion, "choices", None)
    choice: Any = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(choice, "message", None)
    if message is None:
        return Answer(outcome="malformed", usage=usage)
    reason = getattr(choice, "finish_reason", "")
    if getattr(message, "refusal", None) or reason == "content_filter":
        return Answer(outcome="refused", usage=usage)
    if reason == "length":
        return Answer(outcome="truncated", usage=usage)
    said = _object(getattr(message, "content", None), question.shape)
    return Answer(outcome="answered" if said is not None else "malformed", said=said or {}, usage=usage)


def _object(content: str | None, shape: dict[str, Any]) -> dict[str, Any] | None:
    """Return an answer's object, None where it is none or has not the names that were asked for."""
    try:
        found = orjson.loads(content or "")
    except orjson.JSONDecodeError:
        return None
    is_asked_for = isinstance(found, dict) and set(shape["required"]) <= set(found) <= set(shape["properties"])
    return found if is_asked_for else None


def _usage(stated: "CompletionUsage | None") -> Usage:
    """Return tokens as this project counts them; a server that states none leaves what was reserved as the cost."""
    return usage_of(stated.model_dump(warnings=False)) if stated is not None else Usage()
