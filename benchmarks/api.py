"""The API at 64 connections over 100,000 activities, beside a bare FastAPI route with the same query; its memory; and how late an event comes."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson
import psutil

from benchmarks.api_load import CONNECTIONS, Load
from benchmarks.figure import Figure
from benchmarks.imports import catalog_database
from benchmarks.search_world import NOW, in_parts, make
from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.workflows import Workflow

ROWS, SOURCES, SEED = 100_000, 20, 1
SECONDS, WARM_SECONDS = 10, 3
ROUNDS, STEPS = 3, 20
WORDS = ("zoo", "museum", "painting", "swimming", "theatre", "farm", "dinosaur", "music", "climbing", "science")
TOKEN = "the-token-of-the-benchmark"  # noqa: S105 (of servers that are gone afterwards)
LIMIT_SECONDS = 2.0
PEER = "a bare FastAPI route"
START_SECONDS = 180
FOLDER = Path(__file__).parent


class Server(NamedTuple):
    """A started server."""

    port: int
    process: psutil.Process

    def megabytes(self) -> float:
        """Return the memory that it holds."""
        return self.process.memory_info().rss / 1e6


def measure(rows: int = ROWS, seconds: float = SECONDS, rounds: int = ROUNDS) -> list[Figure]:
    """Return requests a second of both routes, how much memory they took, and the seconds to an event.

    Raises:
        RuntimeError: an answer was none of 200.
    """
    with catalog_database() as database, _servers(database) as (ours, bare):
        ids = _filled(database, rows)
        paths = {
            "activity": [f"/v1/activities/{one}" for one in ids],
            "search": [f"/v1/activities/search?q={word}&literally=true&limit=10" for word in WORDS],
        }
        for part in paths.values():
            for server in (ours, bare):
                _loaded(server, part, WARM_SECONDS)
        before = ours.megabytes()
        found = [
            Figure(f"api_{name}_requests", "a second at 64 connections", "higher", *_in_turns(ours, bare, part, seconds, rounds), PEER)
            for name, part in paths.items()
        ]  # fmt: skip
        grown = max(ours.megabytes() - before, 0.0)
        events = _event_seconds(ours, database)
    return [
        *found,
        Figure("api_memory_growth", "MB while both were asked", "lower", grown, limit=50.0, limit_name="flat: 50 MB"),
        Figure("api_event_seconds", "from the step's write", "lower", events, limit=LIMIT_SECONDS, limit_name="the promise"),
    ]  # fmt: skip


def _in_turns(ours: Server, bare: Server, paths: Sequence[str], seconds: float, rounds: int) -> tuple[float, float]:
    taken = [(_loaded(ours, paths, seconds), _loaded(bare, paths, seconds)) for _ in range(rounds)]
    return median(one for one, _ in taken), median(one for _, one in taken)


def _loaded(server: Server, paths: Sequence[str], seconds: float) -> float:
    """Return how many requests a second a server answered, none of them with an error."""
    wrk = shutil.which("wrk")
    load = _with_wrk(wrk, server, paths, seconds) if wrk else _with_python(server, paths, seconds)
    if load.errors:
        message = f"{load.errors} of {load.answered} answers of port {server.port} were errors"
        raise RuntimeError(message)
    return load.answered / load.seconds


def _with_python(server: Server, paths: Sequence[str], seconds: float) -> Load:
    """Ask from a process of its own: wrk is better at it, and not everywhere."""
    wanted = orjson.dumps({"port": server.port, "token": TOKEN, "paths": paths, "seconds": seconds})
    command = [sys.executable, str(FOLDER / "api_load.py")]
    said = subprocess.run(command, input=wanted, capture_output=True, check=True)
    return Load(**orjson.loads(said.stdout))


def _with_wrk(wrk: str, server: Server, paths: Sequence[str], seconds: float) -> Load:
    quoted = ",".join(orjson.dumps(path).decode() for path in paths)
    script = f'paths = {{{quoted}}}\ni = 0\nfunction request()\n  i = i % #paths + 1\n  return wrk.format("GET", paths[i])\nend\n'
    with TemporaryDirectory() as folder:
        file = Path(folder) / "paths.lua"
        file.write_text(script)
        where = f"http://127.0.0.1:{server.port}"
        given = [
            "-t",
            "2",
            "-c",
            str(CONNECTIONS),
            "-d",
            f"{seconds:.0f}s",
            "-s",
            str(file),
            "-H",
            f"Authorization: Bearer {TOKEN}",
        ]
        said = subprocess.run([wrk, *given, where], capture_output=True, check=True, text=True).stdout
    answered, taken = re.findall(r"(\d+) requests in ([0-9.]+)", said)[0]
    errors = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", said) + re.findall(r"read (\d+)", said)))
    return Load(int(answered), errors, float(taken))


@contextmanager
def _servers(database: Database) -> Generator[tuple[Server, Server]]:
    with TemporaryDirectory() as home:
        url = database.engine.url.render_as_string(hide_password=False)
        environment = {**os.environ, "TRIPPER_DATABASE_URL": url, "TRIPPER_HOME": home, "TRIPPER_API_TOKEN": TOKEN}
        started = [_start(kind, environment) for kind in ("ours", "bare")]
        try:
            ours, bare = (_ready(*one) for one in started)
            yield ours, bare
        finally:
            for process, _ in started:
                process.terminate()
            for process, _ in started:
                process.wait(10)


def _start(kind: str, environment: dict[str, str]) -> "tuple[subprocess.Popen[bytes], int]":
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.api_servers", kind, str(port)]
    return subprocess.Popen(command, env=environment, cwd=FOLDER.parent), port


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _ready(process: "subprocess.Popen[bytes]", port: int) -> Server:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:  # noqa: PLR2004 (it answers)
                return Server(port, psutil.Process(process.pid))
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    message = f"the server at port {port} did not start"
    raise RuntimeError(message)


def _filled(database: Database, rows: int) -> list[str]:
    """Fill the catalog, and return some of its ids."""
    registry, ids = SourceRegistry(database), list[str]()
    for number, (first, size) in enumerate(in_parts(rows, max(rows // SOURCES, 1))):
        source = registry.add(make_source(f"https://town{number}.example/"))
        made = make(source, size, seed=SEED, first=first)
        _started(database, source)
        records = [one.record for one in made]
        bundle = text_sha256(source.key)
        import_snapshot(
            database, source_key=source.key, records=records, vectors=None, workflow_id=source.key, bundle_sha256=bundle, at=NOW
        )  # fmt: skip
        ids += [one.id for one in records[:50]]
    return ids


def _started(database: Database, source: Source) -> None:
    workflow = Workflow(
        id=source.key, source_key=source.key, source_url=source.url, status="running", config={}, created_at=NOW
    )
    Workflows(database).start(workflow)


def _event_seconds(server: Server, database: Database) -> float:
    """Return the longest time from a step's write to its event, of some steps one after the other."""
    heard: dict[str, float] = {}
    workflow = next(iter(Workflows(database).list(limit=1))).id
    listening = threading.Event()
    thread = threading.Thread(target=_listen, args=(server, heard, listening), daemon=True)
    thread.start()
    listening.wait(START_SECONDS)
    wrote: dict[str, float] = {}
    for number in range(STEPS):
        asset = f"asset_{number}"
        Workflows(database).stage_started(workflow, asset, NOW)
        wrote[asset] = time.perf_counter()
        time.sleep(0.2)
    deadline = time.monotonic() + START_SECONDS
    while len(heard) < STEPS and time.monotonic() < deadline:
        time.sleep(0.05)
    return max(heard.get(asset, float("inf")) - at for asset, at in wrote.items())


def _listen(server: Server, heard: dict[str, float], listening: threading.Event) -> None:
    connection = HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/v1/events", headers={"Authorization": f"Bearer {TOKEN}"})
    stream = connection.getresponse()
    while line := stream.readline():
        listening.set()
        if line.startswith(b"data: "):
            told = orjson.loads(line.removeprefix(b"data: "))
            if told["kind"] == "stage":
                heard.setdefault(told["stage"]["asset"], time.perf_counter())
