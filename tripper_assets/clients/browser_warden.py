"""The warden of a browser: a process that ends everything below it as soon as the run that it belongs to is gone, however it went.

Run by its path, as ``browser_warden.py PARENT_PID FOLDER COMMAND…``: it runs the command, and at the end of either kills whatever the
command left (Chromium leaves its process group, so no group would do) and removes the folder.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import NoReturn

import psutil

LOOK_SECONDS = 0.1
WEIGH_SECONDS = 0.5
MAX_PROCESS_BYTES = 1_500_000_000
"""A process above this is ended: a page that fills the memory costs its tab and not the machine."""
MAX_ENDING_SECONDS = 10.0
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main(parent: int, folder: str, command: list[str]) -> None:
    """Run ``command`` until it, or the process ``parent``, has ended."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        _watch(parent, subprocess.Popen(command, preexec_fn=_die_with_warden).pid)  # noqa: PLW1509 (one thread only)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        end_all()
        shutil.rmtree(folder, ignore_errors=True)


def _leave(*_: object) -> NoReturn:
    sys.exit(0)


def _prctl(option: int, value: int) -> None:
    # Elsewhere than on Linux there are no subreapers: then what the command's children leave behind by dying is not found.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _die_with_warden() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch(parent: int, pid: int) -> None:
    # The command alone holds its pipes, so that the run sees at once when it ends.
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    weighed = time.monotonic()
    # A parent's number and not a pipe: a pipe stays open in whatever the parent forked.
    while os.getppid() == parent and pid not in _reap():
        time.sleep(LOOK_SECONDS)
        if time.monotonic() - weighed >= WEIGH_SECONDS:
            _end_the_heavy()
            weighed = time.monotonic()


def _reap() -> set[int]:
    """Return the children that have ended since the last look, with those that were left to us."""
    ended: set[int] = set()
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.add(pid)


def _below() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _end_the_heavy() -> None:
    for process in _below():
        try:
            if process.memory_info().rss > MAX_PROCESS_BYTES:
                process.kill()
        except psutil.Error:
            continue


def end_all() -> None:
    """Kill all that is below, again and again, as something may be started meanwhile; what died is handed to us."""
    until = time.monotonic() + MAX_ENDING_SECONDS
    while (left := _below()) and time.monotonic() < until:
        for process in left:
            try:
                process.kill()
            except psutil.Error:
                continue
        _reap()
        time.sleep(0.01)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
