"""A running workflow is bars on a terminal, plain lines in a pipe, and nothing where one JSON value was asked for."""

import io
import re
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from tripper_assets.cli.launch import what_takes_long
from tripper_assets.cli.progress import StageProgress
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.settings import Settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def tell(progress: StageProgress) -> None:
    with progress:
        progress("raw_activities", "started", {})
        progress("raw_activities", "progress", {"fetched": 25})
        progress("raw_activities", "completed", {"rows": 75, "fetched": 77, "pages_found": 80})
        progress("embeddings_map", "started", {})
        progress("embeddings_map", "skipped", {})
        progress("final_jsonl", "failed", {"rows": 3})


def test_a_pipe_gets_one_line_for_each_stage_that_ended(capsys: pytest.CaptureFixture[str]) -> None:
    tell(StageProgress())

    said = capsys.readouterr()
    assert said.out == ""
    assert [re.sub(r"[0-9.]+ s", "N s", line) for line in said.err.splitlines()] == [
        "raw_activities: completed in N s (75 rows, 77 fetched)",
        "embeddings_map: skipped in N s",
        "final_jsonl: failed in N s (3 rows)",
    ]


def test_what_is_counted_by_reason_is_told_as_a_sum(capsys: pytest.CaptureFixture[str]) -> None:
    StageProgress()("raw_activities", "completed", {"rows": 7, "unchanged": {"sitemap": 50, "resumed": 2}})
    StageProgress()("raw_activities", "completed", {"rows": 7, "unchanged": {}})

    assert [line.partition("(")[2] for line in capsys.readouterr().err.splitlines()] == [
        "7 rows, 52 unchanged)",
        "7 rows, 0 unchanged)",
    ]


def fail_twice(progress: StageProgress) -> None:
    with progress:
        for attempt in range(3):
            progress("raw_activities", "started", {})
            if attempt < 2:
                progress("raw_activities", "error", {"message": "The site is down."})
                progress("raw_activities", "failed", {})
        progress("raw_activities", "completed", {"rows": 75})


def test_a_stage_that_is_tried_again_says_why_once(capsys: pytest.CaptureFixture[str]) -> None:
    fail_twice(StageProgress())

    assert [re.sub(r"[0-9.]+ s", "N s", line) for line in capsys.readouterr().err.splitlines()] == [
        "raw_activities: failed in N s",
        "raw_activities: tried again, for The site is down.",
        "raw_activities: failed in N s",
        "raw_activities: tried again",
        "raw_activities: completed in N s (75 rows)",
    ]


def test_a_terminal_says_it_too_above_its_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")

    with redirect_stderr(Terminal()) as screen:
        fail_twice(StageProgress())

    assert screen.getvalue().count("tried again, for The site is down.") == 1


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    tell(StageProgress(quiet=True))
    fail_twice(StageProgress(quiet=True))

    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_bars_on_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")

    with redirect_stderr(Terminal()) as screen:
        tell(StageProgress())

    assert capsys.readouterr().out == ""
    assert "75 rows, 77 fetched" in screen.getvalue()
    assert "[green]" not in screen.getvalue()
    assert all(asset in screen.getvalue() for asset in ("raw_activities", "embeddings_map", "final_jsonl"))


def test_what_takes_long_once_is_said_before_it_does_and_not_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(home=tmp_path)
    before = what_takes_long(settings)
    OfflineGeocoder(tmp_path).index.touch()

    StageProgress().note(before)
    StageProgress(quiet=True).note(before)
    StageProgress().note(what_takes_long(settings))

    assert capsys.readouterr().err == f"{before}\n"
    assert before.startswith("The gazetteer of towns is built once")
    assert what_takes_long(Settings(home=tmp_path / "other", geocoder="photon")) == ""
