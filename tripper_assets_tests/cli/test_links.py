"""People see which activities several sites tell of, and have the last word on it."""

from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.repository import Repository
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import activity_id
from tripper_assets.domain.sources import make_source
from tripper_assets_tests.cli.conftest import Shell, new_shell
from tripper_assets_tests.conftest import FreshDatabases

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITES = ("https://council.example/", "https://paper.example/")


@pytest.fixture
def shell(homes: str | None, fresh_databases: FreshDatabases) -> Generator[Shell]:
    """A catalog in which two sites tell of one workshop."""
    with new_shell(homes, fresh_databases) as shell:
        database = Database(shell.environment["TRIPPER_DATABASE_URL"])
        for url in SITES:
            source = SourceRegistry(database).add(make_source(url))
            own = {
                "id": activity_id(source.key, "1"),
                "index": 0,
                "source_key": source.key,
                "source_url": url,
                "url": f"{url}1",
            }
            place = {"name": "Old Mill", "address": {"addressLocality": "Leeds"}}
            said = {
                "type": "Event",
                "name": "Dinosaur workshop",
                "startDate": "2026-06-01T15:00:00+02:00",
                "location": place,
            }
            Repository(database).create([Activity.model_validate({**own, **said})], at=AT)
        database.dispose()
        yield shell


def test_what_two_sites_tell_of_is_shown_parted_and_joined_again(shell: Shell) -> None:
    before = shell("links")
    (group,) = shell("links", "--update", "--json").json
    first, second = (one["id"] for one in group["members"])
    table = shell("links", SITES[0])

    parted = shell("unlink", second, "--reason", "two rooms")
    again = shell("unlink", second)
    none = shell("links", "--update", "--json")
    joined = shell("link", first, second)

    assert before.out.startswith("No two sites tell of one activity")
    assert table.out.count("Dinosaur workshop") == 2
    assert parted.out == f"{second} is parted from 1.\n"
    assert "is linked with none" in again.out
    assert none.json == []
    assert joined.out.startswith(f"{first} and {second} are one")
    assert len(shell("links", "--json").json) == 1


def test_an_id_that_is_none_is_one_sentence(shell: Shell) -> None:
    said = shell("link", "nobody", "nothing")

    assert said.code == 1
    assert said.error.startswith("Linking needs two activities, and nobody is none")
