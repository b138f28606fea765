"""JSON as pages write it: with comments, CDATA, trailing commas, control characters, entities, NaN and numbers without end."""

import html
import re
from collections.abc import Iterator
from typing import Any

import orjson

MAX_DOCUMENT = 20_000_000

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
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def parse(text: str) -> Any:  # noqa: ANN401 (any JSON value)
    """Return the value of a block of JSON, mended where a browser's author would not notice the fault.

    Raises:
        ValueError: it is broken beyond that, deeper than 1,024 levels or longer than 20 MB.
    """
    if len(text) > MAX_DOCUMENT:
        raise ValueError("longer than 20 MB")
    try:
        return orjson.loads(text)
    except ValueError:
        pass
    text = _WRAPPERS.sub("", _WRAPPERS.sub("", text.replace("\ufeff", ""))).strip().rstrip(";").strip()
    if "&quot;" in text and '"' not in text:
        text = html.unescape(text)
    return orjson.loads(_mended(text))


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


def walk(value: Any, *, depth: int = 60) -> Iterator[dict[str, Any]]:  # noqa: ANN401 (any JSON value)
    """Yield each object in a JSON value, outer ones first, in document order, at most ``depth`` levels down."""
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack:
        item, level = stack.pop()
        children: list[Any] = []
        if isinstance(item, dict):
            yield item
            children = list(item.values())
        elif isinstance(item, list):
            children = item
        if level < depth:
            stack.extend((child, level + 1) for child in reversed(children) if isinstance(child, (dict, list)))
