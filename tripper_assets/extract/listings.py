"""Repeated blocks of a list page: for each stated day the block around it, with the title, time, link and image that stand in it."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborNode

from tripper_assets.domain.activities import AgeRange, ImageObject, Offer
from tripper_assets.domain.identity import fold
from tripper_assets.extract.addresses import place_from_text
from tripper_assets.extract.ages import find_ages
from tripper_assets.extract.blocks import Line
from tripper_assets.extract.clock import Clock
from tripper_assets.extract.date_tokens import minutes
from tripper_assets.extract.date_words import plain
from tripper_assets.extract.dates import DateSpan, find_dates
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.facts import labelled_facts
from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.prices import find_prices, is_free
from tripper_assets.extract.texts import MAX_DESCRIPTION, MAX_NAME, clipped

MAX_BLOCKS = 400
MAX_CLIMB = 40
MAX_TITLE = 200
LONG_TEXT = 400
_EVENT_PAGE = re.compile(
    r"\b(?:events?|whats on|what s on|calendar|schedule|meetings?|hearings?|agendas?|programme?|diary|activit\w+|classes|courses|workshops?|listings?|"
    r"veranstaltung\w*|termine?|kalender|programm|kurse|spielplan|evenements?|agenda|programmation|activites|sorties|stages|evento?s?|eventi|calendario|"
    r"programma|actividades|talleres|attivita|corsi|agenda|evenementen|activiteiten|workshop|board|commission|committee|council)\b"
)
_PUBLISHED = re.compile(r"\b(?:published|posted|updated|modified|uploaded|written|by admin|veröffentlicht|aktualisiert|stand:|publié|©|copyright|comments?)\b", re.IGNORECASE)
# Links and buttons that say what to do and not what it is.
_NOT_A_TITLE = re.compile(
    r"^(?:(?:read|learn|find out|view|see|show|load) (?:more|all|details?)|more(?: info\w*)?|details?|book(?: now| tickets?)?|buy(?: tickets?)?|tickets?|register(?: now)?|"
    r"sign up|rsvp|add to calendar|export|share|download|agenda|minutes|video|audio|pdf|map|mehr(?: infos?| erfahren)?|weiterlesen|weiter|anmelden|karten|jetzt buchen|"
    r"en savoir plus|lire la suite|réserver|leer más|más información|reservar|leggi (?:tutto|di più)|prenota|lees meer|meer info\w*|reserveer|"
    r"(?:next|previous|prev|back|home|top|date|time|location|meeting|event|am|pm|when|where|all day|tbd|tba|cancell?ed|postponed|approved|draft|meeting details|not available|notice|ics|zoom|online).{0,3}|meeting (?:agenda|minutes|notice|packet|materials)s?|(?:draft|approved|final) (?:agenda|minutes).{0,10})$",
    re.IGNORECASE,
)
_CANCELLED = re.compile(r"\b(?:cancell?ed|abgesagt|annulé|cancelado|annullato|geannuleerd|fällt aus)\b", re.IGNORECASE)
_POSTPONED = re.compile(r"\b(?:postponed|verschoben|reporté|aplazado|rinviato|uitgesteld)\b", re.IGNORECASE)
_TIME = re.compile(r"(?<![\d:.])(\d{1,2}(?:[:.]\d{2})?\s?[ap](?:\.\s?m\.?|m\b)|\d{1,2}:\d{2}(?!\d)|\d{1,2}(?:\.\d{2})?\s?uhr\b|\d{1,2}h\d{0,2}\b|\bnoon\b)(?:\s?(?:-|–|—|to|until|bis|à)\s?(\d{1,2}(?:[:.]\d{2})?\s?[ap](?:\.\s?m\.?|m\b)|\d{1,2}:\d{2}(?!\d)|\d{1,2}(?:\.\d{2})?\s?uhr\b|\d{1,2}h\d{0,2}\b|\bnoon\b))?", re.IGNORECASE)  # noqa: RUF001 (the dashes that pages write)
_HELD_AT = re.compile(r"\b(?:(?:meetings?|hearings?|sessions?|events?|commission|board|committee|classes)\b.{0,120}\b(?:at|from|begins?|starts?)|all .{0,60}\bat|beginn|jeweils um)\b[^.\d]{0,20}", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(20[0-4]\d)(?!\d)")


@dataclass(slots=True)
class _Dated:
    """A stated day: the line it stands in, its span, and the headings above."""

    index: int
    span: DateSpan
    block: LexborNode | None = None


def listing_drafts(lines: list[Line], page: Page, clock: Clock, title: str) -> list[Draft]:
    """Return a draft for each block with a title and a stated day; none where the page does not look like a list of activities."""
    dated = _dated_lines(lines, clock)
    if len({one.span.start for one in dated}) < 2 or not _looks_like_events(dated, lines, page, clock, title):  # noqa: PLR2004 (a list has two)
        return []
    _find_blocks(dated, lines)
    reader = _Blocks(lines, page, clock, title, dated)
    drafts: dict[tuple[str, str], Draft] = {}
    for one in dated[:MAX_BLOCKS]:
        draft = reader.draft(one)
        if draft is not None:
            drafts.setdefault((fold(draft.get("name")), draft.get("startDate")), draft)
    return list(drafts.values())


def _dated_lines(lines: list[Line], clock: Clock) -> list[_Dated]:
    """Return every stated day; a year that only a heading states holds for the days below it."""
    found: list[_Dated] = []
    year: int | None = None
    for index, line in enumerate(lines):
        years = _YEAR.findall(line.text[:200]) if line.heading or line.strong == line.text or len(line.text) < 40 else []  # noqa: PLR2004 (a short line may head a list)
        now = clock.now if year is None else clock.now.replace(year=year, month=1, day=1)
        if not any(char.isdecimal() for char in line.text) or _PUBLISHED.search(line.text):
            continue
        spans = [span for span in find_dates(line.text, now=now, language=clock.language) if span.kind == "day" or _sure(span)]
        found += [_Dated(index, span) for span in spans]
        if years and len(set(years)) == 1 and not spans:
            year = int(years[0])
    return found


def _sure(span: DateSpan) -> bool:
    """Numbers that may be something else are a day where a time of day stands beside them."""
    return span.kind == "weak" and isinstance(span.start, datetime)


def _looks_like_events(dated: list[_Dated], lines: list[Line], page: Page, clock: Clock, title: str) -> bool:
    words = plain(f"{title} {unquote(urlsplit(page.url).path)} {page.meta.get('og:title', '')}").replace("-", " ").replace("_", " ").replace("'", " ")
    timed = sum(isinstance(one.span.start, datetime) for one in dated)
    coming = sum(one.span.start.isoformat()[:10] >= clock.now.date().isoformat() for one in dated)
    half = len(dated) / 2
    return _EVENT_PAGE.search(words) is not None or timed >= half or (coming >= half and coming > 1)


def _find_blocks(dated: list[_Dated], lines: list[Line]) -> None:
    """Give each dated line its block: the highest element around it that holds no other dated line."""
    counts: Counter[int] = Counter()
    for index in dict.fromkeys(one.index for one in dated):
        counts.update(_ancestors(lines[index].node))
    for one in dated:
        node: LexborNode | None = lines[one.index].node
        best = node
        for _ in range(MAX_CLIMB):
            if node is None or counts[node.mem_id] > 1 or node.tag in {"body", "html", "main"}:
                break
            best, node = node, node.parent
        one.block = best


def _ancestors(node: LexborNode | None) -> list[int]:
    found: list[int] = []
    while node is not None and len(found) < 2_000:  # noqa: PLR2004 (as deep as a page is read)
        found.append(node.mem_id)
        node = node.parent
    return found


class _Blocks:
    """Reads the blocks of one page."""

    def __init__(self, lines: list[Line], page: Page, clock: Clock, title: str, dated: list[_Dated]) -> None:
        self.lines, self.page, self.clock, self.title = lines, page, clock, title
        self.dated_lines = {one.index for one in dated}
        self.days_in_line = Counter(one.index for one in dated)
        self.members: dict[int, list[int]] = {}
        for index, line in enumerate(lines):
            for ancestor in _ancestors(line.node)[:MAX_CLIMB]:
                self.members.setdefault(ancestor, []).append(index)
        self.page_time = self._time_for_all()
        self.repeated = Counter(fold(line.text) for line in lines if len(line.text) <= MAX_TITLE)

    def draft(self, one: _Dated) -> Draft | None:
        """Return what one block states; None where nothing names it."""
        inside = [self.lines[index] for index in self.members.get(one.block.mem_id if one.block else 0, [])] or [self.lines[one.index]]
        line = self.lines[one.index]
        name, evidence = self._name(one, line, inside)
        if not name:
            return None
        draft = Draft("listing")
        draft.put("name", clipped(name, MAX_NAME), evidence)
        self._put_times(draft, one, line, inside)
        self._put_link(draft, inside, name)
        self._put_details(draft, one, inside)
        return draft

    def _name(self, one: _Dated, line: Line, inside: list[Line]) -> tuple[str, str]:
        """The block's heading, its first link or bold text, the rest of the dated line, the first line beside it; else the heading above."""
        rest = _without_dates(line.text, self.clock)
        headings = [other.text for other in inside if other.heading and other is not line]
        links = [text for other in inside for text, _ in other.links]
        strongs = [other.strong for other in inside if other.strong]
        others = [other.text for other in inside if other is not line and len(other.text) <= MAX_TITLE]
        own = [rest] if self.days_in_line[one.index] == 1 and len(line.text) <= LONG_TEXT else []
        for text in [*headings, *(own if line.heading else []), *links, *strongs, *own, *others]:
            name = _title(text, self.clock)
            if name:
                return name, text
        return self._heading_above(one.index)

    def _heading_above(self, index: int) -> tuple[str, str]:
        level = 7
        for line in reversed(self.lines[max(0, index - 400) : index]):
            if line.heading and line.heading < level:
                name = _title(line.text, self.clock)
                if name:
                    return name, line.text
                level = line.heading
        return self.title, self.title

    def _put_times(self, draft: Draft, one: _Dated, line: Line, inside: list[Line]) -> None:
        span = one.span
        start, end = span.start, span.end
        if not isinstance(start, datetime) and end is None:
            clock_times = self._time_in(one, line, inside) or self.page_time
            if clock_times:
                start = datetime.combine(start, clock_times[0])
                end = datetime.combine(start.date(), clock_times[1]) if clock_times[1] and clock_times[1] > clock_times[0] else None
        draft.put("startDate", self.clock.iso(start), line.text[span.begin : span.stop])
        draft.put("endDate", self.clock.iso(end) if end else "", line.text[span.begin : span.stop])

    def _time_in(self, one: _Dated, line: Line, inside: list[Line]) -> tuple[time, time | None] | None:
        if self.days_in_line[one.index] == 1:
            ordered = [line, *(other for other in inside if other is not line)]
            for other in ordered:
                found = _first_time(other.text) if len(other.text) <= LONG_TEXT else None
                if found:
                    return found
        return None

    def _time_for_all(self) -> tuple[time, time | None] | None:
        """The time that a sentence gives to all meetings of the page."""
        for index, line in enumerate(self.lines):
            match = _HELD_AT.search(line.text) if index not in self.dated_lines else None
            found = _first_time(line.text[match.start() :]) if match else None
            if found:
                return found
        return None

    def _put_link(self, draft: Draft, inside: list[Line], name: str) -> None:
        links = [(text, url) for other in inside for text, href in other.links if (url := absolute(href, self.page.base))]
        named = [url for text, url in links if fold(text) and (fold(text) in fold(name) or fold(name) in fold(text))]
        pages = [url for url in named if not re.search(r"\.(?:pdf|docx?|ics|xlsx?|zip|mp[34])(?:$|\?)", url, re.IGNORECASE) and url != self.page.url]
        draft.put("url", pages[0] if pages else "")

    def _put_details(self, draft: Draft, one: _Dated, inside: list[Line]) -> None:
        text = " · ".join(other.text for other in inside)[:2_000]
        facts = labelled_facts(inside)
        place: Any = next((found for stated in facts.get("where", []) if (found := place_from_text(stated))), None)
        draft.put("location", place, facts["where"][0] if place else "")
        long = [other.text for other in inside if len(other.text) > 60 and not other.heading and other is not self.lines[one.index]]  # noqa: PLR2004 (a sentence)
        draft.put("description", clipped(long[0], MAX_DESCRIPTION) if long else "")
        ages, prices = find_ages(text), find_prices(text)
        draft.put("ageRange", AgeRange(minValue=ages[0].minimum, maxValue=ages[0].maximum) if ages else None, text[ages[0].begin : ages[0].stop] if ages else "")
        offers = tuple(Offer(name=price.name, price=price.price, priceCurrency=price.currency) for price in prices[:10])
        draft.put("offers", offers, text[prices[0].begin : prices[-1].stop] if prices else "")
        draft.put("isAccessibleForFree", True if not offers and is_free(text) else None, "free")
        status = "EventCancelled" if _CANCELLED.search(text) else "EventPostponed" if _POSTPONED.search(text) else None
        draft.put("eventStatus", status if self.days_in_line[one.index] == 1 else None)
        image = one.block.css_first("img[src]") if one.block is not None else None
        source = absolute((image.attributes.get("src") or "") if image else "", self.page.base)
        draft.put("image", (ImageObject(sourceUrl=source),) if source else (), source)
        draft.put("inLanguage", self.page.language)


def _first_time(text: str) -> tuple[time, time | None] | None:
    match = _TIME.search(text)
    if match is None:
        return None
    start = minutes(match[1])[0]
    end = minutes(match[2])[0] if match[2] else -1
    return (time(start // 60, start % 60), time(end // 60, end % 60) if end >= 0 else None) if start >= 0 else None


_EDGES = " \t,;:|·•-–—()[]/@*\"'"  # noqa: RUF001 (the dashes that pages write)


def _without_dates(text: str, clock: Clock) -> str:
    """Return the text without its dates, times and what only joins them."""
    for span in reversed(find_dates(text, now=clock.now, language=clock.language)):
        text = f"{text[: span.begin]} | {text[span.stop :]}" if span.kind in {"day", "weak"} or isinstance(span.start, date) and span.kind == "month" else text
    text = _TIME.sub(" | ", text)
    parts = [part.strip(_EDGES) for part in re.split(r"\s\|\s|\s\|$|^\|\s", f" {text} ")]
    return max(parts, key=len, default="")


def _title(text: str, clock: Clock) -> str:
    """Return the text as a title, empty where it is a date, a button, a weekday, a sentence or a number."""
    stripped = text.strip(_EDGES)
    bare = _without_dates(stripped, clock)
    words = re.findall(r"[^\W\d_]{2,}", bare)
    if not words or len(bare) > MAX_TITLE or _NOT_A_TITLE.match(bare) or _NOT_A_TITLE.match(stripped):
        return ""
    if all(_is_date_word(word) for word in words):
        return ""
    return stripped if len(bare) > len(stripped) * 0.5 else bare


def _is_date_word(word: str) -> bool:
    from tripper_assets.extract.date_words import vocabulary  # noqa: PLC0415

    return vocabulary("").get(plain(word), ("", 0))[0] in {"M", "W"} or word.casefold() in {"at", "the", "from", "to", "of", "um", "uhr", "am", "pm"}


_ = replace
