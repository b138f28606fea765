"""A workflow that ended badly goes on where it stopped: what it stored is used, and what it lacks is done."""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import dagster as dg
import pytest

from tripper_assets.catalog.activities import count_activities
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.cli.run import tags_of_voters
from tripper_assets.demo.server import DemoServer
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.graph import MADE_FROM
from tripper_assets.domain.workflows import Workflow
from tripper_assets.partitions import TAGGERS_TAG, WORKFLOW_TAG
from tripper_assets_tests.cli.conftest import Said, Shell

BEFORE_THE_END = {
    "raw_activities",
    "activities",
    "images_map",
    "geocoded_map",
    "embedding_batch",
    "embeddings_map",
    "tag_batches",
    "tag_votes",
    "activity_tags",
}
CONFIG = "{delay_seconds: 0, timezone: Europe/London, country_code: GB}"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def theatre(site: DemoServer) -> str:
    return f"{site.url}sites/theatre-leeds/"


class Source:
    """The theatre, whose runs a test lets fail."""

    def __init__(self, shell: Shell, site: DemoServer, url: str, config: Path) -> None:
        self.shell, self.site, self.url, self.config = shell, site, url, config

    def run(self, *options: str) -> Said:
        return self.shell("run", self.url, "--config", self.config, "--json", *options)

    def workflow(self, identifier: str) -> Workflow:
        database = Database(self.shell.environment["TRIPPER_DATABASE_URL"])
        found = Workflows(database).get(identifier)
        database.dispose()
        assert found is not None
        return found

    def rows(self) -> int:
        """Return how many activities the catalog has."""
        database = Database(self.shell.environment["TRIPPER_DATABASE_URL"])
        found = count_activities(database)["current"]
        database.dispose()
        return found

    def started(self, identifier: str) -> dict[str, Any]:
        return {one.asset: one.started_at for one in self.workflow(identifier).stages}

    def bodies(self) -> int:
        return self.site.answers[200]


@pytest.fixture
def source(shell: Shell, site: DemoServer, theatre: str, config: Path) -> Source:
    return Source(shell, site, theatre, config)


@pytest.fixture
def refused_place(shell: Shell) -> Path:
    """A file in the place of the folder of final records: nothing can be stored there until it is removed."""
    place = shell.home / "objects" / "final_jsonl"
    place.parent.mkdir()
    place.touch()
    return place


@contextmanager
def failing(what: str, error: BaseException) -> Generator[None]:
    """Let a function of the assets raise."""

    def fail(*_: object, **__: object) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"tripper_assets.assets.{what}", fail)
        yield


def anew(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Return the assets that were begun in between."""
    return {asset for asset, at in after.items() if before.get(asset) != at}


def test_a_workflow_whose_records_could_not_be_stored_is_completed_by_a_retry_which_fetches_nothing(
    source: Source, refused_place: Path
) -> None:
    failed = source.run("--auto-import")
    name = failed.json["workflow_id"]
    before, bodies = source.started(name), source.bodies()
    refused_place.unlink()

    retried = source.shell("retry", name[:8], "--json")

    assert (failed.code, failed.json["status"]) == (1, "failed")
    assert failed.error.startswith("final_jsonl: Storing ")
    assert (retried.code, retried.err) == (0, "")
    assert (retried.json["workflow_id"], retried.json["status"]) == (name, "completed")
    assert retried.json["import"]["inserted"] == 5
    assert source.bodies() == bodies
    assert anew(before, source.started(name)) == set(MADE_FROM) - BEFORE_THE_END
    assert [one["id"] for one in source.shell("status", "--json").json] == [name]


def test_only_the_stage_that_failed_and_what_is_made_from_it_run_again(source: Source) -> None:
    with failing("images.collect_images", PermanentError("The pictures are broken.")):
        failed = source.run()
    name = failed.json["workflow_id"]
    before = source.started(name)

    retried = source.shell("retry", name)

    assert failed.error == "images_map: The pictures are broken."
    assert retried.code == 0
    assert "`tripper import" in retried.out  # it waits for a decision now, as auto_import is off
    assert anew(before, source.started(name)) == {"images_map", "final_jsonl", "activity_diff", "imported_activities"}
    assert source.workflow(name).status == "review"
    assert source.rows() == 0


def test_a_retry_asks_the_voters_that_the_workflow_asked_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = dg.DagsterInstance.ephemeral()
    for number, tags in enumerate(({TAGGERS_TAG: "groq:m"}, {})):
        run = dg.DagsterRun("run_source", run_id=str(UUID(int=number)), tags={WORKFLOW_TAG: "w", **tags})
        instance.add_run(run)
    monkeypatch.setattr("tripper_assets.cli.run.dagster_instance", lambda: nullcontext(instance))
    values: dict[str, Any] = {"source_key": "zoo-12345678", "source_url": "https://zoo.example/", "status": "failed"}
    workflows = [Workflow(id=one, config={}, created_at=datetime.now(UTC), **values) for one in ("w", "other")]

    assert [tags_of_voters(one) for one in workflows] == [{TAGGERS_TAG: "groq:m"}, {}]


@pytest.mark.long
def test_a_crawl_that_failed_is_done_anew_with_the_configuration_of_its_workflow(source: Source) -> None:
    with failing("activities.crawl", PermanentError("The site is closed.")):
        failed = source.run("--max-pages", "3")
    name = failed.json["workflow_id"]

    retried = source.shell("retry", name, "--json")

    assert failed.error == "raw_activities: The site is closed."
    assert (retried.code, retried.json["workflow_id"], retried.json["status"]) == (0, name, "review")
    assert source.workflow(name).config["max_pages"] == 3
    assert retried.json["calls"]["pages"] == 3


@pytest.mark.long
def test_an_interrupted_workflow_goes_on(source: Source) -> None:
    with failing("publishing.merge", KeyboardInterrupt()):
        interrupted = source.run()
    (listed,) = source.shell("status", "--json").json

    retried = source.shell("retry", listed["id"], "--json")

    assert (interrupted.code, listed["status"]) == (130, "canceled")
    assert (retried.code, retried.json["workflow_id"], retried.json["status"]) == (0, listed["id"], "review")


@pytest.mark.long
def test_a_retry_that_fails_says_its_own_reason_and_may_be_retried(source: Source) -> None:
    with failing("publishing.merge", PermanentError("First.")):
        name = source.run().json["workflow_id"]
    with failing("publishing.merge", PermanentError("Second.")):
        second = source.shell("retry", name)

    third = source.shell("retry", name, "--json")

    assert (second.code, second.error) == (1, "final_jsonl: Second.")
    assert (third.code, third.json["status"]) == (0, "review")


def test_a_retry_whose_stored_input_is_damaged_names_it_and_not_what_failed_before(source: Source) -> None:
    with failing("publishing.merge", PermanentError("First.")):
        failed = source.run()
    path = Path(failed.json["stages"]["activities"]["uri"].removeprefix("file://"))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-9])

    retried = source.shell("retry", failed.json["workflow_id"])

    assert retried.code == 1
    assert str(path) in retried.error
    found = source.workflow(failed.json["workflow_id"])
    assert (found.status, found.reason) == ("failed", retried.error)


def test_a_completed_or_waiting_workflow_is_not_retried(source: Source) -> None:
    waits = source.run().json["workflow_id"]
    of_review = source.shell("retry", waits)
    source.shell("import", waits)
    of_completed = source.shell("retry", waits)

    key = source.workflow(waits).source_key
    for said, status in ((of_review, "review"), (of_completed, "completed")):
        assert said.code == 1
        assert said.error == (
            f"The workflow {waits} is {status}, and only a failed or canceled one is retried; `tripper run {key}` starts a new one."
        )
    assert source.workflow(waits).status == "completed"


def test_a_workflow_whose_files_were_cleaned_up_is_not_retried(source: Source) -> None:
    with failing("publishing.merge", PermanentError("First.")):
        name = source.run().json["workflow_id"]
    assert source.shell("cleanup", "--status", "failed", "--older-than", "0h").code == 0

    said = source.shell("retry", name)

    assert said.code == 1
    assert re.fullmatch(
        rf"The stored [a-z ]+ of workflow {name} were cleaned up on \d{{4}}-\d\d-\d\d; start a new one with `tripper run .+`\.",
        said.error,
    )
    assert source.workflow(name).status == "failed"


def test_a_workflow_that_there_is_not_is_wrong_input(shell: Shell) -> None:
    said = shell("retry", "no-such-workflow")

    assert (said.code, said.error) == (2, "There is no workflow no-such-workflow; `tripper status` lists them.")
