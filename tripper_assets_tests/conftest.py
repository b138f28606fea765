"""What tests of every layer share: one real PostgreSQL and one gazetteer for the session, and a fresh migrated catalog for each test."""

import fcntl
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
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.domain.geocoding import PlaceQuery
from tripper_assets_tests.seaweed import aws, seaweed  # noqa: F401 (fixtures of every layer)

# A shell that starts the tests in the background has them ignore SIGINT; Dagster then copies that to SIGTERM, and the servers
# that tests start inherit both, so that nothing ends them.
signal.signal(signal.SIGINT, signal.default_int_handler)
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
TEMPLATE = "template_tripper"
FreshDatabases = Callable[[], AbstractContextManager[str]]
_numbers = count(1)


UNCOUNTED = {
    "extract/test_hostile_documents.py", "extract/test_corpus.py", "extract/test_markup_agreement.py", "extract/test_documents.py",
    "extract/test_folding.py", "domain/test_standardize_properties.py", "test_real_input.py", "test_replay.py", "test_outages.py",
    "cli/test_any_order.py", "cli/test_backfill.py", "cli/test_demo.py", "cli/test_held_sources.py", "cli/test_replay.py",
    "cli/test_retry.py", "cli/test_run_s3.py", "clients/test_traps.py", "clients/test_ssrf_doors.py", "clients/test_hostile_servers.py",
    "clients/test_image_doors.py", "clients/test_image_promises.py", "clients/test_hostile_images.py", "clients/test_online_geocoder.py",
    "test_kills.py", "test_killed_batches.py", "cli/test_run.py",
}  # fmt: skip
"""Files whose lines of ours other tests reach too: to count lines doubles the work of a test, which is much where that is long."""


FIRST = (
    "cli/test_up_story.py", "test_kills.py", "api/test_openapi.py", "test_killed_batches.py", "test_outages.py", "test_replay.py",
    "cli/test_run.py", "cli/test_api_story.py", "api/test_dagster_story.py", "api/test_browser_story.py", "test_dagster_dev.py",
    "cli/test_up.py", "cli/test_replay.py", "cli/test_any_order.py", "cli/test_backfill.py", "extract/test_hostile_documents.py",
    "cli/test_retry.py", "cli/test_held_sources.py", "cli/test_demo.py", "test_pipeline.py", "test_cleanup_rules.py",
    "test_tagging_by_providers.py", "test_killed_voting.py", "test_waiting_for_voters.py", "test_waiting_for_openai.py", "catalog/test_import_restarts.py", "cli/test_run_s3.py", "clients/test_traps.py",
    "test_real_input.py", "catalog/test_search_golden.py", "clients/test_browser.py", "clients/test_hostile_images.py",
    "cli/test_review.py", "test_notifying.py", "api/test_pages_in_a_browser.py", "api/test_search_in_browser.py",
)  # fmt: skip
"""Files that take minutes, the longest first: a worker that began one of them last would keep the others waiting."""


MANY = 7
"""Seeds of one test from which on ``--one-in`` thins them out."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run have a part of the seeds: `make test-long ONE_IN=5`."""
    parser.addoption("--one-in", type=int, default=1, help="Of long tests with many seeds run one in so many.")


def _thinned(items: list[pytest.Item], one_in: int) -> list[pytest.Item]:
    """Return the long tests that one run in so many leaves out."""
    seeds: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("long"):
            seeds.setdefault(item.nodeid.partition("[")[0], []).append(item)
    return [item for many in seeds.values() if len(many) > MANY for at, item in enumerate(many) if at % one_in]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long, leave out what is not asked for, and have lines counted where that says something new."""
    left_out = {*_thinned(items, int(config.getoption("one_in") or 1))}
    config.hook.pytest_deselected(items=[*left_out])
    items[:] = [item for item in items if item not in left_out]
    tests = Path(__file__).parent
    names = {item: item.path.relative_to(tests).as_posix() for item in items}
    ranks = {name: rank for rank, name in enumerate(FIRST)}
    items.sort(key=lambda item: ranks.get(names[item], len(FIRST)))
    for item in items:
        if names[item] in UNCOUNTED:
            item.add_marker(pytest.mark.no_cover)


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


@pytest.fixture(scope="module")
def shared_database_url(fresh_databases: FreshDatabases) -> Generator[str]:
    """The URL of a catalog that the tests of one file share, and leave as they found it."""
    with fresh_databases() as url:
        yield url


@pytest.fixture(scope="module")
def shared_database(shared_database_url: str) -> Generator[Database]:
    """The catalog that the tests of one file share."""
    database = Database(shared_database_url)
    yield database
    database.dispose()


@contextmanager
def without_waiting() -> Generator[None]:
    """Have steps that meet an outage tried again at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tripper_assets.failures.FIRST_WAIT_SECONDS", 0.01)
        yield


@pytest.fixture
def no_waiting() -> Generator[None]:
    with without_waiting():
        yield


@pytest.fixture(scope="session")
def gazetteer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gazetteer's index, which takes six seconds to build: one for all workers, that homes link to or copy."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "gazetteer"
    folder.mkdir(exist_ok=True)
    geocoder = OfflineGeocoder(folder)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        geocoder.geocode(PlaceQuery(locality="Lyon", countryCode="FR"))
    return geocoder.index


def _url(server: EmbeddedPostgres, name: str) -> str:
    return make_url(server.ensure_started()).set(database=name).render_as_string()


def _administer(server: EmbeddedPostgres, statement: str) -> None:
    url = make_url(server.ensure_started())
    with psycopg.connect(host=str(url.query["host"]), user="postgres", dbname="postgres", autocommit=True) as admin:
        admin.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]
