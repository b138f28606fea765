"""Plain `dagster dev` in the checkout: the graph is there with all that people read, and its button takes a source to the catalog."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import pytest

from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.cli.demo import CONFIG
from tripper_assets.demo.server import DemoServer, serve
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import open_catalog
from tripper_assets.settings import Settings
from tripper_assets_tests.waiting import new_port, wait_until

CHECKOUT = Path(__file__).resolve().parents[1]
# Where a shell starts pytest in the background, interrupts are ignored, and children inherit that.
DAGSTER = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from dagster._cli import main
main()
"""
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "tripper_assets"}
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
GROUPS = {
    "raw_activities": "scrape", "activities": "scrape", "images_map": "enrich", "geocoded_map": "enrich", "embedding_batch": "enrich", "tag_batches": "tag", "tag_votes": "tag", "activity_tags": "tag",
    "embeddings_map": "enrich", "final_jsonl": "publish", "activity_diff": "publish", "imported_activities": "publish",
    "workflow_cleanup": "publish",
}  # fmt: skip
NAMES_OF_SENSORS = (
    "sources_sensor",
    "import_sensor",
    "decision_sensor",
    "batch_sensor",
    "workflow_status_sensor",
    "notification_sensor",
)
STORED = sorted(GROUPS.keys() - {"workflow_cleanup"})

GRAPH = """{ assetNodes {
  assetKey { path } groupName kinds description partitionDefinition { name } partitionKeys
  owners { ... on TeamAssetOwner { team } } metadataEntries { label } assetChecksOrError { ... on AssetChecks { checks { name } } }
} }"""
LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
  name loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
SENSORS = """query($at: RepositorySelector!) { sensorsOrError(repositorySelector: $at) { ... on Sensors { results {
  name sensorState { status } } } } }"""
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
MATERIALIZATIONS = """{ assetNodes { assetKey { path } assetMaterializations(limit: 1) { runId partition metadataEntries {
  label ... on PathMetadataEntry { path } ... on IntMetadataEntry { intValue } ... on MarkdownMetadataEntry { mdStr } } } } }"""


@dataclass(frozen=True)
class Webserver:
    """A running `dagster dev`."""

    port: int

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 (loopback)
            answer = json.load(reply)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def assets(self) -> dict[str, dict[str, Any]]:
        return {node["assetKey"]["path"][0]: node for node in self.ask(GRAPH)["assetNodes"]}

    def materialize_all(self, partition: str) -> str:
        """Launch a run as the button "Materialize all" does, and return its status at its end with its id."""
        params = {
            "mode": "default",
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}]},
            "selector": {
                **REPOSITORY,
                "pipelineName": "__ASSET_JOB",
                "assetSelection": [{"path": [name]} for name in GROUPS],
            },
        }
        launched = self.ask(LAUNCH, params=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        identifier = launched["run"]["runId"]
        wait_until(lambda: self.ask(RUN, id=identifier)["runOrError"]["status"] in ENDED, seconds=400)
        return identifier

    def is_ready(self) -> bool:
        try:
            entries = self.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
        except (urllib.error.URLError, ConnectionError):
            return False
        return bool(entries) and entries[0]["loadStatus"] == "LOADED"


@contextmanager
def dagster_dev(log: Path, **variables: str) -> Generator[Webserver]:
    """Start `dagster dev` in the checkout, and interrupt it as Ctrl-C does; nothing of it stays."""
    port = new_port()
    environment = {name: value for name, value in os.environ.items() if name not in ("DAGSTER_HOME", "TRIPPER_HOME")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", DAGSTER, "dev", "--port", str(port), "--host", "127.0.0.1"],
            cwd=CHECKOUT,
            env={**environment, **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        server = Webserver(port)
        try:
            wait_until(server.is_ready, seconds=240)
            yield server
        finally:
            family = psutil.Process(process.pid).children(recursive=True)
            os.killpg(process.pid, signal.SIGINT)
            code = _wait(process)
            _, left = psutil.wait_procs(family, timeout=10)
            for one in left:
                one.kill()
    assert (code, left) == (0, []), log.read_text()


def _wait(process: "subprocess.Popen[bytes]") -> int:
    try:
        return process.wait(40)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


@pytest.fixture
def home(homes: str | None) -> Generator[Path]:
    """A home that the user whom root runs PostgreSQL as can reach."""
    folder = Path(tempfile.mkdtemp(prefix="tripper-tests-", dir=homes))
    yield folder
    EmbeddedPostgres(folder).stop()
    shutil.rmtree(folder)


@pytest.fixture
def site() -> Generator[DemoServer]:
    with serve(0, date.today()) as server:  # noqa: DTZ011 (its dates lie ahead of the runs of the child process)
        yield server


def _register(home: Path, url: str) -> Source:
    with open_catalog(Settings(home=home)) as catalog:
        return catalog.sources.add(make_source(url, CONFIG))


def _workflow(home: Path, identifier: str) -> Workflow:
    with open_catalog(Settings(home=home)) as catalog:
        found = catalog.workflows.get(identifier)
    assert found is not None
    return found


def test_the_graph_is_shown_with_groups_kinds_owners_and_descriptions(home: Path, tmp_path: Path) -> None:
    with dagster_dev(tmp_path / "log", TRIPPER_HOME=str(home)) as server:
        entry = server.ask(LOCATIONS)["workspaceOrError"]["locationEntries"][0]
        assets = server.assets()
        sensors = server.ask(SENSORS, at=REPOSITORY)["sensorsOrError"]["results"]

    assert (entry["name"], entry["locationOrLoadError"]["__typename"]) == ("tripper_assets", "RepositoryLocation")
    assert {name: node["groupName"] for name, node in assets.items()} == GROUPS
    for node in assets.values():
        assert len(node["kinds"]) >= 1
        assert node["owners"] == [{"team": "tripper"}]
        assert len(node["description"]) > 40
        assert node["partitionDefinition"]["name"] == "source"
    assert {name for name, node in assets.items() if node["metadataEntries"]} == set(GROUPS)
    assert len(assets["final_jsonl"]["assetChecksOrError"]["checks"]) >= 10
    assert {one["name"]: one["sensorState"]["status"] for one in sensors} == dict.fromkeys(NAMES_OF_SENSORS, "RUNNING")
    temporary = re.search(r"Using temporary directory (\S+)", (tmp_path / "log").read_text())
    assert temporary
    assert not Path(temporary[1]).exists()


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "activities", "own_dagster_home"),
    [("sites/theatre-leeds/", 5, True), ("", 56, False)],
)
def test_the_button_takes_a_registered_source_to_the_catalog(
    home: Path,
    tmp_path: Path,
    site: DemoServer,
    path: str,
    activities: int,
    own_dagster_home: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    source = _register(home, f"{site.url}{path}")
    variables = {"TRIPPER_HOME": str(home), "TRIPPER_DEMO_PORT": str(site.server_address[1])}
    if own_dagster_home:
        (home / "dagster").mkdir()
        shutil.copy(CHECKOUT / "dagster.yaml", home / "dagster")
        variables["DAGSTER_HOME"] = str(home / "dagster")

    with dagster_dev(tmp_path / "log", **variables) as server:
        wait_until(lambda: source.key in server.assets()["activities"]["partitionKeys"], seconds=70)
        run = server.materialize_all(source.key)
        status = server.ask(RUN, id=run)["runOrError"]["status"]
        shown = {
            node["assetKey"]["path"][0]: node["assetMaterializations"]
            for node in server.ask(MATERIALIZATIONS)["assetNodes"]
        }
        wait_until(lambda: not (home / "postgres" / "postmaster.pid").exists(), seconds=60)

    assert status == "SUCCESS", (tmp_path / "log").read_text()
    workflow = _workflow(home, run)
    assert workflow.status == "completed"
    assert workflow.import_summary is not None
    assert workflow.import_summary.inserted == activities
    files = {file.asset: file for file in workflow.files}
    for name in STORED:
        (materialization,) = shown[name]
        entries = {entry["label"]: entry for entry in materialization["metadataEntries"]}
        assert (materialization["runId"], materialization["partition"]) == (run, source.key)
        assert entries["uri"]["path"] == files[name].uri
        assert entries["bytes"]["intValue"] == files[name].bytes > 0
        assert entries["dagster/row_count"]["intValue"] == files[name].rows
        assert "|" in entries["preview"]["mdStr"]
