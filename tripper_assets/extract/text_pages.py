"""Pages that state an activity in plain text: title, OpenGraph, <time>, labelled facts and dates in words."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from tripper_assets.domain.activities import AgeRange, ImageObject, Offer, Organizer
from tripper_assets.domain.identity import fold
from tripper_assets.domain.model import Problem
from tripper_assets.extract.addresses import place_from_text
from tripper_assets.extract.ages import find_ages
from tripper_assets.extract.blocks import Line, read_lines
from tripper_assets.extract.clock import Clock, parse_iso
from tripper_assets.extract.drafts import Draft, fill
from tripper_assets.extract.facts import is_label, labelled_facts
from tripper_assets.extract.jsonld import Node
from tripper_assets.extract.listings import listing_drafts
from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.page_titles import OTHER_PAGES, is_other_page, main_content, title_of
from tripper_assets.extract.prices import find_prices, is_free
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
SHORTEST_ADDRESS, LONGEST_ADDRESS = 5, 200


def text_drafts(
    page: Page, clock: Clock, structured: list[Draft], nodes: list[Node]
) -> tuple[list[Draft], list[Problem]]:
    """Return the structured activities, the only one of them filled from the page's text; where there is none, what the text states."""
    if page.tree.body is None:
        return structured, []
    if len(structured) > 1:
        _fill_times(structured, page, clock)
        return structured, []
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
        return listed, problems
    detail = _detail(page, clock, lines, facts)
    return (stated_occurrences(detail, lines, facts, clock), []) if detail is not None else (listed, problems)


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
                draft.values.pop("endDate")
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
            as_utc = start.replace(tzinfo=UTC).astimezone(clock.local).replace(tzinfo=None)
            if shown == as_utc and shown != start.replace(tzinfo=None):
                draft.replace("startDate", clock.iso(shown), line.text, "text")
                draft.values.pop("endDate", None)
                draft.put("endDate", clock.iso(span.end) if span.end else "", line.text, "text")
                return


def _meta_draft(page: Page) -> Draft:
    draft = Draft("opengraph")
    description = plain_text(page.meta.get("og:description") or page.meta.get("description") or "")
    draft.put("description", clipped(description, MAX_DESCRIPTION))
    image = absolute(
        page.meta.get("og:image:secure_url") or page.meta.get("og:image") or page.meta.get("twitter:image") or "",
        page.base,
    )
    draft.put("image", (ImageObject(sourceUrl=image),) if image else (), image)
    return draft


def _detail(page: Page, clock: Clock, lines: list[Line], facts: dict[str, list[str]]) -> Draft | None:
    """Return the one activity that the page is about; None where nothing says when it is, or nothing says that it is one."""
    name = title_of(page, lines)
    if not name or OTHER_PAGES.match(name) or urlsplit(page.url).path in {"", "/", "/index.html", "/index.php"}:
        return None
    draft = Draft("text")
    draft.put("name", name)
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
            draft.put("ageRange", AgeRange(minValue=ages[0].minimum, maxValue=ages[0].maximum), text)
            break
    labelled = facts.get("price", [])
    for text in [*labelled, *(line.text for line in lines[:MAX_SCANNED] if not is_label(line))]:
        offers = tuple(
            Offer(name=span.name, price=span.price, priceCurrency=span.currency) for span in find_prices(text)
        )
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
    if "image" not in draft.values:
        image = _main_image(page)
        draft.put("image", (ImageObject(sourceUrl=image),) if image else (), image)


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


def _main_image(page: Page) -> str:
    for node in page.tree.css("main img, article img, figure img")[:10]:
        attributes = node.attributes
        source = absolute(attributes.get("src") or attributes.get("data-src") or "", page.base)
        if source and not re.search(r"logo|icon|sprite|avatar|pixel|spacer|\.svg(?:$|\?)", source, re.IGNORECASE):
            return source
    return ""
