"""One command starts everything and is the only one that does; nothing of it stays when it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.cli.demo import CONFIG
from tripper_assets.cli.processes import Child
from tripper_assets.cli.sample_site import SampleSite
from tripper_assets.cli.up import _look_at
from tripper_assets.cli.up_lock import Running, hold_up_lock, running_up
from tripper_assets.cli.webserver import Webserver
from tripper_assets.demo.server import is_shown, serve
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.graph import MADE_FROM
from tripper_assets.domain.sources import make_source
from tripper_assets.resources import catalog_on, open_catalog
from tripper_assets.settings import Settings
from tripper_assets_tests.cli.conftest import Shell
from tripper_assets_tests.cli.pages_of_dagster import GRAPH, Up
from tripper_assets_tests.waiting import AT_ONCE, new_port, wait_until

TODAY = date(2026, 6, 1)
SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
HOLDER = """
import pathlib, sys, time
from tripper_assets.cli.up import _look_at
from tripper_assets.cli.up_lock import hold_up_lock
with hold_up_lock(pathlib.Path(sys.argv[1]), "http://127.0.0.1:3000"):
    time.sleep(60)
"""


def belonging_to(home: Path) -> list[str]:
    """Return the processes of the whole machine that know of a home."""

    def knows(process: psutil.Process) -> bool:
        try:
            words = [*process.cmdline(), *process.environ().values()]
        except psutil.Error:
            return False
        return process.pid != os.getpid() and any(str(home) in word for word in words)

    return [" ".join(process.cmdline()) for process in psutil.process_iter() if knows(process)]


def write_lock(home: Path, **told: Any) -> None:
    dead = {"pid": 4_000_000, "started": 1.0, "address": "http://127.0.0.1:3000", "sessions": []}
    (home / "up.lock").write_text(json.dumps(dead | told))


# What needs no Dagster


@pytest.fixture
def taken_port() -> Generator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("left", [None, "", "{", "[]", '{"pid": 1}', "dead"])
def test_a_taken_port_is_named_with_its_option_and_a_lock_file_that_was_left_is_no_obstacle(
    shell: Shell, taken_port: int, left: str | None
) -> None:
    if left == "dead":
        write_lock(shell.home)
    elif left is not None:
        (shell.home / "up.lock").write_text(left)

    said = shell("up", "--port", taken_port)

    assert said.code == 1
    assert said.error == (
        f"The Dagster pages cannot be shown, for port {taken_port} is taken (Address already in use); "
        "free it, or choose another one with `tripper up --port`."
    )
    assert running_up(shell.home) is None


def test_a_second_one_is_told_who_runs(shell: Shell) -> None:
    with hold_up_lock(shell.home, "http://127.0.0.1:3000"):
        said = shell("up")

    assert said.code == 1
    assert said.error == (
        f"`tripper up` runs in {shell.home} already: process {os.getpid()}, http://127.0.0.1:3000; `tripper down` stops it."
    )


def test_where_nothing_runs_there_is_nothing_to_stop(shell: Shell) -> None:
    said = shell("down")

    assert (said.code, said.out) == (0, f"Nothing runs in {shell.home}.\n")


def test_down_asks_the_one_that_runs_to_end_and_waits(shell: Shell) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, shell.home]) as process:
        wait_until(lambda: running_up(shell.home))

        said = shell("down")

    assert said.out == f"`tripper up` (process {process.pid}) and all its parts are stopped.\n"
    assert process.returncode == -signal.SIGTERM


def test_what_a_killed_one_left_is_ended(shell: Shell, tmp_path: Path) -> None:
    environment = {**os.environ, "TRIPPER_HOME": str(shell.home)}
    child = Child("part", SLEEPER, log=tmp_path / "log", environment=environment, folder=tmp_path)
    write_lock(shell.home, sessions=[child.session])

    said = shell("down")

    assert (said.code, said.out) == (0, "Ended 1 processes that a killed `tripper up` had left.\n")
    assert child.code in (-signal.SIGTERM, -signal.SIGKILL)  # a busy machine may be too slow for the first


def test_the_number_of_an_ended_process_is_not_that_process() -> None:
    assert Running(os.getpid(), psutil.Process().create_time(), "").is_process()
    assert not Running(os.getpid(), 1.0, "").is_process()
    assert not Running(4_000_000, 1.0, "").is_process()


def test_a_lock_that_tells_nothing_is_said_to_be_held(tmp_path: Path) -> None:
    with hold_up_lock(tmp_path, "") as lock:
        lock.clear()
        with pytest.raises(PermanentError, match=r"A process holds .*up\.lock and does not say which it is"):
            running_up(tmp_path)


def test_a_database_of_the_operator_that_is_down_is_left_to_the_operator(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = f"postgresql+psycopg://nobody@127.0.0.1:{new_port()}/nothing"

    _look_at(SampleSite(Settings(), catalog_on(Database(url), tmp_path)))

    assert capsys.readouterr().out == ""


def test_a_webserver_that_does_not_answer_has_nothing_yet() -> None:
    webserver = Webserver(new_port())

    assert not webserver.has_graph()
    assert not webserver.has_daemon(0)
    assert webserver.runs_under_way("/nowhere") == []


def test_the_sample_site_is_shown_while_one_of_its_sources_is_registered(database: Database, tmp_path: Path) -> None:
    port = new_port()
    catalog = catalog_on(database, tmp_path)
    site = SampleSite(Settings(demo_port=port), catalog)

    assert site.look(TODAY) == ""
    source = catalog.sources.add(make_source(f"http://127.0.0.1:{port}/sites/theatre-leeds/", CONFIG))
    assert site.look(TODAY) == f"sample site  http://127.0.0.1:{port}/"
    assert site.look(TODAY + timedelta(days=1)) == ""
    assert is_shown(port)
    catalog.sources.remove(source.key)
    assert site.look(TODAY) == "sample site  no longer shown, for its source was removed"
    assert not is_shown(port)


def test_a_taken_port_of_the_sample_site_is_told_once_and_no_obstacle(
    database: Database, taken_port: int, tmp_path: Path
) -> None:
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(make_source(f"http://127.0.0.1:{taken_port}/", CONFIG))
    site = SampleSite(Settings(demo_port=taken_port), catalog)

    assert f"port {taken_port} is taken; free it, or set TRIPPER_DEMO_PORT" in site.look(TODAY)
    assert site.look(TODAY) == ""


def test_a_sample_site_that_somebody_else_shows_is_good_enough(database: Database, tmp_path: Path) -> None:
    catalog = catalog_on(database, tmp_path)
    with serve(0, TODAY) as shown:
        catalog.sources.add(make_source(shown.url, CONFIG))

        assert SampleSite(Settings(demo_port=shown.server_address[1]), catalog).look(TODAY) == ""


# The real thing


@pytest.mark.long
def test_all_parts_work_together_and_end_together(up: Up, tmp_path: Path) -> None:
    small = up.register("sites/theatre-leeds/")
    output = tmp_path / "output"

    with up.running(output) as process:
        (entry,) = up.ask(GRAPH)["workspaceOrError"]["locationEntries"]
        (repository,) = entry["locationOrLoadError"]["repositories"]
        second, listed = up.tripper("up", "--port", new_port()), up.tripper("sources", "list")
        wait_until(lambda: small.key in up.partitions())
        done = up.materialize(small.key, "raw_activities")
        wait_until(lambda: up.status(done) in ("SUCCESS", "FAILURE"))
        done_status = up.status(done)
        cut_off = up.materialize(small.key, "raw_activities", "activities", "images_map", "geocoded_map", "final_jsonl")
        wait_until(lambda: up.status(cut_off) == "STARTED")
        server = psutil.Process(int((up.home / "postgres" / "postmaster.pid").read_text().split()[0]))
        began = time.monotonic()
        down = up.tripper("down")
        seconds = time.monotonic() - began
        process.wait(30)  # the lock is free a moment before its process has ended

    told = output.read_text()
    assert (entry["name"], repository["name"]) == ("tripper_assets", "__repository__")
    assert {node["assetKey"]["path"][0] for node in repository["assetNodes"]} == set(MADE_FROM)
    assert (second.returncode, second.stdout) == (1, "")
    assert f"process {process.pid}, http://127.0.0.1:{up.port}" in second.stderr
    assert listed.returncode == 0
    assert small.key in listed.stdout
    assert done_status == "SUCCESS", (up.home / "logs" / "code-server.log").read_text()
    assert up.stored_status(cut_off) == "CANCELED"
    assert (down.returncode, process.returncode) == (0, 0), told
    assert seconds < AT_ONCE
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE  # in a container nobody may reap it
    assert belonging_to(up.home) == []
    assert [line.split()[0] for line in told.splitlines()] == [
        "PostgreSQL", "code", "webserver", "daemon", "API", "Ready", "sample", "Stopping.", "Canceling", "All",
    ]  # fmt: skip
    assert "Traceback" not in told


def test_a_postgres_that_was_killed_is_started_again(up: Up, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(home=up.home)
    said: list[str] = []
    with open_catalog(settings) as catalog:
        site = SampleSite(settings, catalog)

        def look() -> bool:
            _look_at(site)
            said.append(capsys.readouterr().out)
            return any(said)

        os.kill(int((up.home / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

        wait_until(look, seconds=30)  # a connection that was open outlives the server for a moment

        assert catalog.sources.list() == []
    assert "".join(said) == "PostgreSQL had stopped and was started again.\n"
    assert not (up.home / "postgres" / "postmaster.pid").exists()


def test_a_part_that_crashes_is_told_and_ends_the_rest(up: Up) -> None:
    def kill_the_daemon() -> None:
        wait_until(lambda: Webserver(up.port).has_daemon(0))
        running = running_up(up.home)
        assert running
        os.kill(running.sessions[2], signal.SIGKILL)

    killer = threading.Thread(target=kill_the_daemon)
    killer.start()
    ports = {"TRIPPER_DEMO_PORT": str(up.demo_port), "TRIPPER_API_PORT": str(up.api_port)}
    said = Shell({"TRIPPER_HOME": str(up.home), **ports})("up", "--port", up.port)
    killer.join()

    assert said.code == 1
    assert said.error == f"The daemon ended by itself with signal SIGKILL; its log is {up.home}/logs/daemon.log."
    assert "The daemon crashed. The last lines of its log:\n" in said.out
    assert "SensorDaemon" in said.out
    assert belonging_to(up.home) == []
