"""Activities of several sites are grouped: precisely, whatever order they come in, and as people say."""

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.linked_sites import judged, linked_pairs, listings, truths
from tripper_assets.domain.link_facts import LinkFacts, facts_of
from tripper_assets.domain.links import Verdict, edges, group, link_groups, pair_of
from tripper_assets_tests.domain.test_likeness import facts

RECORDS, SAME = listings(truths(120, 7), 7)
KNOWN = [facts_of(one) for one in RECORDS]
FOUND = link_groups(KNOWN)


@given(st.permutations(KNOWN))
@settings(max_examples=8, deadline=None)
def test_the_order_of_sources_and_of_activities_changes_nothing(order: list[LinkFacts]) -> None:
    assert link_groups(order) == FOUND


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)])
def test_what_is_linked_is_one_and_most_of_what_is_one_is_linked(seed: int) -> None:
    records, same = listings(truths(1_000, seed), seed)

    precision, recall = judged(linked_pairs(link_groups(map(facts_of, records))), same)

    assert precision >= 0.98
    assert recall >= 0.85


def test_no_source_has_two_in_a_group_and_no_two_of_a_group_contradict_each_other() -> None:
    of = {one.id: one for one in KNOWN}

    for one in FOUND:
        sources = [of[member].source_key for member in one.members]
        assert len(set(sources)) == len(sources)


def test_a_part_is_grouped_as_the_whole_is() -> None:
    chance = random.Random(1)
    fresh = [one for one in KNOWN if chance.random() < 0.5]
    others = [one for one in KNOWN if one not in fresh]

    found = [*edges(fresh, others), *edges(others, ())]

    assert group(KNOWN, found) == FOUND


def test_the_best_described_stands_for_the_group_and_says_why_they_are_one() -> None:
    poor, rich = facts(quality={"score": 0.3}), facts(site="b", quality={"score": 0.9})

    (found,) = link_groups([poor, rich])

    assert found.members == (rich.id, poor.id)
    assert found.id == poor.id
    assert [(edge.pair, edge.by, edge.evidence["place"], edge.evidence["time"]) for edge in found.edges] == [
        (pair_of(poor.id, rich.id), "tripper", "same venue", "same time")
    ]


def test_an_activity_that_fits_two_of_one_source_is_linked_to_neither() -> None:
    for_whom = [facts("Dinosaur workshop (red room)", site="a"), facts("Dinosaur workshop (blue room)", site="a")]

    assert link_groups([*for_whom, facts(site="b")]) == ()


def test_three_sites_make_one_group() -> None:
    (found,) = link_groups([facts(site=site) for site in "abc"])

    assert len(found.members) == 3
    assert len(found.edges) == 3


def test_what_a_person_parts_stays_apart_and_what_a_person_joins_is_one() -> None:
    one, other, else_where = facts(site="a"), facts(site="b"), facts("Quite another thing", site="c")
    apart = Verdict(pair_of(one.id, other.id), is_same=False, by="ann")
    same = Verdict(pair_of(one.id, else_where.id), is_same=True, by="bob")

    (found,) = link_groups([one, other, else_where], [apart, same])

    assert set(found.members) == {one.id, else_where.id}
    assert [edge.by for edge in found.edges] == ["bob"]


def test_what_shares_no_block_is_never_compared() -> None:
    pairs = combinations([facts(site="a"), facts(site="b", startDate="2026-07-01")], 2)

    assert all(one.keys.isdisjoint(other.keys) for one, other in pairs)
