"""What becomes of known pages that were not asked for."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.clients.frontier import Candidate, Frontier
from tripper_assets.clients.leftovers import Leftovers, leftovers, spent_budget
from tripper_assets.domain.pages import PageState
from tripper_assets.domain.urls import PageUrl, Site

NOW = datetime(2026, 5, 10, tzinfo=UTC)
OLD = NOW - timedelta(days=60)
ROOT = "https://example.org"


def page(name: str, *, checked: datetime = NOW, linked: datetime | None = NOW) -> PageState:
    return PageState(url=f"{ROOT}/{name}", status=200, fetched_at=OLD, checked_at=checked, linked_at=linked)


def left_of(
    *pages: PageState,
    found: str = "",
    taken: str = "",
    refused: str = "",
    settled: str = "",
    why_not: str = "budget",
    max_kept: int = 9,
) -> Leftovers:
    frontier = Frontier(Site.of(f"{ROOT}/"), 5)
    for name in taken:
        frontier.claim(f"{ROOT}/{name}")
    for name in found:
        frontier.offer(Candidate(PageUrl(f"{ROOT}/{name}", f"{ROOT}/{name}"), 1))
    return leftovers(
        {one.url: one for one in pages},
        frontier,
        refused={f"{ROOT}/{name}" for name in refused},
        settled={f"{ROOT}/{name}" for name in settled},
        why_not=why_not,
        max_kept=max_kept,
        now=NOW,
    )


def names(left: Leftovers) -> dict[str, str]:
    return {url.rpartition("/")[2]: why for url, why in left.kept.items()}


def test_a_page_that_is_still_found_is_carried_over_with_the_reason() -> None:
    left = left_of(page("a"), page("b"), found="ab")

    assert names(left) == {"a": "budget", "b": "budget"}
    assert left.counts() == {"budget": 2}


def test_what_was_asked_for_refused_or_settled_is_no_leftover() -> None:
    left = left_of(page("a"), page("b"), page("c"), taken="a", refused="b", settled="c")

    assert (left.kept, left.gone) == ({}, [])


def test_a_page_that_nothing_leads_to_is_kept_for_a_while_and_then_let_go() -> None:
    left = left_of(page("a"), page("b", linked=OLD))

    assert names(left) == {"a": "unlinked"}
    assert [(one.url, one.reason) for one in left.gone] == [(f"{ROOT}/b", "unlinked")]


def test_a_page_that_was_not_confirmed_for_a_month_is_let_go_though_it_is_found() -> None:
    left = left_of(page("a", checked=OLD), found="a")

    assert [one.url for one in left.gone] == [f"{ROOT}/a"]


def test_an_outage_lets_no_page_go_that_is_still_confirmed() -> None:
    left = left_of(page("a"), page("b", linked=OLD), page("c"), found="a", why_not="outage", max_kept=1)

    assert names(left) == {"a": "outage", "b": "outage", "c": "outage"}


def test_no_more_are_carried_over_than_the_budget_allows() -> None:
    assert names(left_of(page("a"), page("b"), page("c"), found="abc", max_kept=2)) == {"a": "budget", "b": "budget"}


def test_the_problem_says_what_to_raise() -> None:
    problem = spent_budget(f"{ROOT}/", 1_500, 2_000)

    assert problem.code == "budget_spent"
    assert "max_pages 1,500" in problem.message
    assert "2,000 known pages" in problem.message


@given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")), st.sampled_from(["budget", "outage"]))
def test_no_page_is_both_kept_and_gone(found: set[str], old: set[str], why_not: str) -> None:
    pages = [page(name, linked=OLD if name in old else NOW) for name in "abcdef"]

    left = left_of(*pages, found="".join(sorted(found)), why_not=why_not)

    assert not left.kept.keys() & {one.url for one in left.gone}
    assert len(left.kept) + len(left.gone) == len(pages)
