"""`tripper export` writes whole files, or nothing, in forms that others read."""

import csv
import io
import json
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.activities import Activity, Point
from tripper_assets.domain.identity import activity_id
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets_tests.calendars import events_of
from tripper_assets_tests.cli.conftest import Shell, new_shell
from tripper_assets_tests.conftest import FreshDatabases

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
URL = "https://zoo.example/"


@pytest.fixture(scope="module")
def shell(homes: str | None, fresh_databases: FreshDatabases) -> Generator[Shell]:
    """One catalog for all of them, with three activities."""
    with new_shell(homes, fresh_databases) as shell:
        database = Database(shell.environment["TRIPPER_DATABASE_URL"])
        source = SourceRegistry(database).add(make_source(URL))
        workflow = Workflow(id="w", source_key=source.key, source_url=URL, status="running", config={}, created_at=AT)
        Workflows(database).start(workflow)
        records = [
            _activity(
                source.key,
                "Feeding the seals",
                startDate="2199-06-01T15:00:00+02:00",
                geometry=Point(coordinates=(-1.55, 53.8)),
            ),
            _activity(source.key, "=cmd|' /C calc'!A0\x1b[31m"),
            _activity(source.key, "Easter eggs", startDate="2020-04-05"),
        ]
        import_snapshot(
            database,
            source_key=source.key,
            records=records,
            vectors=None,
            workflow_id="w",
            bundle_sha256="0" * 64,
            at=AT,
        )
        database.dispose()
        yield shell


def _activity(source_key: str, name: str, **fields: object) -> Activity:
    own = {
        "id": activity_id(source_key, name),
        "index": 0,
        "source_key": source_key,
        "source_url": URL,
        "url": f"{URL}1",
    }
    return Activity.model_validate({**own, "type": "Event", "name": name, **fields})


def test_an_export_goes_to_standard_output_or_into_a_file_that_says_how_much_is_in_it(
    shell: Shell, tmp_path: Path
) -> None:
    said = shell("export", URL, "--format", "csv")
    filed = shell("export", "--format", "ics", "--past", "--output", tmp_path / "all.ics", "--json")

    names = [row["name"] for row in csv.DictReader(io.StringIO(said.out))]
    assert sorted(names) == ["'=cmd|' /C calc'!A0\x1b[31m", "Feeding the seals"]
    assert filed.json == {"path": str(tmp_path / "all.ics"), "format": "ics", "activities": 3, "without_a_day": 1}
    assert len(events_of((tmp_path / "all.ics").read_bytes())) == 2
    assert [one.name for one in tmp_path.iterdir()] == ["all.ics"]


def test_an_export_may_stay_around_a_point_in_a_town_or_with_what_words_find(shell: Shell) -> None:
    near = shell("export", "--format", "geojson", "--near", "53.8,-1.55,5")
    far = shell("export", "--format", "geojson", "--near", "54.8,-1.55", "--radius-km", "20")
    town = shell("export", "--format", "jsonl", "--town", "Leeds")
    found = shell("export", "--format", "jsonl", "--search", '"seals"', "--limit", "1")

    assert [one["properties"]["name"] for one in near.json["features"]] == ["Feeding the seals"]
    assert far.json["features"] == []
    assert town.out == ""
    assert [json.loads(line)["name"] for line in found.out.splitlines()] == ["Feeding the seals"]


def test_a_person_is_told_what_a_calendar_lacks(shell: Shell, tmp_path: Path) -> None:
    said = shell("export", "--format", "ics", "--output", tmp_path / "a.ics")

    assert "1 of them have no day and are in no calendar" in said.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--format xls", "--format is 'xls'; give one of csv, geojson, ics, jsonl."),
        ("--format csv --near Leeds", "--near is 'Leeds' with 10 km; give degrees and kilometres such as"),
        ("--format csv --near 91,0", "--near is '91,0' with 10 km"),
        ("--format csv --near 1,2,3,4", "--near is '1,2,3,4' with 10 km"),
        ("--format csv --near 1,nan", "--near is '1,nan' with 10 km"),
        ("--format csv --near 1,2 --radius-km 0", "--near is '1,2' with 0 km"),
        ("nobody --format csv", "There is no source nobody"),
        ("--format csv --json", "--json tells what was written to a file"),
        (
            "--format csv --output /nowhere/a.csv",
            "The file /nowhere/a.csv cannot be written (No such file or directory)",
        ),
    ],
)
def test_wrong_input_is_one_sentence(shell: Shell, options: str, sentence: str) -> None:
    said = shell("export", *options.split())

    assert (said.code, said.out) == (2, "")
    assert said.error.startswith(sentence)


def test_a_file_that_was_there_stays_whole_where_an_export_fails(shell: Shell, tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_text("old")

    said = shell(
        "export",
        "--format",
        "csv",
        "--output",
        target,
        TRIPPER_DATABASE_URL="postgresql+psycopg://nobody@127.0.0.1:1/none",
    )

    assert said.code == 1
    assert target.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]
