"""One document to what it states: chooses the readers by what the bytes are, and folds their answers into one."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from tripper_assets.domain.activities import Extraction, Method, PageFacts
from tripper_assets.domain.model import Problem, count_by_code
from tripper_assets.domain.pages import MAX_LINKS
from tripper_assets.domain.selectors import Selectors
from tripper_assets.extract.calendar_links import calendar_links
from tripper_assets.extract.calendars import calendar_drafts
from tripper_assets.extract.clock import Clock, zone
from tripper_assets.extract.drafts import Draft, folded
from tripper_assets.extract.embedded import attribute_states, embedded_states
from tripper_assets.extract.feeds import feed_drafts
from tripper_assets.extract.jsonld import Node, jsonld_nodes
from tripper_assets.extract.microdata import microdata_nodes
from tripper_assets.extract.microformats import microformat_nodes
from tripper_assets.extract.opengraph import opengraph_drafts
from tripper_assets.extract.page import Page, find_links, parse_page
from tripper_assets.extract.page_facts import page_facts
from tripper_assets.extract.rdfa import rdfa_nodes
from tripper_assets.extract.schemaorg import drafts_of
from tripper_assets.extract.scripts import Script, inline_scripts
from tripper_assets.extract.selectors import selected_drafts
from tripper_assets.extract.states import absolute_links, json_drafts, state_drafts
from tripper_assets.extract.text_pages import text_drafts
from tripper_assets.extract.texts import decode

MAX_ACTIVITIES = 5_000
MAX_PROBLEMS_OF_A_KIND = 20
COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
"""How gzip and zstd begin."""


def extract_activities(
    body: bytes,
    *,
    url: str,
    content_type: str | None = None,
    now: datetime,
    timezone: str | None = None,
    selectors: Sequence[Selectors] = (),
) -> Extraction:
    """Return the activities, links and problems of one document; no document raises.

    ``timezone`` is the IANA zone of times that state none; without it, or with an unknown one, they stay without an offset.
    ``selectors`` say where pages state what; what they find of a page stands above all else.
    """
    clock = Clock(now, reading_language("", timezone), zone(timezone))
    # What begins like gzip is compressed once more than its header said.
    kind = "other" if body.startswith(COMPRESSED) else document_kind(body, content_type)
    if kind == "calendar":
        drafts, problems = calendar_drafts(body, url, clock)
        return _extraction(drafts, [], problems, url, hashlib.sha256(body).hexdigest())
    if kind == "feed":
        drafts, links, problems = feed_drafts(body, url, clock)
        return _extraction(folded(drafts), links, problems, url, hashlib.sha256(body).hexdigest())
    if kind == "json":
        drafts, pages, problems = json_drafts(decode(body, content_type), url, clock)
        links = [*pages, *absolute_links(drafts, url)]
        return _extraction(folded(drafts), links, problems, url, hashlib.sha256(body).hexdigest())
    if kind == "other":
        message = "The document is neither a page, a calendar nor a feed."
        return Extraction(problems=[Problem(code="not_a_document", subject=url, message=message)])
    page, problems = parse_page(body, url, content_type)
    clock = Clock(now, reading_language(page.language, timezone), zone(timezone))
    scripts = inline_scripts(page)
    drafts, found = page_drafts(page, scripts, clock)
    drafts, missed = selected_drafts(page, clock, drafts, selectors) if selectors else (drafts, [])
    links = list(dict.fromkeys([*find_links(page), *calendar_links(page, scripts)]))
    facts = page_facts(page, links, says_nothing=not drafts)
    return _extraction(drafts, links, [*problems, *found, *missed], url, page.sha256, facts)


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


def page_drafts(page: Page, scripts: list[Script], clock: Clock) -> tuple[list[Draft], list[Problem]]:
    """Return what a page states: its markups, the best founded first, then its text; each fills what the ones before leave open."""
    jsonld, problems = jsonld_nodes(scripts, page.url)
    stated: list[tuple[Method, list[Node]]] = [
        ("json-ld", jsonld),
        ("microdata", microdata_nodes(page)),
        ("rdfa", rdfa_nodes(page)),
        ("microformats", microformat_nodes(page)),
    ]
    found: list[Draft] = []
    for method, nodes in stated:
        drafts, unread = drafts_of(nodes, method, page.url, page.base, clock) if nodes else ([], [])
        found += drafts
        problems += unread
    states, left_out = _states_of(page, scripts, clock, is_said=bool(found))
    problems += left_out
    structured = _without_bare_names(folded([*found, *states, *opengraph_drafts(page, clock)]))
    drafts, left_out = text_drafts(page, clock, structured, [node for _, nodes in stated for node in nodes])
    return drafts, [*problems, *left_out]


def _states_of(page: Page, scripts: list[Script], clock: Clock, *, is_said: bool) -> tuple[list[Draft], list[Problem]]:
    """Return what the states of a page state; its attributes are looked through only where its markup says nothing."""
    values = embedded_states(scripts)
    values = values if values or is_said else attribute_states(page)
    return state_drafts(values, page.base, clock, of_page=True) if values else ([], [])


def _without_bare_names(drafts: list[Draft]) -> list[Draft]:
    """A microformat without a start beside other activities is a class name of the page's theme."""
    bare = [draft for draft in drafts if draft.method == "microformats" and not draft.get("startDate")]
    return [draft for draft in drafts if draft not in bare] if len(bare) < len(drafts) else drafts


def _extraction(
    drafts: list[Draft], links: list[str], problems: list[Problem], url: str, sha256: str, page: PageFacts | None = None
) -> Extraction:
    activities = [draft.build(url, sha256) for draft in drafts[:MAX_ACTIVITIES]]
    if len(drafts) > MAX_ACTIVITIES:
        message = f"The document states {len(drafts)} activities; the first {MAX_ACTIVITIES} were read."
        problems = [*problems, Problem(code="too_many_activities", subject=url, message=message)]
    if len(links) > MAX_LINKS:
        message = f"The document has more than {MAX_LINKS:,} links; the first of them were looked at."
        problems = [*problems, Problem(code="links_cut", subject=url, message=message)]
    few = _few_of_a_kind(problems, url)
    return Extraction(activities=activities, links=links[:MAX_LINKS], problems=few, page=page or PageFacts())


def _few_of_a_kind(problems: list[Problem], url: str) -> list[Problem]:
    """Return the first problems of each code, and how many more there are: one page had 190,000 broken blocks."""
    counts = count_by_code(problems)
    if all(count <= MAX_PROBLEMS_OF_A_KIND for count in counts.values()):
        return problems
    seen: Counter[str] = Counter()
    kept: list[Problem] = []
    for problem in problems:
        seen[problem.code] += 1
        if seen[problem.code] <= MAX_PROBLEMS_OF_A_KIND:
            kept.append(problem)
    more = {code: count - MAX_PROBLEMS_OF_A_KIND for code, count in counts.items() if count > MAX_PROBLEMS_OF_A_KIND}
    return kept + [
        Problem(code=code, subject=url, message=f"{count:,} more parts of the document have the same problem.")
        for code, count in more.items()
    ]


def reading_language(stated: str, timezone: str | None) -> str:
    """Return the tag to read words with: English of an unstated country is British where the zone is not American."""
    if (
        stated.casefold() not in {"", "en"}
        or not timezone
        or timezone.startswith(("America/", "US/", "Pacific/Honolulu", "UTC", "Etc/"))
    ):
        return stated
    return "en-GB" if stated else "x-day-first"
