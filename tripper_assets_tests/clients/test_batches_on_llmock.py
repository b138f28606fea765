"""Batches through the real SDK on a server that somebody else wrote."""

from collections.abc import Generator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llmock.simulation import build_mock_embedding
from llmock.testing import LLMockServer

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.submissions import Submissions
from tripper_assets.clients.batches.machine import BatchMachine
from tripper_assets.clients.batches.openai import OpenAIBatches
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.openai_embeddings import request_body, vector_of
from tripper_assets.domain.batch_requests import Limits, Request, Result
from tripper_assets.domain.embeddings import EmbeddingModel
from tripper_assets_tests.batch_world import BatchWorld, batch_world
from tripper_assets_tests.waiting import wait_until

# It leaves uploads for the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
MODEL = EmbeddingModel("text-embedding-3-small", 1536)


@pytest.fixture
def llmock(monkeypatch: pytest.MonkeyPatch) -> Generator[LLMockServer]:
    monkeypatch.setattr("llmock.routers.batch._BATCH_DELAY", 0.2)
    with LLMockServer() as server:
        yield server


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Generator[BatchWorld]:
    with batch_world(database, tmp_path) as world:
        yield world


def requests(count: int) -> list[Request]:
    bodies = [request_body(MODEL, [f"a day at the zoo {number}"]) for number in range(count)]
    return [Request(custom_id=f"{number:032x}", body=body, tokens=9) for number, body in enumerate(bodies)]


def test_every_text_comes_back_once_with_its_own_vector(llmock: LLMockServer, world: BatchWorld) -> None:
    api = OpenAIBatches(api_key="k", base_url=llmock.base_url("openai"), limits=Limits(4, 1_000_000, 1_000_000))
    machine = BatchMachine(
        api,
        Submissions(world.catalog.database),
        Objects("memory://"),
        model=MODEL.label,
        cost=lambda usage, _at: usage.total * 1e-6,
        clock=world.clock,
    )
    taken: dict[str, Any] = {}

    def take(rows: Sequence[Result]) -> Mapping[str, str]:
        taken.update({row.custom_id: vector_of(row.body["data"][0]["embedding"]) for row in rows})
        return {}

    def is_done() -> bool:
        world.now += timedelta(minutes=15)
        return machine.poll(batch) != "pending"

    batch = machine.submit("key", requests(10), world.origin)
    wait_until(is_done, seconds=60)
    problems = machine.collect(batch, take)

    assert problems == {}
    assert machine.poll(batch) == "completed"
    for one in requests(10):
        wanted = np.asarray(build_mock_embedding(one.body["input"][0]), dtype=np.float32)
        assert np.array_equal(taken[one.custom_id], wanted)
    assert [(one.requests, one.state) for one in world.ledger.of_batch(batch)] == [
        (4, "completed"),
        (4, "completed"),
        (2, "completed"),
    ]
    assert {row.status for row in world.usage()} == {"paid"}


def test_a_submission_is_found_again_by_our_own_id(llmock: LLMockServer, world: BatchWorld) -> None:
    api = OpenAIBatches(api_key="k", base_url=llmock.base_url("openai"))
    machine = BatchMachine(
        api, world.ledger, Objects("memory://"), model=MODEL.label, cost=lambda _usage, _at: 0.0, clock=world.clock
    )
    (submitted,) = world.ledger.of_batch(machine.submit("key", requests(2), world.origin))

    found = api.find(submitted)

    assert found == submitted.provider_id
    assert api.find(submitted.model_copy(update={"id": "0" * 32})) == ""
