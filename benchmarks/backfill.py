"""Fifty partitions of six empty assets as one backfill through Dagster's daemon and code server: our settings beside Dagster's defaults.

Both begin with a wait: the daemon looks for backfills every thirty seconds, which is no setting. Then a run of ours is one process, with
1.5 s of CPU time: 0.4 s import Dagster, 0.3 s open its storages, 0.3 s run the six assets, and the rest is the
daemon, the code server and the processes' start. With the defaults each asset is another process, and a run has 12 s.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import yaml

from benchmarks.empty_graph import EXECUTOR_VARIABLE, PARTITIONS, UPSTREAM
from benchmarks.figure import Figure
from tripper_assets.cli.processes import Child, Owner
from tripper_assets.settings import PROJECT_FOLDER, Settings

COUNT = 50
START_SECONDS = 90
SECONDS_A_RUN = 60
LOCATION = "empty"
DAEMONS = {"BACKFILL", "QUEUED_RUN_COORDINATOR"}
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDED = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED])
CREATE = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""


def measure(partitions: int = COUNT) -> list[Figure]:
    """Return the seconds from the backfill's creation until its last run has ended, each way once: one takes minutes."""
    ours, defaults = (backfill(way, partitions).seconds for way in (our_settings(), DEFAULTS))
    return [Figure("backfill_empty", "s", "lower", ours, defaults, "Dagster's defaults")]


@dataclass(frozen=True)
class Way:
    """How Dagster is set up: the text of dagster.yaml, and the executor by name, empty for Dagster's own."""

    dagster_yaml: str
    executor: str


DEFAULTS = Way("telemetry:\n  enabled: false\n", "")


def our_settings() -> Way:
    """Return what every tripper command sets up, where nobody chose otherwise."""
    text = (PROJECT_FOLDER / "dagster.yaml").read_text(encoding="utf-8")
    return Way(text, Settings.model_fields["executor"].default)


@dataclass(frozen=True)
class Backfilled:
    """A backfill that succeeded: when it was created, and when each run was started and ended; seconds since the epoch."""

    created: float
    started: Sequence[float]
    ended: Sequence[float]

    @property
    def seconds(self) -> float:
        """How long the whole took."""
        return max(self.ended) - self.created


def backfill(way: Way, partitions: int) -> Backfilled:
    """Start Dagster in a new home, let one backfill run, and leave nothing behind.

    Raises:
        ValueError: it was not created, or a run failed.
    """
    home = Path(tempfile.mkdtemp(prefix="tripper-bench-"))
    owner = Owner()
    try:
        (home / "dagster.yaml").write_text(way.dagster_yaml, encoding="utf-8")
        with owner.listening(*STOPS), dg.DagsterInstance.local_temp(str(home)) as instance:
            return _Dagster(home, way, owner, instance).backfill(
                [f"partition-{number}" for number in range(partitions)]
            )
    finally:
        owner.stop()
        shutil.rmtree(home)


@dataclass(frozen=True)
class _Dagster:
    """The code server and the daemon, started as `tripper up` starts them."""

    home: Path
    way: Way
    owner: Owner
    instance: dg.DagsterInstance

    def backfill(self, partitions: list[str]) -> Backfilled:
        """Return how a backfill of all assets went."""
        self.instance.add_dynamic_partitions(str(PARTITIONS.name), partitions)
        self._start()
        # Created just after the daemon looked for backfills, which it does every thirty seconds: both ways wait for its next look.
        created = self._create(partitions)
        self._wait(
            lambda: self.instance.get_runs_count(ENDED) == len(partitions), "runs", len(partitions) * SECONDS_A_RUN
        )
        return self._found(created)

    def _start(self) -> None:
        socket = self.home / "code.sock"
        server = {"socket": str(socket), "location_name": LOCATION}
        self._workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}), encoding="utf-8")
        graph = ["--module-name", "benchmarks.empty_graph", "--location-name", LOCATION]
        self._own("code server", "dagster", "code-server", "start", "--socket", str(socket), *graph)
        self._wait(socket.exists, "code server", START_SECONDS)
        self._own("daemon", "dagster._daemon", "run", "--workspace", str(self._workspace))
        self._wait(lambda: self.instance.get_daemon_heartbeats().keys() >= DAEMONS, "daemon", START_SECONDS)

    def _create(self, partitions: list[str]) -> float:
        """Create the backfill as the page's button does, over GraphQL, and return when that was."""
        assets = [{"path": [name]} for name in UPSTREAM]
        variables = json.dumps({"params": {"partitionNames": partitions, "assetSelection": assets}})
        program = str(Path(sys.executable).with_name("dagster-graphql"))
        command = [program, "--workspace", str(self._workspace), "--text", CREATE, "--variables", variables]
        answer = subprocess.run(
            command, env=self._environment, cwd=PROJECT_FOLDER, stdout=subprocess.PIPE, text=True, check=True
        )
        created = [one.backfill_timestamp for one in self.instance.get_backfills()]
        if not created:
            raise ValueError(f"Dagster created no backfill: {answer.stdout.strip()}")
        return created[0]

    def _found(self, created: float) -> Backfilled:
        runs = self.instance.get_run_records()
        failed = [one.dagster_run.run_id for one in runs if one.dagster_run.status is not dg.DagsterRunStatus.SUCCESS]
        if failed:
            raise ValueError(f"{len(failed)} runs of {len(runs)} did not succeed: a figure would say nothing.")
        return Backfilled(created, [one.start_time or 0 for one in runs], [one.end_time or 0 for one in runs])

    @property
    def _workspace(self) -> Path:
        return self.home / "workspace.yaml"

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DAGSTER_HOME": str(self.home), EXECUTOR_VARIABLE: self.way.executor}

    def _own(self, name: str, *module: str) -> None:
        command, log = [sys.executable, "-m", *module], self.home / f"{name}.log"
        self.owner.own(Child(name, command, log=log, environment=self._environment, folder=PROJECT_FOLDER))

    def _wait(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        self.owner.wait_until(ready, what=what, seconds=seconds)
