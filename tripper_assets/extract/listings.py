"""Repeated blocks of a list page: for each stated day the block around it, with the title, time, link and image that stand in it."""

import re
from collections import Counter
from datetime import datetime, time

from tripper_assets.domain.activities import AgeRange, ImageObject, Offer
from tripper_assets.domain.identity import fold
from tripper_assets.domain.model import Problem
from tripper_assets.extract.ages import find_ages
from tripper_assets.extract.block_places import block_place, page_place
from tripper_assets.extract.blocks import Line, ancestors
from tripper_assets.extract.clock import Clock
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.facts import is_label, label_kind
from tripper_assets.extract.listing_days import (
    MAX_CLIMB,
    PUBLISHED,
    DatedLine,
    best_of_blocks,
    dated_lines,
    find_blocks,
    looks_like_events,
    plain_dates,
    without_archive,
)
from tripper_assets.extract.listing_titles import (
    CLOSED,
    DOCUMENT,
    GENERIC,
    PLACE_REST,
    TERM,
    clean_title,
    column_header,
    first_time,
    parts_without_dates,
)
from tripper_assets.extract.machine_times import stated_times
from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.prices import find_prices, is_free
from tripper_assets.extract.texts import MAX_DESCRIPTION, MAX_NAME, clipped

MAX_BLOCKS = 2_000
LONG_TEXT = 400
SENTENCE = 60
_CANCELLED = re.compile(r"\b(?:cancell?ed|abgesagt|annulé|cancelado|annullato|geannuleerd|fällt aus)\b", re.IGNORECASE)
_POSTPONED = re.compile(r"\b(?:postponed|verschoben|reporté|aplazado|rinviato|uitgesteld)\b", re.IGNORECASE)
_TITLE_COLUMN = re.compile(
    r"\b(?:name|title|event|activity|subject|what|veranstaltung|titel|was|nom|titre|quoi|titulo|nombre|nome|titolo|naam|activiteit)\b",
    re.IGNORECASE,
)
_TERM_COLUMN = re.compile(r"\b(?:term|expir\w+|appointed|published|posted|updated|deadline)\b", re.IGNORECASE)
_HELD_AT = re.compile(
    r"\b(?:(?:meetings?|hearings?|sessions?|events?|commission|board|committee|classes)\b.{0,120}\b(?:at|from|begins?|starts?)|all .{0,60}\bat|beginn|jeweils um)\b[^.\d]{0,20}",
    re.IGNORECASE,
)


def listing_drafts(lines: list[Line], page: Page, clock: Clock, title: str) -> tuple[list[Draft], list[Problem]]:
    """Return a draft for each block with a title and a stated day; none where the page does not look like a list of activities.

    A problem counts the entries that were left out as the archive of a long list.
    """
    dated = dated_lines(lines, clock)
    if len({one.day for one in dated}) < 2 or not looks_like_events(dated, lines, page, clock, title):  # noqa: PLR2004 (a list has two)
        return [], []
    dated, problems = without_archive(plain_dates(dated, clock), clock, page.url)
    find_blocks(dated, lines)
    reader = _Blocks(lines, page, clock, title, dated)
    drafts: dict[tuple[str, str], Draft] = {}
    for one in best_of_blocks(dated)[:MAX_BLOCKS]:
        draft = reader.draft(one)
        if draft is not None:
            drafts.setdefault((fold(draft.get("name")), draft.get("startDate")), draft)
    drafts = {key: draft for key, draft in drafts.items() if not reader.is_nameless(draft)}
    return (list(drafts.values()), problems) if not drafts or _is_list(list(drafts.values()), title) else ([], [])


def _is_list(drafts: list[Draft], title: str) -> bool:
    """Two days that only the page's own title names, without a time, are when it was written and until when it stays."""
    few = len(drafts) < 3  # noqa: PLR2004 (a list has more)
    return not (few and all(draft.get("name") == title and "T" not in draft.get("startDate") for draft in drafts))


class _Blocks:
    """Reads the blocks of one page."""

    def __init__(self, lines: list[Line], page: Page, clock: Clock, title: str, dated: list[DatedLine]) -> None:
        self.lines, self.page, self.clock, self.title = lines, page, clock, title
        self.dated_lines = {one.index for one in dated}
        self.days_in_line = Counter(one.index for one in dated)
        blocks = {one.block.mem_id for one in dated if one.block}
        self.members: dict[int, list[Line]] = {}
        for line in lines:
            block = next((node.mem_id for node in ancestors(line.node)[:MAX_CLIMB] if node.mem_id in blocks), None)
            if block is not None:
                self.members.setdefault(block, []).append(line)
        self.repeated = Counter(fold(line.text) for line in lines if line.heading)
        self.made, self.borrowed = 0, set[int]()
        self.page_time = self._time_for_all()
        in_blocks = {id(line) for inside in self.members.values() for line in inside}
        above = sum(id(line) not in in_blocks for line in lines[: min(self.dated_lines, default=0)])
        self.page_place = page_place([line for line in lines if id(line) not in in_blocks], above, clock)

    def is_nameless(self, draft: Draft) -> bool:
        """Where most blocks name themselves, one that only a heading above names is the rest of another."""
        return id(draft) in self.borrowed and len(self.borrowed) * 3 < self.made

    def draft(self, one: DatedLine) -> Draft | None:
        """Return what one block states; None where nothing names it."""
        inside = self.members.get(one.block.mem_id if one.block else 0, []) or [self.lines[one.index]]
        if any(TERM.search(line.text) for line in inside if len(line.text) <= LONG_TEXT):
            return None
        named = [line.text for line in inside if line.heading] + [text for line in inside for text, _ in line.links]
        if any(CLOSED.search(text) for text in named):
            return None
        name, evidence = self._name(one, inside)
        if (
            not name
            or _TERM_COLUMN.search(column_header(self.lines[one.index].node))
            or self._is_document(one, inside, name)
        ):
            return None
        draft = Draft("listing")
        draft.put("name", clipped(name, MAX_NAME), evidence)
        self.made += 1
        if all(evidence not in line.text for line in inside):
            self.borrowed.add(id(draft))
        self._put_times(draft, one, self.lines[one.index], inside)
        self._put_link(draft, inside, name)
        self._put_details(draft, one, inside)
        return draft

    def _is_document(self, one: DatedLine, inside: list[Line], name: str) -> bool:
        """A dated file that passed without a time of day is a publication."""
        if one.timed or one.day >= self.clock.now.date().isoformat():
            return False
        own = [href for other in inside for text, href in other.links if fold(text) and fold(name) in fold(text)]
        return bool(own) and all(DOCUMENT.search(href) for href in own)

    def _name(self, one: DatedLine, inside: list[Line]) -> tuple[str, str]:
        """The block's heading, its first link or bold text, the rest of a dated line, the first line beside it; else the heading above."""
        headings = sorted((other.text for other in inside if other.heading), key=self._is_everywhere)
        inside = [
            other for other in inside if not PUBLISHED.search(other.text[:SENTENCE])
        ]  # a byline names who wrote it
        links = [text for other in inside for text, _ in other.links]
        strongs = [other.strong for other in inside if other.strong and not label_kind(other.strong)]
        short = (
            [other for other in inside if len(other.text) <= LONG_TEXT and not is_label(other)]
            if self.days_in_line[one.index] == 1
            else []
        )
        rests = [
            rest
            for other in short
            for rest in parts_without_dates(other.text, self.clock)
            if not PLACE_REST.match(rest)
        ]
        titled = [other.text for other in inside if _TITLE_COLUMN.search(column_header(other.node))]
        for text in [*headings, *titled, *links, *strongs, *rests]:
            name = clean_title(text, self.clock)
            if name:
                return name, text
        return self._heading_above(one.index)

    def _is_everywhere(self, text: str) -> bool:
        """A heading that stands in most blocks, such as the organiser's, tells them apart least."""
        return self.repeated[fold(text)] > max(2, len(self.members) / 2)

    def _heading_above(self, index: int) -> tuple[str, str]:
        level = 7
        for line in reversed(self.lines[max(0, index - 400) : index]):
            if line.heading and line.heading < level:
                name = clean_title(line.text, self.clock)
                if name and not GENERIC.fullmatch(fold(name)):
                    return name, line.text
                level = line.heading
        return self.title, self.title

    def _put_times(self, draft: Draft, one: DatedLine, line: Line, inside: list[Line]) -> None:
        span = one.span
        start, end = span.start, span.end
        if not isinstance(start, datetime) and end is None:
            clock_times = self._time_in(one, line, inside) or self.page_time
            if clock_times:
                start = datetime.combine(start, clock_times[0])
                end = (
                    datetime.combine(start.date(), clock_times[1])
                    if clock_times[1] and clock_times[1] > clock_times[0]
                    else None
                )
        machine = line.times or ([text for other in inside for text in other.times] if self._is_alone(one) else [])
        stated = stated_times(start, end, machine, self.clock)
        evidence, method = (
            (stated.evidence, "time") if stated.evidence else (one.text[span.begin : span.stop], "listing")
        )
        draft.put("startDate", stated.start, evidence, method)
        draft.put("endDate", stated.end, one.text[span.begin : span.stop])

    def _is_alone(self, one: DatedLine) -> bool:
        return self.days_in_line[one.index] == 1

    def _time_in(self, one: DatedLine, line: Line, inside: list[Line]) -> tuple[time, time | None] | None:
        if self._is_alone(one):
            ordered = [line, *(other for other in inside if other is not line)]
            for other in ordered:
                found = first_time(other.text) if len(other.text) <= LONG_TEXT else None
                if found:
                    return found
        return None

    def _time_for_all(self) -> tuple[time, time | None] | None:
        """The time that a sentence gives to all meetings of the page."""
        for index, line in enumerate(self.lines):
            match = _HELD_AT.search(line.text) if index not in self.dated_lines else None
            found = first_time(line.text[match.start() :]) if match else None
            if found:
                return found
        return None

    def _put_link(self, draft: Draft, inside: list[Line], name: str) -> None:
        links = [
            (text, url) for other in inside for text, href in other.links if (url := absolute(href, self.page.base))
        ]
        named = [url for text, url in links if fold(text) and (fold(text) in fold(name) or fold(name) in fold(text))]
        pages = [url for url in named if not DOCUMENT.search(url) and url != self.page.url]
        draft.put("url", pages[0] if pages else "")

    def _put_details(self, draft: Draft, one: DatedLine, inside: list[Line]) -> None:
        text = " · ".join(other.text for other in inside)[:2_000]
        place = block_place(inside, draft.get("name"), self.clock) or self.page_place
        draft.put("location", place[0] if place else None, place[1] if place else "")
        long = [
            other.text
            for other in inside
            if len(other.text) > SENTENCE and not other.heading and other is not self.lines[one.index]
        ]
        draft.put("description", clipped(long[0], MAX_DESCRIPTION) if long else "")
        ages, prices = find_ages(text), find_prices(text)
        draft.put(
            "ageRange",
            AgeRange(minValue=ages[0].minimum, maxValue=ages[0].maximum) if ages else None,
            text[ages[0].begin : ages[0].stop] if ages else "",
        )
        offers = tuple(Offer(name=price.name, price=price.price, priceCurrency=price.currency) for price in prices[:10])
        draft.put("offers", offers, text[prices[0].begin : prices[-1].stop] if prices else "")
        draft.put("isAccessibleForFree", True if not offers and is_free(text) else None, "free")
        status = "EventCancelled" if _CANCELLED.search(text) else "EventPostponed" if _POSTPONED.search(text) else None
        draft.put("eventStatus", status if self._is_alone(one) else None)
        image = one.block.css_first("img[src]") if one.block is not None else None
        source = absolute((image.attributes.get("src") or "") if image else "", self.page.base)
        draft.put("image", (ImageObject(sourceUrl=source),) if source else (), source)
        draft.put("inLanguage", self.page.language)
