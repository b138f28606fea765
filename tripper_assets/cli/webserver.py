"""What the Dagster webserver is asked over GraphQL: is the graph loaded, does the daemon beat, to run many sources, and to cancel what runs."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.resources import LOOPBACK

ANSWER_SECONDS = 5
LAUNCH_SECONDS = 60
GRAPH = """{ workspaceOrError { ... on Workspace { locationEntries {
  loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
DAEMON = "{ instance { daemonHealth { allDaemonStatuses { required lastHeartbeatTime } } } }"
RUNS = "query($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results { id } } } }"
CANCEL = "mutation($ids: [String!]!) { terminateRuns(runIds: $ids) { __typename } }"
BACKFILL = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
UNDER_WAY = ["STARTING", "STARTED", "CANCELING"]


@dataclass(frozen=True)
class Webserver:
    """A webserver on loopback."""

    port: int

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://{LOOPBACK}:{self.port}"

    def has_graph(self) -> bool:
        """Return whether the code location is loaded.

        Raises:
            PermanentError: it cannot be loaded, and why.
        """
        workspace = self._ask(GRAPH).get("workspaceOrError", {})
        entries = [entry for entry in workspace.get("locationEntries", []) if entry["loadStatus"] == "LOADED"]
        for entry in entries:
            if entry["locationOrLoadError"]["__typename"] == "PythonError":
                message = str(entry["locationOrLoadError"]["message"]).strip()
                raise PermanentError(f"The graph cannot be loaded ({message}); mend it, `tripper doctor` tries it too.")
        return bool(entries)

    def has_daemon(self, since: float) -> bool:
        """Return whether every daemon that is needed gave a sign of life after ``since``, a time as time.time() tells it."""
        statuses = self._ask(DAEMON).get("instance", {}).get("daemonHealth", {}).get("allDaemonStatuses", [])
        beats = [one["lastHeartbeatTime"] or 0 for one in statuses if one["required"]]
        return bool(beats) and min(beats) >= since

    def runs_under_way(self, socket: str) -> list[str]:
        """Return the runs that work in the code server at a socket; those of the command line are not among them."""
        # Dagster notes with a run which server it was launched in, as this very text.
        server = json.dumps({"host": "localhost", "socket": socket})
        tags = [{"key": ".dagster/grpc_info", "value": server}]
        found = self._ask(RUNS, filter={"statuses": UNDER_WAY, "tags": tags}).get("runsOrError", {})
        return [run["id"] for run in found.get("results", [])]

    def cancel(self, runs: list[str]) -> None:
        """Ask runs to end as canceled."""
        self._ask(CANCEL, ids=runs)

    def backfill(self, assets: list[str], partitions: list[str], tags: dict[str, str]) -> str:
        """Ask for a run of the assets for each partition, and return the backfill's id.

        Raises:
            PermanentError: it is refused, and why.
            TransientError: the webserver does not answer.
        """
        params = {
            "assetSelection": [{"path": [name]} for name in assets],
            "partitionNames": partitions,
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }
        told = self._ask(BACKFILL, seconds=LAUNCH_SECONDS, params=params).get("launchPartitionBackfill")
        if told is None:
            raise TransientError(
                f"Launching a backfill of {len(partitions)} sources got no answer from {self.address}; "
                "look there whether it runs before you try again."
            )
        if "backfillId" not in told:
            reason = str(told.get("message") or told["__typename"]).strip().split("\n", 1)[0]
            raise PermanentError(
                f"Launching a backfill of {len(partitions)} sources failed ({reason}); `tripper doctor` tries the graph."
            )
        return str(told["backfillId"])

    def _ask(self, query: str, *, seconds: float = ANSWER_SECONDS, **variables: object) -> dict[str, Any]:
        """Return the answer's data; empty where there is none yet."""
        try:
            answer = self._exchange("/graphql", {"query": query, "variables": variables}, seconds)
        except (OSError, http.client.HTTPException):
            return {}
        return (answer or {}).get("data") or {}

    def _exchange(self, path: str, body: object, seconds: float) -> dict[str, Any] | None:
        # The standard library's connection, which knows no proxies: this never leaves the machine.
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=seconds)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return json.loads(reply.read()) if reply.status == http.client.OK else None
        except ValueError:
            return None  # somebody else's page
        finally:
            connection.close()
