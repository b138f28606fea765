"""From when to when a stated rule holds, and the dates that it leaves out: from 6 May until 24 June, außer am 5. Mai."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from tripper_assets.extract.dates import DateSpan, find_dates

NEAR = 80
"""Characters behind the rule within which a date limits it."""
_SINCE = re.compile(
    r"\b(?:from|starting|beginning|since|ab|seit|vom|à partir d[ue]|dès|depuis|desde|a partir de[l]?|dal|a partire dal|vanaf|sinds|van|von|del?|du)\s{1,9}(?:el\s|le\s|dem\s|the\s|il\s)?$",
    re.IGNORECASE,
)
_UNTIL = re.compile(
    r"\b(?:until|till|til|to|up to|through|bis|bis zum|jusqu['’]au|hasta|hasta el|fino al|fino a|sino al|tot|tot en met|t/m)\s{1,9}$",
    re.IGNORECASE,
)
_WITHOUT = re.compile(
    r"\b(?:except|excluding|exc\.?|not|no (?:session|class|club|meeting)s?|außer|ausser|nicht|kein \w{3,12}|sauf|excepté|hormis|excepto|salvo|no|menos"
    r"|tranne|escluso|eccetto|non|behalve|niet|geen \w{3,12})\s(?:on\s|am\s|le\s|el\s|il\s|op\s)?$",
    re.IGNORECASE,
)
_DATE_HINT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Limits:
    """Days as ISO 8601, empty where none is stated; ``stop`` is where the last of them ends in the text."""

    start: str
    end: str
    without: tuple[str, ...]
    stop: int


def limits(text: str, begin: int, *, now: datetime | None, language: str) -> Limits | None:
    """Return the limits that stand within 80 characters behind a rule; None where there are none.

    Without ``now`` a date that states no year is no limit: which year it means cannot be known.
    """
    behind = text[begin : begin + NEAR].replace("tot en met", "t/m".ljust(10))
    if _DATE_HINT.search(behind) is None:
        return None
    today = now or datetime(2000, 1, 1)  # noqa: DTZ001 (wall time; only dates with a year of their own are used)
    spans = [
        span
        for span in find_dates(behind, now=today, language=language or "en-GB")
        if span.kind == "day" and not (now is None and span.yearless)
    ]
    start, end, without, stop = "", "", [""][:0], 0
    for span in spans:
        before = behind[: span.begin]
        first, last = _day(span.start), _day(span.end) if span.end else ""
        if _WITHOUT.search(before) or (
            without and re.fullmatch(r"\W*|\W*(?:and|und|et|y|e|en)\W*", behind[stop : span.begin])
        ):
            without.append(first)
        elif last and last != first:
            start, end = first, last
        elif _SINCE.search(before):
            start = first
        elif _UNTIL.search(before):
            end = first
        else:
            break
        stop = span.stop
    return Limits(start, end, tuple(without), begin + stop) if stop else None


def _day(value: date | datetime | DateSpan | None) -> str:
    return value.isoformat()[:10] if isinstance(value, date) else ""
