"""The whole graph with OpenAI's batches: a run that submits and ends, a workflow that waits, and a run that collects and goes on."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from random import Random

import dagster as dg
import pytest

from tripper_assets.definitions import build_definitions
from tripper_assets.demo.server import DemoServer, serve
from tripper_assets.settings import Settings
from tripper_assets_tests.clients.openai_server import KEY, OpenAIServer, serve_openai
from tripper_assets_tests.graph_world import NOW, Graph, counts, graph, registered

__all__ = ["graph"]  # a fixture


@pytest.fixture(scope="module")
def site() -> Generator[DemoServer]:
    with serve(0, NOW.date()) as server:
        yield server


@pytest.fixture
def openai() -> Generator[OpenAIServer]:
    with serve_openai(lambda: NOW, Random(1)) as server:
        yield server


@pytest.mark.long
def test_a_source_is_embedded_by_a_batch_that_no_run_waits_for(
    graph: Graph, site: DemoServer, openai: OpenAIServer, tmp_path: Path
) -> None:
    now = NOW
    resources = dict(graph.definitions.resources or {})
    del resources["embedding_provider"]
    settings = Settings(
        home=tmp_path,
        demo_port=int(site.server_address[1]),
        embedder="openai",
        embedding_dimensions=8,
        openai_base_url=openai.url,
        openai_api_key=KEY,  # type: ignore[arg-type] (pydantic makes it a secret)
    )
    clock = dg.ResourceDefinition.hardcoded_resource(lambda: now)
    graph.definitions = build_definitions({**resources, "settings": settings, "clock": clock})
    openai.clock = lambda: now
    source = registered(graph, f"{site.url}sites/theatre-leeds/", auto_import=False)

    waiting = graph.run(source, job="scrape_source")
    now += timedelta(hours=25)
    collected = graph.run(source, job="collect_source", workflow=waiting.id)
    again = graph.run(source, job="scrape_source")

    assert (waiting.status, counts(waiting, "embedding_batch")["fetched"]) == ("waiting", 5)
    assert [one.status for one in graph.catalog.batches.of_workflow(waiting.id)] == ["pending"]
    records = graph.stored(collected, "final_jsonl")
    assert {one["embedding"]["model"] for one in records} == {"text-embedding-3-small/8"}
    assert (counts(collected, "embeddings_map")["rows"], counts(collected, "embeddings_map")["problems"]) == (5, 0)
    assert counts(collected, "embeddings_map")["tokens"] > 0
    assert (counts(again, "embedding_batch")["fetched"], counts(again, "embedding_batch")["reused"]) == (0, 5)
    assert counts(again, "embeddings_map")["rows"] == 5
    assert list(openai.accepted.values()) == [1]
    assert KEY not in str([collected, again, *records])
