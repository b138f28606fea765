"""When the activity of a text page takes place: labelled days, <time> elements, days in words, and weekly rules."""

import re
from datetime import date, datetime

from selectolax.lexbor import LexborNode

from tripper_assets.extract.blocks import Line, read_lines
from tripper_assets.extract.clock import Clock, parse_iso
from tripper_assets.extract.dates import DateSpan, find_dates
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.facts import labelled_lines
from tripper_assets.extract.hours import DAYS, hours_in
from tripper_assets.extract.listing_rules import is_house, not_of_hours
from tripper_assets.extract.listing_titles import DOCUMENT, TERM, column_header, first_time
from tripper_assets.extract.machine_times import StatedTimes, stated_times
from tripper_assets.extract.page import Page
from tripper_assets.extract.page_titles import main_content
from tripper_assets.extract.recurrences import find_recurrence

_PUBLISHED = re.compile(
    r"publish|posted|updated|modified|entry-date|post-date|byline|created|veröffentlicht|aktualisiert|stand:|©|copyright",
    re.IGNORECASE,
)
MAX_SCANNED = 60
SHORT_LINE = 120
MAX_DAYS = 2
MAX_OCCURRENCES = 200
LONGEST_ROW = 200
# A page without one of these is not read for a rule.
EVERY = (
    "very ",
    "ach ",
    "eekly ",
    "ede ",
    "eden ",
    "eder ",
    "edes ",
    "haque ",
    "ous les ",
    "outes les ",
    "ada ",
    "odos los ",
    "gni ",
    "utti i ",
    "lke ",
    "edere ",
)


def put_when(draft: Draft, page: Page, clock: Clock, lines: list[Line], facts: dict[str, list[str]]) -> None:
    """Put start, end, weekly rule and opening hours: labelled ones first, then what <time> elements and the text state."""
    for text in facts.get("when", []):
        together = f"{text}, {facts['time'][0]}" if facts.get("time") else text
        if _put_span(draft, together, clock):
            break
    _put_time_elements(draft, page, clock, lines)
    if not draft.get("startDate"):
        _put_first_date(draft, page, clock, lines, facts)
    _put_recurrence(draft, lines, facts)
    hours = [hours for text in facts.get("hours", []) for hours in hours_in(text)]
    if not hours and facts.get("hours") is not None:
        hours = [found for line in lines for found in hours_in(line.text) if len(line.text) < 120]  # noqa: PLR2004 (hours are short)
    draft.put("openingHoursSpecification", tuple(dict.fromkeys(hours)), "; ".join(facts.get("hours", [])))


def _put_recurrence(draft: Draft, lines: list[Line], facts: dict[str, list[str]]) -> None:
    """Put the weekly rule, from the stated start on; the end of its time is that day's end too."""
    short = [
        line.text for _, line in not_of_hours(lines[:MAX_SCANNED]) if len(line.text) < SHORT_LINE and not line.heading
    ]
    start = draft.get("startDate")
    begin = parse_iso(start)
    for text in [*facts.get("when", []), *facts.get("time", []), *short]:
        rule = find_recurrence(text)
        # A rule that leaves out the day that is stated is another's, or the hours of the house.
        if rule is None or is_house(rule):
            continue
        if begin and rule.byDay and not any(DAYS[begin.weekday()] in day for day in rule.byDay):
            continue
        if rule.startTime or "T" in start:
            last = max(draft.get("endDate")[:10], start[:10])
            until = {"endDate": last} if last != start[:10] else {}
            since = {"startDate": start[:10]} if start else {}
            rule = rule.model_copy(update={"startTime": rule.startTime or start[11:16], **since, **until})
            draft.put("eventSchedule", (rule,), text)
        if start[11:16] == rule.startTime and rule.endTime > rule.startTime:
            draft.put("endDate", f"{start[:11]}{rule.endTime}{start[16:]}", text)
        return


def put_shown_rule(draft: Draft, page: Page) -> None:
    """Put the weekly rule that a page shows beside markup that states one occurrence, where both agree on its day and hour."""
    start = parse_iso(draft.get("startDate"))
    if "eventSchedule" in draft.values or not isinstance(start, datetime) or not any(one in page.text for one in EVERY):
        return
    for line in read_lines(main_content(page)):
        rule = find_recurrence(line.text) if len(line.text) < SHORT_LINE and not line.heading else None
        if rule is not None and DAYS[start.weekday()] in rule.byDay and rule.startTime in {"", f"{start:%H:%M}"}:
            stated = {"startTime": f"{start:%H:%M}", "startDate": f"{start:%Y-%m-%d}"}
            draft.put("eventSchedule", (rule.model_copy(update=stated),), line.text, "text")
            return


def stated_days(text: str, clock: Clock) -> list[DateSpan]:
    """Return the spans that state a day beyond doubt."""
    return [span for span in find_dates(text, now=clock.now, language=clock.language) if span.kind == "day"]


def _put_span(draft: Draft, text: str, clock: Clock) -> bool:
    spans = stated_days(text, clock)
    if not spans:
        return False
    draft.put("startDate", clock.iso(spans[0].start), text)
    draft.put("endDate", clock.iso(spans[0].end) if spans[0].end else "", text)
    return True


def _put_time_elements(draft: Draft, page: Page, clock: Clock, lines: list[Line]) -> None:
    """Take the first <time> that is no date of publication, and the second of the same line as the end; a stated offset holds."""
    published = page.meta.get("article:published_time", "")[:10]
    for line in lines:
        if not line.times or _PUBLISHED.search(line.text) or _is_published(line.node):
            continue
        values = {
            text: value
            for text in line.times
            if (value := parse_iso(text)) is not None and (not published or value.isoformat()[:10] != published)
        }
        if not values:
            continue
        if draft.get("startDate"):
            _join_times(draft, list(values), clock)
            return
        for name, (text, value) in zip(("startDate", "endDate"), values.items(), strict=False):
            draft.put(name, clock.iso(value), text, "time")
        return


def _join_times(draft: Draft, times: list[str], clock: Clock) -> None:
    shown = [_wall(parse_iso(draft.get(name))) for name in ("startDate", "endDate")]
    if shown[0] is None:
        return
    stated = stated_times(shown[0], shown[1], times, clock)
    if not stated.evidence:
        return
    draft.replace("startDate", stated.start, stated.evidence, "time")
    if stated.end != draft.get("endDate"):
        draft.replace("endDate", stated.end, times[-1], "time")


def _wall(value: date | datetime | None) -> date | datetime | None:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def stated_occurrences(draft: Draft, lines: list[Line], facts: dict[str, list[str]], clock: Clock) -> list[Draft]:
    """Return a draft for each occurrence that the labelled times state; the draft alone where they state one, or a rule."""
    if "eventSchedule" in draft.values or not facts.get("when"):
        return [draft]
    rows = _rows(labelled_lines(lines, "when"), facts, clock)
    if len(rows) < 2 or draft.get("startDate")[:10] not in {start[:10] for start in rows}:  # noqa: PLR2004 (one is the draft's own)
        return [draft]
    return [_copy(draft, *row) for row in list(rows.values())[:MAX_OCCURRENCES]]


def _rows(lines: list[Line], facts: dict[str, list[str]], clock: Clock) -> dict[str, tuple[StatedTimes, str]]:
    """Return the stated occurrences by their start; a time of day stated once holds for all days without one."""
    for_all = first_time(facts["time"][0]) if facts.get("time") else None
    rows: dict[str, tuple[StatedTimes, str]] = {}
    for line in lines:
        for span in stated_days(line.text, clock):
            start, end = span.start, span.end
            if for_all and not isinstance(start, datetime) and end is None:
                end = datetime.combine(start, for_all[1]) if for_all[1] and for_all[1] > for_all[0] else None
                start = datetime.combine(start, for_all[0])
            day = start.isoformat()[:10]
            times = [text for text in line.times if (value := parse_iso(text)) and value.isoformat()[:10] == day]
            stated = stated_times(start, end, times, clock)
            rows.setdefault(stated.start, (stated, line.text))
    return rows


def _copy(draft: Draft, stated: StatedTimes, text: str) -> Draft:
    copy = Draft(draft.method, dict(draft.values), dict(draft.found))
    method = "time" if stated.evidence else draft.method
    copy.replace("startDate", stated.start, stated.evidence or text, method)
    copy.replace("endDate", stated.end, text, method)
    return copy


def _is_published(node: LexborNode) -> bool:
    current: LexborNode | None = node
    for _ in range(3):
        if current is None:
            return False
        if _PUBLISHED.search(
            f"{current.attributes.get('class') or ''} {current.attributes.get('id') or ''} {current.attributes.get('itemprop') or ''}"[
                :300
            ]
        ):
            return True
        current = current.parent
    return False


def _put_first_date(draft: Draft, page: Page, clock: Clock, lines: list[Line], facts: dict[str, list[str]]) -> None:
    """Take the first stated day after the title, with the time of day beside or behind it; of many days none is the page's."""
    published = page.meta.get("article:published_time", "")[:10]
    begin = next((index for index, line in enumerate(lines) if line.heading == 1), 0)
    stated: list[tuple[Line, str]] = []
    for line in lines[begin : begin + MAX_SCANNED]:
        spans = [] if _PUBLISHED.search(line.text) or _is_published(line.node) else stated_days(line.text, clock)
        days = [span.start.isoformat()[:10] for span in spans]
        files = [href for _, href in line.links if DOCUMENT.search(href)]
        if not files and not TERM.search(f"{line.text} {column_header(line.node)}"):
            stated += [(line, day) for day in days if day != published]
    if stated and len({day for _, day in stated}) <= MAX_DAYS:
        text = stated[0][0].text
        _put_span(
            draft, f"{text}, {facts['time'][0]}" if facts.get("time") and len(text) < LONGEST_ROW else text, clock
        )
