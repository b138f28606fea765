"""A decoding process that does what a body tells it to: what a broken decoder may do, in a process with the real one's limits."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tripper_assets.clients import imaging_worker
from tripper_assets.clients.imaging import Alone, NoPicture, ProcessedImage, process_image


def crash() -> None:
    ctypes.string_at(0)


def spin() -> None:
    while True:
        pass


def hurry() -> NoPicture:
    """Give every later picture a second; those before it have the real time, which a slow machine needs."""
    imaging_worker.MAX_CPU_SECONDS = imaging_worker.MAX_SECONDS = 1
    return says("a second from now on")


def says(message: str) -> NoPicture:
    return NoPicture("told", message)


TELLS: dict[str, Callable[[], object]] = {
    "crash": crash,
    "hurry": hurry,
    "spin": spin,
    "sleep": lambda: time.sleep(3600),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "swell": lambda: len(bytes(4 * 2**30)),
    "print": lambda: print("a library says something"),  # noqa: T201 (what it is for)
    "tell": lambda: says(f"{os.getpid()} {sorted(os.environ)}"),
}


def process(body: bytes, *, alone: Alone) -> ProcessedImage | NoPicture:
    told, _, rest = body.decode("latin-1").partition(" ")
    if told == "crash-once" and not Path(rest).exists():
        Path(rest).touch()
        crash()
    if told == "large":
        with alone():
            crash()
    said = TELLS.get(told, lambda: None)()
    return said if isinstance(said, NoPicture) else process_image(body, alone=alone)


if __name__ == "__main__":
    imaging_worker.main(int(sys.argv[1]), process)
