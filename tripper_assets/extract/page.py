"""A page that was parsed once: its tree, its own URL and language, its meta values, and the links worth following."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import urljoin, urlsplit, urlunsplit

from selectolax.lexbor import LexborHTMLParser

from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import MAX_LINKS
from tripper_assets.extract.texts import clean, decode

MAX_URL = 2048
FEED_TYPES = frozenset({"application/rss+xml", "application/atom+xml", "text/calendar", "application/ics"})
MAX_DEPTH = 2_000
SUSPICIOUS = 4_000
"""Tags of a page up to which it is not looked at: so many levels take the parser a fiftieth of a second."""
MAX_TAGS = 400_000
"""A page of 10 MB that is nothing but tags took 900 MB as a tree."""
MAX_TAG = 20_000
"""Characters of one tag, beyond which its attributes are counted: the parser's time grows with their square, a million took minutes."""
MAX_ATTRIBUTES = 1_000
LONG_TEXT = 100_000
# Most links of a page are one of these two, and joining them takes a tenth of the general way's time.
_PATH = r"/(?!/)(?:(?!/\.)[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~]){0,1000}"
_PLAIN_PATH = re.compile(_PATH)
_PLAIN_URL = re.compile(rf"https?://[a-z0-9-]{{1,63}}(?:\.[a-z0-9-]{{1,63}}){{1,8}}{_PATH}")
_NESTING = re.compile(
    r"<(/?)(?!(?:br|img|input|meta|link|hr|area|base|col|embed|source|track|wbr|p|li|path|option|td|tr|th|dt|dd)\b)[a-z]",
    re.IGNORECASE,
)
# Quoted values may hold a ">"; possessive, so that no text is gone through twice.
_TAG = re.compile(r"""<[a-z](?:[^>"']++|"[^"]*+"|'[^']*+')*+""", re.IGNORECASE)
_QUOTED = re.compile(r""""[^"]*+"|'[^']*+'""")


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
    def links(self) -> list[tuple[str, dict[str, str | None]]]:
        """The tag and attributes of each a, area and link element with an href, in document order; the first 4 * MAX_LINKS of them."""
        nodes = self.tree.css("a[href], area[href], link[href]")
        return [(node.tag or "", node.attributes) for node in nodes[: 4 * MAX_LINKS]]

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
    """Return the page, parsed once, and a problem for each way in which it is beyond what any page is written like and was cut."""
    text = decode(body, content_type)
    text = text.replace("\x00", "") if "\x00" in text else text
    problems: list[Problem] = []
    for cut_off in (_without_long_tags, _without_many_tags, _without_deep_tags):
        text, what = cut_off(text)
        if what:
            problems.append(Problem(code=what[0], subject=url, message=what[1]))
    return Page(url, hashlib.sha256(body).hexdigest(), text, LexborHTMLParser(text)), problems


def _without_long_tags(text: str) -> tuple[str, tuple[str, str] | None]:
    """Return the text without the attributes of tags that have more of them than any page gives one, with the code and sentence of it."""
    if len(text) < LONG_TEXT:
        return text, None
    kept, start = list[str](), 0
    for tag in _TAG.finditer(text):
        if tag.end() - tag.start() > MAX_TAG and len(_QUOTED.sub("", tag[0]).split()) > MAX_ATTRIBUTES:
            kept += [text[start : tag.start()], tag[0].split(maxsplit=1)[0]]
            start = tag.end()
    if not kept:
        return text, None
    what = f"The page has tags with more than {MAX_ATTRIBUTES:,} attributes; they were read without them."
    return "".join([*kept, text[start:]]), ("too_many_attributes", what)


def _without_many_tags(text: str) -> tuple[str, tuple[str, str] | None]:
    if len(text) <= MAX_TAGS or text.count("<") <= MAX_TAGS:
        return text, None
    parts = text.split("<", MAX_TAGS)
    what = f"The page has more than {MAX_TAGS:,} tags; it was read up to there."
    return text[: len(text) - len(parts[-1]) - 1], ("too_many_tags", what)


def _without_deep_tags(text: str) -> tuple[str, tuple[str, str] | None]:
    tags = text.count("<")
    if tags <= SUSPICIOUS or tags - 2 * text.count("</") <= SUSPICIOUS:
        return text, None
    cut = _depth_cut(text)
    what = f"The page is nested deeper than {MAX_DEPTH:,} elements; it was read up to there."
    return text[:cut], ("too_deep", what) if cut < len(text) else None


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
    if href[:7].lower() == "webcal:":  # how pages write that a calendar is there to subscribe to
        href = f"https:{href[7:]}"
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
    """Return the links worth following, each once, in page order, MAX_LINKS at most; nofollow and links to other schemes are not."""
    hrefs: dict[str, None] = {}
    for tag, attributes in page.links:
        if _worth_following(tag, attributes):
            hrefs.setdefault(attributes.get("href") or "")
        if len(hrefs) > MAX_LINKS:
            break
    return list(dict.fromkeys(url for href in hrefs if (url := absolute(href, page.base))))


def _worth_following(tag: str, attributes: dict[str, str | None]) -> bool:
    stated = attributes.get("rel")
    if not stated:
        return tag != "link"
    rel = stated.lower().split()
    if tag != "link":
        return "nofollow" not in rel
    return "next" in rel or ("alternate" in rel and (attributes.get("type") or "").lower() in FEED_TYPES)
