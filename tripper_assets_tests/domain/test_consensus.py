"""Votes become tags: plurality, shares, medians, and what waits for a person."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.consensus import Consensus, TaggedActivity, consensus
from tripper_assets.domain.tags import CHOICES, LABELS, NUMBERS, ActivityTags, Vote, in_order

AT = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)


def vote(provider: str = "a", run: int = 1, activity: str = "x", **tags: Any) -> Vote:
    return Vote(
        activity_id=activity, text_sha256="t", run_number=run, provider=provider, model="m", prompt_version="1",
        tags=ActivityTags(**tags), created_at=AT,
    )  # fmt: skip


def only(found: Consensus) -> TaggedActivity:
    assert len(found.activities) == 1
    return found.activities[0]


def shares(found: TaggedActivity) -> dict[str, float]:
    return {one.field: one.share for one in found.agreement}


def test_the_most_frequent_value_is_taken() -> None:
    votes = [vote("a", setting="indoor"), vote("b", setting="indoor"), vote("c", setting="outdoor")]

    agreed = only(consensus(votes))

    assert agreed.tags.setting == "indoor"
    assert shares(agreed)["setting"] == pytest.approx(2 / 3, abs=1e-3)
    assert agreed.voters == 3


def test_level_values_are_unknown_and_wait_for_a_person() -> None:
    agreed = only(consensus([vote("a", setting="indoor"), vote("b", setting="outdoor")]))

    assert agreed.tags.setting == "unknown"
    assert "setting" in agreed.review


def test_the_runs_of_one_voter_are_one_ballot() -> None:
    runs = [vote("a", run, setting="indoor") for run in (1, 2, 3)]

    agreed = only(consensus([*runs, vote("b", setting="outdoor"), vote("c", setting="outdoor")]))

    assert agreed.tags.setting == "outdoor"


def test_a_label_that_half_of_the_ballots_have_is_taken() -> None:
    votes = [
        vote("a", seasons=("spring", "summer")),
        vote("b", seasons=("summer",)),
        vote("c"),
        vote("d", seasons=("winter",)),
    ]

    assert only(consensus(votes)).tags.seasons == ("summer",)


def test_numbers_are_their_median_with_its_deviation() -> None:
    votes = [vote(one, age_min_months=months) for one, months in zip("abc", (24, 36, 60), strict=True)]

    agreed = only(consensus(votes))

    assert agreed.tags.age_min_months == 36
    assert {one.field: one.spread for one in agreed.agreement if one.spread} == {"age_min_months": 12}


def test_a_number_that_most_do_not_state_is_none() -> None:
    votes = [vote("a", age_min_months=24), vote("b"), vote("c")]

    assert only(consensus(votes)).tags.age_min_months is None


def test_ends_of_a_range_that_pass_each_other_are_none() -> None:
    votes = [vote("a", age_min_months=60), vote("b", age_max_months=24)]

    agreed = only(consensus(votes))

    assert (agreed.tags.age_min_months, agreed.tags.age_max_months) == (None, None)
    assert {"age_min_months", "age_max_months"} <= set(agreed.review)


def test_one_vote_alone_neither_agrees_nor_waits() -> None:
    found = consensus([vote(setting="indoor")])

    assert (only(found).agreement, only(found).review) == ((), ())
    assert {one.alpha for one in found.fields} == {None}


def test_two_runs_of_the_only_voter_of_an_activity_are_one_ballot_where_others_vote_elsewhere() -> None:
    runs = [vote("a", run, "x", setting=setting) for run, setting in ((1, "indoor"), (2, "outdoor"))]

    found = consensus([*runs, vote("b", activity="y")])

    assert [(one.voters, one.agreement) for one in found.activities] == [(1, ()), (1, ())]


def test_two_runs_of_the_only_voter_of_all_are_compared() -> None:
    runs = [vote("a", run, setting=setting) for run, setting in ((1, "indoor"), (2, "outdoor"))]

    assert "setting" in only(consensus(runs)).review


def test_a_field_in_which_voters_disagree_over_all_waits_everywhere() -> None:
    values = CHOICES["rain_ok"]
    votes = [
        vote(
            one,
            activity=f"{number:03}",
            rain_ok=values[number % 4 if one == "a" else (number // 4) % 4],
            setting="indoor",
        )
        for number in range(64)
        for one in ("a", "b")
    ]

    found = consensus(votes)

    alphas = {one.field: one for one in found.fields}
    assert alphas["rain_ok"].needs_review
    assert not alphas["setting"].needs_review
    assert all("rain_ok" in one.review for one in found.activities)


def test_a_voter_who_says_what_the_others_say_counts_for_more() -> None:
    votes = [vote(one, activity=str(number), setting="indoor") for number in range(30) for one in ("a", "b")]
    votes += [vote("c", activity=str(number), setting="outdoor") for number in range(30)]

    weights = consensus(votes).weights

    assert weights["a m"] == weights["b m"] > weights["c m"]


def test_votes_without_tags_are_no_ballots() -> None:
    refused = vote("b").model_copy(update={"tags": None, "error": "refused"})

    assert only(consensus([vote("a", setting="both"), refused])).tags.setting == "both"
    assert consensus([refused]).activities == ()


some_tags = st.builds(
    ActivityTags,
    **{name: st.sampled_from(values) for name, values in CHOICES.items()},
    **{
        name: st.sets(st.sampled_from(values)).map(lambda labels, name=name: in_order(name, labels))
        for name, values in LABELS.items()
    },
    **{name: st.none() | st.integers(0, 100) for name in NUMBERS},
    free_tags=st.sets(st.sampled_from(["park", "sea", "farm"])).map(lambda tags: tuple(sorted(tags))),
)
some_votes = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.integers(1, 3), st.sampled_from("xyz")), some_tags, max_size=14
).map(lambda given: [vote(*key).model_copy(update={"tags": tags}) for key, tags in given.items()])


@given(votes=some_votes, seed=st.integers(0, 99))
def test_the_order_of_votes_changes_nothing(votes: list[Vote], seed: int) -> None:
    shuffled = random.Random(seed).sample(votes, len(votes))

    assert consensus(shuffled) == consensus(votes)


@given(votes=some_votes)
def test_the_consensus_is_of_the_vocabulary_and_of_each_activity_once(votes: list[Vote]) -> None:
    found = consensus(votes)

    assert [one.activity_id for one in found.activities] == sorted({one.activity_id for one in votes})
    for one in found.activities:
        assert all(getattr(one.tags, name) in values for name, values in CHOICES.items())
        assert all(0 <= share <= 1 for share in shares(one).values())
        assert set(one.tags.free_tags) <= {"park", "sea", "farm"}


@given(tags=some_tags, voters=st.integers(1, 4))
def test_voters_of_one_mind_are_repeated(tags: ActivityTags, voters: int) -> None:
    agreed = only(consensus([vote(one).model_copy(update={"tags": tags}) for one in "abcd"[:voters]]))

    crossed = any(
        (low := getattr(tags, f"{name}_min_{unit}")) is not None
        and (high := getattr(tags, f"{name}_max_{unit}")) is not None
        and low > high
        for name, unit in (("age", "months"), ("duration", "minutes"))
    )
    if not crossed:
        assert agreed.tags == tags
        assert agreed.review == ()
