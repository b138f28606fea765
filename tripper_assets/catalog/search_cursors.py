"""Where the next page of a search begins, as an opaque text that is believed only where it is whole and of the same question."""

import base64
import hashlib
import math
from binascii import Error as NotBase64
from datetime import datetime
from typing import NamedTuple, Self

import orjson

from tripper_assets.catalog.activity_rows import is_uuid
from tripper_assets.domain.errors import QuestionRefusedError
from tripper_assets.domain.model import ActivityId
from tripper_assets.domain.search import MOST_HITS, SearchFilters

LONGEST_CURSOR = 1000


class Cursor(NamedTuple):
    """The last hit of a page, and what the page was made with."""

    key: float
    """Its score, or what it is ordered by where filters alone were asked for."""
    id: ActivityId
    depth: int
    """How many each ranking gave."""
    now: datetime
    """What is over was over then, so that pages fit together."""

    def encode(self, question: str) -> str:
        """Return the cursor as a text for the question of this fingerprint."""
        parts = [question, self.key, self.id, self.depth, self.now.isoformat()]
        return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, question: str) -> Self:
        """Return the cursor of a text.

        Raises:
            QuestionRefusedError: it is none, or one of another question.
        """
        try:
            made_for, key, one, depth, now = orjson.loads(base64.urlsafe_b64decode(_padded(text)))
            found = cls(float(key), str(one), int(depth), datetime.fromisoformat(now))
        except (NotBase64, ValueError, TypeError) as error:
            raise QuestionRefusedError("The cursor of the search is none; begin again without one.") from error
        if made_for != question:
            raise QuestionRefusedError("The cursor of the search is of another question; begin again without one.")
        if not _is_possible(found):
            raise QuestionRefusedError("The cursor of the search is none; begin again without one.")
        return found


def fingerprint(text: str, filters: SearchFilters, model: str | None) -> str:
    """Return what tells one question from another."""
    whole = orjson.dumps([text, model, filters.model_dump(mode="json")], default=str)
    return hashlib.sha256(whole).hexdigest()[:16]


def _padded(text: str) -> bytes:
    if len(text) > LONGEST_CURSOR:
        message = "too long"
        raise ValueError(message)
    return text.encode("ascii") + b"=" * (-len(text) % 4)


def _is_possible(cursor: Cursor) -> bool:
    return (
        math.isfinite(cursor.key)
        and is_uuid(cursor.id)
        and 1 <= cursor.depth <= 2 * MOST_HITS
        and cursor.now.tzinfo is not None
    )
