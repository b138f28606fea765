"""The processes that decode pictures, from a run's side: started when there is work, given one body after another, replaced when one dies."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol, Self

from tripper_assets.clients.imaging import NoPicture, ProcessedImage
from tripper_assets.clients.imaging_worker import LENGTH_BYTES, MAX_SECONDS, heard

PROCESSES = min(2, os.cpu_count() or 1)
"""At some 100 MB each; the pictures of a host, four at a time, seldom come faster."""
WORKER = ("-m", "tripper_assets.clients.imaging_worker")
MOST_SECONDS = 4 * MAX_SECONDS
"""A process has limits of its own; one that does not keep them is ended after this."""
TIME_IS_UP = frozenset({signal.SIGALRM, signal.SIGXCPU})


class ImageProcessor(Protocol):
    """Makes of a body the pictures that are kept."""

    async def process(self, body: bytes) -> ProcessedImage | NoPicture:
        """Return the pictures, or why there are none; the same for the same body."""
        ...


class ImageProcesses:
    """An ImageProcessor that no picture can harm; an async context manager, behind which none of its processes is left."""

    def __init__(
        self, *, count: int = PROCESSES, worker: Sequence[str] = WORKER, most_seconds: float = MOST_SECONDS
    ) -> None:
        self._worker = worker
        self._most_seconds = most_seconds
        self._turns = asyncio.Semaphore(count)
        self._idle: list[Process] = []
        self._room = tempfile.TemporaryFile()  # noqa: SIM115 (closed at the exit)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._idle:
            await _ended(self._idle.pop())
        self._room.close()

    @property
    def pids(self) -> list[int]:
        """The processes that wait for a picture."""
        return [process.pid for process in self._idle]

    async def process(self, body: bytes) -> ProcessedImage | NoPicture:
        """Return the pictures, or why there are none; a body that ends two processes is told by how they ended."""
        async with self._turns:
            # The first may have died of what others left in it, or of the system's want of memory.
            found = await self._asked(body)
            return await self._asked(body) if found == CRASHED else found

    async def _asked(self, body: bytes) -> ProcessedImage | NoPicture:
        process = self._idle.pop() if self._idle else await self._started()
        try:
            async with asyncio.timeout(self._most_seconds):
                found = await _answer(process, body)
        except TimeoutError:
            await _ended(process)
            return TIMED_OUT
        except BaseException:
            await _ended(process)
            raise
        if found is None:
            return _cause(await _ended(process))
        if isinstance(found, NoPicture) and found.reason == NO_MEMORY:
            await _ended(process)  # what is left of its memory may be in pieces
        else:
            self._idle.append(process)
        return found

    async def _started(self) -> Process:
        room = self._room.fileno()
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-S", "-P", *self._worker, str(room)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd="/",
            env=_environment(),
            pass_fds=(room,),
            # Ctrl-C is for the run, which ends us in its order.
            start_new_session=True,
        )


NO_MEMORY = "too_much_memory"
CRASHED = NoPicture("decoder_crashed", "the picture ended the process that decodes it")
TIMED_OUT = NoPicture("decoder_timeout", "decoding the picture comes to no end")


async def _answer(process: Process, body: bytes) -> ProcessedImage | NoPicture | None:
    """Return what the process says of a body; None where it ended."""
    tell, listen = process.stdin, process.stdout
    if tell is None or listen is None:
        return None
    try:
        tell.write(len(body).to_bytes(LENGTH_BYTES, "big"))
        tell.write(body)
        await tell.drain()
        said = json.loads(await listen.readexactly(int.from_bytes(await listen.readexactly(LENGTH_BYTES), "big")))
        return heard(said, await listen.readexactly(sum(size for size, _, _ in said.get("pictures", ()))))
    except (OSError, asyncio.IncompleteReadError):
        return None


async def _ended(process: Process) -> int:
    """End a process, and return how it ended: the negative number of a signal."""
    if process.stdin:
        process.stdin.close()
    with suppress(ProcessLookupError):
        # One that died by itself is not reaped yet, and keeps the way that it died.
        process.kill()
    # Its pipes are closed as well: what is written to no end would keep them open.
    await process.communicate()
    return process.returncode or 0


def _cause(ended: int) -> NoPicture:
    return TIMED_OUT if -ended in TIME_IS_UP else CRASHED


def _environment() -> dict[str, str]:
    """Return all that a process knows of its surroundings: where the packages are, and none of our own variables, which may hold secrets."""
    # One arena and no pool of threads: each maps memory that counts against the limit and is never used.
    few = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **few}
