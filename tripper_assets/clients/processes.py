"""Which process does a piece of work, told so that others can see later whether it still runs: host, pid and when it began."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from tripper_assets.domain.claims import Claim

TOLERANCE_SECONDS = 1.0
"""When a process began is kept as a number with a fraction; a pid comes again much later."""
STARTED_FIELD = 19
"""Where /proc/PID/stat tells the start, counted behind the program's name, which may hold anything (proc_pid_stat(5): field 22)."""


@dataclass(frozen=True)
class ProcessIdentity:
    """One process; ``started`` is when the system started it, because pids come again.

    On Linux in seconds since the boot, which no change of the wall clock moves; elsewhere in seconds since 1970.
    """

    host: str
    pid: int
    started: float

    @classmethod
    def mine(cls) -> Self:
        """Return the process that asks."""
        return cls(platform.node(), os.getpid(), _started(os.getpid()))

    @classmethod
    def here(cls, pid: int) -> Self | None:
        """Return the process of this host that has the pid now, None where none has it."""
        try:
            return cls(platform.node(), pid, _started(pid))
        except psutil.NoSuchProcess:
            return None

    @classmethod
    def of(cls, claim: Claim) -> Self:
        """Return the process that works on a claimed source."""
        return cls(claim.host, claim.pid, claim.process_started)

    def is_elsewhere(self) -> bool:
        """Return whether it is another host's, where we cannot look."""
        return self.host != platform.node()

    def is_mine(self) -> bool:
        """Return whether it is the process that asks."""
        return not self.is_elsewhere() and self.pid == os.getpid()

    def is_gone(self) -> bool:
        """Return whether it ran on this host and runs no more; of other hosts nothing is known here."""
        if self.is_elsewhere():
            return False
        try:
            other = abs(_started(self.pid) - self.started) > TOLERANCE_SECONDS
            return other or psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True


def _started(pid: int) -> float:
    """Return when a process was started.

    Raises:
        psutil.NoSuchProcess: there is none.
    """
    # psutil tells it by the wall clock: an hour's step of that made every process another one.
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return int(fields[STARTED_FIELD]) / os.sysconf("SC_CLK_TCK")
    except (FileNotFoundError, ProcessLookupError):
        return psutil.Process(pid).create_time()
