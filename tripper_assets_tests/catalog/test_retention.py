"""What may go is read in pages, and looked at again just before it goes: a retry or a person may have been faster."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tripper_assets.catalog.retention import Retention
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.errors import NotFoundError, TransientError
from tripper_assets.domain.retention import RETIRED, Expired, expired_files
from tripper_assets.domain.workflows import Workflow, WorkflowFile, WorkflowStatus
from tripper_assets_tests.catalog.conftest import AT, Site

DAY = timedelta(days=1)
WITHOUT_FILES: tuple[str, ...] = ()


@pytest.fixture
def workflows(site: Site) -> Workflows:
    return Workflows(site.database)


def write(
    site: Site, name: str, status: WorkflowStatus = "completed", assets: tuple[str, ...] = ("raw_activities",)
) -> None:
    workflows = Workflows(site.database)
    workflows.start(
        Workflow(
            id=name, source_key=site.source.key, source_url=site.source.url, status="running", config={}, created_at=AT
        )
    )
    for asset in assets:
        uri = f"memory:/{asset}/{name}"
        workflows.add_file(
            name, WorkflowFile(asset=asset, run_id="run", uri=uri, bytes=1, rows=1, sha256="", created_at=AT)
        )
    workflows.set_status(name, status, at=AT)


def ids(pages: list[list[Workflow]]) -> list[list[str]]:
    return [[one.id for one in page] for page in pages]


def expired(retention: Retention, status: WorkflowStatus = "completed") -> list[Expired]:
    [page] = retention.with_files(status, RETIRED)
    return expired_files(page, now=AT + DAY, age=DAY)


def deleted(workflows: Workflows, name: str) -> list[str]:
    found = workflows.get(name)
    assert found is not None
    return [file.uri for file in found.files if file.deleted_at]


def test_pages_hold_every_workflow_with_files_once_the_oldest_first(
    site: Site, make_site: Callable[[str], Site]
) -> None:
    for number in range(5):
        write(site, f"w{number}")
    write(site, "without", assets=WITHOUT_FILES)
    write(site, "others", assets=("activities",))
    write(site, "failed", "failed")
    other = make_site("park.example")
    write(other, "w9")
    retention = Retention(site.database, at_once=2)

    assert ids(list(retention.with_files("completed", RETIRED))) == [["w0", "w1"], ["w2", "w3"], ["w4", "w9"]]
    assert ids(list(retention.with_files("completed", RETIRED, source_key=other.source.key))) == [["w9"]]
    assert ids(list(retention.with_files("failed", RETIRED))) == [["failed"]]
    assert list(retention.with_files("canceled", RETIRED)) == []


def test_pages_go_on_behind_those_whose_files_went_meanwhile(site: Site) -> None:
    for number in range(5):
        write(site, f"w{number}")
    retention, seen = Retention(site.database, at_once=2), list[str]()

    for page in retention.with_files("completed", RETIRED):
        seen += [one.id for one in page]
        retention.retire(expired_files(page, now=AT + DAY, age=DAY), at=AT, remove=lambda _: None)

    assert seen == [f"w{number}" for number in range(5)]
    assert list(retention.with_files("completed", RETIRED)) == []


def test_what_went_is_noted_with_an_event_that_names_it(site: Site, workflows: Workflows) -> None:
    write(site, "w1")
    retention, removed = Retention(site.database), list[str]()

    gone = retention.retire(
        expired(retention), at=AT + DAY, remove=lambda going: removed.extend(one.workflow.id for one in going)
    )

    assert ([one.workflow.id for one in gone], removed) == (["w1"], ["w1"])
    assert deleted(workflows, "w1") == ["memory:/raw_activities/w1"]
    kind, payload, at = workflows.events("w1")[-1]
    assert (kind, payload, at) == ("files_deleted", {"uris": ["memory:/raw_activities/w1"]}, AT + DAY)


def test_a_workflow_that_was_retried_or_kept_since_it_was_chosen_is_left_alone(
    site: Site, workflows: Workflows
) -> None:
    for name in ("w1", "w2", "w3"):
        write(site, name, "failed")
    retention = Retention(site.database)
    chosen = expired(retention, "failed")
    workflows.set_status("w1", "running")
    retention.keep("w2", by="ann", at=AT)

    gone = retention.retire(chosen, at=AT, remove=lambda _: None)

    assert [one.workflow.id for one in gone] == ["w3"]
    assert [deleted(workflows, name) for name in ("w1", "w2")] == [[], []]


def test_a_store_that_fails_leaves_every_row_as_it_was(site: Site, workflows: Workflows) -> None:
    write(site, "w1")
    retention = Retention(site.database)

    def fail(_: list[Expired]) -> None:
        raise TransientError("The store is down.")

    with pytest.raises(TransientError):
        retention.retire(expired(retention), at=AT, remove=fail)

    assert deleted(workflows, "w1") == []


def test_a_person_keeps_and_releases_a_workflow_and_both_are_told_once(site: Site, workflows: Workflows) -> None:
    write(site, "w1")
    retention = Retention(site.database)

    retention.keep("w1", by="ann", at=AT, reason="a strange\x00 page")
    retention.keep("w1", by="bob", at=AT + DAY)
    kept, pages = workflows.get("w1"), list(retention.with_files("completed", RETIRED))
    retention.release("w1", by="eve", at=AT + DAY)
    retention.release("w1", by="eve", at=AT + DAY)

    assert kept is not None
    assert (kept.kept_at, pages) == (AT, [])
    assert len(expired(retention)) == 1
    told = [(kind, payload) for kind, payload, _ in workflows.events("w1") if kind in ("kept", "released")]
    assert told == [("kept", {"by": "ann", "reason": "a strange page"}), ("released", {"by": "eve"})]


def test_a_workflow_that_there_is_not_cannot_be_kept(site: Site) -> None:
    with pytest.raises(NotFoundError, match="There is no workflow nobody"):
        Retention(site.database).keep("nobody", by="ann", at=AT)
