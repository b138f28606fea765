"""What one element of a page states as the value of a property: its URL, its machine-readable time or its text."""

import re
from typing import Any

from selectolax.lexbor import LexborNode

from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.texts import clean

MAX_TEXT = 20_000_000
"""Characters of text that the properties of one page may have together: a property inside a property has its text once more."""
URL_ATTRIBUTES = {
    "a": "href",
    "area": "href",
    "link": "href",
    "img": "src",
    "source": "src",
    "iframe": "src",
    "embed": "src",
    "audio": "src",
    "video": "src",
    "track": "src",
    "object": "data",
}
UNSEEN = frozenset({"script", "style", "template", "-text", "-comment", "_comment"})
TEXT_PROPERTIES = frozenset({"name", "summary", "headline", "description", "startDate", "endDate", "price"})
"""Properties that are never a URL: authors put them on a link all the same, and mean its text."""

_SEAM = "\x1f"
# Where an element ends before a full stop, or begins behind a bracket, there is no space.
_BESIDE_MARKS = re.compile(r"\x1f(?=[.,;:!?)\]…»])|(?<=[(\[«])\x1f")
Attributes = dict[str, str | None]


class Values:
    """Reads the values of one page's elements, until their text is more than any page has."""

    def __init__(self, page: Page) -> None:
        self.base = page.base
        self.left = MAX_TEXT

    def text(self, node: LexborNode) -> str:
        """Return the text of an element and all below it, its blocks apart."""
        if self.left <= 0:
            return ""
        text = node.text(deep=True, separator=_SEAM)
        self.left -= len(text)
        return clean(_BESIDE_MARKS.sub("", text).replace(_SEAM, " "))

    def url(self, node: LexborNode, attributes: Attributes) -> str:
        """Return the absolute URL that a link, picture or frame names, empty for other elements."""
        name = URL_ATTRIBUTES.get(node.tag or "")
        return absolute(attributes.get(name) or "", self.base) if name else ""

    def text_or_url(self, node: LexborNode, attributes: Attributes, names: list[str]) -> str:
        """Return the text of a property that is always text, else the element's URL, else its text."""
        if (node.tag or "") not in URL_ATTRIBUTES:
            return self.text(node)
        text = self.text(node) if TEXT_PROPERTIES.intersection(names) else ""
        return text or self.url(node, attributes)


def children(node: LexborNode) -> list[LexborNode]:
    """Return the elements directly below."""
    return list(node.iter(include_text=False))


def append(item: dict[str, Any], name: str, value: object) -> None:
    """Add a value to a property; the second makes it a list."""
    if name not in item:
        item[name] = value
    elif isinstance(item[name], list):
        item[name].append(value)
    else:
        item[name] = [item[name], value]
