import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.errors import NotFoundError, PermanentError
from tripper_assets.domain.sources import Location, Source, SourceConfig, make_source

BONN = Location(
    id="bonn", name="Bonn", country_code="DE", queries=("playgrounds", "rainy day"), latitude=50.7, longitude=7.1
)


@pytest.fixture
def registry(database: Database) -> SourceRegistry:
    return SourceRegistry(database)


def test_a_source_comes_back_as_it_was_added(registry: SourceRegistry) -> None:
    registry.add_location(BONN)
    source = make_source("https://zoo.example/", SourceConfig(max_pages=7, include=("/events/",)), location_id="bonn")

    assert registry.add(source) == source
    assert registry.get(source.key) == source
    assert registry.get("unknown-00000000") is None


def test_adding_a_known_source_leaves_it_as_it_is(registry: SourceRegistry) -> None:
    first = registry.add(make_source("https://zoo.example/", SourceConfig(max_pages=7)))

    again = registry.add(make_source("https://zoo.example/"))

    assert again == first
    assert registry.list() == [first]


def test_a_removed_source_is_hidden_until_it_is_added_again(registry: SourceRegistry) -> None:
    source = registry.add(make_source("https://zoo.example/"))

    assert registry.remove(source.key)
    assert not registry.remove(source.key)
    assert registry.get(source.key) is None
    assert registry.list() == []

    registry.add(make_source("https://zoo.example/", SourceConfig(max_pages=3)))
    assert [one.config.max_pages for one in registry.list()] == [3]


def test_a_sync_says_what_it_did_to_each_source(registry: SourceRegistry) -> None:
    zoo, farm, pool = (make_source(f"https://{name}.example/") for name in ("zoo", "farm", "pool"))
    registry.sync([zoo, farm])
    changed = zoo.model_copy(update={"config": SourceConfig(max_pages=9)})

    result = registry.sync([changed, pool])

    assert (result.added, result.updated, result.unchanged, result.removed) == ([pool.key], [zoo.key], [], [])
    assert registry.get(zoo.key) == changed
    assert registry.sync([changed, pool]).unchanged == sorted([zoo.key, pool.key])
    assert registry.sync([pool], prune=True).removed == sorted([zoo.key, farm.key])
    assert registry.sync([zoo]).added == [zoo.key]


def test_a_sync_is_all_or_nothing(registry: SourceRegistry) -> None:
    good = make_source("https://a.example/")
    bad = make_source("https://b.example/", location_id="atlantis")

    with pytest.raises(NotFoundError, match=r"atlantis.*tripper locations add"):
        registry.sync([good, bad])

    assert registry.list() == []


def test_two_urls_with_one_key_are_refused(registry: SourceRegistry) -> None:
    source = registry.add(make_source("https://zoo.example/"))

    with pytest.raises(PermanentError, match="same key"):
        registry.add(Source(key=source.key, url="https://other.example/"))


def test_a_location_takes_new_queries(registry: SourceRegistry) -> None:
    registry.add_location(BONN)
    registry.add_location(BONN)
    changed = registry.add_location(BONN.model_copy(update={"queries": ("museums",)}))

    assert registry.get_location("bonn") == changed
    assert registry.locations() == [changed]
    assert registry.get_location("nowhere") is None
