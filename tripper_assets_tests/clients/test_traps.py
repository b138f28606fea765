"""Whole crawls of ordinary sites with traps around them: within their budget, and of 95 % of the pages that matter."""

import random

import pytest

from tripper_assets_tests.clients.calendar_sites import MORE_FAMILIES
from tripper_assets_tests.clients.family_sites import FAMILIES
from tripper_assets_tests.clients.loopback import LoopbackSite
from tripper_assets_tests.clients.more_traps import MORE_TRAPS
from tripper_assets_tests.clients.spellings import SPELLINGS
from tripper_assets_tests.clients.trap_sites import Outcome, TrapSite, crawl_in_memory, crawl_over_loopback
from tripper_assets_tests.clients.traps import TRAPS

EVERY_FAMILY = FAMILIES | MORE_FAMILIES
EVERY_TRAP = TRAPS | SPELLINGS | MORE_TRAPS
ENOUGH = 0.95
EACH_TRAP = [(list(EVERY_FAMILY)[at * 7 % len(EVERY_FAMILY)], trap, at) for at, trap in enumerate(EVERY_TRAP)]
"""Each trap once, and each family at least once, every third of them in the short run; their product is tried by the long tests."""


def site_of(family: str, *traps: str, seed: int) -> TrapSite:
    chance = random.Random(seed)
    return TrapSite(EVERY_FAMILY[family](chance), [EVERY_TRAP[trap](chance) for trap in traps], seed=seed)


def drawn(seed: int) -> TrapSite:
    chance = random.Random(seed)
    family, traps = chance.choice(list(EVERY_FAMILY)), chance.sample(list(EVERY_TRAP), chance.randint(2, 4))
    return site_of(family, *traps, seed=seed)


def is_good(outcome: Outcome) -> bool:
    return outcome.share >= ENOUGH and outcome.spent <= outcome.budget


@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_a_site_without_traps_is_found_whole_and_no_page_is_asked_for_twice(family: str) -> None:
    site = site_of(family, seed=7)

    outcome = crawl_in_memory(site)

    assert outcome.missing == ()
    assert len(set(site.asked)) == len(site.asked)


def test_each_family_is_tried_with_a_trap() -> None:
    assert {family for family, _, _ in EACH_TRAP} == set(EVERY_FAMILY)


@pytest.mark.parametrize(
    ("family", "trap", "seed"),
    [pytest.param(*one, marks=pytest.mark.long if at % 3 else ()) for at, one in enumerate(EACH_TRAP)],
)
def test_one_trap_costs_hardly_a_page_that_matters(family: str, trap: str, seed: int) -> None:
    outcome = crawl_in_memory(site_of(family, trap, seed=seed))

    assert is_good(outcome), (family, trap, outcome)


@pytest.mark.parametrize("seed", range(1_000, 1_004))
def test_traps_together_cost_hardly_a_page_that_matters(seed: int) -> None:
    outcome = crawl_in_memory(drawn(seed))

    assert is_good(outcome), outcome


@pytest.mark.parametrize(
    ("family", "trap"), [("wordpress", "month_path"), ("view_php", "nonces"), ("council", "facets")]
)
def test_a_crawl_over_the_network_finds_what_one_from_memory_finds(site: LoopbackSite, family: str, trap: str) -> None:
    outcome = crawl_over_loopback(site_of(family, trap, seed=3), site)

    assert is_good(outcome), outcome


@pytest.mark.parametrize("trap", ["nonces", "own_session", "short_token", "referrers", "came_from", "looks"])
def test_what_makes_no_other_page_is_learned_from_a_few_pages(trap: str) -> None:
    site = site_of("drupal", trap, seed=5)

    crawl_in_memory(site)

    again = sum(site.served.values()) - len(site.served)
    assert again <= len(site.family.items) // 2


@pytest.mark.long
@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_nine_in_ten_of_all_pairs_of_a_site_and_a_trap_are_good(family: str) -> None:
    outcomes = {trap: crawl_in_memory(site_of(family, trap, seed=at)) for at, trap in enumerate(EVERY_TRAP)}

    bad = [trap for trap, outcome in outcomes.items() if not is_good(outcome)]
    assert len(bad) <= len(EVERY_TRAP) // 10, bad
    assert all(outcome.spent <= outcome.budget for outcome in outcomes.values())


@pytest.mark.long
def test_nine_in_ten_of_random_sites_with_several_traps_are_good() -> None:
    outcomes = [crawl_in_memory(drawn(seed)) for seed in range(2_000, 2_120)]

    bad = [outcome for outcome in outcomes if not is_good(outcome)]
    assert len(bad) <= len(outcomes) // 10, bad
    assert all(outcome.spent <= outcome.budget for outcome in outcomes)
