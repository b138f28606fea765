"""What is usual for a source comes from its own crawls, and never from those that were held for their yield."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.catalog.yields import load_yields
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import ImportSummary, Workflow

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = make_source("https://zoo.example/")
OTHER = make_source("https://aquarium.example/")
HELD = ["yield_against_last_runs"]


@pytest.fixture
def workflows(database: Database) -> Workflows:
    for one in (SITE, OTHER):
        SourceRegistry(database).add(one)
    return Workflows(database)


def crawled(
    workflows: Workflows,
    day: int,
    confirmed: int,
    *,
    held_by: list[str] | None = None,
    imported: bool = False,
    source: Any = SITE,
    ended: str = "completed",
    **fields: Any,
) -> str:
    at, name = AT + timedelta(days=day), f"{source.key}-{day}"
    config = source.config.model_dump(mode="json") | fields.pop("config", {})
    workflows.start(
        Workflow(
            id=name,
            source_key=source.key,
            source_url=source.url,
            status="running",
            config=config,
            created_at=at,
            **fields,
        )
    )
    workflows.stage_started(name, "raw_activities", at)
    workflows.stage_ended(name, "raw_activities", ended, at, {"confirmed": confirmed, "rows": 99, "fetched": 7})
    workflows.stage_started(name, "final_jsonl", at)
    workflows.stage_ended(name, "final_jsonl", "completed", at, {"held_by": held_by or []})
    if imported:
        workflows.set_import_summary(name, ImportSummary(lines=confirmed), confirmed)
    return name


def test_the_usual_is_what_the_last_five_runs_of_the_source_saw(workflows: Workflows, database: Database) -> None:
    for day in range(8):
        crawled(workflows, day, day)
        crawled(workflows, day, 1_000, source=OTHER)
    now = crawled(workflows, 9, 2)

    found = load_yields(database, now)

    assert found is not None
    assert (found.now.stated, found.now.read, found.before) == (2, 7, (7, 6, 5, 4, 3))


def test_weeks_of_a_broken_site_do_not_become_usual(workflows: Workflows, database: Database) -> None:
    crawled(workflows, 0, 40)
    for day in range(1, 30):
        crawled(workflows, day, 1, held_by=HELD)

    found = load_yields(database, crawled(workflows, 30, 1))

    assert found is not None
    assert found.before == (40,)


def test_a_fraction_that_somebody_imported_is_usual_from_then_on(workflows: Workflows, database: Database) -> None:
    crawled(workflows, 0, 40)
    crawled(workflows, 1, 3, held_by=HELD, imported=True)

    found = load_yields(database, crawled(workflows, 2, 3))

    assert found is not None
    assert found.before == (3,)


def test_runs_that_failed_were_replays_or_crawled_otherwise_are_not_compared(
    workflows: Workflows, database: Database
) -> None:
    crawled(workflows, 0, 10, ended="failed")
    crawled(workflows, 1, 11, replay_of="another")
    crawled(workflows, 2, 12, config={"max_pages": 3})
    crawled(workflows, 4, 13)  # later than the one that is asked about

    found = load_yields(database, crawled(workflows, 3, 1))

    assert found is not None
    assert found.before == ()


def test_a_workflow_without_a_crawl_has_no_yield(workflows: Workflows, database: Database) -> None:
    assert load_yields(database, crawled(workflows, 0, 1, ended="failed")) is None
    assert load_yields(database, crawled(workflows, 1, 1, replay_of="another")) is None
    assert load_yields(database, "nobody") is None
