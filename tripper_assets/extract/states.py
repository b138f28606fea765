"""JSON of calendars and programmes, as an API gives it: objects that state a title and a start are drafts of activities."""

import re
from datetime import UTC, date, datetime
from typing import Any

from tripper_assets.domain.activities import GeoCoordinates, ImageObject, Organizer, Place
from tripper_assets.domain.model import Problem
from tripper_assets.extract.addresses import place_from_text
from tripper_assets.extract.clock import Clock, archive_before, archive_problems, iso, parse_iso
from tripper_assets.extract.dates import find_dates
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.jsonld import normal_nodes
from tripper_assets.extract.listing_titles import first_time
from tripper_assets.extract.loose_json import parse, walk
from tripper_assets.extract.page import absolute
from tripper_assets.extract.places import address_of, geo_of, items, name_of, text_of, url_of
from tripper_assets.extract.schemaorg import drafts_of
from tripper_assets.extract.texts import MAX_DESCRIPTION, clipped

MAX_OBJECTS = 50_000
# Folded key names, the most telling first.
TITLES = (
    "title",
    "eventtitle",
    "eventname",
    "meetingname",
    "name",
    "subject",
    "headline",
    "summary",
    "label",
    "body",
    "bodyname",
    "calendardescription",
    "calendartypedesc",
)
STARTS = (
    "startdatetime",
    "starttime",
    "start",
    "startdate",
    "dtstart",
    "startsat",
    "startat",
    "begin",
    "beginsat",
    "eventdate",
    "eventstart",
    "meetingdate",
    "datetime",
    "date",
    "utcstartdate",
)
TIMES = ("starttime", "meetingtime", "eventtime", "time", "begintime")
ENDS = ("enddatetime", "endtime", "end", "enddate", "dtend", "endsat", "endat", "finish")
PLACES = ("venue", "location", "place", "meetinglocation", "eventlocation", "locationname", "venuename", "address")
LINKS = ("url", "link", "permalink", "htmllink", "eventurl", "eventpath", "detailurl", "publicurl", "href")
DESCRIPTIONS = ("description", "details", "content", "excerpt", "summary", "body", "notes")
IDENTIFIERS = ("icaluid", "uid", "eventid", "meetingid", "id", "guid")
IMAGES = ("image", "imageurl", "featuredimage", "photourl", "thumbnail", "photo")
_TIME_AT_END = re.compile(
    r"(?<=[^\W\d_])(?:\s[-–|]|,|:)?\s(?:at\s|@\s?)?\d{1,2}(?::\d{2})?\s?(?:[ap]\.?m\.?|uhr)$", re.IGNORECASE
)
EPOCH_SECONDS = range(631_152_000, 4_102_444_800)  # 1990 to 2100


def json_drafts(text: str, url: str, clock: Clock) -> tuple[list[Draft], list[Problem]]:
    """Return a draft for each object of a JSON document that states a title and a start; nodes with @type are read as JSON-LD."""
    try:
        value = parse(text)
    except ValueError as error:
        return [], [
            Problem(
                code="json_broken", subject=url, message=f"The JSON document could not be read: {str(error)[:150]}."
            )
        ]
    if '"@type"' in text or '"@context"' in text:
        drafts, problems = drafts_of(normal_nodes(value), "json-ld", url, "", clock)
        if drafts:
            return drafts, problems
    return state_drafts(value, url, clock)


def state_drafts(value: Any, base: str, clock: Clock) -> tuple[list[Draft], list[Problem]]:  # noqa: ANN401 (any JSON value)
    """Return a draft for each object that states a title and a start, in document order, without the archive of a long list."""
    drafts: list[Draft] = []
    for index, node in enumerate(walk(value)):
        if index > MAX_OBJECTS:
            break
        keys = {re.sub(r"[^a-z]", "", key.lower()): item for key, item in node.items()}
        draft = _draft(keys, base, clock)
        if draft is not None:
            drafts.append(draft)
    earliest = archive_before(len(drafts), clock)
    kept = [draft for draft in drafts if draft.get("startDate")[:10] >= earliest]
    return kept, archive_problems(len(drafts) - len(kept), earliest, base)


def _draft(keys: dict[str, Any], base: str, clock: Clock) -> Draft | None:
    start, evidence = _start(keys, clock)
    name = next((name for key in TITLES if key in keys and (name := _title(keys[key]))), "") if start else ""
    if not name or not start:
        return None
    draft = Draft("embedded-state")
    name, start = _with_time_of(name, start, clock)
    draft.put("name", name)
    draft.put("startDate", start, evidence)
    end = next((when for key in ENDS if (when := _when(keys.get(key), clock)[0])), "")
    if end and not (len(end) == 10 and end < start[:10]):  # noqa: PLR2004 (a date)
        draft.put("endDate", end if len(end) > 10 or len(start) == 10 else "")  # noqa: PLR2004 (a date)
    draft.put(
        "url",
        next(
            (
                link
                for key in (*LINKS, *TITLES[:2], "name")
                if (link := url_of(keys.get(key), base) if key in LINKS or isinstance(keys.get(key), dict) else "")
            ),
            "",
        ),
    )
    description = next((text for key in DESCRIPTIONS if (text := text_of(keys.get(key))) and text != name), "")
    draft.put("description", clipped(description, MAX_DESCRIPTION))
    draft.put("identifier", next((text for key in IDENTIFIERS if (text := text_of(keys.get(key)))), "")[:300])
    _put_about(draft, keys, base)
    return draft


def _with_time_of(name: str, start: str, clock: Clock) -> tuple[str, str]:
    """A calendar without times has them in its titles: "Storytime 10:00 a.m."."""
    match = _TIME_AT_END.search(name) if len(start) == 10 else None  # noqa: PLR2004 (a date)
    found, day = first_time(match[0]) if match else None, parse_iso(start)
    if match is None or found is None or day is None:
        return name, start
    return name[: match.start()], clock.iso(datetime.combine(day, found[0]))


def _title(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    if isinstance(value, dict):
        value = (
            value.get("rendered") or value.get("label") or value.get("text") or value.get("name") or value.get("html")
        )
    return name_of(value) if isinstance(value, str) else ""


def _put_about(draft: Draft, keys: dict[str, Any], base: str) -> None:
    place = next((place for key in PLACES if (place := _place(keys.get(key)))), None)
    draft.put("location", place, f"{place.name} {place.address.streetAddress}".strip() if place else "")
    organizer = keys.get("organizer")
    name = name_of(organizer) if isinstance(organizer, dict) else ""
    draft.put("organizer", Organizer(name=name) if name and "@" not in name else None, name)
    image = next((link for key in IMAGES if (link := url_of(keys.get(key), base))), "")
    draft.put(
        "image",
        (ImageObject(sourceUrl=image),) if re.search(r"\.(?:jpe?g|png|webp|gif|avif)\b", image, re.IGNORECASE) else (),
        image,
    )
    status = text_of(keys.get("status") or keys.get("eventstatus")).casefold()
    flags = [
        str(keys.get(key, "")).casefold()
        for key in ("cancelled", "canceled", "iscancelled", "iscanceled", "canceledevent")
    ]
    if status in {"cancelled", "canceled"} or "true" in flags:
        draft.put("eventStatus", "EventCancelled", status or "cancelled")
    elif status == "postponed":
        draft.put("eventStatus", "EventPostponed", status)


def _place(value: Any) -> Place | None:  # noqa: ANN401 (any JSON value)
    if isinstance(value, str):
        text = text_of(value)
        return place_from_text(text) if text and not text.isdecimal() and not text.startswith("http") else None
    node = next((item for item in items(value) if isinstance(item, dict)), None)
    if node is None:
        return None
    point: GeoCoordinates | None = geo_of(
        {"latitude": node.get("latitude", node.get("lat")), "longitude": node.get("longitude", node.get("lng"))}
    )
    name = name_of(node.get("name") or node.get("venue") or node.get("title") or node.get("label"))
    parts = {
        "streetAddress": node.get("street")
        or node.get("streetAddress")
        or (node.get("address") if isinstance(node.get("address"), str) else None),
        "addressLocality": node.get("city"),
        "addressRegion": node.get("state") or node.get("region"),
        "postalCode": node.get("zip") or node.get("postalCode") or node.get("postal_code"),
        "addressCountry": node.get("country"),
    }
    address = address_of(node["address"]) if isinstance(node.get("address"), dict) else address_of(parts)
    return Place(name=name, address=address, geo=point) if name or address.model_fields_set else None


def _start(keys: dict[str, Any], clock: Clock) -> tuple[str, str]:
    """Return the start, with the time that a second field states where the first is a day."""
    for key in STARTS:
        start, evidence = _when(keys.get(key), clock)
        if not start:
            continue
        midnight = start[11:16] in {"", "00:00"}
        times = [
            text for name in TIMES if name != key and isinstance(keys.get(name), str) and (text := text_of(keys[name]))
        ]
        if midnight and times and not re.search(r"\d{4}", times[0]):
            together, _ = clock.read(f"{start[:10]} {times[0]}"[:100])
            spans = find_dates(f"{start[:10]} at {times[0]}"[:100], now=clock.now, language="en")
            start = together if "T" in together else clock.iso(spans[0].start) if spans else start
            evidence = f"{evidence} {times[0]}"
        if str(keys.get("allday", "")).casefold() == "true":
            start = start[:10]
        return start, evidence
    return "", ""


def _when(value: Any, clock: Clock) -> tuple[str, str]:  # noqa: ANN401 (any JSON value)
    """Return ISO text and evidence of a text, a Google-like object or a number of seconds or milliseconds since 1970."""
    if isinstance(value, dict):
        inner = next(
            (value[key] for key in ("dateTime", "local", "iso", "date", "utc", "value") if value.get(key)), None
        )
        return _when(inner, clock) if not isinstance(inner, dict) else ("", "")
    if isinstance(value, bool) or value is None:
        return "", ""
    if isinstance(value, (int, float)):
        seconds = int(value / 1000) if abs(value) > EPOCH_SECONDS.stop else int(value)
        return (
            (iso(datetime.fromtimestamp(seconds, UTC), clock.local), str(value))
            if seconds in EPOCH_SECONDS
            else ("", "")
        )
    text = text_of(value)[:100] if isinstance(value, str) else ""
    whole: date | datetime | None = parse_iso(text)
    if whole is not None:
        return clock.iso(whole), text
    return (clock.read(text)[0], text) if re.search(r"\d{4}", text) else ("", "")


def absolute_links(drafts: list[Draft], base: str) -> list[str]:
    """Return the activities' own pages, each once, in order."""
    return list(dict.fromkeys(link for draft in drafts if (link := absolute(draft.get("url"), base))))
