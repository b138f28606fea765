"""A drawn map as a template shows it: land, towns, markers and a scale within one picture, and the same places as a list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tripper_assets.domain.map_land import Box, Land, TownName, named_towns
from tripper_assets.domain.map_view import (
    TILE,
    Cluster,
    MapPoint,
    Scale,
    View,
    clusters,
    kilometres_of_pixel,
    project,
    scale,
    tile_addresses,
    view_of,
)
from tripper_assets.domain.search import Spot

WIDTH, HEIGHT = 520, 360
"""Of the picture that a page is sent with; a script draws it anew at the size that it has on the screen."""
BLOCK = 512
"""Pixels of a block, by which the grounds that a script asks for are numbered."""
AROUND_ACROSS, AROUND_DOWN = 768, 512
"""Pixels around a block that its ground shows too."""
MOST_MARKERS = 400
"""Markers of one picture."""
BESIDE = 18
"""Pixels from a marker at which a town's name would be hidden by it."""
NAMED_AT_ONCE = 3
"""How many names the words of a cluster have."""

Towns = Callable[[Box], Sequence[tuple[str, float, float]]]
"""Finds the towns of a box (name, and x and y in the unit square), the heaviest first."""


@dataclass(frozen=True)
class MapStyle:
    """What the operator chose to draw the map with."""

    tile_url: str = ""
    """A template with {z}, {x} and {y}; empty where the packaged outlines are drawn."""
    attribution: str = ""
    """Whose tiles they are."""


@dataclass(frozen=True)
class Ground:
    """What lies below the markers; in pixels from the upper left corner of what was asked for."""

    land: str
    """The ``d`` of a path."""
    towns: tuple[TownName, ...]


@dataclass(frozen=True)
class Marker:
    """One marker of the picture, in its pixels."""

    x: float
    y: float
    count: int
    radius: int
    href: str
    """Of the one activity, else of the place in the list that tells them all."""
    label: str


@dataclass(frozen=True)
class MapPicture:
    """All that a template needs."""

    view: View
    ground: Ground
    markers: tuple[Marker, ...]
    groups: tuple[Cluster, ...]
    tiles: tuple[tuple[int, int, str], ...]
    scale: Scale
    circle: tuple[float, float, float] | None
    """Middle and radius of what was asked for; None where no place was."""
    style: MapStyle

    @property
    def count(self) -> int:
        """How many points there are."""
        return sum(len(one.points) for one in self.groups)


def draw_map(
    points: Sequence[MapPoint], *, land: Land, towns: Towns, style: MapStyle | None = None, around: Spot | None = None, name: str = "map"
) -> MapPicture:  # fmt: skip
    """Return the picture that holds all points, and the place that was asked for; ``name`` begins the ids of its list's parts."""
    chosen = style or MapStyle()
    places = [(one.latitude, one.longitude) for one in points]
    view = view_of([*places, *([(around.latitude, around.longitude)] if around else [])], width=WIDTH, height=HEIGHT)
    groups = tuple(clusters(points, view.zoom))
    markers = tuple(_marker(one, number, view, name) for number, one in enumerate(groups[:MOST_MARKERS], start=1))
    drawn = Ground("", ()) if chosen.tile_url else ground(_seen(view), land=land, towns=towns)
    return MapPicture(
        view=view,
        ground=replace(drawn, towns=tuple(_beside(one, markers) for one in drawn.towns)),
        markers=markers,
        groups=groups,
        tiles=tuple(tile_addresses(view, chosen.tile_url)) if chosen.tile_url else (),
        scale=scale(view),
        circle=_circle(view, around) if around else None,
        style=chosen,
    )


def ground(box: Box, *, land: Land, towns: Towns) -> Ground:
    """Return land and towns of a box."""
    return Ground(land.path(box), tuple(named_towns(towns(box), box)))


def block_box(zoom: int, column: int, row: int) -> Box:
    """Return a block with what is around it."""
    west, north = column * BLOCK, row * BLOCK
    return Box(
        zoom, west - AROUND_ACROSS, north - AROUND_DOWN, west + BLOCK + AROUND_ACROSS, north + BLOCK + AROUND_DOWN
    )


def is_block(zoom: int, column: int, row: int) -> bool:
    """Return whether there is such a block; one beyond the 180th meridian is, half around the Earth."""
    across = max((TILE << zoom) // BLOCK, 1)
    return -across <= column < 2 * across and -1 <= row <= across


def _beside(town: TownName, markers: Sequence[Marker]) -> TownName:
    is_marked = any(abs(one.x - town.x) < BESIDE and abs(one.y - town.y) < BESIDE for one in markers)
    return replace(town, is_marked=is_marked)


def _seen(view: View) -> Box:
    return Box(view.zoom, view.west, view.north, view.west + view.width, view.north + view.height)


def _marker(cluster: Cluster, number: int, view: View, name: str) -> Marker:
    x, y = view.place(cluster.x, cluster.y)
    count = len(cluster.points)
    href = cluster.points[0].href if count == 1 else f"#{name}-{number}"
    return Marker(round(x, 1), round(y, 1), count, _radius(count), href, marker_label(cluster))


def _radius(count: int) -> int:
    return 9 if count == 1 else 13 + min(len(str(count)) * 2, 8)


def marker_label(cluster: Cluster) -> str:
    """Return what a marker stands for, in words."""
    names = [one.name for one in cluster.points[:NAMED_AT_ONCE]]
    more = len(cluster.points) - len(names)
    said = ", ".join(names) + (f" and {more} more" if more else "")
    return said if len(cluster.points) == 1 else f"{len(cluster.points)} here: {said}"


def _circle(view: View, around: Spot) -> tuple[float, float, float]:
    x, y = view.place(*project(around.latitude, around.longitude))
    return round(x, 1), round(y, 1), round(around.radius_km / kilometres_of_pixel(view), 1)
