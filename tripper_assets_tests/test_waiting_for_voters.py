"""The whole graph with remote voters: a workflow that waits for them and goes on, and one that only tags."""

from collections.abc import Generator
from datetime import timedelta

import dagster as dg
import pytest

from tripper_assets.definitions import build_definitions
from tripper_assets.demo.server import DemoServer, serve
from tripper_assets.domain.graph import TAGGING
from tripper_assets.partitions import TAGGERS_TAG, TRIGGER_TAG
from tripper_assets.sensors import collected
from tripper_assets_tests.graph_world import NOW, Graph, counts, graph, registered
from tripper_assets_tests.voting_world import Service, Voters

__all__ = ["graph"]  # a fixture


@pytest.fixture(scope="module")
def site() -> Generator[DemoServer]:
    with serve(0, NOW.date()) as server:
        yield server


@pytest.mark.long
def test_a_source_waits_for_its_voters_and_publishes_what_they_agree_on(graph: Graph, site: DemoServer) -> None:
    now = NOW
    services = {name: Service(name) for name in ("one", "two")}
    clock = dg.ResourceDefinition.hardcoded_resource(lambda: now)
    resources = dict(graph.definitions.resources or {})
    graph.definitions = build_definitions({**resources, "clock": clock, "taggers": Voters(services)})
    source = registered(graph, f"{site.url}sites/theatre-leeds/", auto_import=False)

    waiting = graph.run(source, job="scrape_source")
    now += timedelta(hours=1)
    for one in services.values():
        one.done = True
    done = graph.run(source, job="collect_source", workflow=waiting.id)
    again = graph.run(source, job="scrape_source")

    assert (waiting.status, counts(waiting, "tag_batches")["fetched"]) == ("waiting", 10)
    assert collected(waiting) == ()
    records = graph.stored(done, "final_jsonl")
    assert {one["tags"]["setting"] for one in records} == {"indoor"}
    assert (counts(done, "tag_votes")["rows"], counts(done, "tag_votes")["tokens"]) == (15, 1_000)
    assert counts(done, "activity_tags")["votes"] == 15
    assert (counts(again, "tag_batches")["fetched"], counts(again, "tag_votes")["reused"]) == (0, 15)
    assert again.status == "review"


@pytest.mark.long
def test_a_workflow_that_only_tags_crawls_nothing_asks_whom_it_is_told_to_and_leaves_votes_to_the_next(
    graph: Graph, site: DemoServer
) -> None:
    services: dict[str, Service] = {}
    graph.definitions = build_definitions({**(graph.definitions.resources or {}), "taggers": Voters(services)})
    source = registered(graph, f"{site.url}sites/theatre-leeds/", auto_import=False)
    graph.run(source, job="scrape_source")
    services |= {name: Service(name, done=True) for name in ("groq", "gemini")}
    site.answers.clear()

    asked = graph.run(source, job="tag_source", **{TRIGGER_TAG: "tagging", TAGGERS_TAG: "groq:m"})
    crawled = site.answers.total()
    published = graph.run(source, job="scrape_source")

    assert crawled == 0
    assert collected(asked) == TAGGING[1:]
    assert asked.status == "completed"
    assert {stage.asset for stage in asked.stages} == set(TAGGING)
    assert (sum(services["groq"].asked.values()), set(services["groq"].asked.values())) == (5, {1})
    assert counts(asked, "activity_tags")["votes"] == 10
    assert counts(published, "tag_votes")["rows"] >= 10
