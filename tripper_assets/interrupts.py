"""How asynchronous work inside a step takes Ctrl-C: canceled between two of its steps, and never swallowed."""

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
