"""Times of day and days of the week among the tokens of a text: spans of time as HH:MM, and the days that a list or a range names."""

import re

from tripper_assets.extract.week_tokens import AM, PM, WeekTokens
from tripper_assets.extract.week_words import ALL_DAYS, MIDNIGHT, NOON

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SPAN = r"(?:[Tn](?:-|[qf]?t)[qptfl]{0,2}[Tn]|(?<=i)[Tn]a[qptl]{0,2}[Tn])"
"""From one time to another: 9-17, 10 bis 12 Uhr, dalle ore 9 alle ore 18."""
DAY = r"[fpqlLg]{0,3}[DdsSAh]\.?e?"
_TO_DAY = r"(?:(?:-|f?t)[pfl]{0,2}[DdsSh]\.?e?(?:-[DdsS]\.?){0,4})?"
DAY_LIST = rf"{DAY}{_TO_DAY}(?:-?[,a/]{{1,2}}V?{DAY}{_TO_DAY}){{0,7}}"
"""Days and ranges of days; three and more with dashes between them, lun - mer - ven, are a list."""
DATE_AFTER = re.compile(
    r"[.,(]{0,2}[pqfl]{0,3}(?:[nN]\.?[pf]{0,2}M|X|M\.?[nN](?![-t:]?[Tn]?T)|[nN]\.?(?:-|t|a|,)[pfl]{0,2}[DdsX]|[nN]\.?[-ta][nN]\.?[pf]?M)"
)
"""What makes a weekday the day of a date: Monday 4 May, Saturday 9 - Sunday 10."""
DATE_BEFORE = re.compile(r"(?:[nN]\.?[pf]{0,2}M\.?|X|M\.?[nN])[,(]?$")
_ITEM = re.compile(r"((?<!-)[DdsSA])(?:\.?e?(?:-|f?t)[pfl]{0,2}([DdsS])(?!\.?-[DdsS]))?|([DdsSA])")
_EARLY = 7 * 60


def day_bits(tokens: WeekTokens, begin: int, end: int) -> int:
    """Return the days that the tokens name, as bits; a range goes on over Sunday."""
    bits = 0
    for match in _ITEM.finditer(tokens.kinds, begin, end):
        first = tokens.values[match.start()]
        bits |= first if match[2] is None else _range(first, tokens.values[match.start(2)])
    return bits & ALL_DAYS


def _range(first: int, last: int) -> int:
    start, stop = first.bit_length() - 1, last.bit_length() - 1
    return sum(1 << (day % 7) for day in range(start, stop + 1 if stop >= start else stop + 8))


def day_names(bits: int) -> tuple[str, ...]:
    """Return the names of the days, Monday first."""
    return tuple(day for index, day in enumerate(DAYS) if bits >> index & 1)


def one_time(tokens: WeekTokens, index: int) -> str:
    """Return a time of day that stands alone as HH:MM, empty where the number is none."""
    value = _minutes(tokens, index)
    return _clock(value % MIDNIGHT) if value <= MIDNIGHT else ""


def two_times(tokens: WeekTokens, first: int, last: int) -> tuple[str, str] | None:
    """Return from when to when; None where one is no time of day. What only one says of its half of the day holds for both."""
    start, end = _minutes(tokens, first), _minutes(tokens, last)
    if max(start, end) > MIDNIGHT or start == end:
        return None
    halves = tokens.flags[first], tokens.flags[last]
    start %= MIDNIGHT
    if halves[1] in {AM, PM} and not halves[0] and start < NOON + 60:
        start = _same_half(start, end, halves[1])
    elif halves[0] in {AM, PM} and not halves[1] and end <= start:
        end += NOON if end < NOON else 0
    elif halves == (0, 0):
        start, end = _afternoon(start, end)
    return _clock(start), _clock(end)


def _minutes(tokens: WeekTokens, index: int) -> int:
    value = tokens.values[index]
    return value * 60 if tokens.kinds[index] == "n" else value


def _same_half(start: int, end: int, half: int) -> int:
    same = start % NOON + (NOON if half == PM else 0)
    return same if same < end else (same + NOON) % MIDNIGHT


def _afternoon(start: int, end: int) -> tuple[int, int]:
    """9-5 ends in the afternoon, and 2-4 is there: nothing for families begins before seven."""
    if end <= start <= NOON and start < end + NOON:
        return start, end + NOON
    if start < _EARLY and end <= NOON and start < end:
        return start + NOON, end + NOON
    return start, end


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def span_ends(tokens: WeekTokens, match: re.Match[str]) -> tuple[str, str] | None:
    """Return the two times of a match of SPAN."""
    return two_times(tokens, match.start(), match.end() - 1)


def is_stated(tokens: WeekTokens, match: re.Match[str]) -> bool:
    """Return whether a span says that it is one of time: one of its ends has a unit, minutes or a half of the day."""
    return "T" in (tokens.kinds[match.start()], tokens.kinds[match.end() - 1])
