"""Values as scripts write them: object literals with bare keys, and functions that are called with the values they return."""

import re
from typing import Any

MAX_TEXT = 2_000_000
MAX_DEPTH = 100
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)|(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"""
    r"""|(?P<name>[A-Za-z_$][\w$]*)|(?P<mark>[{}\[\](),:!.]))""",
    re.DOTALL,
)
_CALL = re.compile(r"\(?\s*function\s*\(([\w$,\s]{0,20000})\)\s*\{")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|(\n|.))", re.DOTALL)
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": ""}
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "undefined": None, "NaN": None, "Infinity": None}


def read_literal(text: str, at: int = 0) -> Any:  # noqa: ANN401 (any JSON value)
    """Return the value of a literal, or of a function called on the spot, that begins at ``at``.

    Raises:
        ValueError: it is no literal, deeper than 100 levels or longer than 2 MB.
    """
    return literal_at(text, at)[0]


def literal_at(text: str, at: int) -> tuple[Any, int]:
    """Return the value as ``read_literal`` does, and where in the text it ends.

    Raises:
        ValueError: as there.
    """
    text = text[at : at + MAX_TEXT]
    call = _CALL.match(text)
    if call is None:
        reader = _Reader(text, {})
        return reader.value(0), at + reader.at
    names = [name.strip() for name in call[1].split(",") if name.strip()]
    start = text.find("return", call.end())
    # What the function returns is read once to find its end; then come the arguments, and with them it is read again.
    outline = _Reader(text, dict.fromkeys(names), start + 6)
    outline.value(0)
    opening = text.find("(", outline.at)
    if start < 0 or opening < 0:
        raise ValueError("a function that is not called")
    given = _Reader(text, {}, opening + 1)
    arguments = given.sequence(")", 0)
    return _Reader(text, dict(zip(names, arguments, strict=False)), start + 6).value(0), at + given.at


class _Reader:
    """Reads one literal from a place of a text on."""

    def __init__(self, text: str, names: dict[str, Any], at: int = 0) -> None:
        self.text, self.names, self.at = text, _WORDS | names, at

    def _next(self) -> tuple[str, str]:
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            raise ValueError(f"no literal at {self.at}")
        self.at = match.end()
        kind = match.lastgroup or ""
        return kind, match[kind]

    def _peek(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        return match[match.lastgroup or 0] if match else ""

    def value(self, depth: int) -> Any:  # noqa: ANN401 (any JSON value)
        if depth > MAX_DEPTH:
            raise ValueError("deeper than 100 levels")
        kind, word = self._next()
        if kind == "text":
            return _unescaped(word[1:-1])
        if kind == "number":
            return float(word) if set(word) & set(".eE") else int(word)
        if word == "{":
            return self._members(depth + 1)
        if word == "[":
            return self.sequence("]", depth + 1)
        if word == "!":
            return not self.value(depth + 1)
        return self._named(word, depth)

    def _named(self, word: str, depth: int) -> Any:  # noqa: ANN401 (any JSON value)
        """Return what a word stands for: void 0 is nothing, new Date("…") its text, Array(3) three times nothing."""
        if word == "void":
            self.value(depth + 1)
            return None
        if word in {"new", "Array", "Date", "Object", "Map", "Set"}:
            return self.value(depth + 1) if word == "new" else self._called(word, depth)
        if word in self.names:
            return self.names[word]
        raise ValueError(f"the word {word[:40]!r}")

    def _called(self, word: str, depth: int) -> Any:  # noqa: ANN401 (any JSON value)
        if self._peek() != "(":
            return None
        self._next()
        arguments = self.sequence(")", depth + 1)
        if word in {"Date", "Set"}:
            return arguments[0] if arguments else None
        return []

    def sequence(self, end: str, depth: int) -> list[Any]:
        """Return the values up to a closing bracket; a hole is None."""
        found: list[Any] = []
        while (word := self._peek()) != end:
            found.append(None if word == "," else self.value(depth))
            if self._peek() == ",":
                self._next()
            elif self._peek() != end:
                raise ValueError(f"a list without end at {self.at}")
        self._next()
        return found

    def _members(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._peek() != "}":
            kind, word = self._next()
            key = _unescaped(word[1:-1]) if kind == "text" else word
            if self._next()[1] != ":":
                raise ValueError(f"a key without a value at {self.at}")
            found[key] = self.value(depth)
            if self._peek() == ",":
                self._next()
            elif self._peek() != "}":
                raise ValueError(f"an object without end at {self.at}")
        self._next()
        return found


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else ""  # noqa: PLR2004 (the last character there is)
    return _SHORT.get(match[4], match[4])
