import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.errors import NotFoundError, PermanentError
from tripper_assets.domain.sources import Location, make_source
from tripper_assets.domain.workflows import (
    ImportSummary,
    Workflow,
    WorkflowError,
    WorkflowFile,
    WorkflowStage,
    WorkflowStatus,
)

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = make_source("https://zoo.example/")
FARM = make_source("https://farm.example/")
BONN = Location(id="bonn", name="Bonn", country_code="DE", queries=("playgrounds",))
BUNDLE = "b" * 64


@pytest.fixture
def workflows(database: Database) -> Workflows:
    registry = SourceRegistry(database)
    registry.sync([SITE, FARM])
    return Workflows(database)


def workflow(name: str = "wf-1", status: WorkflowStatus = "running", minute: int = 0, **fields: object) -> Workflow:
    started = None if status == "queued" else AT
    values = {"source_key": SITE.key, "source_url": SITE.url, "config": {"max_pages": 5}, "trigger": "cli"}
    created = AT + timedelta(minutes=minute)
    return Workflow.model_validate(
        {"id": name, "status": status, "created_at": created, "started_at": started, **values, **fields}
    )


def file(uri: str = "file:///raw.jsonl", **fields: object) -> WorkflowFile:
    values = {
        "asset": "raw_activities",
        "run_id": "run-1",
        "bytes": 10,
        "rows": 2,
        "sha256": "a" * 64,
        "created_at": AT,
    }
    return WorkflowFile.model_validate({"uri": uri, **values, **fields})


def test_a_workflow_comes_back_as_it_was_started(workflows: Workflows, database: Database) -> None:
    started = workflow(location_id="bonn")

    workflows.start(started, BONN)

    assert workflows.get("wf-1") == started
    assert SourceRegistry(database).get_location("bonn") == BONN
    assert workflows.get("wf-2") is None


def test_workflow_and_location_are_written_together_or_not_at_all(workflows: Workflows, database: Database) -> None:
    with pytest.raises(PermanentError):
        workflows.start(workflow(location_id="elsewhere"), BONN)

    assert SourceRegistry(database).locations() == []
    assert workflows.list() == []


def test_starting_again_goes_on_with_the_same_workflow(workflows: Workflows) -> None:
    workflows.start(workflow(status="queued"))

    workflows.start(workflow(status="running"))
    workflows.start(workflow(status="running"))

    found = workflows.get("wf-1")
    assert found is not None
    assert (found.status, found.started_at) == ("running", AT)
    assert [kind for kind, _, _ in workflows.events("wf-1")] == ["started", "status"]


def test_a_workflow_of_an_unknown_source_is_refused(workflows: Workflows) -> None:
    with pytest.raises(NotFoundError, match="tripper sources add"):
        workflows.start(workflow(source_key="nowhere-00000000"))


def test_a_workflow_id_belongs_to_one_source(workflows: Workflows) -> None:
    workflows.start(workflow())

    with pytest.raises(PermanentError, match=f"belongs to {SITE.key}"):
        workflows.start(workflow(source_key=FARM.key))


def test_states_follow_the_law_and_leave_their_times(workflows: Workflows) -> None:
    workflows.start(workflow(status="queued"))

    workflows.set_status("wf-1", "running", at=AT)
    workflows.set_status("wf-1", "failed", "images: the disk is full", at=AT + timedelta(minutes=2))

    failed = workflows.get("wf-1")
    assert failed is not None
    assert (failed.status, failed.reason) == ("failed", "images: the disk is full")
    assert (failed.started_at, failed.completed_at) == (AT, AT + timedelta(minutes=2))
    with pytest.raises(PermanentError, match="is failed and cannot become completed"):
        workflows.set_status("wf-1", "completed")
    workflows.set_status("wf-1", "running")
    again = workflows.get("wf-1")
    assert again is not None
    assert (again.completed_at, again.reason) == (None, "")


def test_a_clock_that_was_set_back_ends_nothing_before_it_began(workflows: Workflows) -> None:
    workflows.start(workflow())

    workflows.set_status("wf-1", "completed", at=AT - timedelta(hours=1))

    found = workflows.get("wf-1")
    assert found is not None
    assert found.completed_at == AT


def test_without_a_time_the_database_clock_counts(workflows: Workflows) -> None:
    workflows.start(workflow(status="queued"))

    workflows.set_status("wf-1", "running")

    found = workflows.get("wf-1")
    assert found is not None
    assert found.started_at is not None
    assert found.started_at > AT - timedelta(days=3650)


def test_stages_tell_of_their_last_run(workflows: Workflows) -> None:
    workflows.start(workflow())
    later = AT + timedelta(minutes=1)

    workflows.stage_started("wf-1", "images_map", AT)
    workflows.stage_ended("wf-1", "images_map", "failed", later, {"rows": 1, "why": "nul\0"})
    workflows.stage_started("wf-1", "images_map", later)
    workflows.stage_ended("wf-1", "images_map", "completed", AT, {"rows": 3})
    workflows.stage_ended("wf-1", "final_jsonl", "skipped", AT, {})

    found = workflows.get("wf-1")
    assert found is not None
    assert found.stages == [
        WorkflowStage(asset="final_jsonl", status="skipped", started_at=AT, ended_at=AT, progress=1),
        WorkflowStage(
            asset="images_map", status="completed", started_at=later, ended_at=later, counts={"rows": 3}, progress=1
        ),
    ]


def test_progress_never_falls_within_a_run_and_begins_anew_with_the_next(workflows: Workflows) -> None:
    def progress() -> float:
        found = workflows.get("wf-1")
        assert found is not None
        return found.stages[0].progress

    workflows.start(workflow())
    seen: list[float] = []
    workflows.stage_started("wf-1", "raw_activities", AT, run_id="first")
    for share in (0.5, 0.25, 7.0):
        workflows.stage_progress("wf-1", "raw_activities", {"fetched": 1}, share)
        seen.append(progress())
    workflows.stage_ended("wf-1", "raw_activities", "failed", AT, {})
    workflows.stage_started("wf-1", "raw_activities", AT, run_id="first")
    seen.append(progress())
    workflows.stage_started("wf-1", "raw_activities", AT, run_id="second")
    seen.append(progress())

    assert seen == [0.5, 0.5, 1, 1, 0]


def test_files_keep_their_rows_when_they_are_deleted(workflows: Workflows) -> None:
    workflows.start(workflow())
    workflows.add_file("wf-1", file())
    workflows.add_file("wf-1", file())
    workflows.add_file("wf-1", file("file:///final.jsonl"))

    workflows.mark_deleted("wf-1", ["file:///raw.jsonl", "file:///unknown"], AT)
    workflows.mark_deleted("wf-1", ["file:///raw.jsonl"], AT + timedelta(days=1))

    found = workflows.get("wf-1")
    assert found is not None
    assert found.files == [file(deleted_at=AT), file("file:///final.jsonl")]
    workflows.add_file("wf-1", file())  # stored anew by a retry
    again = workflows.get("wf-1")
    assert again is not None
    assert again.files[0].deleted_at is None


def test_the_same_error_is_noted_once(workflows: Workflows) -> None:
    workflows.start(workflow())
    error = WorkflowError(stage="images_map", kind="TransientError", message="the store is down\0", at=AT)

    workflows.add_error("wf-1", error)
    workflows.add_error("wf-1", error)

    found = workflows.get("wf-1")
    assert found is not None
    assert found.errors == [error.model_copy(update={"message": "the store is down"})]


def test_the_import_summary_is_kept(workflows: Workflows) -> None:
    workflows.start(workflow())
    summary = ImportSummary(lines=2, inserted=1, rejected=1, rejections={"x": "not_a_number"})

    workflows.set_import_summary("wf-1", summary, 2)
    workflows.set_import_summary("wf-1", summary, 2)

    found = workflows.get("wf-1")
    assert found is not None
    assert (found.import_summary, found.activities_processed) == (summary, 2)
    assert [kind for kind, _, _ in workflows.events("wf-1")].count("imported") == 1


def test_the_beginning_of_an_id_is_enough_where_it_is_the_only_one(workflows: Workflows) -> None:
    for name in ("abcd-1", "abcd-2", "abxy-1"):
        workflows.start(workflow(name))

    found = workflows.get("abxy")
    assert found is not None
    assert found.id == "abxy-1"
    assert workflows.get("abx") is None  # too short to be meant
    assert workflows.get("ab%_") is None
    with pytest.raises(PermanentError, match="abcd-1, abcd-2"):
        workflows.get("abcd")


def test_workflows_are_listed_from_the_newest(workflows: Workflows) -> None:
    workflows.start(workflow("old", minute=0))
    workflows.start(workflow("new", minute=2))
    workflows.start(workflow("other", minute=1, source_key=FARM.key))
    workflows.set_status("old", "completed")

    assert [one.id for one in workflows.list()] == ["new", "other", "old"]
    assert [one.id for one in workflows.list(SITE.key)] == ["new", "old"]
    assert [one.id for one in workflows.list(status="completed")] == ["old"]
    assert [one.id for one in workflows.list(limit=1)] == ["new"]


@pytest.mark.parametrize(
    "statement", ["UPDATE tripper.workflow_events SET kind = 'x'", "DELETE FROM tripper.workflow_events", "TRUNCATE tripper.workflow_events"]
)  # fmt: skip
def test_events_can_only_be_added(workflows: Workflows, database: Database, statement: str) -> None:
    workflows.start(workflow())
    workflows.event("wf-1", "noted", {"by": "a person"}, at=AT)

    with pytest.raises(PermanentError, match="append-only"), database.connection() as connection:
        connection.execute(text(statement))

    assert workflows.events("wf-1")[-1] == ("noted", {"by": "a person"}, AT)


def test_many_workflows_are_started_in_one_call_as_each_would_be_by_itself(workflows: Workflows) -> None:
    workflows.start(workflow("wf-2", status="queued"))
    many = [workflow(f"wf-{number}") for number in range(5)]

    workflows.start_all(many)
    workflows.start_all([])

    assert {one.id: one.status for one in workflows.list()} == {f"wf-{number}": "running" for number in range(5)}
    assert [kind for kind, _, _ in workflows.events("wf-1")] == ["started"]
    assert [kind for kind, _, _ in workflows.events("wf-2")] == ["started", "status"]


def test_of_many_workflows_all_are_started_or_none(workflows: Workflows) -> None:
    stranger = workflow("wf-3").model_copy(update={"source_key": "nowhere-00000000"})

    with pytest.raises(NotFoundError, match="wf-3 needs the source nowhere"):
        workflows.start_all([workflow("wf-1"), stranger])

    assert workflows.list() == []


def test_writing_about_an_unknown_workflow_is_an_error(workflows: Workflows) -> None:
    with pytest.raises(NotFoundError, match="tripper status"):
        workflows.stage_started("nowhere", "images_map", AT)


def test_two_reviewers_make_one_decision(workflows: Workflows, database: Database) -> None:
    workflows.start(workflow(status="queued"))
    threads = [
        threading.Thread(target=workflows.decide, args=("wf-1", BUNDLE, "approved", f"reviewer {number}", AT))
        for number in range(8)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.connection() as connection:
        assert connection.scalar(text("SELECT count(*) FROM tripper.decisions")) == 1
    assert [kind for kind, _, _ in workflows.events("wf-1")] == ["started", "approved"]


def test_the_last_decision_on_a_bundle_counts(workflows: Workflows) -> None:
    workflows.start(workflow())
    assert workflows.decision_for(BUNDLE, SITE.key) is None

    workflows.decide("wf-1", BUNDLE, "rejected", by="ann", at=AT, reason="half of it is missing")
    workflows.decide("wf-1", BUNDLE, "approved", by="bob", at=AT, overrides=["removals"])
    workflows.decide("wf-1", BUNDLE, "approved", by="cem", at=AT, overrides=["count"])

    decision = workflows.decision_for(BUNDLE, SITE.key)
    assert decision is not None
    assert (decision.decision, decision.by, decision.overrides) == ("approved", "cem", ("count", "removals"))
    assert workflows.decision_for("c" * 64, SITE.key) is None


def test_an_imported_bundle_cannot_be_rejected_any_more(workflows: Workflows, database: Database) -> None:
    workflows.start(workflow())
    assert workflows.imported_bundle(SITE.key) is None
    with database.connection() as connection:
        connection.execute(text("UPDATE tripper.sources SET bundle_sha256 = :bundle"), {"bundle": BUNDLE})

    assert workflows.imported_bundle(SITE.key) == BUNDLE
    with pytest.raises(PermanentError, match="was imported already"):
        workflows.decide("wf-1", BUNDLE, "rejected", by="ann", at=AT)
