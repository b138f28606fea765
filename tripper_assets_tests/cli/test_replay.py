"""`tripper run --replay`: a workflow's kept pages through the whole graph again, without a question to anybody."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.clients.objects import Objects
from tripper_assets.demo.server import DemoServer
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets_tests.cli.conftest import Said, Shell
from tripper_assets_tests.cli.test_retry import failing

CONFIG = "{delay_seconds: 0, timezone: Europe/London, country_code: GB, auto_import: %s}"
OTHER = make_source("https://example.net/")


class Town:
    """A source, and the commands that a person gives."""

    def __init__(self, shell: Shell, site: DemoServer, config: Path) -> None:
        self.shell, self.site, self.config = shell, site, config
        self.url = f"{site.url}sites/theatre-leeds/"

    def run(self, *options: object) -> dict[str, Any]:
        said = self.shell("run", self.url, "--config", self.config, "--json", *options)
        assert said.code == 0, said.err
        return said.json

    def replay(self, workflow: str, *more: object) -> Said:
        return self.shell("run", "--replay", workflow, "--json", *more)

    def records(self, workflow: str, folder: Path) -> bytes:
        """Return the final lines as they are downloaded."""
        said = self.shell("files", workflow, "--download", folder, "--json")
        assert said.code == 0, said.err
        (path,) = [one["path"] for one in said.json if one["path"].endswith(".jsonl")]
        return Path(path).read_bytes()


@pytest.fixture
def town(shell: Shell, site: DemoServer, tmp_path: Path) -> Callable[[bool], Town]:
    def made(auto_import: bool) -> Town:  # noqa: FBT001 (the one thing that differs)
        path = tmp_path / "config.yaml"
        path.write_text(CONFIG % str(auto_import).lower())
        return Town(shell, site, path)

    return made


@pytest.fixture
def catalog(shell: Shell) -> Generator[Catalog]:
    database = Database(shell.environment["TRIPPER_DATABASE_URL"])
    yield catalog_on(database, shell.home)
    database.dispose()


def test_a_replay_is_a_workflow_of_its_own_with_the_same_records_and_asks_nobody(
    town: Callable[[bool], Town], tmp_path: Path
) -> None:
    leeds = town(False)
    first = leeds.run()
    leeds.site.answers.clear()

    said = leeds.replay(first["workflow_id"][:8])

    assert (said.code, said.err) == (0, "")
    again = said.json
    assert leeds.site.answers.total() == 0
    assert (again["status"], again["source_key"]) == ("review", first["source_key"])
    assert again["workflow_id"] != first["workflow_id"]
    assert again["calls"] == dict.fromkeys(again["calls"], 0)
    one, two = (leeds.records(run["workflow_id"], tmp_path / run["workflow_id"]) for run in (first, again))
    assert one == two
    status = leeds.shell("status", again["workflow_id"])
    assert status.out.startswith(
        f"review: {leeds.url.rstrip('/')} ({first['source_key']}), a replay of {first['workflow_id']}\n"
    )


@pytest.mark.long
def test_a_replay_of_a_replay_reads_what_the_crawl_kept(town: Callable[[bool], Town], catalog: Catalog) -> None:
    leeds = town(False)
    first = leeds.run()["workflow_id"]
    second = leeds.replay(first).json["workflow_id"]

    third = leeds.replay(second, "--no-auto-import").json

    found = catalog.workflows.get(third["workflow_id"])
    assert found is not None
    assert (found.replay_of, found.trigger) == (first, "replay")
    assert third["stages"]["final_jsonl"]["rows"] == 5


def test_the_configuration_of_a_replay_is_that_of_today(town: Callable[[bool], Town], catalog: Catalog) -> None:
    leeds = town(False)
    first = leeds.run("--max-pages", "3")["workflow_id"]

    said = leeds.replay(first, "--auto-import", "--max-pages", "1")

    found = catalog.workflows.get(said.json["workflow_id"])
    before = catalog.workflows.get(first)
    assert found is not None
    assert before is not None
    assert before.overrides["max_pages"] == 3
    assert found.overrides == {"auto_import": True, "max_pages": 1}
    # A budget of requests leaves no kept page out.
    (crawled,) = [stage.counts["rows"] for stage in before.stages if stage.asset == "raw_activities"]
    assert said.json["stages"]["raw_activities"]["rows"] == crawled > 0


@pytest.mark.long
def test_pages_of_before_take_no_newer_ones_place_by_themselves(town: Callable[[bool], Town]) -> None:
    leeds = town(True)
    first, second = (leeds.run()["workflow_id"] for _ in range(2))

    old, new = leeds.replay(first).json, leeds.replay(second).json
    asked_for = leeds.replay(first, "--auto-import").json

    assert old["status"] == "review"
    assert "auto_import is off" in old["reason"]
    assert (new["status"], asked_for["status"]) == ("completed", "completed")


@pytest.mark.long
def test_a_retry_of_a_replay_stays_one(town: Callable[[bool], Town]) -> None:
    leeds = town(False)
    first = leeds.run()["workflow_id"]
    with failing("crawling.replay", OSError("Out of memory.")):
        leeds.replay(first)
    failed = leeds.shell("status", "--json").json[0]["id"]
    leeds.site.answers.clear()

    retried = leeds.shell("retry", failed, "--json")

    assert (retried.code, retried.json["workflow_id"], retried.json["status"]) == (0, failed, "review")
    assert leeds.site.answers.total() == 0


def test_what_cannot_be_replayed_is_one_sentence_and_no_workflow(
    shell: Shell, catalog: Catalog, town: Callable[[bool], Town]
) -> None:
    at = datetime.now(UTC) - timedelta(days=40)
    catalog.sources.add(OTHER)
    bare = Workflow(
        id="some-workflow", source_key=OTHER.key, source_url=OTHER.url, status="running", config={}, created_at=at
    )
    catalog.workflows.start(bare)
    leeds = town(False)
    crawled = leeds.run()["workflow_id"]

    unknown, without, others = (
        shell("run", "--replay", "no-such-workflow"),
        shell("run", "--replay", "some-workflow"),
        shell("run", OTHER.url, "--replay", crawled),
    )
    nothing = shell("run")

    assert (unknown.code, unknown.error) == (2, "There is no workflow no-such-workflow; `tripper status` lists them.")
    assert (without.code, without.error) == (
        1,
        f"The workflow some-workflow cannot be replayed, for it stored no list of its pages; `tripper run {OTHER.key}` asks the site again.",
    )
    assert others.code == 2
    assert others.error.startswith(f"The workflow {crawled} belongs to ")
    assert (nothing.code, nothing.error) == (
        2,
        "Nothing is named to run; give a URL, the key of a source, or --replay WORKFLOW.",
    )
    assert len(catalog.workflows.list()) == 2


def test_clean_up_takes_the_list_of_pages_with_the_files_and_then_the_bodies(
    town: Callable[[bool], Town], shell: Shell, catalog: Catalog
) -> None:
    leeds = town(True)
    first = leeds.run()["workflow_id"]
    objects = Objects((shell.home / "objects").as_uri())
    bodies = len(list(objects.list("snapshots")))

    kept = shell("cleanup", "--json").json
    tried = shell("cleanup", "--older-than", "0d", "--dry-run", "--json").json
    gone = shell("cleanup", "--older-than", "0d", "--json").json
    replayed = leeds.replay(first)

    # The bodies are young, and the page states need them: only the list goes.
    assert bodies > 0
    assert (kept["files"], tried["files"], gone["files"]) == (0, 1, 1)
    assert (tried["page_bodies"], gone["page_bodies"]) == (0, 0)
    assert len(list(objects.list("snapshots"))) == bodies
    assert replayed.code == 1
    assert replayed.error.startswith(
        f"The workflow {first} cannot be replayed, for its list of pages was cleaned up on "
    )
    found = catalog.workflows.get(first)
    assert found is not None
    assert next(one for one in found.files if one.asset == "page_manifest").deleted_at is not None


@pytest.mark.long
def test_without_any_body_a_replay_ends_with_one_sentence(town: Callable[[bool], Town], shell: Shell) -> None:
    leeds = town(False)
    first = leeds.run()["workflow_id"]
    objects = Objects((shell.home / "objects").as_uri())
    objects.delete([one.uri for one in objects.list("snapshots")])

    said = leeds.replay(first)

    assert said.code == 1
    assert said.error.startswith(f"raw_activities: Replaying the workflow {first} found none of its ")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_a_killed_crawl_leaves_a_next_one_that_is_replayed_as_if_nothing_had_happened(
    town: Callable[[bool], Town], shell: Shell, tmp_path: Path, seed: int
) -> None:
    leeds, bodies = town(False), shell.home / "objects" / "snapshots"
    command = [sys.executable, "-m", "tripper_assets.cli", "run", leeds.url, "--config", str(leeds.config)]
    wanted = random.Random(seed).randrange(1, 5)

    with subprocess.Popen(command, env={**os.environ, **shell.environment}, stderr=subprocess.DEVNULL) as killed:
        while killed.poll() is None and len(list(bodies.glob("*/*.zst"))) < wanted:
            time.sleep(0.002)
        killed.kill()
    crawled = leeds.run()["workflow_id"]
    leeds.site.answers.clear()
    again = leeds.replay(crawled)

    assert killed.returncode == -signal.SIGKILL
    assert (again.code, leeds.site.answers.total()) == (0, 0)
    assert again.json["stages"]["raw_activities"]["problems_by_code"] == {}
    one, two = (leeds.records(name, tmp_path / name) for name in (crawled, again.json["workflow_id"]))
    assert one == two
    assert len(one.splitlines()) == 5
