"""What may go is decided by state, age and a person's word; and what an object is can be read off its name."""

from datetime import UTC, datetime, timedelta

import pytest

from tripper_assets.domain.retention import RETIRED, expired_files, may_be_orphan, read_key
from tripper_assets.domain.workflows import INTERMEDIATES, Workflow, WorkflowFile, WorkflowStatus

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OTHERS = ("activities", "embedding_batch", "activity_diff", "imported_activities")
RUN = "0b1d2f3a-0000-4000-8000-123456789abc"


def workflow(status: WorkflowStatus = "completed", **fields: object) -> Workflow:
    """Return a workflow with one file of each asset that ended ten days ago."""
    files = [
        WorkflowFile(asset=one, run_id="run", uri=f"memory:/{one}", bytes=7, rows=1, sha256="", created_at=NOW)
        for one in (*RETIRED, *OTHERS)
    ]
    given = {
        "source_key": "zoo-01234567",
        "source_url": "https://zoo.example/",
        "config": {},
        "created_at": NOW - 10 * DAY,
    }
    return Workflow.model_validate({"id": "w", "status": status, "files": files, **given, **fields})


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_an_ended_workflow_gives_up_its_five_intermediates_and_its_list_of_pages_and_nothing_else(
    status: WorkflowStatus,
) -> None:
    [found] = expired_files([workflow(status)], now=NOW, age=10 * DAY)

    assert {file.asset for file in found.files} == {*INTERMEDIATES, "page_manifest"}
    assert found.bytes == 42


@pytest.mark.parametrize("status", ["queued", "running", "waiting", "review"])
def test_what_has_not_ended_gives_up_nothing(status: WorkflowStatus) -> None:
    assert expired_files([workflow(status)], now=NOW, age=timedelta()) == []


def test_neither_a_younger_workflow_nor_a_kept_one_gives_up_anything() -> None:
    young, kept = workflow(completed_at=NOW - 9 * DAY), workflow(kept_at=NOW)

    assert expired_files([young, kept], now=NOW, age=10 * DAY) == []


def test_a_file_that_is_gone_does_not_go_again() -> None:
    files = [one.model_copy(update={"deleted_at": NOW}) for one in workflow().files]

    assert expired_files([workflow(files=files)], now=NOW, age=DAY) == []


@pytest.mark.parametrize(
    ("key", "kind", "owner"),
    [
        (f"final_jsonl/zoo-example-01234567/w 1/{RUN}-0123456789ab.jsonl".replace(" ", "-"), "file", "w-1"),
        (f"page_manifest/zoo-01234567/w/{RUN}-0123456789ab.jsonl.zst", "file", "w"),
        (f"media/ab/{'ab' * 32}.webp", "picture", "ab" * 32),
        (f"batches/{'0f' * 16}.parquet", "results", "0f" * 16),
        ("batches/tripper-1-0123456789ab.jsonl.zst", "requests", "tripper-1-0123456789ab"),
    ],
)
def test_an_object_is_known_by_its_name(key: str, kind: str, owner: str) -> None:
    assert read_key(key) == (kind, owner)


@pytest.mark.parametrize(
    "key",
    [
        "final_jsonl/zoo/w/notes.txt",
        f"backups/monday/w/{RUN}-0123456789ab.jsonl",
        f"final_jsonl/zoo-01234567/w/{RUN}.jsonl",
        f"media/{'ab' * 32}.webp",
        "media/ab/cover.webp",
        f"snapshots/ab/{'ab' * 32}.zst",
        "probe/0123",
        "batches/list.txt",
    ],
)
def test_what_others_put_into_the_store_is_nothing_of_ours(key: str) -> None:
    assert read_key(key) is None


def test_files_may_be_orphans_after_a_week_and_results_of_batches_after_a_month() -> None:
    ages = {"file": 7, "picture": 7, "requests": 7, "results": 30}
    names = {f"batches/{'0f' * 16}.parquet", "batches/t-0123456789ab.jsonl.zst", f"media/ab/{'ab' * 32}.webp"}

    for name in filter(None, map(read_key, names)):
        assert not may_be_orphan(name, ages[name.kind] * DAY - timedelta(seconds=1))
        assert may_be_orphan(name, ages[name.kind] * DAY)
