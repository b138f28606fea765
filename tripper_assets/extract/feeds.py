"""RSS and Atom feeds: items that state when something happens are activities, the others are news of a page, and their date is not the activity's."""

import itertools
import re
from dataclasses import replace
from email.utils import parsedate_to_datetime

from selectolax.lexbor import LexborHTMLParser

from tripper_assets.domain.activities import ImageObject, Organizer
from tripper_assets.domain.model import Problem
from tripper_assets.extract.addresses import place_from_text
from tripper_assets.extract.clock import Clock, zone
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.page import absolute
from tripper_assets.extract.places import geo_of
from tripper_assets.extract.prices import find_prices, is_free
from tripper_assets.extract.statuses import status_in
from tripper_assets.extract.texts import MAX_DESCRIPTION, MAX_NAME, clipped, decode, plain_text

MAX_ITEMS = 5_000
MAX_ITEM = 200_000
MAX_FIELDS = 200
_LINK = re.compile(
    r"<link\b([^<>]{0,3000})>([^<]{0,3000})(?=</link|<)|<link\b([^<>]{0,3000})/>|<loc\b[^<>]{0,200}>([^<]{1,3000})</loc",
    re.IGNORECASE,
)
_ITEM = re.compile(r"<(?:item|entry|url)\b", re.IGNORECASE)
_ENTRY = re.compile(r"<(item|entry)\b", re.IGNORECASE)
# Elements of a namespace that say when: ev:startdate (RSS 1.0 events), xcal:dtstart, mec:startDate, gd:when, event:start and the like.
_SAYS_WHEN = re.compile(
    r"<[\w-]{1,20}:(?:start[\w-]{0,20}|dtstart|when|begin[\w-]{0,20}|eventdate|event_?start[\w-]{0,20})\b",
    re.IGNORECASE,
)
_FIELD = re.compile(r"<(?:([\w-]{1,30}):)?([\w-]{1,40})((?:\s[^<>]{0,2000})?)(?:/>|>)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w:-]{1,30})\s?=\s?(?:"([^"]{0,2000})"|'([^']{0,2000})')""")
_STARTS = (
    "startdatetime",
    "startdate",
    "dtstart",
    "starttime",
    "start",
    "starts",
    "eventstart",
    "eventstartdate",
    "eventdate",
    "begin",
    "localstart",
)
_ENDS = ("enddatetime", "enddate", "dtend", "endtime", "end", "ends", "eventend", "eventenddate")
_START_HOURS = ("starthour", "starttime", "time")
_END_HOURS = ("endhour", "endtime")
_PLACES = ("location", "venue", "where", "place", "address", "locationname")
_HOUR = re.compile(r"\d{1,2}[:.]\d{2}(?::\d{2})?\s?(?:[ap]\.?m\.?)?|\d{1,2}\s?[ap]\.?m\.?", re.IGNORECASE)
MAX_EXAMINED = 50_000
"""Link elements looked at, with or without a URL in them."""


def feed_drafts(body: bytes, url: str, clock: Clock) -> tuple[list[Draft], list[str], list[Problem]]:
    """Return a draft for each item that states its start in an element of its own, and the links of all, each once, in order."""
    text = decode(body, None).replace("\x00", "")
    links, problems = _links(_without_cdata(text), url)
    drafts = list(_drafts(text, url, clock)) if _SAYS_WHEN.search(text) else []
    return drafts, links, problems


def _links(text: str, url: str) -> tuple[list[str], list[Problem]]:
    first = _ITEM.search(text)
    if first is None:
        return [], [Problem(code="feed_empty", subject=url, message="The feed has no items.")]
    found: dict[str, None] = {}
    for match in itertools.islice(_LINK.finditer(text, first.start()), MAX_EXAMINED):
        link = absolute(_href(match), url)
        if link:
            found.setdefault(link)
        if len(found) >= MAX_ITEMS:
            break
    return list(found), []


def _without_cdata(text: str) -> str:
    """Return the text with its CDATA sections opened; in one pass, as a regular expression would look for each missing end anew."""
    parts, at = list[str](), 0
    while (start := text.find("<![CDATA[", at)) >= 0 and (end := text.find("]]>", start)) >= 0:
        parts += [text[at:start], text[start + 9 : end]]
        at = end + 3
    return "".join([*parts, text[at:]])


def _href(match: re.Match[str]) -> str:
    if match[4]:
        return plain_text(match[4])
    attributes, text = match[1] or match[3] or "", plain_text(match[2] or "")
    if text:
        return text
    node = LexborHTMLParser(f"<a {attributes.rstrip('/')}>").css_first("a[href]")
    stated = node.attributes if node else {}
    return "" if (stated.get("rel") or "alternate") not in {"alternate", "enclosure-page"} else stated.get("href") or ""


def _drafts(text: str, url: str, clock: Clock) -> list[Draft]:
    starts = [match.start() for match in itertools.islice(_ENTRY.finditer(text), MAX_ITEMS)]
    pieces = [text[start : min(end, start + MAX_ITEM)] for start, end in itertools.pairwise([*starts, len(text)])]
    return [draft for piece in pieces if (draft := _draft(piece, url, clock)) is not None]


def _fields(piece: str) -> dict[str, str]:
    """Return the first text of each element of an item by its local name in lower case, an element of a namespace before one without.

    The attributes of gd:when and gd:where are fields too.
    """
    own: dict[str, str] = {}
    plain: dict[str, str] = {}
    at = 0
    for _ in range(MAX_FIELDS):
        match = _FIELD.search(piece, at)
        if match is None:
            break
        name = match[2].lower().replace("-", "").replace("_", "")
        text, at = ("", match.end()) if match[0].endswith("/>") else _content(piece, match)
        attributes = {key.lower(): plain_text(one or other) for key, one, other in _ATTRIBUTE.findall(match[3])}
        if name in {"when", "where"} and match[1]:
            own |= {key: value for key, value in attributes.items() if value} | (
                {"where": attributes["valuestring"]} if "valuestring" in attributes else {}
            )
        if name in {"enclosure", "content", "thumbnail"} and (
            attributes.get("type", "").startswith("image/")
            or attributes.get("medium") == "image"
            or name == "thumbnail"
        ):
            plain.setdefault("picture", attributes.get("url", ""))
        if name == "link" and not text:
            text = attributes.get("href", "") if attributes.get("rel", "alternate") == "alternate" else ""
        if text:
            (own if match[1] else plain).setdefault(name, text)
    return plain | {
        key: text for key, text in own.items() if key not in {"title", "link", "description"} or key not in plain
    }


def _content(piece: str, match: re.Match[str]) -> tuple[str, int]:
    """Return the text of an element and where to go on: in it, where it holds others."""
    start = match.end()
    if piece.startswith("<![CDATA[", start):
        end = piece.find("]]>", start)
        return (plain_text(piece[start + 9 : end]), end + 3) if end >= 0 else ("", start + 9)
    end = piece.find("<", start)
    text = piece[start:end] if end >= 0 else ""
    return plain_text(plain_text(text)), start + len(text)


def _draft(piece: str, url: str, clock: Clock) -> Draft | None:
    fields = _fields(piece)
    own_zone = zone(fields.get("timezone") or fields.get("tzid"))
    clock = replace(clock, local=own_zone) if own_zone else clock
    start, evidence = _moment(fields, _STARTS, _START_HOURS, clock)
    name = clipped(fields.get("title") or fields.get("summary") or "", MAX_NAME)
    if not name or not start:
        return None
    draft = Draft("rss")
    draft.put("name", name)
    draft.put("startDate", start, evidence)
    end, evidence = _moment(fields, _ENDS, _END_HOURS, clock)
    if end and not (len(end) == 10 and end <= start[:10]):  # noqa: PLR2004 (a date)
        draft.put("endDate", end, evidence)
    draft.put("url", absolute(fields.get("link") or fields.get("guid") or "", url))
    draft.put("identifier", clipped(fields.get("uid") or fields.get("guid") or fields.get("id") or "", 300))
    description = (
        fields.get("description") or fields.get("encoded") or fields.get("content") or fields.get("summary") or ""
    )
    draft.put("description", clipped(description, MAX_DESCRIPTION))
    draft.put("eventStatus", status_in(name), name)
    draft.put(
        "eventStatus", "EventCancelled" if fields.get("status", "").lower() in {"cancelled", "canceled"} else None
    )
    categories = tuple(word.strip() for word in fields.get("category", "").split(",") if word.strip())
    draft.put("category", tuple(clipped(word, 100) for word in categories)[:50])
    _put_where(draft, fields, url)
    return draft


def _put_where(draft: Draft, fields: dict[str, str], url: str) -> None:
    text = next((clipped(fields[name], MAX_NAME) for name in _PLACES if fields.get(name)), "")
    place = place_from_text(text) if text else None
    latitude, _, longitude = fields.get("point", "").partition(" ")
    point = geo_of({"latitude": fields.get("lat") or latitude, "longitude": fields.get("long") or longitude})
    draft.put("location", place.model_copy(update={"geo": point}) if place else None, text)
    organizer = clipped(fields.get("organizer", ""), MAX_NAME)
    draft.put("organizer", Organizer(name=organizer) if organizer and "@" not in organizer else None, organizer)
    image = absolute(fields.get("picture", ""), url)
    draft.put("image", (ImageObject(sourceUrl=image),) if image else (), image)
    cost = (fields.get("cost") or fields.get("price") or "")[:200]
    offers = tuple(span.offer for span in find_prices(cost))
    draft.put("offers", offers, cost)
    draft.put("isAccessibleForFree", True if not offers and is_free(cost) else None, cost)


def _moment(fields: dict[str, str], days: tuple[str, ...], hours: tuple[str, ...], clock: Clock) -> tuple[str, str]:
    """Return the ISO text of a moment, with the hour that a second element states where the first is a day."""
    for name in days:
        text = fields.get(name, "")[:100]
        when = _read(text, clock) if text else ""
        if not when:
            continue
        hour = next((fields[one] for one in hours if one != name and _HOUR.fullmatch(fields.get(one, "")[:20])), "")
        together = clock.read(f"{when[:10]} {hour}")[0] if hour and when[11:16] in {"", "00:00"} else ""
        return (together, f"{text} {hour}") if "T" in together else (when, text)
    return "", ""


def _read(text: str, clock: Clock) -> str:
    """Return the ISO text of a date in any form, RFC 822's among them; a time of day alone is none."""
    if _HOUR.fullmatch(text):
        return ""
    compact = re.fullmatch(r"(\d{8})(?:T(\d{6})(Z?))?", text)
    if compact:
        text = f"{compact[1]}T{compact[2]}{compact[3]}" if compact[2] else compact[1]
    when = clock.read(text)[0]
    if re.match(r"[A-Za-z]{3},\s", text):
        try:
            return clock.iso(parsedate_to_datetime(text))
        except (ValueError, TypeError, IndexError, OverflowError):
            return when
    return when
