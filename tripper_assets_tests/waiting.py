"""Waiting for what another process does, and ports that nobody has."""

import socket
import time
from collections.abc import Callable

AT_ONCE = 30
"""Seconds. What is quadratic, or waits for an answer that never comes, takes minutes; a busy machine with its lines
counted takes no more than this for the rest. How fast things are on a free one is for benchmarks."""


def wait_until(holds: Callable[[], object], *, seconds: float = 240) -> None:
    """Return when ``holds`` does; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)


def new_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
