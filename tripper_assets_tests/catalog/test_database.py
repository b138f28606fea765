import os
import signal
import threading
from collections.abc import Generator
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg.errors import DeadlockDetected
from sqlalchemy import make_url, text

from tripper_assets.catalog.database import Database, alembic_config, driver_connection
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.catalog.llm_models import Base
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TransientError

SECRET = "hunter2-canary"


@pytest.fixture
def bare(postgres: EmbeddedPostgres, database: Database) -> Generator[Database]:
    """A database without our schema."""
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(
            text("CREATE DATABASE bare TEMPLATE template0")
        )
    bare = Database(make_url(postgres.ensure_started()).set(database="bare").render_as_string())
    yield bare
    bare.dispose()
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("DROP DATABASE bare"))


def test_a_migrated_catalog_is_what_this_version_needs(database: Database) -> None:
    database.check()


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    with database.connection() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_server_default": True,
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == "tripper",
            },
        )
        differences = compare_metadata(context, Base.metadata)

    assert [one for one in differences if "alembic_version" not in str(one)] == []


def test_the_schema_can_be_taken_down_and_put_up_again(database: Database) -> None:
    with database.engine.connect() as connection, connection.begin():
        command.downgrade(alembic_config(connection), "base")
    with pytest.raises(ConfigurationError, match="tripper db upgrade"):
        database.check()

    database.upgrade()

    database.check()


def test_upgrades_at_the_same_time_wait_for_each_other(bare: Database) -> None:
    failures: list[BaseException] = []

    def upgrade() -> None:
        try:
            bare.upgrade()
        except BaseException as error:  # noqa: BLE001 (the test shows it)
            failures.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    bare.check()


def test_a_catalog_without_a_schema_names_the_command_that_makes_it(bare: Database) -> None:
    with pytest.raises(ConfigurationError, match="run `tripper db upgrade`"):
        bare.check()
    with pytest.raises(ConfigurationError, match="run `tripper db upgrade`"), bare.connection() as connection:
        connection.execute(text("SELECT * FROM tripper.sources"))


def test_a_catalog_without_an_extension_names_it(database: Database) -> None:
    with database.connection() as connection:
        connection.execute(text("DROP EXTENSION vector CASCADE"))

    with pytest.raises(ConfigurationError, match="lost the extension vector"):
        database.check()


def test_an_extension_that_stands_elsewhere_is_named_with_the_statement_that_moves_it(database: Database) -> None:
    with database.connection() as connection:
        connection.execute(text("CREATE SCHEMA extensions"))
        connection.execute(text("ALTER EXTENSION pg_trgm SET SCHEMA extensions"))

    with pytest.raises(
        ConfigurationError, match=r"run `ALTER EXTENSION pg_trgm SET SCHEMA public` in the database test_"
    ):
        database.check()


@pytest.fixture
def nobody(bare: Database) -> Generator[Database]:
    """The bare database, for a role that may do nothing there but connect."""
    with bare.connection() as connection:
        connection.execute(text("CREATE ROLE nobody LOGIN"))
    nobody = Database(bare.engine.url.set(username="nobody").render_as_string())
    yield nobody
    nobody.dispose()
    with bare.connection() as connection:
        connection.execute(text("DROP ROLE nobody"))


def test_an_extension_that_only_an_administrator_may_install_is_named_with_the_statement_that_does(
    nobody: Database,
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        nobody.upgrade()

    assert str(caught.value) == (
        f"The catalog at {nobody.shown_url} lacks the extension vector, and the role nobody may not install it; have an "
        "administrator run `CREATE EXTENSION vector SCHEMA public` in the database bare, then run `tripper db upgrade`."
    )


def test_a_catalog_of_a_newer_version_is_left_alone(database: Database) -> None:
    with database.connection() as connection:
        connection.execute(text("UPDATE tripper.alembic_version SET version_num = '9999'"))

    with pytest.raises(ConfigurationError, match="update tripper_assets"):
        database.check()
    with pytest.raises(ConfigurationError, match="update tripper_assets"):
        database.upgrade()


def test_a_server_that_is_down_is_transient_and_keeps_the_password() -> None:
    database = Database(f"postgresql+psycopg://tripper:{SECRET}@127.0.0.1:1/catalog")

    with pytest.raises(TransientError, match=r"does not answer.*tripper doctor") as caught:
        database.check()

    assert SECRET not in str(caught.value)
    assert "tripper:***@127.0.0.1:1" in str(caught.value)


def test_a_password_among_the_parameters_is_hidden_too() -> None:
    database = Database(f"postgresql://127.0.0.1:1/catalog?password={SECRET}&host=localhost")

    assert database.shown_url == "postgresql+psycopg://127.0.0.1:1/catalog?host=localhost"


def test_an_unknown_database_is_a_wrong_setting(postgres: EmbeddedPostgres) -> None:
    url = make_url(postgres.ensure_started()).set(database="nowhere", password=SECRET)
    database = Database(url.render_as_string(hide_password=False))

    with pytest.raises(ConfigurationError, match="check TRIPPER_DATABASE_URL") as caught:
        database.check()

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url", [f"mysql://me:{SECRET}@host/name", f"nonsense {SECRET}", f"postgresql://me:{SECRET}@host:port/x"]
)
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="TRIPPER_DATABASE_URL is not a PostgreSQL URL") as caught:
        Database(url)

    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_plain_postgresql_url_is_taken_for_psycopg(database_url: str) -> None:
    database = Database(database_url.replace("postgresql+psycopg", "postgresql"))

    database.check()

    database.dispose()


@pytest.mark.parametrize("wrong", ["127.0.0.1:99999/x", "127.0.0.1:1/x?sslmode=bogus", "127.0.0.1:1/x?colour=red"])
def test_a_url_with_a_wrong_port_or_parameter_is_a_wrong_setting(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=r"invalid.*check TRIPPER_DATABASE_URL") as caught:
        Database(f"postgresql://me:{SECRET}@{wrong}").check()

    assert SECRET not in str(caught.value)


def test_a_session_commits_at_its_end_and_rolls_back_on_an_error(database: Database) -> None:
    insert = text("INSERT INTO tripper.locations (id, name, country_code) VALUES (:id, 'Bonn', 'DE')")
    with database.session() as session:
        session.execute(insert, {"id": "kept"})
    with pytest.raises(PermanentError, match="pk_locations"), database.session() as session:
        session.execute(insert, [{"id": "lost"}, {"id": "kept"}])

    with database.session() as session:
        assert list(session.scalars(text("SELECT id FROM tripper.locations"))) == ["kept"]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("INSERT INTO tripper.locations (id, name, country_code) VALUES ('x', 'X', 'Germany')", "ck_locations_country_code"),
        ("INSERT INTO tripper.workflow_stages VALUES ('unknown', 'a', 'running', now())", "fk_workflow_stages_workflow_id"),
        ("INSERT INTO tripper.workflows (id, source_key, source_url, status, config) VALUES ('w', 'x', 'x', 'lost', '{}')",
         "ck_workflows_status"),
    ],
)  # fmt: skip
def test_data_that_breaks_a_rule_is_refused_by_the_rules_name(database: Database, statement: str, named: str) -> None:
    with pytest.raises(PermanentError, match=named), database.connection() as connection:
        connection.execute(text(statement))


def test_connections_that_a_restart_broke_are_replaced(database: Database) -> None:
    with database.connection() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
    other = Database(database.shown_url)
    with other.connection() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    other.dispose()

    with database.connection() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_connection_that_breaks_within_a_transaction_is_transient(database: Database) -> None:
    with pytest.raises(TransientError), database.connection() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def test_an_exhausted_pool_says_so_within_its_patience(database_url: str) -> None:
    database = Database(database_url, pool_size=1, max_overflow=0, timeout_seconds=0.1)

    with database.connection(), pytest.raises(TransientError, match="exhausted"), database.connection():
        pass

    database.dispose()


def test_the_pool_gives_thirty_connections_and_takes_them_all_back(database: Database) -> None:
    opened = [database.engine.connect() for _ in range(30)]
    in_use = database.pool_stats()
    for connection in opened:
        connection.close()

    assert in_use["checked_out"] == 30
    assert in_use["overflow"] == 20
    assert database.pool_stats()["checked_out"] == 0


def test_a_statement_that_takes_too_long_is_transient(database: Database) -> None:
    with database.connection() as connection:
        connection.execute(
            text(
                "ALTER ROLE postgres IN DATABASE " + str(connection.engine.url.database) + " SET statement_timeout = 20"
            )
        )
    database.dispose()

    with pytest.raises(TransientError, match="statement timeout"), database.connection() as connection:
        connection.execute(text("SELECT pg_sleep(5)"))


@pytest.mark.parametrize(("deadlocks", "calls"), [(0, 1), (2, 3)])
def test_work_that_the_server_undid_is_done_again(database: Database, deadlocks: int, calls: int) -> None:
    made: list[int] = []

    def work() -> str:
        made.append(1)
        if len(made) <= deadlocks:
            raise TransientError("deadlock") from DeadlockDetected()
        return "done"

    assert database.repeat_undone(work) == "done"
    assert len(made) == calls


@pytest.mark.parametrize(("cause", "calls"), [(DeadlockDetected(), 3), (None, 1)])
def test_work_that_fails_otherwise_or_too_often_is_not_repeated(
    database: Database, cause: Exception | None, calls: int
) -> None:
    made: list[int] = []

    def work() -> str:
        made.append(1)
        raise TransientError("cannot") from cause

    with pytest.raises(TransientError, match="cannot"):
        database.repeat_undone(work)
    assert len(made) == calls


def test_errors_of_the_driver_itself_get_the_same_verdict(database: Database) -> None:
    with pytest.raises(ConfigurationError, match="tripper db upgrade"), database.connection() as connection:
        driver_connection(connection).execute("SELECT * FROM tripper.nothing")


def test_stats_tell_of_the_pool_and_of_each_table(database: Database) -> None:
    stats: dict[str, Any] = database.stats()

    assert stats["pool"]["size"] == 10
    assert stats["bytes"] > 1_000_000
    assert stats["tables"]["activities"]["rows"] == 0
    assert stats["tables"]["activities"]["bytes"] > 0


def slow_insert(database: Database, door: str) -> None:
    """Insert a row, and wait until somebody presses Ctrl-C."""
    with getattr(database, door)() as work:
        work.execute(text("INSERT INTO tripper.locations (id, name, country_code) VALUES ('x', 'X', 'DE')"))
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
        work.execute(text("SELECT pg_sleep(5)"))


@pytest.mark.parametrize("door", ["session", "connection"])
def test_an_interruption_in_the_middle_of_a_statement_stays_one_and_writes_nothing(
    database: Database, door: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KeyboardInterrupt):
        slow_insert(database, door)

    assert caplog.text == ""
    with database.connection() as connection:
        assert connection.scalar(text("SELECT count(*) FROM tripper.locations")) == 0
