"""Counts and health: older consumers get their very bytes, Prometheus its numbers, probes a state for each part."""

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from tripper_assets.api.app import create_app
from tripper_assets.catalog.database import Database
from tripper_assets.clients.orchestrator import Health
from tripper_assets.domain.sources import Location, make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import catalog_on
from tripper_assets_tests.api.conftest import AT, TOKEN, World
from tripper_assets_tests.catalog.conftest import Site

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def leeds(world: World) -> str:
    catalog = world.context.catalog
    catalog.sources.add_location(Location(id="leeds", name="Leeds", country_code="GB"))
    source = catalog.sources.add(make_source("https://leeds.example/", location_id="leeds"))
    for name, status in (("w1", "running"), ("w2", "completed"), ("w3", "queued"), ("w4", "failed")):
        made = Workflow(
            id=name, source_key=source.key, source_url=source.url, status=status, config={}, created_at=AT, location_id="leeds"
        )  # fmt: skip
        catalog.workflows.start(made)
    return "leeds"


def test_the_analytics_are_those_that_older_consumers_know_to_the_byte(world: World, leeds: str) -> None:
    said = world.client.get("/analytics", params={"locationId": leeds})

    assert said.headers["content-type"] == "application/json"
    assert said.content == (
        b'{"status":"success","data":{"locationId":"leeds","totalMediaItems":0,"activeWorkflows":2,'
        b'"completedWorkflows":1,"generatedAt":"2026-05-01T12:00:00.000Z"}}'
    )


def test_the_analytics_of_no_location_are_refused(world: World) -> None:
    answers = [
        world.client.get("/analytics", params=one).status_code for one in ({}, {"locationId": "x"}, {"locationId": "É"})
    ]

    assert answers == [422, 404, 422]


def test_statistics_and_usage_have_a_line_for_each(world: World, leeds: str) -> None:
    lines = {
        by: world.client.get("/v1/stats", params={"by": by}).json()["lines"] for by in ("source", "location", "stage")
    }
    usage = [
        world.client.get("/v1/usage", params={"by": by}).status_code for by in ("provider", "source", "day", "year")
    ]

    assert (lines["location"][0]["location_id"], lines["location"][0]["active"]) == (leeds, 2)
    assert lines["source"][0]["failed"] == 1
    assert usage == [200, 200, 200, 422]


def test_prometheus_gets_requests_by_route_and_what_the_catalog_counts(world: World, leeds: str) -> None:
    site = Site(world.database, world.source())
    site.load(site.activities(3))
    world.context.catalog.workflows.stage_started("w1", "raw_activities", AT)
    world.context.catalog.workflows.stage_ended("w1", "raw_activities", "failed", AT, {})
    world.client.get("/v1/workflows/w1")
    world.client.get("/v1/workflows/nothing")

    said = world.client.get("/metrics")

    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(said.text)
        for sample in family.samples
    }
    assert samples["tripper_requests_total", "/v1/workflows/{workflow_id}", "200", "GET"] == 1
    assert samples["tripper_requests_total", "/v1/workflows/{workflow_id}", "404", "GET"] == 1
    assert samples["tripper_workflows", "failed"] == 1
    assert samples["tripper_source_activities", "", site.source.key] == 3
    failing = next(key for key in samples if key[0] == "tripper_stage_error_rate")
    assert (leeds in failing, samples[failing]) == (True, 1.0)


def test_each_part_that_is_not_well_is_told_with_what_to_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = world.context.settings.model_copy(update={"embedder": "openai"})
    monkeypatch.setattr(world.orchestrator, "health", lambda: Health(is_loaded=True, beats=False))

    with TestClient(create_app(replace(world.context, settings=settings))) as client:
        known, probe = client.get("/readyz", headers=HEADERS), client.get("/readyz")

    parts = known.json()["parts"]
    assert (known.status_code, known.json()["status"]) == (200, "degraded")
    assert {name: one["state"] for name, one in parts.items()} == {
        "database": "ok", "store": "ok", "dagster": "degraded", "providers": "degraded",
    }  # fmt: skip
    assert "OPENAI_API_KEY" in parts["providers"]["reason"]
    assert "daemon" in parts["dagster"]["reason"]
    assert {one["reason"] for one in probe.json()["parts"].values()} == {None}


def test_without_its_database_the_api_is_down_and_says_so_in_every_answer(world: World) -> None:
    nowhere = Database("postgresql://me:canary@127.0.0.1:9/none")
    context = replace(world.context, catalog=catalog_on(nowhere, world.context.settings.home))

    with TestClient(create_app(context)) as client:
        ready, alive = client.get("/readyz", headers=HEADERS), client.get("/healthz")
        answers = [client.get(path, headers=HEADERS) for path in ("/v1/workflows", "/v1/events", "/v1/activities.csv")]
    nowhere.dispose()

    assert (ready.status_code, ready.json()["status"], alive.status_code) == (503, "down", 200)
    for said in (ready, *answers):
        assert said.status_code == 503
        assert "canary" not in said.text
    assert all("retry-after" in one.headers for one in answers)
