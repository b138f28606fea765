"""The land of a drawn map as the path of an SVG, clipped to a part of the world and no finer than its pixels; and which towns are named there."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, pi

import numpy as np
import numpy.typing as npt

from tripper_assets.domain.map_view import FARTHEST_LATITUDE, TILE

Ring = npt.NDArray[np.float64]
"""Shape (points, 2), the last point the first again."""
Steps = npt.NDArray[np.int64]
TOWN_WIDTH, TOWN_HEIGHT = 110, 34
"""The room of a town's name in pixels."""
TRIANGLE = 3
FINEST = 2.0
"""Pixels that a line is drawn in: of its points within so many only the first is, and what is smaller as a whole is not drawn."""


@dataclass(frozen=True)
class Box:
    """A part of the world at a zoom, in its pixels; west of 0 and east of the world's width it goes on around the Earth."""

    zoom: int
    west: float
    north: float
    east: float
    south: float

    @property
    def side(self) -> int:
        """How many pixels the world is wide."""
        return TILE << self.zoom


@dataclass(frozen=True)
class TownName:
    """A town that is named on the map; x and y are pixels from the box's west and north."""

    name: str
    x: int
    y: int
    is_marked: bool = False
    """Whether a marker stands on it, and its name begins beside that."""


class Land:
    """The land of the world, of rings in degrees as domain/country_shapes.py has them."""

    def __init__(self, rings: Iterable[Ring]) -> None:
        self._rings = [_projected(ring) for ring in rings]
        corners = [(*one.min(axis=0), *one.max(axis=0)) for one in self._rings]
        self._bounds = np.array(corners, dtype=np.float64).reshape(-1, 4)

    def path(self, box: Box) -> str:
        """Return the ``d`` of a path that fills the land in the box (fill-rule evenodd), in whole pixels from the box's west and north."""
        return "".join(_drawn(one) for one in self._within(box))

    def _within(self, box: Box) -> Iterator[Steps]:
        """Yield the rings that the box cuts or holds, as steps of whole pixels."""
        west, north, east, south = (edge / box.side for edge in (box.west, box.north, box.east, box.south))
        for turn in range(floor(west) - 1, ceil(east) + 1):
            left, top, right, bottom = (self._bounds[:, one] for one in range(4))
            seen = np.maximum(right - left, bottom - top) * box.side > FINEST
            within = (left + turn >= west) & (right + turn <= east) & (top >= north) & (bottom <= south)
            meets = seen & (left + turn < east) & (right + turn > west) & (top < south) & (bottom > north)
            for number in np.flatnonzero(meets):
                ring = (self._rings[number] + (turn, 0)) * box.side - (box.west, box.north)
                clipped = _clipped(
                    _coarse(ring), box.east - box.west, box.south - box.north, is_within=bool(within[number])
                )
                if len(clipped) > TRIANGLE:
                    yield clipped


def _projected(ring: Ring) -> Ring:
    """Return the ring in the unit square, in the turn of the world that its longitudes say."""
    latitude = np.radians(np.clip(ring[:, 1], -FARTHEST_LATITUDE, FARTHEST_LATITUDE))
    return np.column_stack([ring[:, 0] / 360 + 0.5, 0.5 - np.arcsinh(np.tan(latitude)) / (2 * pi)])


def _coarse(ring: Ring) -> Ring:
    """Return the ring with the first of its points in each square of the finest size that it comes through."""
    return ring[_changes(np.floor(ring / FINEST))]


def _changes(ring: Ring) -> npt.NDArray[np.bool_]:
    """Return which points are others than those before them."""
    return np.any(np.diff(ring, axis=0, prepend=np.full((1, 2), np.nan)) != 0, axis=1)


def _clipped(ring: Ring, width: float, height: float, *, is_within: bool) -> Steps:
    """Return the part of a ring within the box (Sutherland and Hodgman 1974), closed, in whole pixels."""
    sides = () if is_within else ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1))
    for axis, edge, sign in sides:
        if len(ring) < TRIANGLE:
            break
        ring = _on_one_side(ring, axis, edge, sign)
    if len(ring) < TRIANGLE:
        return np.empty((0, 2), dtype=np.int64)
    whole = np.round(np.concatenate([ring, ring[:1]]))
    return whole[_changes(whole)].astype(np.int64)


def _on_one_side(ring: Ring, axis: int, edge: float, sign: int) -> Ring:
    """Return the ring with what lies beyond an edge cut off; a point for each side that crosses it, before that side's end."""
    following = np.roll(ring, -1, axis=0)
    inside, then = (ring[:, axis] - edge) * sign >= 0, (following[:, axis] - edge) * sign >= 0
    if inside.all():
        return ring
    crossing = inside != then
    apart = np.where(crossing, following[:, axis] - ring[:, axis], 1.0)
    cuts = ring + ((edge - ring[:, axis]) / apart)[:, None] * (following - ring)
    both = np.stack([ring, cuts], axis=1)
    return both[np.stack([inside, crossing], axis=1)]


def _drawn(ring: Steps) -> str:
    """Return a closed ring as a path: its first point, and steps from point to point."""
    steps = " ".join(f"{across} {down}" for across, down in np.diff(ring[:-1], axis=0).tolist())
    return f"M{ring[0, 0]} {ring[0, 1]}l{steps}z".replace(" -", "-")


def named_towns(towns: Sequence[tuple[str, float, float]], box: Box) -> list[TownName]:
    """Return which towns are named in the box, of towns in the order of their weight (name, x and y in the unit square): the heavier of two whose names would touch."""
    kept: list[TownName] = []
    for name, x, y in towns:
        for turn in range(floor(box.west / box.side), ceil(box.east / box.side)):
            one = TownName(name, round((x + turn) * box.side - box.west), round(y * box.side - box.north))
            if _is_in(one, box) and not any(_touch(one, other) for other in kept):
                kept.append(one)
    return kept


def _is_in(one: TownName, box: Box) -> bool:
    return 0 <= one.x <= box.east - box.west and 0 <= one.y <= box.south - box.north


def _touch(one: TownName, other: TownName) -> bool:
    return abs(one.x - other.x) < TOWN_WIDTH and abs(one.y - other.y) < TOWN_HEIGHT
