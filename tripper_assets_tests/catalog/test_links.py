"""The catalog links what several sites tell of, after each import, and keeps what people say of it."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from benchmarks.linked_sites import by_source, listings, truths
from tripper_assets.catalog.activities import take_activity
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.links import LinkedGroup, Links, LinkTally
from tripper_assets.catalog.search import search
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.errors import NotFoundError
from tripper_assets.domain.identity import activity_id
from tripper_assets.domain.link_facts import facts_of
from tripper_assets.domain.links import link_groups
from tripper_assets.domain.search import SearchFilters
from tripper_assets_tests.catalog.conftest import AT, Site

DAY = date(2026, 6, 1)
MILL = {"name": "Old Mill", "address": {"streetAddress": "Mill Lane 1", "addressLocality": "Leeds"}}
DINOSAURS = {"startDate": "2026-06-01T15:00:00+02:00", "location": MILL}


@pytest.fixture
def two(make_site: Callable[[str], Site]) -> tuple[Site, Site, Links]:
    """Two sites that list one workshop, and a town that only the second lists."""
    first, second = make_site("council.example"), make_site("paper.example")
    first.load([first.activity("Dinosaur workshop", quality={"score": 0.9}, **DINOSAURS), first.activity("Seals")])
    second.load([second.activity("DINOSUAR WORKSHOP", **DINOSAURS), second.activity("Goats", index=1)])
    return first, second, Links(first.database)


def linked(links: Links) -> list[list[str]]:
    return [[member.name for member in one.members] for one in links.list()]


def link_all(links: Links, *sites: Site) -> list[LinkTally]:
    return [links.update(site.source.key, at=AT) for site in sites]


def test_what_two_sites_tell_of_is_one_group_and_a_second_round_does_nothing(two: tuple[Site, Site, Links]) -> None:
    first, second, links = two

    done = link_all(links, first, second, first, second)

    assert linked(links) == [["Dinosaur workshop", "DINOSUAR WORKSHOP"]]
    assert [one.compared for one in done] == [2, 2, 0, 0]
    assert [one.changed for one in done] == [0, 2, 0, 0]


def test_a_link_says_why_with_whom_and_by_whom(two: tuple[Site, Site, Links]) -> None:
    first, second, links = two
    link_all(links, first, second)

    with first.database.connection() as connection:
        rows = connection.scalars(text("SELECT evidence FROM tripper.activity_links ORDER BY position")).all()

    [[evidence], [back]] = rows
    assert evidence["with"] == second.activity("DINOSUAR WORKSHOP").id
    assert back["with"] == first.activity("Dinosaur workshop").id
    assert (evidence["place"], evidence["time"], evidence["by"]) == ("same venue", "same time", "tripper")
    assert 0.9 < evidence["score"] <= 1


def test_no_activity_is_ever_removed_by_a_link(two: tuple[Site, Site, Links]) -> None:
    first, second, links = two
    link_all(links, first, second)

    with first.database.connection() as connection:
        assert connection.scalar(text("SELECT count(*) FROM tripper.activities WHERE removed_at IS NULL")) == 4


def test_what_a_site_moves_away_or_withdraws_leaves_its_group(two: tuple[Site, Site, Links]) -> None:
    first, second, links = two
    link_all(links, first, second)
    second.load([second.activity("DINOSUAR WORKSHOP", **{**DINOSAURS, "startDate": "2026-06-08T15:00:00+02:00"})])
    link_all(links, second)
    assert linked(links) == []

    second.load([second.activity("DINOSUAR WORKSHOP", **DINOSAURS)])
    link_all(links, second)
    assert linked(links) != []

    take_activity(first.database, second.activity("DINOSUAR WORKSHOP").id, at=AT)
    assert linked(links) == []  # at once, before the next round
    link_all(links, second)
    assert stored(first.database) == 0


def stored(database: Database) -> int:
    with database.connection() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM tripper.activity_links")) or 0)


def test_a_removed_source_is_in_no_group_and_is_compared_with_nothing(two: tuple[Site, Site, Links]) -> None:
    first, second, links = two
    link_all(links, first, second)
    SourceRegistry(first.database).remove(second.source.key)

    assert linked(links) == []
    assert links.update(second.source.key, at=AT) == LinkTally()


def test_what_a_person_parts_stays_apart_until_the_word_is_withdrawn(two: tuple[Site, Site, Links]) -> None:
    first, second, links = two
    link_all(links, first, second)
    a, b = first.activity("Dinosaur workshop"), second.activity("DINOSUAR WORKSHOP")

    parted = links.part(b.id, by="ann", at=AT, reason="two rooms")
    again = links.part(b.id, by="ann", at=AT)
    second.load([second.activity("DINOSUAR WORKSHOP", description="new", **DINOSAURS)])
    link_all(links, second)

    assert (parted, again) == (1, 0)
    assert linked(links) == []
    assert links.withdraw(a.id, b.id, by="bob", at=AT)
    assert not links.withdraw(a.id, b.id, by="bob", at=AT)
    assert len(linked(links)) == 1
    with first.database.connection() as connection:
        said = connection.execute(text("SELECT by, reason, removed_by FROM tripper.activity_link_verdicts")).all()
    assert said == [("ann", "two rooms", "bob")]


def test_what_a_person_joins_is_one_whatever_it_looks_like(two: tuple[Site, Site, Links]) -> None:
    first, second, links = two
    link_all(links, first, second)
    seals, goats = first.activity("Seals"), second.activity("Goats")

    links.say(seals.id, goats.id, is_same=True, by="ann", at=AT)
    second.load([second.activity("Goats", description="new")])
    link_all(links, second)

    assert {member.name for member in links.groups_of([goats.id])[goats.id].members} == {"Seals", "Goats"}


def test_only_two_activities_of_the_catalog_can_be_joined(two: tuple[Site, Site, Links]) -> None:
    first, _, links = two
    known = first.activity("Seals").id

    for other in (known, "no id", activity_id("x", "y")):
        with pytest.raises(NotFoundError, match="needs two activities"):
            links.say(known, other, is_same=True, by="ann", at=AT)
    assert links.part("no id", by="ann", at=AT) == 0
    assert not links.withdraw("no id", known, by="ann", at=AT)
    assert links.groups_of(["no id"]) == {}


def test_the_best_described_activity_is_the_first_of_its_group(two: tuple[Site, Site, Links]) -> None:
    first, second, links = two
    link_all(links, first, second)
    a, b, goats = (
        first.activity("Dinosaur workshop").id,
        second.activity("DINOSUAR WORKSHOP").id,
        second.activity("Goats").id,
    )

    groups: dict[str, LinkedGroup] = links.groups_of([b, goats, a])

    assert goats not in groups
    assert [one.id for one in groups[a].members] == [a, b]
    assert [one.source_key for one in groups[b].members] == [first.source.key, second.source.key]


def test_groups_are_listed_by_source_and_in_pages(
    two: tuple[Site, Site, Links], make_site: Callable[[str], Any]
) -> None:
    first, second, links = two
    third = make_site("parents.example")
    third.load([third.activity("Goats", index=1)])
    link_all(links, first, second, third)
    links.say(third.activity("Goats").id, second.activity("Goats").id, is_same=True, by="ann", at=AT)

    pages = [links.list(limit=1)]
    pages.append(links.list(limit=1, after=pages[0][0].id))

    assert [len(page) for page in pages] == [1, 1]
    assert links.list(after=pages[1][0].id) == []
    assert len(links.list(first.source.key)) == 1
    assert len(links.list(second.source.key)) == 2


def test_sites_linked_one_after_the_other_in_small_steps_are_as_all_at_once(
    make_site: Callable[[str], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tripper_assets.catalog.links.BATCH", 25)
    records = by_source(listings(truths(80, 3), 3)[0])
    loaded: list[Activity] = []
    for host, told in records.items():
        site = make_site(f"{host}.example")
        own = [one.model_copy(update={"source_key": site.source.key}) for one in told]
        site.load(own)
        loaded += own
        links = Links(site.database)
        links.update(site.source.key, at=AT)

    found = {one.id: [member.id for member in one.members] for one in links.list(limit=1000)}

    assert found == {one.id: list(one.members) for one in link_groups(map(facts_of, loaded))}
    assert len(found) > 20


def test_a_search_shows_what_two_sites_tell_of_once_with_both_sources(two: tuple[Site, Site, Links]) -> None:
    first, second, links = two
    link_all(links, first, second)

    found = search(first.database, text="dinosaur workshop", now=AT).hits
    listed = search(first.database, filters=SearchFilters(since=DAY, until=DAY), now=AT).hits
    of_second = search(
        first.database, text="dinosaur", filters=SearchFilters(source_key=second.source.key), now=AT
    ).hits

    assert [hit.name for hit in found] == ["Dinosaur workshop"]
    assert [one.source_key for one in found[0].also] == [second.source.key]
    assert [len(hit.also) for hit in listed] == [1]
    assert [(hit.source_key, hit.also) for hit in of_second] == [(second.source.key, ())]


def test_pages_of_a_search_show_no_activity_twice(make_site: Callable[[str], Site]) -> None:
    sites = [make_site("council.example"), make_site("paper.example")]
    names = ["Dinosaur workshop", "Seal feeding", "Goat walk"]
    for site in sites:
        site.load([site.activity(name, index=place, **DINOSAURS) for place, name in enumerate(names)])
    link_all(Links(sites[0].database), *sites)
    days = SearchFilters(since=DAY, until=DAY)

    seen, page = [], search(sites[0].database, filters=days, limit=1, now=AT)
    seen += page.hits
    while page.next:
        page = search(sites[0].database, filters=days, limit=1, now=AT, after=page.next)
        seen += page.hits

    assert len({hit.id for hit in seen}) == len(seen)
    assert {hit.name for hit in seen} == set(names)
