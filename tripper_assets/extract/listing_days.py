"""The days that the lines of a list page state, and the block of markup that belongs to each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Protocol
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborNode

from tripper_assets.domain.model import Problem
from tripper_assets.extract.blocks import Line, ancestors
from tripper_assets.extract.clock import Clock, archive_before, archive_problems
from tripper_assets.extract.date_words import plain, vocabulary
from tripper_assets.extract.dates import DateSpan, find_dates
from tripper_assets.extract.listing_titles import MAX_TITLE, parts_without_dates
from tripper_assets.extract.page import Page

MAX_CLIMB = 40
SHORT = 40
LINES_ABOVE = 4
MAX_DAYS_OF_MONTH = 12
BESIDE = 2
# What stands before a date and says no more than that it is one; the tabs of a calendar that lead to another day.
_DATE_LABEL = re.compile(
    r"\b(?:showing|dates?|when|wann|datum|starts?|starting|from|opens|until|quand|cuándo|quando|wanneer|début|beginn)\b",
    re.IGNORECASE,
)
_DAY_TAB = re.compile(r"^\?|[?&](?:day|date|month|year)=", re.IGNORECASE)
_THIS_MONTH = re.compile(
    r"\b(?:this month|diesen monat|in diesem monat|ce mois(?:-ci)?|este mes|questo mese|deze maand)\b", re.IGNORECASE
)
_BARE_DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th)?[.*]?")
_EVENT_PAGE = re.compile(
    r"\b(?:events?|whats on|what s on|calendar|schedule|meetings?|hearings?|agendas?|programme?|diary|timetable|clubs?|sessions?|groups?|feeding times|activit\w+|classes|courses|workshops?|listings?|"
    r"veranstaltung\w*|termine?|kalender|programm|kurse|spielplan|evenements?|agenda|programmation|activites|sorties|stages|evento?s?|eventi|calendario|"
    r"programma|actividades|talleres|attivita|corsi|agenda|evenementen|activiteiten|workshop|board|commission|committee|council)\b"
)
PUBLISHED = re.compile(
    r"\b(?:published|posted|updated|modified|uploaded|written|by admin|veröffentlicht|aktualisiert|verfügbar bis|available until|stand:|publié|©|copyright|comments?)\b",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_FAMILIES = re.compile(
    r"\b(?:kids?|child(?:ren)?|toddlers?|bab(?:y|ies)|under[- ]?(?:5s|fives)|famil(?:y|ies)|story ?times?|nursery rhymes?|rhyme time|playgroups?|"
    r"kinder\w*|kleinkind\w*|familien?\w*|eltern\w*|krabbelgruppe\w*|enfants?|b[ée]b[ée]s?|familles?|tout-petits|ni[ñn][oa]s?|familias?|beb[ée]s?|"
    r"bambin[ie]|famiglie?|kinderen|peuters?|kleuters?|gezin(?:nen)?)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)(20[0-4]\d)(?!\d)")


class Marked(Protocol):
    """A line that a block is looked for: it states a day, or a rule."""

    index: int
    text: str
    block: LexborNode | None
    day: str
    """What the line states; lines that state the same may share a block."""


@dataclass(slots=True)
class DatedLine:
    """A stated day: the line it stands in, its span, and the block around it."""

    index: int
    text: str
    span: DateSpan
    block: LexborNode | None = None
    in_grid: bool = False
    """Whether it is a number in the grid of a month's calendar, which shows the days that passed too."""
    day: str = field(init=False)
    """ISO date."""

    def __post_init__(self) -> None:
        self.day = self.span.start.isoformat()[:10]

    @property
    def timed(self) -> bool:
        """Whether the line states a time of day with it."""
        return isinstance(self.span.start, datetime)


def dated_lines(lines: list[Line], clock: Clock) -> list[DatedLine]:
    """Return every stated day; a year or a month that only a heading states holds for the days below it."""
    found: list[DatedLine] = []
    year: int | None = None
    month, month_at, number_at = "", -MAX_DAYS_OF_MONTH, -MAX_DAYS_OF_MONTH
    shown = False
    month_last = _month_stands_last(lines)
    for index, line in enumerate(lines):
        text, in_grid = line.text, False
        if month_last and _BARE_DAY.fullmatch(text) and index + 1 < len(lines) and _is_month(lines[index + 1].text):
            month, month_at = _month_name(lines[index + 1].text), index
        elif _is_month(text):
            # Beside the month that is shown stand those that the calendar leads to.
            if index - month_at > BESIDE or not shown or _is_shown(line):
                month, month_at, shown = _month_name(text), index, _is_shown(line)
        elif len(text) < SHORT and _THIS_MONTH.search(text):
            month, month_at = f"{clock.now:%B}", index
        if _BARE_DAY.fullmatch(text) and month and index - max(month_at, number_at) <= MAX_DAYS_OF_MONTH:
            number_at = index
            text, in_grid = f"{month} {re.sub(r'[^0-9]', '', text)}", index - month_at > 1
        if any(_DAY_TAB.search(href) for _, href in line.links) or not _DIGIT.search(text) or PUBLISHED.search(text):
            continue
        now = clock.now if year is None else clock.now.replace(year=year, month=1, day=1)
        spans = [
            span for span in find_dates(text, now=now, language=clock.language) if span.kind == "day" or _sure(span)
        ]
        if year is not None:
            spans = [span for span in spans if not span.yearless or span.start.year == year]
        found += [DatedLine(index, text, span, in_grid=in_grid) for span in spans]
        years = (
            set(_YEAR.findall(text[:200])) if line.heading or line.strong == line.text or len(text) < SHORT else set()
        )
        if len(years) == 1 and not spans:
            year = int(years.pop())
    return found


def _month_stands_last(lines: list[Line]) -> bool:
    """Return whether a day is written above its month, as in the badges of many lists: the first day and month that touch tell."""
    for line, below in pairwise(lines):
        if _is_month(line.text) and _BARE_DAY.fullmatch(below.text):
            return False
        if _BARE_DAY.fullmatch(line.text) and _is_month(below.text):
            return True
    return False


def _is_shown(line: Line) -> bool:
    return bool(line.heading or _YEAR.search(line.text))


def _month_name(text: str) -> str:
    return re.sub(r"[\W\d]", "", text)


def _is_month(text: str) -> bool:
    word = plain(re.sub(r"[.,:\s]|\d{4}", "", text)) if len(text) <= 20 else ""  # noqa: PLR2004 (the name of a month and a year)
    return bool(word) and (vocabulary("").get(word) or ("", 0))[0] == "M"


def _sure(span: DateSpan) -> bool:
    """Numbers that may be something else are a day where a time of day stands beside them."""
    return span.kind == "weak" and isinstance(span.start, datetime)


def looks_like_events(dated: list[DatedLine], lines: list[Line], page: Page, clock: Clock, title: str) -> bool:
    """Return whether the page calls itself a programme, or its days have times or are mostly to come."""
    timed = sum(one.timed for one in dated)
    if calls_itself_programme(dated[0].index, lines, page, title):
        return True
    # Times alone are what posts and comments have too, and those have passed.
    return timed >= len(dated) / 2 and any(one.day >= clock.now.date().isoformat() for one in dated)


def calls_itself_programme(first: int, lines: list[Line], page: Page, title: str) -> bool:
    """Return whether the page's title, address or headings, or what stands above its ``first`` entry, say that it lists what is on."""
    headings = " ".join(line.text for line in lines if line.heading and len(line.text) < MAX_TITLE)[:2_000]
    above = " ".join(line.text for line in lines[max(0, first - LINES_ABOVE) : first] if len(line.text) < SHORT)
    words = plain(f"{above} {title} {unquote(urlsplit(page.url).path)} {page.meta.get('og:title', '')} {headings}")
    return _EVENT_PAGE.search(re.sub(r"[-_'’/.]", " ", words)) is not None


def is_for_families(lines: list[Line]) -> bool:
    """Return whether any line of the page speaks of children and whom they come with."""
    return any(_FAMILIES.search(line.text) for line in lines)


def without_archive(dated: list[DatedLine], clock: Clock, url: str) -> tuple[list[DatedLine], list[Problem]]:
    """In a long list, what passed long ago is an archive and no programme, and so is what passed in a calendar's grid; a problem counts it."""
    earliest, today = archive_before(len({one.day for one in dated}), clock), clock.now.date().isoformat()
    kept = [one for one in dated if one.day >= (today if one.in_grid else earliest)]
    return kept, archive_problems(len(dated) - len(kept), earliest, url)


def plain_dates(dated: list[DatedLine], clock: Clock) -> list[DatedLine]:
    """Where the list has lines that are a date and nothing else, a date within a title is part of the title."""
    plain_ones = [
        one
        for one in dated
        if not re.search(r"[^\W\d_]{3,}", _DATE_LABEL.sub("", " ".join(parts_without_dates(one.text, clock))))
    ]
    return plain_ones if len({one.day for one in plain_ones}) > 1 and len(plain_ones) >= len(dated) * 0.4 else dated


def find_blocks(dated: Sequence[Marked], lines: list[Line]) -> None:
    """Give each marked line its block: the highest element around it that holds no other day and no sibling of the same kind with one."""
    days: dict[int, set[str]] = {}
    children: dict[int, dict[int, str]] = {}
    for one in dated:
        below: LexborNode | None = None
        for node in ancestors(lines[one.index].node):
            days.setdefault(node.mem_id, set()).add(one.day)
            if below is not None:
                children.setdefault(node.mem_id, {})[below.mem_id] = (
                    f"{below.tag}.{below.attributes.get('class') or ''}"
                )
            below = node
    for one in dated:
        node = lines[one.index].node
        best = node
        for ancestor in ancestors(node, MAX_CLIMB):
            kinds = list(children.get(ancestor.mem_id, {}).values())
            if (
                len(days[ancestor.mem_id]) > 1
                or len(set(kinds)) < len(kinds)
                or ancestor.tag in {"body", "html", "main"}
            ):
                break
            best = ancestor
        one.block = best


def best_of_blocks(dated: list[DatedLine]) -> list[DatedLine]:
    """Return one of the lines that state the same day in one block: one with a time of day, else the first."""
    best: dict[tuple[int, str], DatedLine] = {}
    for one in dated:
        key = (one.block.mem_id if one.block else 0, one.day)
        if key not in best or (one.timed and not best[key].timed):
            best[key] = one
    return list(best.values())
