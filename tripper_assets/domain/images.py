"""Which of the pictures that a page names belong to an activity, and what is remembered of each between two runs."""

from datetime import datetime
from typing import Literal

from tripper_assets.domain.model import Model


class KnownImage(Model):
    """One image URL as it was last asked for: its validators, and what became of it."""

    sourceUrl: str
    status: Literal["stored", "rejected"]
    reason: str = ""
    """Why it was rejected; empty for a stored one."""
    etag: str = ""
    last_modified: str = ""
    body_sha256: str = ""
    """Of the body as it was received."""
    contentUrl: str = ""
    sha256: str = ""
    """Of the stored WebP."""
    width: int | None = None
    height: int | None = None
    encodingFormat: str = ""
    bytes: int | None = None
    blurhash: str = ""
    dominant_colour: str = ""
    """As #rrggbb."""
    checked_at: datetime
