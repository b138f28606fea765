"""Microdata items as plain schema.org nodes, in the same shape as JSON-LD's."""

from selectolax.lexbor import LexborNode

from tripper_assets.extract.elements import UNSEEN, Attributes, Values, append, children
from tripper_assets.extract.jsonld import Node, short
from tripper_assets.extract.page import Page
from tripper_assets.extract.texts import clean

MAX_ITEMS = 5_000
DATA_VOCABULARY = "data-vocabulary.org"
OLD_NAMES = {"summary": "name", "photo": "image", "tickets": "offers"}
"""What schema.org's predecessor called the properties of an event."""


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
        self.values = Values(page)
        self.read: set[int] = set()
        # The first element of an id counts, as in a browser.
        by_id = reversed(page.tree.css("[id]")) if "itemref" in page.text else ()
        self.by_id = {node.attributes.get("id") or "": node for node in by_id}

    def item(self, root: LexborNode) -> Node:
        attributes = root.attributes
        kind = attributes.get("itemtype") or ""
        node: Node = {"@type": [short(one) for one in kind.split()]}
        if attributes.get("itemid"):
            node["@id"] = attributes["itemid"]
        if root.mem_id in self.read:
            return node
        self.read.add(root.mem_id)
        self._collect(children(root), node)
        for reference in (attributes.get("itemref") or "").split()[:50]:
            target = self.by_id.get(reference)
            if target is not None:
                self._collect([target], node)
        return {OLD_NAMES.get(key, key): value for key, value in node.items()} if DATA_VOCABULARY in kind else node

    def _collect(self, nodes: list[LexborNode], item: Node) -> None:
        """Add the properties among the nodes and below; a nested item keeps its own."""
        stack = list(reversed(nodes))
        while stack:
            node = stack.pop()
            if node.tag in UNSEEN:
                continue
            attributes = node.attributes
            names, nested = (attributes.get("itemprop") or "").split(), "itemscope" in attributes
            if names:
                names = [short(name) for name in names]
                value = self.item(node) if nested else self._value(node, attributes, names)
                for name in names:
                    append(item, name, value)
            if not nested:
                stack.extend(reversed(children(node)))

    def _value(self, node: LexborNode, attributes: Attributes, names: list[str]) -> str:
        for stated in ("content", "datetime"):
            if attributes.get(stated) or (stated == "content" and attributes.get(stated) is not None):
                return clean(attributes[stated] or "")
        if (node.tag or "") in {"data", "meter"} and attributes.get("value"):
            return clean(attributes["value"] or "")
        return self.values.text_or_url(node, attributes, names)
