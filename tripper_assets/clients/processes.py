"""Which process does a piece of work, told so that others can see later whether it still runs: host, pid and when it began."""

import platform
from dataclasses import dataclass
from typing import Self

import psutil

CLOCK_STEP_SECONDS = 60
"""When a process began is told by the wall clock, which somebody may set; a pid comes again much later."""


@dataclass(frozen=True)
class ProcessIdentity:
    """One process; ``started`` is in seconds since 1970, because pids come again."""

    host: str
    pid: int
    started: float

    @classmethod
    def mine(cls) -> Self:
        """Return the process that asks."""
        process = psutil.Process()
        return cls(platform.node(), process.pid, process.create_time())

    def is_gone(self) -> bool:
        """Return whether it ran on this host and runs no more; of other hosts nothing is known here."""
        if self.host != platform.node():
            return False
        try:
            process = psutil.Process(self.pid)
            other = abs(process.create_time() - self.started) > CLOCK_STEP_SECONDS
            return other or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True
