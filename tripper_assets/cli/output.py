"""How the command line speaks: tables on a terminal, plain lines in a pipe, one JSON value with --json, errors on standard error."""

import io
import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
# Text from pages may hold escape sequences that move a terminal's cursor, and marks that turn a line's reading direction.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
ESCAPE_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[ -/]*[0-~])")
HIGH_CONTROLS = re.compile("[\x7f-\x9f]")


def accept_any_text() -> None:
    """Let what the terminal's encoding lacks be shown as an escape, where it would end the command with an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def printable(text: str) -> str:
    """Return ``text`` without what steers a terminal; line feeds and tabs stay."""
    return CONTROLS.sub("", ESCAPE_SEQUENCE.sub("", text))


def say(text: str) -> None:
    """Print a line for a person; brackets and colons of strangers are no markup of ours."""
    sys.stdout.write(printable(text) + "\n")


def print_error(sentence: str) -> None:
    """Print an error's sentence on one line."""
    sys.stderr.write(f"error: {_flat(sentence)}\n")


def print_json(value: Any) -> None:  # noqa: ANN401 (any JSON value)
    """Print one JSON value, every control character escaped: JSON itself asks this only of those below the space."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
    sys.stdout.write(HIGH_CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str = "") -> None:
    """Print rows as a table on a terminal, and as tab-separated lines in a pipe."""
    if not sys.stdout.isatty():
        lines = ["\t".join(columns), *("\t".join(_flat(cell) for cell in row) for row in rows)]
        sys.stdout.write("\n".join([_flat(title), *lines] if title else lines) + "\n")
        return
    # Text and not str: a name such as "[free] Museum :tada:" is no markup of ours.
    table = Table(title=Text(_flat(title)) if title else None, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_flat(cell)) for cell in row))
    Console(highlight=False, emoji=False).print(table)


def _flat(cell: object) -> str:
    return " ".join(printable(str("" if cell is None else cell)).split())


def size(count: int) -> str:
    """Return a number of bytes as a person reads it."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 (SI: a kB is 1,000 bytes)
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
