"""Ctrl-C ends asynchronous work cleanly, whoever handles signals around it."""

import asyncio
import os
import signal
import threading

import pytest

from tripper_assets.interrupts import run_async


class ForeignError(Exception):
    """What a handler such as Dagster's raises wherever the program is."""


def foreign(*_: object) -> None:
    raise ForeignError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_the_work_and_what_it_had_open_is_closed(number: signal.Signals) -> None:
    told: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(30)
        finally:
            told.append("closed")

    before = signal.signal(number, foreign)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_async(work())
        assert signal.getsignal(number) is foreign
    finally:
        signal.signal(number, before)

    assert told == ["closed"]


def test_work_gives_its_result_in_any_thread() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(run_async(work())))
    thread.start()
    thread.join()

    assert [*found, run_async(work())] == [7, 7]
