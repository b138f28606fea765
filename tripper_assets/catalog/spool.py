"""What the catalog could not take while it was down: lines on disk in their order, written when it answers again."""

import contextlib
import fcntl
import json
import os
import time
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

from tripper_assets.domain.errors import PermanentError

SUFFIX = ".jsonl"
REFUSED = ".refused"
UNREADABLE = ".unreadable"
Line = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """The lines of one topic, oldest first.

    ``id`` names this stretch of them, so that writing it twice can be noticed; empty where its own line cannot be read.
    """

    id: str
    lines: tuple[Line, ...]


class Outage:
    """Whether the catalog was down a moment ago: a server that hangs takes ten seconds to say so, and each line would wait for it."""

    def __init__(self, *, pause_seconds: float = 2.0, seconds: Callable[[], float] = time.monotonic) -> None:
        self._pause, self._seconds = pause_seconds, seconds
        self._until = 0.0

    @property
    def goes_on(self) -> bool:
        """Whether it is too early to ask again."""
        return self._seconds() < self._until

    def begin(self) -> None:
        """Note that the catalog did not answer just now."""
        self._until = self._seconds() + self._pause


class Spool:
    """One file a topic below ``folder``; a line is on the disk when ``add`` returns, and a half-written last line is dropped."""

    def __init__(self, folder: Path, outage: Outage | None = None) -> None:
        self._folder = folder
        self.outage = outage or Outage()

    def topics(self) -> list[str]:
        """Return the topics that hold lines."""
        return sorted(unquote(path.name.removesuffix(SUFFIX)) for path in self._folder.glob(f"*{SUFFIX}"))

    def holds(self, topic: str) -> bool:
        """Return whether lines of a topic wait."""
        return self._path(topic).exists()

    def add(self, topic: str, line: Line) -> None:
        """Keep one line, after all others of its topic.

        Raises:
            PermanentError: the disk cannot be written either.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._locked(topic), self._path(topic).open("a+b") as file:
                _cut_torn_line(file)
                if file.tell() == 0:
                    file.write(_encoded({"spool": uuid.uuid4().hex}))
                    self._sync_folder()
                file.write(_encoded(line))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise PermanentError(
                f"Keeping what the catalog could not take failed in {self._folder} ({error.strerror}); "
                "free some space there, and let us write."
            ) from error

    def empty(self, topic: str, write: Callable[[Page], Sequence[Line]]) -> None:
        """Hand the lines of a topic to ``write``, and forget them when it returns; what it raises leaves them.

        ``write`` returns the lines that the catalog refuses for good; they are set aside in a file of their own.
        """
        if not self.holds(topic):
            return
        try:
            self._empty(topic, write)
        except OSError as error:
            raise PermanentError(
                f"Writing what waited for the catalog in {self._path(topic)} failed ({error.strerror}); "
                "make the file and its folder ours to read and to write."
            ) from error

    def _empty(self, topic: str, write: Callable[[Page], Sequence[Line]]) -> None:
        with self._locked(topic):
            page = self._read(topic)
            if page is not None and not page.id:
                self._path(topic).replace(self._path(topic).with_suffix(UNREADABLE))
                return
            refused = write(page) if page else ()
            if refused:
                self._set_aside(topic, refused)
            self._path(topic).unlink(missing_ok=True)

    def _read(self, topic: str) -> Page | None:
        try:
            rows = self._path(topic).read_bytes().split(b"\n")
        except FileNotFoundError:
            return None  # somebody else emptied it while we waited for the lock
        lines = [line for line in map(_decoded, rows) if line is not None]
        named = str(lines[0].get("spool", "")) if lines else ""
        return Page(named, tuple(lines[1:] if named else lines))

    def _set_aside(self, topic: str, lines: Sequence[Line]) -> None:
        with self._path(topic).with_suffix(REFUSED).open("ab") as file:
            file.writelines(map(_encoded, lines))

    def _path(self, topic: str) -> Path:
        return self._folder / f"{_file_name(topic)}{SUFFIX}"

    def _sync_folder(self) -> None:
        """Let a new file outlive a power cut too."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _locked(self, topic: str) -> Generator[None]:
        """Hold a topic against other processes; the kernel frees it when we die."""
        descriptor = os.open(self._folder / f".{_file_name(topic)}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _file_name(topic: str) -> str:
    """Return a topic as a file may be called: a person may give a workflow any name."""
    return quote(topic, safe="")


def _encoded(line: Line) -> bytes:
    return json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _decoded(row: bytes) -> Line | None:
    try:
        line = json.loads(row)
    except ValueError:
        return None  # the last line of a process that was killed while it wrote
    return line if isinstance(line, dict) else None


def _cut_torn_line(file: BinaryIO) -> None:
    """Cut off a line that a killed process left open, so that the next one stands alone, and leave the file at its end."""
    if file.tell() > 0:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.seek(0)
            # Down to nothing where the line that names the stretch was torn: without it what follows could not be read.
            file.truncate(file.read().rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
