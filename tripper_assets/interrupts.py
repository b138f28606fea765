"""How work takes Ctrl-C and a request to end: asynchronous work is canceled between two of its steps, and nothing is swallowed."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")
POOLS = ("NullPool", "QueuePool", "SingletonThreadPool", "StaticPool")
"""SQLAlchemy's pools, which have a logger each."""
SECONDS_TO_AGAIN = 0.05
"""From an interrupt that was lost to the same one again: the callback that lost it has ended by then."""


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
    before, hook = signal.signal(signal.SIGTERM, _as_interrupt), sys.unraisablehook
    sys.unraisablehook = _interrupt_again
    for pool in POOLS:
        logging.getLogger(f"sqlalchemy.pool.impl.{pool}").addFilter(_is_no_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        sys.unraisablehook = hook


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


def _interrupt_again(lost: "sys.UnraisableHookArgs") -> None:
    """Interrupt again: one that came inside a finalizer was printed as ignored, and the run went on to its end."""
    if issubclass(lost.exc_type, (Exception, SystemExit, GeneratorExit)):
        sys.__unraisablehook__(lost)
        return
    again = threading.Timer(SECONDS_TO_AGAIN, os.kill, (os.getpid(), signal.SIGINT))
    again.daemon = True
    again.start()


def _is_no_interrupt(record: logging.LogRecord) -> bool:
    """Return False for an interrupt that came while a connection was closed: SQLAlchemy logs it as a traceback and raises it all the same."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or issubclass(kind, Exception)
