"""schema.org nodes, from whatever markup, as drafts of activities: events, and the places that a page is about."""

import re
from datetime import date, timedelta
from typing import Any

from tripper_assets.domain.activities import AgeRange, Method
from tripper_assets.domain.model import Problem
from tripper_assets.extract.ages import OLDEST, find_ages
from tripper_assets.extract.clock import Clock, duration, parse_iso
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.hours import opening_hours
from tripper_assets.extract.jsonld import Node, short
from tripper_assets.extract.places import images_of, items, name_of, offers_of, organizer_of, place_of, text_of, url_of
from tripper_assets.extract.schema_subjects import EVENT_TYPES, PLACE_TYPES, events_among, is_event, main_place
from tripper_assets.extract.schemaorg_schedules import schedule_of
from tripper_assets.extract.texts import MAX_DESCRIPTION, clipped

STATUSES = {
    **{name: name for name in ("EventScheduled", "EventCancelled", "EventPostponed", "EventRescheduled", "EventMovedOnline")},
    "EventCanceled": "EventCancelled", "cancelled": "EventCancelled", "canceled": "EventCancelled", "postponed": "EventPostponed",
    "rescheduled": "EventRescheduled", "scheduled": "EventScheduled",
}  # fmt: skip
MODES = {
    **{mode: mode for mode in ("OfflineEventAttendanceMode", "OnlineEventAttendanceMode", "MixedEventAttendanceMode")},
    "offline": "OfflineEventAttendanceMode", "online": "OnlineEventAttendanceMode", "mixed": "MixedEventAttendanceMode",
}  # fmt: skip
_WIDE_TYPES = frozenset({"Event", "TouristAttraction"})
"""Types that say less than any other beside them."""
_PLAIN_AGES = re.compile(r"(\d{1,2}(?:[.,]\d{1,2})?)?\s?(?:[-–—]\s?(\d{1,3}(?:[.,]\d{1,2})?)?|(\+))?")
MAX_EVENTS = 2_000


def drafts_of(
    nodes: list[Node], method: Method, url: str, base: str, clock: Clock
) -> tuple[list[Draft], list[Problem]]:
    """Return an activity for each event, or for the one place that the page is about, and a problem for each event without a name."""
    reader = _Reader(method, base or url, clock)
    drafts: list[Draft] = []
    problems: list[Problem] = []
    unnamed = 0
    for node in events_among(nodes):
        if len(drafts) >= MAX_EVENTS:
            message = f"The document states more than {MAX_EVENTS:,} {method} events; the first of them were read."
            problems.append(Problem(code="too_many_activities", subject=url, message=message))
            break
        if name_of(node.get("name")):
            drafts += reader.occurrences(node)
        else:
            unnamed += 1
    subject = None if drafts else main_place(nodes)
    if subject is not None:
        drafts.append(reader.draft(subject))
    if unnamed:
        message = f"{unnamed} {method} events state no name."
        problems.append(Problem(code="name_missing", subject=url, message=message))
    return drafts, problems


class _Reader:
    """Reads nodes of one page."""

    def __init__(self, method: Method, base: str, clock: Clock) -> None:
        self.method: Method = method
        self.base = base
        self.clock = clock

    def occurrences(self, node: Node) -> list[Draft]:
        """Return a draft for each start that an event states; most state one."""
        starts = [start for start in items(node.get("startDate")) if text_of(start)]
        if len(starts) < 2:  # noqa: PLR2004 (one start needs no copies)
            return [self.draft(node)]
        ends = items(node.get("endDate"))
        ends = ends if len(ends) == len(starts) else [None] * len(starts)
        return [
            self.draft(node | {"startDate": start, "endDate": end}) for start, end in zip(starts, ends, strict=True)
        ]

    def draft(self, node: Node) -> Draft:
        """Return what one node states."""
        draft = Draft(self.method)
        draft.put("name", name_of(node.get("name")))
        types = [one for one in node.get("@type", ()) if one in EVENT_TYPES | PLACE_TYPES or one.endswith("Event")]
        draft.put("type", next((one for one in types if one not in _WIDE_TYPES), types[0] if types else "Event"))
        draft.put("url", url_of(node.get("url"), self.base))
        draft.put("identifier", _identifier(node))
        draft.put("description", clipped(text_of(node.get("description")), MAX_DESCRIPTION))
        draft.put("inLanguage", _language(node.get("inLanguage")))
        draft.put("category", _words(node, "category", "genre", "eventType", "additionalType"))
        draft.put("keywords", _words(node, "keywords"))
        self._put_times(draft, node)
        self._put_place(draft, node)
        self._put_terms(draft, node)
        return draft

    def _put_times(self, draft: Draft, node: Node) -> None:
        raw_start = text_of(node.get("startDate") or node.get("startTime"))
        raw_end = text_of(node.get("endDate") or node.get("endTime"))
        start, end = self.clock.read(raw_start)
        draft.put("startDate", start, raw_start)
        stated_end = self.clock.read(raw_end)
        draft.put("endDate", stated_end[1] or stated_end[0] or end, raw_end or raw_start)
        length = text_of(node.get("duration"))
        begin, span = parse_iso(start), duration(length)
        if span is not None and begin is not None and len(start) > 10:  # noqa: PLR2004 (a date has no time to add to)
            draft.put("endDate", _later(begin, span), length)
        stated = items(node.get("eventSchedule") or node.get("courseSchedule"))
        schedules = tuple(one for item in stated if isinstance(item, dict) and (one := schedule_of(item)))
        draft.put("eventSchedule", schedules, text_of(node.get("eventSchedule")) or "eventSchedule")
        hours = opening_hours(node)
        draft.put(
            "openingHoursSpecification",
            hours,
            "; ".join(f"{','.join(one.dayOfWeek)} {one.opens}-{one.closes}" for one in hours),
        )

    def _put_place(self, draft: Draft, node: Node) -> None:
        subject = (
            node.get("location")
            if "location" in node or is_event(node)
            else {"@type": [], **{key: node.get(key) for key in ("name", "address", "geo")}}
        )
        place = place_of(subject)
        if place is not None:
            address = place.address
            evidence = [place.name, *(getattr(address, part) for part in sorted(address.model_fields_set))]
            draft.put("location", place, ", ".join(filter(None, evidence)) or str(place.geo))
        organizer = organizer_of(node.get("organizer") or node.get("organiser"), self.base)
        draft.put("organizer", organizer, organizer.name if organizer else "")
        images = images_of(node.get("image") or node.get("photo") or node.get("thumbnailUrl"), self.base)
        draft.put("image", images, images[0].sourceUrl if images else "")

    def _put_terms(self, draft: Draft, node: Node) -> None:
        offers = offers_of(node.get("offers"), self.base)
        draft.put(
            "offers", offers, "; ".join(f"{offer.name} {offer.price} {offer.priceCurrency}".strip() for offer in offers)
        )
        free = text_of(
            node.get("isAccessibleForFree")
            if not isinstance(node.get("isAccessibleForFree"), bool)
            else str(node["isAccessibleForFree"])
        )
        if short(free).casefold() in {"true", "yes", "1", "false", "no", "0"}:
            draft.put(
                "isAccessibleForFree", short(free).casefold() in {"true", "yes", "1"}, f"isAccessibleForFree: {free}"
            )
        elif offers and all(float(offer.price) == 0 for offer in offers):
            draft.put("isAccessibleForFree", True, "all offers are 0")
        ages = age_range(node)
        draft.put("ageRange", ages, text_of(node.get("typicalAgeRange")) or str(ages))
        status, mode = short(text_of(node.get("eventStatus"))), short(text_of(node.get("eventAttendanceMode")))
        draft.put("eventStatus", STATUSES.get(status) or STATUSES.get(status.casefold()), status)
        draft.put("eventAttendanceMode", MODES.get(mode), mode)
        draft.put("eventAttendanceMode", _mode_of_places(node.get("location")), "VirtualLocation")


def _later(begin: date, span: timedelta) -> str:
    """Return the moment a while later; empty beyond the year 9999."""
    try:
        return (begin + span).isoformat()
    except OverflowError:
        return ""


def _mode_of_places(value: Any) -> str | None:  # noqa: ANN401 (any JSON value)
    """Return online or mixed where a virtual location is stated, alone or beside a place."""
    kinds = ["VirtualLocation" in item.get("@type", ()) if isinstance(item, dict) else False for item in items(value)]
    if not any(kinds):
        return None
    return "OnlineEventAttendanceMode" if all(kinds) else "MixedEventAttendanceMode"


def _language(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    """Return the tag of a language, of a node its code rather than its name."""
    node = next((item for item in items(value) if isinstance(item, dict)), {})
    return (text_of(node.get("alternateName")) or text_of(value))[:20]


def _identifier(node: Node) -> str:
    """The publisher's id; an @id only where it names the thing beyond this page."""
    for item in items(node.get("identifier")):
        text = text_of(item.get("value") if isinstance(item, dict) else item)
        if text:
            return clipped(text, 300)
    own = node.get("@id")
    return own if isinstance(own, str) and re.match(r"(?:https?|urn|tag):\S{3,500}$", own) else ""


def _words(node: Node, *names: str) -> tuple[str, ...]:
    """The words of list properties; in one text, commas divide them."""
    found: list[str] = []
    for name in names:
        for item in items(node.get(name)):
            text = short(text_of(item)) if name == "additionalType" else text_of(item)
            found += [word.strip() for word in text.split(",")]
    return tuple(dict.fromkeys(clipped(word, 100) for word in found if word and not word.startswith("http")))[:50]


def age_range(node: Node) -> AgeRange | None:
    """Return the ages of typicalAgeRange, or of an audience's or the event's own suggested ages."""
    text = text_of(node.get("typicalAgeRange"))
    match = _PLAIN_AGES.fullmatch(text)
    if text and match and (match[1] or match[2]):
        low, high = match[1], match[2] or (match[1] if text == match[1] else None)
        return AgeRange(
            minValue=_years(low) if low else None,
            maxValue=_years(high) if high and _years(high) <= OLDEST else None,
        )
    spans = find_ages(text) if text else []
    if spans:
        return spans[0].range
    for item in [*items(node.get("audience")), node]:
        span = item.get("suggestedAge") if isinstance(item, dict) else None
        if isinstance(span, dict):
            item = {"suggestedMinAge": span.get("minValue"), "suggestedMaxAge": span.get("maxValue")}  # noqa: PLW2901 (its ages)
        ages = (
            [
                _age(item, *names)
                for names in (("suggestedMinAge", "requiredMinAge"), ("suggestedMaxAge", "requiredMaxAge"))
            ]
            if isinstance(item, dict)
            else []
        )
        if any(age is not None for age in ages):
            return AgeRange(minValue=ages[0], maxValue=ages[1])
    return _ages_in_words(node.get("audience"))


def _ages_in_words(audience: Any) -> AgeRange | None:  # noqa: ANN401 (any JSON value)
    """Return the ages that the name of an audience states: "Children 3-5"."""
    for item in items(audience):
        text = text_of(item) or (text_of(item.get("audienceType")) if isinstance(item, dict) else "")
        spans = find_ages(text[:200]) if text else []
        if spans:
            return spans[0].range
    return None


def _years(text: str) -> float:
    return float(text.replace(",", "."))


def _age(node: Node, *names: str) -> float | None:
    text = next((text for name in names if (text := text_of(node.get(name)))), "")
    return float(text) if re.fullmatch(r"\d{1,2}(?:\.\d{1,2})?", text) else None
