"""What PostgreSQL can hold of a text or JSON value: it takes no NUL, no lone surrogate and no NaN, and pages have them all."""

import math
from typing import Any

REPLACEMENT = "\ufffd"


def is_storable(text: str) -> bool:
    """Return whether ``text`` can be stored as it is."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable_text(text: str) -> str:
    """Return ``text`` without NUL characters, and with a replacement character for each lone surrogate."""
    if is_storable(text):
        return text
    whole = text.replace("\0", "").encode("utf-16", "surrogatepass")
    return whole.decode("utf-16", "replace")


def storable(value: Any) -> Any:  # noqa: ANN401 (any JSON value goes in and comes out)
    """Return a JSON value with every text and key in it made storable, and None for what is no number."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {storable_text(key): storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    return value
