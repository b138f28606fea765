"""Microdata items as plain schema.org nodes, in the same shape as JSON-LD's."""

from selectolax.lexbor import LexborNode

from tripper_assets.extract.jsonld import Node, short
from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.texts import clean

MAX_ITEMS = 5_000
_URL_ATTRIBUTES = {
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
_SKIPPED = frozenset({"script", "style", "template", "-text", "-comment", "_comment"})


def microdata_nodes(page: Page) -> list[Node]:
    """Return the items that are no property of another, in document order."""
    items = page.tree.css("[itemscope]")[:MAX_ITEMS]
    if not items:
        return []
    reader = _Reader(page)
    return [reader.item(node) for node in items if "itemprop" not in node.attributes]


class _Reader:
    """Reads items of one page; an item that refers to itself through itemref ends there."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.read: set[int] = set()
        # The first element of an id counts, as in a browser.
        by_id = reversed(page.tree.css("[id]")) if "itemref" in page.text else ()
        self.by_id = {node.attributes.get("id") or "": node for node in by_id}

    def item(self, root: LexborNode) -> Node:
        attributes = root.attributes
        node: Node = {"@type": [short(one) for one in (attributes.get("itemtype") or "").split()]}
        if attributes.get("itemid"):
            node["@id"] = attributes["itemid"]
        if root.mem_id in self.read:
            return node
        self.read.add(root.mem_id)
        self._collect(_children(root), node)
        for reference in (attributes.get("itemref") or "").split()[:50]:
            target = self.by_id.get(reference)
            if target is not None:
                self._collect([target], node)
        return node

    def _collect(self, nodes: list[LexborNode], item: Node) -> None:
        """Add the properties among the nodes and below; a nested item keeps its own."""
        stack = list(reversed(nodes))
        while stack:
            node = stack.pop()
            if node.tag in _SKIPPED:
                continue
            attributes = node.attributes
            names, nested = (attributes.get("itemprop") or "").split(), "itemscope" in attributes
            if names:
                value = self.item(node) if nested else self._value(node, attributes)
                for name in names:
                    _append(item, short(name), value)
            if not nested:
                stack.extend(reversed(_children(node)))

    def _value(self, node: LexborNode, attributes: dict[str, str | None]) -> str:
        if attributes.get("content") is not None:
            return clean(attributes["content"] or "")
        tag = node.tag or ""
        if tag in _URL_ATTRIBUTES:
            return absolute(attributes.get(_URL_ATTRIBUTES[tag]) or "", self.page.base)
        if tag == "time" and attributes.get("datetime"):
            return clean(attributes["datetime"] or "")
        if tag in {"data", "meter"} and attributes.get("value"):
            return clean(attributes["value"] or "")
        return clean(node.text(deep=True, separator=" "))


def _children(node: LexborNode) -> list[LexborNode]:
    return list(node.iter(include_text=False))


def _append(item: Node, name: str, value: object) -> None:
    if name not in item:
        item[name] = value
    elif isinstance(item[name], list):
        item[name].append(value)
    else:
        item[name] = [item[name], value]
