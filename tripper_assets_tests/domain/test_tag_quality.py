"""The checks of tags: who was tagged by whom, how far voters agree, and which of them fails."""

from datetime import UTC, datetime

import pytest

from tripper_assets.domain.check_results import CheckResult
from tripper_assets.domain.consensus import consensus
from tripper_assets.domain.tag_quality import check_tags
from tripper_assets.domain.tags import ActivityTags, Vote

IDS = tuple(f"activity-{number}" for number in range(20))


def vote(activity: str, provider: str = "one", setting: str = "indoor", error: str = "") -> Vote:
    tags = None if error else ActivityTags(setting=setting)
    return Vote(
        activity_id=activity, text_sha256="t", run_number=1, provider=provider, model="m", prompt_version="v", tags=tags,
        error=error, created_at=datetime(2026, 5, 1, tzinfo=UTC),
    )  # fmt: skip


def checked(votes: list[Vote]) -> dict[str, CheckResult]:
    return {one.name: one for one in check_tags(IDS, votes, consensus(votes))}


def test_each_voter_that_reached_fewer_activities_than_there_are_is_told() -> None:
    found = checked([*(vote(one) for one in IDS), *(vote(one, "two") for one in IDS[:5])])["tags_present"]

    assert found.passed
    assert found.sentence == "20 of 20 activities have tags. By voter, of 20: one m 20, two m 5."


def test_one_voter_that_fails_is_not_hidden_by_those_that_do_not() -> None:
    votes = [vote(one) for one in IDS] + [vote(one, "two", error="tags_malformed") for one in IDS[:2]]

    found = checked(votes)["votes_without_errors"]

    assert (found.passed, found.figure, found.failing) == (False, 0.0, IDS[:2])
    assert found.sentence == "2 of 22 votes are errors; most of two m (100%, at most 10% wanted)."


@pytest.mark.parametrize(("failed", "passes"), [(0, True), (2, True), (3, False)])
def test_a_tenth_of_the_votes_may_be_errors(failed: int, *, passes: bool) -> None:
    votes = [vote(one, error="refused" if number < failed else "") for number, one in enumerate(IDS)]

    assert checked(votes)["votes_without_errors"].passed is passes


def test_voters_that_contradict_each_other_fail_the_check_of_that_field_alone() -> None:
    contrary = [vote(one, "two", "outdoor" if number % 2 else "indoor") for number, one in enumerate(IDS)]

    found = checked([*(vote(one) for one in IDS), *contrary])["voters_agree"]

    assert not found.passed
    assert found.sentence.startswith("Krippendorff's alpha is below 0.667 for setting ")
    assert "booking" not in found.sentence


def test_without_a_vote_nothing_is_tagged_and_nothing_fails_to_agree() -> None:
    found = checked([])

    assert [one.passed for one in found.values()] == [False, True, True]
