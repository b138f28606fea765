"""Repeated blocks of a list page: for each stated day the block around it, with the title, time, link and image that stand in it."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time

from tripper_assets.domain.identity import fold
from tripper_assets.domain.model import Problem
from tripper_assets.extract.ages import find_ages
from tripper_assets.extract.block_places import block_place, page_place
from tripper_assets.extract.blocks import Line, ancestors
from tripper_assets.extract.clock import Clock
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.facts import is_label, label_kind
from tripper_assets.extract.list_names import introduced_name, says_nothing, telling_title
from tripper_assets.extract.listing_days import (
    MAX_CLIMB,
    PUBLISHED,
    DatedLine,
    Marked,
    best_of_blocks,
    calls_itself_programme,
    dated_lines,
    find_blocks,
    is_for_families,
    looks_like_events,
    plain_dates,
    without_archive,
)
from tripper_assets.extract.listing_rules import FEWEST, RuleLine, rule_lines, without_rules
from tripper_assets.extract.listing_titles import (
    CLOSED,
    DOCUMENT,
    PLACE_REST,
    TERM,
    clean_title,
    column_header,
    first_time,
    parts_without_dates,
)
from tripper_assets.extract.machine_times import stated_times
from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.pictures import block_picture
from tripper_assets.extract.prices import find_prices, is_free
from tripper_assets.extract.statuses import may_state_status, status_in
from tripper_assets.extract.texts import MAX_DESCRIPTION, MAX_NAME, clipped, holds_one

MAX_BLOCKS = 2_000
LONG_TEXT = 400
SENTENCE = 60
MAX_HEADING_WORDS = 6
_TERM_WORDS = re.compile(
    r"\b(?:free|gratis|kostenlos|frei|gratuit|gratuito|libre|libero|per|pro|par|por|child(?:ren)?|adults?|kind(?:er)?|person(?:en)?|enfants?|personnes?|"
    r"ni[nñ]os?|bambin[io]|entry|entrada|eintritt|entr[ée]e|ingresso|toegang|ages?|aged|and|und|et|for|f[üu]r|under|up|family|families)\b",
    re.IGNORECASE,
)
MAX_LABEL = 30
"""Characters before a colon; what begins three lines of a page so is a label, whatever it says."""
_TITLE_COLUMN = re.compile(
    r"\b(?:name|title|event|activity|subject|what|veranstaltung|titel|was|nom|titre|quoi|titulo|nombre|nome|titolo|naam|activiteit)\b",
    re.IGNORECASE,
)
_TERM_COLUMN = re.compile(r"\b(?:term|expir\w+|appointed|published|posted|updated|deadline)\b", re.IGNORECASE)
_HELD_AT = re.compile(
    r"\b(?:(?:meetings?|hearings?|sessions?|events?|commission|board|committee|classes)\b.{0,120}\b(?:at|from|begins?|starts?)|all .{0,60}\bat|beginn|jeweils um)\b[^.\d]{0,20}",
    re.IGNORECASE,
)
_HELD_CUES = (
    "meeting", "hearing", "session", "event", "commission", "board", "committee", "classes", "all ", "beginn", "jeweils",
)  # fmt: skip
"""One of these is in every text in which the expression above finds something."""


def listing_drafts(lines: list[Line], page: Page, clock: Clock, title: str) -> tuple[list[Draft], list[Problem]]:
    """Return a draft for each block with a title and a stated day; none where the page does not look like a list of activities.

    A problem counts the entries that were left out as the archive of a long list.
    """
    dated, problems = _listed_days(lines, page, clock, title)
    find_blocks(dated, lines)
    rules = rule_lines(lines, dated)
    blocks = {one.block.mem_id for one in dated if one.block}
    free = [one for one in rules if not any(node.mem_id in blocks for node in ancestors(lines[one.index].node))]
    if not dated and not free:
        return [], problems
    # Counters, bins and buses have rules too.
    if (
        free
        and not dated
        and not calls_itself_programme(free[0].index, lines, page, title)
        and not is_for_families(lines)
    ):
        free = [one for one in free if introduced_name(one.text)]
    if free:
        find_blocks([*dated, *free], lines)
    reader = _Blocks(lines, page, clock, title, dated, rules, free)
    drafts: dict[tuple[str, str], list[Draft]] = {}
    for one in best_of_blocks(dated)[:MAX_BLOCKS]:
        draft = reader.draft(one)
        if draft is not None:
            alike = drafts.setdefault((fold(draft.get("name")), draft.get("startDate")), [])
            if all(_elsewhere(draft, other) for other in alike):
                alike.append(draft)
    kept = [draft for alike in drafts.values() for draft in alike if not reader.is_nameless(draft)]
    kept = kept if not kept or _is_list(kept, title) else []
    return [*kept, *_recurring(reader, free, beside=bool(kept))], problems if kept or free else []


def _elsewhere(one: Draft, other: Draft) -> bool:
    """Return whether two of one name and one start are two all the same, as they take place elsewhere."""
    places = [draft.values.get("location") for draft in (one, other)]
    return None not in places and places[0] != places[1]


def _listed_days(lines: list[Line], page: Page, clock: Clock, title: str) -> tuple[list[DatedLine], list[Problem]]:
    dated = dated_lines(lines, clock)
    if len({one.day for one in dated}) < 2 or not looks_like_events(dated, lines, page, clock, title):  # noqa: PLR2004 (a list has two)
        return [], []
    return without_archive(plain_dates(dated, clock), clock, page.url)


def _recurring(reader: "_Blocks", rules: list[RuleLine], *, beside: bool) -> list[Draft]:
    """Return a draft for each activity that only rules are stated of; the rules of one name are one activity's."""
    named: dict[str, Draft] = {}
    for one in rules[:MAX_BLOCKS]:
        draft = reader.rule_draft(one)
        if draft is None:
            continue
        known = named.setdefault(fold(draft.get("name")), draft)
        if known is not draft:
            known.replace(
                "eventSchedule", (*known.values["eventSchedule"], *draft.values["eventSchedule"]), one.text, "listing"
            )
    return list(named.values()) if beside or len(named) >= FEWEST or reader.introduced else []


def _is_other_column(header: str) -> bool:
    """Return whether a column is headed as that of places, times, prices or ages: "Location", "Principal location"."""
    words = header.split()
    return bool(words) and bool(label_kind(header) or label_kind(words[-1]))


def says_terms(text: str) -> bool:
    """Return whether a text says what something costs and for whom, and nothing else: "Free, ages 0-2.", "£3 per child"."""
    if not find_ages(text) and not find_prices(text) and not is_free(text):
        return False
    spans = sorted(
        [*((one.begin, one.stop) for one in find_ages(text)), *((one.begin, one.stop) for one in find_prices(text))]
    )
    rest, at = "", 0
    for begin, stop in spans:
        rest, at = rest + text[at:begin], max(at, stop)
    return not re.search(r"[^\W\d_]{3,}", _TERM_WORDS.sub(" ", rest + text[at:]))


def _may_head(line: Line) -> bool:
    """Return whether a line that is no heading may name what stands below it: a few words, no sentence, label, link or column's head."""
    words = line.text.split()
    plain_text = not line.heading and not line.links and line.node.tag != "th" and line.text[-1] not in ".!?:,"
    return plain_text and len(words) <= MAX_HEADING_WORDS and not is_label(line)


def _is_list(drafts: list[Draft], title: str) -> bool:
    """Two days that only the page's own title names, without a time, are when it was written and until when it stays."""
    few = len(drafts) < 3  # noqa: PLR2004 (a list has more)
    return not (few and all(draft.get("name") == title and "T" not in draft.get("startDate") for draft in drafts))


class _Blocks:
    """Reads the blocks of one page."""

    def __init__(
        self,
        lines: list[Line],
        page: Page,
        clock: Clock,
        title: str,
        dated: list[DatedLine],
        rules: list[RuleLine],
        free: list[RuleLine],
    ) -> None:
        self.lines, self.page, self.clock = lines, page, clock
        self.title, self.title_source = telling_title(title, page, lines)
        self.dated_lines = {one.index for one in dated}
        # Two times of one rule are one statement.
        stated = {(one.index, one.span.begin) for one in dated} | {(one.index, one.begin) for one in free}
        self.days_in_line = Counter(index for index, _ in stated)
        self.rules: dict[int, list[RuleLine]] = {}
        for rule in rules:
            self.rules.setdefault(id(lines[rule.index]), []).append(rule)
        self.introduced = 0
        blocks = {one.block.mem_id for one in [*dated, *free] if one.block}
        self.members: dict[int, list[Line]] = {}
        for line in lines:
            block = next((node.mem_id for node in ancestors(line.node, MAX_CLIMB) if node.mem_id in blocks), None)
            if block is not None:
                self.members.setdefault(block, []).append(line)
        self.repeated = Counter(fold(line.text) for line in lines if line.heading)
        labels = Counter(line.text.partition(":")[0] for line in lines if ":" in line.text[:MAX_LABEL])
        self.labels = {label for label, count in labels.items() if count > 2}  # noqa: PLR2004 (twice may be chance)
        self.made, self.borrowed = 0, set[int]()
        self.has_columns = page.tree.css_first("th") is not None
        self.page_time = self._time_for_all()
        in_blocks = self.in_blocks = {id(line) for inside in self.members.values() for line in inside}
        first = min((one.index for one in [*dated, *free]), default=0)
        above = sum(id(line) not in in_blocks for line in lines[:first])
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
            or (self.has_columns and _TERM_COLUMN.search(column_header(self.lines[one.index].node)))
            or self._is_document(one, inside, name)
        ):
            return None
        draft = Draft("listing")
        draft.put("name", clipped(name, MAX_NAME), evidence)
        self.made += 1
        if all(evidence not in line.text for line in inside):
            self.borrowed.add(id(draft))
        self._put_times(draft, one, self.lines[one.index], inside)
        self._put_rule(draft, one, inside)
        self._put_link(draft, inside, name)
        self._put_details(draft, one, inside)
        return draft

    def rule_draft(self, one: RuleLine) -> Draft | None:
        """Return what a block states whose only time is a rule; None where nothing of its own names it."""
        inside = self.members.get(one.block.mem_id if one.block else 0, []) or [self.lines[one.index]]
        subject = introduced_name(one.text)
        name, evidence = (subject, one.text) if subject else self._name(one, inside)
        if not name or TERM.search(one.text):
            return None
        self.introduced += bool(subject)
        draft = Draft("listing")
        draft.put("name", clipped(name, MAX_NAME), evidence)
        draft.put("eventSchedule", (one.schedule,), one.text[one.begin : one.stop])
        self._put_link(draft, inside, name)
        self._put_details(draft, one, inside)
        return draft

    def _put_rule(self, draft: Draft, one: DatedLine, inside: list[Line]) -> None:
        """Put the rule that a dated block states, from its first day to its last."""
        stated = [rule for line in inside for rule in self.rules.get(id(line), [])]
        if not stated or not self._is_alone(one):
            return
        first, last = draft.get("startDate")[:10], draft.get("endDate")[:10]
        until = {"endDate": last} if last > first else {}
        schedules = tuple(rule.schedule.model_copy(update={"startDate": first, **until}) for rule in stated)
        draft.put("eventSchedule", schedules, stated[0].text[stated[0].begin : stated[0].stop])

    def _is_document(self, one: DatedLine, inside: list[Line], name: str) -> bool:
        """A dated file that passed without a time of day is a publication."""
        if one.timed or one.day >= self.clock.now.date().isoformat():
            return False
        own = [href for other in inside for text, href in other.links if fold(text) and fold(name) in fold(text)]
        return bool(own) and all(DOCUMENT.search(href) for href in own)

    def _name(self, one: Marked, inside: list[Line]) -> tuple[str, str]:
        """The block's heading, its first link or bold text, the rest of a dated line, the first line beside it; else the heading above."""
        for text in self._possible_names(one, inside):
            name = clean_title(text, self.clock)
            if name and not label_kind(name) and not CLOSED.search(name) and not says_terms(name):
                return name, text
        return self._heading_above(one.index)

    def _possible_names(self, one: Marked, inside: list[Line]) -> Iterator[str]:
        """Yield what may name a block, the best first; each is only looked for where none before it does."""
        yield from sorted((other.text for other in inside if other.heading), key=self._is_everywhere)
        # A byline names who wrote it, and a column of places or times names neither.
        headers = {id(other): column_header(other.node) if self.has_columns else "" for other in inside}
        inside = [
            other
            for other in inside
            if not PUBLISHED.search(other.text[:SENTENCE]) and not _is_other_column(headers[id(other)])
        ]
        yield from (other.text for other in inside if _TITLE_COLUMN.search(headers[id(other)]))
        yield from (text for other in inside for text, _ in other.links)
        bold = (other.strong for other in inside if other.strong and not label_kind(other.strong))
        yield from (text for text in bold if text.rstrip(" :") not in self.labels)
        if self._is_alone(one):
            yield from self._rests(inside)

    def _rests(self, inside: list[Line]) -> Iterator[str]:
        """Yield what the lines say beside their dates, times and rules."""
        for other in inside:
            labelled = ":" in other.text[:MAX_LABEL] and other.text.partition(":")[0] in self.labels
            if len(other.text) <= LONG_TEXT and not labelled and not is_label(other):
                for part in without_rules(other.text, self.rules.get(id(other), [])):
                    yield from (rest for rest in parts_without_dates(part, self.clock) if not PLACE_REST.match(rest))

    def _is_everywhere(self, text: str) -> bool:
        """A heading that stands in most blocks, such as the organiser's, tells them apart least."""
        return self.repeated[fold(text)] > max(2, len(self.members) / 2)

    def _heading_above(self, index: int) -> tuple[str, str]:
        level, below = 7, ""
        for line in reversed(self.lines[max(0, index - 400) : index]):
            if below == "block" and id(line) not in self.in_blocks and _may_head(line):
                name = clean_title(line.text, self.clock)
                if name and not says_nothing(name):
                    return name, line.text
            below = "block" if id(line) in self.in_blocks else "other"
            if line.heading and line.heading < level:
                name = clean_title(line.text, self.clock)
                if name and not says_nothing(name) and not label_kind(name):
                    return name, line.text
                level = line.heading
        return self.title, self.title_source

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

    def _is_alone(self, one: Marked) -> bool:
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
            is_asked = index not in self.dated_lines and holds_one(line.text.lower(), _HELD_CUES)
            match = _HELD_AT.search(line.text) if is_asked else None
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

    def _put_details(self, draft: Draft, one: Marked, inside: list[Line]) -> None:
        whole = " · ".join(other.text for other in inside)
        text = whole[:2_000]
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
            ages[0].range if ages else None,
            text[ages[0].begin : ages[0].stop] if ages else "",
        )
        offers = tuple(price.offer for price in prices[:10])
        draft.put("offers", offers, text[prices[0].begin : prices[-1].stop] if prices else "")
        draft.put("isAccessibleForFree", True if not offers and is_free(text) else None, "free")
        if self._is_alone(one):
            told = next((line.text for line in inside if status_in(line.text)), "") if may_state_status(whole) else ""
            draft.put("eventStatus", status_in(told), told)
        images = block_picture(one.block, self.page.base) if one.block is not None else ()
        draft.put("image", images, images[0].sourceUrl if images else "")
        draft.put("inLanguage", self.page.language)
