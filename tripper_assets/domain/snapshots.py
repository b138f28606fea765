"""What is kept of an answer so that a page can be read again without the network: the snapshot of a page, and a crawl's list of them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

from tripper_assets.domain.model import Model

PAGE_MANIFEST = "page_manifest"
"""The file of a workflow that lists the snapshots of its pages, as its files are named by asset."""


class PageSnapshot(Model):
    """One page as it was received; its body is kept elsewhere under its SHA-256."""

    url: str
    """The normalised URL that the page is known by."""
    address: str
    """The URL that answered, which relative links are relative to."""
    status: int
    headers: dict[str, str] = {}
    """Lower-case names; only those that say something of the body."""
    body_sha256: str
    """Of the body without Content-Encoding, as it was read."""
    body_bytes: int = 0
    fetched_at: datetime
    """When the body was received, UTC."""


KeepBody: TypeAlias = Callable[[PageSnapshot, bytes], Awaitable[None]]
"""Keeps a body under its SHA-256; returns when it is stored."""
ReadBody: TypeAlias = Callable[[str], Awaitable[bytes | None]]
"""Returns the kept body with this SHA-256, None where none is kept."""
KEPT_HEADERS = (
    "content-type",
    "content-language",
    "content-location",
    "date",
    "etag",
    "last-modified",
    "link",
    "refresh",
    "x-robots-tag",
)
"""What a snapshot keeps of the answer's headers; cookies and tokens are none of it."""
