"""The days that the lines of a list page state, and the block of markup that belongs to each."""

import re
from dataclasses import dataclass
from datetime import datetime
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
# What stands before a date and says no more than that it is one; the tabs of a calendar that lead to another day.
_DATE_LABEL = re.compile(
    r"\b(?:showing|dates?|when|wann|datum|starts?|starting|from|opens|until|quand|cuándo|quando|wanneer|début|beginn)\b",
    re.IGNORECASE,
)
_DAY_TAB = re.compile(r"^\?|[?&](?:day|date|month|year)=", re.IGNORECASE)
_BARE_DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th)?[.*]?")
_EVENT_PAGE = re.compile(
    r"\b(?:events?|whats on|what s on|calendar|schedule|meetings?|hearings?|agendas?|programme?|diary|activit\w+|classes|courses|workshops?|listings?|"
    r"veranstaltung\w*|termine?|kalender|programm|kurse|spielplan|evenements?|agenda|programmation|activites|sorties|stages|evento?s?|eventi|calendario|"
    r"programma|actividades|talleres|attivita|corsi|agenda|evenementen|activiteiten|workshop|board|commission|committee|council)\b"
)
PUBLISHED = re.compile(
    r"\b(?:published|posted|updated|modified|uploaded|written|by admin|veröffentlicht|aktualisiert|verfügbar bis|available until|stand:|publié|©|copyright|comments?)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)(20[0-4]\d)(?!\d)")


@dataclass(slots=True)
class DatedLine:
    """A stated day: the line it stands in, its span, and the block around it."""

    index: int
    text: str
    span: DateSpan
    block: LexborNode | None = None

    @property
    def day(self) -> str:
        """ISO date."""
        return self.span.start.isoformat()[:10]

    @property
    def timed(self) -> bool:
        """Whether the line states a time of day with it."""
        return isinstance(self.span.start, datetime)


def dated_lines(lines: list[Line], clock: Clock) -> list[DatedLine]:
    """Return every stated day; a year or a month that only a heading states holds for the days below it."""
    found: list[DatedLine] = []
    year: int | None = None
    month, month_at = "", -9
    for index, line in enumerate(lines):
        text = line.text
        if _is_month(text):
            month, month_at = re.sub(r"[\W\d]", "", text), index
        elif _BARE_DAY.fullmatch(text) and month and index - month_at <= MAX_DAYS_OF_MONTH:
            text = f"{month} {re.sub(r'[^0-9]', '', text)}"
        if (
            any(_DAY_TAB.search(href) for _, href in line.links)
            or not any(char.isdecimal() for char in text)
            or PUBLISHED.search(text)
        ):
            continue
        now = clock.now if year is None else clock.now.replace(year=year, month=1, day=1)
        spans = [
            span for span in find_dates(text, now=now, language=clock.language) if span.kind == "day" or _sure(span)
        ]
        if year is not None:
            spans = [span for span in spans if not span.yearless or span.start.year == year]
        found += [DatedLine(index, text, span) for span in spans]
        years = (
            set(_YEAR.findall(text[:200])) if line.heading or line.strong == line.text or len(text) < SHORT else set()
        )
        if len(years) == 1 and not spans:
            year = int(years.pop())
    return found


def _is_month(text: str) -> bool:
    word = plain(re.sub(r"[.,:\s]|\d{4}", "", text)) if len(text) <= 20 else ""  # noqa: PLR2004 (the name of a month and a year)
    return bool(word) and (vocabulary("").get(word) or ("", 0))[0] == "M"


def _sure(span: DateSpan) -> bool:
    """Numbers that may be something else are a day where a time of day stands beside them."""
    return span.kind == "weak" and isinstance(span.start, datetime)


def looks_like_events(dated: list[DatedLine], lines: list[Line], page: Page, clock: Clock, title: str) -> bool:
    """Return whether the page calls itself a programme, or its days have times or are mostly to come."""
    headings = " ".join(line.text for line in lines if line.heading and len(line.text) < MAX_TITLE)[:2_000]
    above = " ".join(
        line.text for line in lines[max(0, dated[0].index - LINES_ABOVE) : dated[0].index] if len(line.text) < SHORT
    )
    words = plain(f"{above} {title} {unquote(urlsplit(page.url).path)} {page.meta.get('og:title', '')} {headings}")
    timed = sum(one.timed for one in dated)
    if _EVENT_PAGE.search(re.sub(r"[-_'’/.]", " ", words)):
        return True
    # Times alone are what posts and comments have too, and those have passed.
    return timed >= len(dated) / 2 and any(one.day >= clock.now.date().isoformat() for one in dated)


def without_archive(dated: list[DatedLine], clock: Clock, url: str) -> tuple[list[DatedLine], list[Problem]]:
    """In a long list, what passed long ago is an archive and no programme; a problem counts what was left out."""
    earliest = archive_before(len({one.day for one in dated}), clock)
    kept = [one for one in dated if one.day >= earliest]
    return kept, archive_problems(len(dated) - len(kept), earliest, url)


def plain_dates(dated: list[DatedLine], clock: Clock) -> list[DatedLine]:
    """Where the list has lines that are a date and nothing else, a date within a title is part of the title."""
    plain_ones = [
        one
        for one in dated
        if not re.search(r"[^\W\d_]{3,}", _DATE_LABEL.sub("", " ".join(parts_without_dates(one.text, clock))))
    ]
    return plain_ones if len({one.day for one in plain_ones}) > 1 and len(plain_ones) >= len(dated) * 0.4 else dated


def find_blocks(dated: list[DatedLine], lines: list[Line]) -> None:
    """Give each dated line its block: the highest element around it that holds no other day and no sibling of the same kind with one."""
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
        for ancestor in ancestors(node)[:MAX_CLIMB]:
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
