"""`tripper stats` and `tripper history`: the catalog's views, for people and as JSON."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import pytest

from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.database import Database
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import activity_id
from tripper_assets.domain.sources import Location, make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets_tests.cli.conftest import Shell, new_shell
from tripper_assets_tests.conftest import FreshDatabases

AT = datetime(2026, 5, 1, tzinfo=UTC)
ZOO = make_source("https://zoo.example/", location_id="bonn")
ID = activity_id(ZOO.key, "url:fair")


@pytest.fixture(scope="module")
def shell(homes: str | None, fresh_databases: FreshDatabases) -> Generator[Shell]:
    with new_shell(homes, fresh_databases) as shell:
        database = Database(shell.environment["TRIPPER_DATABASE_URL"])
        _fill(catalog_on(database, shell.home))
        database.dispose()
        yield shell


def _fill(catalog: Catalog) -> None:
    catalog.sources.add_location(Location(id="bonn", name="Bonn", country_code="DE"))
    catalog.sources.add(ZOO)
    for name, said in (("w1", "A fair."), ("w2", "x" * 200)):
        started = Workflow(
            id=name, source_key=ZOO.key, source_url=ZOO.url, status="running", config={}, location_id="bonn", trigger="cli",
            created_at=AT, started_at=AT,
        )  # fmt: skip
        catalog.workflows.start(started)
        catalog.workflows.stage_started(name, "final_jsonl", AT)
        catalog.workflows.stage_ended(name, "final_jsonl", "completed", AT + timedelta(seconds=4), {})
        record = Activity(
            id=ID, index=0, source_key=ZOO.key, source_url=ZOO.url, url=ZOO.url, type="Event", name="Fair", description=said,
            content_sha256=name[1] * 64,
        )  # fmt: skip
        import_snapshot(
            catalog.database,
            source_key=ZOO.key,
            records=[record],
            vectors=None,
            workflow_id=name,
            bundle_sha256=name,
            at=AT,
        )
        catalog.workflows.set_status(name, "completed", at=AT)


def test_sources_locations_and_stages_are_counted(shell: Shell) -> None:
    by_source, by_location, by_stage = (
        shell("stats", *by).out.splitlines() for by in ([], ["--by", "location"], ["--by", "stage"])
    )

    assert by_source[1].split("\t") == [
        ZOO.key,
        "bonn",
        "1",
        "0",
        "2",
        "0",
        "0",
        "2",
        "0",
        "0",
        "100%",
        "0",
        "4.0",
        "4.0",
    ]
    assert by_location[1].split("\t")[:5] == ["bonn", "Bonn", "1", "1", "0"]
    assert by_stage[1].split("\t") == [ZOO.key, "final_jsonl", "2", "2", "0", "0", "0%", "4.0", "4.0"]
    assert shell("stats", "--json").json[0]["success_rate"] == 1.0


def test_an_activity_tells_its_history_and_a_long_value_is_cut_on_the_terminal_alone(shell: Shell) -> None:
    shown, data = shell("history", ID), shell("history", ID, "--json").json

    changed, inserted = (line.split("\t") for line in shown.out.splitlines()[1:])
    assert changed == ["2026-05-01 00:00", "updated", "description", "A fair.", "x" * 79 + "…", "import", "cli", "w2"]
    assert inserted == ["2026-05-01 00:00", "inserted", "", "", "", "import", "cli", "w1"]
    assert (data[0]["after"], data[0]["workflow_id"]) == ("x" * 200, "w2")
    assert "There may be more than 1" in shell("history", ID, "--limit", "1").out


def test_the_history_of_an_unknown_activity_is_wrong_input(shell: Shell) -> None:
    said = shell("history", "nobody")

    assert (said.code, said.error) == (
        2,
        "There is no activity nobody in the catalog; `tripper search` shows ids with --json.",
    )
