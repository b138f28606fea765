"""A voter on a loopback provider, with a ledger in memory and a clock of the test's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

from tripper_assets.clients.batches.machine import BatchMachine
from tripper_assets.clients.batches.role import BatchProvider
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.remote_tagger import RemoteTagger, TaggerDoor, open_batches
from tripper_assets.clients.tagging import Asked
from tripper_assets.domain.batch_requests import Limits
from tripper_assets.domain.batches import OPEN, Origin, Submission
from tripper_assets.domain.errors import TransientError, TripperError
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.llm import Usage
from tripper_assets.domain.model_facts import DEFAULT_MODELS
from tripper_assets.domain.tags import Vote, VoteKey
from tripper_assets_tests.clients.batches.chat_server import ChatServer
from tripper_assets_tests.clients.batches.gemini_server import GeminiServer
from tripper_assets_tests.clients.batches.ledger import LedgerInMemory
from tripper_assets_tests.clients.batches.messages_server import MessagesServer
from tripper_assets_tests.clients.batches.provider_server import KEY, Door, Faults, ProviderServer

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SERVERS: dict[str, type[ProviderServer]] = {
    "openai": ChatServer,
    "groq": ChatServer,
    "anthropic": MessagesServer,
    "gemini": GeminiServer,
}
PROVIDERS = tuple(SERVERS)
ORIGIN = Origin("w", "source", "tag_batches", "tags")


def cost(usage: Usage, at: datetime) -> float:
    del at
    return (usage.input + 4 * usage.output) * 1e-6


def questions(count: int, voter: tuple[str, str, str], *, run: int = 1, word: str = "zoo") -> list[Asked]:
    texts = [f"A day at the {word} {number}\nfor everybody" for number in range(count)]
    return [
        Asked(VoteKey(f"00000000-0000-5000-8000-{number:012d}", text_sha256(text), run, *voter), text)
        for number, text in enumerate(texts)
    ]


@dataclass
class TagWorld:
    """One workflow that has its activities tagged; every look goes through objects made anew, as after a restart."""

    provider: str
    server: ProviderServer
    api: BatchProvider
    random: Random = field(default_factory=Random)
    now: datetime = NOW
    ledger: LedgerInMemory = field(default_factory=LedgerInMemory)
    objects: Objects = field(default_factory=lambda: Objects("memory://"))
    votes: dict[VoteKey, Vote] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    is_overdue: bool = False
    handle: str = ""
    """Of the batch that is waited for; a file of the run, which outlives a process."""

    def clock(self) -> datetime:
        return self.now

    def tagger(self) -> RemoteTagger:
        model = DEFAULT_MODELS[self.provider]
        machine = BatchMachine(self.api, self.ledger, self.objects, model=model, cost=cost, clock=self.clock)
        return RemoteTagger(self.provider, model, machine, cost=cost, clock=self.clock)

    def questions(self, count: int) -> list[Asked]:
        return questions(count, self.tagger().voter)

    def keep(self, votes: Sequence[Vote]) -> None:
        assert len(votes) <= 500
        for vote in votes:
            self.votes.setdefault(vote.key, vote)

    def to_the_end(self, asked: Sequence[Asked], *, ticks: int = 3_000) -> dict[VoteKey, str]:
        """Submit, wait and collect, each again where it met an outage, and return the problem codes; fail where it takes more ticks."""
        for _ in range(ticks):
            self.now += timedelta(minutes=self.random.choice([1, 10, 40]))
            try:
                self.handle = batch = self.handle or self.tagger().submit(asked, ORIGIN)
                is_over = self.now >= self.ledger.deadline_at
                if self.tagger().poll(batch) == "pending" and not is_over:
                    continue
                codes = self.tagger().collect(batch, asked, self.keep, at=self.now, asks=not is_over)
                if self.tagger().poll(batch) not in OPEN:
                    return codes
                if is_over:
                    return self._given_up(batch, codes)
            except TransientError as error:
                self.troubles.append(str(error))
        message = f"not done after {ticks} ticks, {self.now - NOW}"
        raise AssertionError(message)

    def _given_up(self, batch: str, codes: dict[VoteKey, str]) -> dict[VoteKey, str]:
        self.is_overdue = True
        try:
            self.tagger().cancel(batch)
        except TripperError as error:
            self.troubles.append(str(error))
        return codes


@dataclass
class Doors:
    """One address and one SDK client for each provider, used by one world after the other."""

    doors: dict[str, Door]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    def world(
        self, provider: str, *, seed: int = 0, faults: Faults | None = None, limits: Limits | None = None
    ) -> TagWorld:
        server = SERVERS[provider](lambda: NOW, Random(seed), faults or Faults())
        door = self.doors[provider]
        door.told = server
        api: Any = open_batches(provider, DEFAULT_MODELS[provider], TaggerDoor(KEY, door.root + server.path))
        api._opened = self._clients.get(provider)
        api.limits = limits or api.limits
        self._clients[provider] = api._opened or api._client
        world = TagWorld(provider, server, api, Random(seed))
        server.clock = world.clock
        return world


def submissions(world: TagWorld) -> list[Submission]:
    return list(world.ledger.rows.values())
