"""The single dates in a text: stated days with or without a year, and what the calendar makes of them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from tripper_assets.extract.date_tokens import Tokens

JUST_PAST = timedelta(days=31)
"""A date without a year that passed within so many days is still that one, and not next year's."""
CENTURY = 70
TWO_DIGITS = 100


@dataclass(slots=True)
class Atom:
    """A date, or a period, at the tokens ``begin`` to ``end`` (exclusive); parts that the text leaves open are None."""

    begin: int
    end: int
    kind: str
    """day, weak (numbers that may be something else), weekday, relative, month, period."""
    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    start: date | None = None
    stop: date | None = None
    times: tuple[int, ...] = ()
    last: tuple[int | None, int | None, int] | None = None
    """Year, month and day of a range's last day, where one statement has both ends."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What dates are read against: the day that it is, and whether 1/2 is the first of February."""

    today: date
    day_first: bool


Build = Callable[[re.Match[str], Tokens, Reading], Atom | None]

_W = r"(?:(?P<W>[WV])[ .,]{0,3}(?:[pX] ){0,2})?"
_DAY = r"(?P<d>d|c(?:[ -]{1,2}c)?)(?: ?o)?"
_YEAR = r"(?:[ .,]{0,3}(?:[pi] ?){0,2}(?P<y>y))?"
_M = r"(?P<M>M)"


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern over kinds; it is tried only where one of the kinds in ``needs`` occurs, which most lines of a page spare it."""

    needs: str
    pattern: re.Pattern[str]
    build: Build


def _rule(pattern: str, build: Build) -> Rule:
    if pattern.startswith("(?P<W>W)"):
        return Rule("W", re.compile(pattern), build)
    needs = next((kind for kind in "IDM" if f"(?P<{kind}>{kind})" in pattern or pattern == kind), "d")
    return Rule(needs, re.compile(pattern), build)


def number(tokens: Tokens, begin: int, end: int) -> int:
    """Return the sum of the number words and numbers in the tokens: twenty third is 23."""
    return sum(tokens.values[index] for index in range(begin, end) if tokens.kinds[index] in "cdn")


def _value(match: re.Match[str], name: str, tokens: Tokens) -> int | None:
    group = match.groupdict().get(name)
    if group is None:
        return None
    begin, end = match.span(name)
    return tokens.values[begin] if end - begin == 1 else number(tokens, begin, end)


def _named(match: re.Match[str], tokens: Tokens, _reading: Reading) -> Atom | None:
    """A day with the month's name."""
    day, month = _value(match, "d", tokens), _value(match, "M", tokens)
    year = _full_year(match, tokens)
    if day is None or not is_day(year, month, day):
        return None
    atom = Atom(*match.span(), "day", year, month, day, _value(match, "W", tokens))
    last = _value(match, "d2", tokens)
    if last is not None:
        if last <= day and not _value(match, "M2", tokens):
            return None
        atom.last = (year, _value(match, "M2", tokens) or month, last)
    return atom


def _full_year(match: re.Match[str], tokens: Tokens) -> int | None:
    year = _value(match, "y", tokens)
    if year is not None and year < TWO_DIGITS:
        return year + (1900 if year >= CENTURY else 2000)
    return year


def _numeric(match: re.Match[str], tokens: Tokens, reading: Reading) -> Atom | None:
    """A day in numbers: the stated weekday, or else the reader's custom, says which number is the month."""
    one, two = _value(match, "a", tokens), _value(match, "b", tokens)
    year, weekday = _full_year(match, tokens), _value(match, "W", tokens)
    if one is None or two is None:
        return None
    day_first = reading.day_first or "del" in match.groupdict()
    orders = [(two, one), (one, two)] if day_first else [(one, two), (two, one)]
    valid = [(month, day) for month, day in orders if is_day(year, month, day)]
    if not valid:
        return None
    if weekday is not None and year is not None:
        valid = [pair for pair in valid if date(year, *pair).weekday() == weekday] or valid
    kind = "day" if year is not None or weekday is not None or "sure" in match.groupdict() else "weak"
    return Atom(*match.span(), kind, year, *valid[0], weekday)


def _year_first(match: re.Match[str], tokens: Tokens, _reading: Reading) -> Atom | None:
    year, month, day = (_value(match, name, tokens) for name in ("y", "a", "b"))
    if month is None or day is None or not is_day(year, month, day):
        return None
    return Atom(*match.span(), "day", year, month, day)


def _compact(match: re.Match[str], tokens: Tokens, _reading: Reading) -> Atom | None:
    value = tokens.values[match.start()]
    year, month, day = value // 10_000, value // 100 % 100, value % 100
    if not (1900 <= year <= 2100 and is_day(year, month, day)):  # noqa: PLR2004 (years that a page speaks of)
        return None
    return Atom(*match.span(), "day", year, month, day)


def _iso(match: re.Match[str], tokens: Tokens, _reading: Reading) -> Atom | None:
    value = tokens.values[match.start()]
    stamp, clock = divmod(value, 10_000)
    year, month, day = stamp // 10_000, stamp // 100 % 100, stamp % 100
    if not is_day(year, month, day) or year < 1 or clock // 100 > 23 or clock % 100 > 59:  # noqa: PLR2004 (a clock)
        return None
    return Atom(*match.span(), "day", year, month, day, times=(clock // 100 * 60 + clock % 100,))


def _day_of_week(match: re.Match[str], tokens: Tokens, reading: Reading) -> Atom | None:
    """Monday 21: the first month from this one on whose 21st is a Monday."""
    day, weekday = _value(match, "d", tokens), _value(match, "W", tokens)
    if day is None or weekday is None:
        return None
    for step in range(14):
        index = reading.today.year * 12 + reading.today.month - 1 + step
        year, month = index // 12, index % 12 + 1
        if is_day(year, month, day) and date(year, month, day).weekday() == weekday:
            return Atom(*match.span(), "weak", year, month, day, weekday)
    return None


_RANGE = r" ?[-t] ?(?:[pX] ){0,2}(?:(?:[WV])[ .,]{1,3})?"
RULES: tuple[Rule, ...] = (
    _rule("I", _iso),
    _rule(r"(?P<y>y)(?P<s>[-/.])(?P<a>d)(?P=s)(?P<b>d)(?!d)", _year_first),
    _rule(r"(?P<y>y) (?P<a>d) (?P<b>d)(?![ ]?d)", _year_first),
    _rule(rf"{_M}(?P<s>[-/])(?P<y>y)(?P=s)(?P<d>d)", _named),
    _rule(rf"(?P<y>y)(?P<s>[-/])(?:(?P<d>d)(?P=s){_M})", _named),
    _rule(rf"(?P<y>y)(?P<s>[-/]){_M}(?P=s)(?P<d>d)", _named),
    _rule(rf"(?P<d>d)(?P<s>[-/])(?P<y>y)(?P=s){_M}", _named),
    _rule(rf"(?P<d>d)(?P<s>[-/.]){_M}(?P=s)(?P<y>[ydn])", _named),
    _rule(rf"{_M}(?P<s>[-/])(?P<d>d)(?P=s)(?P<y>[ydn])", _named),
    # Ranges of days within one statement: 9 to 12 of June; November 19-20; between 3 and 12 September.
    _rule(rf"{_W}{_DAY}\.?{_RANGE}(?P<d2>d)(?: ?o)?\.?[ ,]{{0,2}}(?:p ){{0,2}}{_M}\.?{_YEAR}", _named),
    _rule(
        rf"f (?:[pX] ){{0,2}}{_DAY}\.? ?a ?(?:[pX] ){{0,2}}(?P<d2>d|c)(?: ?o)?\.?[ ,]{{0,2}}(?:p ){{0,2}}{_M}\.?{_YEAR}",
        _named,
    ),
    _rule(rf"{_W}{_M}\.? (?:p )?{_DAY}{_RANGE}(?P<d2>d)(?: ?o)?(?![d:])(?:[ ,]{{0,3}}(?P<y>y))?", _named),
    _rule(rf"{_W}{_DAY}\.? ?[ ,-]?(?:p ){{0,2}}{_M}\.?{_YEAR}", _named),
    _rule(rf"{_W}{_DAY}\.? (?:p ){{0,2}}{_M}\.?(?:[ ,]{{0,2}}(?:p )?(?P<y>[n](?![K:.])))?", _named),
    _rule(rf"{_W}{_M}[.,]{{0,2}} ?(?:p )?{_DAY}(?:[ .,]{{0,3}}(?:[pi] ){{0,2}}(?P<y>y))?", _named),
    _rule(rf"{_M}/(?P<d>d)", _named),
    _rule(rf"(?P<d>d)/{_M}", _named),
    _rule(rf"{_W}(?<![dnxy][./])(?P<a>d)(?P<s>[-/.]) ?(?P<b>d)(?P=s) ?(?P<y>[ydn])(?![./][dnxy])", _numeric),
    _rule(r"(?<![d./-])(?P<a>d) (?P<b>d) (?P<y>[ydn])(?![ ]?[dn])", _numeric),
    _rule(r"(?<![dnxy.,/-])(?P<a>d)\.(?P<b>d)(?P<sure>\.)(?![dnx])", _numeric),
    _rule(r"(?P<W>[WV])[ .,]{1,3}(?:[pX] ){0,2}(?P<a>d)[-/.](?P<b>d)(?![/-]?[dnxy])", _numeric),
    _rule(r"(?<=[XfpiR] )(?P<a>d)[/.](?P<b>d)(?![./]?[dnxy]|-[dnxy](?![/.]))", _numeric),
    _rule(r"(?<![dnxy./])(?<!n-)(?P<a>d)/(?P<b>d)(?![./]?[dnxy])", _numeric),
    _rule(r"(?<=[fta] )(?P<a>d)-(?P<b>d)(?![./-]?[dnxy])", _numeric),
    _rule(r"(?<=p )(?P<a>d) p (?P<b>d)(?P<del>)(?: p (?P<y>y))?", _numeric),
    _rule("D", _compact),
    _rule(r"(?P<W>W)[ ,]{1,2}(?:p ){0,2}(?P<d>d|c(?:[ -]{1,2}c)?)(?: ?o)?(?! ?[-tjwmYp/.:$K] ?[dK]?)", _day_of_week),
)


def is_day(year: int | None, month: int | None, day: int) -> bool:
    """Return whether there is such a day; in an unknown year, whether there ever is."""
    if month is None or not 1 <= month <= 12 or not 1 <= day <= 31:  # noqa: PLR2004 (a calendar)
        return False
    try:
        date(2000 if year is None else year, month, day)
    except ValueError:
        return False
    return True


def find_atoms(tokens: Tokens, reading: Reading) -> list[Atom]:
    """Return the stated days in text order; an earlier rule has the first word about a token."""
    taken = bytearray(len(tokens.kinds))
    atoms: list[Atom] = []
    present = set(tokens.kinds)
    for rule in RULES:
        if not present.isdisjoint(rule.needs):
            add_atoms(rule, tokens, reading, (taken, atoms))
    return sorted(atoms, key=lambda atom: atom.begin)


def add_atoms(rule: Rule, tokens: Tokens, reading: Reading, found: tuple[bytearray, list[Atom]]) -> None:
    """Add what a rule reads from tokens that no rule before it has read."""
    taken, atoms = found
    for match in rule.pattern.finditer(tokens.kinds):
        begin, end = match.span()
        if begin == end or any(taken[begin:end]):
            continue
        atom = rule.build(match, tokens, reading)
        if atom is not None:
            taken[begin:end] = b"\1" * (end - begin)
            atoms.append(atom)


def resolve(atom: Atom, today: date, *, after: date | None = None) -> date | None:
    """Return the day that a stated day means: the year in which its weekday fits, else the next such day (from ``after`` on).

    None where no year near has such a day.
    """
    if atom.start is not None:
        return atom.start
    if atom.month is None or atom.day is None:
        return None
    if atom.year is not None:
        return date(atom.year, atom.month, atom.day)
    earliest = after or today - JUST_PAST
    years = range(max(1, earliest.year - 1), min(9999, earliest.year + 9))
    days = [date(year, atom.month, atom.day) for year in years if is_day(year, atom.month, atom.day)]
    return _nearest(days, atom.weekday, earliest)


def _nearest(days: list[date], weekday: int | None, earliest: date) -> date | None:
    coming = [day for day in days if day >= earliest]
    if weekday is not None:
        fitting = [day for day in days if day.weekday() == weekday and abs((day - earliest).days) < 366 * 2]
        if fitting:
            return min(fitting, key=lambda day: abs((day - earliest).days))
    return coming[0] if coming else None
