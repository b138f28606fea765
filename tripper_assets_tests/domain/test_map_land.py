"""The land of drawn maps: what is clipped lies in its box, what is whole stays whole, and names of towns do not touch."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripper_assets.clients.map_ground import packaged_land
from tripper_assets.domain.map_land import TOWN_HEIGHT, TOWN_WIDTH, Box, Land, named_towns
from tripper_assets.domain.map_picture import block_box, draw_map, is_block
from tripper_assets.domain.map_view import MapPoint, project
from tripper_assets.domain.search import Spot

SQUARE = np.array([[-90.0, 45.0], [90.0, 45.0], [90.0, -45.0], [-90.0, -45.0], [-90.0, 45.0]])
WORLD = Box(1, 0, 0, 512, 512)


def corners(path: str) -> list[list[tuple[int, int]]]:
    """Return the points of each ring of a path."""
    rings: list[list[tuple[int, int]]] = []
    for ring in re.findall(r"M(-?\d+) ?(-?\d+)l([^z]*)z", path):
        numbers = [int(one) for one in re.findall(r"-?\d+", ring[2])]
        points = [(int(ring[0]), int(ring[1]))]
        for across, down in zip(numbers[::2], numbers[1::2], strict=True):
            points.append((points[-1][0] + across, points[-1][1] + down))
        rings.append(points)
    return rings


def test_a_ring_within_the_box_is_drawn_as_it_is() -> None:
    (ring,) = corners(Land([SQUARE]).path(WORLD))

    assert ring == [(128, 184), (384, 184), (384, 328), (128, 328)]


@pytest.mark.parametrize(
    ("box", "drawn"),
    [
        (Box(1, 0, 0, 256, 256), {(128, 184), (256, 184), (256, 256), (128, 256)}),
        (Box(1, 200, 200, 300, 300), {(0, 0), (100, 0), (100, 100), (0, 100)}),  # all land
        (Box(1, 0, 0, 100, 100), set()),
        (Box(1, 512, 0, 768, 256), {(128, 184), (256, 184), (256, 256), (128, 256)}),  # once around the Earth
    ],
)
def test_a_ring_is_cut_at_the_edges_of_the_box(box: Box, drawn: set[tuple[int, int]]) -> None:
    assert {point for ring in corners(Land([SQUARE]).path(box)) for point in ring} == drawn


@settings(max_examples=20, deadline=None)
@given(st.floats(-80, 80), st.floats(-180, 180), st.integers(3, 14))
def test_nothing_of_the_packaged_land_is_drawn_outside_of_the_box(latitude: float, longitude: float, zoom: int) -> None:
    x, y = (one * (256 << zoom) for one in project(latitude, longitude))

    rings = corners(packaged_land().path(Box(zoom, x - 260, y - 180, x + 260, y + 180)))

    assert all(0 <= across <= 520 and 0 <= down <= 360 for ring in rings for across, down in ring)


def test_of_two_towns_whose_names_would_touch_the_heavier_is_named() -> None:
    towns = [("Lyon", 0.5, 0.5), ("Villeurbanne", 0.5001, 0.5001), ("Paris", 0.5, 0.4), ("Sydney", 0.9, 0.9)]

    found = named_towns(towns, Box(10, 0.45 * 262_144, 0.35 * 262_144, 0.55 * 262_144, 0.55 * 262_144))

    assert [one.name for one in found] == ["Lyon", "Paris"]
    assert all(
        abs(one.x - other.x) >= TOWN_WIDTH or abs(one.y - other.y) >= TOWN_HEIGHT
        for one in found
        for other in found
        if one is not other
    )


def test_blocks_are_those_of_the_world_and_half_around_it() -> None:
    assert is_block(3, 0, 0)
    assert is_block(3, 4, 1)
    assert is_block(0, 0, 0)
    assert not is_block(3, 40, 0)
    assert not is_block(3, 0, 9)
    assert block_box(3, 1, 1) == Box(3, -256, 0, 1792, 1536)


def test_a_picture_tells_each_point_once_and_leads_to_it() -> None:
    points = [
        MapPoint("a", "Owls", 30.0, 7.85, "/activities/a"),
        MapPoint("b", "Bats", 30.0, 7.8501, "/activities/b"),
        MapPoint("c", "Seals", 30.3, 8.2, "/activities/c"),
    ]

    picture = draw_map(points, land=Land([SQUARE]), towns=lambda _box: [], around=Spot(latitude=30, longitude=7.8, radius_km=10))  # fmt: skip

    assert picture.count == 3
    assert [(one.count, one.href, one.label) for one in picture.markers] == [
        (2, "#map-1", "2 here: Owls, Bats"),
        (1, "/activities/c", "Seals"),
    ]
    assert all(0 < one.x < 520 and 0 < one.y < 360 for one in picture.markers)
    assert picture.circle is not None
    assert picture.ground.land.startswith("M")
