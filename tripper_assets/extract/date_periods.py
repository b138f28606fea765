"""Dates and periods that a text states against today: tomorrow, next Friday, in two weeks, this month, week 31, May 2024."""

import re
from calendar import monthrange
from datetime import date, timedelta

from tripper_assets.extract.date_atoms import Atom, Build, Reading, Rule, add_atoms, number, resolve
from tripper_assets.extract.date_tokens import Tokens

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
_COUNT = r"(?P<c>d|n|c(?:[ -]{1,2}c)?)"
_OF = r"(?:[ -](?:p|i|X) ?(?:p )?| )"
_SHIFT = {"N": 1, "L": -1, "P": -1, "T": 0, "p": 0, "X": 0}


def monday(day: date) -> date:
    """Return the Monday of the day's week."""
    return day - timedelta(days=day.weekday())


def shifted(day: date, unit: str, count: int) -> date:
    """Return the day ``count`` units j (days), w, m, Q or Y later; the month's last day where there is no such day."""
    if unit in "jwe":
        return day + timedelta(days=count * (1 if unit == "j" else 7))
    months = day.year * 12 + day.month - 1 + count * {"m": 1, "Q": 3, "Y": 12}[unit]
    year, month = months // 12, months % 12 + 1
    if not 1 <= year <= 9998:  # noqa: PLR2004 (what a date can hold)
        return day
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def period(day: date, unit: str) -> tuple[date, date]:
    """Return the first and the last day of the unit that holds the day."""
    if unit == "j":
        return day, day
    if unit == "w":
        return monday(day), monday(day) + WEEK - DAY
    if unit == "e":
        return monday(day) + 5 * DAY, monday(day) + 6 * DAY
    first = day.replace(day=1)
    if unit == "Q":
        first = first.replace(month=(day.month - 1) // 3 * 3 + 1)
    if unit == "Y":
        first = first.replace(month=1)
    return first, shifted(first, unit, 1) - DAY


def _atom(match: re.Match[str], start: date, stop: date | None = None, kind: str = "relative") -> Atom:
    return Atom(*match.span(), kind if stop is None else "period", start=start, stop=stop)


def _relative_day(match: re.Match[str], tokens: Tokens, reading: Reading) -> Atom:
    return _atom(match, reading.today + timedelta(days=tokens.values[match.start("R")]))


def _weekday(match: re.Match[str], tokens: Tokens, reading: Reading) -> Atom:
    """A weekday of this, the next or the last week; alone it is the next such day, today included."""
    weekday, which = tokens.values[match.start("W")], match.groupdict().get("x")
    today = reading.today
    start = monday(today) + timedelta(days=weekday)
    if which == "P":
        start -= WEEK if start >= today else timedelta(0)
    elif which in {"N", "L"}:
        start += _SHIFT[which] * WEEK
    elif which != "T":
        start += WEEK if start < today else timedelta(0)
    return _atom(match, start, kind="weekday" if which is None else "relative")


def _counted(match: re.Match[str], tokens: Tokens, reading: Reading) -> Atom | None:
    """In two weeks, two days ago, four days from yesterday."""
    count = number(tokens, *match.span("c"))
    groups = match.groupdict()
    base = reading.today
    if groups.get("R"):
        base += timedelta(days=tokens.values[match.start("R")])
    sign = -1 if groups.get("g") or groups.get("H") else 1
    return _atom(match, shifted(base, match["u"], sign * count))


def _day_beside(match: re.Match[str], _tokens: Tokens, reading: Reading) -> Atom:
    return _atom(match, reading.today + (DAY if match["G"] == "G" else -DAY))


def _unit(match: re.Match[str], _tokens: Tokens, reading: Reading) -> Atom:
    which, unit = match["x"], match["u"]
    if unit == "j":
        return _atom(match, reading.today)
    return _atom(match, *period(shifted(reading.today, unit, _SHIFT[which]), unit))


def _counted_period(match: re.Match[str], tokens: Tokens, reading: Reading) -> Atom | None:
    """The next two days begin tomorrow; the last three months and two days end today."""
    sign = _SHIFT[match["x"]]
    edge = reading.today
    for part in re.finditer(rf"{_COUNT} (?P<u>[jwmY])", match[0]):
        count = number(tokens, match.start() + part.start("c"), match.start() + part.end("c"))
        edge = shifted(edge, part["u"], sign * count)
    if edge == reading.today:
        return None
    return _atom(match, reading.today + DAY, edge) if sign > 0 else _atom(match, edge, reading.today)


def _part(match: re.Match[str], _tokens: Tokens, reading: Reading) -> Atom:
    """The early or the late half of this (or the last) week, month or year; what is left of it."""
    groups, unit, today = match.groupdict(), match["u"], reading.today
    first, last = period(shifted(today, unit, _SHIFT[groups.get("x") or "T"]), unit)
    half = {"w": first + 3 * DAY, "m": first + 15 * DAY, "Y": first.replace(month=7), "Q": first + 45 * DAY, "e": last}[
        unit
    ]
    if match["part"] == "r":
        return _atom(match, today, last)
    return _atom(match, first, half) if match["part"] in "Eb" else _atom(match, half, last)


def _abbreviated_end(match: re.Match[str], _tokens: Tokens, reading: Reading) -> Atom:
    first, last = period(reading.today, "Y" if match[0] == "Z" else "m")
    return _atom(match, first.replace(month=7) if match[0] == "Z" else first + 15 * DAY, last)


def _week_of(match: re.Match[str], tokens: Tokens, reading: Reading) -> Atom | None:
    """The first or last week of a month or year: an ISO week belongs to the month and year of its Thursday."""
    groups, today = match.groupdict(), reading.today
    year = tokens.values[match.start("y")] if groups.get("y") else None
    if groups.get("M"):
        month = tokens.values[match.start("M")]
        day = resolve(Atom(0, 0, "day", year, month, 1), today)
        first, last = period(day, "m") if day else (today, today)
    elif groups.get("m"):
        first, last = period(shifted(today, match["m"], _SHIFT[match["x"]]), match["m"])
    else:
        first, last = date(year or today.year, 1, 1), date(year or today.year, 12, 31)
    if match["n"] == "L":
        start = monday(last - 3 * DAY)
    else:
        start = monday(first + 3 * DAY) + (tokens.values[match.start("n")] - 1) * WEEK
    return _atom(match, start, start + WEEK - DAY)


def _week_number(match: re.Match[str], tokens: Tokens, reading: Reading) -> Atom | None:
    try:
        start = date.fromisocalendar(reading.today.year, tokens.values[match.start("c")], 1)
    except ValueError:
        return None
    return _atom(match, start, start + WEEK - DAY)


def _quarter(match: re.Match[str], tokens: Tokens, reading: Reading) -> Atom | None:
    index = tokens.values[match.start("c")]
    year = tokens.values[match.start("y")] if match.groupdict().get("y") else reading.today.year
    return _atom(match, *period(date(year, index * 3, 1), "Q")) if 1 <= index <= 4 else None  # noqa: PLR2004 (quarters)


def _month(match: re.Match[str], tokens: Tokens, reading: Reading) -> Atom | None:
    groups = match.groupdict()
    month = tokens.values[match.start("M")]
    year = tokens.values[match.start("y")] if groups.get("y") else None
    if not 1 <= month <= 12:  # noqa: PLR2004 (months)
        return None
    if year is None and groups.get("x") == "T":
        year = reading.today.year
    if year is None and groups.get("x") == "N":
        year = reading.today.year + (month <= reading.today.month or reading.today.month - month < 0)
    day = resolve(Atom(0, 0, "day", year, month, 1), reading.today)
    if day is None:
        return None
    first, last = period(day, "m")
    return Atom(*match.span(), "month", year, month, None, stop=last, start=None if year is None else first)


def _year(match: re.Match[str], tokens: Tokens, _reading: Reading) -> Atom:
    return _atom(match, *period(date(tokens.values[match.start("y")], 1, 1), "Y"))


def _days_of_month(match: re.Match[str], tokens: Tokens, reading: Reading) -> Atom | None:
    """The 20th of next month; from the 4th to the 23rd of next month."""
    first, last = period(shifted(reading.today, "m", _SHIFT[match["x"]]), "m")
    one = tokens.values[match.start("d")]
    two = tokens.values[match.start("d2")] if match.groupdict().get("d2") else None
    if max(one, two or 0) > last.day:
        return None
    return _atom(match, first.replace(day=one), first.replace(day=two) if two else None)


def _year_to_now(match: re.Match[str], _tokens: Tokens, reading: Reading) -> Atom:
    return _atom(match, reading.today.replace(month=1, day=1), reading.today)


def _now(match: re.Match[str], _tokens: Tokens, reading: Reading) -> Atom:
    return _atom(match, reading.today)


def _bare_month(match: re.Match[str], tokens: Tokens, _reading: Reading) -> Atom:
    return Atom(*match.span(), "month", None, tokens.values[match.start()], None)


RULES: tuple[tuple[str, str, Build], ...] = (
    ("m", r"(?P<x>[NLT]) m (?:[fXp] ){1,3}(?P<d>d)\.? ?[-ta] ?(?:[pXt] ){0,3}(?P<d2>d)\.?", _days_of_month),
    ("m", r"(?:f )?(?P<d>d) ?[-ta] ?(?:p )?(?P<d2>d) (?:[pi] ){0,2}(?P<x>[NLT]) m", _days_of_month),
    ("m", r"(?P<d>d)(?: ?o)? (?:p ){1,2}(?P<x>[NLT]) m", _days_of_month),
    ("w", r"(?P<n>[cL]) w" + _OF + r"(?:p )?(?P<M>M)(?: (?:p )?(?P<y>y))?", _week_of),
    ("w", r"(?P<n>[cL]) w" + _OF + r"(?:p )?(?P<y>y)", _week_of),
    ("w", r"(?P<n>[cL]) w" + _OF + r"(?P<x>[NLT]) (?P<m>[mY])", _week_of),
    ("W", r"(?P<x>[NLT]) w(?: - | )(?P<W>W)", _weekday),
    ("W", r"(?P<W>W) (?:p )?(?P<x>[NLT]) w", _weekday),
    ("W", r"(?:T )?(?P<x>[NLTP]) (?P<W>W)", _weekday),
    ("W", r"(?P<W>W) (?P<x>[NL])", _weekday),
    ("Y", r"Y t (?:X )?[uv]", _year_to_now),
    ("R", rf"{_COUNT} (?P<u>[jwmY]) (?:\? )?(?:G|f) (?P<R>R)", _counted),
    ("i", rf"i {_COUNT} (?P<u>[jwmY])", _counted),
    ("H", rf"(?P<H>H) {_COUNT} (?P<u>[jwmY])(?! [GH])", _counted),
    ("g", rf"{_COUNT} (?P<u>[jwmY]) (?P<g>g)", _counted),
    ("g", rf"(?P<g>g) {_COUNT} (?P<u>[jwmY])", _counted),
    ("l", rf"{_COUNT} (?P<u>[jwmY]) l", _counted),
    ("j", r"p j (?P<G>[GH])", _day_beside),
    ("NLP", rf"(?P<x>[NLP]) {_COUNT} [jwmY](?:,? (?:a )?(?:c|d) [jwmY]){{0,3}}", _counted_period),
    ("lE", r"(?P<part>[lE])(?: i p| i| p)? (?:p )?(?:(?P<x>[TNLp]) )?(?P<u>[wmYQ])", _part),
    ("lE", r"(?P<x>T) (?P<u>[wmYQ]) (?P<part>[lE])", _part),
    ("Bbr", r"(?P<part>[Bbr]) (?:p ){0,2}(?:(?P<x>[TNL]) )?(?P<u>[wmYQ])", _part),
    ("Zz", r"[Zz]", _abbreviated_end),
    ("Q", r"Q ?-?(?P<c>d)(?:[ -](?P<y>y))?", _quarter),
    ("Q", r"(?P<y>y)[ -]Q(?P<c>d)", _quarter),
    ("NLT", r"(?P<x>[NLT]) (?P<u>[wmYQej])", _unit),
    ("NL", r"(?P<u>[wmYQ]) (?P<x>[NL])", _unit),
    ("w", r"w (?P<c>d|n)(?![d:./-])", _week_number),
    ("M", r"(?P<M>M)[ ,./-]{1,2}(?:p )?(?P<y>y)", _month),
    ("M", r"(?P<y>y)[ -](?P<M>M)", _month),
    ("y", r"(?P<y>y)-(?P<M>d)(?![-/d])", _month),
    ("M", r"(?P<x>[TN]) (?P<M>M)", _month),
    ("wmYQej", r"(?P<x>[pX]) (?P<u>[wmYQej])(?! [kc])", _unit),
    ("u", r"u", _now),
    ("R", r"(?P<R>R)", _relative_day),
    ("W", r"(?P<W>W)", _weekday),
    ("M", r"(?<=[ifXpG] )(?P<M>M)(?! d)", _month),
    ("M", r"(?P<M>M)(?= ?[-t] ?(?:p )?M)", _month),
    ("M", r"(?<=M-)(?P<M>M)|(?<=M [-t] )(?P<M2>M)", _bare_month),
    ("y", r"(?<=[ip] )(?P<y>y)(?![-/.])", _year),
)


_COMPILED = tuple(Rule(needs, re.compile(pattern), build) for needs, pattern, build in RULES)
_WEEK_BEFORE = re.compile(r"(?:p )?w (?:k |(?:p ){1,2})?$")


def find_periods(tokens: Tokens, reading: Reading, days: list[Atom]) -> list[Atom]:
    """Return what stands beside the stated days, and widen a day that is named only to name its week."""
    taken = bytearray(len(tokens.kinds))
    for atom in days:
        _widen_to_week(atom, tokens, reading)
        taken[atom.begin : atom.end] = b"\1" * (atom.end - atom.begin)
    found: list[Atom] = []
    present = set(tokens.kinds)
    for rule in _COMPILED:
        if not present.isdisjoint(rule.needs):
            add_atoms(rule, tokens, reading, (taken, found))
    return found


def _widen_to_week(atom: Atom, tokens: Tokens, reading: Reading) -> None:
    before = _WEEK_BEFORE.search(tokens.kinds, max(0, atom.begin - 8), atom.begin)
    day = resolve(atom, reading.today) if before else None
    if before and day is not None:
        atom.begin = before.start()
        atom.kind, atom.start, atom.stop = "period", monday(day), monday(day) + WEEK - DAY
