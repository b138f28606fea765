from dataclasses import replace
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.clients.frontier import Candidate, Frontier
from tripper_assets.domain.urls import PageUrl, Site, page_url

SITE = Site.of("https://example.org/")


def candidate(path: str, depth: int = 1, *, is_start: bool = False) -> Candidate:
    page = page_url(f"https://example.org{path}")
    assert page
    return Candidate(page, depth, is_start=is_start)


def take(frontier: Frontier, count: int) -> list[str]:
    return [one.page.identity.removeprefix("https://example.org") for one in frontier.take(count)]


def frontier_of(*paths: str, max_depth: int = 5) -> Frontier:
    frontier = Frontier(SITE, max_depth)
    for path in paths:
        frontier.offer(candidate(path))
    return frontier


def test_what_looks_like_an_activity_comes_first_and_equals_come_by_url() -> None:
    frontier = frontier_of("/login", "/b", "/a", "/event/summer-fair-2026", "/events")
    frontier.offer(candidate("/", 0, is_start=True))

    assert take(frontier, 3) == ["/", "/event/summer-fair-2026", "/events"]
    assert take(frontier, 9) == ["/a", "/b", "/login"]
    assert len(frontier) == 0


def test_the_order_of_offers_does_not_matter() -> None:
    paths = [f"/event/{number}" for number in range(20)] + [f"/{letter}" for letter in "abcdef"]

    assert take(frontier_of(*paths), 26) == take(frontier_of(*reversed(paths)), 26)


def test_a_page_is_taken_once() -> None:
    frontier = frontier_of("/a", "/a")

    assert take(frontier, 2) == ["/a"]
    assert not frontier.offer(candidate("/a", 0))
    assert frontier.is_taken("https://example.org/a")
    assert take(frontier, 2) == []


def test_a_shorter_way_to_a_page_counts() -> None:
    frontier = Frontier(SITE, 3)

    assert frontier.offer(candidate("/deep", 4))
    assert frontier.too_deep == 1
    assert not frontier.offer(candidate("/deep", 3))
    assert not frontier.offer(candidate("/deep", 2))
    assert not frontier.offer(candidate("/deep", 3))
    assert frontier.too_deep == 0
    assert [one.depth for one in frontier.take(5)] == [2]


def test_pages_of_a_template_that_brings_nothing_new_sink_and_rise_again() -> None:
    frontier = frontier_of(*(f"/list/{number}" for number in range(10, 20)), "/plain")
    for number in range(30):
        frontier.judge(f"https://example.org/list/{number + 100}", 0)

    assert take(frontier, 2) == ["/plain"]

    for number in range(8):
        frontier.judge(f"https://example.org/list/{number + 200}", 1)
    frontier.offer(candidate("/other"))
    assert take(frontier, 2) == ["/list/10", "/list/11"]


def test_what_a_template_brought_lately_counts_and_not_what_it_brought_long_ago() -> None:
    frontier = frontier_of("/list/10", "/plain")
    for worth in (*[1.0] * 100, *[0.0] * 8):
        frontier.judge("https://example.org/list/99", worth)

    assert take(frontier, 1) == ["/plain"]


def test_a_page_that_brings_something_speaks_for_the_template_that_led_to_it() -> None:
    frontier = frontier_of("/way/10", "/other/10")
    for _ in range(8):
        frontier.judge("https://example.org/thing/1", 1, found_on="/way/*")
        frontier.judge("https://example.org/other/1", 0)

    assert take(frontier, 1) == ["/way/10"]
    assert take(frontier, 1) == ["/other/10"]


def test_pages_that_are_much_worse_wait_for_what_the_better_ones_lead_to() -> None:
    frontier = frontier_of("/event/summer-fair-2026", "/event/winter-fair-2026", "/login", "/privacy")

    assert take(frontier, 9) == ["/event/summer-fair-2026", "/event/winter-fair-2026"]
    assert take(frontier, 9) == ["/login", "/privacy"]


@pytest.mark.parametrize("copy", ["/event/1?view=large", "/event/1/print", "/fr/event/1", "/event/1?a=2&b=3"])
def test_what_looks_like_a_copy_comes_after_what_does_not(copy: str) -> None:
    frontier = frontier_of(copy, "/event/1", "/event/1?b=3", "/plain")

    order = [*take(frontier, 9), *take(frontier, 9), *take(frontier, 9)]

    assert order.index(copy) > order.index("/plain")
    assert order.index(copy) > order.index("/event/1")


def test_a_copy_is_known_as_one_though_its_original_was_found_later() -> None:
    frontier = frontier_of("/event/1?view=large", "/about")
    frontier.offer(candidate("/event/1"))

    assert take(frontier, 9)[0] == "/event/1"
    assert frontier.is_copy("https://example.org/event/1?view=large")


def test_the_months_of_a_calendar_come_in_the_order_of_their_distance_from_today() -> None:
    months = ["/calendar/2019/03", "/calendar/2026/05", "/calendar/2026/11", "/calendar/2031/01"]
    frontier = Frontier(SITE, 5, today=date(2026, 5, 1))
    for path in months:
        frontier.offer(candidate(path))

    order = [path for _ in range(4) for path in take(frontier, 9)]

    assert order == ["/calendar/2026/05", "/calendar/2026/11", "/calendar/2019/03", "/calendar/2031/01"]


def test_a_parameter_that_brings_nothing_in_one_place_is_not_tried_in_all_others() -> None:
    frontier = frontier_of("/north?sort=date", "/plain?id=7")
    for _ in range(8):
        frontier.judge("https://example.org/south?sort=title", 0)

    assert take(frontier, 1) == ["/plain?id=7"]


def test_a_template_that_brings_nothing_for_a_thousand_pages_is_given_up_and_counted() -> None:
    frontier = frontier_of("/list/10", "/list/11")
    for _ in range(1_000):
        frontier.judge("https://example.org/list/99", 0)

    assert take(frontier, 9) == []
    assert frontier.left("budget", without=()) == {"barren": 2, "budget": 0, "depth": 0}


def test_pages_that_turn_out_to_be_one_are_asked_for_once() -> None:
    frontier = frontier_of("/a?s=1", "/a?s=2", "/b?s=3")
    (first,) = take(frontier, 1)

    frontier.rename(lambda page: PageUrl(page.identity.partition("?")[0], page.address))

    assert first == "/a?s=1"
    assert take(frontier, 9) == ["/b"]
    assert not frontier.offer(candidate("/a"))


def test_a_page_that_was_read_under_another_url_is_not_asked_for() -> None:
    frontier = frontier_of("/a", "/b")

    assert frontier.claim("https://example.org/a")
    assert not frontier.claim("https://example.org/a")
    assert take(frontier, 9) == ["/b"]


PATHS = st.lists(
    st.sampled_from(
        [
            "/event/1",
            "/event/1?a=1",
            "/event/2?a=1&b=2",
            "/list?page=2",
            "/fr/event/1",
            "/cal/2026/07",
            "/cal/2030/01",
            "/x",
        ]
    ),
    unique=True,
)
JUDGED = st.lists(
    st.tuples(
        st.sampled_from(["/event/9", "/list?page=7", "/cal/2026/09", "/x?a=3"]), st.sampled_from([0.0, 0.25, 1.0])
    )
)


@given(PATHS, JUDGED, st.randoms(use_true_random=False), st.integers(1, 5))
def test_each_page_is_given_once_whatever_is_learned_meanwhile(
    paths: list[str], judged: list[tuple[str, float]], chance: Random, count: int
) -> None:
    frontier = Frontier(SITE, 5, today=date(2026, 5, 1))
    shuffled = chance.sample(paths, len(paths))
    for path in shuffled:
        frontier.offer(candidate(path))
    given_out: list[str] = []
    for path, worth in judged:
        given_out += take(frontier, count)
        frontier.judge(f"https://example.org{path}", worth)
    while some := take(frontier, count):
        given_out += some

    assert sorted(given_out) == sorted(paths)
    assert len(frontier) == 0


def test_more_pages_than_memory_is_given_for_are_turned_away_and_counted() -> None:
    frontier = Frontier(SITE, 5, max_waiting=2)

    assert [frontier.offer(candidate(path)) for path in ("/a", "/b", "/c", "/a")] == [True, True, False, False]
    assert (len(frontier), frontier.dropped) == (2, 1)


@pytest.mark.parametrize("dated_first", [True, False])
def test_a_page_keeps_its_sitemaps_date_whichever_way_it_was_found_first(*, dated_first: bool) -> None:
    frontier = Frontier(SITE, 5)
    ways = [replace(candidate("/a", 2), lastmod="2026-05-01"), candidate("/a", 1)]

    for way in ways if dated_first else reversed(ways):
        frontier.offer(way)

    (taken,) = frontier.take(1)
    assert (taken.depth, taken.lastmod) == (1, "2026-05-01")
