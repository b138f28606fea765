"""The rules of clean-up: an error and a cancellation keep every file, with auto_import on too, and no daily clean-up takes them later."""

from collections.abc import Generator
from contextlib import suppress
from datetime import timedelta

import pytest

from tripper_assets.cleanup import Chosen, clean_up
from tripper_assets.demo.server import DemoServer, serve
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.workflows import INTERMEDIATES, Workflow
from tripper_assets_tests.graph_world import NOW, Graph, graph, registered

__all__ = ["graph"]  # a fixture
STEPS = {
    "activities.standardize": 1,
    "images.collect_images": 1,
    "geocoding.geocode_activities": 1,
    "embeddings.collect_embeddings": 3,
    "publishing.merge": 4,
    "publishing.diff_records": 5,
    "imports.import_snapshot": 5,
}
"""How many of the five intermediates are stored, at least, when a step fails."""
SHORT = {"publishing.merge", "imports.import_snapshot"}


@pytest.fixture(scope="module")
def site() -> Generator[DemoServer]:
    with serve(0, NOW.date()) as server:
        yield server


def ended(graph: Graph, site: DemoServer, step: str, error: BaseException) -> Workflow:
    """Return the workflow of an automatic import whose step ends with an error."""

    def fail(*_: object, **__: object) -> None:
        raise error

    source = registered(graph, f"{site.url}sites/theatre-leeds/", auto_import=True)
    with pytest.MonkeyPatch.context() as patch, suppress(KeyboardInterrupt):
        patch.setattr(f"tripper_assets.assets.{step}", fail)
        graph.run(source)
    [workflow] = graph.catalog.workflows.list(source.key)
    return workflow


def still_there(graph: Graph, workflow: Workflow) -> list[str]:
    """Return the assets of the files that are noted as there, and are."""
    return [
        file.asset
        for file in workflow.files
        if file.deleted_at is None and graph.objects.exists(graph.objects.key(file.uri))
    ]


def daily(graph: Graph, days: int) -> None:
    later = NOW + timedelta(days=days)
    clean_up(graph.catalog, graph.objects, chosen=Chosen(retention_days=30), now=later, report=lambda _: None)


def cases() -> list[object]:
    long = pytest.mark.long
    return [pytest.param(step, count, marks=[] if step in SHORT else long) for step, count in STEPS.items()]


@pytest.mark.parametrize(("step", "stored"), cases())
def test_an_error_keeps_every_file_whatever_the_step_and_however_long_ago(
    graph: Graph, site: DemoServer, step: str, stored: int
) -> None:
    workflow = ended(graph, site, step, PermanentError("No."))
    before = still_there(graph, workflow)

    daily(graph, 365)

    [after] = graph.catalog.workflows.list(workflow.source_key)
    assert (workflow.status, workflow.completed_at is not None) == ("failed", True)
    assert len(set(before) & set(INTERMEDIATES)) >= stored
    assert len(before) == len(workflow.files)
    assert still_there(graph, after) == before


def test_a_cancellation_keeps_every_file_too(graph: Graph, site: DemoServer) -> None:
    workflow = ended(graph, site, "imports.import_snapshot", KeyboardInterrupt())
    before = still_there(graph, workflow)

    daily(graph, 365)

    [after] = graph.catalog.workflows.list(workflow.source_key)
    assert workflow.status == "canceled"
    assert set(before) >= set(INTERMEDIATES)
    assert len(before) == len(workflow.files)
    assert still_there(graph, after) == before
