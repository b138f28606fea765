"""Remote voters: each question is asked once and within the month's budget, and one that cannot be asked harms no other."""

from functools import partial

from tripper_assets.clients.asking_voters import questions
from tripper_assets.domain.batches import PATIENCE
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.sources import SourceConfig
from tripper_assets_tests.batch_world import SITE, WIDE
from tripper_assets_tests.voting_world import PER_TOKEN, TOKENS, VotingWorld, codes, some, voting

__all__ = ["voting"]  # a fixture


def test_each_voter_is_asked_about_each_activity_in_each_run_and_its_votes_are_counted(voting: VotingWorld) -> None:
    voting.config = SourceConfig(tag_runs=2)
    asked, asking = voting.ask(some(3))
    while_pending, polled = voting.poll(some(3), asked)
    for one in voting.services.values():
        one.done = True
    voting.later(minutes=20)

    votes, collected = voting.poll(some(3), asked)

    assert [(one.provider, one.requested) for one in asked.batches] == [("one", 6), ("two", 6)]
    assert (asking.counts["fetched"], codes(asking)) == (12, {})
    assert while_pending is None
    assert "one m" in polled.skipped
    assert votes is not None
    assert len({one.key for one in votes}) == 12
    assert (collected.counts["fetched"], collected.counts["tokens"], collected.counts["usd"]) == (12, 1_200, 0.0012)
    assert [(one["provider"], one["run"], one["wanted"], one["there"]) for one in collected.counts["progress"]] == [
        ("one", 3, 6, 6),
        ("two", 3, 6, 6),
    ]


def test_the_next_workflow_asks_for_what_is_new_alone_and_waits_for_what_is_under_way(voting: VotingWorld) -> None:
    voting.ask(some(3))
    voting.begin()

    asked, asking = voting.ask(some(4))

    assert [(one.provider, one.requested) for one in asked.batches] == [("one", 0), ("one", 1), ("two", 0), ("two", 1)]
    assert (asking.counts["fetched"], asking.counts["under_way"]) == (2, 2)
    assert all(set(one.asked.values()) == {1} for one in voting.services.values())
    assert len(voting.catalog.batches.of_workflow(voting.workflow)) == 4


def test_a_submission_stops_before_it_takes_the_month_beyond_its_budget(voting: VotingWorld) -> None:
    voting.config = SourceConfig(tag_usd_per_month=5 * TOKENS * PER_TOKEN)

    asked, asking = voting.ask(some(3))
    voting.begin()
    _, again = voting.ask(some(3))
    voting.later(days=31)
    voting.begin()
    _, next_month = voting.ask(some(4))

    assert [(one.provider, one.requested) for one in asked.batches] == [("one", 3), ("two", 2)]
    assert (asking.counts["unaffordable"], codes(asking)) == (1, {"tag_budget": 1})
    assert "raise tag_tokens_per_month or tag_usd_per_month" in asking.problems[0].message
    assert (again.counts["fetched"], codes(again)) == (0, {"tag_budget": 1})
    assert next_month.counts["fetched"] == 5
    assert voting.usd() <= 2 * voting.config.tag_usd_per_month


def test_what_waits_for_room_in_a_queue_counts_against_the_budget_and_is_sent_when_there_is_room(
    voting: VotingWorld,
) -> None:
    queue = voting.services["one"]
    queue.limits, queue.done = WIDE._replace(tokens=2 * TOKENS), True
    del voting.services["two"]
    voting.config = SourceConfig(tag_usd_per_month=3 * TOKENS * PER_TOKEN)
    asked, _ = voting.ask(some(3))
    sent_at_once = queue.asked.total()
    first = voting.workflow
    voting.begin()
    _, another = voting.ask(some(4))
    voting.workflow = first

    voting.later(minutes=20)
    votes, _ = voting.poll(some(3), asked)

    assert (sent_at_once, another.counts["fetched"], codes(another)) == (2, 0, {"tag_budget": 1})
    assert len(votes or ()) == 3
    assert queue.asked.total() == 3


def test_what_waits_for_weeks_behind_a_queue_is_not_asked_a_second_time(voting: VotingWorld) -> None:
    queue = voting.services["one"]
    queue.limits, queue.done = WIDE._replace(tokens=TOKENS), True
    del voting.services["two"]
    asked, _ = voting.ask(some(3))
    (voter,) = voting.panel().remote
    voting.later(days=5)
    voter.poll(asked.batches[0].batch_id)
    keep = partial(voting.catalog.votes.save, SITE.key)
    voter.collect(asked.batches[0].batch_id, questions(some(3), voter.voter, 1), keep, at=voting.now)
    sent_by_then = queue.asked.total()
    queue.done = False
    voting.later(days=5)
    voting.begin()

    again, asking = voting.ask(some(3))

    assert (sent_by_then, asking.counts["fetched"]) == (2, 0)
    assert [one.batch_id for one in again.batches] == [one.batch_id for one in asked.batches]


def test_a_month_without_a_budget_asks_nothing(voting: VotingWorld) -> None:
    voting.config = SourceConfig(tag_tokens_per_month=0)

    asked, asking = voting.ask(some(2))

    assert (asked.batches, codes(asking)) == ((), {"tag_budget": 2})


def test_a_voter_that_refuses_us_keeps_no_other_from_voting(voting: VotingWorld) -> None:
    voting.services["one"].trouble = PermanentError("The key is wrong; set another.")
    voting.services["two"].done = True

    asked, asking = voting.ask(some(2))
    voting.later(minutes=20)
    votes, collected = voting.poll(some(2), asked)

    assert codes(asking) == {"tagger_unavailable": 1}
    assert votes is not None
    assert {one.provider for one in votes} == {"two"}
    assert codes(collected) == {}
    assert voting.usd() == round(2 * TOKENS * PER_TOKEN, 9)


def test_a_question_that_came_to_nothing_is_a_problem_and_is_asked_again_by_the_next_workflow(
    voting: VotingWorld,
) -> None:
    activities = some(3)
    voting.services = {"one": voting.services["one"]}
    service = voting.services["one"]
    service.errors = {activities[1].id: "server_error"}
    service.done = True
    asked, _ = voting.ask(activities)
    voting.later(minutes=20)

    votes, collected = voting.poll(activities, asked)
    voting.begin()
    again, _ = voting.ask(activities)

    assert votes is not None
    assert [one.activity_id for one in votes] == [activities[0].id, activities[2].id]
    assert [(one.code, one.subject) for one in collected.problems] == [("server_error", activities[1].id)]
    assert [one.requested for one in again.batches] == [1]


def test_a_batch_past_its_deadline_is_given_up_and_what_the_others_said_counts(voting: VotingWorld) -> None:
    voting.services["two"].done = True
    asked, _ = voting.ask(some(2))
    voting.now += PATIENCE

    votes, collected = voting.poll(some(2), asked)

    assert votes is not None
    assert {one.provider for one in votes} == {"two"}
    assert codes(collected) == {"batch_overdue": 1}
    assert len(voting.services["one"].canceled) == 1


def test_the_batch_of_a_voter_that_votes_no_more_is_left(voting: VotingWorld) -> None:
    asked, _ = voting.ask(some(2))
    del voting.services["one"]
    voting.services["two"].done = True
    voting.later(minutes=20)

    votes, collected = voting.poll(some(2), asked)

    assert votes is not None
    assert codes(collected) == {"tagger_off": 1}


def test_what_a_voter_refused_and_nobody_sends_leaves_the_budget_to_the_others(voting: VotingWorld) -> None:
    voting.config = SourceConfig(tag_usd_per_month=3 * TOKENS * PER_TOKEN)
    refusing = voting.services.pop("one")
    refusing.trouble = PermanentError("The key is wrong; set another.")
    others, voting.services = voting.services, {"one": refusing}
    voting.ask(some(3))
    voting.services = others
    voting.begin()

    _, at_once = voting.ask(some(3))
    voting.later(days=8)
    _, later = voting.ask(some(3))

    assert (at_once.counts["fetched"], later.counts["fetched"]) == (0, 3)


def test_votes_on_a_text_that_changed_while_a_batch_was_pending_do_not_count(voting: VotingWorld) -> None:
    asked, _ = voting.ask(some(2))
    for one in voting.services.values():
        one.done = True
    voting.later(minutes=20)

    votes, _ = voting.poll(some(2, "farm"), asked)

    assert votes == ()
