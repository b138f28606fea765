"""Which votes are missing, and which run is the current one, against plain models of both."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.llm import Spending
from tripper_assets.domain.tag_runs import Voter, affordable, current_run, missing_votes, progress_of
from tripper_assets.domain.tags import Vote, VoteKey

VOTERS = (Voter("local", "m", "v1"), Voter("openai", "gpt", "v2"), Voter("groq", "llama", "v2"))
TEXTS = {"a": "text a", "b": "text b", "c": "text c"}
some_votes = st.sets(
    st.builds(
        lambda one, text, run, voter: VoteKey(one, text, run, *voter),
        st.sampled_from([*TEXTS, "gone"]),
        st.sampled_from([*TEXTS.values(), "an older text"]),
        st.integers(1, 4),
        st.sampled_from([*VOTERS, Voter("openai", "gpt", "v1")]),
    ),
    max_size=60,
)
prices = st.lists(st.integers(0, 9), max_size=9)
some_voters = st.sets(st.sampled_from(VOTERS)).map(sorted)


@given(votes=some_votes, voters=some_voters, runs=st.integers(0, 4))
def test_what_is_missing_and_what_is_there_make_all_runs_whole(
    votes: set[VoteKey], voters: list[Voter], runs: int
) -> None:
    missing = list(missing_votes(TEXTS, voters, runs, votes))

    whole = {
        VoteKey(one, text, run, *voter) for one, text in TEXTS.items() for run in range(1, runs + 1) for voter in voters
    }
    assert set(missing) == whole - votes
    assert len(missing) == len(set(missing))
    assert [key.run_number for key in missing] == sorted(key.run_number for key in missing)


@given(votes=some_votes, voters=some_voters)
def test_the_current_run_is_the_lowest_that_is_not_whole(votes: set[VoteKey], voters: list[Voter]) -> None:
    def is_whole(run: int) -> bool:
        return all(VoteKey(one, text, run, *voter) in votes for one, text in TEXTS.items() for voter in voters)

    naive = next((run for run in range(1, 6) if not voters or not is_whole(run)), 6)

    assert current_run(TEXTS, voters, votes) == naive


def test_a_raised_number_of_runs_and_a_new_voter_add_only_what_is_missing() -> None:
    first = set(missing_votes(TEXTS, VOTERS[:1], 1, set()))

    more = list(missing_votes(TEXTS, VOTERS[:2], 2, first))

    assert len(first) == 3
    assert len(more) == 3 * 2 * 2 - 3
    assert not first & set(more)


def test_a_changed_text_is_tagged_again_and_the_others_are_not() -> None:
    votes = set(missing_votes(TEXTS, VOTERS, 1, set()))

    again = list(missing_votes({**TEXTS, "b": "text b, mended"}, VOTERS, 1, votes))

    assert {key.activity_id for key in again} == {"b"}
    assert len(again) == len(VOTERS)


@given(prices, st.integers(0, 60), st.integers(0, 60))
def test_as_many_of_the_first_questions_are_affordable_as_fit_and_no_more(
    prices: list[int], tokens: int, cents: int
) -> None:
    def most(some: Sequence[int]) -> Spending:
        return Spending(sum(some), sum(some) / 100)

    asked, spending = affordable(prices, most, Spending(tokens, cents / 100))

    longest = max(
        n
        for n in range(len(prices) + 1)
        if n == 0 or (sum(prices[:n]) <= tokens and sum(prices[:n]) / 100 <= cents / 100)
    )
    assert (list(asked), spending) == (prices[:longest], most(prices[:longest]))


@given(votes=some_votes, failed=st.sets(st.integers(1, 4)), runs=st.integers(1, 4))
def test_progress_counts_the_votes_of_the_wanted_runs_and_what_of_them_failed(
    votes: set[VoteKey], failed: set[int], runs: int
) -> None:
    at, voter = datetime(2026, 5, 1, tzinfo=UTC), VOTERS[1]
    cast = [Vote(**key._asdict(), error="bad" if key.run_number in failed else "", created_at=at) for key in votes]

    found = progress_of(TEXTS, voter, runs, cast)

    mine = [key for key in votes if TEXTS.get(key.activity_id) == key.text_sha256 and key[3:] == voter]
    counted = [key for key in mine if key.run_number <= runs]
    assert (found.wanted, found.there) == (3 * runs, len(counted))
    assert found.errors == sum(key.run_number in failed for key in counted)
    assert (found.there == found.wanted) == (found.run == runs + 1)
