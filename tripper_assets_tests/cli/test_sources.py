"""The registry by command: sources and locations are added, listed, synchronised with a file and removed."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tripper_assets.domain.sources import source_key
from tripper_assets.partitions import SOURCES
from tripper_assets_tests.cli.conftest import Shell, dagster_instance, new_shell
from tripper_assets_tests.conftest import FreshDatabases

LYON = "https://example.org/lyon"
YAML = """
locations:
  - {id: lyon, name: Lyon, country_code: FR, queries: [sorties en famille]}
sources:
  - url: https://example.org/lyon/
    location: lyon
    config: {max_pages: 20, timezone: Europe/Paris}
  - url: https://example.net/
"""


@pytest.fixture
def shell(homes: str | None, fresh_databases: FreshDatabases) -> Generator[Shell]:
    with new_shell(homes, fresh_databases) as shell:
        yield shell


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sources.yaml"
    path.write_text(YAML)
    return path


def partitions(shell: Shell) -> set[str]:
    with dagster_instance(shell) as instance:
        return set(instance.get_dynamic_partitions(SOURCES))


def test_an_added_source_is_listed_and_has_its_partition(shell: Shell) -> None:
    shell("locations", "add", "lyon", "--name", "Lyon", "--country", "fr", "--query", "zoo", "--query", "musée")

    added = shell("sources", "add", LYON, "https://example.net", "--location", "lyon")
    again = shell("sources", "add", f"{LYON}/#top", "--json").json

    key = source_key(LYON)
    assert added.out.splitlines() == [f"{key}\t{LYON}", f"{source_key('https://example.net')}\thttps://example.net/"]
    assert [(one["key"], one["location_id"]) for one in again] == [(key, "lyon")]
    assert f"{key}\t{LYON}\tlyon\toff" in shell("sources", "list").out
    assert len(shell("sources", "list", "--json").json) == 2
    assert partitions(shell) == {key, source_key("https://example.net")}


def test_a_source_is_shown_by_key_or_url(shell: Shell) -> None:
    shell("sources", "add", LYON)

    shown = shell("sources", "show", source_key(LYON))

    assert f"key\t{source_key(LYON)}" in shown.out
    assert "max_pages\t150" in shown.out
    assert shell("sources", "show", LYON, "--json").json["url"] == LYON


def test_a_removed_source_is_gone_and_comes_back_when_it_is_added(shell: Shell) -> None:
    shell("sources", "add", LYON)

    removed = shell("sources", "remove", LYON)

    assert removed.out == f"Removed {source_key(LYON)}.\n"
    assert shell("sources", "list", "--json").json == []
    assert shell("sources", "add", LYON).code == 0
    assert len(shell("sources", "list", "--json").json) == 1


def test_a_sync_adds_updates_and_leaves_alone(shell: Shell, file: Path) -> None:
    shell("sources", "add", "https://example.com/")
    first = shell("sources", "sync", file)
    file.write_text(YAML.replace("max_pages: 20", "max_pages: 30"))

    second = shell("sources", "sync", file)
    third = shell("sources", "sync", file, "--json").json

    lyon, net = source_key(LYON), source_key("https://example.net")
    assert first.out.splitlines()[-1] == "2 added, 0 updated, 0 unchanged."
    assert second.out == f"updated\t{lyon}\n0 added, 1 updated, 1 unchanged.\n"
    assert third == {"added": [], "updated": [], "unchanged": sorted([lyon, net])}
    listed = {one["key"]: one for one in shell("sources", "list", "--json").json}
    assert listed[lyon]["config"]["max_pages"] == 30
    assert listed[lyon]["location_id"] == "lyon"
    assert source_key("https://example.com") in listed
    assert partitions(shell) >= {lyon, net}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no list of sources; write `sources:` and below it lines like `- url: https://example.org/events`."),
        ("sources: https://example.org/", "has no list of sources"),
        ("sources: []\nlocations: 5", "has no list of sources"),
        ("sources: []\nlocation: []", "has unknown fields location; known are sources and locations."),
        ("sources: [https://example.org/]", "Entry 1 of FILE has no `url`; write `- url: https://…`."),
        ("sources: [{url: https://example.org/}, {url: 5}]", "Entry 2 of FILE has no `url`"),
        ("sources: [{url: https://example.org/, pages: 5}]", "Entry 1 of FILE has unknown fields pages; known are url, location and config."),
        ("sources: [{url: 'https://me:pw@example.org/', config: {max_pages: many}}]", "The configuration of https://example.org/ in FILE is wrong: max_pages: Input should be a valid integer"),
        ("sources: [{url: https://example.org/, config: [1]}]", "The configuration of https://example.org/ in FILE is wrong: value: Input should be"),
        ("sources: [{url: example.org}]", "'example.org' is not an absolute http or https URL"),
        ("sources: [{url: https://example.org}, {url: https://EXAMPLE.org/#a}]", "Entry 2 of FILE is the same source as entry 1, https://example.org/; remove one of them."),
        ("sources: [{url: https://example.org/, location: 5}]", "names the location 5, which is not in the catalog; add it with `tripper locations add`."),
        ("sources: []\nlocations: [{id: lyon, name: Lyon}]", "Location 1 of FILE is wrong: country_code: Field required."),
        ("sources: []\nlocations: [5]", "Location 1 of FILE is wrong: value: Input should be"),
        ("sources: [", "The sources file FILE cannot be read (line 1: "),
        ("[" * 900, "The sources file FILE cannot be read ("),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_the_entry_and_the_field(
    shell: Shell, file: Path, text: str, sentence: str
) -> None:
    file.write_text(text)

    said = shell("sources", "sync", file)

    assert said.code in (1, 2)
    assert sentence.replace("FILE", str(file)) in said.error
    assert shell("sources", "list", "--json").json == []


def test_locations_are_listed_changed_and_shown(shell: Shell) -> None:
    shell("locations", "add", "lyon", "--name", "Lion", "--country", "FR")

    changed = shell("locations", "add", "lyon", "--name", "Lyon", "--country", "FR", "--query", "zoo")

    assert changed.out == "lyon\tLyon (FR)\n"
    assert shell("locations", "list").out.splitlines()[1] == "lyon\tLyon\tFR\tzoo"
    assert [one["name"] for one in shell("locations", "list", "--json").json] == ["Lyon"]
    assert "country_code\tFR" in shell("locations", "show", "lyon").out
    assert shell("locations", "show", "lyon", "--json").json["queries"] == ["zoo"]
