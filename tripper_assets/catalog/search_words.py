"""A question's words as PostgreSQL's text search asks for them: each as the stems that six languages make of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy import text as statement

LONGEST_QUESTION = 1000
"""Characters of a question that are read."""
MOST_WORDS = 12
"""Words of a question that are asked for."""
SHORTEST_BEGINNING = 3
"""Letters that a word has at least to stand for all that begin so."""
FEW_WORDS = 5
OPERATORS = re.compile(r'"|(^|\s)-\S')
"""Quotes and minus as web search engines read them; or is one more word."""
MINUSES = re.compile(r"-[\W_]*(?=-)")
"""A minus that another one follows before any word: PostgreSQL's parser puts each on a stack, which 33 of them overflow."""
CONFIGURATIONS = {
    "en": "english", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "nl": "dutch", "": "plain",
}  # fmt: skip
"""The text search configuration of each language; "" is that of every other, whose words stay as they are."""


class Wanted(NamedTuple):
    """What the search column is asked for, as texts of the type tsquery; empty where no word is left."""

    strict: str
    """Every word."""
    relaxed: str
    """All but one of few words, two neighbours of many; empty where there is one word, or the question has operators."""
    any_word: str
    """What ranks are counted by, and what is shown as found."""
    own: Mapping[str, str]
    """What texts in each language are asked for besides: "not" holds for the stem of the text's own language. Empty without operators."""


NOTHING = Wanted("", "", "", {})


def wanted_words(connection: Connection, text: str, language: str = "") -> Wanted:
    """Return what ``text`` asks for, in the six languages or in ``language`` alone."""
    asked = text[:LONGEST_QUESTION]
    tags = [language if language in CONFIGURATIONS else ""] if language else [*CONFIGURATIONS]
    if OPERATORS.search(asked):
        return _with_operators(connection, MINUSES.sub("", asked), tags)
    words = _words(connection.execute(statement(_LEXEMES), {"tags": tags, "text": asked}).all(), len(tags))
    return Wanted(strict=" & ".join(words), relaxed=_most_of(words), any_word=" | ".join(dict.fromkeys(words)), own={})


def _words(rows: Iterable[Sequence[object]], languages: int) -> list[str]:
    """Return each word as its stems; one that says nothing in some language ("der", "with") is left out unless all are such."""
    stems: dict[int, dict[str, None]] = {}
    counts: dict[int, int] = {}
    for position, lexeme in rows:
        assert isinstance(position, int)  # noqa: S101 (a column of the statement below)
        stems.setdefault(position, {})[_quoted(str(lexeme))] = None
        counts[position] = counts.get(position, 0) + 1
    telling = [position for position in sorted(stems) if counts[position] >= languages] or sorted(stems)
    either = (" | ".join(stems[position]) for position in telling)
    return [*dict.fromkeys(f"({one})" for one in either)][:MOST_WORDS]


def _most_of(words: Sequence[str]) -> str:
    if len(words) < 2:  # noqa: PLR2004 (one of one word is none)
        return ""
    some = combinations(words, len(words) - 1) if len(words) <= FEW_WORDS else pairwise(words)
    return " | ".join(f"({' & '.join(part)})" for part in some)


def _with_operators(connection: Connection, text: str, tags: Sequence[str]) -> Wanted:
    columns = ", ".join(f"websearch_to_tsquery('tripper.{CONFIGURATIONS[tag]}', :text)::text" for tag in tags)
    row = connection.execute(statement(f"SELECT {columns}"), {"text": text}).one()
    own = dict(zip(tags, map(str, row), strict=True))
    either = " | ".join(f"({query})" for query in dict.fromkeys(own.values()) if query)
    return Wanted(strict=either, relaxed="", any_word=either, own=own)


def _quoted(lexeme: str) -> str:
    """Return a lexeme as a tsquery's text: the beginning of a word, unless so many words begin so that it says nothing."""
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}':*" if len(lexeme) >= SHORTEST_BEGINNING else f"'{escaped}'"


# The words come from the parser itself, so that nothing in a question can be an operator by accident.
_LEXEMES = """
    SELECT position::int, lexeme FROM unnest(CAST(:tags AS text[])) WITH ORDINALITY AS asked(tag, place),
        LATERAL unnest(to_tsvector(tripper.configuration_of(tag), :text)) AS found, LATERAL unnest(positions) AS position
    ORDER BY position, place, lexeme
"""
