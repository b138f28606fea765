"""How every refusal looks: one problem+json (RFC 9457) for programs, and a page for people."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import psycopg
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteError

from tripper_assets.api.rendering import error_page
from tripper_assets.domain.claims import SourceHeldError
from tripper_assets.domain.errors import (
    AddressRefusedError,
    CleanedUpError,
    ConfigurationError,
    ConflictError,
    CorruptObjectError,
    NotFoundError,
    PermanentError,
    QuestionRefusedError,
    TransientError,
    TripperError,
)
from tripper_assets.domain.model import Model

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
STATUSES: tuple[tuple[type[TripperError], int], ...] = (
    (NotFoundError, 404),
    (ConflictError, 409),
    (SourceHeldError, 409),
    (CleanedUpError, 410),
    (AddressRefusedError, 422),
    (QuestionRefusedError, 422),
    (CorruptObjectError, 500),
    (ConfigurationError, 503),  # the operator's: what a request says wrong is an InputRefusedError
    (PermanentError, 409),
    (TransientError, 503),
)


OWN_WORDS = {
    404: "There is nothing here; /docs lists what there is.",
    405: "This address does not take that method; /docs lists what it takes.",
}


class Problem(Model):
    """What is wrong, for programs; `detail` is one sentence for a person."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []
    """For 422: each field that is wrong, and why."""


class ProblemError(HTTPException):
    """A refusal with its status; ``errors`` are the fields that are wrong, and why.

    FastAPI lets its own kind through where it reads a body; anything else it would call a 400 there.
    """

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, errors: list[dict[str, str]] | None = None
    ) -> None:  # fmt: skip
        super().__init__(status, detail, dict(headers) if headers else None)
        self.errors = errors or []


class InputRefusedError(ProblemError):
    """What a request says is wrong: 422."""

    def __init__(self, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(422, detail, errors=errors)


def problem_of(error: TripperError) -> ProblemError:
    """Return how an error of the project is told."""
    if isinstance(error, PermanentError) and isinstance(error.__cause__, psycopg.DataError):
        return InputRefusedError(
            "A text or a number of the request cannot be stored; leave NULs out, and give smaller ones."
        )
    status = next((code for kind, code in STATUSES if isinstance(error, kind)), 500)
    headers: dict[str, str] = {}
    if isinstance(error, TransientError):
        headers["Retry-After"] = f"{error.retry_after_seconds or RETRY_SECONDS:.0f}"
    return ProblemError(status, str(error), headers=headers)


def add_handlers(app: FastAPI) -> None:
    """Have the app tell every error as a problem."""
    for kind in (TripperError, StarletteError, RequestValidationError, UnicodeEncodeError):
        app.add_exception_handler(kind, _told)


async def _told(request: Request, error: Exception) -> Response:
    return response_of(request, as_problem(error))


def as_problem(error: Exception) -> ProblemError:
    """Return how any error is told; one that nobody foresaw is 500."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, TripperError):
        return problem_of(error)
    if isinstance(error, RequestValidationError):
        return InputRefusedError("The request says something wrong; `errors` names it.", _fields(error))
    if isinstance(error, UnicodeEncodeError):
        return InputRefusedError("A text of the request has half of a letter in it (a lone surrogate); send UTF-8.")
    if isinstance(error, StarletteError):
        return ProblemError(error.status_code, _said(error), headers=error.headers)
    return ProblemError(500, "The API made a mistake, which its log tells of; the request may be sent again.")


def _said(error: StarletteError) -> str:
    """Return the sentence of an error that the framework raised in two words."""
    return OWN_WORDS.get(error.status_code, str(error.detail))


def _fields(error: RequestValidationError) -> list[dict[str, str]]:
    """Return the wrong fields without their values, which may hold a secret."""
    return [
        {"field": ".".join(str(part) for part in one["loc"]), "message": str(one["msg"]).removeprefix("Value error, ")}
        for one in error.errors()
    ]


def response_of(request: Request, problem: ProblemError) -> Response:
    """Return a problem as the reader wants it."""
    if problem.status_code == HTTPStatus.SEE_OTHER:
        return Response(status_code=problem.status_code, headers=problem.headers)
    title = _title(problem.status_code)
    if wants_page(request):
        page = error_page(request, problem.status_code, title, problem.detail)
        page.headers.update(problem.headers or {})
        return page
    told: dict[str, Any] = Problem(
        title=title, status=problem.status_code, detail=problem.detail, errors=problem.errors
    ).model_dump()
    if not problem.errors:
        del told["errors"]
    return Response(
        orjson.dumps(told), status_code=problem.status_code, media_type=MEDIA_TYPE, headers=problem.headers or None
    )


def wants_page(request: Request) -> bool:
    """Return whether a person looks at a page, and no program asks the API."""
    return not request.url.path.startswith("/v1/") and "text/html" in request.headers.get("accept", "")


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
