"""`tripper doctor` and `tripper db`: what is wrong is named part by part, and the schema is made by one command."""

from collections.abc import Generator

import psycopg
import pytest
from sqlalchemy import make_url

from tripper_assets.cli import doctor
from tripper_assets_tests.cli.conftest import Said, Shell
from tripper_assets_tests.clients.loopback import Answer, serve
from tripper_assets_tests.conftest import FreshDatabases

PARTS = ["python", "home", "store", "catalog", "geocoder", "embedder", "taggers", "graph", "browser", "api", "webhook"]


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


def test_no_catalog_at_all_is_told_and_is_no_trouble(module_shell: Shell) -> None:
    said = module_shell("doctor", "--json", TRIPPER_DATABASE_URL="none")

    catalog = next(one for one in said.json if one["part"] == "catalog")
    assert (said.code, catalog["state"]) == (0, "ok")
    assert catalog["what"] == "none: the graph runs to its final JSONL, and nothing is imported or searched"


def test_the_model_that_is_paid_for_is_asked_for_and_a_refused_key_is_not_shown(module_shell: Shell) -> None:
    with serve() as provider:
        model = b'{"id": "text-embedding-3-small", "object": "model", "created": 1, "owned_by": "openai"}'
        provider.answer("/v1/models/text-embedding-3-small", Answer(200, model))
        openai = {"TRIPPER_EMBEDDER": "openai", "OPENAI_API_KEY": "sk-canary", "OPENAI_BASE_URL": f"{provider.root}/v1"}
        known = embedder(module_shell("doctor", "--json", **openai))
        provider.answer("/v1/models/text-embedding-3-small", Answer(401, b'{"error": {"message": "No: sk-canary"}}'))
        refused = embedder(module_shell("doctor", "--json", **openai))

    assert known == ("ok", "openai: text-embedding-3-small, 1536 dimensions, known to the key")
    assert refused[0] == "down"
    assert "Asking about the model text-embedding-3-small failed with status 401" in refused[1]
    assert "canary" not in refused[1]
    assert provider.paths == ["/v1/models/text-embedding-3-small"] * 2


def embedder(said: Said) -> tuple[str, str]:
    return next((one["state"], one["what"]) for one in said.json if one["part"] == "embedder")


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


def test_the_schema_is_taken_down_in_the_database_that_is_named_and_in_no_other(
    module_shell: Shell, empty_database: str
) -> None:
    module_shell("db", "init", TRIPPER_DATABASE_URL=empty_database)
    name = str(make_url(empty_database).database)

    refused, down, after, up = (
        module_shell("db", *command, TRIPPER_DATABASE_URL=empty_database)
        for command in (
            ("downgrade", "0006", "--database", "production"),
            ("downgrade", "0006", "--database", name),
            ("downgrade", "base", "--database", name),
            ("upgrade",),
        )
    )

    assert refused.code == 2
    assert "for its database is not named 'production'" in refused.error
    assert down.out.endswith("has the schema 0006 now.\n")
    assert after.error.endswith("run `tripper db upgrade`.")
    assert up.code == 0


def test_a_webhook_is_told_of_without_its_path_and_is_asked_only_on_demand(module_shell: Shell) -> None:
    with serve() as site:
        site.answer("/services/canary", Answer(200, b"ok"))
        where = {"TRIPPER_WEBHOOK_URL": site.url("/services/canary"), "TRIPPER_WEBHOOK_SECRET": "secret-canary"}

        said = module_shell("doctor", "--json", **where)
        before = len(site.requests)
        sent = module_shell("doctor", "--notify", "--json", **where)

    told, tried = (next(one for one in found.json if one["part"] == "webhook") for found in (said, sent))
    assert told["what"].startswith(
        f"http://127.0.0.1:{site.port}, told of failed, review, guard, signed; 0 messages wait"
    )
    assert (before, len(site.requests)) == (0, 1)
    assert tried == {"part": "webhook", "state": "ok", "what": f"http://127.0.0.1:{site.port} took a message"}
    assert "canary" not in said.out + sent.out


def test_a_webhook_that_refuses_is_down_and_says_why(module_shell: Shell) -> None:
    with serve() as site:
        said = module_shell("doctor", "--notify", "--json", TRIPPER_WEBHOOK_URL=site.url("/gone"))

    webhook = next(one for one in said.json if one["part"] == "webhook")
    assert (said.code, webhook["state"]) == (1, "down")
    assert "failed with status 404" in webhook["what"]
