"""A source that falls silent is told from one that has less to say, by what its own last crawls saw."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.quality import CheckResult, Expectations, check_bundle
from tripper_assets.domain.yields import CrawlYield, PastRun, Yields, comparable, crawl_yield, is_a_fraction

SAME = {"max_pages": 150}


def verdict(name: str, yields: Yields | None) -> CheckResult:
    results = check_bundle(
        [], Expectations(source_url="https://town.example/", maps={}, last=None, allowed_removals=0.3, yields=yields)
    )
    return next(one for one in results if one.name == name)


@pytest.mark.parametrize(("now", "held"), [(0, True), (9, True), (10, False), (20, False), (100, False)])
def test_less_than_half_of_the_usual_is_held(now: int, *, held: bool) -> None:
    found = verdict("yield_against_last_runs", Yields(CrawlYield(now, 5), (20, 22, 18)))

    assert found.passed is not held
    assert found.severity == "ERROR"


def test_the_reason_says_what_was_usual_and_what_kept_the_crawl_from_it() -> None:
    now = CrawlYield(3, 4, {"captcha": 30, "http_503": 2, "page_timeout": 1, "http_500": 1})

    found = verdict("yield_against_last_runs", Yields(now, (40, 44)))

    assert found.sentence == (
        "The crawl saw 3 occurrences on 4 pages, and the last 2 runs saw 42 (median; wanted 50% of it);"
        " 34 pages were not to be read (captcha 30, http_503 2, http_500 1)."
    )
    assert found.figure == round(3 / 42, 4)


@pytest.mark.parametrize("yields", [None, Yields(CrawlYield(0, 3))])
def test_a_first_run_and_a_replay_have_nothing_to_compare_with(yields: Yields | None) -> None:
    assert verdict("yield_against_last_runs", yields).passed


@pytest.mark.parametrize(("unread", "passed"), [(0, True), (5, True), (6, False), (100, False)])
def test_pages_that_could_not_be_read_are_shown(unread: int, *, passed: bool) -> None:
    found = verdict("pages_read", Yields(CrawlYield(1, 95, {"http_500": unread})))

    assert found.passed is passed
    assert found.severity == "WARN"


def test_the_counts_of_a_stage_are_a_yield_and_what_was_carried_over_is_none_of_it() -> None:
    counts = {
        "rows": 50, "confirmed": 20, "fetched": 1, "reused": 2, "unchanged": {"sitemap": 3, "resumed": 4, "budget": 9},
        "failures": {"http_500": 1}, "blocked": {"captcha": 2},
    }  # fmt: skip

    assert crawl_yield(counts) == CrawlYield(20, 10, {"http_500": 1, "captcha": 2})
    assert crawl_yield({"rows": 50}).stated == 50


def test_only_the_last_five_runs_with_the_same_crawl_settings_are_compared() -> None:
    runs = [PastRun(number, {"max_pages": 20} if number % 2 else {"auto_import": True}) for number in range(20)]

    assert comparable(runs, SAME) == (0, 2, 4, 6, 8)


def test_what_a_person_took_all_the_same_is_the_new_usual() -> None:
    runs = [PastRun(3, SAME), PastRun(2, SAME, is_taken_all_the_same=True), PastRun(100, SAME)]

    assert comparable(runs, SAME) == (3, 2)


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=5))
def test_a_source_that_goes_on_as_before_is_never_held(before: list[int]) -> None:
    assert not is_a_fraction(Yields(CrawlYield(max(before)), tuple(before)))
