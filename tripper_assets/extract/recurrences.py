"""Weekly repetition that a text states: every Tuesday 10:00-11:30, jeden Samstag, tous les mercredis, Mondays and Fridays."""

import re

from tripper_assets.domain.activities import Schedule
from tripper_assets.extract.date_words import LANGUAGES, plain, vocabulary
from tripper_assets.extract.hours import DAYS, clock_text

MAX_TEXT = 2_000
_EVERY = r"every|each|weekly on|jede[nrsm]?|immer|chaque|tous les|toutes les|cada|todos los|ogni|tutti i|tutte le|elke|iedere|wekelijks op"
_OTHER = r"other|second|2nd|zweiten?|deux|dos|due|twee(?:de)?|andere"
_AND = r"\s?(?:,|&|\+|/|\band\b|\bund\b|\bet\b|\by\b|\be\b|\ben\b)\s?(?:le |les |los |il |la )?"
_WORD = r"[^\W\d_]{3,12}"
_RULE = re.compile(
    rf"\b(?:{_EVERY})\s(?:(?P<other>{_OTHER})\s)?(?P<days>{_WORD}(?:{_AND}{_WORD}){{0,6}})", re.IGNORECASE
)
_PLURAL = re.compile(rf"\b(?P<days>{_WORD}s(?:{_AND}{_WORD}s){{0,6}})\b", re.IGNORECASE)
_DAILY = re.compile(
    r"\b(?:daily|every day|täglich|jeden tag|tous les jours|todos los días|ogni giorno|tutti i giorni|dagelijks|elke dag)\b",
    re.IGNORECASE,
)
_EXCEPT = re.compile(
    rf"\b(?:except|außer|ausser|sauf|excepto|salvo|tranne|behalve)\s(?:on\s|le\s|los\s|il\s|op\s)?(?P<days>{_WORD}(?:{_AND}{_WORD}){{0,5}})",
    re.IGNORECASE,
)
_CLOCK = r"(?:\d{1,2}[:.h]\d{2}|\d{1,2}h?)(?:\s?[ap]\.?m\.?)?"
_TIMES = re.compile(
    rf"(?<![\d.:/])(?P<start>{_CLOCK})(?:\s?(?:uhr|uur))?\s?(?:-|–|—|to|until|bis|à|a|alle|tot)\s?(?P<end>{_CLOCK})(?:\s?(?:uhr|uur))?(?![\d/.])"
    r"|(?<![\d.:/])(?P<alone>\d{1,2}[:h]\d{2}(?:\s?[ap]\.?m\.?)?|\d{1,2}\s?[ap]\.?m\b|\d{1,2}(?=\s?uhr\b))",
    re.IGNORECASE,
)


def find_recurrence(text: str) -> Schedule | None:
    """Return the weekly rule that a text states first, with its times; None where it states none.

    "The first Tuesday of the month" is none: schema.org's Schedule cannot say it.
    """
    text = text[:MAX_TEXT]
    days, stop, weeks = _days(text)
    if not days:
        return None
    # The times stand behind the days, or else before them.
    match = _TIMES.search(text, stop, stop + 60) or _TIMES.search(text)
    start, end = _times(match) if match else ("", "")
    return Schedule(
        byDay=days, repeatFrequency="P1D" if len(days) == len(DAYS) else f"P{weeks}W", startTime=start, endTime=end
    )


def _days(text: str) -> tuple[tuple[str, ...], int, int]:
    daily = _DAILY.search(text)
    if daily:
        without = _EXCEPT.search(text)
        left_out = set(_named(without["days"])) if without else set()
        return tuple(day for day in DAYS if day not in left_out), without.end() if without else daily.end(), 1
    for pattern in (_RULE, _PLURAL):
        for match in pattern.finditer(text):
            days = _named(match["days"], plural=pattern is _PLURAL)
            if days:
                return days, match.end(), 2 if match.groupdict().get("other") else 1
    return (), 0, 1


def _named(words: str, *, plural: bool = False) -> tuple[str, ...]:
    """Return the weekdays among the words, in the order of the week; ``plural`` takes only Mondays, montags."""
    found: set[int] = set()
    for word in re.findall(r"[^\W\d_]+", words):
        folded = plain(word)
        bare = folded.removesuffix("s") if folded.endswith("s") else folded
        for language in LANGUAGES:
            kind, index = vocabulary(language).get(bare, ("", 0))
            if kind != "W" and not plural:
                kind, index = vocabulary(language).get(folded, ("", 0))
            # Spanish and French days end in s by themselves: lunes, martes.
            if kind == "W" and len(bare) > 3 and not (plural and language in {"fr", "es", "it"}):  # noqa: PLR2004 (short words are other words too)
                found.add(index)
                break
    return tuple(DAYS[index] for index in sorted(found))


def _times(match: re.Match[str]) -> tuple[str, str]:
    if match["alone"]:
        return _clock(match["alone"]), ""
    start, end = match["start"], match["end"]
    half = re.search(r"[ap]\.?m\.?$", end, re.IGNORECASE)
    if half and not re.search(r"[ap]\.?m", start, re.IGNORECASE):
        same = _clock(f"{start} {half[0]}")
        start = f"{start} {half[0]}" if same <= _clock(end) else f"{start} am"
    return _clock(start), _clock(end)


def _clock(text: str) -> str:
    text = re.sub(r"(?i)(\d)h(\d{2})", r"\1:\2", text.strip())
    return clock_text(re.sub(r"(?i)^(\d{1,2})h$", r"\1:00", text) if not text.isdecimal() else f"{text}:00")
