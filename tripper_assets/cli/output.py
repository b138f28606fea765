"""How the command line speaks: tables on a terminal, plain lines in a pipe, one JSON value with --json, errors on standard error."""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
PIPE_WIDTH = 160


def console() -> Console:
    """Return a console on standard output; in a pipe it is plain and wide."""
    return Console(
        width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, soft_wrap=not sys.stdout.isatty()
    )


def say(text: str) -> None:
    """Print a line for a person, markup of strangers left as text."""
    console().print(text, markup=False)


def print_error(sentence: str) -> None:
    """Print an error's sentence."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {sentence}", markup=False)


def print_json(value: Any) -> None:  # noqa: ANN401 (any JSON value)
    """Print one JSON value."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str = "") -> None:
    """Print rows as a table on a terminal, and as tab-separated lines in a pipe."""
    if not sys.stdout.isatty():
        lines = ["\t".join(columns), *("\t".join(_flat(cell) for cell in row) for row in rows)]
        sys.stdout.write(("\n".join([title, *lines] if title else lines)) + "\n")
        return
    table = Table(title=title or None, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_escaped(_flat(cell)) for cell in row))
    console().print(table)


def _flat(cell: object) -> str:
    return " ".join(str("" if cell is None else cell).split())


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")


def size(count: int) -> str:
    """Return a number of bytes as a person reads it."""
    amount, units = float(count), ("B", "kB", "MB", "GB")
    for unit in units:
        if amount < 1000 or unit == units[-1]:  # noqa: PLR2004 (SI: a kB is 1,000 bytes)
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{count} B"
