"""`tripper cleanup`: the intermediates of old, ended workflows go, their rows stay, and nothing else is touched."""

import os
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow, WorkflowFile, WorkflowStatus
from tripper_assets.io_managers import cleaned_up_at
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets_tests.cli.conftest import Shell, dagster_instance, new_shell
from tripper_assets_tests.conftest import FreshDatabases

RUN = "0b1d2f3a-0000-4000-8000-123456789abc"
SOURCE = make_source("https://example.org/")
OTHER = make_source("https://example.net/")


@pytest.fixture
def shell(homes: str | None, fresh_databases: FreshDatabases) -> Generator[Shell]:
    with new_shell(homes, fresh_databases) as shell:
        yield shell


@pytest.fixture
def catalog(shell: Shell) -> Generator[Catalog]:
    database = Database(shell.environment["TRIPPER_DATABASE_URL"])
    catalog = catalog_on(database, shell.home)
    catalog.sources.add(SOURCE)
    catalog.sources.add(OTHER)
    yield catalog
    database.dispose()


@pytest.fixture
def objects(shell: Shell) -> Objects:
    return Objects((shell.home / "objects").as_uri())


def workflow(
    catalog: Catalog, objects: Objects, name: str, *, status: WorkflowStatus = "completed", days: int = 40, **more: Any
) -> str:
    """Write a workflow that ended so many days ago with an intermediate and its activities; return its id."""
    at = datetime.now(UTC) - timedelta(days=days)
    values = {"source_key": SOURCE.key, "source_url": SOURCE.url, "status": "running", "config": {}} | more
    catalog.workflows.start(Workflow.model_validate({"id": name, "created_at": at, "started_at": at, **values}))
    for asset in ("raw_activities", "activities"):
        stored = objects.put(f"{asset}/{SOURCE.key}/{name}/run.jsonl", name.encode())
        file = WorkflowFile(
            asset=asset, run_id="run", uri=stored.uri, bytes=stored.bytes, rows=1, sha256=stored.sha256, created_at=at
        )
        catalog.workflows.add_file(name, file)
    catalog.workflows.set_status(name, status, at=at)
    return name


def gone(catalog: Catalog, name: str) -> set[str]:
    found = catalog.workflows.get(name)
    assert found is not None
    return {file.asset for file in found.files if file.deleted_at}


def test_a_dry_run_says_what_would_go_and_removes_nothing(shell: Shell, catalog: Catalog, objects: Objects) -> None:
    old = workflow(catalog, objects, "old-workflow")

    said = shell("cleanup", "--dry-run")

    assert said.out == "Would remove 1 files (12 B) of 1 workflows.\n"
    assert shell("cleanup", "--dry-run", "--json").json == {
        "workflows": 1,
        "files": 1,
        "bytes": 12,
        "half_written": 0,
        "page_bodies": 0,
        "page_body_bytes": 0,
        "orphaned_files": 0,
        "orphaned_pictures": 0,
        "orphaned_batches": 0,
        "orphaned_bytes": 0,
        "unknown_files": 0,
        "unknown_workflows": 0,
        "dry_run": True,
    }
    assert gone(catalog, old) == set()


def test_intermediates_go_with_a_row_and_an_observation_that_say_so(
    shell: Shell, catalog: Catalog, objects: Objects
) -> None:
    old, young = workflow(catalog, objects, "old-workflow"), workflow(catalog, objects, "young-workflow", days=10)

    said = shell("cleanup")

    assert said.out == "Removed 1 files (12 B) of 1 workflows.\n"
    assert (gone(catalog, old), gone(catalog, young)) == ({"raw_activities"}, set())
    assert not objects.exists(f"raw_activities/{SOURCE.key}/{old}/run.jsonl")
    assert objects.exists(f"activities/{SOURCE.key}/{old}/run.jsonl")
    uri = objects.uri(f"raw_activities/{SOURCE.key}/{old}/run.jsonl")
    with dagster_instance(shell) as instance:
        assert cleaned_up_at(instance, "raw_activities", SOURCE.key, uri) == f"{datetime.now(UTC):%Y-%m-%d}"
    assert shell("cleanup").out == "Removed 0 files (0 B) of 0 workflows.\n"
    assert "\tcleaned up " in shell("files", old).out


@pytest.mark.parametrize("status", ["review", "running", "waiting"])
def test_what_waits_or_runs_keeps_everything(
    shell: Shell, catalog: Catalog, objects: Objects, status: WorkflowStatus
) -> None:
    waits = workflow(catalog, objects, "some-workflow", status=status)

    for wanted in ("completed", "failed", "canceled"):
        assert shell("cleanup", "--older-than", "0d", "--status", wanted).code == 0

    assert gone(catalog, waits) == set()


def test_the_age_is_the_one_asked_for_else_the_sources_own(shell: Shell, catalog: Catalog, objects: Objects) -> None:
    kept = workflow(catalog, objects, "kept-for-a-year", config={"keep_days": 365})
    short = workflow(catalog, objects, "kept-for-a-day", days=2, config={"keep_days": 1})
    plain = workflow(catalog, objects, "kept-for-a-month", days=2)

    shell("cleanup")
    by_source = [gone(catalog, name) for name in (kept, short, plain)]
    shell("cleanup", TRIPPER_RETENTION_DAYS="1")
    by_setting = [gone(catalog, name) for name in (kept, plain)]
    shell("cleanup", "--older-than", "12h")
    asked_for = gone(catalog, kept)

    assert by_source == [set(), {"raw_activities"}, set()]
    assert by_setting == [set(), {"raw_activities"}]
    assert asked_for == {"raw_activities"}


def test_an_age_beyond_all_time_removes_nothing(shell: Shell, catalog: Catalog, objects: Objects) -> None:
    old = workflow(catalog, objects, "old-workflow")

    assert shell("cleanup", "--older-than", "999999999d").code == 0
    assert gone(catalog, old) == set()


def test_one_source_or_one_state_is_cleaned_up_alone(shell: Shell, catalog: Catalog, objects: Objects) -> None:
    failed = workflow(catalog, objects, "failed-workflow", status="failed")
    other = workflow(catalog, objects, "other-workflow", source_key=OTHER.key, source_url=OTHER.url)

    shell("cleanup", "--source", OTHER.url)

    assert (gone(catalog, failed), gone(catalog, other)) == (set(), {"raw_activities"})
    assert shell("cleanup", "--status", "failed").out.startswith("Removed 1 files")


def test_a_workflow_that_a_person_keeps_outlives_every_clean_up_until_it_is_released(
    shell: Shell, catalog: Catalog, objects: Objects
) -> None:
    old = workflow(catalog, objects, "old-workflow")

    kept = shell("keep", "old-w", "--reason", "a strange page")
    shell("cleanup", "--older-than", "0d")
    while_kept, shown = gone(catalog, old), shell("status", old).out
    shell("keep", old, "--release")
    shell("cleanup", "--older-than", "0d")

    assert kept.out == f"Retention leaves alone the files of {old}.\n"
    assert (while_kept, gone(catalog, old)) == (set(), {"raw_activities"})
    assert f"Kept from retention since {datetime.now(UTC):%Y-%m-%d}." in shown
    assert "Kept" not in shell("status", old).out
    assert shell("keep", old).out.endswith("1 of its 2 files were cleaned up before.\n")
    assert shell("keep", "nobody").code == 2


def test_one_workflow_is_given_up_whatever_its_age_and_one_in_review_is_canceled_with_it(
    shell: Shell, catalog: Catalog, objects: Objects
) -> None:
    young = workflow(catalog, objects, "young-workflow", status="review", days=0)
    other = workflow(catalog, objects, "other-workflow", status="failed", days=0)

    dry = shell("cleanup", "--workflow", young, "--dry-run")
    untouched = gone(catalog, young)
    removed = shell("cleanup", "--workflow", "young", "--json").json

    assert (dry.out, untouched) == (f"Would remove 1 files (14 B) of {young}.\n", set())
    assert removed == {"workflows": 1, "files": 1, "bytes": 14, "dry_run": False}
    assert (gone(catalog, young), gone(catalog, other)) == ({"raw_activities"}, set())
    found = catalog.workflows.get(young)
    assert found is not None
    assert (found.status, found.reason.endswith(" removed its files without importing them.")) == ("canceled", True)


def test_a_workflow_that_goes_on_or_is_kept_is_not_given_up(shell: Shell, catalog: Catalog, objects: Objects) -> None:
    waits = workflow(catalog, objects, "waits", status="waiting")
    kept = workflow(catalog, objects, "is-kept")
    shell("keep", kept)

    of_waiting, of_kept = (shell("cleanup", "--workflow", one) for one in (waits, kept))

    assert of_waiting.error == "The workflow waits is waiting and needs its files; cancel it first."
    assert of_kept.error.endswith("; `tripper keep is-kept --release` first.")
    assert (gone(catalog, waits), gone(catalog, kept)) == (set(), set())


def test_old_files_that_no_row_names_go_and_those_of_unknown_workflows_on_a_persons_word_alone(
    shell: Shell, catalog: Catalog, objects: Objects
) -> None:
    workflow(catalog, objects, "old-workflow", days=1)
    for name in ("old-workflow", "stranger"):
        stored = objects.put(f"raw_activities/{SOURCE.key}/{name}/{RUN}-0123456789ab.jsonl", b"lost")
        path, week_ago = stored.uri.removeprefix("file://"), time.time() - 8 * 86_400
        os.utime(path, (week_ago, week_ago))

    dry, first, second = shell("cleanup", "--dry-run"), shell("cleanup"), shell("cleanup", "--unknown")

    told = "1 old files are of 1 workflows that this catalog does not know, and no picture was looked at"
    assert "Would remove 1 files of workflows (4 B) that nothing refers to." in dry.out
    assert "Removed 1 files of workflows (4 B) that nothing refers to." in first.out
    assert told in dry.out
    assert told in first.out
    assert second.out.splitlines()[1:] == ["Removed 1 files of workflows (4 B) that nothing refers to."]
    assert {one.key.rsplit("/", 1)[1] for one in objects.list()} == {"run.jsonl"}


def test_the_rules_of_a_bucket_are_printed_for_s3_and_refused_for_a_folder(shell: Shell) -> None:
    printed = shell("cleanup", "--lifecycle", "print", TRIPPER_STORE_URL="s3://bucket/some/where")
    refused = shell("cleanup", "--lifecycle", "print")

    assert [one["ID"] for one in printed.json["Rules"]] == [
        "tripper:some/where:uploads", "tripper:some/where:probes", "tripper:some/where:versions",
    ]  # fmt: skip
    assert refused.code == 2
    assert "has no lifecycle rules, only S3 has; `tripper cleanup` sweeps every kind of store." in refused.error


def test_a_store_that_is_another_than_the_files_own_is_refused_and_nothing_is_marked(
    shell: Shell, catalog: Catalog, objects: Objects
) -> None:
    old = workflow(catalog, objects, "old-workflow")

    said = shell("cleanup", TRIPPER_STORE_URL=(shell.home / "elsewhere").as_uri())

    assert said.code == 1
    assert "lies outside of the store" in said.error
    assert gone(catalog, old) == set()


def test_a_workflow_whose_files_all_went_cannot_be_downloaded_or_imported(
    shell: Shell, catalog: Catalog, objects: Objects
) -> None:
    old = workflow(catalog, objects, "old-workflow")

    imported = shell("import", old)

    assert imported.code == 1
    assert imported.error == (
        f"The workflow {old} has no final JSONL to import; run its source again with `tripper run {SOURCE.key}`."
    )
