"""Many sources by one command: each in a workflow of its own, so that one that fails is told and holds up no other."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from tripper_assets.catalog.activities import count_activities
from tripper_assets.catalog.database import Database
from tripper_assets.demo.server import DemoServer, serve
from tripper_assets.domain.sources import make_source, source_key
from tripper_assets.partitions import PARTITION_TAG, SOURCES, TRIGGER_TAG
from tripper_assets.resources import catalog_on
from tripper_assets_tests.claimed import claim_by, other_process
from tripper_assets_tests.cli.conftest import TODAY, Said, Shell, dagster_instance, new_shell
from tripper_assets_tests.conftest import FreshDatabases, without_waiting
from tripper_assets_tests.waiting import new_port


@pytest.fixture(scope="module", autouse=True)
def _no_waiting() -> Generator[None]:
    """Ask a site that does not answer again at once."""
    with without_waiting():
        yield


@pytest.fixture(scope="module")
def closed_port() -> int:
    return new_port()


@pytest.fixture(scope="module")
def urls(site: DemoServer, closed_port: int) -> dict[str, str]:
    """The sources: one that is imported, one that waits for a person, and one that does not answer."""
    return {
        "theatre": f"{site.url}sites/theatre-leeds",
        "museum": f"{site.url}sites/museum-utrecht",
        "closed": f"http://127.0.0.1:{closed_port}/sites/nature-center-portland",
    }


@pytest.fixture(scope="module")
def keys(urls: dict[str, str]) -> dict[str, str]:
    return {name: source_key(url) for name, url in urls.items()}


@pytest.fixture(scope="module")
def registered(module_shell: Shell, urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Shell:
    path = tmp_path_factory.mktemp("sources") / "sources.yaml"
    path.write_text(f"""
locations:
  - {{id: leeds, name: Leeds, country_code: GB}}
  - {{id: utrecht, name: Utrecht, country_code: NL}}
  - {{id: bonn, name: Bonn, country_code: DE}}
sources:
  - {{url: "{urls["theatre"]}", location: leeds, config: {{delay_seconds: 0, timezone: Europe/London, country_code: GB, auto_import: true}}}}
  - {{url: "{urls["museum"]}", location: utrecht, config: {{delay_seconds: 0, timezone: Europe/Amsterdam, country_code: NL}}}}
  - {{url: "{urls["closed"]}", location: utrecht, config: {{delay_seconds: 0, timezone: America/Los_Angeles, country_code: US}}}}
""")
    assert module_shell("sources", "sync", path).code == 0
    return module_shell


@pytest.fixture(scope="module")
def everything(registered: Shell) -> Said:
    """What was said of all three."""
    return registered("backfill", "--all")


@pytest.fixture(scope="module")
def by_location(registered: Shell, everything: Said) -> Said:
    """What was said of the two in Utrecht, after the first time."""
    assert everything.code == 1
    return registered("backfill", "--location", "utrecht", "--json")


@pytest.fixture(scope="module")
def failed_again(registered: Shell, by_location: Said, closed_port: int) -> Said:
    """What was said of the one that had failed, when it answered at last."""
    assert by_location.code == 1
    with serve(closed_port, TODAY):
        return registered("backfill", "--failed", "--json")


def table(said: Said, keys: dict[str, str]) -> dict[str, list[str]]:
    """Return the cells of each source's row by its name, after the table's head."""
    rows = [line.split("\t") for line in said.out.splitlines()]
    named = {key: name for name, key in keys.items()}
    return {named[row[0]]: row[1:] for row in rows if row[0] in named and len(row) == 5}


def test_one_that_does_not_answer_stops_no_other_and_each_has_its_row_and_its_reason(
    everything: Said, keys: dict[str, str]
) -> None:
    rows = table(everything, keys)

    assert everything.code == 1
    assert everything.error == "1 of 3 sources failed; `tripper backfill --failed` runs those again."
    assert "source\tworkflow\tstatus\tactivities\treason" in everything.out.splitlines()
    assert {name: row[1:3] for name, row in rows.items()} == {
        "theatre": ["completed", "5"],
        "museum": ["review", "5"],
        "closed": ["failed", "0"],
    }
    assert rows["theatre"][3] == ""
    assert rows["museum"][3].startswith("Waits for a decision, for auto_import is off; `tripper import ")
    assert rows["closed"][3].startswith("raw_activities: ")


def test_of_a_source_without_auto_import_a_backfill_imports_no_row(
    registered: Shell, everything: Said, keys: dict[str, str]
) -> None:
    assert everything.code == 1
    database = Database(registered.environment["TRIPPER_DATABASE_URL"])

    rows = {name: count_activities(database, key)["current"] for name, key in keys.items()}

    database.dispose()
    assert rows == {"theatre": 5, "museum": 0, "closed": 0}


def test_each_source_has_a_workflow_and_a_run_of_its_own(
    registered: Shell, everything: Said, keys: dict[str, str]
) -> None:
    rows = table(everything, keys)
    listed = {one["id"]: (one["source_key"], one["trigger"]) for one in registered("status", "--json").json}

    with dagster_instance(registered) as instance:
        tags = [run.tags for run in instance.get_runs()]
        partitions = set(instance.get_dynamic_partitions(SOURCES))

    assert {name: listed[row[0]] for name, row in rows.items()} == {
        name: (key, "backfill") for name, key in keys.items()
    }
    first = [one for one in tags if one["tripper/workflow_id"] in {row[0] for row in rows.values()}]
    assert sorted(one[PARTITION_TAG] for one in first) == sorted(keys.values())
    assert {one[TRIGGER_TAG] for one in first} == {"backfill"}
    assert partitions >= set(keys.values())


def test_a_location_chooses_its_sources_and_json_is_one_value(by_location: Said, keys: dict[str, str]) -> None:
    found = {one["source_key"]: one for one in json.loads(by_location.out)}

    assert by_location.code == 1
    assert by_location.error == "1 of 2 sources failed; `tripper backfill --failed` runs those again."
    assert found.keys() == {keys["museum"], keys["closed"]}
    museum = found[keys["museum"]]
    assert museum.keys() == {"source_key", "workflow_id", "status", "activities", "reason"}
    assert (museum["status"], museum["activities"]) == ("review", 5)
    assert found[keys["closed"]]["status"] == "failed"


def test_failed_runs_only_the_one_whose_last_workflow_failed(failed_again: Said, keys: dict[str, str]) -> None:
    (only,) = failed_again.json

    assert (failed_again.code, failed_again.err) == (0, "")
    assert (only["source_key"], only["status"], only["activities"]) == (keys["closed"], "review", 6)


def test_when_nothing_has_failed_there_is_nothing_to_run_again(registered: Shell, failed_again: Said) -> None:
    assert failed_again.code == 0

    said = registered("backfill", "--failed")

    assert (said.code, said.error) == (
        2,
        "No registered source is what was asked for; `tripper sources list` shows them.",
    )


def test_sources_are_named_by_key_or_url_and_each_is_run_once(
    registered: Shell, failed_again: Said, urls: dict[str, str], keys: dict[str, str]
) -> None:
    assert failed_again.code == 0

    said = registered("backfill", keys["museum"], f"{urls['museum']}/#top", "--json")

    assert [(one["source_key"], one["status"]) for one in said.json] == [(keys["museum"], "review")]


def test_options_must_all_agree(registered: Shell, keys: dict[str, str]) -> None:
    said = registered("backfill", keys["theatre"], "--location", "utrecht")

    assert (said.code, said.error.split(";")[0]) == (2, "No registered source is what was asked for")


@pytest.fixture
def bare_shell(homes: str | None, fresh_databases: FreshDatabases) -> Generator[Shell]:
    with new_shell(homes, fresh_databases) as shell:
        yield shell


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Nothing is named to run; give sources, --location, --failed or --all."),
        (("--json",), "Nothing is named to run; give sources, --location, --failed or --all."),
        (("--location", "atlantis"), "There is no location atlantis; `tripper locations list` shows them."),
        (("--all", "--location", "atlantis"), "There is no location atlantis; `tripper locations list` shows them."),
        (("--all",), "No registered source is what was asked for; `tripper sources list` shows them."),
        (("--failed",), "No registered source is what was asked for; `tripper sources list` shows them."),
        (("nowhere-00000000",), "There is no source nowhere-00000000; `tripper sources list` shows them, `tripper sources add URL` adds one."),
        (("https://me:canary@example.org",), "There is no source https://example.org; `tripper sources list` shows them, `tripper sources add URL` adds one."),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_wrong_input(bare_shell: Shell, arguments: tuple[str, ...], sentence: str) -> None:
    said = bare_shell("backfill", *arguments)

    assert (said.code, said.error, said.out) == (2, sentence, "")


def test_a_location_without_a_source_is_nothing_to_run(registered: Shell) -> None:
    said = registered("backfill", "--location", "bonn")

    assert (said.code, said.error.split(";")[0]) == (2, "No registered source is what was asked for")


@pytest.mark.long
def test_a_source_that_another_process_works_on_is_told_and_stops_no_other(
    shell: Shell, site: DemoServer, tmp_path: Path
) -> None:
    held, free = (f"{site.url}sites/{name}" for name in ("museum-utrecht", "theatre-leeds"))
    path = tmp_path / "sources.yaml"
    config = "{delay_seconds: 0, timezone: Europe/London, country_code: GB}"
    path.write_text("sources:\n" + "".join(f'  - {{url: "{url}", config: {config}}}\n' for url in (held, free)))
    shell("sources", "sync", path)
    database = Database(shell.environment["TRIPPER_DATABASE_URL"])
    with other_process() as process:
        claim = claim_by(process, make_source(held).key, "another-run")
        assert catalog_on(database, shell.home).claims.take(claim) is None

        said = shell("backfill", held, free, "--json")

    database.dispose()
    assert said.code == 1
    rows = {one["source_key"]: one for one in said.json}
    assert rows[source_key(free)]["status"] == "review"
    told = rows[source_key(held)]
    assert (told["workflow_id"], told["status"], told["activities"]) == ("", "failed", 0)
    assert told["reason"].startswith(f"The source {source_key(held)} is held by run another-run since ")
    assert len(shell("status", "--json").json) == 1
