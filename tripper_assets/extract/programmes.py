"""The programme of one day: a page about a day that lists what happens at which time, each below its time."""

import re
from datetime import datetime, time
from itertools import pairwise

from tripper_assets.domain.identity import fold
from tripper_assets.extract.blocks import Line
from tripper_assets.extract.clock import Clock, parse_iso
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.facts import is_label
from tripper_assets.extract.listing_rules import says_hours
from tripper_assets.extract.listing_titles import clean_title, first_time

FEWEST = 2
MOST = 60
FEWEST_WORDS = 2
LONGEST_TIME = 40
# A line that is a time of day and nothing else; "12:00 noon" says it twice.
_ONLY_A_TIME = re.compile(
    r"(?:um|at|à|a las|alle|om)?\s?(?:\d{1,2}(?:[:.h]\d{2})?\s?(?:[ap]\.?\s?m\.?|uhr|h|noon)?|noon|midday)"
    r"(?:\s?(?:-|–|—|to|until|bis|à)\s?(?:\d{1,2}(?:[:.h]\d{2})?\s?(?:[ap]\.?\s?m\.?|uhr|h|noon)?|noon|midday))?\.?",
    re.IGNORECASE,
)
# Slots to book of one activity, and no programme.
_AVAILABILITY = re.compile(
    r"\b(?:sold out|places? (?:left|available)|spaces? left|fully booked|waiting list|book (?:now|this|here|online|tickets?)|ausgebucht|plätze frei|buchen|"
    r"réserver|complet|places disponibles|agotado|reservar|plazas libres|esaurito|prenota|uitverkocht|reserveer)\b",
    re.IGNORECASE,
)
SHARED = ("location", "organizer", "image", "inLanguage", "url")
"""What holds for all that happens on the day."""


def programme_drafts(day: Draft, lines: list[Line], clock: Clock) -> list[Draft]:
    """Return the parts of the day that ``day`` is the draft of, each at its time; none where the page lists fewer than two."""
    start = parse_iso(day.get("startDate"))
    if start is None or day.get("endDate")[:10] not in {"", day.get("startDate")[:10]}:
        return []
    midnight = datetime.combine(start, time())
    parts: dict[str, Draft] = {}
    for line, below in pairwise(lines):
        at = first_time(line.text) if len(line.text) < LONGEST_TIME and _ONLY_A_TIME.fullmatch(line.text) else None
        name = clean_title(below.text, clock) if at and not is_label(below) else ""
        if at and _AVAILABILITY.search(below.text):
            return []
        if (
            at
            and not says_hours(below.text)
            and len(name.split()) >= FEWEST_WORDS
            and fold(name) != fold(day.get("name"))
        ):
            parts.setdefault(fold(name), _part(day, name, midnight, at, line, below, clock))
    return list(parts.values())[:MOST] if len(parts) >= FEWEST else []


def _part(
    day: Draft, name: str, midnight: datetime, at: tuple[time, time | None], line: Line, below: Line, clock: Clock
) -> Draft:
    part = Draft("listing")
    part.put("name", name, below.text)
    part.put("startDate", clock.iso(datetime.combine(midnight, at[0])), line.text)
    if at[1] and at[1] > at[0]:
        part.put("endDate", clock.iso(datetime.combine(midnight, at[1])), line.text)
    for shared in SHARED:
        if shared in day.values:
            method, evidence = day.found[shared]
            part.put(shared, day.values[shared], evidence, method)
    return part
