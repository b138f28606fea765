"""Pages from templates: the environment that escapes everything, and the page that every error gets."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tripper_assets.api import wording
from tripper_assets.api.maps import map_of

COMMAND = re.compile("`([^`]+)`")
TEMPLATES = Path(__file__).parent / "templates"
Notices = Sequence[tuple[str, str]]
"""What a page says at its top: (good, warn, bad or info; a sentence)."""


class Session(Protocol):
    """Who looks at a page."""

    @property
    def csrf(self) -> str:
        """What this session's forms send back; empty for somebody who is not signed in."""
        ...


@cache
def environment() -> Environment:
    """Return the templates; every value is escaped, and a name that nobody gave is an error."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    for name in (
        "ago", "day_and_time", "duration", "field_name", "field_said", "moment", "number", "plural", "said", "shown_url", "size", "stage_name", "usd",
        "web_url", "words",
    ):  # fmt: skip
        found.filters[name] = getattr(wording, name)
    found.filters["told"] = told
    ours: dict[str, Any] = {"stages": wording.STAGES, "static": static, "map_of": map_of}
    found.globals.update(ours)
    return found


def told(sentence: str) -> Markup:
    """Return one of our sentences with its `commands` set as code; all else in it is escaped."""
    parts = COMMAND.split(sentence)
    marked = [Markup("<code>{}</code>").format(one) if at % 2 else escape(one) for at, one in enumerate(parts)]
    return Markup("").join(marked)


def static(name: str) -> str:
    """Return the address of one of our own files."""
    return f"/static/{name}"


def render(
    request: Request,
    template: str,
    session: Session | None = None,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,  # noqa: ANN401 (whatever the template names)
) -> HTMLResponse:
    """Return a page; templates know ``request``, ``signed_in``, ``csrf_token`` and ``csrf_field()`` besides ``values``."""
    token = session.csrf if session else ""
    known: dict[str, Any] = {
        "request": request,
        "signed_in": bool(token),
        "csrf_token": token,
        "csrf_field": lambda: _field(token),
        "page": "",
        "notices": (),
        "refresh_seconds": 0,
    }
    text = environment().get_template(template).render(known | values)
    return HTMLResponse(text, status_code=status, headers=headers)


def _field(token: str) -> Markup:
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(token)


def error_page(request: Request, status: int, title: str, detail: str) -> HTMLResponse:
    """Return the page that says what went wrong and what to do; a part of a page gets the sentence alone."""
    template = "parts/error.html" if request.headers.get("hx-request") == "true" else "error.html"
    return render(request, template, status=status, code=status, title=title, detail=detail)
