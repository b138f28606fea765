"""A process that submits, polls and collects a batch, and kills itself at a given call; what it works on is told by plain values."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.submissions import Submissions
from tripper_assets.clients.batches.openai import OpenAIBatches
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batches import SubmittedBatch
from tripper_assets.domain.errors import TransientError
from tripper_assets.resources import catalog_on
from tripper_assets_tests.batch_world import BatchWorld, activity
from tripper_assets_tests.clients.openai_server import Faults, OpenAIServer

POINTS: dict[str, tuple[type[Any], str, bool]] = {
    "before the intent": (Submissions, "open", False),
    "after the intent": (Submissions, "open", True),
    "before the upload": (OpenAIBatches, "upload", False),
    "after the upload": (OpenAIBatches, "upload", True),
    "before the submission": (OpenAIBatches, "submit", False),
    "after the submission": (OpenAIBatches, "submit", True),
    "after the record": (Submissions, "submitted", True),
    "before a poll": (OpenAIBatches, "poll", False),
    "after a poll": (OpenAIBatches, "poll", True),
    "after a poll was noted": (Submissions, "told", True),
    "before the results are noted": (Submissions, "collected", False),
    "after the results are noted": (Submissions, "collected", True),
}
"""Where a process is killed: before or after a call."""


class SharedClock:
    """A time that several processes have, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(float(self._path.read_text()), UTC)

    def go_on(self, time: timedelta) -> None:
        text = str((self() + time).timestamp())
        other = self._path.with_suffix(".new")
        other.write_text(text)
        other.replace(self._path)


class SharedWorld(BatchWorld):
    """A world whose time goes on in a file."""

    shared: SharedClock

    def clock(self) -> datetime:
        return self.shared()


def activities(seed: int, count: int) -> list[Activity]:
    return [activity(number, f"a day at the zoo {seed} {number}") for number in range(count)]


def die_at(point: str, number: int) -> None:
    """Have this process killed at the given call of the given number."""
    owner, name, is_after = POINTS[point]
    call: Callable[..., Any] = getattr(owner, name)
    left = [number]

    def dying(*given: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0] and not is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return call(*given, **named)
        finally:  # also where the answer was lost
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


def work(given: dict[str, Any]) -> None:
    """Go on with the batch for some ticks, from the handle where there is one; write ``done`` when the vectors are there."""
    if given["point"]:
        die_at(given["point"], given["number"])
    folder = Path(given["folder"])
    database = Database(given["database"])
    server = OpenAIServer(lambda: datetime.now(UTC), given["random"], Faults(), url=given["url"])
    objects = Objects((folder / "objects").as_uri())
    world = SharedWorld(
        catalog_on(database, folder), objects, server, given["workflow"], given["random"], given["limits"]
    )
    world.shared = SharedClock(folder / "clock")
    for _ in range(given["ticks"]):
        try:
            if _went_on(world, folder, given):
                (folder / "done").write_text("1")
                return
        except TransientError:
            world.shared.go_on(timedelta(minutes=1))


def _went_on(world: SharedWorld, folder: Path, given: dict[str, Any]) -> bool:
    handle = folder / "handle"
    world.now = world.shared()
    if not handle.exists():
        batch = world.submit(activities(given["seed"], given["count"]))
        handle.write_text(batch.model_dump_json())
    batch = SubmittedBatch.model_validate_json(handle.read_text())
    world.shared.go_on(timedelta(minutes=9))
    if not world.tick(0):
        return False
    found = world.collect(batch)
    if found is None:
        return False
    (folder / "problems").write_text("\n".join(problem.code for problem in found[1]))
    (folder / "rows").write_text(str(len(found[0].ids)))
    return True
