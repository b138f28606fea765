"""A voter behind a batch API: the same questions are one batch, what they may cost is known before, and a kill asks nothing twice."""

import sys
from collections.abc import Sequence
from datetime import timedelta

import pytest

from tripper_assets.clients.remote_tagger import TaggerDoor, open_batches, open_tagger
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.tag_questions import prompt_version
from tripper_assets.domain.tags import Vote
from tripper_assets_tests.clients.batches.chat_server import ChatServer
from tripper_assets_tests.clients.batches.provider_server import INPUT, OUTPUT
from tripper_assets_tests.clients.batches.tag_world import NOW, ORIGIN, PROVIDERS, Doors, cost, submissions

every_provider = pytest.mark.parametrize("provider", PROVIDERS)


def test_the_same_questions_in_another_order_go_on_with_the_same_batch(doors: Doors) -> None:
    world = doors.world("openai")
    asked = world.questions(4)

    batches = {world.tagger().submit(one, ORIGIN) for one in (asked, asked[::-1])}

    assert len(batches) == 1
    assert len(world.server.held) == 1


def test_other_questions_are_another_batch(doors: Doors) -> None:
    world = doors.world("groq")
    asked = world.questions(4)

    assert world.tagger().submit(asked, ORIGIN) != world.tagger().submit(asked[1:], ORIGIN)


@every_provider
def test_what_is_reserved_is_the_most_that_was_told_and_more_than_the_bill(doors: Doors, provider: str) -> None:
    world = doors.world(provider)
    asked = world.questions(5)
    most = world.tagger().most_usd(asked)

    world.to_the_end(asked)

    assert sum(one.usd for one in submissions(world)) == pytest.approx(most)
    assert sum(world.ledger.paid.values()) == pytest.approx(5 * (INPUT + 4 * OUTPUT) * 1e-6)
    assert sum(world.ledger.paid.values()) < most
    assert world.tagger().most_tokens(asked) > 5 * (INPUT + OUTPUT)


@every_provider
def test_a_collection_that_was_killed_gives_the_same_votes_and_asks_nothing_again(doors: Doors, provider: str) -> None:
    world = doors.world(provider)
    asked = world.questions(5)
    batch = world.tagger().submit(asked, ORIGIN)
    world.now += timedelta(days=1)
    world.tagger().poll(batch)

    with pytest.raises(KeyboardInterrupt):
        world.tagger().collect(batch, asked, killed, at=world.now)
    problems = world.tagger().collect(batch, asked, world.keep, at=world.now)

    assert (problems, len(world.votes)) == ({}, 5)
    assert world.tagger().poll(batch) == "completed"
    assert len(world.server.held) == 1


def test_what_was_paid_is_a_vote_also_where_whoever_collects_no_longer_asks_for_it(doors: Doors) -> None:
    world = doors.world("openai")
    asked = world.questions(5)
    batch = world.tagger().submit(asked, ORIGIN)
    world.now += timedelta(days=1)
    world.tagger().poll(batch)

    problems = world.tagger().collect(batch, asked[:2], world.keep, at=world.now)

    assert problems == {}
    assert set(world.votes) == {one.key for one in asked}
    assert [vote.error for vote in world.votes.values()] == [""] * 5


def killed(_: Sequence[Vote]) -> None:
    raise KeyboardInterrupt


def test_who_votes_is_known_with_the_version_of_the_prompt(doors: Doors) -> None:
    tagger = doors.world("gemini").tagger()

    assert tagger.voter == ("gemini", "gemini-3.5-flash-lite", prompt_version(tagger._prompt))


def test_files_expire_by_themselves_where_the_provider_knows_how(doors: Doors) -> None:
    for provider, expires in (("openai", True), ("groq", False)):
        world = doors.world(provider)
        world.tagger().submit(world.questions(1), ORIGIN)
        assert isinstance(world.server, ChatServer)
        assert ["output_expires_after" in one for one in world.server.created] == [expires]


@every_provider
def test_the_queue_is_as_long_as_the_operator_says(provider: str) -> None:
    assert open_batches(provider, "m", TaggerDoor("k", queue_tokens=77)).limits.tokens == 77


def test_a_provider_that_nobody_knows_is_an_error_that_names_the_setting(doors: Doors) -> None:
    world = doors.world("openai")

    with pytest.raises(ConfigurationError, match="TRIPPER_TAGGERS names the provider 'mistral'"):
        open_tagger(
            "mistral", "m", TaggerDoor("k"), ledger=world.ledger, objects=world.objects, cost=cost, clock=lambda: NOW
        )


@pytest.mark.parametrize(("provider", "module"), [("anthropic", "anthropic"), ("gemini", "google.genai")])
def test_without_its_sdk_a_voter_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, provider: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ConfigurationError, match=r"install tripper-assets\[llm\]"):
        open_batches(provider, "m", TaggerDoor("k"))
