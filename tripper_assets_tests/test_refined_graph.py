"""The whole graph with a refiner: asked by one workflow, published by the next, embedded by the one behind that."""

from collections.abc import Generator, Sequence
from datetime import timedelta

import dagster as dg
import pytest

from tripper_assets.definitions import build_definitions
from tripper_assets.demo.server import DemoServer, serve
from tripper_assets.domain.identity import text_sha256
from tripper_assets.voters import Panel, Reach
from tripper_assets_tests.graph_world import NOW, Graph, counts, graph, registered
from tripper_assets_tests.refining_world import Refiners, RefiningService
from tripper_assets_tests.voting_world import Voters

__all__ = ["graph"]  # a fixture


class LocalVoterAndRefiner(Refiners):
    """The local voter, and a refiner."""

    def panel(self, names: Sequence[str], reach: Reach) -> Panel:
        return Voters({}).panel(names, reach)


@pytest.fixture(scope="module")
def site() -> Generator[DemoServer]:
    with serve(0, NOW.date()) as server:
        yield server


@pytest.mark.long
def test_a_source_is_refined_without_waiting_and_its_refined_texts_are_embedded(graph: Graph, site: DemoServer) -> None:
    now, service = NOW, RefiningService()
    clock = dg.ResourceDefinition.hardcoded_resource(lambda: now)
    given = {**(graph.definitions.resources or {}), "clock": clock, "taggers": LocalVoterAndRefiner(service)}
    graph.definitions = build_definitions(given)
    wishes = {"refine_tags": True, "embed_text": "refined", "auto_import": False}
    source = registered(graph, f"{site.url}sites/theatre-leeds/", **wishes)

    asking = graph.run(source, job="scrape_source")
    service.done, now = True, now + timedelta(hours=1)
    published = graph.run(source, job="scrape_source")
    embedded = graph.run(source, job="scrape_source")

    assert [one.status for one in (asking, published, embedded)] == ["review"] * 3
    assert [counts(one, "activity_tags")["refined"] for one in (asking, published, embedded)] == [0, 5, 5]
    assert [counts(one, "embedding_batch")["refined"] for one in (asking, published, embedded)] == [0, 0, 5]
    assert set(service.asked.values()) == {1}
    for record in graph.stored(published, "final_jsonl"):
        assert (record["tags"]["setting"], record["provenance"]["tags"]["method"]) == ("indoor", "refined")
    for record in graph.stored(embedded, "final_jsonl"):
        assert record["embedding"]["text_sha256"] == text_sha256(f"Refined {record['name']}")
