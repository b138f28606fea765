"""The description of the API for people: every route with what it takes and answers, as one page without scripts."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader

router = APIRouter(include_in_schema=False)
TEMPLATES = Environment(loader=PackageLoader("tripper_assets.api", "templates"), autoescape=True)
METHODS = ("get", "post", "put", "patch", "delete")


def _schema(request: Request) -> dict[str, Any]:
    return request.app.openapi()


@router.get("/docs", response_class=HTMLResponse)
def docs(schema: Annotated[dict[str, Any], Depends(_schema)]) -> HTMLResponse:
    """Show what there is; open to all, for it holds nothing of the catalog."""
    operations = [
        {"method": method.upper(), "path": path, **described}
        for path, item in schema["paths"].items()
        for method, described in item.items()
        if method in METHODS
    ]
    page = TEMPLATES.get_template("docs.html")
    return HTMLResponse(page.render(info=schema["info"], operations=operations, parts=schema["components"]["schemas"]))
