"""A real `tripper up`, and what a person does in the pages of Dagster: everything goes through the webserver's own GraphQL."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tripper_assets.cli.demo import CONFIG
from tripper_assets.cli.webserver import Webserver
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import open_catalog
from tripper_assets.settings import Settings
from tripper_assets_tests.waiting import new_port, wait_until

GRAPH = """{ workspaceOrError { ... on Workspace { locationEntries {
  name locationOrLoadError { ... on RepositoryLocation { repositories { name assetNodes { assetKey { path } } } } } } } } }"""
PARTITIONS = """{ assetNodes { assetKey { path } partitionKeys } }"""
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
CANCEL = "mutation($id: String!) { terminateRun(runId: $id) { __typename } }"
AGAIN = """mutation($params: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RUNS = """query($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results {
  id status jobName tags { key value } } } } }"""
STEPS = """query($id: ID!) { runOrError(runId: $id) { ... on Run { stepStats { stepKey status } } } }"""
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


class Up:
    """A `tripper up` in a home, with ports that nobody else uses."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self.demo_port, self.api_port = new_port(), new_port(), new_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TRIPPER_", "DAGSTER_"))},
            "TRIPPER_HOME": str(home),
            "TRIPPER_DEMO_PORT": str(self.demo_port),
            "TRIPPER_API_PORT": str(self.api_port),
        }

    def tripper(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tripper_assets.cli", *map(str, arguments)]
        return subprocess.run(command, env=self.environment, check=False, capture_output=True, text=True)

    @contextmanager
    def running(self, output: Path) -> Generator["subprocess.Popen[bytes]"]:
        command = [sys.executable, "-m", "tripper_assets.cli", "up", "--port", str(self.port)]
        # As a shell starts it in the background: interrupts are ignored.
        deaf = [
            sys.executable,
            "-c",
            "import os, signal, sys; signal.signal(2, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])",
        ]
        with output.open("wb") as log:
            process = subprocess.Popen([*deaf, *command], env=self.environment, stdout=log, stderr=log)
        try:
            wait_until(lambda: b"Ready" in output.read_bytes() or process.poll() is not None)
            assert process.poll() is None, output.read_text()
            yield process
        finally:
            process.terminate()
            process.wait(30)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        return Webserver(self.port)._ask(query, **variables)

    def launch(
        self, job: str, *, partition: str = "", config: dict[str, Any] | None = None, assets: Sequence[str] = ()
    ) -> str:
        """Launch a run as the pages do, and return its id."""
        selector: dict[str, Any] = {
            "repositoryName": "__repository__", "repositoryLocationName": "tripper_assets", "pipelineName": job
        }  # fmt: skip
        if assets:
            selector["assetSelection"] = [{"path": [name]} for name in assets]
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        params = {
            "mode": "default",
            "runConfigData": config or {},
            "executionMetadata": {"tags": tags},
            "selector": selector,
        }
        launched = self.ask(LAUNCH, params=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return launched["run"]["runId"]

    def materialize(self, partition: str, *assets: str) -> str:
        """Launch a run as the button does, and return its id."""
        return self.launch("__ASSET_JOB", partition=partition, assets=assets)

    def put_source(self, url: str, **config: Any) -> None:
        """Fill in the form of the Launchpad, and wait until it is done."""
        form = {"ops": {"register_source": {"config": {"url": url, "config": config}}}}
        run = self.launch("add_source", config=form)
        assert self.ended(run) == "SUCCESS"

    def cancel(self, run: str) -> None:
        self.ask(CANCEL, id=run)

    def again_from_failure(self, run: str) -> str:
        """Re-execute a run from where it failed, and return the new run's id."""
        launched = self.ask(AGAIN, params={"parentRunId": run, "strategy": "FROM_FAILURE"})["launchRunReexecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return launched["run"]["runId"]

    def ended(self, run: str) -> str:
        """Wait until a run has ended, and return how."""
        wait_until(lambda: self.status(run) in ("SUCCESS", "FAILURE", "CANCELED"))
        return self.status(run)

    def runs(self, **tags: str) -> list[dict[str, Any]]:
        """Return the runs with these tags, the newest first; ``job`` and the like are fields of each."""
        wanted = [{"key": key.replace("__", "/"), "value": value} for key, value in tags.items()]
        found = self.ask(RUNS, filter={"tags": wanted})["runsOrError"]["results"]
        return [one | {"tags": {tag["key"]: tag["value"] for tag in one["tags"]}} for one in found]

    def steps(self, run: str) -> list[str]:
        """Return the steps that ran in a run."""
        return [one["stepKey"] for one in self.ask(STEPS, id=run)["runOrError"]["stepStats"]]

    def workflow(self, identifier: str) -> Workflow:
        with open_catalog(Settings(home=self.home)) as catalog:
            found = catalog.workflows.get(identifier)
        assert found is not None
        return found

    def site(self, path: str) -> str:
        return f"http://127.0.0.1:{self.demo_port}/{path}"

    def status(self, run: str) -> str:
        return self.ask(STATUS, id=run)["runOrError"]["status"]

    def stored_status(self, run: str) -> str:
        with sqlite3.connect(self.home / "dagster" / "history" / "runs.db") as runs:
            return runs.execute("SELECT status FROM runs WHERE run_id = ?", [run]).fetchone()[0]

    def partitions(self) -> set[str]:
        return {key for node in self.ask(PARTITIONS).get("assetNodes", []) for key in node["partitionKeys"]}

    def register(self, path: str) -> Source:
        with open_catalog(Settings(home=self.home)) as catalog:
            return catalog.sources.add(make_source(f"http://127.0.0.1:{self.demo_port}/{path}", CONFIG))
