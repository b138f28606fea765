"""Sources and locations over the API: registered, looked at before that, listed and removed."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tripper_assets.api.app import create_app
from tripper_assets.demo.server import serve
from tripper_assets.domain.claims import Claim
from tripper_assets_tests.api.conftest import AT, TOKEN, World
from tripper_assets_tests.waiting import new_port

URL = "https://zoo.example/events"


def test_a_source_is_registered_once_and_what_is_given_again_is_changed(world: World) -> None:
    made = world.client.post("/v1/sources", json={"url": URL, "config": {"max_pages": 7}})
    again = world.client.post("/v1/sources", json={"url": f"{URL}/", "config": {"delay_seconds": 2}})

    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json()["key"] == again.json()["key"]
    assert (again.json()["config"]["max_pages"], again.json()["config"]["delay_seconds"]) == (7, 2)
    listed = world.client.get("/v1/sources").json()
    assert [one["url"] for one in listed["sources"]] == [URL]
    assert listed["sources"][0]["last_result"] is None


@pytest.mark.parametrize(
    "body",
    [{}, {"url": ""}, {"url": "mailto:a@b"}, {"url": URL, "config": {"nothing": 1}}, {"url": URL, "location_id": "x"}, {"url": "https://a:b@"}],
)  # fmt: skip
def test_what_is_wrong_with_a_source_is_said_and_nothing_is_registered(world: World, body: dict[str, Any]) -> None:
    said = world.client.post("/v1/sources", json=body)

    assert said.status_code == 422
    assert world.context.catalog.sources.list() == []


@pytest.mark.parametrize("text", ["a\\u0000b", "\\ud800", "\\udcff"])
def test_a_text_that_no_database_holds_is_refused_and_breaks_nothing(world: World, text: str) -> None:
    body = f'{{"id": "leeds", "name": "{text}", "country_code": "GB"}}'

    said = world.client.post("/v1/locations", content=body, headers={"Content-Type": "application/json"})
    asked = world.client.get("/v1/workflows?source=%00&location=%00")

    assert said.status_code == 422
    assert asked.status_code == 422


def test_a_source_is_removed_when_nobody_works_on_it(world: World) -> None:
    key = world.source().key
    claim = Claim(source_key=key, run_id="r", workflow_id="w", host="h", pid=1, process_started=1.0, claimed_at=AT)
    world.context.catalog.claims.take(claim)
    held = world.client.delete(f"/v1/sources/{key}")
    world.context.catalog.claims.release("r")

    removed, again = world.client.delete(f"/v1/sources/{key}"), world.client.delete(f"/v1/sources/{key}")

    assert (held.status_code, removed.status_code, again.status_code) == (409, 204, 404)
    assert world.client.get(f"/v1/sources/{key}").status_code == 404


def test_a_look_at_a_site_says_what_its_first_page_yields_and_keeps_nothing(world: World) -> None:
    settings = world.context.settings.model_copy(update={"allow_private_addresses": ("1",)})
    app = create_app(replace(world.context, settings=settings))
    with serve(0, date(2026, 5, 1)) as site, TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        asked = {"url": f"http://127.0.0.1:{site.server_port}/sites/theatre-leeds/", "config": {"delay_seconds": 0}}

        said = client.post("/v1/sources/preview", json=asked).json()

    assert said["count"] == len(said["activities"]) > 0
    assert said["activities"][0]["name"]
    assert said["is_registered"] is False
    assert world.context.catalog.sources.list() == []


def test_a_site_that_does_not_answer_is_no_mistake_of_ours(world: World) -> None:
    settings = world.context.settings.model_copy(update={"allow_private_addresses": ("1",)})
    app = create_app(replace(world.context, settings=settings))
    with TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        said = client.post("/v1/sources/preview", json={"url": f"http://127.0.0.1:{new_port()}/"})

    assert said.status_code == 502
    assert "try again later" in said.json()["detail"]


def test_no_look_leads_to_a_private_address(world: World) -> None:
    for url in ("http://127.0.0.1:9/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/"):
        said = world.client.post("/v1/sources/preview", json={"url": url})
        assert said.status_code == 422, url


def test_locations_are_added_changed_and_listed(world: World) -> None:
    leeds = {"id": "leeds", "name": "Leeds", "country_code": "GB"}

    made = world.client.post("/v1/locations", json=leeds)
    world.client.post("/v1/locations", json=leeds | {"queries": ["days out"]})
    wrong = world.client.post("/v1/locations", json=leeds | {"id": "Leeds!"})

    assert made.status_code == 201
    assert [one["queries"] for one in world.client.get("/v1/locations").json()["locations"]] == [["days out"]]
    assert wrong.status_code == 422
