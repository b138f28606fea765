"""Requests in groups that a provider takes, and what is made of what comes back."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.batch_requests import (
    Found,
    Limits,
    Request,
    Result,
    batch_id,
    numbered,
    submission_id,
)
from tripper_assets.domain.llm import Usage


def request(name: str, tokens: int = 1) -> Request:
    return Request(custom_id=name, body={"input": "x" * tokens}, tokens=tokens)


def groups(requests: list[Request], limits: Limits) -> list[list[str]]:
    found: dict[int, list[str]] = {}
    for number, one in numbered(requests, limits, lambda one: 10 * one.tokens):
        found.setdefault(number, []).append(one.custom_id)
    return list(found.values())


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(9, 999, 999), [["a", "b", "c", "d"]]),
        (Limits(2, 999, 999), [["a", "b"], ["c", "d"]]),
        (Limits(9, 30, 999), [["a", "b"], ["c"], ["d"]]),
        (Limits(9, 999, 4), [["a", "b"], ["c"], ["d"]]),
        (Limits(9, 999, 2), [["a"], ["b"], ["c"], ["d"]]),  # one that is too large stands alone
    ],
)
def test_requests_are_split_at_each_limit(limits: Limits, expected: list[list[str]]) -> None:
    requests = [request("a"), request("b", 2), request("c", 3), request("d", 3)]

    assert groups(requests, limits) == expected


@given(st.lists(st.integers(1, 9)), st.integers(1, 5), st.integers(10, 200), st.integers(9, 30))
def test_no_request_is_lost_or_doubled_and_no_group_is_too_large(
    sizes: list[int], count: int, size: int, tokens: int
) -> None:
    requests = [request(str(number), size) for number, size in enumerate(sizes)]
    by_name = {one.custom_id: one.tokens for one in requests}

    found = groups(requests, Limits(count, size, tokens))

    assert [name for group in found for name in group] == [one.custom_id for one in requests]
    for group in found:
        total = sum(by_name[name] for name in group)
        assert len(group) == 1 or (len(group) <= count and 10 * total <= size and total <= tokens)


def test_ids_are_32_hexadecimal_digits_and_the_same_for_the_same_question() -> None:
    first, again = batch_id("key", 0), batch_id("key", 0)

    assert first == again != batch_id("key", 1)
    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert submission_id(first, 0) == submission_id(first, 0) != submission_id(first, 1)


def good(name: str) -> Result:
    return Result(name, body={"of": name}, usage=Usage(input=2))


def test_rows_are_matched_by_their_id_alone_and_count_once() -> None:
    found = Found({"a", "b", "c", "d", "e"})
    rows = [
        good("c"),
        Result("e", error="batch_request_refused"),
        good("a"),
        good("c"),
        good("nobody"),
        Result("", error="x"),
    ]

    bodies = found.new_bodies(rows)
    found.judge(bodies, {"a": "embedding_not_finite"})
    later = found.new_bodies([good("c"), Result("d", error="batch_request_failed", is_retryable=True)])

    assert [one.custom_id for one in bodies] == ["c", "a"]
    assert later == []
    assert found.usage.input == 4
    outcome = found.outcome(may_retry=True, missing="batch_result_missing")
    assert outcome.again == {"b", "d"}
    assert outcome.problems == {"a": "embedding_not_finite", "e": "batch_request_refused"}


def test_where_nothing_may_be_asked_for_again_every_request_without_a_result_is_a_problem() -> None:
    found = Found({"a", "b", "c"})
    found.judge(found.new_bodies([good("a"), Result("b", error="batch_request_failed", is_retryable=True)]), {})

    again, problems = found.outcome(may_retry=False, missing="batch_request_expired")

    assert again == frozenset()
    assert problems == {"b": "batch_request_failed", "c": "batch_request_expired"}


def test_a_result_counts_whatever_an_error_row_of_the_same_request_says() -> None:
    rows = [Result("a", error="batch_request_failed", is_retryable=True), good("a"), Result("a", error="late")]
    for order in (rows, rows[::-1]):
        found = Found({"a"})
        for row in order:
            bodies = found.new_bodies([row])
            found.judge(bodies, {})

        assert found.outcome(may_retry=True, missing="m") == (frozenset(), {})


@given(st.lists(st.sampled_from("abcdef")), st.randoms(use_true_random=False))
def test_every_asked_request_is_good_asked_again_or_a_problem(names: list[str], random: object) -> None:
    asked = set("abcd")
    found = Found(asked)
    kept: Counter[str] = Counter()
    for name in names:
        is_good = random.random() < 0.5  # type: ignore[attr-defined]
        bodies = found.new_bodies([good(name) if is_good else Result(name, error="e", is_retryable=name < "c")])
        found.judge(bodies, {})
        kept.update(one.custom_id for one in bodies)

    again, problems = found.outcome(may_retry=True, missing="m")

    assert set(kept) | again | set(problems) == asked
    assert not set(kept) & again
    assert max(kept.values(), default=1) == 1
