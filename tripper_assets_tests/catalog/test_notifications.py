"""The outbox: each change of a workflow is looked at once, and a message waits until it has arrived."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.notifications import LEASE_SECONDS, Notifications
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.notifications import TOLD_WITHIN, Change, Notification, kind_of, notification
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets.domain.workflows import ImportSummary, Workflow

NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ONE = make_source("https://example.org/")


@pytest.fixture
def outbox(database: Database) -> Notifications:
    found = Notifications(database)
    assert found.untold(NOW) == []
    return found


@pytest.fixture
def workflows(database: Database) -> Workflows:
    SourceRegistry(database).add(ONE)
    return Workflows(database)


def started(workflows: Workflows, name: str, at: datetime = NOW) -> None:
    values = {"source_key": ONE.key, "source_url": ONE.url, "status": "running", "config": {}, "created_at": at}
    workflows.start(Workflow.model_validate({"id": name, **values}))


def failed(workflows: Workflows, name: str, at: datetime = NOW) -> None:
    started(workflows, name, at)
    workflows.set_status(name, "failed", f"{name} is down.", at=at)


def noted(outbox: Notifications, now: datetime = NOW) -> list[Notification]:
    looked_at: list[tuple[Change, Notification | None]] = []
    for change in outbox.untold(now):
        kind = kind_of(change)
        looked_at.append((change, notification(change, kind, "http://pages") if kind else None))
    outbox.note(looked_at, now)
    return [message for _, message in looked_at if message]


def taken(outbox: Notifications, now: datetime) -> tuple[str, int] | None:
    found = outbox.take(now)
    return (found[0].workflow_id, found[1]) if found else None


def test_a_change_is_found_once_with_what_is_known_of_its_workflow(outbox: Notifications, workflows: Workflows) -> None:
    failed(workflows, "w")

    (change,) = outbox.untold(NOW + SECOND)
    outbox.note([(change, None)], NOW + SECOND)

    assert (change.workflow_id, change.source_url, change.was, change.became) == ("w", ONE.url, "running", "failed")
    assert (change.reason, change.at, change.held_by, change.imports_itself) == ("w is down.", NOW, (), False)
    assert outbox.untold(NOW + SECOND) == []
    assert outbox.take(NOW + SECOND) is None  # it was no news


def test_what_holds_a_bundle_and_whether_it_would_import_itself_is_known(
    outbox: Notifications, workflows: Workflows, database: Database
) -> None:
    SourceRegistry(database).sync([ONE.model_copy(update={"config": SourceConfig(auto_import=True)})])
    started(workflows, "w")
    workflows.stage_ended("w", "final_jsonl", "completed", NOW, {"held_by": ["not_empty", "ids_unique"]})
    workflows.stage_ended("w", "imported_activities", "skipped", NOW, {"held_by": ["not_empty"]})
    workflows.set_status("w", "review", "Held.", at=NOW)

    (change,) = outbox.untold(NOW + SECOND)

    assert (change.held_by, change.imports_itself) == (("ids_unique", "not_empty"), True)


def test_an_import_is_found_with_its_counts(outbox: Notifications, workflows: Workflows) -> None:
    started(workflows, "w")
    workflows.set_import_summary("w", ImportSummary(lines=3, inserted=3), 3)

    (change,) = outbox.untold(datetime.now(UTC))

    assert (change.kind, change.counts["inserted"]) == ("imported", 3)


def test_what_happened_before_anybody_was_told_is_no_news(database: Database, workflows: Workflows) -> None:
    failed(workflows, "before", NOW - SECOND)
    outbox = Notifications(database)

    first = outbox.untold(NOW)
    failed(workflows, "after", NOW)

    assert first == []
    assert [one.workflow_id for one in outbox.untold(NOW)] == ["after"]


def test_what_is_days_old_is_no_news_and_what_was_written_late_is(outbox: Notifications, workflows: Workflows) -> None:
    now = NOW + 2 * TOLD_WITHIN
    failed(workflows, "new", now - SECOND)
    assert [one.workflow_id for one in noted(outbox, now)] == ["new"]
    failed(workflows, "old", now - TOLD_WITHIN - SECOND)
    failed(workflows, "late", now - timedelta(hours=5))  # its catalog was down meanwhile

    found = [one.workflow_id for one in outbox.untold(now)]

    assert found == ["late"]


def test_a_message_is_taken_until_it_has_arrived_and_by_one_at_a_time(
    outbox: Notifications, workflows: Workflows
) -> None:
    failed(workflows, "a", NOW)
    failed(workflows, "b", NOW + SECOND)
    now = NOW + 2 * SECOND
    first, second = noted(outbox, now)

    takes = [taken(outbox, now), taken(outbox, now), taken(outbox, now)]
    outbox.arrived(first, now)
    after_a_kill = taken(outbox, now + timedelta(seconds=LEASE_SECONDS))
    outbox.arrived(second, now)

    assert takes == [("a", 1), ("b", 1), None]
    assert after_a_kill == ("b", 2)
    assert outbox.take(now + timedelta(days=1)) is None
    assert outbox.state() == {"waiting": 0, "arrived": 2, "given_up": 0, "trouble": ""}


def test_a_message_that_is_put_off_comes_again_then_and_one_that_is_given_up_does_not(
    outbox: Notifications, workflows: Workflows
) -> None:
    failed(workflows, "a", NOW)
    (message,) = noted(outbox)
    outbox.take(NOW)
    outbox.put_off(message, NOW + timedelta(hours=1), "It is down.")
    state = outbox.state()

    early, later = taken(outbox, NOW + timedelta(minutes=59)), taken(outbox, NOW + timedelta(hours=1))
    outbox.put_off(message, None, "It is down.")

    assert (state["waiting"], state["trouble"]) == (1, "It is down.")
    assert (early, later) == (None, ("a", 2))
    assert outbox.take(NOW + timedelta(days=9)) is None
    assert outbox.state()["given_up"] == 1


def test_many_who_look_at_once_note_each_change_once_and_take_each_message_once(
    outbox: Notifications, workflows: Workflows
) -> None:
    for number in range(20):
        failed(workflows, f"w{number:02}", NOW)

    with ThreadPoolExecutor(4) as many:
        list(many.map(lambda _: noted(outbox), range(8)))
        found = list(many.map(lambda _: taken(outbox, NOW), range(30)))

    assert sorted(one[0] for one in found if one) == [f"w{number:02}" for number in range(20)]


def test_what_is_known_of_a_message_of_a_month_ago_is_removed_and_it_is_not_told_again(
    outbox: Notifications, workflows: Workflows
) -> None:
    failed(workflows, "a", NOW)
    (message,) = noted(outbox)
    outbox.arrived(message, NOW)
    later = NOW + timedelta(days=31)

    outbox.forget(later)

    assert outbox.state()["arrived"] == 0
    assert outbox.untold(later) == []
