"""What reaches a terminal or a pipe is plain text, whatever pages hold."""

import io
import json
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout

import pytest

from tripper_assets.cli.output import accept_any_text, print_error, print_json, print_table, printable, say, size

HOSTILE = "\x1b[31mred\x1b[0m \x1b]0;owned\x07\x9b2J[bold]free[/bold] :tada: \u202eevil"


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@contextmanager
def terminal() -> Generator[io.BytesIO]:
    """Take what a person would see."""
    written = io.BytesIO()
    with redirect_stdout(Terminal(written, encoding="utf-8", write_through=True)):
        yield written


def test_text_of_pages_cannot_steer_a_terminal() -> None:
    assert printable(HOSTILE) == "red 2J[bold]free[/bold] :tada: evil"
    assert printable("two\nlines\tand a tab") == "two\nlines\tand a tab"


def test_a_line_shows_brackets_and_colons_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"Found {HOSTILE}")

    assert capsys.readouterr().out == "Found red 2J[bold]free[/bold] :tada: evil\n"


def test_an_error_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(f"The page {HOSTILE}\nsays {'much ' * 60}.")

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("error: The page red 2J[bold]free[/bold] :tada: evil says much")


def test_a_table_in_a_pipe_is_lines_with_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "when"), [(HOSTILE, None), ("two\nlines\tand a tab", 3)], title="All [of] them")

    assert capsys.readouterr().out.splitlines() == [
        "All [of] them",
        "name\twhen",
        "red 2J[bold]free[/bold] :tada: evil\t",
        "two lines and a tab\t3",
    ]


def test_a_table_on_a_terminal_shows_brackets_and_colons_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")

    with terminal() as screen:
        print_table(("name", "when"), [(HOSTILE, "today")], title="All [of] them")
        seen = screen.getvalue().decode()

    assert "red 2J[bold]free[/bold] :tada: evil" in seen
    assert "All [of] them" in seen
    assert "\x1b]" not in seen
    assert "\u202e" not in seen


def test_json_is_one_value_with_every_control_character_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": HOSTILE})

    written = capsys.readouterr().out
    assert json.loads(written) == {"name": HOSTILE}
    assert "\x1b" not in written
    assert "\x9b" not in written


def test_a_terminal_without_unicode_gets_escapes_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii", write_through=True))

    accept_any_text()
    say("Ausflüge → Süden")

    assert written.getvalue() == b"Ausfl\\xfcge \\u2192 S\\xfcden\n"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (7_000_000_000_000, "7000.0 GB")],
)
def test_bytes_are_shown_as_people_read_them(count: int, shown: str) -> None:
    assert size(count) == shown
