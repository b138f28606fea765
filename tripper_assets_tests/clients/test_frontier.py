from tripper_assets.clients.frontier import Candidate, Frontier
from tripper_assets.domain.urls import Site, page_url

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
    frontier = frontier_of(*(f"/calendar/2026/{number}" for number in range(10, 20)), "/plain")
    for number in range(100):
        frontier.judge(f"https://example.org/calendar/1999/{number}", fruitful=False)

    assert take(frontier, 2) == ["/plain", "/calendar/2026/10"]

    frontier.offer(candidate("/other"))
    frontier.judge("https://example.org/calendar/1999/100", fruitful=True)
    assert take(frontier, 2) == ["/calendar/2026/11", "/calendar/2026/12"]


def test_more_pages_than_memory_is_given_for_are_turned_away_and_counted() -> None:
    frontier = Frontier(SITE, 5, max_waiting=2)

    assert [frontier.offer(candidate(path)) for path in ("/a", "/b", "/c", "/a")] == [True, True, False, False]
    assert (len(frontier), frontier.dropped) == (2, 1)
