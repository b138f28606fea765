"""What one provider's way of asking has to say: the URL of a question, and the places in an answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tripper_assets.domain.candidates import Candidate
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.geocoding import PlaceQuery

MOST_CANDIDATES = 5
"""Enough to see that a name is ambiguous."""
Fields = TypeVar("Fields")


class Answered(BaseModel):
    """A part of a provider's answer; what it says beyond that is left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


@dataclass(frozen=True)
class Dialect:
    """How one provider is asked over GET."""

    path_of: Callable[[PlaceQuery], str]
    """Path and query behind the server's URL, without a key."""
    read: Callable[[bytes], Sequence[Candidate]]
    """The places in the body of a good answer, the provider's best first; empty where it knows none.

    Raises UnreadableAnswerError for a body that is no answer, and TransientError or PermanentError for one that says no.
    """
    key_parameter: str = ""


class UnreadableAnswerError(TransientError):
    """The body is none of the provider's answers: an error page, a captive portal, half of an answer."""


class RefusedQuestionError(PermanentError):
    """The provider refuses this one question as it is."""


def parsed(shape: TypeAdapter[Fields], body: bytes) -> Fields:
    """Return the body in its shape.

    Raises:
        UnreadableAnswerError: it is no JSON, or of another shape.
    """
    try:
        return shape.validate_json(body)
    except ValidationError as error:
        raise UnreadableAnswerError("the answer is none of the provider's") from error


def path(name: str, parameters: dict[str, str]) -> str:
    """Return a path with those parameters that are stated."""
    return f"{name}?{urlencode({key: value for key, value in parameters.items() if value})}"


def one_line(question: PlaceQuery) -> str:
    """Return a question as people write an address; the country is told apart."""
    parts = (question.venue, question.street, f"{question.postalCode} {question.locality}".strip(), question.region)
    return ", ".join(part for part in parts if part)
