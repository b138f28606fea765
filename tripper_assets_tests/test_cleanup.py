"""Removed intermediates leave rows and observations that say so, and a clean-up that was killed half-way ends the same."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.cleanup import remove_files
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.jobs import retention_job
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets.sensors import daily_retention
from tripper_assets.settings import Settings

NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
SOURCE = make_source("https://example.org/")


@pytest.fixture
def catalog(database: Database, tmp_path: Path) -> Catalog:
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(SOURCE)
    return catalog


@pytest.fixture
def objects() -> Objects:
    return Objects("memory://")


@pytest.fixture
def workflow(catalog: Catalog, objects: Objects) -> Workflow:
    stored = [objects.put(f"{asset}/a/w/run.jsonl", asset.encode()) for asset in ("raw_activities", "images_map")]
    started = Workflow(
        id="some-workflow", source_key=SOURCE.key, source_url=SOURCE.url, status="running", config={}, created_at=NOW
    )  # fmt: skip
    catalog.workflows.start(started)
    for one in stored:
        file = WorkflowFile(
            asset=one.key.split("/")[0], run_id="run", uri=one.uri, bytes=one.bytes, rows=1, sha256=one.sha256, created_at=NOW
        )  # fmt: skip
        catalog.workflows.add_file("some-workflow", file)
    return read(catalog)


def read(catalog: Catalog) -> Workflow:
    found = catalog.workflows.get("some-workflow")
    assert found is not None
    return found


def test_objects_go_rows_stay_and_each_asset_is_told(catalog: Catalog, objects: Objects, workflow: Workflow) -> None:
    told: list[dg.AssetObservation] = []

    remove_files(workflow, workflow.files, catalog=catalog, objects=objects, at=NOW, report=told.append)

    assert not any(objects.exists(objects.key(file.uri)) for file in workflow.files)
    assert [file.deleted_at for file in read(catalog).files] == [NOW, NOW]
    assert {one.asset_key.to_user_string() for one in told} == {"raw_activities", "images_map"}
    for one, file in zip(told, workflow.files, strict=True):
        assert (one.partition, one.description) == (SOURCE.key, "cleaned up")
        assert {name: value.value for name, value in one.metadata.items()} == {
            "story": f"Removed on {NOW:%Y-%m-%d}; the row of the file stays, and what was imported is in the catalog.",
            "workflow_id": workflow.id, "uri": file.uri, "sha256": file.sha256, "bytes": file.bytes, "rows": file.rows,
            "stored_at": file.created_at.isoformat(), "deleted_at": NOW.isoformat(),
        }  # fmt: skip


def test_a_clean_up_that_was_killed_half_way_ends_the_same(
    catalog: Catalog, objects: Objects, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise TransientError("The catalog does not answer.")

    told: list[dg.AssetObservation] = []
    with monkeypatch.context() as half:
        half.setattr(catalog.workflows, "mark_deleted", killed)
        with pytest.raises(TransientError):
            remove_files(workflow, workflow.files, catalog=catalog, objects=objects, at=NOW, report=told.append)

    remove_files(read(catalog), workflow.files, catalog=catalog, objects=objects, at=NOW, report=told.append)

    assert [file.deleted_at for file in read(catalog).files] == [NOW, NOW]
    assert len(told) == 2


def test_the_daily_job_removes_what_has_had_its_time_and_nothing_younger(
    catalog: Catalog, objects: Objects, workflow: Workflow
) -> None:
    catalog.workflows.set_status(workflow.id, "completed", at=NOW)
    settings = Settings(retention_days=30)

    def after(days: int) -> int:
        given = {
            "catalog": catalog,
            "objects": objects,
            "settings": settings,
            "clock": lambda: NOW + timedelta(days=days),
        }
        with dg.DagsterInstance.ephemeral() as instance:
            ended = retention_job.execute_in_process(instance=instance, resources=given)
        assert ended.success
        return sum(file.deleted_at is None for file in read(catalog).files)

    assert [after(29), after(30), after(31)] == [2, 0, 0]


def test_the_clean_up_of_a_day_is_asked_for_once() -> None:
    context = dg.build_schedule_context(scheduled_execution_time=NOW)

    asked = daily_retention(context)

    assert isinstance(asked, dg.RunRequest)
    assert asked.run_key == "retention:2026-03-15"
