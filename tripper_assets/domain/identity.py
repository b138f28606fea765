"""Who is who: folded names, activity ids, and the hashes that bind maps, texts and records to what they were made from."""

import hashlib
import json
import re
import unicodedata
import uuid
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from tripper_assets.domain.model import ActivityId, SourceKey

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tripper-assets:activity")
_WORD = re.compile(r"\w+")
SHORT = 200
"""Characters of a text whose folding is remembered."""
UNHASHED_FIELDS = frozenset({"index", "provenance", "content_sha256"})


def fold(text: str) -> str:
    """Return the words of ``text`` without case, accents and punctuation, joined by one space."""
    return _fold_short(text) if len(text) <= SHORT else _fold(text)


def _fold(text: str) -> str:
    if text.isascii():
        return " ".join(_WORD.findall(text.lower()))
    # Decomposed before and after: the bold letters of social media have a case only then, and folding composes some anew.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(_WORD.findall(plain))


# Names, places and labels are compared many times on a page.
_fold_short = lru_cache(maxsize=4_096)(_fold)


def activity_id(source_key: SourceKey, identity: str) -> ActivityId:
    """Return the UUIDv5 of an identity within a source; ``identity`` starts with its kind, such as ``url:`` or ``id:``."""
    return str(uuid.uuid5(NAMESPACE, f"{source_key}\n{identity}"))


def ids_sha256(ids: Iterable[ActivityId]) -> str:
    """Return the hash of an id list: each id and a line feed, in order. A map carries the hash of the list that it was made from."""
    return hashlib.sha256("".join(f"{one}\n" for one in ids).encode()).hexdigest()


def canonical_json(value: Any) -> str:  # noqa: ANN401 (any JSON value has one canonical text)
    """Return the one text of a JSON value: sorted keys, no white space, UTF-8 characters as they are, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_sha256(record: dict[str, Any]) -> str:
    """Return the hash of what an activity says.

    Position and provenance stay out: a page whose footer changed says the same of its activities, and rewrites no row.
    """
    said = {key: value for key, value in record.items() if key not in UNHASHED_FIELDS}
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()


def text_sha256(text: str) -> str:
    """Return the hash of a text as UTF-8; lone surrogates are hashed as they are."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
