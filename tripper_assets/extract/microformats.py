"""Microformats as plain schema.org nodes: h-event of microformats2 and vevent of hCalendar, with the places that stand in them."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from selectolax.lexbor import LexborNode

from tripper_assets.extract.elements import UNSEEN, Attributes, Values, children
from tripper_assets.extract.jsonld import Node
from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.texts import clean

MAX_ITEMS = 5_000
MAX_VALUES = 50
MAX_LEVELS = 8
"""Of things that are properties of one another: an event's place has an address, which has coordinates."""
_ROOTS = frozenset(
    {"h-event", "h-card", "h-adr", "h-geo", "h-entry", "h-feed", "h-item", "h-product", "h-recipe", "h-review"}
)
_OLD_ROOTS = {
    "vevent": "h-event",
    "vcard": "h-card",
    "adr": "h-adr",
    "geo": "h-geo",
    "hreview": "h-review",
    "hentry": "h-entry",
}
_WORDS = [
    "name",
    "summary",
    "description",
    "content",
    "location",
    "category",
    "organizer",
    "author",
    "status",
    "adr",
    "geo",
    "street-address",
    "extended-address",
    "locality",
    "region",
    "postal-code",
    "country-name",
    "latitude",
    "longitude",
    "label",
    "org",
]
_PROPERTIES = {
    **{f"{kind}-{name}": (kind, name) for kind in ("p", "e") for name in _WORDS},
    **{f"u-{name}": ("u", name) for name in ("url", "photo", "featured", "uid", "geo", "location")},
    **{f"dt-{name}": ("dt", name) for name in ("start", "end", "duration")},
}  # fmt: skip
_OLD_PROPERTIES = {
    **{name: ("p", name) for name in _WORDS if name not in {"name", "summary", "content", "author"}},
    "summary": ("p", "name"), "fn": ("p", "name"), "dtstart": ("dt", "start"), "dtend": ("dt", "end"),
    "duration": ("dt", "duration"), "url": ("u", "url"), "photo": ("u", "photo"), "uid": ("u", "uid"),
}  # fmt: skip
_ADDRESS = {
    "street-address": "streetAddress",
    "locality": "addressLocality",
    "region": "addressRegion",
    "postal-code": "postalCode",
    "country-name": "addressCountry",
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{4}-\d{3}(?!\d)")
_TIME = re.compile(
    r"(?<![\d-])(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s?([ap]\.?m\.?)?\s?(z|[+-]\d{1,2}:?(?:\d{2})?)?$", re.IGNORECASE
)
_ZONE = re.compile(r"z|[+-]\d{1,2}:?(?:\d{2})?", re.IGNORECASE)
_STATUSES = {"cancelled": "EventCancelled", "canceled": "EventCancelled", "postponed": "EventPostponed"}


@dataclass(slots=True)
class _Item:
    """One microformat: its properties by name, each a text or another microformat."""

    kind: str
    properties: dict[str, list[Any]] = field(default_factory=dict)
    parts: dict[str, "_Item"] = field(default_factory=dict)
    """Addresses, coordinates and cards in it that are not said to be a property."""

    def texts(self, name: str) -> list[str]:
        found = self.properties.get(name, [])
        return [text for one in found if (text := _text(one))]

    def text(self, *names: str) -> str:
        return next((text for name in names for text in self.texts(name)), "")


def _text(value: Any) -> str:  # noqa: ANN401 (a text or an item)
    return value.text("name", "org", "label") if isinstance(value, _Item) else value


def microformat_nodes(page: Page) -> list[Node]:
    """Return an Event node for each h-event and vevent, in document order."""
    roots = page.tree.css(".h-event, .vevent")[:MAX_ITEMS]
    if not roots:
        return []
    reader = _Reader(page)
    return [_event(reader.item(root, _classes(root), 0)) for root in roots]


class _Reader:
    """Reads microformats of one page."""

    def __init__(self, page: Page) -> None:
        self.values = Values(page)

    def item(self, root: LexborNode, classes: list[str], level: int) -> _Item:
        """Return what an element and those in it state; what stands in another microformat is that one's."""
        new = not _ROOTS.isdisjoint(classes)
        known = _PROPERTIES if new else _OLD_PROPERTIES
        item = _Item(
            next((one for one in classes if one in _ROOTS), "")
            or next(_OLD_ROOTS[one] for one in classes if one in _OLD_ROOTS)
        )
        stack = list(reversed(children(root)))
        while stack:
            node = stack.pop()
            if node.tag in UNSEEN:
                continue
            inside = _classes(node)
            nested = any(one in _ROOTS or one in _OLD_ROOTS for one in inside)
            stated = [known[one] for one in inside if one in known]
            if nested and level < MAX_LEVELS:
                self._put_nested(item, node, inside, stated, level)
            elif stated:
                self._put_values(item, node, stated)
            if not nested:
                stack.extend(reversed(children(node)))
        if new:
            self._imply(item, root)
        return item

    def _put_nested(
        self, item: _Item, node: LexborNode, classes: list[str], stated: list[tuple[str, str]], level: int
    ) -> None:
        nested = self.item(node, classes, level + 1)
        for _, name in stated:
            item.properties.setdefault(name, []).append(nested)
        if nested.kind in {"h-adr", "h-geo", "h-card"}:
            item.parts.setdefault(nested.kind, nested)

    def _put_values(self, item: _Item, node: LexborNode, stated: list[tuple[str, str]]) -> None:
        attributes = node.attributes
        for kind, name in stated:
            found = item.properties.setdefault(name, [])
            if len(found) < MAX_VALUES and (value := self._value(kind, node, attributes)):
                found.append(value)

    def _value(self, kind: str, node: LexborNode, attributes: Attributes) -> str:
        if kind == "u":
            stated = self.values.url(node, attributes) or absolute(attributes.get("data") or "", self.values.base)
            return stated or self._value("p", node, attributes)
        parts = self._value_parts(node)
        if kind == "dt":
            return _moment(parts) if parts else _moment([self._plain(node, attributes, "datetime")])
        return "".join(parts) or self._plain(node, attributes, "alt")

    def _plain(self, node: LexborNode, attributes: Attributes, attribute: str) -> str:
        tag = node.tag or ""
        stated = attributes.get(attribute) if attribute == "datetime" or tag in {"img", "area"} else None
        stated = stated or (attributes.get("title") if tag in {"abbr", "link"} else None)
        stated = stated or (attributes.get("value") if tag in {"data", "input"} else None)
        return clean(stated) if stated else self.values.text(node)

    def _value_parts(self, node: LexborNode) -> list[str]:
        """The value-class pattern: the parts of a value that stand among words for people."""
        found: list[str] = []
        for inner in node.css(".value, .value-title")[:10]:
            if inner.mem_id == node.mem_id:
                continue
            title = "value-title" in _classes(inner)
            attributes = inner.attributes
            found.append(clean(attributes.get("title") or "") if title else self._plain(inner, attributes, "datetime"))
        return [text for text in found if text]

    def _imply(self, item: _Item, root: LexborNode) -> None:
        """What an element without properties is called, and the only link and picture in it (microformats2, implied properties)."""
        if not item.properties and not item.parts:
            attributes = root.attributes
            name = attributes.get("alt") or attributes.get("title") or self.values.text(root)
            item.properties["name"] = [clean(name)]
        if "url" not in item.properties and not item.parts:
            links = [root] if root.tag == "a" else [one for one in root.css("a[href]")[:2] if one.mem_id != root.mem_id]
            link = self.values.url(links[0], links[0].attributes) if len(links) == 1 else ""
            item.properties["url"] = [link] if link else []


def _classes(node: LexborNode) -> list[str]:
    return (node.attributes.get("class") or "").split()


def _event(item: _Item) -> Node:
    starts = item.texts("start")
    day = starts[0][:10] if starts else ""
    ends = [f"{day}{end}" if end.startswith("T") else end for end in item.texts("end")]
    status = item.text("status").casefold()
    found: Node = {
        "name": item.text("name"),
        "startDate": [start for start in starts if not start.startswith("T")],
        "endDate": ends if len(ends) in {0, len(starts)} else ends[:1],
        "duration": item.text("duration"),
        "description": item.text("content", "description", "summary"),
        "url": item.text("url"),
        "image": item.texts("photo") + item.texts("featured"),
        "category": item.texts("category"),
        "identifier": item.text("uid"),
        "location": _place(item),
        "organizer": _organizer(item),
        "eventStatus": _STATUSES.get(status),
    }
    return {"@type": ["Event"], **{name: value for name, value in found.items() if value}}


def _organizer(item: _Item) -> Node | None:
    stated = item.properties.get("organizer", [])
    name = _text(stated[0]) if stated else ""
    url = stated[0].text("url") if stated and isinstance(stated[0], _Item) else ""
    return {"@type": ["Organization"], "name": name, "url": url} if name else None


def _place(event: _Item) -> Node | str | None:
    """Return the place of an event: a card, an address, coordinates, or a text; without any, the event's own address."""
    stated = event.properties.get("location", [])
    value = stated[0] if stated else None
    card = value if isinstance(value, _Item) else _Item("h-card", {"name": [value]} if value else {})
    address, point = _address(card) or _address(event), _point(card) or _point(event)
    if isinstance(value, str) and not address and not point:
        return value
    name = card.text("name", "org")
    if isinstance(value, str) and (address or {}).get("streetAddress", "\n") in value:
        name = ""  # the text of a location that holds its own address is that address once more
    node = {"@type": ["Place"], "name": name, "address": address, "geo": point}
    return {key: part for key, part in node.items() if part} if name or address or point else None


def _address(item: _Item) -> Node | None:
    stated = next((one for one in item.properties.get("adr", []) if isinstance(one, _Item)), None) or item.parts.get(
        "h-adr"
    )
    source = item if stated is None or item.kind == "h-adr" else stated
    parts = {_ADDRESS[name]: text for name in _ADDRESS if (text := source.text(name))}
    if not parts and stated is None and (text := item.text("adr", "label")):
        parts = {"streetAddress": text}
    return {"@type": ["PostalAddress"], **parts} if parts else None


def _point(item: _Item) -> Node | None:
    stated: list[Any] = [*item.properties.get("geo", []), item.parts.get("h-geo"), item.parts.get("h-adr"), item]
    for source in stated:
        if isinstance(source, _Item) and source.text("latitude") and source.text("longitude"):
            return {"latitude": source.text("latitude"), "longitude": source.text("longitude")}
        text = source if isinstance(source, str) else source.text("name", "geo") if isinstance(source, _Item) else ""
        match = re.fullmatch(r"(?:geo:)?(-?\d{1,2}\.\d+)[;,]\s?(-?\d{1,3}\.\d+)(?:[;,].{0,40})?", text)
        if match:
            return {"latitude": match[1], "longitude": match[2]}
    return None


def _moment(parts: list[str]) -> str:
    """Return a day, a time or both as ISO text; what is neither, as it stands."""
    if len(parts) == 1 and not _DAY.match(parts[0]) and not _TIME.match(parts[0]):
        return parts[0]
    day = next((match[0] for part in parts if (match := _DAY.match(part))), "")
    found = [_TIME.search(part.removeprefix(day)) for part in parts]
    times = [match for match in found if match and (match[2] or match[4])]
    zone = next((part for part in parts if _ZONE.fullmatch(part)), "")
    when = _clock(times[0], zone) if times else ""
    return f"{_calendar_day(day)}{when}"


def _clock(match: re.Match[str], zone: str) -> str:
    hour, half, offset = int(match[1]), (match[4] or "").lower(), match[5] or zone
    if half:
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    return f"T{hour:02d}:{match[2] or '00'}:{match[3] or '00'}{offset.upper()}"


def _calendar_day(day: str) -> str:
    """Return a day that is counted from the start of its year, 2013-034, as year, month and day."""
    if len(day) != 8:  # noqa: PLR2004 (year, hyphen, three digits)
        return day
    try:
        return (date(int(day[:4]), 1, 1) + timedelta(days=int(day[5:]) - 1)).isoformat()
    except (ValueError, OverflowError):
        return ""
