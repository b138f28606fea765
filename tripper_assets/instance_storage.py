"""Dagster's own SQLite files, opened with engines that are kept: SQLAlchemy compiles a statement once for each engine.

Dagster makes an engine for each connection, a thousand in a run of one source, and compiles nearly every statement anew. With kept engines
an unchanged run of five activities took 4.1 to 5.1 s of CPU in place of 7.6 (2026-11, on a busy machine). The files are the same: either storage reads what the other wrote.
"""

from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock
from typing import Any, cast

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool
from typing_extensions import override

KEPT = 32
"""Engines: one for each of the runs that are looked at now, whose events have a file of their own, and three for all runs."""


class Engines:
    """The engines that were used last. None holds a connection, so that one that is let go costs nothing."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._lock = most, Lock()
        self._kept: OrderedDict[str, Engine] = OrderedDict()

    def get(self, url: str) -> Engine:
        """Return the engine of a file."""
        with self._lock:
            if url not in self._kept:
                self._kept[url] = create_engine(
                    url, poolclass=NullPool, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
                )
            self._kept.move_to_end(url)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return self._kept[url]


_engines = Engines()


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
