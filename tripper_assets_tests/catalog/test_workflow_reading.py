"""What lists read of workflows and sources: whole, in the order of time, page by page, in one statement each."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event

from tripper_assets.catalog.claims import SourceClaims
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.source_reading import read_sources, source_view
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflow_reading import WorkflowFilter, read_workflows, workflow_counts, workflow_views
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.claims import Claim
from tripper_assets.domain.errors import QuestionRefusedError
from tripper_assets.domain.workflows import Workflow, WorkflowError, WorkflowFile
from tripper_assets_tests.catalog.conftest import AT, Site

MINUTE = timedelta(minutes=1)


def begin(site: Site, name: str, *, minutes: int = 0) -> str:
    workflow = Workflow(
        id=name,
        source_key=site.source.key,
        source_url=site.source.url,
        status="running",
        config={},
        created_at=AT + minutes * MINUTE,
    )
    Workflows(site.database).start(workflow)
    return name


def bundle(site: Site, workflow_id: str, *, rows: int = 3, minutes: int = 0) -> None:
    file = WorkflowFile(
        asset="final_jsonl",
        run_id="run",
        uri=f"memory://{workflow_id}",
        bytes=10,
        rows=rows,
        sha256="a" * 64,
        created_at=AT + minutes * MINUTE,
    )
    Workflows(site.database).add_file(workflow_id, file)


def statements(database: Database, work: Callable[[], object]) -> int:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return len(seen)


def test_a_workflow_is_shown_with_its_stages_its_bundle_its_problems_and_its_last_error(site: Site) -> None:
    workflows, name = Workflows(site.database), begin(site, "w1")
    workflows.stage_started(name, "raw_activities", AT, run_id="run")
    workflows.stage_ended(name, "raw_activities", "completed", AT + MINUTE, {"rows": 3, "problems": 2})
    workflows.stage_started(name, "activities", AT + MINUTE, run_id="run")
    workflows.stage_progress(name, "activities", {"rows": 1}, 0.5)
    workflows.add_error(name, WorkflowError(stage="activities", kind="TransientError", message="It rains.", at=AT))
    bundle(site, name)

    (found,) = read_workflows(site.database).workflows

    assert [(one.asset, one.status, one.progress) for one in found.stages] == [
        ("raw_activities", "completed", 1.0),
        ("activities", "running", 0.5),
    ]
    assert (found.problems, found.errors, found.last_error) == (2, 1, "It rains.")
    assert found.bundle_sha256 == "a" * 64
    assert workflow_views(site.database, [name, "another"]) == [found]


def test_pages_of_workflows_go_back_in_time_and_show_each_once_whatever_begins_meanwhile(site: Site) -> None:
    for number in range(5):
        begin(site, f"w{number}", minutes=number // 2)  # two of one moment

    first = read_workflows(site.database, limit=2)
    begin(site, "newer", minutes=9)
    second = read_workflows(site.database, after=first.next or "", limit=2)
    third = read_workflows(site.database, after=second.next or "", limit=2)

    shown = [one.id for page in (first, second, third) for one in page.workflows]
    assert shown == ["w4", "w3", "w2", "w1", "w0"]
    assert third.next is None


def test_a_list_is_narrowed_by_state_source_and_location(make_site: Callable[[str], Site]) -> None:
    zoo, park = make_site("zoo.example"), make_site("park.example")
    begin(zoo, "w1")
    begin(park, "w2")
    Workflows(zoo.database).set_status("w1", "failed")

    def shown(where: WorkflowFilter) -> list[str]:
        return [one.id for one in read_workflows(zoo.database, where).workflows]

    assert shown(WorkflowFilter(status=("failed", "review"))) == ["w1"]
    assert shown(WorkflowFilter(source_key=park.source.key)) == ["w2"]
    assert shown(WorkflowFilter(location_id="nowhere")) == []
    counts = workflow_counts(zoo.database)
    assert (counts["failed"], counts["running"], counts["review"]) == (1, 1, 0)


def test_a_source_is_shown_with_its_last_good_result_its_last_workflow_and_who_works_on_it(site: Site) -> None:
    begin(site, "good")
    bundle(site, "good", rows=7, minutes=1)
    begin(site, "bad", minutes=5)
    Workflows(site.database).set_status("bad", "failed", "It rains.")
    claim = Claim(
        source_key=site.source.key,
        run_id="run",
        workflow_id="bad",
        host="here",
        pid=1,
        process_started=1.0,
        claimed_at=AT,
    )
    SourceClaims(site.database).take(claim)
    site.load(site.activities(2))

    found = source_view(site.database, site.source.key)

    assert found is not None
    assert found.last_result is not None
    assert (found.last_result.workflow_id, found.last_result.activities) == ("good", 7)
    assert found.age_seconds(AT + 2 * MINUTE) == 60
    assert found.last_workflow is not None
    assert (found.last_workflow.id, found.last_workflow.reason) == ("bad", "It rains.")
    assert found.claim is not None
    assert found.claim.run_id == "run"
    assert found.activities == 2


def test_removed_sources_are_in_no_list_and_pages_go_by_key(make_site: Callable[[str], Site]) -> None:
    sites = [make_site(f"{name}.example") for name in "abcd"]
    database = sites[0].database
    SourceRegistry(database).remove(sites[1].source.key)

    first = read_sources(database, limit=2)
    second = read_sources(database, after=first.next or "", limit=2)

    keys = [one.source.key for one in sites]
    assert [one.key for one in (*first.sources, *second.sources)] == [keys[0], keys[2], keys[3]]
    assert second.next is None
    assert source_view(database, keys[1]) is None


def test_a_long_page_takes_as_many_statements_as_a_short_one(site: Site) -> None:
    for number in range(30):
        begin(site, f"w{number}", minutes=number)

    for read in (read_workflows, read_sources):
        short, long = (
            statements(site.database, lambda count=count, read=read: read(site.database, limit=count))
            for count in (1, 30)
        )
        assert short == long


@pytest.mark.parametrize("cursor", ["x", "%%%", "W10", "WyJhIiwgImIiXQ", "é", "WzEsMl0"])
def test_a_cursor_of_no_page_and_a_limit_that_is_none_are_refused(database: Database, cursor: str) -> None:
    for read in (read_workflows, read_sources):
        with pytest.raises(QuestionRefusedError, match="begin without one"):
            read(database, after=cursor)
        with pytest.raises(QuestionRefusedError, match="1 to 200"):
            read(database, limit=0)
