"""Removed intermediates leave rows and observations that say so, and a clean-up that was killed half-way ends the same."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.cleanup import remove_files
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.resources import Catalog, catalog_on

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
            "uri": file.uri, "sha256": file.sha256, "bytes": file.bytes, "deleted_at": NOW.isoformat(),
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
