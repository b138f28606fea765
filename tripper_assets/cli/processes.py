"""Child processes of one owner: each in a session of its own with a log, watched, and stopped in reverse order within seconds."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType

import psutil

from tripper_assets.domain.errors import PermanentError, TransientError

MAX_LOG_BYTES = 10_000_000
SHOWN_LINES = 12
GRACE_SECONDS = 2.0
"""How long a part may take to end by itself. Dagster's take up to three, mostly in freeing what they hold, and all end within ten."""
KILL_SECONDS = 5
LOOK_SECONDS = 0.1


class StopAskedError(Exception):
    """Somebody asked the owner to stop; raised between two looks, never in the middle of a step."""


class Child:
    """One process with all that it starts; what it writes is appended to its log, which is turned over when it is large."""

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            self._log_start = output.tell()
            # A session, so that Ctrl-C on the terminal reaches the owner alone, which stops its children in order.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
            )

    @property
    def session(self) -> int:
        """The id of the session that all its processes are in."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def last_lines(self) -> list[str]:
        """Return the end of what it wrote since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return [line for line in lines if line.strip()][-SHOWN_LINES:]

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """End it with all that it started."""
        end_session(self.session, grace_seconds)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_SECONDS)


class CrashedError(PermanentError):
    """A child ended that nobody had asked to."""

    def __init__(self, child: Child) -> None:
        super().__init__(f"The {child.name} ended by itself with {_ending(child.code)}; its log is {child.log}.")
        self.child = child


def _ending(code: int | None) -> str:
    return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"


class Owner:
    """The one owner of the children: it starts, watches and stops them; signals to end are noted and asked for between steps."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._stop_asked = False

    @contextlib.contextmanager
    def listening(self, *signals: signal.Signals) -> Generator[None]:
        """Note signals instead of dying of them.

        A child then starts with the default for each, even where a shell had us ignore interrupts, as it does with `up &`:
        Dagster's processes would inherit that, and take no request to end either.
        """
        before = {number: signal.getsignal(number) for number in signals}
        for number, handler in before.items():
            # Whoever wants us to outlive the terminal (nohup) says so by ignoring its end.
            if number is not signal.SIGHUP or handler is not signal.SIG_IGN:
                signal.signal(number, self._note)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_asked = True

    def own(self, child: Child) -> None:
        """Take charge of a child that was just started, after all others."""
        self._children.append(child)

    @property
    def sessions(self) -> list[int]:
        """The children's sessions, as they were started."""
        return [child.session for child in self._children]

    def look(self) -> None:
        """Do nothing while all is well.

        Raises:
            StopAskedError: a signal came.
            CrashedError: a child has ended.
        """
        if self._stop_asked:
            raise StopAskedError
        for child in self._children:
            if child.code is not None:
                raise CrashedError(child)

    def wait_until(self, ready: Callable[[], bool], *, what: str, seconds: float) -> None:
        """Look until something is ready.

        Raises:
            TransientError: it is not within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        self.look()
        while not ready():
            if time.monotonic() > deadline:
                raise TransientError(
                    f"The {what} is not ready within {seconds:.0f} s; look into its log and try again."
                )
            time.sleep(LOOK_SECONDS)
            self.look()

    def stop(self, down_to: str = "") -> None:
        """Stop the children, the last one first: all, or those after the one named ``down_to``."""
        while self._children and self._children[-1].name != down_to:
            self._children.pop().stop()


def end_session(session: int, grace_seconds: float, *, home: Path | None = None) -> int:
    """Ask every process of a session to end, kill those that do not within the grace, and return how many there were.

    ``home`` leaves processes alone that do not have it as their TRIPPER_HOME: a session's number is used again some day.
    """
    deadline = time.monotonic() + grace_seconds
    asked: set[psutil.Process] = set()
    while (members := _members(session, home)) and time.monotonic() < deadline + KILL_SECONDS:
        if time.monotonic() > deadline:
            _send(members, signal.SIGKILL)
        else:
            _send(set(members) - asked, signal.SIGTERM)
        asked.update(members)
        time.sleep(LOOK_SECONDS / 2)
    return len(asked)


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _members(session: int, home: Path | None) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_member(process, session, home)]


def _is_member(process: psutil.Process, session: int, home: Path | None) -> bool:
    try:
        if os.getsid(process.pid) != session or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return home is None or process.environ().get("TRIPPER_HOME") == str(home)
    except (OSError, psutil.Error):
        return False  # it has ended, or is another user's
