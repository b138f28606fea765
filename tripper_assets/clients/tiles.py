"""Stored pictures made small enough to stand in a table: one of each activity, read from the store and shrunk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

import pyvips

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import CorruptObjectError, NotFoundError
from tripper_assets.domain.maps import ImageRow
from tripper_assets.domain.model import ActivityId

MOST_TILES = 24
WIDTH, HEIGHT = 112, 84
QUALITY = 45


def tiles(objects: Objects, pictures: Mapping[ActivityId, Sequence[ImageRow]]) -> Iterator[tuple[ActivityId, bytes]]:
    """Yield the best picture of each activity as a WebP of 112 by 84 pixels; of 24 activities at most, and of what the store holds.

    Raises:
        TransientError: the store does not answer.
    """
    made = ((one, _made(objects, rows[0])) for one, rows in pictures.items() if rows)
    yield from islice(((one, small) for one, small in made if small), MOST_TILES)


def tile(body: bytes) -> bytes:
    """Return one of our own stored pictures as a small WebP, cut to its most telling part."""
    _quiet()
    load: Callable[..., Any] = pyvips.Image.thumbnail_buffer
    made: bytes = load(body, WIDTH, height=HEIGHT, crop="attention").webpsave_buffer(Q=QUALITY, effort=2, keep="none")
    return made


def _made(objects: Objects, row: ImageRow) -> bytes | None:
    uri, sha256 = (row.thumbnail.contentUrl, row.thumbnail.sha256) if row.thumbnail else (row.contentUrl, row.sha256)
    try:
        return tile(objects.get(uri, sha256=sha256)) if objects.holds(uri) else None
    except (CorruptObjectError, NotFoundError, pyvips.Error):
        return None  # the check images_sound says so


@cache
def _quiet() -> None:
    """Keep libvips from holding pictures and threads for the little that is done here."""
    pyvips.cache_set_max(0)
    pyvips.voperation.concurrency_set(1)
