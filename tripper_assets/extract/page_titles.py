"""What a page is called, which element holds its own content, and whether its title says that it is about something else."""

import re
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborNode

from tripper_assets.domain.identity import fold
from tripper_assets.extract.blocks import Line, read_lines
from tripper_assets.extract.page import Page
from tripper_assets.extract.texts import MAX_NAME, clean, plain_text

OTHER_PAGES = re.compile(
    r"\b(?:contact|imprint|impressum|privacy|datenschutz\w*|cookies?|terms|agb|about us|über uns|ueber-uns|kontakt|legal|mentions légales|aviso legal|"
    r"note legali|disclaimer|404|not found|nicht gefunden|search results|suchergebnisse|login|log in|sign in|newsletter|jobs?|careers?|sitemap|"
    r"accessibility statement|barrierefreiheit|press releases?|pressemitteilung\w*|contacto|contatti|recipes?|rezepte?)\b",
    re.IGNORECASE,
)
_HOME_PATH = re.compile(r"/?(?:(?:index|default|home)(?:\.\w{2,5})?)?", re.IGNORECASE)
_GENERIC_TITLES = frozenset(
    {
        "event details",
        "event detail",
        "details",
        "event",
        "veranstaltungsdetails",
        "evenement",
        "evento",
        "home",
        "welcome",
    }
)


def is_home(url: str) -> bool:
    """Return whether a URL is that of a site's first page: /, /index.html, /default.aspx, /home and the like."""
    parts = urlsplit(url)
    return not parts.query and _HOME_PATH.fullmatch(parts.path) is not None


def main_content(page: Page) -> LexborNode:
    """Return the page's main element, else its only article, else its body; an element that shows nothing is none of them."""
    body = page.tree.body
    for selector in ("main", "[role=main]", "article"):
        found = page.tree.css(selector)
        if len(found) == 1 and len(found[0].text(deep=True)) > 80 and read_lines(found[0], 1):  # noqa: PLR2004 (an empty main element holds nothing)
            return found[0]
    return body or page.tree.root  # type: ignore[return-value]


def is_other_page(page: Page) -> bool:
    """Return whether the page's address or the beginning of its title says contact, imprint, privacy and the like."""
    title = page.tree.css_first("title")
    words = clean(title.text(deep=True))[:200] if title else ""
    path = unquote(urlsplit(page.url).path).replace("-", " ").replace("_", " ").rpartition("/")[2]
    return bool(OTHER_PAGES.search(path[:100]) or OTHER_PAGES.match(words))


def title_of(page: Page, lines: list[Line]) -> str:
    """Return the page's own title: its first main heading, else OpenGraph's, else the title element's, without the site's name."""
    site = page.meta.get("og:site_name", "")
    headings = [line.text for line in lines if line.heading == 1] or [
        clean(node.text(deep=True, separator=" ")) for node in page.tree.css("h1")[:3]
    ]
    node = page.tree.css_first("title")
    stated = [*headings, page.meta.get("og:title", ""), clean(node.text(deep=True)) if node else ""]
    for text in stated:
        title = without_site(plain_text(text), site)
        if title and fold(title) not in {fold(site), *_GENERIC_TITLES} and len(title) <= MAX_NAME:
            return title
    return ""


def without_site(title: str, site: str) -> str:
    """Return the title without the site's name at its end; an unnamed site is what stands behind the last bar."""
    head, mark, tail = title.rpartition(" | ")
    if mark:
        return head.strip()
    parts = re.split(r"\s[-–—·»]\s", title)
    if len(parts) > 1 and site and fold(parts[-1]) == fold(site):
        return title[: title.rindex(parts[-1])].rstrip(" -–—·»")
    return tail.strip()
