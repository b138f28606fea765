"""A run that is killed at any moment: the next one ends as if nothing had happened, and asks for little again."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from tripper_assets.assets.activities import SAVED_EVERY
from tripper_assets.catalog.activities import current_activities
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.images import SAVE_EVERY
from tripper_assets.demo.server import serve
from tripper_assets.demo.site import DemoSite, Response
from tripper_assets.domain.geocoding import PlaceQuery
from tripper_assets.domain.workflows import FINAL
from tripper_assets.resources import open_catalog
from tripper_assets.settings import Settings

IN_FLIGHT = 16
"""The most connections of one crawl or image stage: what they carry when the kill comes is asked for again."""
FEW, MANY = range(2), range(2, 14)
OK = 200


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
    """The site, a home with a migrated catalog and the gazetteer, and what an unharmed run leaves and takes from its first request."""

    site: WatchedSite
    template: Path
    records: dict[str, Any]
    seconds: float
    requests: int


@dataclass(frozen=True)
class Run:
    """A command under way."""

    process: subprocess.Popen[bytes]
    folder: Path

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def told(self) -> dict[str, Any]:
        code = self.process.wait(120)
        errors = (self.folder / "stderr").read_text()
        assert code == 0, errors
        assert "Traceback" not in errors
        return json.loads((self.folder / "stdout").read_text())


def _start(site: WatchedSite, home: Path) -> Run:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRIPPER_", "DAGSTER_", "COV_"))}
    environment = kept | {"TRIPPER_HOME": str(home), "TRIPPER_ALLOW_PRIVATE_ADDRESSES": "1"}
    config = home / "config.yaml"
    config.write_text("{delay_seconds: 0, timezone: Europe/Berlin, country_code: DE, auto_import: true}")
    command = [sys.executable, "-m", "tripper_assets.cli", "run", f"{site.origin}/", "--config", str(config), "--json"]
    folder = Path(tempfile.mkdtemp(dir=home))
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=errors, start_new_session=True)
    return Run(process, folder)


@contextmanager
def _copied(template: Path) -> Generator[Path]:
    """Yield a copy of a home with its owners (PostgreSQL's folder is not root's), always in one place: records name their files."""
    home = template.with_name("home")
    subprocess.run(["cp", "-a", str(template), str(home)], check=True)
    try:
        yield home
    finally:
        EmbeddedPostgres(home).stop()
        shutil.rmtree(home)


def _records(home: Path, source_key: str) -> dict[str, Any]:
    """Return the catalog's records by id, without when and in what order they were read."""
    with open_catalog(Settings(home=home)) as catalog:
        held = current_activities(catalog.database, source_key)
    return {one["id"]: {name: one[name] for name in one if name not in {"provenance", "index"}} for one in held}


@pytest.fixture(scope="module")
def world(homes: str | None) -> Generator[World]:
    folder = Path(tempfile.mkdtemp(prefix="tripper-kills-", dir=homes))
    folder.chmod(0o755)  # root's PostgreSQL belongs to another user
    template = folder / "template"
    with open_catalog(Settings(home=template)):
        OfflineGeocoder(template).geocode(PlaceQuery(locality="Lyon", countryCode="FR"))
    with serve(0, date.today()) as server:  # noqa: DTZ011 (commands read the clock)
        site = WatchedSite(server.url.rstrip("/"), server.site.today)
        server.site = site
        site.watch()
        with _copied(template) as home:
            run = _start(site, home)
            assert site.came.wait(60)
            began = time.monotonic()
            told = run.told()
            seconds = time.monotonic() - began
            records = _records(home, told["source_key"])
        yield World(site, template, records, seconds, site.asked)
    shutil.rmtree(folder)


def _server_pid(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def _under_way(home: Path) -> list[str]:
    """Return the workflows that seem to run; a killed one has failed, and its source is free for the next run."""
    with open_catalog(Settings(home=home)) as catalog:
        return [one.id for one in catalog.workflows.list() if one.status not in FINAL]


def _broken(objects: Path) -> list[str]:
    """Return the objects whose name promises other bytes; one that was never finished has a # in its name."""
    broken: list[str] = []
    for path in (one for one in objects.rglob("*") if one.is_file() and "#" not in one.name):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        promised = re.search(r"(?:^|-)([0-9a-f]{64}|[0-9a-f]{12})\.[a-z]+$", path.name)
        if promised and not digest.startswith(promised[1]):
            broken.append(str(path))
    return broken


def _kill(world: World, home: Path, seed: int) -> None:
    """Run and kill: at a moment, or, because most requests come in two short bursts, when a certain one came."""
    random = Random(seed)
    by_time, with_server = seed % 2 == 1, seed % 4 > 1
    world.site.watch(1 if by_time else random.randint(1, world.requests))
    run = _start(world.site, home)
    assert world.site.came.wait(60)
    if by_time:
        time.sleep(random.uniform(0.3, world.seconds))
    run.kill()
    if with_server:  # as a power cut does
        with contextlib.suppress(FileNotFoundError):  # the moment came when no server ran yet
            psutil.Process(_server_pid(home)).kill()


def _asked_again(bodies: Counter[str], *, pictures: bool) -> int:
    return sum(
        count - 1 for path, count in bodies.items() if path.endswith((".png", ".jpg", ".webp", ".gif")) == pictures
    )


@pytest.mark.parametrize("seed", [*FEW, *(pytest.param(one, marks=pytest.mark.long) for one in MANY)])
def test_a_run_after_a_killed_one_ends_as_if_nothing_had_happened(world: World, seed: int) -> None:
    with _copied(world.template) as home:
        _kill(world, home, seed)
        left_by_the_kill = _broken(home / "objects")

        told = _start(world.site, home).told()

        assert told["status"] == "completed"
        assert _under_way(home) == []
        assert not (home / "postgres" / "postmaster.pid").exists()
        assert left_by_the_kill == _broken(home / "objects") == []
        assert _records(home, told["source_key"]) == world.records
        assert _asked_again(world.site.bodies, pictures=False) <= SAVED_EVERY + IN_FLIGHT
        assert _asked_again(world.site.bodies, pictures=True) <= SAVE_EVERY + IN_FLIGHT
