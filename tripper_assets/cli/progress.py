"""What a person sees of a running workflow: a line with a bar for each stage on a terminal, plain lines in a pipe."""

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

SHOWN_COUNTS = ("rows", "fetched", "reused", "rejected", "inserted", "updated", "unchanged", "removed", "problems")


class StageProgress:
    """Hears stages start, go on and end, and shows them; everything goes to standard error, so that output stays clean."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._started: dict[str, float] = {}
        self._tasks: dict[str, TaskID] = {}
        self._errors: dict[str, str] = {}
        """Why the last attempt of a stage failed."""
        self._told: dict[str, str] = {}
        """What was told of that: a site that is down five times is named once."""
        self._bars = _bars() if sys.stderr.isatty() and not quiet else None

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop drawing; what was drawn stays."""
        if self._bars:
            self._bars.stop()

    def __call__(self, asset: str, event: str, counts: Mapping[str, Any]) -> None:
        """Take one event of a stage."""
        if event == "error":
            self._errors[asset] = str(counts["message"])
            return
        if event == "started":
            self._started[asset] = time.monotonic()
            self._tell_retry(asset)
        if self._bars:
            self._draw(self._bars, asset, event, counts)
        elif event not in ("started", "progress"):
            now = time.monotonic()
            seconds = now - self._started.get(asset, now)
            self._say(f"{asset}: {event} in {seconds:.1f} s{_shown(counts)}")

    def note(self, line: str) -> None:
        """Show a line beside the stages; an empty one is none."""
        if line:
            self._say(line)

    def _tell_retry(self, asset: str) -> None:
        """Say that a stage which failed is tried again, and why where that was not said yet."""
        reason = self._errors.pop(asset, None)
        if reason is not None:
            new = reason != self._told.get(asset)
            self._told[asset] = reason
            self._say(f"{asset}: tried again{f', for {reason}' if new else ''}")

    def _say(self, line: str) -> None:
        if self._bars:
            self._bars.console.print(line, markup=False, highlight=False)
        elif not self._quiet:
            sys.stderr.write(f"{line}\n")

    def _draw(self, bars: Progress, asset: str, event: str, counts: Mapping[str, Any]) -> None:
        if asset not in self._tasks:
            self._tasks[asset] = bars.add_task(asset, total=None, counts="")
        task = self._tasks[asset]
        if event == "started":
            bars.reset(task, total=None, description=asset)  # a second attempt
        bars.update(task, counts=_shown(counts))
        if event not in ("started", "progress"):
            mark = {"completed": "[green]", "skipped": "[yellow]", "failed": "[red]"}[event]
            bars.update(task, total=1, completed=1, description=f"{mark}{asset}")
            bars.stop_task(task)


def _bars() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        TimeElapsedColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    return Progress(*columns, console=Console(stderr=True))


def _shown(counts: Mapping[str, Any]) -> str:
    parts = [f"{_total(counts[name])} {name}" for name in SHOWN_COUNTS if name in counts]
    return f" ({', '.join(parts)})" if parts else ""


def _total(count: Any) -> Any:  # noqa: ANN401 (what a stage counts)
    """Return a count; one that is told by reason is the sum of its reasons."""
    return sum(count.values()) if isinstance(count, Mapping) else count
