"""The batch machine on a loopback provider, with a catalog and a clock of the test's own."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from random import Random

import pytest
from openai import OpenAI
from sqlalchemy import delete, select

from tripper_assets.batches import check_batches
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.llm_models import LlmUsageRow, SubmissionRow
from tripper_assets.catalog.models import BatchRow, EmbeddingCacheRow
from tripper_assets.catalog.submissions import Submissions
from tripper_assets.catalog.usage import PaidCallTable
from tripper_assets.clients.batches.machine import BatchMachine
from tripper_assets.clients.batches.openai import OpenAIBatches
from tripper_assets.clients.embeddings import collect_embeddings, submit_embeddings
from tripper_assets.clients.instant_batches import InstantBatches
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.openai_embeddings import OpenAIEmbedder, OpenAIEmbeddings
from tripper_assets.clients.openai_sdk import open_client
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batch_requests import Limits
from tripper_assets.domain.batches import Batch, Origin, SubmittedBatch, collectable
from tripper_assets.domain.embeddings import EmbeddingModel
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.model import Problem
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets_tests.clients.openai_server import KEY, Faults, OpenAIServer, serve_openai
from tripper_assets_tests.fakes import embedding_alone

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = make_source("https://zoo.example/")
MODEL = EmbeddingModel("text-embedding-3-small", 8, is_shortened=True)
WIDE = Limits(requests=50_000, bytes=190_000_000, tokens=3_000_000)
PER_TOKEN = 1e-6
FILLED = (EmbeddingCacheRow, LlmUsageRow, SubmissionRow, BatchRow)
NUMBERS = count(1)


def activity(number: int, text: str) -> Activity:
    return Activity(
        id=f"00000000-0000-5000-8000-{number:012d}",
        index=number,
        source_key=SITE.key,
        source_url=SITE.url,
        url=f"{SITE.url}{number}",
        type="Event",
        name=text,
    )


@cache
def shared_client() -> OpenAI:
    """Return the connections that all worlds share: to load the certificates takes a tenth of a second."""
    return open_client(KEY, "http://127.0.0.1:9/v1")


@dataclass
class BatchWorld:
    """One workflow that has its activities embedded by OpenAI; every look goes through objects made anew, as after a restart."""

    catalog: Catalog
    objects: Objects
    server: OpenAIServer
    workflow: str
    random: Random
    limits: Limits = WIDE
    direct_texts: int = 0
    now: datetime = NOW
    troubles: list[str] = field(default_factory=list)

    def clock(self) -> datetime:
        return self.now

    @cached_property
    def api(self) -> OpenAIBatches:
        api = OpenAIBatches(api_key=KEY, base_url=self.server.url, limits=self.limits)
        api._opened = shared_client().with_options(base_url=self.server.url)
        return api

    @property
    def origin(self) -> Origin:
        return Origin(self.workflow, SITE.key, "embedding_batch", "embeddings")

    @property
    def ledger(self) -> Submissions:
        return Submissions(self.catalog.database)

    def provider(self) -> OpenAIEmbeddings:
        machine = BatchMachine(
            self.api,
            self.ledger,
            self.objects,
            model=MODEL.label,
            cost=lambda usage, _at: usage.total * PER_TOKEN,
            clock=self.clock,
        )
        calls = PaidCallTable(self.catalog.database, "openai", self.clock)
        embedder = OpenAIEmbedder(
            MODEL, calls, api_key=KEY, base_url=self.server.url, cost=lambda usage: 2 * usage.total * PER_TOKEN
        )
        embedder._opened = self.api._opened
        direct = InstantBatches(embedder, self.objects, name="openai", is_free=False)
        return OpenAIEmbeddings(MODEL, machine, direct, direct_texts=self.direct_texts)

    def submit(self, activities: Sequence[Activity]) -> SubmittedBatch:
        """Submit as embedding_batch does."""
        cache = self.catalog.embeddings
        batch = submit_embeddings(activities, provider=self.provider(), cache=cache, origin=self.origin)
        if batch.batch_id:
            self.catalog.batches.submitted(
                Batch.awaited(batch, workflow_id=self.workflow, asset="embedding_batch", at=self.now)
            )
        return batch

    def tick(self, minutes: float = 10) -> bool:
        """Let time go on and look as the sensor does; return whether the workflow is to be collected."""
        self.now += timedelta(minutes=minutes)
        awaited = self.catalog.batches.of_workflow(self.workflow)
        found, troubles = check_batches(self.catalog, embedding_alone(self.catalog, self.provider()), awaited, self.now)
        self.troubles += troubles
        return bool(collectable(found, now=self.now))

    def collect(self, batch: SubmittedBatch) -> tuple[EmbeddingsMap, list[Problem]] | None:
        """Collect as embeddings_map does."""
        rows = self.catalog.batches.of_workflow(self.workflow)
        overdue = any(self.now >= one.deadline_at for one in rows)
        return collect_embeddings(batch, provider=self.provider(), cache=self.catalog.embeddings, overdue=overdue)

    def to_the_end(self, activities: Sequence[Activity], *, ticks: int = 2_000) -> tuple[EmbeddingsMap, list[Problem]]:
        """Submit, wait and collect, each again where it met an outage; fail where that takes more ticks."""
        batch: SubmittedBatch | None = None
        for _ in range(ticks):
            try:
                batch = batch or self.submit(activities)
                if not batch.batch_id or self.tick(self.random.choice([1, 10, 40])):
                    found = self.collect(batch)
                    if found is not None:
                        return found
            except TransientError as error:
                self.troubles.append(str(error))
                self.now += timedelta(minutes=1)
        message = f"not done after {ticks} ticks, {self.now - NOW}"
        raise AssertionError(message)

    def usage(self) -> list[LlmUsageRow]:
        with self.catalog.database.session() as session:
            statement = select(LlmUsageRow).where(LlmUsageRow.workflow_id == self.workflow).order_by(LlmUsageRow.id)
            return list(session.scalars(statement))


@contextmanager
def batch_world(
    database: Database,
    folder: Path,
    *,
    seed: int = 0,
    faults: Faults | None = None,
    limits: Limits = WIDE,
    direct_texts: int = 0,
) -> Generator[BatchWorld]:
    catalog, random = catalog_on(database, folder), Random(seed)
    if catalog.sources.get(SITE.key) is None:
        catalog.sources.add(SITE)
    name = f"workflow-{seed}"
    row = Workflow(id=name, source_key=SITE.key, source_url=SITE.url, status="waiting", config={}, created_at=NOW)
    catalog.workflows.start(row)
    with serve_openai(lambda: NOW, Random(seed), faults) as server:
        world = BatchWorld(catalog, Objects("memory://"), server, name, random, limits, direct_texts)
        server.clock = world.clock
        yield world
        with (
            database.session() as session
        ):  # what was given up would fill the queue of the next world, which begins at the same time
            session.execute(delete(SubmissionRow).where(SubmissionRow.workflow_id == name))


@pytest.fixture
def world(shared_database: Database, tmp_path: Path) -> Generator[BatchWorld]:
    with batch_world(shared_database, tmp_path, seed=next(NUMBERS)) as world:
        yield world
    with shared_database.connection() as connection:
        for table in FILLED:
            connection.execute(delete(table))


def some(number_of: int, word: str = "zoo") -> list[Activity]:
    return [activity(number, f"a day at the {word} {number}") for number in range(number_of)]


def statuses(world: BatchWorld) -> dict[str, int]:
    found = [row.status for row in world.usage()]
    return {one: found.count(one) for one in found}


def answer_is_lost(world: BatchWorld, call: str) -> None:
    """Let a batch be accepted without an answer, whatever else goes wrong."""
    world.server.faults = replace(world.server.faults, accepted_500=float(call == "POST batches"))
