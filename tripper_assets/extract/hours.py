"""Opening hours: schema.org specifications and the texts of pages, from "Mo-Fr 09:00-17:00" to "täglich außer montags 10-18 Uhr"."""

import re
from dataclasses import dataclass
from typing import Any

from tripper_assets.domain.activities import OpeningHours
from tripper_assets.extract.clock import parse_iso
from tripper_assets.extract.jsonld import short
from tripper_assets.extract.places import items, text_of
from tripper_assets.extract.week_times import (
    DATE_AFTER,
    DATE_BEFORE,
    DAY_LIST,
    DAYS,
    SPAN,
    day_bits,
    day_names,
    one_time,
    span_ends,
)
from tripper_assets.extract.week_tokens import WeekTokens, week_tokens

__all__ = ["DAYS", "HoursSpan", "clock_text", "days_in", "find_hours", "hours_in", "opening_hours"]
MAX_TEXT = 2_000
_CODES = {day[:2].casefold(): 1 << index for index, day in enumerate(DAYS)}
_FILL = r"(?:[,:]?oW)?[:,pqftio(.L]{0,5}"
_SPAN = rf"(?:{SPAN}|T/T(?![-t/]))"
_ONE_SPAN = re.compile(_SPAN)
_SPANS = rf"{_SPAN}(?:[,a/;]{{1,2}}[pqfti]{{0,3}}{_SPAN}){{0,3}}"
_EXCEPT = rf"[,.;(:]{{0,2}}(?:(?:x|p?r)[pqfl]{{0,3}}(?P<less>{DAY_LIST})\)?)"
_STATEMENT = re.compile(
    rf"(?P<season>[fp]{{0,2}}(?:[nN]\.?[pf]?)?M\.?(?P<year1>n)?(?:-|f?t)[pf]{{0,2}}(?:[nN]\.?[pf]?)?M\.?(?P<year2>n)?)(?![-t])"
    rf"|(?P<off>c[:pqflLW]{{0,3}}{DAY_LIST}(?![:,.]?{_FILL}{SPAN})|{DAY_LIST}[:,p(]{{0,2}}W?c(?![:pqfl]{{0,2}}[DdsS]))"
    rf"|(?P<pause>[bc][W:pqf]{{0,3}}(?P<gap>{SPAN}))"
    rf"|(?P<days>V?[pq]?{DAY_LIST})(?:{_EXCEPT})?{_FILL}(?P<spans>{_SPANS})(?P<late>[,.;(:]{{0,2}}(?:[xr][pqfl]{{0,3}}(?P<less2>{DAY_LIST})\)?))?"
    rf"|(?P<first>{_SPANS})[,(.:]?V?(?P<then>{DAY_LIST})(?!{_FILL}{SPAN})"
    rf"|(?P<until>{DAY_LIST})[W:,]{{0,2}}t[qp]{{0,2}}(?P<close>[Tn])(?![-t])"
)  # fmt: skip
_ALL_DAY = re.compile(
    r"\b24\s?(?:h(?:ours?|eures?|oras?|rs)?|stunden|ore|uur)?\s?/\s?(?:24|7)\b|\bh\s?24\b|\b24 hours a day|rund um die uhr"
    r"|\b(?:open|abierto|abierta|aperto|aperta|ouvert|geöffnet|geopend)\s(?:las\s)?24[- ](?:hours|stunden|horas|ore|uur|heures)\b"
    r"|\b24[- ](?:stunden|uur|ore)\s(?:am tag|täglich|per dag|su 24)?\s?(?:geöffnet|geopend|open)?",
    re.IGNORECASE,
)
_OPEN = re.compile(r"open|abiert|apert|ouvert|geöffnet|geopend|/\s?(?:24|7)|h\s?24|rund|a day|su 24", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HoursSpan:
    """The opening hours that a text states from ``begin`` to ``stop``, one for each set of days and each span of time."""

    hours: tuple[OpeningHours, ...]
    begin: int
    stop: int


def opening_hours(node: dict[str, Any]) -> tuple[OpeningHours, ...]:
    """Return the hours of a node's openingHoursSpecification and openingHours."""
    found = [
        hours
        for item in items(node.get("openingHoursSpecification"))
        if isinstance(item, dict) and (hours := _specified(item))
    ]
    for item in items(node.get("openingHours")):
        if isinstance(item, str):
            found += hours_in(item)
    return tuple(dict.fromkeys(found))


def _specified(node: dict[str, Any]) -> OpeningHours | None:
    days = tuple(
        dict.fromkeys(
            day for item in items(node.get("dayOfWeek")) if isinstance(item, str) for day in days_in(short(item))
        )
    )
    opens, closes = clock_text(text_of(node.get("opens"))), clock_text(text_of(node.get("closes")))
    valid = [_day(text_of(node.get(name))) for name in ("validFrom", "validThrough")]
    if not opens and not closes:
        return None
    return OpeningHours(dayOfWeek=days, opens=opens, closes=closes, validFrom=valid[0], validThrough=valid[1])


def _day(text: str) -> str:
    value = parse_iso(text)
    return value.isoformat()[:10] if value else ""


def clock_text(text: str) -> str:
    """Return a time of day as HH:MM, empty where the text is none; 24:00 stays, and seconds and zones go."""
    match = re.match(r"\s{0,5}T?(\d{1,2})[:.](\d{2})(?::\d{2})?(?:\s?([AaPp])\.?[Mm])?", text)
    if match is None:
        bare = re.fullmatch(
            r"\s{0,5}(\d{1,2})(?:\s?([AaPp])\.?[Mm]\.?|\s?h|\s?uhr|\s?uur)?\s{0,5}", text, re.IGNORECASE
        )
        match_hour, minute, half = (int(bare[1]), 0, (bare[2] or "").lower()) if bare else (99, 0, "")
    else:
        match_hour, minute, half = int(match[1]), int(match[2]), (match[3] or "").lower()
    if half:
        match_hour = match_hour % 12 + (12 if half == "p" else 0)
    if match_hour > 24 or minute > 59 or (match_hour == 24 and minute):  # noqa: PLR2004 (a clock)
        return ""
    return f"{match_hour:02d}:{minute:02d}"


def days_in(text: str) -> list[str]:
    """Return the days that a text such as Mo-Fr, "Samstag und Sonntag" or daily names, Monday first."""
    folded = text[:200].strip().casefold()
    if folded[:2] in _CODES and len(folded) == 2:  # noqa: PLR2004 (a code of schema.org)
        return list(day_names(_CODES[folded]))
    tokens = week_tokens(text[:200])
    return list(day_names(day_bits(tokens, 0, len(tokens.kinds))))


def hours_in(text: str) -> list[OpeningHours]:
    """Return the hours that the first 2,000 characters state, one for each set of days and each span of time.

    A day that is closed has none, and hours without days are none; "open 24 hours" is every day from 00:00 to 24:00. A season without a year is
    --MM-DD in validFrom and validThrough, as XML Schema writes a day of every year.
    """
    found = find_hours(text)
    return list(found.hours) if found else []


def find_hours(text: str) -> HoursSpan | None:
    """Return the hours with their place in the text, from the first day or time to the last; None where it states none."""
    text = text[:MAX_TEXT]
    if not any(char.isdecimal() for char in text) and _ALL_DAY.search(text) is None:
        return None
    tokens = week_tokens(text)
    week = _Week(tokens)
    for match in _STATEMENT.finditer(tokens.kinds):
        week.read(match)
    found = week.hours()
    if found:
        return HoursSpan(tuple(found), tokens.begins[week.begin], tokens.ends[week.end - 1])
    always = _ALL_DAY.search(text)
    if always is None or not _OPEN.search(text):
        return None
    return HoursSpan((OpeningHours(dayOfWeek=DAYS, opens="00:00", closes="24:00"),), *always.span())


@dataclass(slots=True)
class _Row:
    days: int
    opens: str
    closes: str
    season: tuple[str, str]


class _Week:
    """The hours of one text, statement by statement: what is said later of a day holds against what was said of a range with it."""

    def __init__(self, tokens: WeekTokens) -> None:
        self.tokens = tokens
        self.rows: list[_Row] = []
        self.until: list[tuple[int, str]] = []
        self.off = 0
        self.season = ("", "")
        self.group = 0
        self.begin, self.end = len(tokens.kinds), 0

    def read(self, match: re.Match[str]) -> None:
        """Take one statement in, unless its days are those of a date."""
        if match["season"]:
            self.season = self._season(match)
        elif match["pause"]:
            self._pause(match)
        elif not self._is_dated(match):
            self._take(match)

    def _is_dated(self, match: re.Match[str]) -> bool:
        kinds = self.tokens.kinds
        end = match.end("days") if match["days"] else match.end()
        before = kinds[max(0, match.start() - 5) : match.start()]
        return bool(DATE_AFTER.match(kinds, end) or (DATE_BEFORE.search(before) and not self.season[0]))

    def _take(self, match: re.Match[str]) -> None:
        tokens = self.tokens
        self.begin, self.end = min(self.begin, match.start()), max(self.end, match.end())
        if match["off"]:
            self.off |= day_bits(tokens, *match.span("off"))
        elif match["until"]:
            closes = one_time(tokens, match.start("close"))
            self.until += [(day_bits(tokens, *match.span("until")), closes)] if closes else []
        else:
            name, spans = ("days", "spans") if match["days"] else ("then", "first")
            less = [day_bits(tokens, *match.span(group)) for group in ("less", "less2") if match[group]]
            self._open(day_bits(tokens, *match.span(name)) & ~sum(less), *match.span(spans))

    def _open(self, days: int, begin: int, end: int) -> None:
        spans = [span_ends(self.tokens, span) for span in _ONE_SPAN.finditer(self.tokens.kinds, begin, end)]
        rows = [_Row(days, *times, self.season) for times in spans if times is not None and days]
        for row in rows:
            self._outweigh(row)
        self.group = len(self.rows)
        self.rows += rows

    def _outweigh(self, row: _Row) -> None:
        """Take the days of a later statement out of a wider one that it contradicts; more hours of the same day stand beside it."""
        for other in self.rows:
            wider = other.days & row.days == row.days != other.days
            overlap = row.opens < other.closes and other.opens < row.closes
            if wider and overlap and other.season == row.season:
                other.days &= ~row.days

    def _pause(self, match: re.Match[str]) -> None:
        """Split the hours just stated at the break."""
        gap = _ONE_SPAN.match(self.tokens.kinds, match.start("gap"))
        times = span_ends(self.tokens, gap) if gap else None
        for row in self.rows[self.group :] if times else []:
            if times and row.opens < times[0] < times[1] < row.closes:
                self.rows.append(_Row(row.days, times[1], row.closes, row.season))
                row.closes = times[0]
                self.end = max(self.end, match.end())

    def _season(self, match: re.Match[str]) -> tuple[str, str]:
        """Return the first and the last day: a day that is not named is the first or the last of its month."""
        tokens = self.tokens
        months = [index for index in range(*match.span("season")) if tokens.kinds[index] == "M"]
        ends: list[str] = []
        for index, (lowest, year) in zip(months, ((1, "year1"), (0, "year2")), strict=True):
            month = tokens.values[index]
            before = [at for at in range(max(match.start(), index - 3), index) if tokens.kinds[at] in "nN"]
            day = tokens.values[before[-1]] if before else lowest or _LAST_DAYS[month - 1]
            stated = tokens.values[match.start(year)] if match[year] else 0
            ends.append(f"{stated}-{month:02d}-{day:02d}" if 1900 < stated < 2200 else f"--{month:02d}-{day:02d}")  # noqa: PLR2004 (a year)
        return ends[0], ends[1]

    def hours(self) -> list[OpeningHours]:
        """Return what holds when all is read: days that are closed are out, and a later closing has its day's opening."""
        for days, closes in self.until:
            for row in [row for row in self.rows if row.days & days and row.closes < closes]:
                self.rows.append(_Row(row.days & days, row.opens, closes, row.season))
                row.days &= ~days
        kept = [row for row in self.rows if row.days & ~self.off]
        return [
            OpeningHours(
                dayOfWeek=day_names(row.days & ~self.off),
                opens=row.opens,
                closes=row.closes,
                validFrom=row.season[0],
                validThrough=row.season[1],
            )
            for row in kept
        ]


_LAST_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
