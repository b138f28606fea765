"""What a reader sees of a page, as lines of text in order, each with the element, the headings and the links that it stands in."""

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from tripper_assets.extract.texts import clean

MAX_LINES = 6_000
MAX_LINE = 2_000
MAX_ANCESTORS = 2_000
SKIPPED = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "nav",
        "footer",
        "aside",
        "select",
        "svg",
        "iframe",
        "head",
        "button",
        "textarea",
        "option",
        "-comment",
        "_comment",
        "dialog",
    ]
)
INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "img",
        "ins",
        "kbd",
        "label",
        "mark",
        "q",
        "ruby",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
        "-text",
    ]
)
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_HIDDEN = re.compile(r"display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden", re.IGNORECASE)
# Whole words of class and id, with one prefix at most: a theme's "mobile_sidebar_body_wrap" holds the whole page.
_CHROME = re.compile(
    r"(?:^|\s)(?:[a-z0-9]{1,12}[-_])?(?:nav(?:bar|igation)?|menu|footer|breadcrumbs?|cookies?|cookie[-_](?:banner|notice|bar)|sidebar|pagination|pager|share|"
    r"social(?:[-_]links)?|comments?(?:[-_](?:list|area|body))?|commentlist|reviews?)(?=\s|$)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Line:
    """One line of visible text."""

    text: str
    node: LexborNode
    """The innermost element that holds the whole line."""
    heading: int = 0
    """1 to 6 within a heading, else 0."""
    strong: str = ""
    """The bold text at the line's beginning, such as a label."""
    links: list[tuple[str, str]] = field(default_factory=list)
    """Text and href of the links within."""
    times: list[str] = field(default_factory=list)
    """The datetime attributes within."""
    label: tuple[str, str] | None = None
    """The kind of label it begins with and what stands behind it, once somebody looked: facts.py does."""


def read_lines(root: LexborNode, most: int = MAX_LINES) -> list[Line]:
    """Return the lines below ``root``, at most 6,000 or ``most``; navigation, forms and what is hidden have none."""
    reader = _Lines()
    stack: list[tuple[LexborNode, bool]] = [(root, False)]
    while stack and len(reader.lines) < most:
        node, leaving = stack.pop()
        if leaving:
            reader.leave(node)
            continue
        tag = node.tag or ""
        if tag == "-text":
            reader.add(node.text_content or "")
            continue
        if tag in SKIPPED or (node is not root and _is_unseen(node, tag)):
            continue
        reader.enter(node, tag)
        stack.append((node, True))
        stack.extend((child, False) for child in reversed(list(node.iter(include_text=True))))
    reader.flush(root)
    return reader.lines


def _is_unseen(node: LexborNode, tag: str) -> bool:
    attributes = node.attributes
    if not attributes:
        return False
    if (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or _HIDDEN.search((attributes.get("style") or "")[:500])
    ):
        return True
    if tag in {"div", "ul", "section", "ol", "li", "article"}:
        words = f"{attributes.get('class') or ''} {attributes.get('id') or ''} {attributes.get('role') or ''}"[:300]
        return _CHROME.search(words) is not None
    return False


def ancestors(node: LexborNode | None, most: int = MAX_ANCESTORS) -> list[LexborNode]:
    """Return the node and what holds it, innermost first, ``most`` at most."""
    found: list[LexborNode] = []
    while node is not None and len(found) < most:
        found.append(node)
        node = node.parent
    return found


class _Lines:
    """Collects text until an element ends the line."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.parts: list[str] = []
        self.strong: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.times: list[str] = []
        self.heading = 0
        self.bold = 0
        self.open: list[LexborNode] = []
        self.link_start = 0

    def enter(self, node: LexborNode, tag: str) -> None:
        if tag not in INLINE:
            self.flush(self.open[-1] if self.open else node)
            self.open.append(node)
            self.heading = _HEADINGS.get(tag, self.heading)
        elif tag == "a":
            self.link_start = len(self.parts)
        elif tag in {"strong", "b"}:
            self.bold += 1
        elif tag == "time" and node.attributes.get("datetime"):
            self.times.append(clean(node.attributes["datetime"] or "")[:60])

    def leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag not in INLINE:
            self.flush(node)
            self.open.pop()
            if tag in _HEADINGS:
                self.heading = 0
        elif tag == "a":
            text = clean("".join(self.parts[self.link_start :]))
            self.links.append((text, node.attributes.get("href") or ""))
        elif tag in {"strong", "b"}:
            self.bold -= 1

    def add(self, text: str) -> None:
        if self.bold and len(self.strong) == len(self.parts):
            self.strong.append(text)
        self.parts.append(text)

    def flush(self, node: LexborNode) -> None:
        text = clean("".join(self.parts)[: MAX_LINE * 3])[:MAX_LINE]
        if text:
            strong = clean("".join(self.strong))[:200]
            self.lines.append(Line(text, node, self.heading, strong, self.links, self.times))
        elif self.times and self.lines:
            self.lines[-1].times += self.times
        self.parts, self.strong, self.links, self.times, self.link_start = [], [], [], [], 0
