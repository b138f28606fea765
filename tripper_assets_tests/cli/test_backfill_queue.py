"""A backfill while `tripper up` runs: its webserver is asked for a run of each source, and what it answers is told."""

import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tripper_assets.cli.up_lock import hold_up_lock
from tripper_assets.domain.graph import MADE_FROM
from tripper_assets.domain.sources import source_key
from tripper_assets.partitions import SOURCES, TRIGGER_TAG
from tripper_assets_tests.cli.conftest import Shell, dagster_instance, new_shell
from tripper_assets_tests.conftest import FreshDatabases

URLS = ("https://example.org/one", "https://example.org/two", "https://example.org/three")
KEYS = [source_key(url) for url in URLS]


class Webserver(ThreadingHTTPServer):
    """Answers GraphQL as a test tells it to, and remembers the variables."""

    daemon_threads = True

    def __init__(self) -> None:
        self.status, self.answer = 200, b""
        self.asked: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def says(self, told: object) -> None:
        self.answer = json.dumps({"data": {"launchPartitionBackfill": told}}).encode()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Webserver  # pyright: ignore[reportIncompatibleVariableOverride] (only Webserver makes handlers)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body["variables"])
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the standard library's signature)
        """Stay quiet."""


@pytest.fixture
def webserver() -> Generator[Webserver]:
    with Webserver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def shell(homes: str | None, fresh_databases: FreshDatabases, webserver: Webserver, tmp_path: Path) -> Generator[Shell]:
    """A shell in whose home a `tripper up` seems to run."""
    path = tmp_path / "sources.yaml"
    path.write_text("sources:\n" + "".join(f"  - url: {url}\n" for url in URLS))
    with new_shell(homes, fresh_databases) as shell:
        assert shell("sources", "sync", path).code == 0
        with hold_up_lock(shell.home, webserver.address):
            yield shell


def test_the_queue_is_asked_for_every_asset_of_each_source_and_tells_where_to_look(
    shell: Shell, webserver: Webserver
) -> None:
    webserver.says({"__typename": "LaunchBackfillSuccess", "backfillId": "abcd"})

    said = shell("backfill", *URLS[:2])

    assert (said.code, said.err) == (0, "")
    assert said.out == f"2 sources are in the queue of `tripper up`; {webserver.address}/runs/b/abcd shows them.\n"
    (asked,) = webserver.asked
    assert asked["params"] == {
        "assetSelection": [{"path": [asset]} for asset in MADE_FROM],
        "partitionNames": KEYS[:2],
        "tags": [{"key": TRIGGER_TAG, "value": "backfill"}],
    }


def test_every_source_has_its_partition_before_it_is_asked_for(shell: Shell, webserver: Webserver) -> None:
    webserver.says({"__typename": "LaunchBackfillSuccess", "backfillId": "abcd"})
    with dagster_instance(shell) as instance:
        instance.delete_dynamic_partition(SOURCES, KEYS[0])

    shell("backfill", "--all")

    with dagster_instance(shell) as instance:
        assert set(instance.get_dynamic_partitions(SOURCES)) == set(KEYS)


def test_json_names_the_backfill_its_page_and_its_sources(shell: Shell, webserver: Webserver) -> None:
    webserver.says({"__typename": "LaunchBackfillSuccess", "backfillId": "abcd"})

    said = shell("backfill", "--all", "--json").json

    assert said | {"sources": set(said["sources"])} == {
        "backfill_id": "abcd",
        "address": f"{webserver.address}/runs/b/abcd",
        "sources": set(KEYS),
    }


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"__typename": "PythonError", "message": "No such asset.\nTraceback …"}, "No such asset."),
        ({"__typename": "UnauthorizedError"}, "UnauthorizedError"),
    ],
)
def test_a_refusal_is_told_with_its_reason(
    shell: Shell, webserver: Webserver, told: dict[str, str], reason: str
) -> None:
    webserver.says(told)

    said = shell("backfill", "--all")

    assert (said.code, said.out) == (1, "")
    assert said.error == f"Launching a backfill of 3 sources failed ({reason}); `tripper doctor` tries the graph."


@pytest.mark.parametrize(
    ("status", "answer"), [(500, b""), (200, b"<html>another's page</html>"), (200, b'{"errors": []}')]
)
def test_a_webserver_that_gives_no_answer_is_named(
    shell: Shell, webserver: Webserver, status: int, answer: bytes
) -> None:
    webserver.status, webserver.answer = status, answer

    said = shell("backfill", "--all")

    assert (said.code, said.error) == (
        1,
        f"Launching a backfill of 3 sources got no answer from {webserver.address}; look there whether it runs before you try again.",
    )
