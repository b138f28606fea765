"""Events: whoever watches hears of each change when it is committed, comes back without a gap, and holds nobody up."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson
import pytest

from tripper_assets.api import live as module
from tripper_assets.api.live import Change, Live, StageChange, Watcher, WorkflowChange
from tripper_assets.api.problems import ProblemError
from tripper_assets.catalog.announcements import changes_since
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.workflow_reading import workflow_views
from tripper_assets.domain.errors import TransientError
from tripper_assets_tests.api.conftest import AT, World
from tripper_assets_tests.waiting import AT_ONCE, wait_until

MINUTE = timedelta(minutes=1)


@asynccontextmanager
async def watched(live: Live, **options: Any) -> AsyncGenerator[tuple[Watcher, Callable[..., Any]]]:
    async with live.watching(**{"since": None} | options) as watcher:
        stream = watcher.changes()

        async def heard(count: int) -> list[WorkflowChange | StageChange]:
            async with asyncio.timeout(AT_ONCE):
                return [(await anext(stream)).told for _ in range(count)]

        yield watcher, heard


def summary(told: list[WorkflowChange | StageChange]) -> list[tuple[str, str]]:
    return [
        (one.stage.asset, one.stage.status) if isinstance(one, StageChange) else ("workflow", one.workflow.status)
        for one in told
    ]


def test_each_step_is_heard_of_when_it_is_committed_also_from_another_process(world: World) -> None:
    name, workflows = world.workflow("queued"), world.context.catalog.workflows

    async def story() -> list[tuple[str, str]]:
        live = Live(world.database)
        async with watched(live) as (_, heard):
            await asyncio.to_thread(workflows.set_status, name, "running")
            began = await heard(1)
            await asyncio.to_thread(workflows.stage_started, name, "raw_activities", AT, run_id="run")
            begun = await heard(2)
            await asyncio.to_thread(workflows.stage_progress, name, "raw_activities", {"fetched": 3}, 0.5)
            going = await heard(2)
            await asyncio.to_thread(
                workflows.stage_ended, name, "raw_activities", "completed", AT + MINUTE, {"rows": 3}
            )
            done = await heard(2)
        stage = going[0]
        assert isinstance(stage, StageChange)
        assert (stage.stage.progress, stage.stage.counts) == (0.5, {"fetched": 3})
        return summary([*began, *begun, *going, *done])

    assert asyncio.run(story()) == [
        ("workflow", "running"),
        ("raw_activities", "running"),
        ("workflow", "running"),
        ("raw_activities", "running"),
        ("workflow", "running"),
        ("raw_activities", "completed"),
        ("workflow", "running"),
    ]


def test_who_comes_back_hears_what_changed_meanwhile(world: World) -> None:
    name, workflows = world.workflow("queued"), world.context.catalog.workflows
    last = changes_since(world.database, None).newest
    workflows.set_status(name, "running")
    workflows.stage_started(name, "raw_activities", AT, run_id="run")

    async def story() -> list[tuple[str, str]]:
        async with watched(Live(world.database), since=last) as (_, heard):
            return summary(await heard(2))

    assert asyncio.run(story()) == [("raw_activities", "running"), ("workflow", "running")]


def test_who_watches_one_workflow_hears_of_that_alone(world: World) -> None:
    one, other = world.workflow(), world.workflow()

    async def story() -> list[WorkflowChange | StageChange]:
        async with watched(Live(world.database), workflow_id=one) as (_, heard):
            for name in (other, one):
                await asyncio.to_thread(world.context.catalog.workflows.set_status, name, "failed", "It rained.")
            return await heard(1)

    (told,) = asyncio.run(story())
    assert isinstance(told, WorkflowChange)
    assert (told.workflow.id, told.workflow.reason) == (one, "It rained.")


def test_a_connection_that_is_lost_is_made_again_and_nothing_is_missed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.05)
    name = world.workflow()

    async def story() -> list[tuple[str, str]]:
        async with watched(Live(world.database)) as (_, heard):
            await asyncio.to_thread(_cut_off, world.database)
            await asyncio.to_thread(world.context.catalog.workflows.set_status, name, "failed")
            told = list[tuple[str, str]]()
            while ("workflow", "failed") not in told:
                told += summary(await heard(1))  # how it was may come first, when the new connection was quicker
            return told

    assert asyncio.run(story())[-1] == ("workflow", "failed")


def _cut_off(database: Database) -> None:
    with database.reading() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'tripper-events' AND datname = current_database()"
        )


def test_nobody_is_listened_for_when_nobody_watches(world: World) -> None:
    async def story() -> list[bool]:
        live, seen = Live(world.database), list[bool]()
        for _ in range(2):
            async with live.watching(since=None), live.watching(since=None):
                seen.append(await asyncio.to_thread(_is_listened, world.database))
            # The server frees a connection a moment after it was closed.
            await asyncio.to_thread(wait_until, lambda: not _is_listened(world.database), seconds=AT_ONCE)
        return seen

    assert asyncio.run(story()) == [True, True]


def _is_listened(database: Database) -> bool:
    with database.reading() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tripper-events' AND datname = current_database()"
        ).fetchone()
    return bool(found and found[0])


def test_a_slow_watcher_is_let_go_and_comes_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 3)
    (view,) = workflow_views(world.database, [world.workflow()])

    async def story() -> int:
        watcher = Watcher(None)
        for number in range(9):
            watcher.offer(Change(number, WorkflowChange(workflow=view)))
        return len([one async for one in watcher.changes()])

    assert asyncio.run(story()) < 3


def test_so_many_may_watch_and_a_catalog_that_is_down_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCHERS", 1)
    nowhere = Database("postgresql://nobody@127.0.0.1:9/none")

    async def too_many() -> None:
        live = Live(world.database)
        async with live.watching(since=None), live.watching(since=None):
            pass

    async def down() -> None:
        async with Live(nowhere).watching(since=None):
            pass

    with pytest.raises(ProblemError, match="watch already"):
        asyncio.run(too_many())
    with pytest.raises(TransientError):
        asyncio.run(down())


def test_the_stream_has_events_with_numbers_that_a_browser_comes_back_with(world: World) -> None:
    name = world.workflow()
    lines: list[str] = []

    with world.client.stream("GET", "/v1/events", params={"since": 0, "workflow": name}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            lines.append(line)
            if line.startswith("data:"):
                world.client.app.state.live._watchers.copy().pop().let_go()

    told = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(":"))
    assert told["event"] == "workflow"
    assert int(told["id"]) > 0
    assert int(told["retry"]) > 0
    assert orjson.loads(told["data"])["workflow"]["id"] == name
