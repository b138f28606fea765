"""Children end in order, with all that they started, soon, and not without anybody noticing."""

import os
import signal
import sys
import time
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from tripper_assets.cli import processes
from tripper_assets.cli.processes import Child, CrashedError, Owner, StopAskedError, end_session
from tripper_assets.domain.errors import TransientError
from tripper_assets_tests.waiting import AT_ONCE

READY = "import time; print('ready', flush=True); time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); " + READY
TELLS_ITS_END = """
import pathlib, signal, sys, time
def end(*_):
    with open("ends", "a") as ends:
        ends.write(sys.argv[1] + " ")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def owner() -> Generator[Owner]:
    owner = Owner()
    yield owner
    owner.stop()


def start(owner: Owner, folder: Path, program: str, name: str = "part") -> Child:
    command = [sys.executable, "-c", program, name]
    child = Child(name, command, log=folder / "logs" / f"{name}.log", environment=dict(os.environ), folder=folder)
    owner.own(child)
    return child


def started(owner: Owner, folder: Path, program: str, *, name: str = "part", ready: int = 1) -> Child:
    """Return a child that has said that it is ready."""
    child = start(owner, folder, program, name)
    owner.wait_until(lambda: child.last_lines().count("ready") >= ready, what=name, seconds=60)
    return child


def test_children_are_stopped_in_reverse_order(owner: Owner, tmp_path: Path) -> None:
    for name in ("first", "second", "third"):
        started(owner, tmp_path, TELLS_ITS_END, name=name)

    owner.stop(down_to="first")
    then = (tmp_path / "ends").read_text()
    owner.stop()

    assert then == "third second "
    assert (tmp_path / "ends").read_text() == "third second first "
    assert owner.sessions == []


def test_a_child_that_does_not_listen_is_killed_with_its_own_children(owner: Owner, tmp_path: Path) -> None:
    child = started(owner, tmp_path, PARENT, ready=2)
    family = [psutil.Process(child.session), *psutil.Process(child.session).children()]

    began = time.monotonic()
    child.stop(grace_seconds=0.3)

    assert len(family) == 2
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)
    assert time.monotonic() - began < AT_ONCE


def test_a_crash_is_noticed_and_told_with_the_last_lines(owner: Owner, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "part.log"
    log.parent.mkdir()
    log.write_text("of yesterday\n")
    child = start(owner, tmp_path, "print('page 1'); print(); print('out of paper'); raise SystemExit(3)")

    with pytest.raises(CrashedError, match=r"The part ended by itself with exit code 3; its log is .*part\.log\."):
        owner.wait_until(lambda: False, what="part", seconds=20)

    assert child.last_lines() == ["page 1", "out of paper"]


def test_a_killed_child_is_told_with_the_signal(owner: Owner, tmp_path: Path) -> None:
    child = started(owner, tmp_path, READY)

    os.kill(child.session, signal.SIGKILL)

    with pytest.raises(CrashedError, match="signal SIGKILL"):
        owner.wait_until(lambda: False, what="part", seconds=20)


def test_a_signal_is_heard_between_steps_and_no_longer_than_that(owner: Owner, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with owner.listening(signal.SIGTERM, signal.SIGHUP):
        started(owner, tmp_path, READY)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(StopAskedError):
            owner.look()

    assert signal.getsignal(signal.SIGTERM) == before


def test_whoever_ignores_the_end_of_the_terminal_outlives_it(owner: Owner) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with owner.listening(signal.SIGHUP):
            os.kill(os.getpid(), signal.SIGHUP)
            owner.look()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_is_never_ready_is_an_error(owner: Owner) -> None:
    with pytest.raises(TransientError, match="The part is not ready within 0 s"):
        owner.wait_until(lambda: False, what="part", seconds=0.2)


def test_a_large_log_is_turned_over_at_the_start(owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MAX_LOG_BYTES", 10)
    log = tmp_path / "logs" / "part.log"
    log.parent.mkdir()
    log.write_text("much was written here\n")

    started(owner, tmp_path, READY)

    assert log.read_text() == "ready\n"
    assert log.with_suffix(".log.1").read_text() == "much was written here\n"


def test_a_session_of_another_home_is_left_alone(owner: Owner, tmp_path: Path) -> None:
    child = started(owner, tmp_path, READY)

    assert end_session(child.session, 0.1, home=tmp_path / "other") == 0
    assert child.code is None
