"""What goes out to those who watch: each change of a workflow or a stage as it is committed, read once for all of them."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, Literal, NamedTuple

from starlette.concurrency import run_in_threadpool

from tripper_assets.api.problems import ProblemError
from tripper_assets.catalog.announcements import OVERLAP, announced, changes_since
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.workflow_reading import StageView, WorkflowView, workflow_views
from tripper_assets.domain.errors import TripperError
from tripper_assets.domain.model import Model, SourceKey

GATHERED_SECONDS = 0.1
"""How long changes are gathered before they are read: a stage that tells its progress often is read once."""
AGAIN_SECONDS = 2.0
REMEMBERED = 1_000
WATCHERS = 200
WAITING = 1_000
"""Changes that may wait for one watcher; a slower one is let go, and comes back with the last number that it had."""


class WorkflowChange(Model):
    """The event `workflow`: how a workflow is now."""

    kind: Literal["workflow"] = "workflow"
    workflow: WorkflowView


class StageChange(Model):
    """The event `stage`: how a stage of a workflow is now."""

    kind: Literal["stage"] = "stage"
    workflow_id: str
    source_key: SourceKey
    stage: StageView


class Change(NamedTuple):
    """One change, and the number that a watcher goes on from."""

    number: int
    told: WorkflowChange | StageChange


class Watcher:
    """One who watches, all workflows or one."""

    def __init__(self, workflow_id: str | None) -> None:
        self.workflow_id = workflow_id
        self._waiting: asyncio.Queue[Change | None] = asyncio.Queue(WAITING)

    def offer(self, change: Change) -> None:
        """Let a change wait for this one, who is let go where too many do."""
        told = change.told
        name = told.workflow.id if isinstance(told, WorkflowChange) else told.workflow_id
        if self.workflow_id in (None, name):
            try:
                self._waiting.put_nowait(change)
            except asyncio.QueueFull:
                self.let_go()

    def let_go(self) -> None:
        """Say that nothing more comes."""
        while self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def changes(self) -> AsyncGenerator[Change]:
        """Yield changes as they come, until this one is let go."""
        while (change := await self._waiting.get()) is not None:
            yield change


class Live:
    """Listens to the catalog while anybody watches, and tells each what changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: set[Watcher] = set()
        self._known: OrderedDict[str, WorkflowView] = OrderedDict()
        self._newest: int | None = None
        self._listening: asyncio.Task[None] | None = None
        self._is_listening = asyncio.Event()

    @asynccontextmanager
    async def watching(self, *, since: int | None, workflow_id: str | None = None) -> AsyncGenerator[Watcher]:
        """Give a watcher of what changes from now on, and first of what changed after the event ``since``.

        Raises:
            ProblemError: 429, too many watch.
            TransientError: the catalog does not answer.
        """
        if len(self._watchers) >= WATCHERS:
            raise ProblemError(429, f"{WATCHERS} watch already; come back later.", headers={"Retry-After": "60"})
        watcher = Watcher(workflow_id)
        self._watchers.add(watcher)
        try:
            await self._listen()
            await self._tell_missed(watcher, since)
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                await self.close()

    async def close(self) -> None:
        """Let all go who watch, and listen no more."""
        for watcher in list(self._watchers):
            watcher.let_go()
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        self._listening = None
        self._is_listening.clear()

    async def _listen(self) -> None:
        if self._listening is None:
            # Asked for first in the open: a catalog that is down is told to the one who asks.
            self._newest = (await run_in_threadpool(changes_since, self._database, None)).newest
            if self._listening is None:
                self._listening = asyncio.create_task(self._keep_listening())
        await self._is_listening.wait()

    async def _tell_missed(self, watcher: Watcher, since: int | None) -> None:
        if since is None:
            return
        found = await run_in_threadpool(changes_since, self._database, since)
        for view in reversed(await run_in_threadpool(workflow_views, self._database, found.workflow_ids)):
            for told in _changes(None, view):
                watcher.offer(Change(found.newest, told))

    async def _keep_listening(self) -> None:
        """Listen, and begin again where the connection is lost; what changed meanwhile is told then."""
        while True:
            with suppress(TripperError):
                await self._listen_once()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen_once(self) -> None:
        gathered: set[str] = set()
        sender: asyncio.Task[None] | None = None
        try:
            async with aclosing(announced(self._database)) as stream:
                async for workflow_id in stream:
                    gathered |= {workflow_id} if workflow_id is not None else await self._missed()
                    self._is_listening.set()
                    if gathered and (sender is None or sender.done()):
                        sender = asyncio.create_task(self._send(gathered))
        finally:
            if sender is not None:
                sender.cancel()

    async def _missed(self) -> set[str]:
        """Return the workflows that changed while nobody listened: at first that is a moment, and nothing is told twice for it."""
        overlap = OVERLAP if self._is_listening.is_set() else 0
        found = await run_in_threadpool(changes_since, self._database, self._newest, overlap=overlap)
        return set(found.workflow_ids)

    async def _send(self, gathered: set[str]) -> None:
        """Read what was gathered and tell it, until nothing is left."""
        while gathered:
            await asyncio.sleep(GATHERED_SECONDS)
            ids = sorted(gathered)
            gathered.clear()
            try:
                newest = (await run_in_threadpool(changes_since, self._database, None)).newest
                views = await run_in_threadpool(workflow_views, self._database, ids)
            except TripperError:
                gathered.update(ids)
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self._newest = newest
            for view in reversed(views):
                self._tell(view, newest)

    def _tell(self, view: WorkflowView, number: int) -> None:
        for told in _changes(self._known.get(view.id), view):
            for watcher in list(self._watchers):
                watcher.offer(Change(number, told))
        self._known[view.id] = view
        self._known.move_to_end(view.id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _changes(before: WorkflowView | None, now: WorkflowView) -> list[WorkflowChange | StageChange]:
    """Return what is to be told of a workflow: its stages that changed, then itself where it did."""
    known: dict[str, Any] = {one.asset: one for one in before.stages} if before else {}
    told: list[WorkflowChange | StageChange] = [
        StageChange(workflow_id=now.id, source_key=now.source_key, stage=one)
        for one in now.stages
        if known.get(one.asset) != one
    ]
    if before != now:
        told.append(WorkflowChange(workflow=now))
    return told
