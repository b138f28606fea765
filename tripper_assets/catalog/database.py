"""The catalog's door: connections, transactions, the schema's version, and database errors said as verdicts without a password."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from tripper_assets.catalog.extensions import extensions, misplaced, uninstallable
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TransientError, TripperError

Result = TypeVar("Result")
PgConnection = psycopg.Connection[TupleRow]

SCHEMA = "tripper"
MIGRATIONS = Path(__file__).parent / "migrations"
CONNECT_SECONDS = 10
UPGRADE_LOCK = 0x7472_6970  # "trip"; two upgrades at once would run the same migration twice
ATTEMPTS = 3
UNDONE = frozenset({"40001", "40P01"})
"""SQLSTATEs of a serialization failure and a deadlock."""
OUTDATED = frozenset({"3F000", "42P01", "42703", "42883", "42704"})
"""SQLSTATEs that a missing schema, table, column, function or type gives."""
REFUSED = frozenset({"28000", "28P01", "3D000", "42501"})
"""SQLSTATEs for a wrong user or password, an unknown database and a missing privilege."""
REFUSALS = ("authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry", "invalid ")
"""What libpq says where a refused connection carries no SQLSTATE; what is invalid is the URL's port or one of its parameters."""


class Database:
    """A pool of connections to one catalog; ``url`` is ``postgresql+psycopg://…`` (``postgresql://`` is taken as that).

    ``revive`` starts a server of ours that went away; it is called where a connection is refused, before that is an error.

    Raises:
        ConfigurationError: the URL cannot be read.
    """

    is_absent = False
    """Whether there is none, because the operator wants none."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        max_overflow: int = 20,
        timeout_seconds: float = 30,
        recycle_seconds: int = 3600,
        revive: Callable[[], object] | None = None,
    ) -> None:
        self._url = _parsed(url)
        self._revive = revive
        self.revived = 0
        """How often a server that had gone away was started again."""
        self.engine: Engine = create_engine(
            self._url,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=timeout_seconds,
            pool_recycle=recycle_seconds,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "tripper"},
        )

    @property
    def shown_url(self) -> str:
        """The URL as it may be shown: without the password, and without parameters, because libpq takes a password there too."""
        host = {name: value for name, value in self._url.query.items() if name == "host"}
        return self._url.set(query=host).render_as_string(hide_password=True)

    @contextmanager
    def session(self) -> Generator[Session]:
        """Yield a session whose transaction is committed at the end, and rolled back by an error.

        Raises:
            TransientError: the catalog does not answer, or asks to try again.
            ConfigurationError: the schema is missing or old, or the login is refused.
            PermanentError: the catalog refuses the data.
        """
        with (
            self.verdicts(),
            self._connected() as connection,
            Session(connection, expire_on_commit=False) as session,
            session.begin(),
            _closed_by_interrupts(connection),
        ):
            yield session

    @contextmanager
    def connection(self) -> Generator[Connection]:
        """Yield a connection with a transaction, as ``session`` does."""
        with (
            self.verdicts(),
            self._connected() as connection,
            connection.begin(),
            _closed_by_interrupts(connection),
        ):
            yield connection

    @contextmanager
    def reading(self) -> Generator[PgConnection]:
        """Yield a driver connection without a transaction, for one statement that reads: beginning and ending one take as long as it does."""
        with self.verdicts(), self._connected() as connection, _closed_by_interrupts(connection):
            driver = driver_connection(connection)
            driver.autocommit = True
            try:
                yield driver
            finally:
                if not driver.closed and not driver.broken and driver.info.transaction_status == TransactionStatus.IDLE:
                    driver.autocommit = False
                else:
                    connection.invalidate()

    def _connected(self) -> Connection:
        try:
            return self.engine.connect()
        except DBAPIError as error:
            # Nothing was begun, so that asking again is safe; a login that is refused has an answer already.
            if self._revive is None or not isinstance(self._verdict(error.orig), TransientError):
                raise
        self._revive()
        self.revived += 1
        return self.engine.connect()

    def repeat_undone(self, work: Callable[[], Result]) -> Result:
        """Run ``work``, a whole transaction, again where the server undid it for another one's sake (a deadlock); three times at most."""
        for _ in range(ATTEMPTS - 1):
            try:
                return work()
            except TransientError as error:
                if getattr(error.__cause__, "sqlstate", None) not in UNDONE:
                    raise
        return work()

    def upgrade(self) -> None:
        """Bring the schema to this version; another upgrade that is under way is waited for.

        Raises:
            ConfigurationError: the schema is of a newer version, or an extension is missing, or elsewhere, and what installs it.
        """
        with self.verdicts(), self.engine.connect() as connection:
            if self._revision(connection) == _head():
                return
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": UPGRADE_LOCK})
            connection.commit()
            try:
                with connection.begin():
                    self._check_upgradable(connection)
                    command.upgrade(alembic_config(connection), "head")
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": UPGRADE_LOCK})
                connection.commit()

    def _check_upgradable(self, connection: Connection) -> None:
        here = self._revision(connection)
        if here and here not in _known_revisions():
            raise ConfigurationError(self._outdated(here, []))
        found = extensions(connection)
        if trouble := uninstallable(found) or misplaced(found):
            raise ConfigurationError(f"The catalog at {self.shown_url} {trouble}.")

    def downgrade(self, revision: str, *, name: str) -> None:
        """Take the schema down to an older revision; what only the newer one can hold is lost.

        Raises:
            ConfigurationError: the database is not called ``name``, or there is no such older revision.
            PermanentError: a run holds a source.
        """
        if name != self._url.database:
            raise ConfigurationError(
                f"Taking the catalog at {self.shown_url} down is refused, for its database is not named {name!r}; "
                "say --database with the name of the one that you mean."
            )
        with self.verdicts(), self.engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": UPGRADE_LOCK})
            connection.commit()
            try:
                with connection.begin():
                    self._check_downgradable(connection, revision)
                    command.downgrade(alembic_config(connection), revision)
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": UPGRADE_LOCK})
                connection.commit()

    def _check_downgradable(self, connection: Connection, revision: str) -> None:
        here = self._revision(connection)
        if here not in _known_revisions() or revision not in _older(here):
            raise ConfigurationError(
                f"The catalog at {self.shown_url} has the schema {here or 'of no version'}, and {revision!r} is none that it can be "
                f"taken down to; give one of {', '.join(sorted(_older(here))) or 'none'}."
            )
        claims = connection.scalar(text("SELECT to_regclass('tripper.source_claims')"))
        if claims is not None and connection.scalar(text("SELECT EXISTS (SELECT FROM tripper.source_claims)")):
            raise PermanentError(
                f"A run holds a source of the catalog at {self.shown_url}; wait for its end, and try again."
            )

    def check(self) -> None:
        """Check that the catalog answers and is what this version needs.

        Raises:
            TransientError: it does not answer.
            ConfigurationError: an extension is missing, or the schema is older or newer; names what mends it.
        """
        with self.connection() as connection:
            found, head, here = extensions(connection), _head(), self._revision(connection)
        missing = [one.name for one in found if one.schema is None]
        if here != head or missing:
            raise ConfigurationError(self._outdated(here, missing))
        if trouble := misplaced(found):
            raise ConfigurationError(f"The catalog at {self.shown_url} {trouble}.")

    def stats(self) -> dict[str, Any]:
        """Return the pool's use, the database's bytes and cache hit ratio, and the estimated rows and bytes of each table."""
        with self.connection() as connection:
            tables = connection.execute(text(_TABLE_SIZES)).all()
            size, hits = connection.execute(text(_DATABASE_SIZE)).one()
        return {
            "pool": self.pool_stats(),
            "bytes": size,
            "cache_hit_ratio": hits,
            "tables": {name: {"rows": rows, "bytes": used} for name, rows, used in tables},
        }

    def pool_stats(self) -> Mapping[str, int]:
        """Return how many connections are open, in use, and above the pool's size."""
        pool = self.engine.pool
        if not isinstance(pool, QueuePool):
            return {}
        return {
            "size": pool.size(),
            "checked_in": pool.checkedin(),
            "checked_out": pool.checkedout(),
            "overflow": max(pool.overflow(), 0),
        }

    def dispose(self) -> None:
        """Close the connections; the next use opens new ones."""
        self.engine.dispose()

    def _revision(self, connection: Connection) -> str:
        if connection.scalar(text("SELECT to_regclass('tripper.alembic_version')")) is None:
            return ""
        return connection.scalar(text("SELECT version_num FROM tripper.alembic_version")) or ""

    def _outdated(self, here: str, missing: list[str]) -> str:
        if here and here not in _known_revisions():
            return (
                f"The catalog at {self.shown_url} has the schema {here}, which this version does not know; "
                "update tripper_assets."
            )
        if here == _head():
            return (
                f"The catalog at {self.shown_url} lost the extension {missing[0]} and what was kept with it; "
                "restore a backup."
            )
        return (
            f"The catalog at {self.shown_url} has the schema {here or 'of no version'} and this version needs {_head()}; "
            "run `tripper db upgrade`."
        )

    @contextmanager
    def verdicts(self) -> Generator[None]:
        """Turn SQLAlchemy's errors into ours: theirs print statements with their values, and those are other people's data."""
        try:
            yield
        except PoolTimeoutError as error:
            raise TransientError(
                f"The pool of the catalog at {self.shown_url} is exhausted; try again, or run fewer things at once."
            ) from error
        except DBAPIError as error:
            raise self._verdict(error.orig) from error.orig
        except psycopg.Error as error:  # from a driver connection
            raise self._verdict(error) from error

    def _verdict(self, error: BaseException | None) -> TripperError:
        state = str(getattr(error, "sqlstate", None) or "")
        reason = str(error).strip().split("\n", 1)[0]
        catalog = f"The catalog at {self.shown_url}"
        if state in REFUSED or (not state and any(sign in reason for sign in REFUSALS)):
            return ConfigurationError(f"{catalog} refuses us ({reason}); check TRIPPER_DATABASE_URL.")
        if state in OUTDATED:
            return ConfigurationError(f"{catalog} has another schema ({reason}); run `tripper db upgrade`.")
        if isinstance(error, psycopg.DataError):  # the driver's own have no SQLSTATE: a NUL in a text
            return PermanentError(f"{catalog} refuses the data ({reason}).")
        if not state or state.startswith(("08", "57P")):
            return TransientError(f"{catalog} does not answer ({reason}); start it or run `tripper doctor`.")
        if state.startswith(("40", "53", "55", "57")):
            return TransientError(f"{catalog} cannot do that now ({reason}); try again.")
        return PermanentError(f"{catalog} refuses the data ({reason}).")


@contextmanager
def _closed_by_interrupts(connection: Connection) -> Generator[None]:
    """Close a connection that an interruption caught in the middle of a statement: the server rolls back then.

    Asking for a rollback is refused there, for the statement still runs; the refusal took the interruption's place, and was printed.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):
            connection.invalidate()
        raise


def driver_connection(connection: Connection) -> PgConnection:
    """Return the psycopg connection, within the same transaction: COPY is the driver's own."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        message = f"a catalog's driver is psycopg, not {type(driver).__name__}"
        raise TypeError(message)
    return driver


_TABLE_SIZES = """
    SELECT relname, n_live_tup, pg_total_relation_size(relid)
    FROM pg_stat_user_tables WHERE schemaname = 'tripper' ORDER BY relname
"""
_DATABASE_SIZE = """
    SELECT pg_database_size(datname), round(blks_hit::numeric / nullif(blks_hit + blks_read, 0), 4)::float8
    FROM pg_stat_database WHERE datname = current_database()
"""


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in {"postgresql", "postgres"}:
        # Not chained: the original names the whole URL, and that holds the password.
        raise ConfigurationError(
            "TRIPPER_DATABASE_URL is not a PostgreSQL URL; use postgresql+psycopg://user:password@host/name, or none."
        ) from None
    return parsed.set(drivername="postgresql+psycopg")


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for a run on ``connection``; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def _head() -> str:
    return _scripts().get_current_head() or ""


def _known_revisions() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _older(revision: str) -> set[str]:
    """Return the revisions before one, and the word for none at all."""
    if revision not in _known_revisions():
        return set()
    walked = _scripts().iterate_revisions(revision, "base")
    return {script.revision for script in walked if script.revision != revision} | {"base"}
