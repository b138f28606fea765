"""What every provider's batch API is used like: one set of sentences for OpenAI, Groq, Anthropic and Gemini."""

from datetime import timedelta

import pytest

from tripper_assets.clients.llm import LostAnswerError
from tripper_assets.domain.batches import Submission
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.llm import Usage
from tripper_assets_tests.clients.batches.provider_server import CACHED, INPUT, KEY, OUTPUT, REASONING, Faults, mark
from tripper_assets_tests.clients.batches.tag_world import ORIGIN, PROVIDERS, Doors, TagWorld, submissions

every_provider = pytest.mark.parametrize("provider", PROVIDERS)


@every_provider
def test_every_activity_gets_its_own_vote_with_what_it_cost(doors: Doors, provider: str) -> None:
    world = doors.world(provider)
    asked = world.questions(7)

    problems = world.to_the_end(asked)

    assert problems == {}
    assert set(world.votes) == {one.key for one in asked}
    for one in asked:
        vote = world.votes[one.key]
        assert vote.tags is not None
        assert vote.tags.free_tags == (mark(one.text),)
        assert [quote.quote for quote in vote.tags.evidence] == [one.text.split("\n")[0]]
        assert vote.usage == Usage(input=INPUT, output=OUTPUT, cached_input=CACHED, reasoning=REASONING)
        assert vote.usage.total == INPUT + OUTPUT


@every_provider
def test_a_batch_whose_answer_was_lost_is_never_asked_for_a_second_time(doors: Doors, provider: str) -> None:
    world = doors.world(provider)
    asked = world.questions(3)
    world.server.before = lambda: lose_the_batch_alone(world)

    batch = world.tagger().submit(asked, ORIGIN)
    world.server.before, world.server.faults = (lambda: None), Faults()
    for _ in range(12):
        world.now += timedelta(hours=2)
        world.tagger().poll(batch)
        world.tagger().collect(batch, asked, world.keep, at=world.now)

    assert world.server.accepted.total() == 1
    assert len(world.votes) == 3


def lose_the_batch_alone(world: TagWorld) -> None:
    """Let a file be uploaded, and only the batch's own answer be lost."""
    world.server.faults = Faults(accepted_500=float(is_uploaded(world)))


def is_uploaded(world: TagWorld) -> bool:
    return world.provider == "anthropic" or any(one.upload_id for one in submissions(world))


@every_provider
def test_a_batch_that_never_arrived_is_asked_for_again_once_that_is_known(doors: Doors, provider: str) -> None:
    world = doors.world(provider)
    asked = world.questions(3)
    world.server.before = lambda: break_the_batch_alone(world)
    batch = world.tagger().submit(asked, ORIGIN)
    world.server.before, world.server.faults = (lambda: None), Faults()
    lost_at = world.now

    assert world.server.accepted.total() == 0
    problems = world.to_the_end(asked)

    assert (problems, len(world.votes)) == ({}, 3)
    (held,) = world.server.held.values()
    assert held.created_at >= lost_at + world.api.settles
    assert world.tagger().poll(batch) == "completed"


def break_the_batch_alone(world: TagWorld) -> None:
    """Let a file be uploaded, and the call behind it come to nothing."""
    world.server.faults = Faults(broken=float(is_uploaded(world)))


@every_provider
def test_what_the_provider_refuses_raises_no_word_of_its_own(doors: Doors, provider: str) -> None:
    world = doors.world(provider)
    world.server.is_known = lambda _: False  # type: ignore[method-assign]

    with pytest.raises(PermanentError, match=f"to {provider} failed with status 401") as refused:
        world.tagger().submit(world.questions(1), ORIGIN)

    assert KEY not in str(refused.value)


@every_provider
def test_a_batch_that_nobody_waits_for_is_stopped_and_an_ended_one_stays_as_it_is(doors: Doors, provider: str) -> None:
    world = doors.world(provider)
    (batch, done) = (world.tagger().submit(world.questions(n), ORIGIN) for n in (2, 3))
    first, second = world.server.held.values()
    second.ends_at = world.now

    world.tagger().cancel(batch)
    world.api.cancel(submissions(world)[1].provider_id)

    assert world.server.now(first).status == "canceled"
    assert world.server.now(second).status == "completed"
    assert world.tagger().poll(done) != "canceled"


@every_provider
def test_a_call_that_never_reached_the_provider_is_made_again(doors: Doors, provider: str) -> None:
    world = doors.world(provider)
    submission = submissions_of_an_unsent(world)
    world.api._opened = None  # type: ignore[attr-defined]
    world.api._base_url = "http://127.0.0.1:9"  # type: ignore[attr-defined]

    with pytest.raises(TransientError) as error:
        world.api.submit(submission, [])

    assert not isinstance(error.value, LostAnswerError)


def submissions_of_an_unsent(world: TagWorld) -> Submission:
    world.server.faults = Faults(busy=1.0)
    with pytest.raises(TransientError):
        world.tagger().submit(world.questions(1), ORIGIN)
    return submissions(world)[0].model_copy(update={"upload_id": "files/1"})


@every_provider
def test_of_a_canceled_batch_what_was_answered_is_taken_and_the_rest_is_not_asked_again(
    doors: Doors, provider: str
) -> None:
    world = doors.world(provider, faults=Faults(canceled=1.0))
    asked = world.questions(10)

    problems = world.to_the_end(asked)

    assert len(world.votes) == 5
    assert set(problems) == {one.key for one in asked} - set(world.votes)
    assert len(world.server.held) == 1


@every_provider
def test_a_batch_of_which_a_part_came_to_nothing_is_asked_for_the_rest(doors: Doors, provider: str) -> None:
    world = doors.world(provider)
    asked = world.questions(10)
    world.server.faults = Faults(partly=1.0)
    batch = world.tagger().submit(asked, ORIGIN)
    world.server.faults = Faults()
    world.now += timedelta(days=1)

    assert world.tagger().poll(batch) == "completed"
    world.tagger().collect(batch, asked, world.keep, at=world.now)
    world.now += timedelta(days=1)
    world.tagger().poll(batch)
    problems = world.tagger().collect(batch, asked, world.keep, at=world.now)

    assert (problems, len(world.votes)) == ({}, 10)
    assert sorted(world.server.asked.values()) == [1] * 5 + [2] * 5
