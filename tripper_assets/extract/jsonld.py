"""JSON-LD blocks as plain schema.org nodes; a broken block is a problem and never loses the others."""

from typing import Any, TypeAlias

from tripper_assets.domain.model import Problem
from tripper_assets.extract.loose_json import parse
from tripper_assets.extract.page import Page

Node: TypeAlias = dict[str, Any]
"""A schema.org node: "@type" is a list of short names, other keys are short property names with their values as they stand."""
MAX_DEPTH = 40
MAX_NODES = 20_000
_VOCABULARIES = (
    "http://schema.org/",
    "https://schema.org/",
    "http://www.schema.org/",
    "https://www.schema.org/",
    "schema:",
)


def jsonld_nodes(page: Page) -> tuple[list[Node], list[Problem]]:
    """Return the top nodes of all blocks in document order (of @graph and lists too), and a problem for each broken block."""
    if "ld+json" not in page.text.lower():
        return [], []
    blocks, problems = [], []
    for script in page.tree.css("script[type]"):
        if "ld+json" not in (script.attributes.get("type") or "").lower():
            continue
        text = script.text(deep=True, strip=False)
        if not text.strip():
            continue
        try:
            blocks.append(parse(text))
        except ValueError as error:
            problems.append(
                Problem(
                    code="jsonld_broken",
                    subject=page.url,
                    message=f"A JSON-LD block could not be read: {str(error)[:150]}.",
                )
            )
    return normal_nodes(blocks), problems


def normal_nodes(value: Any) -> list[Node]:  # noqa: ANN401 (any JSON value)
    """Return the nodes of a JSON-LD value with short names, and references by @id replaced by the node they name."""
    budget = [MAX_NODES]
    nodes = _top_nodes(value, budget, 0)
    known: dict[str, Node] = {}
    for node in nodes:
        identifier = node.get("@id")
        if isinstance(identifier, str) and len(node) > 1:
            known[identifier] = _joined(known[identifier], node) if identifier in known else node
    merged = [known.get(str(node.get("@id")), node) if "@id" in node else node for node in nodes]
    unique = list({id(node): node for node in merged}.values())
    return [_linked(node, known) for node in unique]


def _joined(node: Node, other: Node) -> Node:
    """What is said of one @id in two places; the first statement of a property holds."""
    return other | {key: value for key, value in node.items() if value not in (None, "", [])}


def _top_nodes(value: Any, budget: list[int], depth: int) -> list[Node]:  # noqa: ANN401 (any JSON value)
    if depth > MAX_DEPTH:
        return []
    if isinstance(value, list):
        return [node for item in value for node in _top_nodes(item, budget, depth + 1)]
    if not isinstance(value, dict):
        return []
    graph = value.get("@graph")
    inner = _top_nodes(graph, budget, depth + 1) if isinstance(graph, (list, dict)) else []
    own = _node({key: item for key, item in value.items() if key != "@graph"}, budget, depth)
    return ([own] if own.get("@type") or (own.keys() - {"@id", "@context"} and not inner) else []) + inner


def _node(value: dict[str, Any], budget: list[int], depth: int) -> Node:
    budget[0] -= 1
    if budget[0] < 0:
        return {}
    node: Node = {}
    for key, item in value.items():
        if key == "@context":
            continue
        node[key if key[:1] == "@" else short(key)] = _value(item, budget, depth + 1)
    types = value.get("@type", value.get("type"))
    types = types if isinstance(types, list) else [types]
    node["@type"] = [short(one) for one in types if isinstance(one, str)]
    return node


def _value(value: Any, budget: list[int], depth: int) -> Any:  # noqa: ANN401 (any JSON value)
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, list):
        return [_value(item, budget, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if "@value" in value:
        return value["@value"]
    if "@list" in value or "@set" in value:
        return _value(value.get("@list", value.get("@set")), budget, depth + 1)
    return _node(value, budget, depth)


def _linked(node: Node, known: dict[str, Node]) -> Node:
    """Replace bare references one level down; what they name may refer on, and a cycle ends there."""
    for key, value in node.items():
        if isinstance(value, dict):
            node[key] = _target(value, known)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            node[key] = [_target(item, known) if isinstance(item, dict) else item for item in value]
    return node


def _target(value: Node, known: dict[str, Node]) -> Node:
    identifier = value.get("@id")
    bare = isinstance(identifier, str) and not (value.keys() - {"@id", "@type"})
    return known.get(str(identifier), value) if bare else value


def short(name: str) -> str:
    """Return a type or property without its vocabulary: https://schema.org/Event is Event."""
    if ":" not in name and "/" not in name:
        return name
    for vocabulary in _VOCABULARIES:
        if name.startswith(vocabulary):
            return name[len(vocabulary) :].rstrip("/")
    return name.rpartition("/")[2].rpartition("#")[2].rpartition(":")[2] or name
