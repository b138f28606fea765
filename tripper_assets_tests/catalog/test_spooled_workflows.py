"""Tracking goes on while the catalog is down: kept on disk in order, and written once when it answers again."""

import json
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.spool import Outage, Spool
from tripper_assets.catalog.spooled_workflows import SpooledWorkflows
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.errors import ConfigurationError, NotFoundError, PermanentError, TransientError
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow, WorkflowError, WorkflowFile, WorkflowStatus
from tripper_assets_tests.outage import NOBODY, outage

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = make_source("https://zoo.example/")
Write = Callable[[Workflows, str], object]


def after(minutes: int) -> datetime:
    return AT + timedelta(minutes=minutes)


def file(uri: str, size: int = 10) -> WorkflowFile:
    return WorkflowFile(asset="raw_activities", run_id="r", uri=uri, bytes=size, rows=2, sha256="a" * 64, created_at=AT)


ERROR = WorkflowError(stage="images_map", kind="TransientError", message="the store is down\0", at=AT)
WRITES: list[Write] = [
    lambda rows, name: rows.set_status(name, "running", at=AT),
    lambda rows, name: rows.stage_started(name, "raw_activities", AT, run_id="r"),
    lambda rows, name: rows.stage_progress(name, "raw_activities", {"fetched": 3, "by_kind": {"a": 1}}, 0.5),
    lambda rows, name: rows.add_file(name, file("file:///raw.jsonl")),
    lambda rows, name: rows.stage_ended(name, "raw_activities", "completed", after(1), {"rows": 5, "why": "nul\0"}),
    lambda rows, name: rows.stage_started(name, "images_map", after(2), run_id="r"),
    lambda rows, name: rows.add_error(name, ERROR),
    lambda rows, name: rows.stage_ended(name, "images_map", "failed", after(3), {}),
    lambda rows, name: rows.set_status(name, "failed", "images_map: the store is down", at=after(3)),
]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", Outage(pause_seconds=0))


@pytest.fixture
def up(database: Database, spool: Spool) -> SpooledWorkflows:
    """Workflows whose catalog answers."""
    SourceRegistry(database).sync([SITE])
    return SpooledWorkflows(database, spool)


@pytest.fixture
def down(spool: Spool) -> SpooledWorkflows:
    """The same ones, while their catalog is down."""
    return SpooledWorkflows(Database(NOBODY), spool)


def start(workflows: Workflows, name: str = "w1", status: WorkflowStatus = "queued") -> str:
    workflows.start(
        Workflow(id=name, source_key=SITE.key, source_url=SITE.url, status=status, config={}, created_at=AT)
    )
    return name


def told(workflows: Workflows, name: str = "w1") -> tuple[Workflow, list[tuple[str, Any, Any]]]:
    """Return a workflow's rows under no name, and its events apart from those that tell of a replay."""
    found = workflows.get(name)
    assert found is not None
    events = [one for one in workflows.events(name) if one[0] != "replayed"]
    return found.model_copy(update={"id": ""}), events


def replays(workflows: Workflows, name: str = "w1") -> list[dict[str, Any]]:
    return [payload for kind, payload, _ in workflows.events(name) if kind == "replayed"]


def lines(spool_folder: Path, name: str = "w1", suffix: str = ".jsonl") -> list[dict[str, Any]]:
    path = spool_folder / f"{name}{suffix}"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_every_write_is_kept_while_the_catalog_is_down_and_none_raises(
    up: SpooledWorkflows, down: SpooledWorkflows, spool: Spool, tmp_path: Path
) -> None:
    start(up)

    for write in WRITES:
        write(down, "w1")

    assert [line.get("call") for line in lines(tmp_path / "spool")[1:]] == [
        "set_status", "stage_started", "stage_progress", "add_file", "stage_ended",
        "stage_started", "add_error", "stage_ended", "set_status",
    ]  # fmt: skip
    assert spool.topics() == ["w1"]


def test_what_needs_an_answer_or_a_decision_still_fails(down: SpooledWorkflows) -> None:
    for call in (
        lambda: start(down),
        lambda: down.get("w1"),
        down.list,
        lambda: down.decide("w1", "b" * 64, "approved", by="ada", at=AT),
        lambda: down.replay("w1") or down.events("w1"),
    ):
        with pytest.raises(TransientError, match="does not answer"):
            call()


@pytest.mark.parametrize("begin", [pytest.param(one, marks=pytest.mark.long if one != 2 else ()) for one in range(9)])
def test_wherever_an_outage_begins_and_ends_the_rows_and_events_are_those_of_an_undisturbed_run(
    up: SpooledWorkflows, down: SpooledWorkflows, spool: Spool, begin: int
) -> None:
    start(up, "calm")
    for write in WRITES:
        write(up, "calm")
    found: dict[int, Any] = {}

    for end in range(begin + 1, len(WRITES) + 1):
        name = start(up, f"down-{end}")
        for number, write in enumerate(WRITES):
            write(down if begin <= number < end else up, name)
        up.replay(name)
        found[end] = told(up, name)

    assert {end: rows for end, rows in found.items() if rows != told(up, "calm")} == {}
    assert len(found) == 9 - begin
    assert spool.topics() == []
    assert [one["lines"] for one in replays(up, f"down-{begin + 1}")] == [1]


def test_a_real_server_that_turns_us_away_loses_nothing(
    up: SpooledWorkflows, database: Database, database_url: str
) -> None:
    start(up, "calm")
    start(up, "struck")
    for write in WRITES:
        write(up, "calm")

    for write in WRITES[:3]:
        write(up, "struck")
    with outage(database_url):
        for write in WRITES[3:7]:
            write(up, "struck")
        with pytest.raises(TransientError, match="does not answer"):
            database.check()
    for write in WRITES[7:]:
        write(up, "struck")

    assert told(up, "struck") == told(up, "calm")
    assert [(one["lines"], one["refused"]) for one in replays(up, "struck")] == [(4, 0)]


def test_a_write_never_goes_before_what_waits(up: SpooledWorkflows, down: SpooledWorkflows) -> None:
    start(up)
    down.stage_started("w1", "raw_activities", AT)

    up.stage_ended("w1", "raw_activities", "completed", after(1), {})

    assert [kind for kind, _, _ in up.events("w1")] == ["started", "stage_started", "replayed", "stage_completed"]


def test_what_waits_is_written_whole_or_not_at_all(
    up: SpooledWorkflows, down: SpooledWorkflows, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(up)
    for write in WRITES:
        write(down, "w1")
    before = told(up)

    def lost(*_: object, **__: object) -> None:
        raise TransientError("The connection was lost.")

    with monkeypatch.context() as patch:
        patch.setattr(Workflows, "add_error", lost)
        with pytest.raises(TransientError):
            up.replay("w1")
    between = told(up)
    up.replay("w1")

    assert between == before
    assert told(up) != before
    assert spool.topics() == []


def test_lines_of_one_that_was_killed_before_it_could_forget_them_are_not_written_again(
    up: SpooledWorkflows, down: SpooledWorkflows, tmp_path: Path
) -> None:
    start(up)
    for write in WRITES[:6]:
        write(down, "w1")
    kept = tmp_path / "kept"
    shutil.copyfile(tmp_path / "spool" / "w1.jsonl", kept)
    up.replay("w1")
    once = (up.get("w1"), up.events("w1"))
    shutil.copyfile(kept, tmp_path / "spool" / "w1.jsonl")  # as if it had been killed before it could unlink it

    up.replay("w1")

    assert (up.get("w1"), up.events("w1")) == once
    assert not (tmp_path / "spool" / "w1.jsonl").exists()


def test_lines_that_came_after_such_a_kill_are_written_all_the_same(
    up: SpooledWorkflows, down: SpooledWorkflows, tmp_path: Path
) -> None:
    # The kill came between commit and forgetting, and the catalog was down again when the next run wrote its lines behind the old ones.
    start(up, "calm")
    start(up)
    for write in WRITES:
        write(up, "calm")
    for write in WRITES[:4]:
        write(down, "w1")
    kept = tmp_path / "kept"
    shutil.copyfile(tmp_path / "spool" / "w1.jsonl", kept)
    up.replay("w1")
    shutil.copyfile(kept, tmp_path / "spool" / "w1.jsonl")
    for write in WRITES[4:6]:
        write(down, "w1")
    shutil.copyfile(tmp_path / "spool" / "w1.jsonl", kept)
    up.replay("w1")
    shutil.copyfile(kept, tmp_path / "spool" / "w1.jsonl")  # and once more
    for write in WRITES[6:]:
        write(down, "w1")

    up.replay("w1")

    assert told(up) == told(up, "calm")
    assert [one["lines"] for one in replays(up)] == [4, 6, 9]


def test_a_line_that_the_catalog_refuses_for_good_is_set_aside_and_the_rest_is_written(
    up: SpooledWorkflows, down: SpooledWorkflows, tmp_path: Path
) -> None:
    start(up, status="running")
    down.set_status("w1", "completed", at=AT)
    down.set_status("w1", "failed", "too late", at=AT)
    down.add_file("w1", file("file:///raw.jsonl", size=-1))
    down.add_file("w1", file("file:///final.jsonl"))

    up.replay("w1")

    found = up.get("w1")
    assert found is not None
    assert (found.status, [one.uri for one in found.files]) == ("completed", ["file:///final.jsonl"])
    assert [(one["lines"], one["refused"]) for one in replays(up)] == [(4, 2)]
    late, negative = lines(tmp_path / "spool", suffix=".refused")
    assert (late["call"], late["refused"]) == (
        "set_status",
        "The workflow w1 is completed and cannot become failed; run its source again.",
    )
    assert negative["arguments"]["file"]["uri"] == "file:///raw.jsonl"
    assert "violates check constraint" in negative["refused"]


@pytest.mark.parametrize(
    "line",
    [
        {"call": "set_mood", "arguments": {"mood": "well"}},
        {"call": "set_status", "arguments": {"status": "running", "mood": "well"}},
        {"call": "add_file", "arguments": {"file": {"name": "raw"}}},
        {"call": "stage_started", "arguments": {"asset": "raw_activities", "at": "yesterday"}},
        {"called": "set_status"},
    ],
)
def test_a_line_of_another_version_is_set_aside_and_holds_up_nothing(
    up: SpooledWorkflows, down: SpooledWorkflows, spool: Spool, tmp_path: Path, line: dict[str, Any]
) -> None:
    start(up)
    down.set_status("w1", "running", at=AT)
    spool.add("w1", line)
    down.set_status("w1", "failed", "no", at=AT)

    up.replay("w1")

    found = up.get("w1")
    assert found is not None
    assert found.status == "failed"
    (aside,) = lines(tmp_path / "spool", suffix=".refused")
    assert aside.pop("refused").startswith("The line ")
    assert aside == line


def test_lines_of_a_workflow_that_the_catalog_does_not_know_are_set_aside(
    up: SpooledWorkflows, down: SpooledWorkflows, spool: Spool, tmp_path: Path
) -> None:
    down.set_status("never-started", "running", at=AT)

    up.replay("never-started")

    (aside,) = lines(tmp_path / "spool", "never-started", ".refused")
    assert aside["refused"] == "There is no workflow never-started; `tripper status` lists those that there are."
    assert spool.topics() == []
    with pytest.raises(NotFoundError):
        up.set_status("never-started", "running", at=AT)


def test_an_old_schema_refuses_no_line_for_good(
    up: SpooledWorkflows, down: SpooledWorkflows, database: Database, spool: Spool
) -> None:
    start(up)
    for write in WRITES:
        write(down, "w1")
    with database.connection() as connection:
        connection.execute(text("ALTER TABLE tripper.workflow_files RENAME TO files_of_another_version"))
    with pytest.raises(ConfigurationError, match="run `tripper db upgrade`"):
        up.replay("w1")
    with database.connection() as connection:
        connection.execute(text("ALTER TABLE tripper.files_of_another_version RENAME TO workflow_files"))

    up.replay("w1")

    assert [(one["lines"], one["refused"]) for one in replays(up)] == [(len(WRITES), 0)]
    assert spool.topics() == []


def test_a_refusal_while_the_catalog_answers_is_an_error_as_ever(up: SpooledWorkflows, spool: Spool) -> None:
    start(up, status="running")

    with pytest.raises(PermanentError, match="is running and cannot become queued"):
        up.set_status("w1", "queued")

    assert spool.topics() == []


def test_within_a_pause_after_an_outage_began_nobody_tries_to_connect(tmp_path: Path) -> None:
    now, tried = [0.0], list[float]()
    database = Database(NOBODY)
    spool = Spool(tmp_path / "spool", Outage(pause_seconds=2, seconds=lambda: now[0]))
    workflows = SpooledWorkflows(database, spool)

    @event.listens_for(database.engine, "do_connect")
    def _note(*_: object) -> None:
        tried.append(now[0])

    for moment in (0.5, 1.0, 2.4, 2.5, 3.0, 4.6):
        now[0] = moment
        workflows.stage_progress("w1", "raw_activities", {}, 0.5)

    assert sorted(set(tried)) == [0.5, 2.5, 4.6]
    assert len(lines(tmp_path / "spool")) == 1 + 6


def test_of_several_that_write_what_waits_at_once_one_does(
    up: SpooledWorkflows, down: SpooledWorkflows, database: Database, tmp_path: Path
) -> None:
    start(up, "calm")
    start(up)
    for write in WRITES:
        write(up, "calm")
        write(down, "w1")
    others = [SpooledWorkflows(database, Spool(tmp_path / "spool")) for _ in range(4)]

    threads = [threading.Thread(target=one.replay, args=("w1",)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told(up) == told(up, "calm")
    assert len(replays(up)) == 1
