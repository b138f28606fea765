"""What every orchestrator does: Dagster's own webserver over loopback, with a queue and without a daemon, and the one of the API's tests."""

import threading
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Protocol

import dagster as dg
import pytest
import uvicorn
from dagster._core.events import DagsterEvent
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from dagster_webserver.webserver import DagsterWebserver as Pages

from tripper_assets.clients.orchestrator import DagsterWebserver, Launch, Orchestrator
from tripper_assets_tests.api.conftest import FakeOrchestrator
from tripper_assets_tests.waiting import wait_until

GRAPH = """
import dagster as dg

sources = dg.DynamicPartitionsDefinition(name="source")

@dg.asset(partitions_def=sources)
def raw_activities() -> None: ...

@dg.asset(partitions_def=sources, deps=[raw_activities])
def activities() -> None: ...

jobs = [dg.define_asset_job(name, "*", partitions_def=sources) for name in ("scrape_source", "run_source")]
defs = dg.Definitions(assets=[raw_activities, activities], jobs=jobs)
"""
WORDS = {"STARTING": dg.DagsterEventType.RUN_STARTING, "STARTED": dg.DagsterEventType.RUN_START}


class House(Protocol):
    """An orchestrator, and what becomes of its runs without anybody asking it."""

    @property
    def orchestrator(self) -> Orchestrator: ...

    def goes_on(self, run_id: str, status: str) -> None:
        """Let a run be STARTING, or STARTED by a command, which nobody else can end."""
        ...


class Fake:
    def __init__(self) -> None:
        self.orchestrator = FakeOrchestrator()

    def goes_on(self, run_id: str, status: str) -> None:
        for runs in self.orchestrator.found.values():
            runs[:] = [replace(one, status=status) if one.id == run_id else one for one in runs]
        if status == "STARTED":
            self.orchestrator.foreign.add(run_id)


@dataclass
class Real:
    orchestrator: DagsterWebserver
    instance: dg.DagsterInstance

    def goes_on(self, run_id: str, status: str) -> None:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        self.instance.report_dagster_event(DagsterEvent(WORDS[status].value, run.job_name), run_id)


@pytest.fixture(scope="module")
def dagster_pages(tmp_path_factory: pytest.TempPathFactory) -> Generator[Real]:
    home = tmp_path_factory.mktemp("dagster")
    graph = home / "graph.py"
    graph.write_text(GRAPH)
    queue = {"run_coordinator": {"module": "dagster.core.run_coordinator", "class": "QueuedRunCoordinator"}}
    with (
        dg.DagsterInstance.local_temp(str(home), overrides=queue) as instance,
        WorkspaceProcessContext(instance, PythonFileTarget(str(graph), None, str(home), "ours")) as workspace,
    ):
        server = uvicorn.Server(uvicorn.Config(Pages(workspace).create_asgi_app(), port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Real(DagsterWebserver(f"http://127.0.0.1:{port}"), instance)
        server.should_exit = True
        thread.join()


@pytest.fixture(params=["fake", "real"])
def house(request: pytest.FixtureRequest) -> House:
    return Fake() if request.param == "fake" else request.getfixturevalue("dagster_pages")


@pytest.fixture
def wanted(request: pytest.FixtureRequest) -> Launch:
    """A launch in a workflow of its own: the real one keeps the runs of other tests."""
    return Launch("scrape_source", "zoo-00000000", request.node.name, {"tripper/trigger": "api"})


def test_a_launched_run_waits_in_the_queue_and_is_found_by_its_workflow(house: House, wanted: Launch) -> None:
    launched = house.orchestrator.launch(wanted)

    (found,) = house.orchestrator.runs(wanted.workflow_id)
    assert (found.id, found.status, found.is_over, found.stored) == (launched, "QUEUED", False, frozenset())
    assert house.orchestrator.runs("another") == []


def test_runs_of_a_workflow_come_with_the_newest_first(house: House, wanted: Launch) -> None:
    first = house.orchestrator.launch(wanted)
    second = house.orchestrator.launch(replace(wanted, job="run_source", assets=("activities",), after=first))

    assert [one.id for one in house.orchestrator.runs(wanted.workflow_id)] == [second, first]


@pytest.mark.parametrize("status", ["QUEUED", "STARTING"])
def test_a_run_that_has_not_begun_ends_at_once_and_only_once(house: House, wanted: Launch, status: str) -> None:
    launched = house.orchestrator.launch(wanted)
    if status != "QUEUED":
        house.goes_on(launched, status)

    taken = [house.orchestrator.end([launched]) for _ in range(2)]

    (found,) = house.orchestrator.runs(wanted.workflow_id)
    assert (taken, found.status, found.is_over) == ([1, 0], "CANCELED", True)


def test_a_run_of_a_command_does_not_take_it(house: House, wanted: Launch) -> None:
    launched = house.orchestrator.launch(wanted)
    house.goes_on(launched, "STARTED")

    taken = house.orchestrator.end([launched])

    (found,) = house.orchestrator.runs(wanted.workflow_id)
    assert (taken, found.is_over) == (0, False)


def test_no_run_and_one_that_there_is_not_take_nothing(house: House) -> None:
    assert house.orchestrator.end([]) == 0
    assert house.orchestrator.end(["none"]) == 0


def test_a_graph_that_is_served_is_loaded(house: House) -> None:
    assert house.orchestrator.health().is_loaded
