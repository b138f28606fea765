"""JSON-LD blocks as plain schema.org nodes; a broken block is a problem and never loses the others."""

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from tripper_assets.domain.model import Problem
from tripper_assets.extract.loose_json import parse_parts
from tripper_assets.extract.scripts import Script

Node: TypeAlias = dict[str, Any]
"""A schema.org node: "@type" is a list of short names, other keys are short property names with their values as they stand."""
MAX_DEPTH = 40
MAX_NODES = 20_000
MAX_TERMS = 200
MAX_NAMESAKES = 20
"""Different things that one @id was given to; the rest of them stay as they are."""
_VOCABULARIES = (
    "http://schema.org/",
    "https://schema.org/",
    "http://www.schema.org/",
    "https://www.schema.org/",
    "schema:",
)
_REFERENCE = re.compile(r"(?:https?:|urn:|tag:|_:|[#/])\S", re.IGNORECASE)
# What tells two things apart though they were given one @id.
_TELLING = ("name", "startDate", "latitude")


def jsonld_nodes(scripts: list[Script], url: str) -> tuple[list[Node], list[Problem]]:
    """Return the top nodes of all blocks in document order (of @graph and lists too), and a problem for each broken block."""
    blocks, problems = [], []
    for script in scripts:
        if "ld+json" not in script.kind or not script.text.strip():
            continue
        values, fault = parse_parts(script.text)
        blocks.append(values)
        if fault:
            kept = ", and what is complete in it was kept" if values else ""
            message = f"A JSON-LD block could not be read whole{kept}: {fault[:150]}."
            problems.append(Problem(code="jsonld_broken", subject=url, message=message))
    return (normal_nodes(*blocks) if blocks else []), problems


def normal_nodes(*blocks: Any) -> list[Node]:  # noqa: ANN401 (any JSON values)
    """Return the top nodes of JSON-LD values with short names; what is said of one @id in several places stands in each of them."""
    reader = _Reader()
    nodes = [node for number, block in enumerate(blocks) for node in reader.top_nodes(block, number)]
    reader.join()
    unique: dict[object, Node] = {}
    for node in nodes:
        unique.setdefault(reader.joined.get(id(node), id(node)), node)
    return list(unique.values())


class _Reader:
    """Reads the values of one document; blank nodes (_:b0) are each block's own."""

    def __init__(self) -> None:
        self.left = MAX_NODES
        self.block = 0
        self.named: dict[tuple[int, str], list[Node]] = {}
        self.joined: dict[int, tuple[int, str, int]] = {}

    def top_nodes(self, value: Any, block: int) -> list[Node]:  # noqa: ANN401 (any JSON value)
        self.block = block
        return list(self._top(value, {}, 0))

    def _top(self, value: Any, terms: dict[str, str], depth: int) -> Iterator[Node]:  # noqa: ANN401 (any JSON value)
        if depth > MAX_DEPTH:
            return
        if isinstance(value, list):
            for item in value:
                yield from self._top(item, terms, depth + 1)
        if not isinstance(value, dict):
            return
        terms = _terms(value, terms)
        graph = value.get("@graph")
        inner = list(self._top(graph, terms, depth + 1)) if isinstance(graph, (list, dict)) else []
        own = {key: item for key, item in value.items() if key != "@graph"} if inner else value
        node = self._node(own, terms, depth)
        if node.get("@type") or (node.keys() - {"@id", "@type"} and not inner) or (node.get("@id") and not inner):
            yield node
        yield from inner

    def _node(self, value: dict[str, Any], terms: dict[str, str], depth: int) -> Node:
        self.left -= 1
        if self.left < 0:
            return {}
        terms = _terms(value, terms)
        node: Node = {}
        for key, item in value.items():
            if key != "@context":
                name = key if key[:1] == "@" else terms.get(key) or short(key)
                node[name] = self._value(item, terms, depth + 1)
        types = value.get("@type", node.get("@type") or value.get("type"))
        types = types if isinstance(types, list) else [types]
        node["@type"] = [terms.get(one) or short(one) for one in types if isinstance(one, str)]
        self._register(node)
        if "@reverse" in node:
            _put_reversed(node)
        return node

    def _register(self, node: Node) -> None:
        stated = node.get("@id") or node.get("id")
        if isinstance(stated, str) and ("@id" in node or _REFERENCE.match(stated)):
            node["@id"] = stated
            block = self.block if stated[:2] == "_:" else -1
            self.named.setdefault((block, stated), []).append(node)

    def _value(self, value: Any, terms: dict[str, str], depth: int) -> Any:  # noqa: ANN401 (any JSON value)
        if not isinstance(value, (dict, list)):
            return value
        if depth > MAX_DEPTH:
            return None
        if isinstance(value, list):
            return [self._value(item, terms, depth + 1) for item in value]
        if "@value" in value:
            return self._value(value["@value"], terms, depth + 1)
        if "@list" in value or "@set" in value:
            return self._value(value.get("@list", value.get("@set")), terms, depth + 1)
        return self._node(value, terms, depth)

    def join(self) -> None:
        """Fill all nodes of one @id from one another; the first statement of a property holds, and different things stay two."""
        for (block, name), nodes in self.named.items():
            groups: list[Node] = []
            members: list[list[Node]] = []
            for node in sorted(nodes, key=_is_reference):
                place = next((place for place, whole in enumerate(groups) if _may_be_one(whole, node)), len(groups))
                if place >= MAX_NAMESAKES:
                    continue
                if place == len(groups):
                    groups.append({})
                    members.append([])
                groups[place] = node | {key: item for key, item in groups[place].items() if item not in (None, "", [])}
                members[place].append(node)
            for place, (whole, group) in enumerate(zip(groups, members, strict=True)):
                for node in group:
                    node.update(whole)
                    self.joined[id(node)] = (block, name, place)


def _is_reference(node: Node) -> bool:
    return len(node) <= 2 and not node.keys() - {"@id", "@type"}  # noqa: PLR2004 (a reference has an @id and a type)


def _may_be_one(whole: Node, node: Node) -> bool:
    return all(whole.get(name) in (None, "", node.get(name)) or not node.get(name) for name in _TELLING)


def _put_reversed(node: Node) -> None:
    """What stands under @reverse has this node as a value of its property."""
    reversed_properties = node["@reverse"]
    if not isinstance(reversed_properties, dict):
        return
    for name, value in reversed_properties.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and name[:1] != "@":
                item.setdefault(name, node)


def _terms(value: dict[str, Any], terms: dict[str, str]) -> dict[str, str]:
    """Return what the words of a node mean that are not schema.org's own: its @context names the short name for each."""
    context = value.get("@context")
    if not isinstance(context, (dict, list)):
        return terms
    for one in context if isinstance(context, list) else [context]:
        stated = list(one.items())[:MAX_TERMS] if isinstance(one, dict) else []
        for term, meaning in stated:
            iri = meaning.get("@id") if isinstance(meaning, dict) else meaning
            if isinstance(iri, str) and term[:1] != "@" and (name := _meaning(iri, one)):
                terms = {**terms, term: name}
    return terms


def _meaning(iri: str, context: dict[str, Any]) -> str:
    """Return schema.org's name or JSON-LD's own keyword for a term; empty where it means neither."""
    if iri in {"@id", "@type"}:
        return iri
    prefix, _, local = iri.partition(":")
    base = context.get(prefix)
    iri = f"{base}{local}" if isinstance(base, str) and local and not local.startswith("//") else iri
    vocabulary = next((one for one in _VOCABULARIES if iri.startswith(one)), "")
    return iri[len(vocabulary) :].strip("/") if vocabulary else ""


# What is read of a node, by its name in lower case: pages write postalcode and startdate too.
_SPELLINGS = {
    name.lower(): name
    for name in [
        "startDate",
        "endDate",
        "doorTime",
        "previousStartDate",
        "eventStatus",
        "eventAttendanceMode",
        "eventSchedule",
        "superEvent",
        "subEvent",
        "subEvents",
        "inLanguage",
        "typicalAgeRange",
        "suggestedMinAge",
        "suggestedMaxAge",
        "isAccessibleForFree",
        "streetAddress",
        "addressLocality",
        "addressRegion",
        "postalCode",
        "addressCountry",
        "openingHours",
        "openingHoursSpecification",
        "priceCurrency",
        "lowPrice",
        "highPrice",
        "priceSpecification",
        "contentUrl",
        "thumbnailUrl",
        "creditText",
        "dayOfWeek",
        "validFrom",
        "validThrough",
        "itemListElement",
        "mainEntity",
        "hasCourseInstance",
    ]
}


def short(name: str) -> str:
    """Return a type or property without its vocabulary, spelt as schema.org does: https://schema.org/Event is Event."""
    if ":" not in name and "/" not in name:
        return _SPELLINGS.get(name.lower(), name)
    for vocabulary in _VOCABULARIES:
        if name.startswith(vocabulary):
            return name[len(vocabulary) :].rstrip("/")
    return name.rpartition("/")[2].rpartition("#")[2].rpartition(":")[2] or name
