"""Dates, ranges and times of day that a text states, in English, German, French, Spanish, Italian and Dutch."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from tripper_assets.extract.date_atoms import Atom, Reading, find_atoms, is_day, resolve
from tripper_assets.extract.date_periods import find_periods
from tripper_assets.extract.date_tokens import MAX_TEXT, NOON, Tokens, tokenize
from tripper_assets.extract.date_words import LANGUAGES

__all__ = ["MAX_TEXT", "DateSpan", "find_dates"]
CACHED_TEXT = 500
# English as it is written outside the United States puts the day first.
MONTH_FIRST = frozenset({"en", "en-us", "en-ph", ""})


@dataclass(frozen=True, slots=True)
class DateSpan:
    """A date, or a range of dates, that stands in the text from ``begin`` to ``stop``."""

    start: date | datetime
    """A datetime, without a zone, where the text states the time of day."""
    end: date | datetime | None
    """The last day or the stated end, inclusive; None where the text states none."""
    begin: int
    stop: int
    kind: str
    """day (one or more stated days), weak (numbers that may be something else), weekday, relative, month, period."""
    yearless: bool = False
    """The year was not stated but found from ``now``."""


def find_dates(text: str, *, now: datetime, language: str) -> list[DateSpan]:
    """Return what the first 20,000 characters of ``text`` state, in text order.

    ``language`` is a tag such as "de" or "en-GB"; in another language the names of months and weekdays of all six are read.
    """
    if len(text) <= CACHED_TEXT:
        return list(_cached_spans(text, now.date(), language))
    return _spans(text, now.date(), language)


@lru_cache(maxsize=8_192)
def _cached_spans(text: str, today: date, language: str) -> tuple[DateSpan, ...]:
    """A list page asks three times for most of its lines, and pages of one site share many."""
    return tuple(_spans(text, today, language))


def _spans(text: str, today: date, language: str) -> list[DateSpan]:
    tag = language.casefold().replace("_", "-")
    base = tag.partition("-")[0]
    tokens = tokenize(text, base if base in LANGUAGES else "")
    reading = Reading(today, tag not in MONTH_FIRST)
    atoms = find_atoms(tokens, reading)
    atoms = sorted([*atoms, *find_periods(tokens, reading, atoms)], key=lambda atom: atom.begin)
    _attach_times(atoms, tokens)
    return [span for pair in _pairs(atoms, tokens) if (span := _span(*pair, tokens, reading)) is not None]


_CLOCK = r"(?:(?P<h>d)(?:\.(?P<m>[dn]))? ?[-t] ?)?(?P<k>K)(?: ?[-ta] ?(?P<k2>K))?"
_TIME_AFTER = re.compile(rf"(?:[ ,!Xpitf./|-]|[?](?=[ !|])|[a] ){{0,9}}?{_CLOCK}")
_TIME_BEFORE = re.compile(rf"{_CLOCK}[ ,!Xpif.|-]{{0,5}}$")


def _attach_times(atoms: list[Atom], tokens: Tokens) -> None:
    """Give each date the time of day beside it, after it or else before it, and let its place in the text include that."""
    used = 0
    for index, atom in enumerate(atoms):
        limit = atoms[index + 1].begin if index + 1 < len(atoms) else len(tokens.kinds)
        after = _TIME_AFTER.match(tokens.kinds, atom.end, min(limit, atom.end + 14))
        before = None if after else _TIME_BEFORE.search(tokens.kinds, max(used, atom.begin - 12), atom.begin)
        found = after or before
        if found and not atom.times:
            atom.times = _clock(found, tokens)
            atom.begin = min(atom.begin, found.start("h") if found["h"] else found.start("k"))
            atom.end = max(atom.end, found.end())
        used = atom.end


def _clock(match: re.Match[str], tokens: Tokens) -> tuple[int, ...]:
    """Return start, or start and end, in minutes; the half of the day that only the end states holds for the start too."""
    first = match.start("k")
    if match["h"]:
        hour, minute = tokens.values[match.start("h")], tokens.values[match.start("m")] if match["m"] else 0
        return _same_half(hour % 24 * 60 + minute % 60, tokens.values[first]) if hour <= 24 else (tokens.values[first],)  # noqa: PLR2004 (a clock)
    if not match["k2"]:
        return (tokens.values[first],)
    second = match.start("k2")
    if second in tokens.stated and first not in tokens.stated and tokens.values[first] <= NOON + 59:
        return _same_half(tokens.values[first], tokens.values[second])
    return (tokens.values[first], tokens.values[second])


def _same_half(start: int, end: int) -> tuple[int, int]:
    shifted = start % NOON + (NOON if end >= NOON else 0)
    if shifted > end >= NOON:
        shifted = start % NOON
    return (shifted, end) if start <= NOON + 59 else (start, end)


_BETWEEN = re.compile(r"[ ,|]{0,2}[-t][ |]?(?:[pXtf] ){0,3}|[ ,]{0,2}[ap]? ?[t] (?:[pX] ?){0,2}")
_BETWEEN_AND = re.compile(r" a (?:p ){0,2}")
_FROM = re.compile(r"f (?:[pXT] ){0,2}$")


def _pairs(atoms: list[Atom], tokens: Tokens) -> list[tuple[Atom, Atom | None]]:
    """Return each date alone, or with the date that ends its range."""
    pairs: list[tuple[Atom, Atom | None]] = []
    index = 0
    while index < len(atoms):
        one, two = atoms[index], atoms[index + 1] if index + 1 < len(atoms) else None
        joined = two is not None and _are_range(one, two, tokens)
        pairs.append((one, two if joined else None))
        index += 2 if joined else 1
    return pairs


def _are_range(one: Atom, two: Atom, tokens: Tokens) -> bool:
    if one.last or two.last or (one.kind == "period" and one.stop) or two.kind == "period" or len(one.times) > 1:
        return False
    if _BETWEEN.fullmatch(tokens.kinds, one.end, two.begin):
        return True
    if not _BETWEEN_AND.fullmatch(tokens.kinds, one.end, two.begin):
        return False
    return bool(_FROM.search(tokens.kinds, max(0, one.begin - 6), one.begin))


def _span(one: Atom, two: Atom | None, tokens: Tokens, reading: Reading) -> DateSpan | None:
    yearless = one.year is None and one.start is None and (two is None or two.year is None)
    stop = tokens.ends[(two or one).end - 1]
    days = _range_days(one, two, reading) if two is not None else _own_days(one, reading)
    if days is None:
        return None
    start, end = days
    return DateSpan(
        _at(start, one.times[:1]),
        _end(start, end, one, two),
        tokens.begins[one.begin],
        stop,
        one.kind if two is None or two.kind == "day" else two.kind,
        yearless,
    )


def _own_days(one: Atom, reading: Reading) -> tuple[date, date | None] | None:
    start = resolve(one, reading.today)
    if start is None:
        return None
    if one.last is None:
        return start, one.stop
    _, month, day = one.last
    if not is_day(start.year, month, day):
        return start, None
    end = date(start.year, month or start.month, day)
    return start, end if end > start else None


def _range_days(one: Atom, two: Atom, reading: Reading) -> tuple[date, date | None] | None:
    """Return both ends; a year that only one end states holds for the other, across New Year if it must."""
    if one.kind == "month" or two.kind == "month":
        return _month_range(one, two, reading)
    if one.start is None and one.year is None and two.year is not None and one.month is not None:
        one.year = two.year - (((one.month, one.day or 0)) > (two.month or 0, two.day or 0))
        one.year = one.year if one.day and is_day(one.year, one.month, one.day) else None
    start = resolve(one, reading.today)
    if start is None:
        return None
    end = resolve(two, reading.today, after=start)
    return start, end if end is not None and end >= start else None


def _month_range(one: Atom, two: Atom, reading: Reading) -> tuple[date, date | None] | None:
    two_year = two.year
    one_year = one.year or (two_year and two_year - ((one.month or 0) > (two.month or 0)))
    first = Atom(one.begin, one.end, "day", one_year, one.month, one.day or 1, start=one.start)
    start = resolve(first, reading.today)
    if start is None:
        return None
    last = Atom(two.begin, two.end, "day", two_year, two.month, two.day or 1, start=two.start)
    end = resolve(last, reading.today, after=start)
    if end is not None and two.kind == "month" and two.day is None:
        end = _month_end(end)
    return start, end if end is not None and end >= start else None


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _at(day: date, times: tuple[int, ...]) -> date | datetime:
    return datetime.combine(day, time(times[0] // 60, times[0] % 60)) if times else day


def _end(start: date, end: date | None, one: Atom, two: Atom | None) -> date | datetime | None:
    """Return the last day; on one day the stated end of the time, past midnight on the next day."""
    if end is not None:
        return _at(end, two.times[-1:]) if two is not None else end
    if len(one.times) < 2:  # noqa: PLR2004 (a start and an end)
        return None
    begin, finish = one.times
    night = timedelta(days=1) if finish <= begin else timedelta(0)
    return _at(start + night, (finish,)) if finish != begin else None
