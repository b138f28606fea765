"""Data that a page hands to its own scripts, as plain JSON values: the states of Next, Nuxt, Apollo and their like, by form and not by site."""

import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from tripper_assets.extract.js_literals import MAX_TEXT, literal_at, read_literal
from tripper_assets.extract.loose_json import containers, parse
from tripper_assets.extract.page import Page
from tripper_assets.extract.scripts import Script

MAX_ELEMENTS = 300
MAX_STATE = 5_000_000
"""Characters of one state that are read; the largest seen had 3 MB."""
MAX_VALUES = 100_000
MAX_WRAPPED = 10
MAX_MATCHES = 50
MAX_ROWS = 5_000
_DATA_TYPES = frozenset({"application/json", "text/json", "application/vnd.api+json"})
_SCRIPT_TYPES = frozenset({"", "text/javascript", "application/javascript", "module"})
_PUSH = re.compile(r"__next_f\s*(?:\|\|\s*\[\]\s*\))?\s*\.push\(\s*(?=\[)")
_NUXT = re.compile(r"__NUXT__\s*=\s*(?=[({])")
# A global that is given an object: window.__INITIAL_STATE__ = {…}, Static.CONTEXT = {…}, window["appData"] = JSON.parse("…").
# One pattern for each word it begins with: a search for one literal beginning takes a fraction of the time.
_GLOBALS = {
    word: re.compile(rf"""{word}(?:\.|\[\s?["'])(\w{{3,60}})(?:["']\s?\])?\s?=\s?(?:JSON\.parse\(\s*)?(?=[{{\["'])""")
    for word in ("window", "self", "globalThis", "Static")
}
_STATE_NAME = re.compile(r"__(?!next_f)|state|data(?!layer)|props|store|cache|context|events", re.IGNORECASE)
# A search for a plain text takes a third of the time of Python's own "in" where its letters are common.
_OF_TIME = (re.compile("tart"), re.compile("ate"), re.compile("egin"))
_FLIGHT = re.compile("__next_f")
_GIVEN = ("={", "= {", "JSON.parse(")
# The list of a calendar on the page: events: [{…}], var calendarEvents = [{…}].
_LIST = re.compile(r"""vents\w{0,20}["']?\s*[:=]\s*(?=\[\s*\{)""")
_ROW = re.compile(r"\s*([0-9a-f]{1,6}):([A-Z]{0,2})")
_ROW_REFERENCE = re.compile(r"\$[@L]?([0-9a-f]{1,6})")
_WRAPPERS = frozenset(
    {
        "Reactive",
        "ShallowReactive",
        "Ref",
        "ShallowRef",
        "EmptyRef",
        "EmptyShallowRef",
        "Set",
        "Date",
        "BigInt",
        "NuxtError",
    }
)
_DECODER = json.JSONDecoder(strict=False)


def embedded_states(scripts: list[Script]) -> list[Any]:
    """Return the states in a page's scripts in document order; what cannot be read is no state: it was never written for others."""
    found: list[Any] = []
    chunks: list[str] = []
    for script in scripts:
        if len(script.text) > MAX_STATE:
            continue
        if script.kind in _DATA_TYPES:
            is_table = script.name == "__NUXT_DATA__"
            values = _parsed(script.text)
            found += [_Table(value).value() if is_table and isinstance(value, list) else value for value in values]
        elif script.kind in _SCRIPT_TYPES:
            chunks += _pushed(script.text)
            found += _assigned(script.text)
    if chunks:
        found.append(_rows("".join(chunks)))
    return [_with_references(value) for value in found if isinstance(value, (dict, list))]


def attribute_states(page: Page) -> list[Any]:
    """Return the states that stand in attributes of elements, as Inertia's data-page does."""
    nodes = page.tree.css("[data-page], [data-props], [data-events]")[:MAX_ELEMENTS]
    texts = [node.attributes.get(name) or "" for node in nodes for name in ("data-page", "data-props", "data-events")]
    return [value for text in texts if text[:1] in {"{", "["} for value in _parsed(text)]


def _parsed(text: str) -> list[Any]:
    try:
        return [parse(text)] if text.strip() else []
    except ValueError:
        return []


def _pushed(text: str) -> Iterator[str]:
    """Yield the pieces of a stream of React server components."""
    for match in islice(_PUSH.finditer(text), MAX_ROWS) if _FLIGHT.search(text) else ():
        value = _decoded(text, match.end())
        if isinstance(value, list) and len(value) > 1 and isinstance(value[1], str):
            yield value[1]


def _assigned(text: str) -> Iterator[Any]:
    """Yield the objects that a script gives to a global or to a list of events; without a word of a start or a date there is none."""
    if not any(word.search(text) for word in _OF_TIME):
        return
    if "__NUXT__" in text:
        yield from (_literal(text, match.end()) for match in islice(_NUXT.finditer(text), MAX_MATCHES))
    given = any(sign in text for sign in _GIVEN)
    globals_given = (
        match for word, pattern in _GLOBALS.items() if given and word in text for match in pattern.finditer(text)
    )
    states = (match for match in globals_given if _STATE_NAME.search(match[1]) and match[1] != "__NUXT__")
    lists = _LIST.finditer(text) if "vents" in text else ()
    done, failed = 0, 0
    for match in sorted(islice(chain(states, lists), MAX_MATCHES), key=lambda match: match.start()):
        # A list within a list was read with it; and what cannot be read is not gone through without end.
        if match.start() < done or failed > MAX_STATE:
            continue
        value, done = _read_at(text, match.end())
        failed += 0 if value is not None else min(len(text) - match.end(), MAX_TEXT)
        yield next(iter(_parsed(value)), None) if isinstance(value, str) else value


def _read_at(text: str, at: int) -> tuple[Any, int]:
    """Return the JSON or literal at a place and where it ends; None and the place itself where there is none."""
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        pass
    try:
        return literal_at(text, at)
    except (ValueError, RecursionError, OverflowError):
        return None, at


def _decoded(text: str, at: int) -> Any:  # noqa: ANN401 (any JSON value, None where it is none)
    try:
        return _DECODER.raw_decode(text, at)[0]
    except (ValueError, RecursionError):
        return None


def _literal(text: str, at: int) -> Any:  # noqa: ANN401 (any JSON value, None where it is none)
    try:
        return read_literal(text, at)
    except (ValueError, RecursionError, OverflowError):
        return None


def _rows(stream: str) -> list[Any]:
    """Return the rows of a stream of React server components, with references to rows replaced by them."""
    rows: dict[str, Any] = {}
    at = 0
    while (match := _ROW.match(stream, at)) and len(rows) < MAX_VALUES:
        if match[2] == "T":
            rows[match[1]], at = _text_row(stream, match.end())
            continue
        end = stream.find("\n", match.end())
        end = len(stream) if end < 0 else end
        rows[match[1]] = _decoded(stream, match.end())
        at = end + 1
    return _with_rows([value for value in rows.values() if isinstance(value, (dict, list))], rows)


def _text_row(stream: str, at: int) -> tuple[str, int]:
    """A row of text says its length in bytes, in hexadecimal, and needs no end of line."""
    size, _, _ = stream[at : at + 10].partition(",")
    if not re.fullmatch(r"[0-9a-f]{1,8}", size):
        return "", len(stream)
    start = at + len(size) + 1
    text = stream[start : start + int(size, 16)].encode("utf-8", "replace")[: int(size, 16)].decode("utf-8", "ignore")
    return text, start + len(text)


def _with_rows(value: Any, rows: dict[str, Any]) -> Any:  # noqa: ANN401 (any JSON value)
    for node in containers(value):
        for key, item in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if isinstance(item, str) and item[:1] == "$":
                node[key] = _row_value(item, rows)
    return value


def _row_value(text: str, rows: dict[str, Any]) -> Any:  # noqa: ANN401 (any JSON value)
    """Return what a text of a stream stands for: $D is a time, $$ a dollar sign, $12 a row."""
    if text[:2] in {"$D", "$$"}:
        return text[2:] if text[1] == "D" else text[1:]
    reference = _ROW_REFERENCE.fullmatch(text)
    if reference:
        return rows.get(reference[1])
    return None if text in {"$undefined", "$NaN", "$Infinity", "$-Infinity"} else text


class _Table:
    """The value that Nuxt 3 flattened into a table: numbers in objects and lists are places in the table."""

    def __init__(self, table: list[Any]) -> None:
        self.table = table[:MAX_VALUES]
        self.made: list[Any] = [type(one)() if isinstance(one, (dict, list)) else one for one in self.table]

    def value(self) -> Any:  # noqa: ANN401 (any JSON value)
        for one, made in zip(self.table, self.made, strict=True):
            if isinstance(one, dict):
                made.update({key: self._at(place) for key, place in one.items()})
            elif isinstance(one, list) and not _wraps(one):
                made.extend(self._at(place) for place in one)
        return self._at(0)

    def _at(self, place: Any) -> Any:  # noqa: ANN401 (any JSON value)
        for _ in range(MAX_WRAPPED):
            if not isinstance(place, int) or isinstance(place, bool):
                return place
            if not 0 <= place < len(self.table):
                return None
            one = self.table[place]
            if not _wraps(one):
                return self.made[place]
            place = one[1]
        return None


def _wraps(one: Any) -> bool:  # noqa: ANN401 (any JSON value)
    """Return whether an entry of a table only says how another is used: ["Reactive", 3], ["Date", "2024-05-04"]."""
    return isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and one[0] in _WRAPPERS  # noqa: PLR2004 (name and place)


def _with_references(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    """Put the things of an Apollo cache where their keys stand."""
    nodes = list(containers(value))
    things = {
        key: item
        for node in nodes
        if isinstance(node, dict)
        for key, item in node.items()
        if isinstance(item, dict) and ("__typename" in item or ":" in key)
    }
    if not things:
        return value
    for node in nodes:
        for key, item in list(node.items() if isinstance(node, dict) else enumerate(node)):
            name = _reference(item)
            if name:
                node[key] = things.get(name, item)
    return value


def _reference(item: Any) -> str:  # noqa: ANN401 (any JSON value)
    """Return the key that an object of an Apollo cache refers to, empty where it is no reference."""
    if not isinstance(item, dict):
        return ""
    name = item.get("__ref") or (item.get("id") if item.get("type") == "id" else None)
    return name if isinstance(name, str) else ""
