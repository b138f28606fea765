"""Dagster's own SQLite files, opened with engines and connections that are kept.

Dagster makes an engine and a connection for each question, a thousand in a run of one source: SQLAlchemy compiles nearly every statement anew, and SQLite
reads the schema anew. The files are the same: either storage reads what the other wrote. `python -m benchmarks graph` has both side by side.
"""

import os
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, cast

from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool
from typing_extensions import override

KEPT = 32
"""Engines: one for each of the runs that are looked at now, whose events have a file of their own, and three for all runs; each keeps one connection."""


class Engines:
    """The engines that were used last."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._lock = most, Lock()
        self._kept: OrderedDict[str, Engine] = OrderedDict()

    def get(self, url: str) -> Engine:
        """Return the engine of a file."""
        with self._lock:
            if url not in self._kept:
                self._kept[url] = _keeping(url)
            self._kept.move_to_end(url)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)[1].dispose()
            return self._kept[url]

    def before_fork(self) -> None:
        """Close what is idle, and let nobody begin: SQLite's locks do not survive a fork, not even for what a child opens anew."""
        self._lock.acquire()
        for engine in self._kept.values():
            engine.dispose()

    def after_fork(self) -> None:
        """Go on, in either process."""
        self._lock.release()


_engines = Engines()
_inherited: list[DBAPIConnection] = []
"""Connections that were in use when this process was forked: SQLite forbids to use them here, and to close them, too."""
os.register_at_fork(
    before=_engines.before_fork, after_in_parent=_engines.after_fork, after_in_child=_engines.after_fork
)


def _keeping(url: str) -> Engine:
    """Return an engine that keeps one connection; threads that ask at the same time have others, which end with their questions."""
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )
    file = Path(engine.url.database or "")

    def opened(_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info.update(opened=_identity(file), process=os.getpid())

    def taken(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
        if record.info["opened"] == _identity(file):
            return
        if record.info["process"] != os.getpid():
            _inherited.append(connection)
            record.dbapi_connection = proxy.dbapi_connection = None
        raise DisconnectionError

    event.listen(engine, "connect", opened)
    event.listen(engine, "checkout", taken)
    return engine


def _identity(file: Path) -> tuple[int, int, int] | None:
    """Return what tells a file that this process opened from one of its parent's, or from one that took its place; None while there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return os.getpid(), found.st_dev, found.st_ino


class EventLogStorage(SqliteEventLogStorage):
    """The events of each run in a file of its own, and those that all runs are asked about in another."""

    @contextmanager
    @override
    def _connect(self, shard: str) -> Generator[Connection]:
        with self._db_lock:
            engine = _engines.get(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    @override
    def store_event(self, event: EventLogEntry) -> None:
        super().store_event(event)
        # Who watches a run waits for a change of its file, which SQLite makes in the file beside it until a connection is closed.
        os.utime(self.path_for_shard(event.run_id))


class _OneFile:
    """What is in one file, whose URL it has."""

    _conn_string: str

    @contextmanager
    def connect(self) -> Generator[Connection]:
        with _engines.get(self._conn_string).begin() as connection:
            yield connection


class RunStorage(_OneFile, SqliteRunStorage):
    """All runs."""


class ScheduleStorage(_OneFile, SqliteScheduleStorage):
    """The ticks of sensors."""


class SqliteStorage(DagsterSqliteStorage):
    """What the dagster.yaml of a home names as its storage; ``base_dir`` is DAGSTER_HOME, where Dagster's own keeps the same files."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        # What was made in the line above has made or brought up to date the files; these go on with them.
        self._run_storage = RunStorage(self._run_storage._conn_string)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] (its parent's)
        self._event_log_storage = EventLogStorage(self._event_log_storage._base_dir)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        self._schedule_storage = ScheduleStorage(self._schedule_storage._conn_string)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    @classmethod
    @override
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> "SqliteStorage":
        return cls.from_local(inst_data=inst_data, **cast("dict[str, str]", config_value))
