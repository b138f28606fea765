"""What tests of every layer share: one real PostgreSQL for the session, and a fresh migrated catalog for each test."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets_tests.seaweed import aws, seaweed  # noqa: F401 (fixtures of every layer)

# A shell that starts the tests in the background has them ignore SIGINT; Dagster then copies that to SIGTERM, and the servers
# that tests start inherit both, so that nothing ends them.
signal.signal(signal.SIGINT, signal.default_int_handler)
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
TEMPLATE = "template_tripper"
FreshDatabases = Callable[[], AbstractContextManager[str]]
_numbers = count(1)


MEMORY = Path("/dev/shm")  # noqa: S108 (every folder there is made by mkdtemp)
ROOM = 2_000_000_000


@pytest.fixture(scope="session")
def homes() -> str | None:
    """Where servers' homes are made: in memory where there is room, because removing one from a disk takes a second; None: /tmp.

    Not below pytest's own folder, which is closed to the user that root runs PostgreSQL as.
    """
    roomy = MEMORY.exists() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return str(MEMORY) if roomy else None


@pytest.fixture(scope="session")
def postgres(homes: str | None) -> Generator[EmbeddedPostgres]:
    """The session's server (one for each xdist worker)."""
    home = Path(tempfile.mkdtemp(prefix="tripper-tests-", dir=homes))
    server = EmbeddedPostgres(home, settings=FAST)
    try:
        server.ensure_started()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def migrated_template(postgres: EmbeddedPostgres) -> str:
    """The URL of a migrated, empty database that the tests' databases are copied from; nobody may stay connected to it."""
    _administer(postgres, f"CREATE DATABASE {TEMPLATE}")
    url = _url(postgres, TEMPLATE)
    template = Database(url)
    template.upgrade()
    template.dispose()
    return url


@pytest.fixture(scope="session")
def fresh_databases(postgres: EmbeddedPostgres, migrated_template: str) -> FreshDatabases:
    """Makes fresh, migrated, empty catalogs for fixtures of any scope; each is dropped when its block ends."""
    assert migrated_template

    @contextmanager
    def fresh() -> Generator[str]:
        name = f"test_{next(_numbers)}"
        _administer(postgres, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        yield _url(postgres, name)
        _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")

    return fresh


@pytest.fixture
def database_url(fresh_databases: FreshDatabases) -> Generator[str]:
    """The URL of a fresh, migrated, empty catalog."""
    with fresh_databases() as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Generator[Database]:
    """A fresh, migrated, empty catalog."""
    database = Database(database_url)
    yield database
    database.dispose()


def _url(server: EmbeddedPostgres, name: str) -> str:
    return make_url(server.ensure_started()).set(database=name).render_as_string()


def _administer(server: EmbeddedPostgres, statement: str) -> None:
    url = make_url(server.ensure_started())
    with psycopg.connect(host=str(url.query["host"]), user="postgres", dbname="postgres", autocommit=True) as admin:
        admin.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]
