"""Every migration goes down and up again on rows of every table, and loses nothing that the older schema can hold."""

import re
from collections.abc import Generator
from itertools import pairwise
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text

from tripper_assets.catalog.database import MIGRATIONS, Database, alembic_config
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.catalog.notification_models import Base
from tripper_assets.domain.errors import ConfigurationError, PermanentError
from tripper_assets_tests.catalog.sample_rows import insert_samples

REVISIONS = [one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
"""The newest first."""
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def filled(database: Database) -> Database:
    """A catalog with a row in every table."""
    with database.connection() as connection:
        insert_samples(connection)
    return database


def tables(connection: Connection) -> list[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'tripper' AND tablename <> 'alembic_version' ORDER BY 1"
    return list(connection.scalars(text(query)))


def views(database: Database) -> dict[str, str]:
    with database.connection() as connection:
        found = connection.execute(text("SELECT viewname, definition FROM pg_views WHERE schemaname = 'tripper'"))
        return {row.viewname: row.definition for row in found}


def rows(database: Database) -> Rows:
    """Return every row of every table, as JSON; the words of the full text, which each schema makes of the record itself, are left out."""
    query = "SELECT to_jsonb(one) - 'search' FROM tripper.{} AS one ORDER BY 1"
    with database.connection() as connection:
        return {name: list(connection.scalars(text(query.format(name)))) for name in tables(connection)}


def held(newer: Rows, older: Rows) -> Rows:
    """Return of the newer schema's rows what the older schema has columns for."""
    columns = {name: found[0].keys() for name, found in older.items()}
    return {
        name: [{one: row[one] for one in columns[name] if one in row} for row in newer[name]]
        for name in older
        if name in newer
    }


def moved(database: Database, revision: str, move: str) -> None:
    with database.engine.connect() as connection, connection.begin():
        getattr(command, move)(alembic_config(connection), revision)


def test_every_table_has_a_sample(filled: Database) -> None:
    assert {name: len(found) for name, found in rows(filled).items()} == {
        table.name: 1 for table in Base.metadata.sorted_tables
    }


def test_each_migration_goes_down_and_up_again_and_keeps_what_the_older_schema_can_hold(filled: Database) -> None:
    shown = views(filled)
    for newer, older in pairwise(REVISIONS):
        before = rows(filled)
        moved(filled, older, "downgrade")
        down = rows(filled)
        moved(filled, newer, "upgrade")
        up = rows(filled)
        moved(filled, older, "downgrade")

        assert held(before, down) == down, newer
        assert held(up, down) == down, newer
        assert all(found for found in down.values()), newer

    moved(filled, "base", "downgrade")
    filled.upgrade()

    filled.check()
    assert views(filled) == shown


def test_the_statuses_that_an_older_schema_does_not_know_become_the_nearest_that_it_does(filled: Database) -> None:
    with filled.connection() as connection:
        connection.execute(text("UPDATE tripper.batches SET status = 'unsent'"))

    moved(filled, "0006", "downgrade")

    assert [row["status"] for row in rows(filled)["batches"]] == ["pending"]


CATALOGUED = {
    "columns": """SELECT table_name, column_name, data_type, udt_name, is_nullable, coalesce(column_default, ''), is_identity
        FROM information_schema.columns WHERE table_schema = 'tripper'
        AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'tripper')""",
    "constraints": """SELECT conrelid::regclass::text, contype::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'tripper'::regnamespace""",
    "indexes": "SELECT tablename, regexp_replace(indexdef, 'INDEX \\S+ ON', 'INDEX ON') FROM pg_indexes WHERE schemaname = 'tripper'",
}


LISTED = re.compile(r"(?<=ARRAY\[)[^]]*(?=\])")
"""The words of a list, which mean the same in any order."""


def ordered(value: object) -> str:
    return LISTED.sub(lambda words: ", ".join(sorted(words[0].split(", "))), str(value))


def catalogued(database: Database) -> dict[str, set[tuple[str, ...]]]:
    with database.connection() as connection:
        return {
            kind: {
                tuple(map(ordered, row))
                for row in connection.execute(text(query))
                if row[0].split(".")[-1] != "alembic_version"
            }
            for kind, query in CATALOGUED.items()
        }


FUNCTIONS = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'tripper'::regnamespace AND prokind = 'f'"


@pytest.fixture
def bare(postgres: EmbeddedPostgres, database: Database) -> Generator[Database]:
    """A database with our extensions and functions and without our tables."""
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("CREATE DATABASE of_models"))
    bare = Database(make_url(postgres.ensure_started()).set(database="of_models").render_as_string())
    with database.connection() as connection:
        functions = connection.scalars(text(FUNCTIONS)).all()
    with bare.connection() as connection:
        for statement in ("SCHEMA tripper", "EXTENSION vector", "EXTENSION pg_trgm", "EXTENSION unaccent"):
            connection.execute(text(f"CREATE {statement}"))
        # Columns that follow from others name functions, which are no part of the models.
        connection.execute(text("SET LOCAL check_function_bodies = off"))
        for function in functions:
            connection.exec_driver_sql(function.replace("%", "%%"))
    yield bare
    bare.dispose()
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("DROP DATABASE of_models"))


def test_what_the_models_would_make_and_what_the_migrations_make_are_the_same_to_the_last_rule(
    database: Database, bare: Database
) -> None:
    with bare.connection() as connection:
        Base.metadata.create_all(connection)

    of_models, of_migrations = catalogued(bare), catalogued(database)

    for kind in CATALOGUED:
        assert of_migrations[kind] ^ of_models[kind] == set(), kind


def test_a_downgrade_needs_the_name_of_the_database_and_a_revision_that_is_older(database: Database) -> None:
    name = str(database.engine.url.database)

    with pytest.raises(
        ConfigurationError, match=r"refused, for its database is not named 'production'; say --database"
    ):
        database.downgrade("0006", name="production")
    for wrong in ("9999", REVISIONS[0], "head", "-1"):
        with pytest.raises(ConfigurationError, match=r"none that it can be taken down to; give one of 0001, 0002, "):
            database.downgrade(wrong, name=name)
    database.check()

    database.downgrade("0006", name=name)

    with pytest.raises(
        ConfigurationError, match=f"has the schema 0006 and this version needs {REVISIONS[0]}; run `tripper db upgrade`"
    ):
        database.check()


def test_a_catalog_that_a_run_works_on_is_not_taken_down(filled: Database) -> None:
    with pytest.raises(PermanentError, match="A run holds a source"):
        filled.downgrade("base", name=str(filled.engine.url.database))

    filled.check()
