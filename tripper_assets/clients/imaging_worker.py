"""The process that decodes pictures, of which each may crash it: bounded in memory and time, and without any word of the run that it serves.

Run as a module with the descriptor of an open file on its command line: it reads bodies from its standard input and writes what they hold
to its standard output until the input ends. Each message is a length of four bytes and so many bytes of JSON; whatever the JSON tells the
length of follows.
"""

import ctypes
import fcntl
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeAlias

from tripper_assets.clients.imaging import Alone, NoPicture, ProcessedImage, WebP, process_image

MAX_ADDRESS_BYTES = 400 * 2**20
"""Of all that the process maps, of which some 130 MB are its own libraries."""
MAX_CPU_SECONDS = 20
"""For one picture; one of 50 megapixels takes 2 to 4."""
MAX_SECONDS = 60
"""For one picture that is waiting for something that does not come."""
LENGTH_BYTES = 4
PR_SET_PDEATHSIG = 1

Process: TypeAlias = Callable[..., ProcessedImage | NoPicture]


def serve(bodies: BinaryIO, answers: BinaryIO, alone: Alone, process: Process = process_image) -> None:
    """Answer each body until there are no more."""
    while head := bodies.read(LENGTH_BYTES):
        body = bodies.read(int.from_bytes(head, "big"))
        _wind_up()
        try:
            found = process(body, alone=alone)
        except MemoryError:
            found = NoPicture("too_much_memory", "the process may not have more")
        signal.alarm(0)
        answers.write(told(found))
        answers.flush()


def limit() -> None:
    """Bound this process: no memory beyond a limit, no core files, and no life beyond that of the run."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_BYTES, MAX_ADDRESS_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _wind_up() -> None:
    # Both signals end the process wherever it is, in C code too: no handler of Python's is asked.
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + MAX_CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    signal.alarm(MAX_SECONDS)


def room(descriptor: int) -> Alone:
    """Return what holds all other processes with the same file off from large pictures; the system ends it with the process."""

    @contextmanager
    def alone() -> Generator[None]:
        signal.alarm(0)  # the one that holds it has an alarm of its own
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        signal.alarm(MAX_SECONDS)
        try:
            yield
        finally:
            fcntl.lockf(descriptor, fcntl.LOCK_UN)

    return alone


def told(found: ProcessedImage | NoPicture) -> bytes:
    """Return an answer as it is sent."""
    if isinstance(found, NoPicture):
        return _message({"reason": found.reason, "message": found.message})
    pictures = [found.full, *([found.small] if found.small else [])]
    said = {
        "pictures": [[len(one.data), one.width, one.height] for one in pictures],
        "hints": [found.blurhash, found.dominant_colour, found.perceptual_hash],
    }
    return b"".join([_message(said), *(one.data for one in pictures)])


def _message(said: dict[str, Any]) -> bytes:
    data = json.dumps(said).encode()
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def heard(said: dict[str, Any], data: bytes) -> ProcessedImage | NoPicture:
    """Return the answer that ``told`` put into words; ``data`` is what follows the JSON."""
    if "reason" in said:
        return NoPicture(said["reason"], said["message"])
    pictures: list[WebP] = []
    for size, width, height in said["pictures"]:
        pictures.append(WebP(data[:size], width, height))
        data = data[size:]
    return ProcessedImage(pictures[0], next(iter(pictures[1:]), None), *said["hints"])


def main(descriptor: int, process: Process = process_image) -> None:
    """Serve the run that started this process."""
    limit()
    # Whatever a library prints must not stand between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers, room(descriptor), process)


if __name__ == "__main__":
    main(int(sys.argv[1]))
