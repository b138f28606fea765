"""RSS and Atom feeds: the pages that their items point at; an item is news of a page, and its date is not the activity's."""

import re

from selectolax.lexbor import LexborHTMLParser

from tripper_assets.domain.model import Problem
from tripper_assets.extract.page import absolute
from tripper_assets.extract.texts import decode, plain_text

MAX_ITEMS = 5_000
_LINK = re.compile(
    r"<link\b([^<>]{0,3000})>([^<]{0,3000})(?=</link|<)|<link\b([^<>]{0,3000})/>|<loc\b[^<>]{0,200}>([^<]{1,3000})</loc",
    re.IGNORECASE,
)
_ITEM = re.compile(r"<(?:item|entry|url)\b", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[(.{0,3000}?)\]\]>", re.DOTALL)


def feed_links(body: bytes, url: str) -> tuple[list[str], list[Problem]]:
    """Return the links of a feed's items, each once, in order."""
    text = _CDATA.sub(lambda match: match[1], decode(body, None).replace("\x00", ""))
    first = _ITEM.search(text)
    if first is None:
        return [], [Problem(code="feed_empty", subject=url, message="The feed has no items.")]
    found: dict[str, None] = {}
    for match in _LINK.finditer(text, first.start()):
        link = absolute(_href(match), url)
        if link:
            found.setdefault(link)
        if len(found) >= MAX_ITEMS:
            break
    return list(found), []


def _href(match: re.Match[str]) -> str:
    if match[4]:
        return plain_text(match[4])
    attributes, text = match[1] or match[3] or "", plain_text(match[2] or "")
    if text:
        return text
    node = LexborHTMLParser(f"<a {attributes.rstrip('/')}>").css_first("a[href]")
    stated = node.attributes if node else {}
    return "" if (stated.get("rel") or "alternate") not in {"alternate", "enclosure-page"} else stated.get("href") or ""
