"""JSON as pages write it: with comments, CDATA, trailing commas, control characters, entities, NaN and numbers without end."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

MAX_DOCUMENT = 20_000_000
MAX_MENDED = 2_000_000
"""Characters of a broken block that are worth mending: 9 MB of it took 1 GB."""

_WRAPPERS = re.compile(
    r"^\s*(?:(?://|/\*)?\s*<!\[CDATA\[\s*(?:\*/)?|<!--)|(?:(?://|/\*)?\s*\]\]>\s*(?:\*/)?|(?://\s*)?-->)\s*$"
)
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"|[^"]+|"', re.DOTALL)
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
_REPEATED_COMMA = re.compile(r",(?:\s*,)+")
_NOT_JSON = re.compile(
    r"(?<![\w.])[+-]?(?:NaN|Infinity|undefined)\b|-?\d{19,}(?:\.\d*)?(?:[eE][+-]?\d+)?|-?\d+(?:\.\d+)?[eE][+-]?\d{3,}"
)
_CONTROL = re.compile(r"[\x00-\x1f]")
_LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_BAD_ESCAPE = re.compile(r'\\(?!["\\/bfnrtu])|\\u(?![0-9a-fA-F]{4})')
_DECODER = json.JSONDecoder(strict=False)
_FILLER = re.compile(r"[\s,;]*")
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]', re.DOTALL)
_NODE = re.compile(r'\{\s*"@(?:type|context|id|graph)"')
# Two values, or a value and a name, with nothing but white space between them.
_MISSING_COMMA = re.compile(r'([}\]]|"(?=\s*\n))(?=\s*(?:[{]|"[\w@:]{1,40}"\s*:))')
_INNER_QUOTE = re.compile(r'(?<=[^\s{\[,:\\])"(?!\s*[,:}\]]|\s*\Z)|(?<=[^{\[,:\\\s]\s)"(?!\s*[,:}\]]|\s*\Z)')
MAX_FAULTS = 100
MAX_DEPTH = 500
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def parse(text: str) -> Any:  # noqa: ANN401 (any JSON value)
    """Return the value of a block of JSON, mended where a browser's author would not notice the fault.

    Raises:
        ValueError: it is broken beyond that, broken and longer than 2 MB, deeper than 1,024 levels or longer than 20 MB.
    """
    if len(text) > MAX_DOCUMENT:
        raise ValueError("longer than 20 MB")
    try:
        return orjson.loads(text)
    except ValueError:
        if len(text) > MAX_MENDED:
            raise
    return orjson.loads(_mended(_unwrapped(text)))


def parse_parts(text: str) -> tuple[list[Any], str]:
    """Return all values that a block of JSON states, and why some are missing (empty where none is).

    Several values in one block are all read; of a cut or broken block what is complete before the fault, and the nodes after it.
    """
    try:
        return [parse(text)], ""
    except ValueError as error:
        fault = str(error)
    if len(text) > MAX_MENDED:
        return [], fault
    mended = _mended(_unwrapped(text))
    if '"' in mended and (whole := _loaded(_with_inner_quotes(mended))) is not None:
        return [whole], ""
    found, is_whole = _salvaged(mended)
    return found, "" if is_whole else fault


def _loaded(text: str) -> Any:  # noqa: ANN401 (any JSON value, None where it is none)
    try:
        return orjson.loads(text)
    except ValueError:
        return None


def _unwrapped(text: str) -> str:
    text = _WRAPPERS.sub("", _WRAPPERS.sub("", text.replace("\ufeff", ""))).strip().rstrip(";").strip()
    return html.unescape(text) if "&quot;" in text and '"' not in text else text


def _with_inner_quotes(text: str) -> str:
    """Return the text with the quotes escaped that stand inside a string: no comma, colon or bracket is beside them."""
    text = _MISSING_COMMA.sub(r"\1,", text)
    return _INNER_QUOTE.sub(r"\"", text)


def _salvaged(text: str) -> tuple[list[Any], bool]:
    """Return the values that stand one after the other, and whether that is all; after a fault, reading goes on at the next node."""
    found, at, is_whole = list[Any](), 0, True
    for _ in range(MAX_FAULTS):
        at = _FILLER.match(text, at).end()  # type: ignore[union-attr] (it matches nothing too)
        if at >= len(text):
            return found, is_whole
        try:
            value, at = _DECODER.raw_decode(text, at)
        except RecursionError:
            return found, False
        except json.JSONDecodeError as error:
            value, is_whole = _before_the_cut(text[at : error.pos]), False
            following = _NODE.search(text, max(error.pos, at + 1))
            at = following.start() if following else len(text)
        if value not in (None, [], {}):
            found.append(value)
    return found, False


def _before_the_cut(text: str) -> Any:  # noqa: ANN401 (any JSON value, None where nothing is complete)
    """Return a value that is cut at its end, closed after its last complete member."""
    safe, depth, last = 0, 0, 0
    for token in _STRUCTURE.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        if token[0][0] != '"':
            safe, last = (token.start() if token[0] == "," else token.end()), depth
    if last > MAX_DEPTH:
        return None
    kept = text[:safe]
    value = _loaded(kept + _closing(kept))
    return _without_stumps(value, last)


def _closing(text: str) -> str:
    stack: list[str] = []
    for token in _STRUCTURE.finditer(text):
        if token[0] in "[{":
            stack.append("]" if token[0] == "[" else "}")
        elif token[0] in "]}" and stack:
            stack.pop()
    return "".join(reversed(stack))


def _without_stumps(value: Any, depth: int) -> Any:  # noqa: ANN401 (any JSON value)
    """Return a cut value without the unfinished nodes at its end that say neither what they are called nor hold another."""
    if depth <= 0 or not isinstance(value, (dict, list)) or not value:
        return value or None
    if isinstance(value, list):
        last = _without_stumps(value[-1], depth - 1)
        return (value[:-1] if last is None else [*value[:-1], last]) or None
    key = next(reversed(value))
    last = _without_stumps(value[key], depth - 1)
    kept = {name: item for name, item in value.items() if name != key} | ({key: last} if last is not None else {})
    holds = any(isinstance(item, (dict, list)) and item for item in kept.values())
    return kept if "name" in kept or holds or "@type" not in kept else None


def _mended(text: str) -> str:
    """Strings are mended as strings and the rest as the rest; comments may hold quotes, so they go first where they can."""
    if "/*" in text or "//" in text:
        text = _without_comments(text)
    # A string is mended as a string; a comma may trail only in what stands between two strings.
    pieces = [_mended_string(piece) if piece[0] == '"' else _mended_rest(piece) for piece in _PIECES.findall(text)]
    return "".join(pieces)


def _without_comments(text: str) -> str:
    return re.sub(
        r'"(?:[^"\\]|\\.)*"|/\*.*?\*/|//[^\n]*',
        lambda match: match[0] if match[0][0] == '"' else " ",
        text,
        flags=re.DOTALL,
    )


def _mended_string(piece: str) -> str:
    piece = _CONTROL.sub(lambda match: _ESCAPES.get(match[0], ""), piece)
    if "\\" in piece:
        piece = _BAD_ESCAPE.sub(r"\\\\", _LONE_SURROGATE.sub("", piece))
    return piece.encode("utf-8", "ignore").decode() if not piece.isascii() else piece


def _mended_rest(piece: str) -> str:
    piece = _NOT_JSON.sub("null", piece)
    piece = _REPEATED_COMMA.sub(",", piece)
    return _TRAILING_COMMA.sub("", piece)


def containers(value: Any, *, depth: int = 60) -> Iterator[Any]:  # noqa: ANN401 (any JSON value)
    """Yield each object and list in a value once, outer ones first, in document order, also where they hold one another."""
    seen: set[int] = set()
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack:
        item, level = stack.pop()
        if not isinstance(item, (dict, list)) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        if level < depth:
            inner = item.values() if isinstance(item, dict) else item
            stack += [(child, level + 1) for child in reversed(list(inner)) if isinstance(child, (dict, list))]


def walk(value: Any, *, depth: int = 60) -> Iterator[dict[str, Any]]:  # noqa: ANN401 (any JSON value)
    """Yield each object in a JSON value once, outer ones first, in document order, at most ``depth`` levels down."""
    return (item for item in containers(value, depth=depth) if isinstance(item, dict))
