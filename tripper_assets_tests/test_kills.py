"""A run that is killed at any moment: the next one ends as if nothing had happened, and asks for little again."""

import contextlib
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import zstandard

from tripper_assets.catalog.activities import current_activities
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.demo.server import serve
from tripper_assets.demo.site import DemoSite, Response
from tripper_assets.domain.workflows import FINAL
from tripper_assets.resources import open_catalog
from tripper_assets.settings import Settings
from tripper_assets_tests.killed_demo import LOADED, work
from tripper_assets_tests.waiting import AT_ONCE, wait_until

# Of the short run: two kills, each when a certain request came.
FEW = 2
OK = 200
PICTURES = (".png", ".jpg", ".webp", ".gif")


class WatchedSite(DemoSite):
    """The sample site, which counts the bodies that it sends, and tells when a request of a certain number came."""

    def watch(self, number: int = 1) -> None:
        """Begin to count anew, and tell of the request of that number."""
        self.bodies: Counter[str] = Counter()
        self.asked = 0
        self.number = number
        self.came = threading.Event()

    def respond(self, method: str, path: str, headers: Mapping[str, str]) -> Response:
        """Answer as the sample site does."""
        answer = super().respond(method, path, headers)
        self.asked += 1
        if self.asked >= self.number:
            self.came.set()
        if answer.status == OK:
            self.bodies[path] += 1
        return answer


@dataclass(frozen=True)
class World:
    """The site, a home with a migrated catalog and the gazetteer, and what an unharmed run leaves and takes."""

    site: WatchedSite
    template: Path
    records: dict[str, Any]
    """The catalog's, by id."""
    lines: dict[str, Any]
    """The final JSONL's, by id."""
    seconds: float
    """From its start to its end."""
    seconds_to_first_request: float
    requests: int


@dataclass(frozen=True)
class Run:
    """A command under way."""

    process: ForkServerProcess
    folder: Path

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.killpg(self._pid, signal.SIGKILL)
        self.process.join()

    def terminate(self) -> None:
        os.kill(self._pid, signal.SIGTERM)

    def code(self, seconds: float) -> int | None:
        """Return how the process ended, None where it goes on after so many seconds."""
        self.process.join(seconds)
        return self.process.exitcode

    def told(self) -> dict[str, Any]:
        code = self.code(300)
        if code is None:
            os.kill(self._pid, signal.SIGABRT)  # faulthandler writes where each thread stands
            code = self.code(10)
        errors = (self.folder / "stderr").read_text()
        assert code == 0, errors
        assert "Traceback" not in errors
        return json.loads((self.folder / "stdout").read_text())

    @property
    def _pid(self) -> int:
        assert self.process.pid
        return self.process.pid


processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(LOADED)
started: list[Run] = []
"""Every run of a test, so that none outlives it."""


def _start(site: WatchedSite, home: Path) -> Run:
    environment = {"TRIPPER_HOME": str(home), "TRIPPER_DEMO_PORT": site.origin.rpartition(":")[2]}
    folder = Path(tempfile.mkdtemp(dir=home))
    process = processes.Process(target=work, args=(environment, str(folder), str(home / "counted")))
    process.start()
    started.append(Run(process, folder))
    wait_until((folder / "began").exists)
    return started[-1]


@contextmanager
def _copied(template: Path) -> Generator[Path]:
    """Yield a copy of a home with its owners (PostgreSQL's folder is not root's), always in one place: records name their files."""
    home = template.with_name("home")
    subprocess.run(["cp", "-a", str(template), str(home)], check=True)
    try:
        yield home
    finally:
        while started:  # one that a failed test left would work in the next one's home
            started.pop().kill()
        EmbeddedPostgres(home).stop()
        shutil.rmtree(home)


def _by_id(records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return records by id, without when and in what order they were read."""
    return {one["id"]: {name: one[name] for name in one if name not in {"provenance", "index"}} for one in records}


def _records(home: Path, source_key: str) -> dict[str, Any]:
    with open_catalog(Settings(home=home)) as catalog:
        return _by_id(current_activities(catalog.database, source_key))


def _lines(told: dict[str, Any]) -> dict[str, Any]:
    data = Path(urlsplit(told["stages"]["final_jsonl"]["uri"]).path).read_bytes()
    return _by_id(json.loads(line) for line in data.splitlines())


@pytest.fixture(scope="module")
def world(homes: str | None, gazetteer: Path) -> Generator[World]:
    folder = Path(tempfile.mkdtemp(prefix="tripper-kills-", dir=homes))
    folder.chmod(0o755)  # root's PostgreSQL belongs to another user
    template = folder / "template"
    with open_catalog(Settings(home=template)):
        shutil.copyfile(gazetteer, template / gazetteer.name)
    with serve(0, date.today()) as server:  # noqa: DTZ011 (commands read the clock)
        site = WatchedSite(server.url.rstrip("/"), server.site.today)
        server.site = site
        site.watch()
        with _copied(template) as home:
            began = time.monotonic()
            run = _start(site, home)
            assert site.came.wait(60)
            first = time.monotonic() - began
            told = run.told()
            seconds = time.monotonic() - began
            records, lines = _records(home, told["source_key"]), _lines(told)
        yield World(site, template, records, lines, seconds, first, site.asked)
    shutil.rmtree(folder)


def _server_pid(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def _under_way(home: Path) -> list[str]:
    """Return the workflows that seem to run, and the sources that seem to be held; killed ones have failed and hold nothing."""
    with open_catalog(Settings(home=home)) as catalog:
        claims = [one.source_key for one in catalog.claims.list()]
        return [one.id for one in catalog.workflows.list() if one.status not in FINAL] + claims


def _broken(objects: Path) -> list[str]:
    """Return the objects whose name promises other bytes; one that was never finished has a # in its name."""
    broken: list[str] = []
    for path in (one for one in objects.rglob("*") if one.is_file() and "#" not in one.name):
        stored = path.read_bytes()
        # The body of a page is named by what it was received as, and stored compressed.
        body = path.parts[-3] == "snapshots"
        digest = hashlib.sha256(
            zstandard.ZstdDecompressor().decompressobj().decompress(stored) if body else stored
        ).hexdigest()
        promised = re.search(r"(?:^|-)([0-9a-f]{64}|[0-9a-f]{12})\.[a-z]+$", path.name)
        if promised and not digest.startswith(promised[1]):
            broken.append(str(path))
    return broken


def _kill(world: World, home: Path, random: Random) -> None:
    """Run and kill: when a certain request came, because most come in two short bursts, or at a moment of the work or of all the run."""
    way = random.choice(["request", "work", "any"])
    world.site.number = world.site.asked + (random.randint(1, world.requests) if way == "request" else 1)
    world.site.came.clear()
    run = _start(world.site, home)
    if way == "any":
        time.sleep(random.uniform(0, world.seconds))
    else:
        # A second run of a site that has been read sends fewer requests, so that the one that was meant may never come.
        world.site.came.wait(world.seconds)
    if way == "work":
        time.sleep(random.uniform(0, world.seconds - world.seconds_to_first_request))
    run.kill()
    if random.random() < 1 / 3:  # as a power cut does
        with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):  # the moment came when no server ran yet
            psutil.Process(_server_pid(home)).kill()


def _most(counted: Iterable[int]) -> int:
    return max(counted, default=0)


@pytest.mark.parametrize("seed", [pytest.param(one, marks=() if one == FEW else pytest.mark.long) for one in range(50)])
def test_a_run_after_killed_ones_ends_as_if_nothing_had_happened(world: World, seed: int) -> None:
    random = Random(seed)
    kills = 2 if seed % 5 == 2 else 1
    world.site.watch()
    with _copied(world.template) as home:
        for _ in range(kills):
            _kill(world, home, random)
        left_by_the_kill = _broken(home / "objects")

        told = _start(world.site, home).told()

        asked = Counter((home / "counted").read_text().splitlines()) if (home / "counted").exists() else Counter[str]()
        assert told["status"] == "completed"
        assert _under_way(home) == []
        assert not (home / "postgres" / "postmaster.pid").exists()
        assert left_by_the_kill == _broken(home / "objects") == []
        assert _lines(told) == world.lines
        assert _records(home, told["source_key"]) == world.records
        assert _most(count for path, count in world.site.bodies.items() if path.endswith(PICTURES)) <= 1 + kills
        assert _most(count for path, count in world.site.bodies.items() if path.startswith("/activity/")) <= 1 + kills
        assert _most(asked.values()) <= 1 + kills
        assert any(line.startswith("place ") for line in asked)
        assert any(line.startswith("text ") for line in asked)


@pytest.mark.parametrize("seed", [0, *(pytest.param(one, marks=pytest.mark.long) for one in range(1, 10))])
def test_a_run_that_is_asked_to_end_does_so_within_ten_seconds_as_canceled(world: World, seed: int) -> None:
    random = Random(seed)
    world.site.watch(random.randint(1, world.requests))
    with _copied(world.template) as home:
        run = _start(world.site, home)
        assert world.site.came.wait(60)
        time.sleep(random.uniform(0, 1.5))
        began = time.monotonic()
        run.terminate()
        code = run.code(60)
        seconds = time.monotonic() - began
        written = (run.folder / "stderr").read_text()
        states = _states(home)
        left_by_the_end = _broken(home / "objects")

        told = _start(world.site, home).told()

        # Between the import and the end of its run there is nothing left to cancel.
        assert (code, states) in ((130, ["canceled"]), (130, ["completed"]), (0, ["completed"]))
        assert "Traceback" not in written, written
        assert seconds < AT_ONCE
        assert left_by_the_end == _broken(home / "objects") == []
        assert _lines(told) == world.lines
        assert _under_way(home) == []


def _states(home: Path) -> list[str]:
    with open_catalog(Settings(home=home)) as catalog:
        return [one.status for one in catalog.workflows.list()]
