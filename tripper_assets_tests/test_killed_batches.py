"""Processes that are killed between any two steps of a batch: the next one goes on, and nothing is ever submitted twice."""

import multiprocessing
from multiprocessing.context import ForkServerContext
from pathlib import Path
from random import Random

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.domain.batch_requests import Limits
from tripper_assets_tests.batch_world import NOW, WIDE, batch_world
from tripper_assets_tests.clients.openai_server import Faults
from tripper_assets_tests.killed_batches import POINTS, SharedClock, work

KILLED = -9
MOST_PROCESSES = 60
FIRST = [point for point in POINTS if "intent" in point or "upload" in point or "submission" in point]
"""Where the first process surely comes by."""


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that begin with nothing of ours in memory, and with the modules loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tripper_assets_tests.killed_batches", "openai", "toktok"])
    return context


@pytest.mark.parametrize("seed", [20, *(pytest.param(one, marks=pytest.mark.long) for one in range(50) if one != 20)])
def test_a_batch_whose_processes_are_killed_is_submitted_once_and_collected_whole(
    shared_database_url: str, shared_database: Database, processes: ForkServerContext, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    points = [*POINTS] if seed < len(POINTS) else random.choices([*POINTS], k=random.randint(2, 6))
    random.shuffle(points)
    points.insert(0, random.choice(FIRST))
    limits = random.choice([WIDE, Limits(4, 190_000_000, 3_000_000), Limits(50, 190_000_000, 60)])
    clock = SharedClock(tmp_path / "clock")
    (tmp_path / "clock").write_text(str(NOW.timestamp()))
    faults = Faults(late_list=random.choice([0, 0.5]), accepted_500=random.choice([0, 0.3]), row_busy=0.1)
    with batch_world(shared_database, tmp_path, seed=10_000 + seed, faults=faults) as world:
        world.server.clock = clock
        given = {
            "database": shared_database_url,
            "folder": str(tmp_path),
            "url": world.server.url,
            "workflow": world.workflow,
        }
        given |= {"seed": seed, "count": 12, "limits": limits, "random": random}

        kills = 0
        for number in range(MOST_PROCESSES):
            point = points[number] if number < len(points) else ""
            # Others end by themselves after some ticks, as the daemon does where it is restarted.
            one = given | {
                "point": point,
                "number": random.randint(1, 2) if number else 1,
                "ticks": 500 if number > 20 else random.choice([3, 40]),
            }
            process = processes.Process(target=work, args=(one,))
            process.start()
            process.join(60)
            assert process.exitcode in (0, KILLED)
            kills += process.exitcode == KILLED
            if (tmp_path / "done").exists():
                break

        problems = (tmp_path / "problems").read_text().split()
        assert int((tmp_path / "rows").read_text()) + len(problems) == 12
        assert set(problems) <= {"batch_request_failed"}  # a row that was refused three times
        assert kills > 0
        assert max(world.server.accepted.values()) == 1
        assert {row.status for row in world.usage()} == {"paid"}
