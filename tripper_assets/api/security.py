"""Who may ask: the bearer token, the session that a page signs in to with it, and what tells a form of ours from another site's."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request, Response
from fastapi.security import APIKeyCookie, HTTPBearer
from pydantic import SecretStr

from tripper_assets.api.context import ApiContext, Context
from tripper_assets.api.problems import ProblemError

COOKIE = "tripper_session"
CSRF_FIELD, CSRF_HEADER = "csrf_token", "x-csrf-token"
SESSION_TIME = timedelta(days=7)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OURS = frozenset({"same-origin", "none"})
"""What a browser says in Sec-Fetch-Site of a request that no other site made."""
MAX_COOKIE = 200

bearer = HTTPBearer(
    auto_error=False, description="TRIPPER_API_TOKEN, or the token of the link that `tripper up` prints."
)
cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="The session of a page that signed in with the token.")


@dataclass(frozen=True)
class Person:
    """Who asks: a program with the token, or a person with a session of a page."""

    csrf: str = ""
    """What a form of this session sends back in the field ``csrf_token``; empty for a program, which needs none."""


def token_fits(context: ApiContext, given: str) -> bool:
    """Return whether ``given`` is the token; it takes as long for a wrong one, however much of it is right."""
    return hmac.compare_digest(_digest(given), _digest(context.token.get_secret_value()))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def new_session(context: ApiContext) -> str:
    """Return the value of a new session's cookie: until when it holds, a random number, and the token's seal on both."""
    until = int((context.clock() + SESSION_TIME).timestamp())
    content = f"{until}.{secrets.token_urlsafe(16)}"
    return f"{content}.{_seal(context.token, 'session', content)}"


def session_of(context: ApiContext, value: str) -> Person | None:
    """Return the person of a session's cookie, None where it is over or was not made here with this token."""
    content, _, seal = value[:MAX_COOKIE].rpartition(".")
    if not hmac.compare_digest(seal.encode(), _seal(context.token, "session", content).encode()):
        return None
    until = datetime.fromtimestamp(int(content.partition(".")[0]), UTC)
    return Person(_seal(context.token, "csrf", content)) if until > context.clock() else None


def _seal(token: SecretStr, purpose: str, content: str) -> str:
    return hmac.new(token.get_secret_value().encode(), f"{purpose}:{content}".encode(), hashlib.sha256).hexdigest()


def sign_in(request: Request, response: Response, context: ApiContext) -> None:
    """Give a response the cookie of a new session."""
    response.set_cookie(
        COOKIE,
        new_session(context),
        max_age=int(SESSION_TIME.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def sign_out(response: Response) -> None:
    """Take the session's cookie back."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


def person_of(request: Request, context: ApiContext) -> Person | None:
    """Return who asks, None where nobody is known.

    Raises:
        ProblemError: 401 for a token that is none.
    """
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if not token_fits(context, given.strip()):
            raise _unknown("The bearer token is not this API's; use TRIPPER_API_TOKEN.")
        return Person()
    value = request.cookies.get(COOKIE, "")
    return session_of(context, value) if value else None


def _unknown(detail: str) -> ProblemError:
    return ProblemError(401, detail, headers={"WWW-Authenticate": "Bearer"})


def check_origin(request: Request) -> None:
    """Refuse what another site's page sends.

    Raises:
        ProblemError: 403.
    """
    site, origin = request.headers.get("sec-fetch-site", "none"), request.headers.get("origin")
    if site not in OURS or (origin is not None and urlsplit(origin).netloc != request.headers.get("host")):
        raise ProblemError(403, "The request comes from another site's page; send it from a page of this one.")


async def check_form(request: Request, person: Person) -> None:
    """Refuse an unsafe request of a session without the session's own CSRF token, in a field or a header.

    Raises:
        ProblemError: 403.
    """
    if request.method in SAFE or not person.csrf:
        return
    check_origin(request)
    given = request.headers.get(CSRF_HEADER, "")
    is_form = request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    )
    if not given and is_form:
        given = str((await request.form()).get(CSRF_FIELD, ""))
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), person.csrf.encode()):
        raise ProblemError(403, "The form is not of this session, or too old; load the page anew and send it again.")


async def signed_in(
    request: Request,
    context: Context,
    _bearer: Annotated[object, Depends(bearer)] = None,
    _cookie: Annotated[object, Depends(cookie)] = None,
) -> Person:
    """Return who asks, for JSON.

    Raises:
        ProblemError: 401 where nobody is known, 403 for a form of another site.
    """
    person = person_of(request, context)
    if person is None:
        raise _unknown("This needs the token; send it as `Authorization: Bearer TOKEN`.")
    await check_form(request, person)
    return person


async def reader(request: Request, context: Context, _bearer: Annotated[object, Depends(bearer)] = None) -> Person:
    """Return who reads what TRIPPER_PUBLIC_SEARCH may open to all, for JSON.

    Raises:
        ProblemError: 401 where it is not open, and nobody is known.
    """
    person = person_of(request, context)
    if person is None and context.public_search:
        return Person()
    return await signed_in(request, context)


async def page_signed_in(request: Request, context: Context) -> Person:
    """Return who looks at a page.

    Raises:
        ProblemError: 303 to the page that signs in where nobody is known, 403 for a form of another site.
    """
    _follow_link(request, context)
    person = person_of(request, context)
    if person is None:
        wanted = quote(request.url.path) if request.method in SAFE else "/"
        raise ProblemError(303, "Sign in first.", headers={"Location": f"/sign-in?next={wanted}"})
    await check_form(request, person)
    return person


def _follow_link(request: Request, context: ApiContext) -> None:
    """Sign in whoever comes with the link that `tripper up` prints, and send them on to the address without the token.

    Raises:
        ProblemError: 303 with the session's cookie; 401 for a token that is none.
    """
    given = request.query_params.get("token")
    if given is None or request.method not in SAFE:
        return
    if not token_fits(context, given):
        raise _unknown("The link is of an earlier start; use the one that `tripper up` printed last.")
    response = Response()
    sign_in(request, response, context)
    headers = {"Location": request.url.path, "Set-Cookie": response.headers["set-cookie"]}
    raise ProblemError(303, "Signed in.", headers=headers)


async def page_reader(request: Request, context: Context) -> Person:
    """Return who looks at a page that TRIPPER_PUBLIC_SEARCH may open to all; raises as ``page_signed_in``."""
    if context.public_search and person_of(request, context) is None:
        return Person()
    return await page_signed_in(request, context)


SignedIn = Annotated[Person, Depends(signed_in)]
Reader = Annotated[Person, Depends(reader)]
PageSignedIn = Annotated[Person, Depends(page_signed_in)]
PageReader = Annotated[Person, Depends(page_reader)]
