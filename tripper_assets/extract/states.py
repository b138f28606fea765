"""JSON of calendars and programmes, as an API or a page's own state gives it: objects that state a title and a start are drafts of activities."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from tripper_assets.domain.model import Problem
from tripper_assets.extract.clock import Clock, archive_before, archive_problems, iso, parse_iso, zone
from tripper_assets.extract.dates import find_dates
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.jsonld import normal_nodes
from tripper_assets.extract.listing_titles import first_time
from tripper_assets.extract.loose_json import containers, parse_parts, walk
from tripper_assets.extract.page import absolute
from tripper_assets.extract.places import items, name_of, text_of, url_of
from tripper_assets.extract.schemaorg import drafts_of
from tripper_assets.extract.state_facts import IMAGES, PLACES, put_facts
from tripper_assets.extract.texts import MAX_DESCRIPTION, clipped

MAX_OBJECTS = 50_000
MAX_OCCURRENCES = 100
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
    "startdt",
    "starttime",
    "start",
    "startdate",
    "dtstart",
    "startsat",
    "startat",
    "starts",
    "startson",
    "begin",
    "beginsat",
    "eventdate",
    "eventstart",
    "eventstartdate",
    "datestart",
    "startdateandtime",
    "meetingdate",
    "datetime",
    "date",
    "utcstartdate",
    "startdateutc",
)
WEAK_STARTS = frozenset({"datetime", "date", "begin", "start", "starts"})
"""Keys that other things than activities have too: a news item has a date, a slide a start."""
TIMES = ("starttime", "meetingtime", "eventtime", "time", "begintime")
ENDS = (
    "enddatetime", "enddt", "endtime", "end", "enddate", "dtend", "endsat", "endat", "ends", "endson", "eventend", "eventenddate",
    "dateend", "finish",
)  # fmt: skip
LINKS = (
    "url", "localisturl", "link", "permalink", "htmllink", "eventurl", "eventpath", "detailurl", "publicurl", "fullurl", "href", "path",
)  # fmt: skip
DESCRIPTIONS = (
    "description", "descriptiontext", "details", "content", "excerpt", "summary", "shortdesc", "shortdescription", "body", "notes",
)  # fmt: skip
IDENTIFIERS = ("icaluid", "uid", "eventid", "meetingid", "id", "guid")
_ZONES = ("timezone", "timezonename", "timezoneid", "tz", "starttimezone")
# Objects that hold the fields of the one around them.
_HOLDERS = ("attributes", "fields", "acf", "meta", "customfields", "extendedprops")
_OCCURRENCES = (
    "eventinstances", "occurrences", "instances", "dates", "sessions", "performances", "showtimes", "showings", "schedules", "schedule",
    "eventdates", "times", "timeslots", "recurrences",
)  # fmt: skip
_OTHER_THINGS = re.compile(
    r"article|blog|product|news|press|job|vacanc|coupon|voucher|offer|promo|banner|campaign|alert|notif|announce|ticket|price|review|recipe|menu|"
    r"slide|video|person|author|user|season|consent|cookie|chart|academic|semester|nav|release|deploy|build",
    re.IGNORECASE,
)
_TIME_AT_END = re.compile(
    r"(?<=[^\W\d_])(?:\s[-–|]|,|:)?\s(?:at\s|@\s?)?\d{1,2}(?::\d{2})?\s?(?:[ap]\.?m\.?|uhr)$", re.IGNORECASE
)
EPOCH_SECONDS = range(631_152_000, 4_102_444_800)  # 1990 to 2100
_NEXT_PAGES = ("nextresturl", "nextpageurl", "nexturl", "nextpage", "next", "nextlink")


def json_drafts(text: str, url: str, clock: Clock) -> tuple[list[Draft], list[str], list[Problem]]:
    """Return a draft for each object of a JSON document that states a title and a start, and where the list goes on.

    Nodes with @type are read as JSON-LD.
    """
    values, fault = parse_parts(text)
    problems = []
    if fault:
        message = f"The JSON document could not be read{' whole' if values else ''}: {fault[:150]}."
        problems.append(Problem(code="json_broken", subject=url, message=message))
    if '"@type"' in text or '"@context"' in text:
        drafts, unread = drafts_of(normal_nodes(*values), "json-ld", url, "", clock)
        if drafts:
            return drafts, [], [*problems, *unread]
    drafts, left_out = state_drafts(values, url, clock)
    return drafts, _following_pages(values, url) if drafts else [], [*problems, *left_out]


def _following_pages(values: list[Any], url: str) -> list[str]:
    """Return where a list says that it goes on: as JSON, if it was asked for as JSON."""
    tops = [
        top
        for value in values
        if isinstance(value, dict)
        for top in (value, *(value.get(key) for key in ("pagination", "links", "meta")))
    ]
    stated = [
        item for top in tops if isinstance(top, dict) for key, item in top.items() if folded_key(key) in _NEXT_PAGES
    ]
    links = [link for item in stated if not isinstance(item, bool) and (link := url_of(item, url))]
    as_json = "format=json" in url
    return list(
        dict.fromkeys(
            f"{link}{'&' if '?' in link else '?'}format=json" if as_json and "format=" not in link else link
            for link in links
        )
    )


def state_drafts(value: Any, base: str, clock: Clock, *, of_page: bool = False) -> tuple[list[Draft], list[Problem]]:  # noqa: ANN401 (any JSON value)
    """Return a draft for each object that states a title and a start, in document order, without the archive of a long list.

    ``of_page``: the value is the state of a page, which holds much else; then an object must say more than a title and a date.
    """
    clock = _with_zone_of(value, clock)
    drafts: list[Draft] = []
    under = _keys_above(value) if of_page else {}
    for index, node in enumerate(walk(value)):
        if index > MAX_OBJECTS:
            break
        for keys in _stated(node):
            if of_page and not _is_outing(keys, under.get(id(node), "")):
                continue
            draft = _draft(keys, base, clock)
            if draft is not None:
                drafts.append(draft)
    earliest = archive_before(len(drafts), clock)
    kept = [draft for draft in drafts if draft.get("startDate")[:10] >= earliest]
    return kept, archive_problems(len(drafts) - len(kept), earliest, base)


@lru_cache(maxsize=10_000)
def folded_key(key: str) -> str:
    """Return a key's letters and digits; a query cache has the arguments of a field in its key."""
    return re.sub(r"[^a-z0-9]", "", key.partition("(")[0].lower())


def _stated(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the folded fields of an object; where only its occurrences state a start, those of each with the object's own."""
    keys = {folded_key(key): item for key, item in node.items()}
    for holder in _HOLDERS:
        inner = keys.get(holder)
        if isinstance(inner, dict) and not any(key in keys for key in STARTS):
            keys = {folded_key(key): item for key, item in inner.items()} | keys
    if any(keys.get(key) for key in STARTS) or not any(keys.get(key) for key in TITLES):
        yield keys
        return
    for item in [item for name in _OCCURRENCES for item in items(keys.get(name))][:MAX_OCCURRENCES]:
        inner = next(iter(item.values())) if isinstance(item, dict) and len(item) == 1 else item
        if isinstance(inner, dict):
            own = {folded_key(key): value for key, value in inner.items()}
            if any(own.get(key) for key in STARTS) and not any(own.get(key) for key in TITLES):
                yield keys | {key: value for key, value in own.items() if key not in IDENTIFIERS}


def _keys_above(value: Any) -> dict[int, str]:  # noqa: ANN401 (any JSON value)
    """Return the key that each object stands under, itself or its list, by the object's id."""
    found: dict[int, str] = {}
    for node in containers(value):
        for key, item in node.items() if isinstance(node, dict) else ():
            found |= {id(one): key for one in (item if isinstance(item, list) else [item]) if isinstance(one, dict)}
    return found


def _is_outing(keys: dict[str, Any], above: str) -> bool:
    """Return whether an object of a page's state is an activity by its keys and the one ``above`` it.

    It has a start that is no date of publication, and a place, or else an end or a telling start with more words than a title.
    """
    kind = " ".join(text_of(keys.get(key)) for key in ("typename", "type", "contenttype", "posttype") if key in keys)[
        :200
    ]
    is_event = "event" in f"{kind} {above}".lower()
    if _OTHER_THINGS.search(f"{kind} {above}") and not is_event:
        return False
    strong = "event" in kind.lower() or any(keys.get(key) for key in STARTS if key not in WEAK_STARTS)
    ends = any(keys.get(key) for key in ENDS)
    tells = any(keys.get(key) for key in (*LINKS, "slug", *IMAGES, *DESCRIPTIONS))
    return any(keys.get(key) for key in PLACES) or (ends and (is_event or tells)) or (strong and tells)


def _with_zone_of(value: Any, clock: Clock) -> Clock:  # noqa: ANN401 (any JSON value)
    """Some states name the zone of the whole site once."""
    top = value[0] if isinstance(value, list) and value else value
    holders = [top, *(top.get(key) for key in ("website", "site", "calendar"))] if isinstance(top, dict) else []
    return (
        next(
            (
                with_zone
                for one in holders
                if isinstance(one, dict) and (with_zone := _own_zone(one, clock)) is not clock
            ),
            clock,
        )
        if clock.local is None
        else clock
    )


def _own_zone(node: dict[str, Any], clock: Clock) -> Clock:
    for key, item in node.items():
        if isinstance(item, str) and folded_key(key) in _ZONES and (local := zone(item[:60])):
            return replace(clock, local=local)
    return clock


def _draft(keys: dict[str, Any], base: str, clock: Clock) -> Draft | None:
    clock = _own_zone(keys, clock)
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
        draft.put("endDate", _end(start, end, is_day=_is_true(keys, "allday")))
    draft.put("url", _link(keys, base))
    description = next((text for key in DESCRIPTIONS if (text := text_of(keys.get(key))) and text != name), "")
    draft.put("description", clipped(description, MAX_DESCRIPTION))
    draft.put("identifier", next((text for key in IDENTIFIERS if (text := text_of(keys.get(key)))), "")[:300])
    put_facts(draft, keys, base)
    return draft


def _end(start: str, end: str, *, is_day: bool) -> str:
    """Return the end; of whole days the last one, where midnight begins the day after it, as calendars of scripts have it."""
    if is_day:
        day = parse_iso(end)
        last = (day - timedelta(days=1)).isoformat() if isinstance(day, datetime) and day.time() == time() else end
        return last[:10] if last[:10] > start[:10] else ""
    return end if len(end) > 10 or len(start) == 10 else ""  # noqa: PLR2004 (a date)


def _link(keys: dict[str, Any], base: str) -> str:
    for key in (*LINKS, *TITLES[:2], "name"):
        value = keys.get(key)
        if isinstance(value, dict) and "public" in value:
            value = value["public"]
        link = url_of(value, base) if key in LINKS or isinstance(value, dict) else ""
        if link:
            return link
    return ""


def _is_true(keys: dict[str, Any], *names: str) -> bool:
    return any(str(keys.get(name, "")).casefold() in {"true", "1", "yes"} for name in names)


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
        if _is_true(keys, "allday"):
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
        if not math.isfinite(value):
            return "", ""
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
