"""Where a page's calendar can be read as data: the public addresses of common calendar systems that a page points at."""

import re
from itertools import islice
from urllib.parse import parse_qs, quote, urlsplit

from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.scripts import Script

MAX_LINKS = 20
_REST = "tribe/events/v1"
# In scripts, slashes may be escaped as JSON does it.
_ADDRESSES = re.compile(
    r"""https?:\\?/\\?/[\w.:-]{3,100}(?:\\?/[\w~-]{1,50}){0,4}\\?/(?:ajax\\?/calendar\\?/list\?[^"'`\s<>]{1,500}|api\\?/2\\?/events(?:\?[^"'`\s<>]{1,500})?)"""
)
_TRIBE = re.compile(r"""(https?:\\?/\\?/[^"'\s<>]{3,200}?\\?/)tribe\\?/(?:views|events)\\?/v[12]\\?/""")
# A search for a plain text takes a third of the time of Python's own "in" where its letters are common.
_HTTP, _SQUARESPACE = re.compile("http"), re.compile("SQUARESPACE_CONTEXT")
_ELEMENTS = 'iframe[src*="calendar.google."]'
_EVENT_COLLECTION = re.compile(r'"typeName"\s*:\s*"events[\w-]{0,30}"')


def calendar_links(page: Page, scripts: list[Script]) -> list[str]:
    """Return the absolute URLs of the calendars behind a page, each once: The Events Calendar, LibCal, Localist, Squarespace and Google."""
    found = [*_of_elements(page), *(link for script in scripts for link in _of_script(script.text, page))]
    return list(dict.fromkeys(link for link in found if link))[:MAX_LINKS]


def _of_elements(page: Page) -> list[str]:
    # The Events Calendar says in a meta element that the page has it.
    selector = f'{_ELEMENTS}, link[href*="{_REST}"]' if "tec-api-version" in page.meta else _ELEMENTS
    nodes = page.tree.css(selector)
    found: list[str] = []
    for node in nodes[:MAX_LINKS]:
        href = node.attributes.get("href") or node.attributes.get("src") or ""
        if node.tag == "iframe":
            found += _of_google(href)
        else:
            found.append(_list_of(absolute(href, page.base)))
    return found


def _list_of(href: str) -> str:
    """Return the list that The Events Calendar's address leads to; an address of one event says what its page says."""
    base, mark, rest = href.partition(_REST)
    if not mark or re.match(r"/events/(?:\d|by-slug)", rest):
        return ""
    return href if rest.startswith("/events") else f"{base}{_REST}/events?per_page=50"


def _of_google(href: str) -> list[str]:
    try:
        parts = urlsplit(href)
    except ValueError:
        return []
    names = parse_qs(parts.query).get("src", []) if "/embed" in parts.path else []
    return [f"https://calendar.google.com/calendar/ical/{quote(name, safe='')}/public/basic.ics" for name in names[:5]]


def _of_script(text: str, page: Page) -> list[str]:
    if _HTTP.search(text) is None and _SQUARESPACE.search(text) is None:
        return []
    found = [absolute(match[0].replace("\\", ""), page.base) for match in islice(_ADDRESSES.finditer(text), MAX_LINKS)]
    rest = _TRIBE.search(text)
    if rest:
        found.append(absolute(f"{rest[1]}{_REST}/events?per_page=50".replace("\\", ""), page.base))
    if _SQUARESPACE.search(text) and _EVENT_COLLECTION.search(text):
        found.append(f"{page.url.partition('?')[0]}?format=json")
    return found
