"""What the routes say of their answers in the OpenAPI: the problems that each may tell, and answers that are written already."""

from typing import Any

import orjson
from fastapi import Response

from tripper_assets.api.problems import MEDIA_TYPE, Problem

SAID = {
    400: "The request cannot be read.",
    401: "The token is missing or wrong.",
    403: "The request comes from another site's page.",
    404: "There is no such thing.",
    409: "What is there now does not allow it.",
    410: "The file was removed by clean-up.",
    413: "The body is too large.",
    422: "The request says something wrong; `errors` names the fields.",
    429: "Too many requests; wait as Retry-After says.",
    502: "The site does not answer.",
    503: "The catalog, the store or Dagster does not answer; try again as Retry-After says.",
}
ALWAYS = (400, 401, 422, 429, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the problems of a route: those that every route may tell, and these."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": SAID[status], "content": content} for status in sorted({*ALWAYS, *statuses})}


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:  # noqa: ANN401 (any JSON value)
    """Return a value as JSON as it is, without a model."""
    return Response(orjson.dumps(value), status_code=status, media_type="application/json", headers=headers)


def with_problem(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI document with the schema of a problem, which no route returns as a model."""
    parts = schema.setdefault("components", {}).setdefault("schemas", {})
    parts["Problem"] = Problem.model_json_schema()
    return schema
