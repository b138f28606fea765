"""A page that was parsed once: its tree, its own URL and language, its meta values, and the links worth following."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import urljoin, urlsplit, urlunsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tripper_assets.domain.model import Problem
from tripper_assets.extract.texts import clean, decode

MAX_URL = 2048
FEED_TYPES = frozenset({"application/rss+xml", "application/atom+xml", "text/calendar", "application/ics"})
MAX_DEPTH = 2_000
SUSPICIOUS = 2_000
# Most links of a page are one of these two, and joining them takes a tenth of the general way's time.
_PATH = r"/(?!/)(?:(?!/\.)[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~]){0,1000}"
_PLAIN_PATH = re.compile(_PATH)
_PLAIN_URL = re.compile(rf"https?://[a-z0-9-]{{1,63}}(?:\.[a-z0-9-]{{1,63}}){{1,8}}{_PATH}")
_NESTING = re.compile(
    r"<(/?)(?!(?:br|img|input|meta|link|hr|area|base|col|embed|source|track|wbr|p|li|path|option|td|tr|th|dt|dd)\b)[a-z]",
    re.IGNORECASE,
)


@dataclass
class Page:
    """One HTML document."""

    url: str
    sha256: str
    text: str
    tree: LexborHTMLParser

    @cached_property
    def base(self) -> str:
        """What relative URLs are resolved against: the first base element, itself resolved against the page."""
        node = self.tree.css_first("base[href]")
        return (absolute(node.attributes.get("href") or "", self.url) if node else "") or self.url

    @cached_property
    def language(self) -> str:
        """The language tag that the page states, empty where it states none."""
        root = self.tree.css_first("html")
        stated = (root.attributes.get("lang") or root.attributes.get("xml:lang") or "") if root else ""
        return (
            stated.strip()[:20]
            or self.meta.get("content-language", "")[:20]
            or self.meta.get("og:locale", "").replace("_", "-")[:20]
        )

    @cached_property
    def meta(self) -> dict[str, str]:
        """The first content of each meta name, property or http-equiv, in lower case."""
        found: dict[str, str] = {}
        for node in self.tree.css("meta[content]"):
            attributes = node.attributes
            name = attributes.get("property") or attributes.get("name") or attributes.get("http-equiv") or ""
            content = clean(attributes.get("content") or "")
            if name and content:
                found.setdefault(name.strip().lower(), content)
        return found


def parse_page(body: bytes, url: str, content_type: str | None) -> tuple[Page, list[Problem]]:
    """Return the page, parsed once, and a problem where it is nested deeper than any page is written and was cut there."""
    text = decode(body, content_type)
    text = text.replace("\x00", "") if "\x00" in text else text
    problems = []
    tags = text.count("<")
    if tags > SUSPICIOUS and tags - 2 * text.count("</") > SUSPICIOUS:
        cut = _depth_cut(text)
        if cut < len(text):
            text = text[:cut]
            problems.append(
                Problem(
                    code="too_deep",
                    subject=url,
                    message=f"The page is nested deeper than {MAX_DEPTH} elements; it was read up to there.",
                )
            )
    return Page(url, hashlib.sha256(body).hexdigest(), text, LexborHTMLParser(text)), problems


def _depth_cut(text: str) -> int:
    """Return where the nesting passes the limit: the parser's time grows with its square (100,000 levels took it 11 s)."""
    depth = 0
    for match in _NESTING.finditer(text):
        depth = max(0, depth + (-1 if match[1] else 1))
        if depth > MAX_DEPTH:
            return match.start()
    return len(text)


def absolute(href: str, base: str) -> str:
    """Return an absolute http(s) URL without fragment; empty for any other scheme and for what cannot be read."""
    href = href.strip()
    if _PLAIN_URL.fullmatch(href):
        return href
    if _PLAIN_PATH.fullmatch(href):
        return f"{_origin(base)}{href}" if _origin(base) else ""
    if not href or len(href) > MAX_URL or href.startswith("#"):
        return ""
    try:
        parts = urlsplit(urljoin(base, href.replace("\\", "/") if "\\" in href else href))
        parts.port  # noqa: B018 (raises for a port that is no number)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ""
    return clean(urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, ""))).replace(" ", "%20")


@lru_cache(maxsize=256)
def _origin(base: str) -> str:
    """Return scheme and host of a base that the general way below would accept."""
    try:
        parts = urlsplit(base)
        parts.port  # noqa: B018 (raises for a port that is no number)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} and parts.hostname else ""


def find_links(page: Page) -> list[str]:
    """Return the links worth following, each once, in page order; nofollow and links to other schemes are not."""
    hrefs: dict[str, None] = {}
    for node in page.tree.css("a[href], area[href], link[href]"):
        attributes = node.attributes
        if _worth_following(node, attributes):
            hrefs.setdefault(attributes.get("href") or "")
    return list(dict.fromkeys(url for href in hrefs if (url := absolute(href, page.base))))


def _worth_following(node: LexborNode, attributes: dict[str, str | None]) -> bool:
    rel = (attributes.get("rel") or "").lower()
    if node.tag != "link":
        return "nofollow" not in rel.split()
    if "next" in rel.split():
        return True
    return "alternate" in rel.split() and (attributes.get("type") or "").lower() in FEED_TYPES
