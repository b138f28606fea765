"""Which schema.org nodes of a page are activities: its events with what their wholes state, else the one place that it is about."""

from collections.abc import Iterator
from typing import Any

from tripper_assets.extract.hours import opening_hours
from tripper_assets.extract.jsonld import Node
from tripper_assets.extract.places import items, name_of

MAX_DEPTH = 30
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
        "@type",
        "superEvent",
        "about",
        "mentions",
        "review",
        "isPartOf",
        "recordedAt",
        "workPerformed",
        "lifeEvent",
        "birthEvent",
        "deathEvent",
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
# Something is sent or published, and nobody goes there.
_NO_OUTINGS = frozenset({"PublicationEvent", "BroadcastEvent", "OnDemandEvent", "DeliveryEvent"})
# A part is where its whole is and has what the whole has, but its times are its own.
_PARTS = ("subEvent", "subEvents")
_GIVEN_BY_HOSTS = frozenset({"event", "events", "hasCourseInstance"})
_COURSE = (
    ("name", "name"),
    ("description", "description"),
    ("provider", "organizer"),
    ("image", "image"),
    ("url", "url"),
    ("offers", "offers"),
)


def types_of(node: Node) -> set[str]:
    """Return the short names of a node's types."""
    types = node.get("@type")
    return set(types) if isinstance(types, list) else set()


def events_among(nodes: list[Node]) -> Iterator[Node]:
    """Yield events in document order, wherever they stand but in passing; an event of an event inherits what it leaves open."""
    # By id, and held: a node that is gone would leave its id to another.
    seen: dict[int, Any] = {}
    stack: list[tuple[Any, Node, int]] = [(node, {}, 0) for node in reversed(nodes)]
    while stack:
        value, given, depth = stack.pop()
        if isinstance(value, list):
            stack += [(item, given, depth) for item in reversed(value)]
            continue
        if not isinstance(value, dict) or id(value) in seen or depth > MAX_DEPTH:
            continue
        seen[id(value)] = value
        following: list[tuple[Any, Node, int]] = []
        own_parts = _PARTS if is_event(value) else ()
        if own_parts:
            whole = next((one for one in items(value.get("superEvent")) if isinstance(one, dict)), {})
            event = {
                **_inherited(whole),
                **given,
                **{key: item for key, item in value.items() if item not in (None, "")},
            }
            parts = _parts(event)
            if not parts or event.get("startDate"):
                yield event
            following += [(part, _inherited(event), depth + 1) for part in parts]
        for key, item in value.items():
            if isinstance(item, (dict, list)) and key not in _PASSED_BY and key not in own_parts:
                following.append((item, _of_its_host(value, key), depth + 1))
        stack += reversed(following)


def _inherited(node: Node) -> Node:
    return {key: node[key] for key in _INHERITED if node.get(key)}


def _parts(node: Node) -> list[Node]:
    stated = [part for key in _PARTS for part in items(node.get(key)) if isinstance(part, dict)]
    return [part for part in stated if part.get("startDate") or part.get("eventSchedule")]


def _of_its_host(host: Node, name: str) -> Node:
    """Return what a place gives to its events, where it is, and a course to its dates, what it is."""
    if name not in _GIVEN_BY_HOSTS:
        return {}
    if name == "hasCourseInstance":
        return {given: host[stated] for stated, given in _COURSE if host.get(stated)}
    if host.get("address") or host.get("geo"):
        return {"location": {key: host[key] for key in ("@type", "name", "address", "geo") if host.get(key)}}
    return {}


def is_event(node: Node) -> bool:
    """Return whether a node is an event that one can go to."""
    types = node.get("@type")
    return isinstance(types, list) and any(
        one in EVENT_TYPES or (one.endswith("Event") and one not in _NO_OUTINGS) for one in types
    )


def main_place(nodes: list[Node]) -> Node | None:
    """Return the one place to go that the page is about: alone of its kind among the top nodes, with opening hours or as an attraction."""
    if any(types_of(node) & OTHER_SUBJECTS for node in nodes):
        return None
    named = [
        inner
        for node in nodes
        for inner in [node, *items(node.get("mainEntity"))]
        if isinstance(inner, dict) and types_of(inner) & PLACE_TYPES and name_of(inner.get("name"))
    ]
    if len({name_of(node.get("name")) for node in named}) != 1:
        return None
    node = named[0]
    return node if "TouristAttraction" in types_of(node) or opening_hours(node) else None
