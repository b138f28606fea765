"""Reads the tables of phrases: one file a grammar and language, a phrase and its reading in a line, ␣ for a space that does not break."""

from datetime import datetime
from pathlib import Path

from tripper_assets.domain.activities import OpeningHours, Schedule
from tripper_assets.extract.ages import find_ages
from tripper_assets.extract.hours import hours_in
from tripper_assets.extract.prices import find_prices, is_free
from tripper_assets.extract.recurrences import find_recurrences
from tripper_assets.extract.week_times import DAYS

FOLDER = Path(__file__).parent / "phrases"
LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
NOW = datetime(2026, 3, 15, 9, 0)  # noqa: DTZ001 (wall time)
NOTHING = "-"


def phrases(grammar: str, folder: Path = FOLDER) -> list[tuple[str, str, str]]:
    """Language, phrase and its expected reading, for every line of the six tables of a grammar."""
    rows = []
    for language in LANGUAGES:
        for line in (folder / f"{grammar}.{language}.txt").read_text(encoding="utf-8").splitlines():
            phrase, mark, reading = line.replace("␣", "\u00a0").rpartition(" => ")
            assert mark, line
            rows.append((language, phrase, reading.strip()))
    return rows


def days_said(days: tuple[str, ...]) -> str:
    """Mo-Fr for a run of three days or more, else Sa,Su."""
    indexes = sorted(DAYS.index(day) for day in days)
    runs: list[list[int]] = []
    for index in indexes:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    names = [day[:2] for day in DAYS]
    return ",".join(
        f"{names[run[0]]}-{names[run[-1]]}" if len(run) > 2 else ",".join(names[index] for index in run) for run in runs
    )


def hours_said(text: str, _language: str) -> str:
    found = sorted(hours_in(text), key=lambda one: (DAYS.index(one.dayOfWeek[0]), one.opens))
    return "; ".join(map(_one_said, found)) or NOTHING


def _one_said(one: OpeningHours) -> str:
    season = f" [{one.validFrom}..{one.validThrough}]" if one.validFrom or one.validThrough else ""
    return f"{days_said(one.dayOfWeek)} {one.opens}-{one.closes}{season}"


def recurrences_said(text: str, language: str) -> str:
    found = find_recurrences(text, now=NOW, language=language)
    return "; ".join(_rule_said(one.schedule) for one in found) or NOTHING


def _rule_said(one: Schedule) -> str:
    limits = f"{one.startDate}..{one.endDate}" if one.startDate or one.endDate else ""
    parts = [
        "" if one.repeatFrequency == "P1W" else one.repeatFrequency,
        "day " + ",".join(map(str, one.byMonthDay)) if one.byMonthDay else "",
        ",".join(map(str, one.byMonthWeek)),
        "" if one.repeatFrequency == "P1D" else days_said(one.byDay),
        f"{one.startTime}-{one.endTime}" if one.endTime else one.startTime,
        limits,
        *(f"!{day}" for day in one.exceptDate),
    ]
    return " ".join(part for part in parts if part)


def ages_said(text: str, _language: str) -> str:
    return "; ".join(f"{_number(one.minimum)}-{_number(one.maximum)}" for one in find_ages(text)) or NOTHING


def _number(years: float | None) -> str:
    return "" if years is None else f"{years:g}"


def prices_said(text: str, _language: str) -> str:
    found = "; ".join(" ".join(filter(None, (one.price, one.currency, one.name))) for one in find_prices(text))
    return " ".join(filter(None, ("free" if is_free(text) else "", found))) or NOTHING


SAID = {"hours": hours_said, "recurrences": recurrences_said, "ages": ages_said, "prices": prices_said}


def said(grammar: str, text: str, language: str) -> str:
    """What the grammar reads in a text, written as in the tables."""
    return SAID[grammar](text, language)
