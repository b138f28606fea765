"""Votes in batches through the real SDK on a server that somebody else wrote."""

import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest
from llmock.testing import LLMockServer

from tripper_assets.clients.remote_tagger import TaggerDoor, open_batches
from tripper_assets.domain.model_facts import DEFAULT_MODELS
from tripper_assets_tests.clients.batches.chat_server import ChatServer
from tripper_assets_tests.clients.batches.provider_server import mark, read_row, tags_for
from tripper_assets_tests.clients.batches.tag_world import NOW, ORIGIN, Random, TagWorld
from tripper_assets_tests.waiting import wait_until

# It leaves uploads for the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


def answered(*, prompt: str, **_: Any) -> str:
    row = read_row("", prompt[prompt.index('{"activity_id"') :])
    return json.dumps(tags_for(row.activity_id, row.text))


@pytest.fixture
def llmock(monkeypatch: pytest.MonkeyPatch) -> Generator[LLMockServer]:
    monkeypatch.setattr("llmock.routers.batch._BATCH_DELAY", 0.1)
    monkeypatch.setattr("llmock.routers.batch.build_mock_text", answered)
    with LLMockServer() as server:
        yield server


@pytest.mark.parametrize("provider", ["openai", "groq"])
def test_every_activity_gets_its_own_vote_from_a_server_that_is_not_ours(llmock: LLMockServer, provider: str) -> None:
    api: Any = open_batches(provider, DEFAULT_MODELS[provider], TaggerDoor("k", llmock.base_url(provider)))
    api.limits = api.limits._replace(requests=4)
    world = TagWorld(provider, ChatServer(lambda: NOW, Random(0)), api)
    asked = world.questions(10)

    batch = world.tagger().submit(asked, ORIGIN)
    wait_until(lambda: is_done(world, batch), seconds=30)
    problems = world.tagger().collect(batch, asked, world.keep, at=world.now)

    assert problems == {}
    assert {key: vote.tags and vote.tags.free_tags for key, vote in world.votes.items()} == {
        one.key: (mark(one.text),) for one in asked
    }
    assert all(vote.usage.total for vote in world.votes.values())
    assert [one.requests for one in world.ledger.of_batch(batch)] == [4, 4, 2]


def is_done(world: TagWorld, batch: str) -> bool:
    world.now += timedelta(minutes=15)
    return world.tagger().poll(batch) != "pending"
