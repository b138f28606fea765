"""The whole graph with voters at all four providers, whose APIs are played on this machine."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from random import Random

import dagster as dg
import pytest

from tripper_assets.definitions import build_definitions
from tripper_assets.demo.server import DemoServer, serve
from tripper_assets.settings import Settings
from tripper_assets.voters import ACCOUNTS
from tripper_assets_tests.clients.batches.provider_server import KEY, Faults, ProviderServer, open_door
from tripper_assets_tests.clients.batches.tag_world import SERVERS
from tripper_assets_tests.graph_world import NOW, Graph, counts, graph, registered

__all__ = ["graph"]  # a fixture


@pytest.fixture(scope="module")
def site() -> Generator[DemoServer]:
    with serve(0, NOW.date()) as server:
        yield server


@pytest.fixture
def providers() -> Iterator[dict[str, tuple[str, ProviderServer]]]:
    """Addresses and servers by provider."""
    with ExitStack() as stack:
        found: dict[str, tuple[str, ProviderServer]] = {}
        for name, kind in SERVERS.items():
            door, server = stack.enter_context(open_door()), kind(lambda: NOW, Random(1), Faults())
            door.told = server
            found[name] = (door.root + server.path, server)
        yield found


@pytest.mark.long
def test_four_providers_vote_in_their_batches_and_their_consensus_is_published(
    graph: Graph, site: DemoServer, providers: dict[str, tuple[str, ProviderServer]], tmp_path: Path
) -> None:
    now = NOW
    keys = {ACCOUNTS[name][0][0]: KEY for name in providers}
    addresses = {ACCOUNTS[name][1]: url for name, (url, _) in providers.items()}
    settings = Settings.model_validate(
        {
            "home": tmp_path,
            "demo_port": int(site.server_address[1]),
            "taggers": ["local", *providers],
            **keys,
            **addresses,
        }
    )
    for _, server in providers.values():
        server.clock = lambda: now
    resources = {name: one for name, one in (graph.definitions.resources or {}).items() if name != "taggers"}
    clock = dg.ResourceDefinition.hardcoded_resource(lambda: now)
    graph.definitions = build_definitions({**resources, "clock": clock, "settings": settings})
    source = registered(graph, f"{site.url}sites/theatre-leeds/", auto_import=False, tag_runs=2)

    waiting = graph.run(source, job="scrape_source")
    now += timedelta(hours=25)
    done = graph.run(source, job="collect_source", workflow=waiting.id)
    again = graph.run(source, job="scrape_source")

    assert (waiting.status, counts(waiting, "tag_batches")["fetched"]) == ("waiting", 40)
    assert (counts(done, "tag_votes")["rows"], counts(done, "tag_votes")["problems"]) == (45, 0)
    progress = counts(done, "tag_votes")["progress"]
    assert {(one["provider"], one["run"], one["there"]) for one in progress} == {
        ("local", 2, 5),
        *((name, 3, 10) for name in providers),
    }
    assert counts(done, "tag_votes")["usd"] > 0
    assert len(graph.stored(done, "final_jsonl")) == 5
    assert counts(again, "tag_batches")["fetched"] == 0
    assert KEY not in str([waiting, done, again, *graph.stored(done, "final_jsonl")])
