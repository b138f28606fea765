"""The warden ends what its command leaves behind, be it in a session of its own, when the command, its parent or itself is told to end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tripper_assets.clients.browser_process import WARDEN
from tripper_assets_tests.waiting import wait_until

GONE_WITHIN_SECONDS = 15
# Starts a process that leaves its group, whose own parent then dies, as a browser's helpers do.
COMMAND = """
import json, os, subprocess, sys, time
middle = "import subprocess, sys; print(subprocess.Popen(['sleep', '1000'], start_new_session=True, stdout=2).pid)"
left = subprocess.run([sys.executable, "-c", middle], stdout=subprocess.PIPE, start_new_session=True).stdout
with open(sys.argv[1] + ".part", "w") as file:
    json.dump([os.getpid(), int(left)], file)
os.rename(sys.argv[1] + ".part", sys.argv[1])
time.sleep(float(sys.argv[2]))
"""
RUN = "import os, subprocess, sys, time; subprocess.Popen([sys.argv[1], sys.argv[2], str(os.getpid()), *sys.argv[3:]]); time.sleep(1000)"


class Started:
    """A run with a warden, a command, and what the command left behind."""

    def __init__(self, folder: Path, *, command_seconds: float = 1_000) -> None:
        self.folder = folder / "browser"
        self.folder.mkdir()
        told = folder / "told"
        command = [sys.executable, "-c", COMMAND, str(told), str(command_seconds)]
        self.run = subprocess.Popen(
            [sys.executable, "-c", RUN, sys.executable, str(WARDEN), str(self.folder), *command]
        )
        wait_until(told.exists, seconds=GONE_WITHIN_SECONDS)
        self.pids: list[int] = json.loads(told.read_text())

    @property
    def warden(self) -> psutil.Process:
        return psutil.Process(self.run.pid).children()[0]

    def is_over(self) -> bool:
        return not any(psutil.pid_exists(pid) for pid in self.pids) and not self.folder.exists()

    def end(self) -> None:
        self.run.kill()
        self.run.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_dies_takes_all_with_it(tmp_path: Path, number: signal.Signals) -> None:
    started = Started(tmp_path)
    assert all(psutil.pid_exists(pid) for pid in started.pids)

    os.kill(started.run.pid, number)
    started.run.wait()

    wait_until(started.is_over, seconds=GONE_WITHIN_SECONDS)


def test_a_warden_that_is_told_to_end_takes_all_with_it(tmp_path: Path) -> None:
    started = Started(tmp_path)

    started.warden.terminate()

    wait_until(started.is_over, seconds=GONE_WITHIN_SECONDS)
    started.end()


def test_a_command_that_ends_leaves_nothing(tmp_path: Path) -> None:
    started = Started(tmp_path, command_seconds=0.2)

    wait_until(started.is_over, seconds=GONE_WITHIN_SECONDS)
    started.end()


def test_a_command_dies_with_a_warden_that_was_killed(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux ends a process with its parent")
    started = Started(tmp_path)

    started.warden.kill()

    wait_until(lambda: not psutil.pid_exists(started.pids[0]), seconds=GONE_WITHIN_SECONDS)
    os.kill(started.pids[1], signal.SIGKILL)
    started.end()
