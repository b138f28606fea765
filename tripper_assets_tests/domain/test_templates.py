"""What templates and statements are worth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.templates import BARREN_FOR_THE_END, OTHER_DAYS, RECENT, Statements, Template

WORTHS = st.lists(st.sampled_from([0.0, OTHER_DAYS, 1.0]), max_size=60)


def template(*worths: float) -> Template:
    made = Template()
    for worth in worths:
        made.judge(worth)
    return made


def test_an_untried_template_costs_nothing_a_good_one_less_and_a_barren_one_more() -> None:
    assert template().cost == 0
    assert template(1, 1, 1).cost < 0 < template(0, 0, 0).cost


def test_only_the_last_pages_count() -> None:
    assert template(*[1.0] * 500, *[0.0] * RECENT).cost == template(*[0.0] * RECENT).cost
    assert template(*[0.0] * 500, *[1.0] * RECENT).cost == template(*[1.0] * RECENT).cost


def test_a_barren_template_sinks_further_and_further_and_is_spent_only_at_the_end() -> None:
    assert template(*[0.0] * 100).cost > template(*[0.0] * 50).cost
    assert not template(*[0.0] * (BARREN_FOR_THE_END - 1)).is_spent
    assert template(*[0.0] * BARREN_FOR_THE_END).is_spent


def test_pages_that_only_name_other_days_sink_too_but_are_never_given_up() -> None:
    endless = template(*[OTHER_DAYS] * (2 * BARREN_FOR_THE_END))

    assert endless.cost > 100
    assert not endless.is_spent


@given(WORTHS)
def test_one_more_good_page_never_makes_a_template_worse_than_one_more_barren_page(worths: list[float]) -> None:
    assert template(*worths, 1).cost <= template(*worths, 0).cost


@pytest.mark.parametrize(
    ("before", "said", "worth"),
    [
        ([], ({1}, {10}), 1),
        ([], (set(), set()), 0),
        ([({1, 2, 3}, {10, 20, 30})], ({1}, {10}), 1),
        ([({1, 2, 3}, {10, 20, 30}), ({1}, {10})], ({1}, {10}), 0),
        ([({1, 2, 3}, {10, 20, 30})], ({1, 2, 3}, {10, 20, 30}), 0),
        ([({1}, {10})], ({2}, {10}), OTHER_DAYS),
        ([({1}, {10}), ({2, 3, 4}, {10})], ({2}, {10}), 1),
    ],
    ids=[
        "new",
        "nothing",
        "its own page after the list",
        "its own page twice",
        "the list twice",
        "another day",
        "another day that a list named",
    ],
)
def test_what_a_page_states_is_worth_something_where_it_is_new(
    before: list[tuple[set[int], set[int]]], said: tuple[set[int], set[int]], worth: float
) -> None:
    statements = Statements()
    for days, names in before:
        statements.add(frozenset(days), frozenset(names))

    assert statements.add(frozenset(said[0]), frozenset(said[1])) == worth
