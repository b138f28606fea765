"""What a drawn map shows: the web mercator projection, the view that holds all points, points gathered into clusters, and a scale.

The world is a square of side 1, its west and north edge at 0; at a zoom it is ``TILE * 2**zoom`` pixels wide, as in every tiled map.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import asinh, atan, cos, degrees, floor, log2, log10, pi, radians, sinh, tan

from tripper_assets.domain.distances import EARTH_KM

TILE = 256
"""Pixels of the world at zoom 0, and of every tile."""
FARTHEST_LATITUDE = degrees(atan(sinh(pi)))
"""Beyond it, 85.05 degrees, web mercator draws nothing: what lies there is drawn at the edge."""
CLOSEST_ZOOM = 17
"""A pixel is about a metre then."""
FIRST_ZOOM = 12
"""The closest at which a view begins: a town is still to be seen around a single point."""
APART = 42
"""Pixels from one marker to the next at least: markers that fingers can tell apart."""
SCALE_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class MapPoint:
    """Something that a map shows, in degrees of WGS 84."""

    id: str
    name: str
    latitude: float
    longitude: float
    href: str
    """Where a click on it leads."""


@dataclass(frozen=True)
class View:
    """What a picture of the map shows: its middle in the unit square, and how near it is."""

    x: float
    y: float
    zoom: int
    width: int
    """In pixels."""
    height: int

    @property
    def side(self) -> int:
        """How many pixels the world is wide."""
        return TILE << self.zoom

    @property
    def west(self) -> float:
        """The pixel of the world at the picture's left edge; below 0 where the picture shows what lies beyond the 180th meridian."""
        return self.x * self.side - self.width / 2

    @property
    def north(self) -> float:
        """The pixel of the world at the picture's upper edge."""
        return self.y * self.side - self.height / 2

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where in the picture a place of the unit square is drawn, in pixels: in that turn of the world that is nearest to the middle."""
        turned = x - floor(x - self.x + 0.5)
        return turned * self.side - self.west, y * self.side - self.north


@dataclass(frozen=True)
class Cluster:
    """Points that are drawn as one marker, at the first of them."""

    x: float
    y: float
    points: tuple[MapPoint, ...]


@dataclass(frozen=True)
class Scale:
    """A round length and how long it is drawn, in pixels."""

    kilometres: float
    pixels: float

    @property
    def label(self) -> str:
        """In words, such as 20 km or 500 m."""
        return f"{self.kilometres:g} km" if self.kilometres >= 1 else f"{self.kilometres * 1000:g} m"


def project(latitude: float, longitude: float) -> tuple[float, float]:
    """Return where in the unit square a point lies; x from 0 (180 degrees west) to below 1, y from 0 (north) to 1."""
    held = radians(min(max(latitude, -FARTHEST_LATITUDE), FARTHEST_LATITUDE))
    return (longitude / 360 + 0.5) % 1.0, min(max(0.5 - asinh(tan(held)) / (2 * pi), 0.0), 1.0)


def unproject(x: float, y: float) -> tuple[float, float]:
    """Return latitude and longitude of a place in the unit square."""
    return degrees(atan(sinh(pi * (1 - 2 * y)))), (x % 1.0) * 360 - 180


def view_of(points: Iterable[tuple[float, float]], *, width: int, height: int, margin: int = 36) -> View:
    """Return the nearest view that holds all points (latitude, longitude) within its margin; without points the whole world."""
    placed = [project(*one) for one in points]
    if not placed:
        return View(0.5, 0.5, 0, width, height)
    west, wide = _shortest_arc([x for x, _ in placed])
    north, south = min(y for _, y in placed), max(y for _, y in placed)
    room = (width - 2 * margin, height - 2 * margin)
    zoom = min(_zoom(wide, room[0]), _zoom(south - north, room[1]), FIRST_ZOOM)
    return View((west + wide / 2) % 1.0, (north + south) / 2, max(zoom, 0), width, height)


def _shortest_arc(around: Sequence[float]) -> tuple[float, float]:
    """Return where the shortest part of the circle that holds all numbers begins, and how long it is: the rest is their widest gap."""
    found = sorted(set(around))
    gaps = [following - one for one, following in zip(found, [*found[1:], found[0] + 1], strict=True)]
    widest = max(range(len(gaps)), key=gaps.__getitem__)
    return found[(widest + 1) % len(found)], max(1 - gaps[widest], 0.0)


def _zoom(extent: float, room: int) -> int:
    return CLOSEST_ZOOM if extent <= 0 else min(floor(log2(max(room, 1) / TILE) - log2(extent)), CLOSEST_ZOOM)


def clusters(points: Iterable[MapPoint], zoom: int, *, apart: float = APART) -> list[Cluster]:
    """Return the points gathered into markers that are ``apart`` pixels from each other at least, from west to east; x and y of the unit square.

    A point goes to the first marker near it. What is drawn does not depend on the order of the points, nor on what part of the world is shown.
    """
    side = TILE << zoom
    placed = sorted(
        ((*project(one.latitude, one.longitude), one) for one in points),
        key=lambda found: (found[0], found[1], found[2].id),
    )
    cells: dict[tuple[int, int], list[int]] = {}
    found: list[tuple[float, float, list[MapPoint]]] = []
    for x, y, point in placed:
        cell = floor(x * side / apart), floor(y * side / apart)
        near = (number for one in _around(cell) for number in cells.get(one, ()))
        own = next((number for number in near if _are_near(found[number], x, y, apart / side)), None)
        if own is None:
            cells.setdefault(cell, []).append(len(found))
            found.append((x, y, [point]))
        else:
            found[own][2].append(point)
    return [Cluster(x, y, tuple(held)) for x, y, held in found]


def _around(cell: tuple[int, int]) -> list[tuple[int, int]]:
    return [(cell[0] + across, cell[1] + down) for across in (-1, 0, 1) for down in (-1, 0, 1)]


def _are_near(marker: tuple[float, float, list[MapPoint]], x: float, y: float, apart: float) -> bool:
    return (marker[0] - x) ** 2 + (marker[1] - y) ** 2 < apart**2


def kilometres_of_pixel(view: View) -> float:
    """Return how many kilometres a pixel in the middle of the picture is."""
    latitude, _ = unproject(view.x, view.y)
    return 2 * pi * EARTH_KM * cos(radians(latitude)) / view.side


def scale(view: View, *, longest: int = 110) -> Scale:
    """Return the longest round length that is drawn with at most so many pixels."""
    most = kilometres_of_pixel(view) * longest
    power = 10.0 ** floor(log10(most))
    kilometres = max(step * power for step in SCALE_STEPS if step == 1 or step * power <= most)
    return Scale(float(f"{kilometres:g}"), kilometres / most * longest)


def tile_addresses(view: View, template: str) -> list[tuple[int, int, str]]:
    """Return the tiles that the picture shows: where each is drawn, in pixels, and its address, of a template with {z}, {x} and {y}."""
    across = range(floor(view.west / TILE), floor((view.west + view.width) / TILE) + 1)
    down = range(
        max(floor(view.north / TILE), 0), min(floor((view.north + view.height) / TILE), (1 << view.zoom) - 1) + 1
    )
    return [
        (round(column * TILE - view.west), round(row * TILE - view.north), _address(template, view.zoom, column, row))
        for row in down
        for column in across
    ]  # fmt: skip


def _address(template: str, zoom: int, column: int, row: int) -> str:
    parts: Mapping[str, int] = {"{z}": zoom, "{x}": column % (1 << zoom), "{y}": row}
    for name, value in parts.items():
        template = template.replace(name, str(value))
    return template
