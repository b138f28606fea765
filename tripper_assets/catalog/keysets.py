"""Where a page of a list ended: an opaque text that the next page begins behind, whatever was written meanwhile."""

import base64
import binascii
from datetime import datetime

import orjson

from tripper_assets.domain.errors import QuestionRefusedError

LARGEST_PAGE = 200


def cursor_of(*position: str) -> str:
    """Return the text of a position."""
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def position_of(cursor: str, parts: int) -> list[str]:
    """Return the position that a text says, which has so many parts.

    Raises:
        QuestionRefusedError: it is from no page.
    """
    try:
        told = orjson.loads(base64.b64decode(f"{cursor}==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        told = None
    if (
        not isinstance(told, list)
        or len(told) != parts
        or not all(isinstance(one, str) and "\0" not in one for one in told)
    ):
        raise QuestionRefusedError(f"The cursor {cursor[:40]!r} is from no page; begin without one.")
    return told


def moment_of(text: str, cursor: str) -> datetime:
    """Return the moment in a position.

    Raises:
        QuestionRefusedError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise QuestionRefusedError(f"The cursor {cursor[:40]!r} is from no page; begin without one.")
    return moment


def check_limit(limit: int) -> None:
    """Check how long a page is to be.

    Raises:
        QuestionRefusedError: too short or too long.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise QuestionRefusedError(f"A page has 1 to {LARGEST_PAGE} entries, and not {limit}; change the limit.")
