"""What lies below a map's markers: the packaged land, and the towns of the gazetteer where its index was built already."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path

from tripper_assets.clients.country_shapes import PATH, read_rings
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.map_land import Box, Land
from tripper_assets.domain.map_view import project, unproject

MOST_TOWNS = 300
"""Of one box, before those drop out whose names would touch."""
TOWNS = """
    SELECT name, latitude, longitude FROM towns
    WHERE latitude BETWEEN ? AND ? AND (longitude BETWEEN ? AND ? OR longitude BETWEEN ? AND ?)
    ORDER BY population DESC, id LIMIT ?
"""


@cache
def packaged_land() -> Land:
    """Return the land of the world.

    Raises:
        ConfigurationError: the file of the countries' polygons is missing or damaged.
    """
    try:
        return Land(ring for rings in read_rings(PATH).values() for ring in rings)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError(
            f"Reading the countries' polygons {PATH} failed ({error}); install the package again."
        ) from error


class TownIndex:
    """The towns of a gazetteer's index; none where the index is not there or cannot be read, for a map is a map without them."""

    def __init__(self, index: Path) -> None:
        self.index = index

    def within(self, box: Box) -> Sequence[tuple[str, float, float]]:
        """Return the towns of a box with their places in the unit square, those with most people first."""
        if not self.index.exists():
            return []
        south, north = (unproject(0, min(max(edge / box.side, 0.0), 1.0))[0] for edge in (box.south, box.north))
        try:
            with closing(sqlite3.connect(f"{self.index.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
                rows = database.execute(TOWNS, (south, north, *_longitudes(box), MOST_TOWNS)).fetchall()
        except sqlite3.DatabaseError:
            return []
        return [(name, *project(latitude, longitude)) for name, latitude, longitude in rows]


def _longitudes(box: Box) -> tuple[float, float, float, float]:
    """Return west and east of the box in degrees, and both once more for its part beyond the 180th meridian."""
    west, east = (edge / box.side * 360 - 180 for edge in (box.west, box.east))
    if east - west >= 360:  # noqa: PLR2004 (degrees)
        return -180, 180, -180, 180
    turn = -360 if east > 180 else 360  # noqa: PLR2004 (degrees)
    return west, east, west + turn, east + turn
