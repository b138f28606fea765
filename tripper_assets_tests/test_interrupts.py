"""Ctrl-C ends asynchronous work cleanly, whoever handles signals around it."""

import asyncio
import os
import signal
import sqlite3
import threading
import time
import weakref

import pytest
import sqlalchemy

from tripper_assets.interrupts import ends_as_interrupted, run_async


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


class ClosedByInterrupt(sqlite3.Connection):
    """A connection whose closing somebody interrupts."""

    def close(self) -> None:
        super().close()
        raise KeyboardInterrupt


def test_an_interrupt_while_a_connection_is_closed_is_raised_and_not_printed(caplog: pytest.LogCaptureFixture) -> None:
    engine = sqlalchemy.create_engine(
        "sqlite://", poolclass=sqlalchemy.NullPool, connect_args={"factory": ClosedByInterrupt}
    )

    with ends_as_interrupted(), pytest.raises(KeyboardInterrupt):
        engine.connect().close()

    assert caplog.records == []


class Anything:
    """What a finalizer can be set for."""


def test_an_interrupt_inside_a_finalizer_is_raised_after_it_and_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with ends_as_interrupted():
        anything = Anything()
        weakref.finalize(anything, signal.raise_signal, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (the interrupt comes while it waits)
            del anything
            time.sleep(10)

    assert capsys.readouterr().err == ""


def test_an_error_inside_a_finalizer_is_printed_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    with ends_as_interrupted():
        anything = Anything()
        weakref.finalize(anything, int, "seven")
        del anything

    assert "ValueError" in capsys.readouterr().err
