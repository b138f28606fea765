"""The whole graph in this process, with a catalog, a store and an instance of its own, on sites of a test."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.cli.demo import CONFIG, LOCATION
from tripper_assets.clients.embeddings import Keep
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.objects import Objects
from tripper_assets.definitions import build_definitions
from tripper_assets.demo.server import DemoServer
from tripper_assets.domain.batches import BatchStatus, Origin
from tripper_assets.domain.sources import Source, SourceConfig, make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.partitions import SOURCES, WORKFLOW_TAG
from tripper_assets.reconciliation import reconcile
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets.settings import Settings
from tripper_assets_tests.conftest import FreshDatabases

NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)


@dataclass
class Graph:
    """The graph with a catalog, a store and an instance of its own."""

    catalog: Catalog
    objects: Objects
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    runs: int = 0
    messages: list[str] = field(default_factory=list)
    """What the failed steps of the last run said."""

    def run(self, source: Source, *, job: str = "run_source", **tags: str) -> Workflow:
        self.runs += 1
        self.instance.add_dynamic_partitions(SOURCES, [source.key])
        workflow = tags.pop("workflow", f"workflow-{self.runs}")
        result = self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=source.key,
            tags={WORKFLOW_TAG: workflow, **tags},
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        reconcile(result.dagster_run, self.catalog, self.instance)
        self.messages = [str(event.event_specific_data) for event in result.all_events if event.is_failure]
        found = self.catalog.workflows.get(workflow)
        assert found is not None
        return found

    def stored(self, workflow: Workflow, asset: str) -> list[dict[str, Any]]:
        file = next(file for file in reversed(workflow.files) if file.asset == asset)
        return [json.loads(line) for line in self.objects.get(file.uri, sha256=file.sha256).splitlines()]


@contextmanager
def new_graph(fresh_databases: FreshDatabases, gazetteer: Path, folder: Path, site: DemoServer) -> Generator[Graph]:
    """Yield a graph to which the site is the sample site."""
    objects = Objects("memory://")
    with fresh_databases() as url, dg.DagsterInstance.ephemeral() as instance:
        database = Database(url)
        catalog = catalog_on(database, folder)
        catalog.sources.add_location(LOCATION)
        overrides: dict[str, object] = {
            "settings": Settings(home=folder, demo_port=int(site.server_address[1])),
            "catalog": catalog,
            "objects": objects,
            "clock": dg.ResourceDefinition.hardcoded_resource(lambda: NOW),
            "geocoder": OfflineGeocoder(gazetteer.parent),
        }
        yield Graph(catalog, objects, build_definitions(overrides), instance)
        database.dispose()


@pytest.fixture
def graph(fresh_databases: FreshDatabases, gazetteer: Path, tmp_path: Path, site: DemoServer) -> Generator[Graph]:
    """A graph for one test on its module's ``site``."""
    with new_graph(fresh_databases, gazetteer, tmp_path, site) as graph:
        yield graph


def registered(graph: Graph, url: str, **config: Any) -> Source:
    source = make_source(url, SourceConfig.model_validate(CONFIG.model_dump() | config), location_id=LOCATION.id)
    return graph.catalog.sources.get(source.key) or graph.catalog.sources.add(source)


def counts(workflow: Workflow, asset: str) -> dict[str, Any]:
    return next(stage.counts for stage in workflow.stages if stage.asset == asset)


@dataclass
class Pending:
    """A provider that takes its time until a test lets it answer."""

    name: str = "remote"
    model: str = "slow"
    dimensions: int = 2
    is_free: bool = False
    done: bool = False
    texts: dict[str, str] = field(default_factory=dict)

    def submit(self, texts: Mapping[str, str], origin: Origin) -> str:
        assert origin.workflow_id
        self.texts |= texts
        return "batch-1"

    def poll(self, batch_id: str) -> BatchStatus:
        assert batch_id == "batch-1"
        return "completed" if self.done else "pending"

    def results(self, batch_id: str, keep: Keep, *, asks: bool = True) -> Mapping[str, str]:
        del asks  # nothing is left to ask for
        assert batch_id == "batch-1"
        return keep({one: np.array([0.6, 0.8], dtype=np.float32) for one in self.texts if self.done})

    def cancel(self, batch_id: str) -> None:
        raise AssertionError(batch_id)
