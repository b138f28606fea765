"""schema.org nodes, from whatever markup, as drafts of activities: events, and the places that a page is about."""

import re
from collections.abc import Iterator
from typing import Any

from tripper_assets.domain.activities import AgeRange, Method, Schedule
from tripper_assets.domain.model import Problem
from tripper_assets.extract.ages import OLDEST, find_ages
from tripper_assets.extract.clock import Clock, duration, parse_iso, zone
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.hours import clock_text, days_in, opening_hours
from tripper_assets.extract.jsonld import Node, short
from tripper_assets.extract.places import images_of, items, name_of, offers_of, organizer_of, place_of, text_of, url_of
from tripper_assets.extract.texts import MAX_DESCRIPTION, clipped

EVENT_TYPES = frozenset(
    [
        "Event",
        "BusinessEvent",
        "ChildrensEvent",
        "ComedyEvent",
        "CourseInstance",
        "DanceEvent",
        "EducationEvent",
        "EventSeries",
        "ExhibitionEvent",
        "Festival",
        "FoodEvent",
        "Hackathon",
        "LiteraryEvent",
        "MusicEvent",
        "MusicFestival",
        "SaleEvent",
        "ScreeningEvent",
        "SocialEvent",
        "SportsEvent",
        "TheaterEvent",
        "VisualArtsEvent",
        "ConferenceEvent",
        "PerformingArtsEvent",
        "SessionSeries",
        "ScheduledSession",
    ]
)
PLACE_TYPES = frozenset(
    [
        "TouristAttraction",
        "Museum",
        "Zoo",
        "Park",
        "Aquarium",
        "AmusementPark",
        "Playground",
        "Beach",
        "BowlingAlley",
        "PublicSwimmingPool",
        "SportsActivityLocation",
        "StadiumOrArena",
        "TouristTrip",
        "LandmarksOrHistoricalBuildings",
        "ArtGallery",
        "Library",
        "MovieTheater",
        "PerformingArtsTheater",
        "Planetarium",
        "IceSkatingRink",
        "SkiResort",
        "Campground",
        "EntertainmentBusiness",
        "BotanicalGarden",
        "NationalPark",
    ]
)
# Other subjects: a page that is about one of these names its places and events in passing.
OTHER_SUBJECTS = frozenset(
    [
        "Recipe",
        "Product",
        "NewsArticle",
        "BlogPosting",
        "Article",
        "JobPosting",
        "VideoObject",
        "HowTo",
        "Book",
        "Movie",
    ]
)
_PASSED_BY = frozenset(
    {
        "superEvent",
        "about",
        "mentions",
        "review",
        "isPartOf",
        "recordedAt",
        "workPerformed",
        "isSimilarTo",
        "publisher",
        "author",
    }
)
_INHERITED = (
    "location",
    "organizer",
    "image",
    "typicalAgeRange",
    "inLanguage",
    "isAccessibleForFree",
    "eventStatus",
    "eventAttendanceMode",
    "name",
)
STATUSES = frozenset({"EventScheduled", "EventCancelled", "EventPostponed", "EventRescheduled", "EventMovedOnline"})
MODES = {
    **{mode: mode for mode in ("OfflineEventAttendanceMode", "OnlineEventAttendanceMode", "MixedEventAttendanceMode")},
    "offline": "OfflineEventAttendanceMode", "online": "OnlineEventAttendanceMode", "mixed": "MixedEventAttendanceMode",
}  # fmt: skip
_PLAIN_AGES = re.compile(r"(\d{1,2}(?:[.,]\d{1,2})?)?\s?(?:[-–—]\s?(\d{1,3}(?:[.,]\d{1,2})?)?|(\+))?")
MAX_EVENTS = 2_000
MAX_DEPTH = 30


def drafts_of(
    nodes: list[Node], method: Method, url: str, base: str, clock: Clock
) -> tuple[list[Draft], list[Problem]]:
    """Return an activity for each event, or for the one place that the page is about, and a problem for each event without a name."""
    reader = _Reader(method, base or url, clock)
    drafts: list[Draft] = []
    unnamed = 0
    for node in _events(nodes):
        if not name_of(node.get("name")):
            unnamed += 1
            continue
        drafts += reader.occurrences(node)
        if len(drafts) >= MAX_EVENTS:
            break
    subject = None if drafts else _main_place(nodes)
    if subject is not None:
        drafts.append(reader.draft(subject))
    message = f"{unnamed} {method} events state no name."
    return drafts, [Problem(code="name_missing", subject=url, message=message)] if unnamed else []


def _types(node: Node) -> set[str]:
    types = node.get("@type")
    return set(types) if isinstance(types, list) else set()


def _events(nodes: list[Node]) -> Iterator[Node]:
    """Yield events in document order, wherever they stand but in passing; an event of an event inherits what it leaves open."""
    seen: set[int] = set()
    stack: list[tuple[Any, int]] = [(node, 0) for node in reversed(nodes)]
    while stack:
        value, depth = stack.pop()
        if isinstance(value, list):
            stack += [(item, depth) for item in reversed(value)]
            continue
        if not isinstance(value, dict) or id(value) in seen or depth > MAX_DEPTH:
            continue
        seen.add(id(value))
        inner = [item for key, item in value.items() if isinstance(item, (dict, list)) and key not in _PASSED_BY]
        if _is_event(value):
            parts = _parts(value)
            if not parts or value.get("startDate"):
                yield value
            inner = [
                item
                for key, item in value.items()
                if isinstance(item, (dict, list)) and key not in _PASSED_BY | {"subEvent", "subEvents"}
            ]
            stack += [(part, depth + 1) for part in reversed(parts)]
        stack += [(item, depth + 1) for item in reversed(inner)]


def _is_event(node: Node) -> bool:
    return any(one in EVENT_TYPES or (one.endswith("Event") and one != "PublicationEvent") for one in _types(node))


def _parts(node: Node) -> list[Node]:
    inherited = {key: node[key] for key in _INHERITED if key in node}
    parts = items(node.get("subEvent")) + items(node.get("subEvents"))
    return [
        inherited | {key: item for key, item in part.items() if item not in (None, "")}
        for part in parts
        if isinstance(part, dict) and part.get("startDate")
    ]


def _main_place(nodes: list[Node]) -> Node | None:
    """The one place to go that the page is about: alone of its kind among the top nodes, with opening hours or as an attraction."""
    if any(_types(node) & OTHER_SUBJECTS for node in nodes):
        return None
    named = [
        inner
        for node in nodes
        for inner in [node, *items(node.get("mainEntity"))]
        if isinstance(inner, dict) and _types(inner) & PLACE_TYPES and name_of(inner.get("name"))
    ]
    if len({name_of(node.get("name")) for node in named}) != 1:
        return None
    node = named[0]
    return node if "TouristAttraction" in _types(node) or opening_hours(node) else None


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
        types = [one for one in node["@type"] if one in EVENT_TYPES | PLACE_TYPES or one.endswith("Event")]
        draft.put("type", next((one for one in types if one != "Event"), types[0] if types else "Event"))
        draft.put("url", url_of(node.get("url"), self.base))
        draft.put("identifier", _identifier(node))
        draft.put("description", clipped(text_of(node.get("description")), MAX_DESCRIPTION))
        draft.put("inLanguage", text_of(node.get("inLanguage"))[:20])
        draft.put("category", _words(node, "category", "genre", "eventType", "additionalType"))
        draft.put("keywords", _words(node, "keywords"))
        self._put_times(draft, node)
        self._put_place(draft, node)
        self._put_terms(draft, node)
        return draft

    def _put_times(self, draft: Draft, node: Node) -> None:
        raw_start, raw_end = text_of(node.get("startDate")), text_of(node.get("endDate"))
        start, end = self.clock.read(raw_start)
        draft.put("startDate", start, raw_start)
        stated_end = self.clock.read(raw_end)
        draft.put("endDate", stated_end[1] or stated_end[0] or end, raw_end or raw_start)
        length = text_of(node.get("duration"))
        begin, span = parse_iso(start), duration(length)
        if span is not None and begin is not None and len(start) > 10:  # noqa: PLR2004 (a date has no time to add to)
            draft.put("endDate", (begin + span).isoformat(), length)
        schedules = tuple(
            one for item in items(node.get("eventSchedule")) if isinstance(item, dict) and (one := _schedule(item))
        )
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
            if "location" in node or _is_event(node)
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
        draft.put("eventStatus", status if status in STATUSES else None)
        draft.put("eventAttendanceMode", MODES.get(mode))


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
        return AgeRange(minValue=spans[0].minimum, maxValue=spans[0].maximum)
    for item in [*items(node.get("audience")), node]:
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
    return None


def _years(text: str) -> float:
    return float(text.replace(",", "."))


def _age(node: Node, *names: str) -> float | None:
    text = next((text for name in names if (text := text_of(node.get(name)))), "")
    return float(text) if re.fullmatch(r"\d{1,2}(?:\.\d{1,2})?", text) else None


def _schedule(node: Node) -> Schedule | None:
    """schema.org Schedule as stated; one without a rule, days or a start states nothing."""
    days = tuple(
        dict.fromkeys(
            day
            for item in items(node.get("byDay"))
            if isinstance(item, str)
            for day in days_in(re.sub(r"^[+-]?\d", "", short(item)))
        )
    )
    dates = {name: _date_text(text_of(node.get(name))) for name in ("startDate", "endDate")}
    frequency, count = text_of(node.get("repeatFrequency")), text_of(node.get("repeatCount"))
    frequency = (
        frequency
        if re.fullmatch(r"P(?:\d{1,3}[DWMY]|T\d{1,3}H)", frequency)
        else _FREQUENCIES.get(short(frequency).casefold(), "")
    )
    zone_name = text_of(node.get("scheduleTimezone"))
    schedule = Schedule(
        startDate=dates["startDate"],
        endDate=dates["endDate"],
        startTime=clock_text(text_of(node.get("startTime"))),
        endTime=clock_text(text_of(node.get("endTime"))),
        scheduleTimezone=zone_name if zone(zone_name) else "",
        repeatFrequency=frequency,
        repeatCount=int(count) if re.fullmatch(r"\d{1,4}", count) else None,
        byDay=days,
        byMonthDay=tuple(
            int(text) for item in items(node.get("byMonthDay")) if re.fullmatch(r"[12]?\d|3[01]", text := text_of(item))
        ),
        exceptDate=tuple(day for item in items(node.get("exceptDate")) if (day := _date_text(text_of(item)))),
    )
    return schedule if schedule != Schedule() else None


_FREQUENCIES = {"daily": "P1D", "weekly": "P1W", "monthly": "P1M", "yearly": "P1Y", "annually": "P1Y"}


def _date_text(text: str) -> str:
    value = parse_iso(text)
    return value.isoformat()[:10] if value else ""
