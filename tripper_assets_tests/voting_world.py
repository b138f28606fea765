"""Remote voters on the real batch machine and catalog, with a provider and a clock of the test's own."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from tripper_assets.assets.tag_batches import Asking
from tripper_assets.assets.tags import Polling
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.llm_models import LlmUsageRow, SubmissionRow
from tripper_assets.catalog.models import BatchRow
from tripper_assets.catalog.submissions import Submissions
from tripper_assets.catalog.tag_models import TagVoteRow
from tripper_assets.clients.batches.machine import BatchMachine
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.tagging import Asked, Tagger
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batch_requests import Limits, Polled, Request, Result
from tripper_assets.domain.batches import BatchStatus, Origin, Submission
from tripper_assets.domain.identity import ids_sha256, text_sha256
from tripper_assets.domain.llm import Usage
from tripper_assets.domain.sources import Source, SourceConfig
from tripper_assets.domain.tag_questions import request_id
from tripper_assets.domain.tag_runs import TagBatches, Voter
from tripper_assets.domain.tags import ActivityTags, Vote, VoteKey
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets.tracking import Stage
from tripper_assets.voters import Panel, Reach, local_tagger
from tripper_assets_tests.batch_world import NOW, SITE, WIDE, activity

MODEL, TOKENS, PER_TOKEN = "m", 100, 1e-6
FILLED = (TagVoteRow, LlmUsageRow, SubmissionRow, BatchRow)
NUMBERS = count(1)


@dataclass
class Service:
    """A provider in memory: it takes batches, and is done with all of them when a test says so."""

    name: str
    done: bool = False
    limits: Limits = WIDE
    settles: timedelta = timedelta(minutes=3)
    taken: dict[str, tuple[Request, ...]] = field(default_factory=dict)
    """By our submission's id, which is the provider's too."""
    errors: dict[str, str] = field(default_factory=dict)
    """Codes of requests that fail unpaid, by the activity that they are about."""
    canceled: list[str] = field(default_factory=list)
    trouble: Exception | None = None
    """What it answers to everything."""

    def size(self, request: Request) -> int:
        del request
        return 1

    def upload(self, submission: Submission, requests: Iterable[Request]) -> str:
        self._answer()
        del requests
        return f"file-{submission.id}"

    def submit(self, submission: Submission, requests: Iterable[Request]) -> str:
        self._answer()
        assert submission.id not in self.taken
        self.taken[submission.id] = tuple(requests)
        return submission.id

    def find(self, submission: Submission) -> str:
        self._answer()
        return submission.id if submission.id in self.taken else ""

    def poll(self, provider_id: str) -> Polled:
        self._answer()
        return Polled("completed" if self.done and provider_id in self.taken else "pending")

    def results(self, provider_id: str) -> Iterator[Result]:
        for one in self.taken[provider_id]:
            about = str(one.body["activity"])
            error = self.errors.get(about, "")
            usage = Usage() if error else Usage(input=80, output=20)
            yield Result(one.custom_id, None if error else one.body, error, usage=usage)

    def cancel(self, provider_id: str) -> None:
        self.canceled.append(provider_id)

    def _answer(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    @property
    def asked(self) -> Counter[str]:
        """How often each question was taken."""
        return Counter(one.custom_id for taken in self.taken.values() for one in taken)


class Voting:
    """A remote voter that says "indoor" of everything."""

    def __init__(self, machine: BatchMachine, voter: Voter) -> None:
        self._machine, self._voter = machine, voter

    @property
    def voter(self) -> Voter:
        return self._voter

    def most_usd(self, asked: Sequence[Asked]) -> float:
        return self.most_tokens(asked) * PER_TOKEN

    def most_tokens(self, asked: Sequence[Asked]) -> int:
        return TOKENS * len(asked)

    def submit(self, asked: Sequence[Asked], origin: Origin) -> str:
        key = text_sha256("\n".join(request_id(one.key) for one in asked))
        return self._machine.submit(key, (_request(one.key) for one in asked), origin)

    def poll(self, batch_id: str) -> BatchStatus:
        return self._machine.poll(batch_id)

    def collect(
        self, batch_id: str, asked: Sequence[Asked], keep: Callable[[Sequence[Vote]], None], *, at: datetime, asks: bool = True
    ) -> dict[VoteKey, str]:  # fmt: skip
        keys = {request_id(one.key): one.key for one in asked}

        def take(rows: Sequence[Result]) -> Mapping[str, str]:
            keep([_vote(keys[one.custom_id], one, at) for one in rows if one.custom_id in keys])
            return {}

        problems = self._machine.collect(batch_id, take, asks=asks)
        return {keys[one]: code for one, code in problems.items() if one in keys}

    def cancel(self, batch_id: str) -> None:
        self._machine.cancel(batch_id)


def _request(key: VoteKey) -> Request:
    return Request(custom_id=request_id(key), body={"activity": key.activity_id}, tokens=TOKENS)


def _vote(key: VoteKey, row: Result, at: datetime) -> Vote:
    assert row.body["activity"] == key.activity_id
    return Vote(**key._asdict(), tags=ActivityTags(setting="indoor"), usage=row.usage, created_at=at)


@dataclass(frozen=True)
class Voters:
    """What stands in for the settings' taggers: the services, and the local voter beside them."""

    services: Mapping[str, Service]
    around: Callable[[Any], Any] = lambda it: it

    def panel(self, names: Sequence[str], reach: Reach) -> Panel:
        del names
        return Panel(local_tagger(reach.catalog), tuple(self._voting(name, reach) for name in self.services), {})

    def named(self, provider: str, model: str, reach: Reach) -> Voting | None:
        return self._voting(provider, reach) if (provider in self.services and model == MODEL) else None

    def _voting(self, name: str, reach: Reach) -> Voting:
        machine = BatchMachine(
            self.around(self.services[name]),
            self.around(Submissions(reach.catalog.database)),
            reach.objects,
            model=MODEL,
            cost=lambda usage, _at: usage.total * PER_TOKEN,
            clock=reach.clock,
        )
        return Voting(machine, Voter(name, MODEL, "v1"))


@dataclass
class VotingWorld:
    """A source whose activities some remote voters vote on; each look goes through objects made anew, as after a restart."""

    catalog: Catalog
    objects: Objects
    services: dict[str, Service]
    config: SourceConfig
    workflow: str = ""
    now: datetime = NOW
    local: Tagger | None = None
    around: Callable[[Any], Any] = lambda it: it
    """What stands around the catalog's parts and the services: something that dies."""

    def begin(self) -> None:
        """Begin a new workflow."""
        self.workflow = f"voting-{next(NUMBERS)}"
        row = Workflow(
            id=self.workflow, source_key=SITE.key, source_url=SITE.url, status="running", config={}, created_at=NOW
        )
        self.catalog.workflows.start(row)

    def clock(self) -> datetime:
        return self.now

    @property
    def reach(self) -> Reach:
        around = self.around
        catalog = replace(self.catalog, votes=around(self.catalog.votes), batches=around(self.catalog.batches))
        return Reach(catalog, self.objects, self.clock)

    def panel(self) -> Panel:
        return Voters(self.services, self.around).panel((), self.reach)._replace(local=self.local)

    def stage(self, asset: str) -> Stage:
        source: Source = SITE.model_copy(update={"config": self.config})
        return Stage(asset, source, self.workflow)

    def ask(self, activities: Sequence[Activity], *, retry_number: int = 9) -> tuple[TagBatches, Stage]:
        """Submit as tag_batches does."""
        work = self.stage("tag_batches")
        batches = Asking(work, self.panel(), self.reach, retry_number).submitted(activities)
        ids = ids_sha256(one.id for one in activities)
        return TagBatches(ids_sha256=ids, runs=self.config.tag_runs, batches=tuple(batches)), work

    def poll(self, activities: Sequence[Activity], asked: TagBatches) -> tuple[tuple[Vote, ...] | None, Stage]:
        """Collect as tag_votes does."""
        work = self.stage("tag_votes")
        return Polling(work, activities, self.panel(), self.reach, 9).votes(asked), work

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def usd(self) -> float:
        """Return what all of it cost."""
        with self.catalog.database.session() as session:
            return round(sum(session.scalars(select(LlmUsageRow.usd)).all()), 9)


def some(number_of: int, word: str = "zoo") -> list[Activity]:
    return [activity(number, f"a day at the {word} {number}") for number in range(number_of)]


def codes(work: Stage) -> dict[str, int]:
    return dict(Counter(one.code for one in work.problems))


@pytest.fixture
def voting(shared_database: Database, tmp_path: Path) -> Generator[VotingWorld]:
    catalog = catalog_on(shared_database, tmp_path)
    if catalog.sources.get(SITE.key) is None:
        catalog.sources.add(SITE)
    services = {name: Service(name) for name in ("one", "two")}
    world = VotingWorld(catalog, Objects("memory://"), services, SourceConfig())
    world.begin()
    yield world
    with shared_database.connection() as connection:
        for table in FILLED:
            connection.execute(delete(table))
