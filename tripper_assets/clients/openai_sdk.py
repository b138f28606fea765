"""OpenAI's SDK as this project uses it: every call is made once, and what goes wrong is told without the other side's own words."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tripper_assets.clients.sdk_verdicts import is_of_connection, of_silence, of_status, stated_wait
from tripper_assets.domain.errors import PermanentError, TripperError
from tripper_assets.domain.llm import Usage, stated_tokens

if TYPE_CHECKING:
    from openai import APIConnectionError, APIStatusError, OpenAI

TIMEOUT_SECONDS = 60.0


def open_client(api_key: str, base_url: str | None, *, timeout_seconds: float = TIMEOUT_SECONDS) -> "OpenAI":
    """Return a client that never repeats a call by itself: it sends no key by which the other side could tell a repetition."""
    from openai import OpenAI  # noqa: PLC0415 (half a second that only those pay who ask)

    return OpenAI(api_key=api_key, base_url=base_url, max_retries=0, timeout=timeout_seconds)


def check_model(api_key: str, base_url: str | None, model: str) -> None:
    """Ask whether a key may use a model, which costs nothing.

    Raises:
        TransientError: the other side does not answer.
        PermanentError: it refuses the key, or does not know the model.
    """
    with told(f"Asking about the model {model}"):
        open_client(api_key, base_url).models.retrieve(model)


@contextmanager
def told(work: str, *, is_paid: bool = False) -> Generator[None]:
    """Turn what the SDK raises into a verdict on ``work``.

    Raises:
        LostAnswerError: a call that ``is_paid`` may have been accepted.
        TransientError: it may succeed later.
        PermanentError: the other side refuses it.
    """
    from openai import APIConnectionError, APIResponseValidationError, APIStatusError  # noqa: PLC0415 (as above)

    try:
        yield
    except APIStatusError as error:
        raise _status_verdict(error, work, is_paid=is_paid) from None
    except APIConnectionError as error:
        raise of_silence(work, type(error).__name__, is_paid=is_paid and not _never_arrived(error)) from None
    except (APIResponseValidationError, ValueError, TypeError, AttributeError) as error:
        raise of_silence(work, f"{type(error).__name__}: the answer is none of the API's", is_paid=is_paid) from None
    except OSError as error:
        raise of_silence(work, type(error).__name__, is_paid=is_paid) from None
    except Exception as error:
        if not is_of_connection(error):
            raise
        raise of_silence(work, type(error).__name__, is_paid=is_paid) from None


def _status_verdict(error: "APIStatusError", work: str, *, is_paid: bool) -> TripperError:
    """Return the verdict on a status; the other side's own words stay out, for they quote the key."""
    if error.code == "insufficient_quota":
        return PermanentError(
            f"{work} failed, for the account's quota is spent; raise it, or wait for its next period."
        )
    return of_status(work, error.status_code, is_paid=is_paid, retry_after_seconds=retry_after(error))


def usage_of(stated: Mapping[str, Any]) -> Usage:
    """Return the tokens of an answer of chat completions or embeddings as this project counts them."""
    into, out = stated.get("prompt_tokens_details") or {}, stated.get("completion_tokens_details") or {}
    return Usage(
        input=stated_tokens(stated.get("prompt_tokens")),
        output=stated_tokens(stated.get("completion_tokens")),
        cached_input=stated_tokens(into.get("cached_tokens")),
        reasoning=stated_tokens(out.get("reasoning_tokens")),
    )


def retry_after(error: "APIStatusError") -> float | None:
    """Return how many seconds the other side asks to wait, None where it does not."""
    return stated_wait(error.response.headers.get("retry-after", ""))


def _never_arrived(error: "APIConnectionError") -> bool:
    """Return whether not even a connection was made."""
    return type(error.__cause__).__name__ == "ConnectError"
