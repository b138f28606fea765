"""`tripper doctor` and `tripper db`: what is wrong is named part by part, and the schema is made by one command."""

from collections.abc import Generator

import psycopg
import pytest
from sqlalchemy import make_url

from tripper_assets.cli import doctor
from tripper_assets_tests.cli.conftest import Shell
from tripper_assets_tests.conftest import FreshDatabases

PARTS = ["python", "home", "store", "catalog", "geocoder", "embedder", "graph"]


@pytest.fixture
def empty_database(fresh_databases: FreshDatabases) -> Generator[str]:
    """A database that no migration has seen."""
    with fresh_databases() as url:
        parsed = make_url(url)
        with psycopg.connect(
            host=str(parsed.query["host"]), user="postgres", dbname=parsed.database, autocommit=True
        ) as admin:
            admin.execute("DROP SCHEMA tripper CASCADE")
        yield url


def test_everything_is_well(module_shell: Shell) -> None:
    said = module_shell("doctor")

    assert said.code == 0
    assert [line.split("\t")[:2] for line in said.out.splitlines()] == [
        ["part", "state"],
        *([one, "ok"] for one in PARTS),
    ]


def test_each_part_that_is_down_says_what_to_do(module_shell: Shell) -> None:
    said = module_shell(
        "doctor", "--json", TRIPPER_DATABASE_URL="postgresql://me:canary@127.0.0.1:9/x", TRIPPER_STORE_URL="ftp://x/"
    )

    down = {one["part"]: one["what"] for one in said.json if one["state"] == "down"}
    assert said.code == 1
    assert down.keys() == {"store", "catalog"}
    assert "does not answer" in down["catalog"]
    assert "canary" not in said.out
    assert "TRIPPER_STORE_URL" in down["store"]


def test_no_catalog_at_all_is_told(module_shell: Shell) -> None:
    said = module_shell("doctor", "--json", TRIPPER_DATABASE_URL="none")

    assert said.code == 1
    assert "TRIPPER_DATABASE_URL is none; unset it" in next(
        one["what"] for one in said.json if one["part"] == "catalog"
    )


def test_a_full_disk_is_told(module_shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LOW_SPACE_BYTES", 10**18)

    said = module_shell("doctor", "--json")

    assert said.code == 1
    assert "left; free some space or set TRIPPER_HOME." in said.json[1]["what"]


def test_the_schema_is_made_and_made_again(module_shell: Shell, empty_database: str) -> None:
    before = module_shell("status", TRIPPER_DATABASE_URL=empty_database)
    made = module_shell("db", "init", TRIPPER_DATABASE_URL=empty_database)
    again = module_shell("db", "upgrade", TRIPPER_DATABASE_URL=empty_database)

    assert before.code == 2
    assert before.error.endswith("run `tripper db upgrade`.")
    assert made.out == again.out
    assert made.out.endswith("has this version's schema.\n")
    assert module_shell("status", "--json", TRIPPER_DATABASE_URL=empty_database).json == []
