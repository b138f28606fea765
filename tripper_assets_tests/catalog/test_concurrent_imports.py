"""Many at once: approvals, imports of one bundle, and imports of sources that share pictures."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tripper_assets.catalog.activities import current_activities
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.activities import ImageObject
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.workflows import ImportSummary, Workflow, WorkflowFile
from tripper_assets_tests.catalog.conftest import AT, Site

BUNDLE = "b" * 64


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """Return what each of the works returns or raises; they begin together."""
    results: list[Any] = [None] * len(works)
    start = threading.Barrier(len(works))

    def run(place: int) -> None:
        start.wait()
        try:
            results[place] = works[place]()
        except Exception as error:  # noqa: BLE001 (a thread's error is a result here)
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def number(site: Site, query: str) -> int:
    with site.database.connection() as connection:
        return connection.scalar(text(query)) or 0


def bundle_of(site: Site, workflow_id: str, sha256: str, *, minutes: int = 0) -> None:
    file = WorkflowFile(
        asset="final_jsonl",
        run_id="r",
        uri=f"memory:///{workflow_id}",
        bytes=1,
        rows=1,
        sha256=sha256,
        created_at=AT + timedelta(minutes=minutes),
    )
    Workflows(site.database).add_file(workflow_id, file)


def test_twenty_approvals_at_once_are_one_decision_and_one_import(site: Site) -> None:
    workflow_id = site.new_workflow()
    bundle_of(site, workflow_id, BUNDLE)
    records = site.activities(40)
    vectors = site.vectors(records)
    workflows = Workflows(site.database)

    def approve_and_import(person: str) -> ImportSummary:
        workflows.approve_newest(workflow_id, BUNDLE, by=person, at=AT)
        return site.load(records, vectors, workflow_id=workflow_id, bundle_sha256=BUNDLE)

    done = at_once([lambda person=f"reviewer {one}": approve_and_import(person) for one in range(20)])

    assert [type(one) for one in done] == [ImportSummary] * 20
    assert sorted((one.inserted, one.unchanged) for one in done) == [(0, 40)] * 19 + [(40, 0)]
    assert number(site, "SELECT count(*) FROM tripper.decisions") == 1
    assert number(site, "SELECT count(*) FROM tripper.activity_history") == 40


def test_an_approval_that_a_newer_bundle_came_before_is_refused_with_the_reason(site: Site) -> None:
    workflows = Workflows(site.database)
    old = site.new_workflow()
    bundle_of(site, old, BUNDLE)
    newer = Workflow(
        id="newer",
        source_key=site.source.key,
        source_url=site.source.url,
        status="running",
        config={},
        created_at=AT + timedelta(minutes=1),
    )
    workflows.start(newer)
    bundle_of(site, "newer", "c" * 64, minutes=2)

    with pytest.raises(PermanentError, match=f"newer has a newer bundle .* `tripper import {old}`"):
        workflows.approve_newest(old, BUNDLE, by="ada", at=AT + timedelta(minutes=3))

    assert workflows.decision_for(BUNDLE, site.source.key) is None


def test_imports_of_sources_that_share_pictures_do_not_lock_each_other_up(
    make_site: Callable[[str], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tripper_assets.catalog.activities.CHUNK_LINES", 5)
    sites = [make_site(f"zoo-{one}.example") for one in range(4)]

    def snapshot(site: Site, turn: int) -> list[Any]:
        # Each source names the same pictures, and each in another order.
        shown = [
            ImageObject(sourceUrl=f"https://x.example/{one}.jpg", contentUrl="file:///a", sha256="a" * 64)
            for one in range(30)
        ]
        shown = shown[turn * 7 :] + shown[: turn * 7]
        return [site.activity(f"a {place}", index=place, image=(one,)) for place, one in enumerate(shown)]

    snapshots = {site.source.key: snapshot(site, turn) for turn, site in enumerate(sites)}
    works = [
        lambda site=site, records=snapshots[site.source.key]: site.load(records, site.vectors(records))
        for site in sites
        for _ in range(2)
    ]

    done = at_once(works)

    assert [type(one) for one in done] == [ImportSummary] * 8
    assert sum(one.inserted for one in done) == 4 * 30
    assert number(sites[0], "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0
    assert number(sites[0], "SELECT count(*) FROM tripper.media") == 30
    assert number(sites[0], "SELECT count(*) FROM tripper.activity_media") == 120
    for site in sites:
        names = {one["name"] for one in current_activities(site.database, site.source.key)}
        assert names == {one.name for one in snapshots[site.source.key]}
