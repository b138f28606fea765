"""A text as tokens with one-letter kinds, so that the grammar of dates is a set of small patterns over kinds, whatever the language."""

import re
from dataclasses import dataclass, field

from tripper_assets.extract.date_words import SHORT_DAYS, Word, plain, vocabulary

MAX_TEXT = 20_000
"""Characters of one text that are read; a page is read block by block, and no block that states a date is longer."""
MAX_DAY = 31
FIRST_YEAR, LAST_YEAR = 1900, 2100
NOON = 12 * 60

_NUMBER_TIME = r"\d{1,2}[:.]\d{2}(?::\d{2})?"
_TWELVE = rf"(?:{_NUMBER_TIME}|\d{{1,2}})\s{{0,2}}[ap](?:\.\s?m\b\.?|m\b)"
_TWENTY_FOUR = (
    r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?(?:uhr|uur|hrs?|h)\b)?|\d{1,2}(?:\.\d{2})?\s?(?:uhr|uur)\b|\d{1,2}\s?h\s?(?:\d{2})?\b"
    r"|\d{1,2}\.\d{2}\s?h\b|(?:(?<=\bore )|(?<=\balle )|(?<=\ba las ))\d{1,2}(?:\.\d{2})?\b"
)
_TIME = rf"(?<![\d.,/:$€£+])(?:{_TWELVE}|{_TWENTY_FOUR}|(?:12\s)?(?:noon|midnight|midday)\b|mittags\b|midi\b)(?![\d/])"
# German's "am" is a preposition: "um 9 am Montag".
_TIME_GERMAN = rf"(?<![\d.,/:$€£+])(?:{_TWENTY_FOUR})(?![\d/])"
_ISO = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?"
_REST = r"\d+|[^\W\d_]+|\s+|[^\w\s]|_"
_TOKENS = {time: re.compile(rf"({_ISO})|({time})|({_REST})", re.IGNORECASE) for time in (_TIME, _TIME_GERMAN)}
_SIGNS = {
    **dict.fromkeys("-–—‒−‐‑", "-"),
    "/": "/",
    ".": ".",
    ",": ",",
    "&": "a",
    "+": "a",
    "@": "X",
    "º": "o",
    "ª": "o",
}


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text's tokens: ``kinds`` has one letter for each, the lists run beside it."""

    kinds: str
    values: list[int]
    begins: list[int]
    ends: list[int]
    stated: set[int] = field(default_factory=set)
    """The tokens of kind K whose half of the day is stated."""


def tokenize(text: str, language: str) -> Tokens:
    """Return the tokens of the first 20,000 characters."""
    words, kinds, values, begins, ends = vocabulary(language), [], [], [], []
    stated: set[int] = set()
    pattern = _TOKENS[_TIME_GERMAN if language == "de" else _TIME]
    for match in pattern.finditer(text[:MAX_TEXT]):
        token, group = match[0], match.lastindex
        if group == 1:
            kind, value = _iso_kind(token)
        elif group == 2:  # noqa: PLR2004 (the second group is a time of day)
            value, sure = minutes(token)
            kind = "K" if value >= 0 else "x"
            if sure:
                stated.add(len(kinds))
        else:
            kind, value = _kind(token, words)
        kinds.append(kind)
        values.append(value)
        begins.append(match.start())
        ends.append(match.end())
    return Tokens("".join(kinds), values, begins, ends, stated)


def _iso_kind(token: str) -> Word:
    """An ISO date and time is one token: the date as eight digits and four digits of time in one number."""
    digits = re.sub(r"\D", "", token)[:12]
    return "I", int(digits)


def _kind(token: str, words: dict[str, Word]) -> Word:
    first = token[0]
    if first.isdecimal():
        return _number_kind(token)
    if first.isspace():
        return ("|", 0) if "\n" in token else (" ", 0)
    if not first.isalpha() or first in "ºª":
        return _SIGNS.get(first, "!"), 0
    word = plain(token)
    found = words.get(word)
    if found is None:
        return "?", 0
    if found[0] == "W" and word in SHORT_DAYS:
        return "V", found[1]
    return found


def _number_kind(token: str) -> Word:
    size = len(token)
    if size > 8:  # noqa: PLR2004 (longer than YYYYMMDD; an int of 5,000 digits is not even made)
        return "x", 0
    value = int(token)
    if size <= 2:  # noqa: PLR2004 (a day, a month or a short year)
        return ("d", value) if 1 <= value <= MAX_DAY else ("n", value)
    if size == 4 and FIRST_YEAR <= value <= LAST_YEAR:  # noqa: PLR2004 (a year)
        return "y", value
    return ("D" if size == 8 else "x"), value  # noqa: PLR2004 (YYYYMMDD)


def minutes(token: str) -> tuple[int, bool]:
    """Return minutes since midnight (-1 where there is no such time) and whether the half of the day is stated."""
    lowered = token.casefold()
    if lowered.endswith(("noon", "midday", "midi", "mittags")):
        return NOON, True
    if lowered.endswith("midnight"):
        return 0, True
    numbers = [int(number) for number in re.findall(r"\d+", lowered)[:2]]
    hour, minute = numbers[0], numbers[1] if len(numbers) > 1 else 0
    half = re.search(r"[ap](?=\.?\s?m)", lowered)
    if half:
        if not 1 <= hour <= 12:  # noqa: PLR2004 (a twelve-hour clock)
            half = None if hour else half
        hour = hour % 12 + (12 if half and half[0] == "p" else 0) if half else hour
    if hour > 24 or minute > 59 or hour * 60 + minute > 24 * 60:  # noqa: PLR2004 (a clock)
        return -1, False
    return (hour % 24) * 60 + minute, bool(half) or hour > 12 or "h" in lowered  # noqa: PLR2004 (a clock)
