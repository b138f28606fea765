"""TRIPPER_DATABASE_URL=none: a source goes through the graph to its final JSONL, and whatever needs a catalog says so in one sentence."""

import tempfile
from collections.abc import Generator
from pathlib import Path

import orjson
import pytest

from tripper_assets.clients.objects import Objects
from tripper_assets.demo.server import DemoServer
from tripper_assets.domain.errors import PermanentError
from tripper_assets_tests.cli.conftest import Said, Shell

CONFIG = "{delay_seconds: 0, timezone: Europe/London, country_code: GB, auto_import: true}"
NEEDED = "the catalog, and TRIPPER_DATABASE_URL is none; unset it for the embedded PostgreSQL, or name a database"


@pytest.fixture(scope="module")
def shell(homes: str | None, gazetteer: Path) -> Generator[Shell]:
    with tempfile.TemporaryDirectory(prefix="tripper-home-", dir=homes) as home:
        (Path(home) / gazetteer.name).symlink_to(gazetteer)
        (Path(home) / "config.yaml").write_text(CONFIG)
        yield Shell({"TRIPPER_HOME": home, "TRIPPER_DATABASE_URL": "none", "TRIPPER_ALLOW_PRIVATE_ADDRESSES": "1"})


@pytest.fixture(scope="module")
def theatre(site: DemoServer) -> str:
    return f"{site.url}sites/theatre-leeds/"


@pytest.fixture(scope="module")
def ran(shell: Shell, theatre: str) -> Said:
    return shell("run", theatre, "--config", shell.home / "config.yaml", "--json")


def test_the_graph_runs_to_its_final_jsonl_and_the_import_says_what_it_needs(shell: Shell, ran: Said) -> None:
    reason = shell("status", ran.json["workflow_id"], "--json").json["reason"]

    assert (ran.code, ran.json["status"]) == (0, "review")
    lines = Objects((shell.home / "objects").as_uri()).get(ran.json["stages"]["final_jsonl"]["uri"]).splitlines()
    assert len(lines) == 5
    assert all(orjson.loads(line)["embedding"] for line in lines)
    assert ran.json["stages"]["geocoded_map"]["rows"] == ran.json["stages"]["images_map"]["rows"] == 5
    assert reason == f"The final JSONL is stored; importing it needs {NEEDED}, and run the source again."
    assert not (shell.home / "postgres").exists()
    assert not (shell.home / "spool").exists()


def test_what_it_left_can_be_listed_downloaded_and_compared(
    shell: Shell, ran: Said, theatre: str, tmp_path: Path
) -> None:
    name = ran.json["workflow_id"]

    listed = [one["id"] for one in shell("status", "--json").json]
    downloaded = shell("files", name[:8], "--download", tmp_path)
    difference = shell("diff", theatre, "--json").json

    assert (listed, downloaded.code) == ([name], 0)
    assert [len(one.read_bytes().splitlines()) for one in tmp_path.glob("scrape-*.jsonl")] == [5]
    assert (difference["before"], difference["added"]) == ("", 5)


@pytest.mark.parametrize("command", ["import", "search", "stats", "cleanup", "db upgrade"])
def test_what_needs_a_catalog_says_so_in_one_sentence(shell: Shell, ran: Said, command: str) -> None:
    given = {"import": [ran.json["workflow_id"]], "search": ["theatre"]}

    said = shell(*command.split(), *given.get(command, []))

    assert said.code > 0
    assert said.error.endswith(f"{NEEDED}.")


@pytest.mark.long
def test_a_failed_workflow_is_retried_with_what_it_stored(shell: Shell, site: DemoServer, theatre: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermanentError("First.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tripper_assets.assets.publishing.merge", fail)
        failed = shell("run", theatre, "--json")
    bodies = site.answers[200]

    retried = shell("retry", failed.json["workflow_id"], "--json")

    assert (failed.code, failed.json["status"]) == (1, "failed")
    assert (retried.code, retried.json["status"]) == (0, "review")
    assert site.answers[200] == bodies


def test_sources_and_locations_are_kept_in_the_home(shell: Shell) -> None:
    shell("locations", "add", "leeds", "--name", "Leeds", "--country", "GB")
    shell("sources", "add", "https://zoo.example/")

    assert "https://zoo.example/" in shell("sources", "list").out
    assert shell("sources", "remove", "https://zoo.example/").code == 0
    assert "https://zoo.example/" not in shell("sources", "list").out
