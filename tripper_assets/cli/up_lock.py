"""Who runs `tripper up` in a home: a lock that its process holds, and in the file who that is and which sessions it started."""

import fcntl
import json
import os
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from tripper_assets.domain.errors import PermanentError

NAME = "up.lock"
READ_SECONDS = 2


@dataclass(frozen=True)
class Running:
    """A `tripper up`: its process, when the system started that, where its pages are, and its children's sessions."""

    pid: int
    started: float
    address: str
    sessions: tuple[int, ...] = ()

    def is_process(self) -> bool:
        """Return whether the pid is still that process, and not a stranger's that was given its number."""
        try:
            return psutil.Process(self.pid).create_time() == self.started
        except psutil.NoSuchProcess:
            return False


class UpLock:
    """The held lock; the kernel frees it when we die, so that a file that was left behind is no obstacle."""

    def __init__(self, descriptor: int, address: str, left_behind: Running | None) -> None:
        self._descriptor = descriptor
        self._running = Running(os.getpid(), psutil.Process().create_time(), address)
        self.left_behind = left_behind
        """What the file of an earlier one tells, that ended without stopping its children."""
        self._write(self._running)

    def note_sessions(self, sessions: Sequence[int]) -> None:
        """Write down which sessions there are, for the one who comes after us if we are killed."""
        self._write(replace(self._running, sessions=tuple(sessions)))

    def clear(self) -> None:
        """Leave nothing behind."""
        os.ftruncate(self._descriptor, 0)

    def _write(self, running: Running) -> None:
        text = json.dumps(asdict(running)).encode()
        # Shorter text over longer text is no JSON for a moment; a reader then looks again.
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))


@contextmanager
def hold_up_lock(home: Path, address: str) -> Generator[UpLock]:
    """Hold the lock of a home.

    Raises:
        PermanentError: another `tripper up` runs there.
    """
    descriptor = os.open(home / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while not _try_lock(descriptor):
            if running := running_up(home):
                raise PermanentError(
                    f"`tripper up` runs in {home} already: process {running.pid}, {running.address}; `tripper down` stops it."
                )
        lock = UpLock(descriptor, address, _read(home))
        yield lock
        lock.clear()
    finally:
        os.close(descriptor)


def running_up(home: Path) -> Running | None:
    """Return the `tripper up` that runs in a home, None where none does."""
    deadline = time.monotonic() + READ_SECONDS
    while is_held(home):
        found = _read(home)
        if found and found.is_process():
            return found
        if time.monotonic() > deadline:
            raise PermanentError(f"A process holds {home / NAME} and does not say which it is; end it and try again.")
        time.sleep(0.05)
    return None


def is_held(home: Path) -> bool:
    """Return whether a process holds the lock of a home."""
    try:
        descriptor = os.open(home / NAME, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def left_behind(home: Path) -> Running | None:
    """Return what a killed `tripper up` wrote down."""
    return _read(home)


def _read(home: Path) -> Running | None:
    try:
        told = json.loads((home / NAME).read_text(encoding="utf-8"))
        return Running(told["pid"], told["started"], told["address"], tuple(told["sessions"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None  # nobody's, half written or not ours: it tells nothing


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
