"""Pages that state an activity in plain text: title, OpenGraph, <time>, labelled facts and dates in words."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from tripper_assets.domain.activities import Organizer
from tripper_assets.domain.identity import fold
from tripper_assets.domain.images import joined_pictures
from tripper_assets.domain.model import Problem
from tripper_assets.extract.addresses import place_from_text
from tripper_assets.extract.ages import find_ages
from tripper_assets.extract.blocks import Line, read_lines
from tripper_assets.extract.clock import Clock, archive_problems, parse_iso
from tripper_assets.extract.drafts import Draft, fill
from tripper_assets.extract.facts import is_label, labelled_facts
from tripper_assets.extract.jsonld import Node
from tripper_assets.extract.list_names import telling_title
from tripper_assets.extract.listing_rules import rule_lines
from tripper_assets.extract.listings import listing_drafts
from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.page_titles import OTHER_PAGES, is_home, is_other_page, main_content, title_of
from tripper_assets.extract.pictures import main_picture, shared_pictures
from tripper_assets.extract.prices import find_prices, is_free
from tripper_assets.extract.programmes import programme_drafts
from tripper_assets.extract.text_times import (
    MAX_SCANNED,
    SHORT_LINE,
    put_shown_rule,
    put_when,
    stated_days,
    stated_occurrences,
)
from tripper_assets.extract.texts import MAX_DESCRIPTION, MAX_NAME, clean, clipped, plain_text

# A page about one of these is not about an activity, whatever dates it names.
OTHER_SUBJECTS = frozenset(
    [
        "Recipe",
        "Product",
        "NewsArticle",
        "BlogPosting",
        "JobPosting",
        "VideoObject",
        "HowTo",
        "QAPage",
        "FAQPage",
        "Book",
        "Movie",
    ]
)
_SIGNAL = re.compile(
    r"\b(?:events?|activit\w+|workshops?|class(?:es)?|festivals?|tours?|exhibitions?|storytime|story time|concerts?|shows?|fair|market|playgroup|family|"
    r"families|kids|children|calendar|whats-on|what's on|veranstaltung\w*|termine?|kurse?|ausstellung\w*|führung\w*|kinder\w*|familien?\w*|konzerte?|"
    r"fest|markt|atelier|spectacle|exposition|sortie|enfants?|famille|evento?s?|eventi|taller|exposición|niños|laboratorio|mostra|bambini|"
    r"activiteit\w*|voorstelling|tentoonstelling|kinderen|meetings?|hearing|session)\b",
    re.IGNORECASE,
)
SENTENCE = 60
LONG_CALENDAR = 20
SHOWN_AFTER = timedelta(days=14)
SHORTEST_ADDRESS, LONGEST_ADDRESS = 5, 200


def text_drafts(
    page: Page, clock: Clock, structured: list[Draft], nodes: list[Node]
) -> tuple[list[Draft], list[Problem]]:
    """Return the structured activities, the only one of them filled from the page's text; where there is none, what the text states."""
    if page.tree.body is None:
        return structured, []
    if len(structured) > 1:
        _fill_times(structured, page, clock)
        return _without_past(structured, clock, page.url)
    if structured:
        _fill_from_meta(structured[0], page)
        _mend_zone(structured[0], page, clock)
        if structured[0].method == "microdata":
            put_shown_rule(structured[0], page)
        return structured, []
    types = {one for node in nodes for one in node.get("@type", [])}
    if types & OTHER_SUBJECTS or is_other_page(page):
        return [], []
    lines = read_lines(main_content(page))
    facts = labelled_facts(lines)
    one_stated = len(facts.get("when", ())) == 1
    listed, problems = ([], []) if one_stated else listing_drafts(lines, page, clock, title_of(page, lines))
    if len(listed) > 1:
        _fill_own_entry(listed, page, lines)
    detail = _detail(page, clock, lines, facts) if len(listed) <= 1 else None
    if detail is None:
        return listed, problems
    _take_rules(detail, lines)
    occurrences = stated_occurrences(detail, lines, facts, clock)
    parts = programme_drafts(detail, lines, clock) if len(occurrences) == 1 else []
    return [*occurrences, *parts], []


def _fill_own_entry(listed: list[Draft], page: Page, lines: list[Line]) -> None:
    """Where the page is about one of what it lists, and the others stand below it, that one has what the page says before them."""
    title = fold(title_of(page, lines))
    own = next((draft for draft in listed if fold(draft.get("name")) == title), None)
    others = {fold(draft.get("name")) for draft in listed} - {title}
    first = next((index for index, line in enumerate(lines) if fold(line.text) in others), 0)
    if own is None or not first or own is not listed[0]:
        return
    above, about = lines[:first], Draft("text")
    facts = labelled_facts(above)
    _put_terms(about, above, facts)
    _put_about(about, page, above, facts)
    fill(own, about)


def _take_rules(detail: Draft, lines: list[Line]) -> None:
    """Where the page states several rules for its one activity, all of them are its schedule, and not the first alone."""
    rules = rule_lines(lines[:MAX_SCANNED])
    if len(rules) < 2 or "eventSchedule" not in detail.values or detail.get("startDate"):  # noqa: PLR2004 (one is there already)
        return
    schedules = tuple(dict.fromkeys(rule.schedule for rule in rules))
    detail.replace("eventSchedule", schedules, rules[0].text, "listing")


def _without_past(structured: list[Draft], clock: Clock, url: str) -> tuple[list[Draft], list[Problem]]:
    """Calendars state the whole month in markup: beside what is still to come, what has passed two weeks ago is their archive."""
    today = clock.now.date()
    earliest = (today - SHOWN_AFTER).isoformat()
    if len(structured) <= LONG_CALENDAR or all(_last_day(draft) < today.isoformat() for draft in structured):
        return structured, []
    kept = [draft for draft in structured if _last_day(draft) >= earliest]
    return kept, archive_problems(len(structured) - len(kept), earliest, url)


def _last_day(draft: Draft) -> str:
    """Return the last stated day; a rule, and what states no day, goes on."""
    if "eventSchedule" in draft.values or not draft.get("startDate"):
        return "9999"
    return max(draft.get("startDate")[:10], draft.get("endDate")[:10])


def _fill_times(structured: list[Draft], page: Page, clock: Clock) -> None:
    """Markup of a calendar often states only the day, and the page beside it the time."""
    if all("T" in draft.get("startDate") for draft in structured):
        return
    lines = read_lines(main_content(page))
    listed = {
        (fold(one.get("name")), one.get("startDate")[:10]): one
        for one in listing_drafts(lines, page, clock, title_of(page, lines))[0]
    }
    for draft in structured:
        twin = listed.get((fold(draft.get("name")), draft.get("startDate")))
        if twin is not None and "T" in twin.get("startDate"):
            if draft.get("endDate") == draft.get("startDate"):
                draft.drop("endDate")
            fill(draft, twin)


def _fill_from_meta(draft: Draft, page: Page) -> None:
    """Fill the page's one activity from OpenGraph, where the page is about it."""
    title = fold(page.meta.get("og:title", ""))
    name = fold(draft.get("name"))
    if title and name and (name in title or title in name):
        fill(draft, _meta_draft(page))


def _mend_zone(draft: Draft, page: Page, clock: Clock) -> None:
    """Some sites write UTC into their markup without saying so; the local time that the page shows for that day is then the start.

    Seen on seven county calendars: itemprop startDate 15:00, on the page "10:00 AM", in a zone five hours behind UTC.
    """
    start, method = parse_iso(draft.get("startDate")), draft.found.get("startDate", ("", ""))
    if clock.local is None or not isinstance(start, datetime) or re.search(r"(?:Z|[+-]\d{2}:?\d{2})$", method[1]):
        return
    for line in read_lines(main_content(page)):
        for span in stated_days(line.text, clock) if len(line.text) < SHORT_LINE else []:
            shown = span.start
            if not isinstance(shown, datetime):
                continue
            if shown == start.replace(tzinfo=None):
                return
            as_utc = start.replace(tzinfo=UTC).astimezone(clock.local).replace(tzinfo=None)
            if shown == as_utc and shown != start.replace(tzinfo=None):
                draft.replace("startDate", clock.iso(shown), line.text, "text")
                draft.drop("endDate")
                draft.put("endDate", clock.iso(span.end) if span.end else "", line.text, "text")
                return


def _meta_draft(page: Page) -> Draft:
    draft = Draft("opengraph")
    description = plain_text(page.meta.get("og:description") or page.meta.get("description") or "")
    draft.put("description", clipped(description, MAX_DESCRIPTION))
    images = shared_pictures(page)
    draft.put("image", images, images[0].sourceUrl if images else "")
    return draft


def _detail(page: Page, clock: Clock, lines: list[Line], facts: dict[str, list[str]]) -> Draft | None:
    """Return the one activity that the page is about; None where nothing says when it is, or nothing says that it is one."""
    name = title_of(page, lines)
    if not name or OTHER_PAGES.match(name) or is_home(page.url):
        return None
    draft = Draft("text")
    telling, evidence = telling_title(name, page, lines)
    draft.put("name", clipped(telling, MAX_NAME), evidence)
    put_when(draft, page, clock, lines, facts)
    _put_terms(draft, lines, facts)
    if not _is_activity(draft, page, facts):
        return None
    _put_about(draft, page, lines, facts)
    return draft


def _is_activity(draft: Draft, page: Page, facts: dict[str, list[str]]) -> bool:
    """A date needs a second sign: a time of day, a place, a price, an age, or words that name an outing; hours need a price or an age."""
    terms = any(name in draft.values for name in ("ageRange", "offers", "isAccessibleForFree"))
    if not draft.get("startDate"):
        return terms and bool(draft.values.keys() & {"openingHoursSpecification", "eventSchedule"})
    if page.meta.get("og:type", "").lower() == "article" and not facts.keys() & {"when", "time", "where"}:
        return False
    words = f"{draft.get('name')} {unquote(urlsplit(page.url).path)} {page.meta.get('og:type', '')}".replace(
        "-", " "
    ).replace("_", " ")
    return (
        terms
        or "T" in draft.get("startDate")
        or bool(facts.keys() & {"when", "where", "time"})
        or _SIGNAL.search(words) is not None
    )


def _put_terms(draft: Draft, lines: list[Line], facts: dict[str, list[str]]) -> None:
    for text in [*facts.get("age", []), *(line.text for line in lines[:MAX_SCANNED])]:
        ages = find_ages(text)
        if ages:
            draft.put("ageRange", ages[0].range, text)
            break
    labelled = facts.get("price", [])
    for text in [*labelled, *(line.text for line in lines[:MAX_SCANNED] if not is_label(line))]:
        offers = tuple(span.offer for span in find_prices(text))
        free = is_free(text) or (
            text in labelled and plain_text(text).casefold().startswith(("free", "frei", "gratis"))
        )
        if offers and not draft.values.get("isAccessibleForFree"):
            draft.put("offers", tuple(dict.fromkeys(offers))[:20], text)
            break
        if free:
            draft.put("isAccessibleForFree", True, text)
            break


def _put_about(draft: Draft, page: Page, lines: list[Line], facts: dict[str, list[str]]) -> None:
    fill(draft, _meta_draft(page))
    paragraph = next(
        (line.text for line in lines if len(line.text) > SENTENCE and not line.heading and not is_label(line)), ""
    )
    draft.put("description", clipped(paragraph, MAX_DESCRIPTION))
    for text in [*facts.get("where", []), *_address_elements(page)]:
        place: Any = place_from_text(text)
        if place is not None:
            draft.put("location", place, text)
            break
    for text in facts.get("organizer", [])[:1]:
        draft.put("organizer", Organizer(name=clipped(text, MAX_NAME)), text)
    categories = [word.strip() for text in facts.get("category", [])[:1] for word in text.split(",")]
    draft.put("category", tuple(word for word in categories if word)[:20], ", ".join(categories))
    canonical = page.tree.css_first("link[rel=canonical]")
    draft.put("url", absolute((canonical.attributes.get("href") or "") if canonical else "", page.base) or page.url)
    draft.put("inLanguage", page.language)
    images = main_picture(page)
    draft.put("image", images, images[0].sourceUrl if images else "")
    if images:
        draft.values["image"] = joined_pictures(draft.values["image"], images)


def _address_elements(page: Page) -> list[str]:
    nodes = list(
        page.tree.css("main address, article address, [class*=address], [class*=venue], [class*=location]")[:5]
    )
    return [
        text
        for node in nodes
        if SHORTEST_ADDRESS
        < len(text := clean(node.text(deep=True, separator=", ").replace(", ,", ",")))
        < LONGEST_ADDRESS
    ]
