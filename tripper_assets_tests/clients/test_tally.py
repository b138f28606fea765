"""What a crawl counts."""

import pytest

from tripper_assets.clients.answers import Outcome, Visit
from tripper_assets.clients.frontier import Candidate, Frontier
from tripper_assets.clients.tally import MAX_PROBLEMS, Tally
from tripper_assets.domain.model import Problem
from tripper_assets.domain.urls import PageUrl, Site

PAGE = Candidate(PageUrl("https://example.org/a", "https://example.org/a"), 1)


def visit(outcome: Outcome, reason: str = "", **more: object) -> Visit:
    return Visit(PAGE, outcome, reason=reason, **more)  # type: ignore[arg-type]


def frontier() -> Frontier:
    return Frontier(Site.of("https://example.org/"), max_depth=1)


@pytest.mark.parametrize(
    ("outcome", "reason", "asked"),
    [
        ("fetched", "", 1),
        ("not_modified", "", 1),
        ("failed", "http_500", 1),
        ("blocked", "captcha", 1),
        ("gone", "http_404", 1),
        ("skipped", "content_type", 1),
        ("skipped", "robots", 0),
        ("moved", "", 0),
    ],
)
def test_what_cost_the_site_an_answer_counts_towards_the_budget(outcome: Outcome, reason: str, asked: int) -> None:
    tally = Tally()

    tally.count(visit(outcome, reason))

    assert tally.asked == asked


def test_every_visit_ends_in_one_count_and_the_report_adds_up() -> None:
    tally, waiting = Tally(), frontier()
    for one in (
        visit("fetched"),
        visit("not_modified"),
        visit("failed", "x"),
        visit("blocked", "y"),
        visit("gone", "z"),
        visit("skipped", "robots"),
    ):
        tally.count(one)
    waiting.offer(PAGE)

    so_far = tally.report_so_far(waiting.unasked).model_copy(deep=True)
    report = tally.report({"budget": 1})

    assert (so_far.found, so_far.done) == (7, 6)
    assert (report.found, report.done) == (7, 7)
    assert (report.failures, report.blocked, report.gone) == ({"x": 1}, {"y": 1}, {"z": 1})
    assert report.skipped == {"budget": 1, "robots": 1}


def test_bytes_add_up() -> None:
    tally = Tally()
    for size in (10, 20):
        tally.count(visit("fetched", received_bytes=size))

    assert tally.report({}).bytes_received == 30


def test_problems_are_kept_up_to_a_cap_and_told_in_order() -> None:
    tally = Tally()
    tally.tell(
        *(Problem(code="b", subject=str(number % 7)) for number in range(MAX_PROBLEMS + 5)),
        Problem(code="late", subject=""),
    )

    problems = tally.report({}).problems

    assert len(problems) == MAX_PROBLEMS
    assert [one.subject for one in problems] == sorted(one.subject for one in problems)
    assert all(one.code == "b" for one in problems)


def test_a_site_has_been_read_only_where_it_gave_a_page_now() -> None:
    tally = Tally()
    tally.unchanged["resumed"] += 5
    tally.count(visit("failed", "http_503"))
    assert not tally.has_read

    tally.count(visit("not_modified"))
    assert tally.has_read


def test_reasons_without_a_page_are_left_out_of_the_report() -> None:
    tally = Tally()
    tally.unchanged["sitemap"] += 1
    tally.unchanged["sitemap"] -= 1

    assert tally.report({"depth": 0}).unchanged == {}
    assert tally.report({"depth": 0}).skipped == {}
