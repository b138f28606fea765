"""Opening hours: schema.org specifications and the short texts "Mo-Fr 09:00-17:00" as one form."""

import re
from typing import Any

from tripper_assets.domain.activities import OpeningHours
from tripper_assets.extract.clock import parse_iso
from tripper_assets.extract.date_tokens import minutes
from tripper_assets.extract.date_words import plain, vocabulary
from tripper_assets.extract.jsonld import short
from tripper_assets.extract.places import items, text_of

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = {day[:2].casefold(): index for index, day in enumerate(DAYS)} | {
    day[:3].casefold(): index for index, day in enumerate(DAYS)
}
_RANGE = re.compile(r"\s?[-–—]\s?|\s(?:to|bis|through|à|au|a|al|tot|t/m)\s")
_TIME = r"(?:\d{1,2}[:.]\d{2}(?::\d{2})?|\d{1,2}h\d{0,2}|\d{1,2})(?:\s?[ap]\.?m\.?|\s?uhr|\s?uur)?"
_HOURS = re.compile(rf"({_TIME})\s?(?:-|–|—|to|bis|à|a|alle|tot)\s?({_TIME})", re.IGNORECASE)
_WORD = r"[^\W\d_]{2,12}\.?"
_DAYS = re.compile(
    rf"(?P<days>{_WORD}(?:\s?(?:[-–—,&+/]|\b(?:to|bis|through|and|und|et|au|y|e|en|à|al|tot)\b)\s?{_WORD}){{0,7}})\s?:?\s?(?P<rest>{_HOURS.pattern}(?:\s?(?:,|und|and|&|et)\s?{_HOURS.pattern}){{0,2}})",
    re.IGNORECASE,
)
MAX_TEXT = 2_000
_DAILY = frozenset({"daily", "taglich", "quotidien", "diario", "giornaliero", "dagelijks", "everyday"})


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
    """Return the days that a text such as Mo-Fr, "Samstag und Sonntag" or daily names, Monday first in a range."""
    words = [part for part in re.split(r"\s?[,&+/]\s?|\s(?:and|und|et|y|e|en)\s", text[:200].strip()) if part]
    found: list[str] = []
    for word in words:
        ends = [_index(part) for part in _RANGE.split(word.strip())]
        if plain(word.strip().replace(" ", "")) in _DAILY:
            found += DAYS
        elif len(ends) == 2 and None not in ends:  # noqa: PLR2004 (from and to)
            first, last = int(ends[0] or 0), int(ends[1] or 0)
            found += [DAYS[index % 7] for index in range(first, last + 1 if last >= first else last + 8)]
        else:
            found += [DAYS[index] for index in ends if index is not None]
    return list(dict.fromkeys(found))


def _index(word: str) -> int | None:
    word = plain(word.strip().rstrip("."))
    if word in _SHORT:
        return _SHORT[word]
    for language in ("en", "de", "fr", "es", "it", "nl"):
        kind, value = vocabulary(language).get(word, ("", 0))
        if kind == "W":
            return value
    return None


def hours_in(text: str) -> list[OpeningHours]:
    """Return the hours of a text, one for each set of days and each span of time; a text without days is every day."""
    text = text[:MAX_TEXT]
    found: list[OpeningHours] = []
    for match in _DAYS.finditer(text):
        days = tuple(days_in(match["days"]))
        found += [hours for span in _HOURS.finditer(match["rest"]) if days and (hours := _span(days, span[1], span[2]))]
    return found


def _span(days: tuple[str, ...], opens: str, closes: str) -> OpeningHours | None:
    first, last = clock_text(opens), clock_text(closes)
    if re.search(r"p\.?m", closes, re.IGNORECASE) and not re.search(r"[ap]\.?m", opens, re.IGNORECASE):
        half = minutes(f"{opens} am")[0]
        first = f"{half // 60:02d}:{half % 60:02d}" if half >= 0 else first
    return OpeningHours(dayOfWeek=days, opens=first, closes=last) if first and last else None
