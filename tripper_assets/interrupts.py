"""How work takes Ctrl-C and a request to end: asynchronous work is canceled between two of its steps, and nothing is swallowed."""

import asyncio
import signal
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` to its end.

    Raises:
        KeyboardInterrupt: somebody interrupted it; what it had open is closed.
    """
    with _asyncio_interrupts():
        return asyncio.run(work)


@contextmanager
def ends_as_interrupted() -> Generator[None]:
    """Take a request to end (SIGTERM) as Ctrl-C is taken, so that what is open is closed: PostgreSQL is stopped, and a source freed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _asyncio_interrupts() -> Generator[None]:
    """Hand interrupts to asyncio, which cancels the work.

    Dagster's handler raises wherever the program happens to be. In the middle of a socket's write the event loop logged that as the
    socket's failure, and an interrupted run went on to its end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # asyncio.run puts its own handler only in the place of Python's.
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _as_interrupt(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)
