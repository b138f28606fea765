"""Many questions to one provider whose server is a process of its own, so that the memory that is measured is the voter's alone.

`python -m tripper_assets_tests.clients.batches.volume` asks each provider about 10,000 activities in three runs, and prints what that took.
"""

import multiprocessing
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from random import Random
from typing import Any, NamedTuple

import psutil

from tripper_assets.clients.remote_tagger import TaggerDoor, open_batches
from tripper_assets.clients.tagging import Asked
from tripper_assets.domain.batch_requests import Limits
from tripper_assets.domain.model_facts import DEFAULT_MODELS
from tripper_assets.domain.tags import Vote
from tripper_assets_tests.clients.batches.chat_server import ChatServer
from tripper_assets_tests.clients.batches.provider_server import KEY, open_door
from tripper_assets_tests.clients.batches.tag_world import NOW, ORIGIN, PROVIDERS, SERVERS, TagWorld, questions

DESCRIPTION = "\nThere is a playground, a small farm and a place to eat; bring shoes that may get wet. " * 10


class Figures(NamedTuple):
    """What many questions took."""

    votes: int
    sizes: list[tuple[int, int]]
    """Requests and bytes of each batch that the provider accepted."""
    submit_seconds: float
    collect_seconds: float
    grown_bytes: int
    """The most resident memory while they were submitted and collected, beyond what the process had before."""


def measure(provider: str, activities: int, runs: int = 1, limits: Limits | None = None) -> Figures:
    with _served(provider) as (url, pipe):
        api: Any = open_batches(provider, DEFAULT_MODELS[provider], TaggerDoor(KEY, url))
        api.limits = limits or api.limits._replace(tokens=10**12)
        world = TagWorld(provider, ChatServer(lambda: NOW, Random(0)), api)
        warm_up(world)
        asked = [one for run in range(1, runs + 1) for one in _questions(world, activities, run)]
        kept = Counted()
        with _peak() as grown:
            began = time.monotonic()
            batch = world.tagger().submit(asked, ORIGIN)
            submitted = time.monotonic()
            world.now += timedelta(days=1)
            pipe.send(world.now)
            pipe.recv()
            assert world.tagger().poll(batch) == "completed"
            collecting = time.monotonic()
            assert world.tagger().collect(batch, asked, kept, at=world.now) == {}
            ended = time.monotonic()
        pipe.send(None)
        return Figures(kept.good, pipe.recv(), submitted - began, ended - collecting, grown[0])


class Counted:
    """Votes are counted and let go, as a catalog would keep them."""

    good = 0

    def __call__(self, votes: Sequence[Vote]) -> None:
        self.good += sum(vote.tags is not None for vote in votes)


def warm_up(world: TagWorld) -> None:
    """Load the SDK and the tokenizer, whose memory is not what is asked about."""
    world.tagger().most_tokens(world.questions(1))
    assert world.api._client  # type: ignore[attr-defined]


def _questions(world: TagWorld, activities: int, run: int) -> list[Asked]:
    asked = questions(activities, world.tagger().voter, run=run)
    return [one._replace(text=one.text + DESCRIPTION) for one in asked]


@contextmanager
def _served(provider: str) -> Iterator[tuple[str, Connection]]:
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(provider, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.terminate()
        process.join()
        ours.close()
        theirs.close()


def _serve(provider: str, pipe: Connection) -> None:
    """Answer until a day has passed, which the other side tells, and then tell what was accepted."""
    now = [NOW]
    server = SERVERS[provider](lambda: now[0], Random(0))
    with open_door() as door:
        door.told = server
        pipe.send(door.root + server.path)
        while (later := pipe.recv()) is not None:
            now[0] = later
            pipe.send("later")
        pipe.send(server.sizes)
        pipe.recv()


@contextmanager
def _peak() -> Iterator[list[int]]:
    """Yield a list whose one number is, in the end, by how many bytes resident memory grew at most."""
    process, done = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    grown = [0]

    def look() -> None:
        while not done.wait(0.01):
            grown[0] = max(grown[0], process.memory_info().rss - before)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield grown
    finally:
        done.set()
        thread.join()


if __name__ == "__main__":
    for name in PROVIDERS:
        found = measure(name, 10_000, 3)
        sizes = ", ".join(f"{count}/{size / 1e6:.0f} MB" for count, size in found.sizes)
        print(  # noqa: T201 (what it is for)
            f"{name}: {found.votes} votes, submitted in {found.submit_seconds:.1f} s, collected in {found.collect_seconds:.1f} s,"
            f" {found.grown_bytes / 1e6:.0f} MB more, batches {sizes}"
        )
