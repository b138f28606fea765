"""The API beside a real Dagster: a workflow is asked for, watched, decided on, retried and canceled, and nothing else is touched."""

import re
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from tripper_assets.cli.demo import CONFIG
from tripper_assets.clients.orchestrator import DagsterWebserver
from tripper_assets.demo.server import is_shown
from tripper_assets_tests.cli.pages_of_dagster import Up
from tripper_assets_tests.waiting import wait_until

LINK = re.compile(r"^API +(http://127\.0\.0\.1:\d+)/\?token=(\S+)$", re.MULTILINE)


class Watching(threading.Thread):
    """Reads the events of an API until it is told to stop."""

    def __init__(self, address: str, token: str) -> None:
        super().__init__(daemon=True)
        self._address, self._token = address, token
        self.seen: list[dict[str, Any]] = []

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        with (
            suppress(httpx2.TransportError),  # the API ends while it is being listened to
            httpx2.Client(timeout=None) as client,
            client.stream("GET", f"{self._address}/v1/events", headers=headers) as stream,
        ):
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    self.seen.append(orjson.loads(line.removeprefix("data: ")))

    def stages(self, workflow_id: str) -> dict[str, str]:
        """Return the state of each stage that was told last."""
        return {
            one["stage"]["asset"]: one["stage"]["status"]
            for one in self.seen
            if one["kind"] == "stage" and one["workflow_id"] == workflow_id
        }

    def status(self, workflow_id: str) -> str:
        told = [one["workflow"] for one in self.seen if one["kind"] == "workflow"]
        return next((one["status"] for one in reversed(told) if one["id"] == workflow_id), "")


@contextmanager
def api_of(output: Path) -> Generator[tuple[httpx2.Client, Watching]]:
    found = LINK.search(output.read_text())
    assert found, output.read_text()
    address, token = found.groups()
    watching = Watching(address, token)
    watching.start()
    with httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=90) as client:
        yield client, watching


@pytest.mark.long
def test_a_workflow_is_asked_for_watched_approved_and_imported_and_another_one_is_canceled(
    up: Up, tmp_path: Path
) -> None:
    url, config = up.site("sites/theatre-leeds/"), CONFIG.model_dump(mode="json") | {"auto_import": False}
    output = tmp_path / "output"

    with up.running(output), api_of(output) as (client, watching):
        ready = client.get("/readyz").json()
        preview = _registered(client, up, url, config)
        name = client.post("/v1/workflows", json={"url": url}).json()["workflowId"]
        wait_until(lambda: watching.status(name) == "review")
        told = watching.stages(name)
        bundle = next(
            one for one in client.get(f"/v1/workflows/{name}/files").json()["files"] if one["kind"] == "final_jsonl"
        )
        lines = client.get(bundle["href"]).content.splitlines()
        approved = client.post(
            f"/v1/workflows/{name}/decision", json={"decision": "approved", "bundle_sha256": bundle["sha256"]}
        )
        wait_until(lambda: watching.status(name) == "completed")
        found = client.get("/v1/activities/search", params={"source": url, "past": True}).json()
        second = client.post("/v1/workflows", json={"url": url, "config": {"delay_seconds": 5}}).json()["workflowId"]
        wait_until(lambda: watching.stages(second).get("raw_activities") == "running")
        canceled = client.post(f"/v1/workflows/{second}/cancel")
        wait_until(lambda: watching.status(second) == "canceled")
        again = client.post(f"/v1/workflows/{second}/retry")
        runs = DagsterWebserver(f"http://127.0.0.1:{up.port}").runs(second)
        # A run that is just starting may miss the first word.
        wait_until(lambda: _canceled(client, second))
        logs = "".join(path.read_text() for path in (up.home / "logs").iterdir())
        token = str(client.headers["authorization"]).removeprefix("Bearer ")

    assert (ready["status"], {one["state"] for one in ready["parts"].values()}) == ("ok", {"ok"}), ready
    assert preview["count"] > 0
    assert told["raw_activities"] == told["final_jsonl"] == "completed"
    assert len(lines) == bundle["rows"] > 0
    assert approved.status_code == 200
    assert {one["id"] for one in found["activities"]} <= {orjson.loads(line)["id"] for line in lines}
    assert found["activities"]
    assert (canceled.status_code, again.status_code) == (202, 202), (canceled.text, again.text)
    assert len(runs) == 2
    assert token not in logs


def _canceled(client: httpx2.Client, name: str) -> bool:
    client.post(f"/v1/workflows/{name}/cancel")
    return client.get(f"/v1/workflows/{name}").json()["status"] == "canceled"


def _registered(client: httpx2.Client, up: Up, url: str, config: dict[str, Any]) -> dict[str, Any]:
    """Register the sample site, which `tripper up` shows from then on, and return what its first page yields."""
    assert client.post("/v1/sources", json={"url": url, "config": config}).status_code == 201
    wait_until(lambda: is_shown(up.demo_port))
    return client.post("/v1/sources/preview", json={"url": url, "config": config}).json()
