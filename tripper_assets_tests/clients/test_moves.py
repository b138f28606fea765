"""Where redirects lead."""

import pytest

from tripper_assets.clients.frontier import Candidate
from tripper_assets.clients.moves import MAX_HOPS, Move, Moves
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets.domain.urls import Admission, PageUrl, page_url

ROOT = "https://example.org"


def moves(**config: object) -> Moves:
    return Moves(Admission.of(make_source(f"{ROOT}/", SourceConfig(**config))))  # type: ignore[arg-type]


def judge(some: Moves, here: str, there: str, *, hops: int = 0, is_start: bool = False) -> Move:
    target = there if ":" in there else f"{ROOT}{there}"
    page = page_url(f"{ROOT}{here}")
    assert page
    candidate = Candidate(page, depth=3, hops=hops, is_start=is_start, found_on="/list")
    return some.judge(candidate, page_url(target), target)


def test_a_redirect_within_the_site_goes_on_as_deep_as_it_was_with_one_hop_more() -> None:
    move = judge(moves(), "/old", "/new", hops=1)

    assert move == Move("redirect", Candidate(PageUrl(f"{ROOT}/new", f"{ROOT}/new"), 3, 2, found_on="/list"))


@pytest.mark.parametrize("target", ["https://elsewhere.example/x", "mailto:a@b.c", "https://example.org:8443/x"])
def test_a_redirect_off_the_site_ends_and_says_where_it_leads(target: str) -> None:
    move = judge(moves(), "/old", target)

    assert (move.reason, move.onward) == ("off_site", None)
    assert move.problem
    assert move.problem.code == "redirect_off_site"
    assert target in move.problem.message


def test_a_circle_ends_where_it_closes() -> None:
    some = moves()
    judge(some, "/a", "/b")
    judge(some, "/b", "/c")

    assert judge(some, "/c", "/a").reason == "redirect_loop"
    assert judge(some, "/x", "/x").reason == "redirect_loop"
    assert len(some) == 2


def test_a_circle_that_others_go_in_does_not_hold_up_who_comes_by() -> None:
    some = moves()
    judge(some, "/a", "/b")
    judge(some, "/b", "/c")

    assert judge(some, "/d", "/a").reason == "redirect"


def test_too_many_hops_end() -> None:
    assert judge(moves(), "/a", "/b", hops=MAX_HOPS - 1).reason == "redirect"
    assert judge(moves(), "/a", "/b", hops=MAX_HOPS).reason == "redirect_loop"


def test_a_redirect_to_what_is_not_wanted_ends_but_for_the_source_itself() -> None:
    assert judge(moves(exclude=("/login",)), "/a", "/login") == Move("excluded")
    assert judge(moves(include=("/events",)), "/", "/start", is_start=True).reason == "redirect"
    assert judge(moves(), "/a", "/plan.pdf") == Move("not_a_page")
