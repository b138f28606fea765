"""iCalendar feeds as drafts of activities; a broken event is a problem and never loses the others."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from icalendar import Calendar
from icalendar.cal import Component

from tripper_assets.domain.activities import ImageObject, Organizer, Place
from tripper_assets.domain.model import Problem
from tripper_assets.extract.addresses import place_from_text
from tripper_assets.extract.calendar_rules import Walk, rule_text, schedules
from tripper_assets.extract.calendar_values import UNREADABLE, attribute, end_of, text_of, when
from tripper_assets.extract.clock import Clock, zone
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.page import absolute
from tripper_assets.extract.places import geo_of
from tripper_assets.extract.statuses import status_in
from tripper_assets.extract.texts import MAX_DESCRIPTION, MAX_NAME, clipped, decode, plain_text

MAX_EVENTS = 5_000
_EDGE = re.compile(r"^(BEGIN|END):(VTIMEZONE|VEVENT)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_ZONE = re.compile(r"^X-WR-TIMEZONE[^:\r\n]{0,100}:([^\r\n]{1,80})", re.MULTILINE | re.IGNORECASE)
_CANCELLED_CALENDAR = re.compile(r"^METHOD:CANCEL\s*$", re.MULTILINE | re.IGNORECASE)
MAX_HEAD = 20_000
"""Characters in which a calendar states what holds for all its events."""
_STATUSES = {"CANCELLED": "EventCancelled", "CONFIRMED": "EventScheduled"}


def calendar_drafts(body: bytes, url: str, clock: Clock) -> tuple[list[Draft], list[Problem]]:
    """Return a draft for each event of the calendars in ``body``, and a problem for each that could not be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # icalendar warns of what it guesses and mends
        return _calendar_drafts(decode(body, "text/calendar; charset=utf-8").replace("\x00", ""), url, clock)


def _calendar_drafts(text: str, url: str, clock: Clock) -> tuple[list[Draft], list[Problem]]:
    events, broken = _events(text)
    walk, clock = Walk(), _with_zone_of(text, clock)
    moved, series = _moved(events), _series(events)
    is_cancelled = _CANCELLED_CALENDAR.search(text[:MAX_HEAD]) is not None
    drafts, problems = [], [Problem(code="calendar_broken", subject=url, message=message) for message in broken]
    for event in events[:MAX_EVENTS]:
        try:
            draft = _draft(event, series.get(text_of(event, "UID"), event), url, clock, moved, walk)
        except UNREADABLE as error:
            problems.append(Problem(code="calendar_event_broken", subject=url, message=_sentence(error)))
            continue
        if draft is None:
            problems.append(
                Problem(
                    code="calendar_event_incomplete", subject=url, message="An event states no summary or no start."
                )
            )
        else:
            draft.put("eventStatus", "EventCancelled" if is_cancelled else None, "METHOD:CANCEL")
            drafts.append(draft)
    if walk.left_out:
        message = f"{walk.left_out} rules of the calendar go back too far, or never come; only the first day of each was read."
        problems.append(Problem(code="calendar_rules_left_out", subject=url, message=message))
    return drafts, problems


def _with_zone_of(text: str, clock: Clock) -> Clock:
    """Return the clock with the zone that the calendar states for times without one; UTC is what programs write that know none."""
    stated = _ZONE.search(text[:MAX_HEAD])
    local = zone(stated[1].strip()) if stated and not stated[1].strip().upper().endswith(("UTC", "GMT")) else None
    return replace(clock, local=local) if local is not None else clock


def _series(events: Sequence[Component]) -> dict[str, Component]:
    """Return the event of each id that the changed occurrences of its series belong to."""
    return {
        text_of(event, "UID"): event for event in reversed(events) if "RECURRENCE-ID" not in event and "UID" in event
    }


def _sentence(error: Exception) -> str:
    return f"A part of the calendar could not be read: {plain_text(str(error))[:150] or type(error).__name__}."


def _events(text: str) -> tuple[list[Component], list[str]]:
    """Return the events of the whole document, or else those that can be read one by one with the document's zones.

    A calendar that is cut before its end is no error to icalendar, and has no events either.
    """
    zones, texts, begun = _pieces(text)
    try:
        found = [event for calendar in Calendar.from_ical(text, multiple=True) for event in calendar.walk("VEVENT")]
        if len(found) >= begun:
            return found, []
        whole = ""
    except UNREADABLE as error:
        whole = _sentence(error)
    events, broken = [], [whole] if whole else []
    for part in texts[:MAX_EVENTS]:
        found, sentence = _event(part, zones)
        events += found
        broken += sentence
    if len(events) < min(begun, MAX_EVENTS) and not broken:
        broken.append(f"The calendar is cut: {len(events)} of its {begun} events could be read.")
    return events, broken


def _pieces(text: str) -> tuple[str, list[str], int]:
    """Return the text of all zones, the texts of the events, and how many events begin.

    One pass, as a regular expression would look for each missing end anew. An event in which the document ends is its whole lines.
    """
    begins: dict[str, int] = {}
    zones, events, begun = list[str](), list[str](), 0
    for edge in _EDGE.finditer(text):
        kind = edge[2].upper()
        if edge[1].upper() == "BEGIN":
            begun += kind == "VEVENT"
            begins[kind] = edge.start()
        elif kind in begins:
            (events if kind == "VEVENT" else zones).append(text[begins.pop(kind) : edge.end()])
    if "VEVENT" in begins:
        events.append(f"{text[begins['VEVENT'] :].rpartition(chr(10))[0]}\r\nEND:VEVENT\r\n")
    return "\r\n".join(zones), events, begun


def _event(text: str, zones: str) -> tuple[list[Component], list[str]]:
    sentence = ""
    for inside in dict.fromkeys((zones, "")):
        try:
            calendar = Calendar.from_ical(
                f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-\r\n{inside}\r\n{text}\r\nEND:VCALENDAR\r\n"
            )
            return list(calendar.walk("VEVENT")), []
        except UNREADABLE as error:
            sentence = _sentence(error)
    return [], [sentence]


def _moved(events: Sequence[Component]) -> dict[str, list[str]]:
    """Return the days of each series that another event of the same id replaces."""
    found: dict[str, list[str]] = {}
    for event in events:
        moved = when(event, "RECURRENCE-ID")
        if moved is not None:
            found.setdefault(text_of(event, "UID"), []).append(moved.isoformat()[:10])
    return found


def _draft(
    event: Component, series: Component, url: str, clock: Clock, moved: dict[str, list[str]], walk: Walk
) -> Draft | None:
    """Return what an event states; a changed occurrence is called as its series is, and begins when it was to begin, where it says nothing else."""
    name = clipped(text_of(event, "SUMMARY") or text_of(series, "SUMMARY"), MAX_NAME)
    start = when(event, "DTSTART") or when(event, "RECURRENCE-ID")
    if not name or start is None:
        return None
    draft = Draft("ics")
    draft.put("name", name)
    draft.put("identifier", clipped(text_of(event, "UID"), 300))
    draft.put("url", absolute(text_of(event, "URL") or text_of(series, "URL"), url))
    descriptions = (text_of(one, name) for one in (event, series) for name in ("DESCRIPTION", "X-ALT-DESC"))
    draft.put("description", clipped(next(filter(None, descriptions), ""), MAX_DESCRIPTION))
    draft.put("startDate", clock.iso(start), f"DTSTART {start}")
    end = end_of(event, start)
    if end is not None and end != start:
        draft.put("endDate", clock.iso(end), f"DTEND {end}")
    draft.put("eventStatus", status_in(name), name)
    draft.put("eventStatus", _STATUSES.get(text_of(event, "STATUS").upper()))
    draft.put("category", tuple(dict.fromkeys(word for word in _categories(event) if word))[:50])
    with suppress(*UNREADABLE):  # a rule that cannot be read leaves the first occurrence, which the event states
        draft.put("eventSchedule", schedules(event, start, clock, moved, walk), rule_text(event))
    _put_where(draft, event if "LOCATION" in event or "GEO" in event else series)
    _put_images(draft, event, url)
    return draft


def _categories(event: Component) -> Iterator[str]:
    value = event.get("CATEGORIES")
    for item in value if isinstance(value, list) else [value]:
        for category in getattr(item, "cats", []):
            yield clipped(plain_text(str(category)), 100)


def _put_where(draft: Draft, event: Component) -> None:
    location, geo = clipped(text_of(event, "LOCATION"), MAX_NAME), event.get("GEO")
    point = geo_of({"latitude": attribute(geo, "latitude"), "longitude": attribute(geo, "longitude")})
    point = point or geo_of(text_of(event, "X-APPLE-STRUCTURED-LOCATION").removeprefix("geo:"))
    place = place_from_text(location) or (Place() if point else None)
    if place is not None:
        draft.put("location", place.model_copy(update={"geo": point}), location or str(point))
    elif location.startswith(("http:", "https:")) or "CONFERENCE" in event:
        draft.put("eventAttendanceMode", "OnlineEventAttendanceMode", location or "CONFERENCE")
    organizer = event.get("ORGANIZER")
    name = plain_text(str(getattr(organizer, "params", {}).get("CN", ""))) if organizer is not None else ""
    if name and "@" not in name:
        draft.put("organizer", Organizer(name=clipped(name, MAX_NAME)), name)


def _put_images(draft: Draft, event: Component, url: str) -> None:
    """IMAGE is a picture by its name (RFC 7986), ATTACH one by its stated type."""
    for name in ("IMAGE", "ATTACH"):
        stated = event.get(name)
        for item in stated if isinstance(stated, list) else [stated]:
            kind = str(getattr(item, "params", {}).get("FMTTYPE", "")) if item is not None else ""
            is_picture = kind.startswith("image/") or (name == "IMAGE" and item is not None and not kind)
            image = absolute(str(item), url) if is_picture else ""
            if image:
                draft.put("image", (ImageObject(sourceUrl=image),), image)
