"""The views count what happened, for each source, location and stage, and tell how an activity became what it is."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from tripper_assets.catalog.activities import change_activity, import_snapshot, take_activity
from tripper_assets.catalog.caches import MediaTable
from tripper_assets.catalog.corrections import Corrections
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.statistics import (
    activity_steps,
    location_analytics,
    location_statistics,
    source_statistics,
    stage_statistics,
)
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.corrections import Correction, Refusal
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.images import KnownImage
from tripper_assets.domain.sources import Location, make_source
from tripper_assets.domain.statistics import ActivityStep
from tripper_assets.domain.workflows import StageStatus, Workflow, WorkflowError, WorkflowStatus
from tripper_assets_tests.catalog.conftest import AT, Site

BONN = Location(id="bonn", name="Bonn", country_code="DE")
HOUR = timedelta(hours=1)
RUNNING: WorkflowStatus = "running"


def workflow(
    site: Site, name: str, status: WorkflowStatus, *, seconds: int = 10, location: str | None = "bonn"
) -> None:
    """Write a workflow with one stage of so many seconds, that a person looked at an hour later."""
    workflows = Workflows(site.database)
    started = Workflow(
        id=name, source_key=site.source.key, source_url=site.source.url, status="running", config={},
        location_id=location, created_at=AT, started_at=AT,
    )  # fmt: skip
    workflows.start(started)
    ended: dict[str, StageStatus] = {"failed": "failed"}
    workflows.stage_started(name, "raw_activities", AT)
    if status != "running":
        workflows.stage_ended(
            name, "raw_activities", ended.get(status, "completed"), AT + timedelta(seconds=seconds), {}
        )
        workflows.set_status(name, status, at=AT + HOUR)


def load(site: Site, records: Sequence[Activity], name: str, *, at: datetime = AT, bundle_sha256: str = "") -> None:
    """Import records as a workflow that there is already."""
    bundle = bundle_sha256 or text_sha256(name)
    import_snapshot(
        site.database,
        source_key=site.source.key,
        records=records,
        vectors=None,
        workflow_id=name,
        bundle_sha256=bundle,
        at=at,
    )


@pytest.fixture
def bonn(site: Site) -> Site:
    """A source of Bonn with workflows in every state, two pictures and three activities, one of them gone."""
    registry = SourceRegistry(site.database)
    registry.add_location(BONN)
    registry.sync([make_source(site.source.url, location_id="bonn")])
    for name, status in {"w1": "completed", "w2": "failed", "w3": "canceled", "w4": "review", "w5": "running"}.items():
        workflow(site, name, status)  # pyright: ignore[reportArgumentType]
    workflow(site, "w6", "completed", seconds=30)
    Workflows(site.database).add_error("w2", WorkflowError(stage="raw_activities", kind="X", message="Down.", at=AT))
    load(site, site.activities(3), "w1")
    load(site, site.activities(2), "w6")
    rejected = KnownImage(sourceUrl="https://e.org/3", status="rejected", reason="tiny", checked_at=AT)
    stored = [
        KnownImage(sourceUrl=f"https://e.org/{one}", status="stored", sha256=text_sha256(one), checked_at=AT)
        for one in "12"
    ]
    MediaTable(site.database).save([*stored, rejected], workflow_id="w1", source_key=site.source.key)
    return site


def test_a_source_is_counted_by_how_its_workflows_ended_and_how_long_they_worked(bonn: Site) -> None:
    [found] = source_statistics(bonn.database, location_id="bonn")

    assert (found.workflows, found.active, found.in_review, found.completed, found.failed, found.canceled) == (
        6,
        1,
        1,
        2,
        1,
        1,
    )
    assert (found.success_rate, found.error_rate, found.errors) == (pytest.approx(2 / 3), pytest.approx(1 / 3), 1)
    assert (found.median_seconds, found.p95_seconds) == (10.0, pytest.approx(26.0))
    assert (found.activities, found.tombstones, found.media_items) == (2, 1, 2)
    assert (found.last_started_at, found.last_completed_at) == (AT, AT + HOUR)


def test_a_location_sums_its_sources_and_one_without_any_has_no_rates(
    bonn: Site, make_site: Callable[[str], Site]
) -> None:
    registry = SourceRegistry(bonn.database)
    registry.add_location(Location(id="koeln", name="Köln", country_code="DE"))
    other = make_site("park.example")
    registry.sync([make_source(other.source.url, location_id="bonn")])
    workflow(other, "w7", "failed")
    workflow(other, "w8", "failed", location=None)

    bonn_counts, empty = location_statistics(bonn.database)

    assert (bonn_counts.sources, bonn_counts.workflows, bonn_counts.failed) == (2, 7, 2)
    assert (bonn_counts.success_rate, bonn_counts.activities, bonn_counts.media_items) == (0.5, 2, 2)
    assert (empty.location_id, empty.workflows, empty.success_rate, empty.median_seconds) == ("koeln", 0, None, None)


def test_a_removed_source_and_its_activities_are_counted_no_more(bonn: Site) -> None:
    SourceRegistry(bonn.database).remove(bonn.source.key)

    assert source_statistics(bonn.database) == []
    assert [(one.sources, one.activities) for one in location_statistics(bonn.database)] == [(0, 0)]


def test_stages_tell_their_error_rates_the_worst_first(bonn: Site) -> None:
    workflows = Workflows(bonn.database)
    workflows.stage_started("w6", "images_map", AT)
    workflows.stage_ended("w6", "images_map", "completed", AT + HOUR, {})

    crawls, pictures = stage_statistics(bonn.database, source_key=bonn.source.key)

    assert (crawls.asset, crawls.workflows, crawls.completed, crawls.failed) == ("raw_activities", 6, 4, 1)
    assert (crawls.location_id, crawls.error_rate, crawls.median_seconds) == ("bonn", 0.2, 10.0)
    assert (pictures.asset, pictures.error_rate, pictures.median_seconds) == ("images_map", 0.0, 3600.0)
    assert stage_statistics(bonn.database, source_key="nobody") == []


def test_analytics_has_the_counts_of_one_location(bonn: Site) -> None:
    found = location_analytics(bonn.database, "bonn")

    assert found is not None
    assert (found.total_media_items, found.active_workflows, found.completed_workflows) == (2, 1, 2)
    assert location_analytics(bonn.database, "nowhere") is None


def told(steps: list[ActivityStep]) -> list[tuple[object, ...]]:
    return [(one.change, one.field, one.before, one.after, one.via, one.by, one.workflow_id) for one in steps]


def test_an_activity_tells_how_it_changed_from_its_first_day_to_what_it_is_now(site: Site) -> None:
    first, other = site.activity("one", description="Old."), site.activity("two")
    for number, records in enumerate(
        (
            [first, other],
            [site.activity("one", description="New.", inLanguage="en"), other],
            [other],
            [site.activity("one"), other],
        )
    ):
        workflow(site, f"w{number}", RUNNING, location=None)
        load(site, records, f"w{number}", at=AT + number * HOUR)

    steps = activity_steps(site.database, first.id, limit=100)

    assert told(steps) == [
        ("returned", "description", "New.", None, "import", "", "w3"),
        ("returned", "inLanguage", "en", None, "import", "", "w3"),
        ("removed", None, None, None, "import", "", "w2"),
        ("updated", "description", "Old.", "New.", "import", "", "w1"),
        ("updated", "inLanguage", None, "en", "import", "", "w1"),
        ("inserted", None, None, None, "import", "", "w0"),
    ]
    assert [one.at for one in steps] == [AT + number * HOUR for number in (3, 3, 2, 1, 1, 0)]
    assert len(activity_steps(site.database, first.id, limit=2)) == 2
    assert activity_steps(site.database, "no-id", limit=9) == []


def test_a_change_names_the_person_who_decided_it(site: Site) -> None:
    corrections = Corrections(site.database)
    activity, later = site.activity("one"), AT + HOUR
    workflow(site, "w0", RUNNING, location=None)
    bundle = text_sha256("bundle")
    Workflows(site.database).decide("w0", bundle, "approved", "ann", AT, reason="looks right")
    load(site, [activity], "w0", bundle_sha256=bundle, at=later)
    said = Correction(activity_id=activity.id, field="name", value="Zoo", by="bob", at=later + HOUR, reason="typo")
    corrections.correct(site.source.key, said, stated="one")
    change_activity(
        site.database,
        activity.id,
        lambda record: Activity.model_validate({**record, "name": "Zoo", "content_sha256": "f" * 64}),
        at=said.at,
    )
    gone = Refusal(activity_id=activity.id, stated_sha256="e" * 64, by="eve", at=later + 2 * HOUR, reason="closed")
    corrections.refuse(site.source.key, [gone])
    take_activity(site.database, activity.id, at=gone.at)

    steps = activity_steps(site.database, activity.id, limit=100)

    assert told(steps) == [
        ("removed", None, None, None, "rejection", "eve", "w0"),
        ("updated", "name", "one", "Zoo", "correction", "bob", "w0"),
        ("inserted", None, None, None, "decision", "ann", "w0"),
    ]
    assert [one.reason for one in steps] == ["closed", "typo", "looks right"]


def test_the_history_of_one_activity_is_read_by_index_and_not_from_the_whole_table(site: Site) -> None:
    site.load(site.activities(3))
    query = f"EXPLAIN SELECT * FROM tripper.activity_changes WHERE activity_id = '{site.activity('one').id}'"  # noqa: S608 (an id of ours)
    with site.database.connection() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(connection.scalars(text(query)))

    assert "ix_activity_history_activity_id_id" in plan
