"""The API keeps to what it says of itself: its document and its events are known to the letter, and no input breaks it."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tripper_assets.api.app import create_app
from tripper_assets.api.routes.events import SCHEMAS
from tripper_assets_tests.api.conftest import TOKEN, World

GOLDEN = Path(__file__).parents[1] / "golden"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
UNASKED = ("/v1/events", "/v1/sources/preview")
"""A stream never ends, and a preview asks the network; their own tests ask them."""
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def written(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def event_schemas() -> dict[str, Any]:
    return {name: model.model_json_schema() for name, model in SCHEMAS.items()}


@pytest.mark.parametrize(
    ("name", "value"), [("openapi.json", create_app().openapi()), ("events.schema.json", event_schemas())]
)
def test_what_programs_hold_on_to_changes_only_on_purpose(name: str, value: Any) -> None:
    # Write it anew: python -m tripper_assets_tests.api.test_openapi
    assert (GOLDEN / name).read_bytes() == written(value)


def test_every_route_has_a_summary_and_says_what_it_refuses() -> None:
    schema = create_app().openapi()

    for path, item in schema["paths"].items():
        for method, route in item.items():
            assert route["summary"], (method, path)
            if path not in ("/healthz", "/readyz"):
                assert {"401", "422", "429", "503"} <= set(route["responses"]), (method, path)


def test_the_description_for_people_has_every_route_and_no_script(world: World) -> None:
    page = world.stranger.get("/docs").text

    for path in create_app().openapi()["paths"]:
        assert path in page
    assert "<script" not in page
    assert " style=" not in page


def fuzz(world: World, cases: int) -> int:
    """Ask every route so many times what its schema allows and what it forbids; return how often."""
    world.workflow("review")
    world.source("park.example")
    schema = schemathesis.openapi.from_asgi("/openapi.json", world.client.app)
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in UNASKED:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            # A route without input has nothing that is wrong.
            if mode is GenerationMode.NEGATIVE and not (operation.body or list(operation.iter_parameters())):
                continue

            @settings(
                max_examples=cases,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                nonlocal asked
                asked += 1
                response = case.call(session=world.client, headers=HEADERS)
                case.validate_response(response, checks=CHECKS)

            ask()
    return asked


def test_no_input_breaks_the_api(world: World) -> None:
    assert fuzz(world, 2) > 50


@pytest.mark.long
@pytest.mark.timeout(2_400)
def test_no_input_of_ten_thousand_breaks_the_api(world: World) -> None:
    assert fuzz(world, 320) > 10_000


if __name__ == "__main__":
    (GOLDEN / "openapi.json").write_bytes(written(create_app().openapi()))
    (GOLDEN / "events.schema.json").write_bytes(written(event_schemas()))
