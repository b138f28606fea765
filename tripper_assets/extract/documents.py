"""One document to what it states: chooses the readers by what the bytes are, and folds their answers into one."""

import hashlib
from datetime import datetime

from tripper_assets.domain.activities import Extraction
from tripper_assets.domain.model import Problem
from tripper_assets.extract.calendars import calendar_drafts
from tripper_assets.extract.clock import Clock, zone
from tripper_assets.extract.drafts import Draft, folded
from tripper_assets.extract.feeds import feed_links
from tripper_assets.extract.jsonld import jsonld_nodes
from tripper_assets.extract.microdata import microdata_nodes
from tripper_assets.extract.page import Page, find_links, parse_page
from tripper_assets.extract.schemaorg import drafts_of
from tripper_assets.extract.states import absolute_links, json_drafts
from tripper_assets.extract.text_pages import text_drafts
from tripper_assets.extract.texts import decode

MAX_ACTIVITIES = 5_000


def extract_activities(
    body: bytes, *, url: str, content_type: str | None = None, now: datetime, timezone: str | None = None
) -> Extraction:
    """Return the activities, links and problems of one document; no document raises.

    ``timezone`` is the IANA zone of times that state none; without it, or with an unknown one, they stay without an offset.
    """
    clock = Clock(now, reading_language("", timezone), zone(timezone))
    kind = document_kind(body, content_type)
    if kind == "calendar":
        drafts, problems = calendar_drafts(body, url, clock)
        return _extraction(drafts, [], problems, url, hashlib.sha256(body).hexdigest())
    if kind == "feed":
        links, problems = feed_links(body, url)
        return Extraction(links=links, problems=problems)
    if kind == "json":
        drafts, problems = json_drafts(decode(body, content_type), url, clock)
        return _extraction(folded(drafts), absolute_links(drafts, url), problems, url, hashlib.sha256(body).hexdigest())
    if kind == "other":
        message = "The document is neither a page, a calendar nor a feed."
        return Extraction(problems=[Problem(code="not_a_document", subject=url, message=message)])
    page, problems = parse_page(body, url, content_type)
    clock = Clock(now, reading_language(page.language, timezone), zone(timezone))
    drafts, found = page_drafts(page, clock)
    return _extraction(drafts, find_links(page), [*problems, *found], url, page.sha256)


def document_kind(body: bytes, content_type: str | None) -> str:
    """Return page, calendar, feed, json or other: what the bytes say, then what the header does."""
    head = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    stated = (content_type or "").partition(";")[0].strip().lower()
    if head.startswith(b"begin:v") or stated in {"text/calendar", "application/ics"}:
        return "calendar"
    if (
        b"<rss" in head
        or b"<feed" in head
        or b"<rdf:rdf" in head
        or stated in {"application/rss+xml", "application/atom+xml"}
    ):
        return "feed"
    if head[:1] in {b"{", b"["} or stated.endswith(("/json", "+json")):
        return "json"
    if b"<html" in head or b"<!doctype html" in head or "html" in stated:
        return "page"
    if (b"\x00" in body[:1024] and not body.startswith((b"\xff\xfe", b"\xfe\xff"))) or stated.startswith(
        (
            "image/",
            "audio/",
            "video/",
            "font/",
            "text/css",
            "text/javascript",
            "application/javascript",
            "application/pdf",
            "application/zip",
        )
    ):
        return "other"
    return "page"


def page_drafts(page: Page, clock: Clock) -> tuple[list[Draft], list[Problem]]:
    """Return what a page states: JSON-LD first, then microdata, then its text; each fills what the ones before leave open."""
    jsonld, broken = jsonld_nodes(page)
    microdata = microdata_nodes(page)
    drafts, problems = drafts_of(jsonld, "json-ld", page.url, page.base, clock)
    more, unnamed = drafts_of(microdata, "microdata", page.url, page.base, clock)
    structured = folded([*drafts, *more])
    stated, left_out = text_drafts(page, clock, structured, [*jsonld, *microdata])
    return stated, [*broken, *problems, *unnamed, *left_out]


def _extraction(drafts: list[Draft], links: list[str], problems: list[Problem], url: str, sha256: str) -> Extraction:
    activities = [draft.build(url, sha256) for draft in drafts[:MAX_ACTIVITIES]]
    if len(drafts) > MAX_ACTIVITIES:
        message = f"The document states {len(drafts)} activities; the first {MAX_ACTIVITIES} were read."
        problems = [*problems, Problem(code="too_many_activities", subject=url, message=message)]
    return Extraction(activities=activities, links=links, problems=problems)


def reading_language(stated: str, timezone: str | None) -> str:
    """Return the tag to read words with: English of an unstated country is British where the zone is not American."""
    if (
        stated.casefold() not in {"", "en"}
        or not timezone
        or timezone.startswith(("America/", "US/", "Pacific/Honolulu", "UTC", "Etc/"))
    ):
        return stated
    return "en-GB" if stated else "x-day-first"
