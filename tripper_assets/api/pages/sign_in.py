"""Signing in and out: the page that takes the token, and the link that `tripper up` prints."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from tripper_assets.api import security
from tripper_assets.api.context import Context
from tripper_assets.api.rendering import render
from tripper_assets.api.security import PageSignedIn

router = APIRouter(include_in_schema=False)
SEE_OTHER, UNAUTHORIZED = 303, 401
WRONG = "That is not the token; look at what `tripper up` printed, or ask who set TRIPPER_API_TOKEN."


def here(path: str) -> str:
    """Return a path of this site to go on to; the dashboard where it is none."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return path if is_ours and path.isprintable() else "/"


@router.get("/sign-in")
def sign_in_page(request: Request, context: Context, next: str = "/") -> Response:  # noqa: A002 (the parameter's name in the address)
    """Show the form."""
    return render(request, "sign_in.html", next=here(next), wrong="", public_search=context.public_search)


@router.post("/sign-in")
def sign_in(
    request: Request, context: Context, token: Annotated[str, Form()] = "", next: Annotated[str, Form()] = "/"  # noqa: A002 (as above)
) -> Response:  # fmt: skip
    """Begin a session with the token."""
    security.check_origin(request)
    if not security.token_fits(context, token.strip()):
        return render(
            request,
            "sign_in.html",
            status=UNAUTHORIZED,
            next=here(next),
            wrong=WRONG,
            public_search=context.public_search,
        )
    response = RedirectResponse(here(next), SEE_OTHER)
    security.sign_in(request, response, context)
    return response


@router.post("/sign-out")
def sign_out(_person: PageSignedIn) -> Response:
    """End the session."""
    response = RedirectResponse("/sign-in", SEE_OTHER)
    security.sign_out(response)
    return response
