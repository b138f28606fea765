import asyncio
import io
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
from PIL import Image

from tripper_assets.clients.imaging import NoPicture, ProcessedImage, process_image
from tripper_assets.clients.imaging_processes import ImageProcesses

DYING = str(Path(__file__).with_name("dying_worker.py"))
T = TypeVar("T")


def picture(width: int = 640, height: int = 480) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def with_processes(
    work: Callable[[ImageProcesses], Awaitable[T]],
    *,
    dying: bool = True,
    count: int = 2,
    most_seconds: float = 60,
) -> T:
    async def run() -> T:
        options = {"worker": (DYING,)} if dying else {}
        async with ImageProcesses(count=count, most_seconds=most_seconds, **options) as processes:
            return await work(processes)

    return asyncio.run(run())


def answers(*bodies: bytes, most_seconds: float = 60) -> list[ProcessedImage | NoPicture]:
    async def work(processes: ImageProcesses) -> list[ProcessedImage | NoPicture]:
        return [await processes.process(body) for body in bodies]

    return with_processes(work, count=1, most_seconds=most_seconds)


def reasons(*bodies: bytes, most_seconds: float = 60) -> list[str]:
    found = answers(*bodies, most_seconds=most_seconds)
    return [getattr(one, "reason", "") for one in found]


def test_a_process_gives_what_this_one_would_give() -> None:
    bodies = [picture(1600, 1200), picture(310, 300), b"<html>", b"", picture()[:500]]

    async def work(processes: ImageProcesses) -> list[ProcessedImage | NoPicture]:
        return [await processes.process(body) for body in bodies]

    assert with_processes(work, dying=False) == [process_image(body) for body in bodies]


@pytest.mark.parametrize(
    ("told", "reason"),
    [(b"crash", "decoder_crashed"), (b"spin", "decoder_timeout"), (b"sleep", "decoder_timeout"), (b"swell", "too_much_memory")],
)  # fmt: skip
def test_what_ends_a_decoder_costs_its_own_picture_alone(told: bytes, reason: str) -> None:
    assert reasons(picture(), b"hurry", told, picture()) == ["", "told", reason, ""]


def test_a_process_that_keeps_no_limit_is_ended() -> None:
    assert reasons(b"stop", most_seconds=1) == ["decoder_timeout"]


@pytest.mark.long
def test_a_process_that_keeps_no_limit_costs_its_own_picture_alone() -> None:
    assert reasons(b"stop", picture(), most_seconds=20) == ["decoder_timeout", ""]


def test_a_picture_whose_process_died_once_is_tried_in_another(tmp_path: Path) -> None:
    (found,) = answers(f"crash-once {tmp_path / 'crashed'}".encode())

    assert found == process_image(f"crash-once {tmp_path / 'crashed'}".encode())


def test_what_a_library_prints_is_no_answer() -> None:
    assert reasons(b"print", picture()) == ["not_an_image", ""]


def test_a_process_knows_none_of_our_variables_and_serves_many_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")

    first, second = answers(b"tell", b"tell")

    assert first == second
    assert isinstance(first, NoPicture)
    assert "AWS" not in first.message
    assert str(os.getpid()) not in first.message.split()


def test_one_that_dies_with_a_large_picture_leaves_room_for_the_next(tmp_path: Path) -> None:
    async def work(processes: ImageProcesses) -> list[ProcessedImage | NoPicture]:
        large = [processes.process(f"large {tmp_path / name}".encode()) for name in "abc"]
        return await asyncio.gather(*large, processes.process(picture(5000, 3000)))

    *died, found = with_processes(work)

    assert [getattr(one, "reason", "") for one in died] == ["decoder_crashed"] * 3
    assert isinstance(found, ProcessedImage)


def test_no_process_is_started_before_there_is_work_nor_left_behind_it() -> None:
    async def idle(processes: ImageProcesses) -> list[int]:
        return processes.pids

    async def busy(processes: ImageProcesses) -> list[int]:
        await asyncio.gather(*(processes.process(picture()) for _ in range(5)))
        return processes.pids

    assert with_processes(idle, dying=False) == []
    pids = with_processes(busy, dying=False)
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_an_interrupted_run_leaves_no_process() -> None:
    async def work(processes: ImageProcesses) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(processes.process(b"sleep"))
            await asyncio.sleep(1)
            raise KeyboardInterrupt

    before = set(psutil.Process().children())
    with pytest.raises(KeyboardInterrupt):
        with_processes(work)

    assert set(psutil.Process().children()) == before


def test_the_end_of_the_run_ends_a_process_at_once_however_it_comes() -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)

        async def work(processes: ImageProcesses) -> None:
            await processes.process(picture())
            os.write(write, b"%d" % processes.pids[0])
            await processes.process(b"sleep")

        with_processes(work)
        os._exit(1)
    pid = int(os.read(read, 100))
    decoder = psutil.Process(pid)

    os.kill(child, 9)
    os.waitpid(child, 0)

    assert decoder.wait(timeout=10) is None
