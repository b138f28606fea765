"""Drawn maps: the projection and back, views that hold all points, clusters that lose none, scales and tiles."""

from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.map_view import (
    APART,
    FARTHEST_LATITUDE,
    TILE,
    MapPoint,
    View,
    clusters,
    project,
    scale,
    tile_addresses,
    unproject,
    view_of,
)

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)
places = st.tuples(latitudes, longitudes)
zooms = st.integers(0, 17)


def points_at(found: list[tuple[float, float]]) -> list[MapPoint]:
    return [MapPoint(f"{number:04d}", f"place {number}", *one, href=f"/{number}") for number, one in enumerate(found)]


@given(st.floats(-85, 85), st.floats(-180, 179.999))
def test_the_projection_and_back_is_the_same_place(latitude: float, longitude: float) -> None:
    assert unproject(*project(latitude, longitude)) == pytest.approx((latitude, longitude), abs=1e-6)


@pytest.mark.parametrize(
    ("latitude", "longitude", "placed"),
    [(0, 0, (0.5, 0.5)), (0, -180, (0, 0.5)), (0, 180, (0, 0.5)), (FARTHEST_LATITUDE, 90, (0.75, 0)), (-90, 90, (0.75, 1))],
)  # fmt: skip
def test_the_world_is_a_square(latitude: float, longitude: float, placed: tuple[float, float]) -> None:
    assert project(latitude, longitude) == pytest.approx(placed, abs=1e-9)


@given(st.lists(places, max_size=20), st.integers(200, 2000), st.integers(150, 1000))
def test_a_view_holds_all_of_its_points(found: list[tuple[float, float]], width: int, height: int) -> None:
    view = view_of(found, width=width, height=height)

    for x, y in (view.place(*project(*one)) for one in found):
        assert -1 <= x <= width + 1 or view.zoom == 0
        assert -1 <= y <= height + 1 or view.zoom == 0


def test_points_on_both_sides_of_the_180th_meridian_are_neighbours() -> None:
    fiji, samoa = (-18.1, 178.4), (-13.8, -171.8)

    view = view_of([fiji, samoa], width=520, height=360)

    assert view.zoom == 6
    assert view.place(*project(*fiji))[0] < view.place(*project(*samoa))[0]


def test_a_single_point_is_shown_with_its_town_and_no_point_with_the_whole_world() -> None:
    assert view_of([(48, 7.85)], width=520, height=360).zoom == 12
    assert view_of([], width=520, height=360) == View(0.5, 0.5, 0, 520, 360)


@given(st.lists(places, max_size=60), zooms)
def test_clusters_lose_no_point_and_count_none_twice(found: list[tuple[float, float]], zoom: int) -> None:
    points = points_at(found)

    gathered = clusters(points, zoom)

    assert sorted(one.id for cluster in gathered for one in cluster.points) == [one.id for one in points]
    assert sum(len(cluster.points) for cluster in gathered) == len(points)


@given(st.lists(places, max_size=40), zooms, st.randoms(use_true_random=False))
def test_clusters_are_apart_hold_what_is_near_and_do_not_depend_on_the_order(
    found: list[tuple[float, float]], zoom: int, random: object
) -> None:
    points, side = points_at(found), TILE << zoom
    shuffled = list(points)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    gathered = clusters(points, zoom)

    assert clusters(shuffled, zoom) == gathered
    for number, one in enumerate(gathered):
        for other in gathered[:number]:
            assert hypot(one.x - other.x, one.y - other.y) * side >= APART - 1e-6
        for point in one.points:
            x, y = project(point.latitude, point.longitude)
            assert hypot(one.x - x, one.y - y) * side <= APART + 1e-6


def test_what_is_one_marker_from_afar_is_two_from_near() -> None:
    freiburg, basel = points_at([(47.99, 7.85), (47.56, 7.59)])

    assert [len(one.points) for one in clusters([freiburg, basel], 4)] == [2]
    assert [len(one.points) for one in clusters([freiburg, basel], 9)] == [1, 1]


@given(st.floats(-84, 84), zooms)
def test_a_scale_is_a_round_length_that_fits(latitude: float, zoom: int) -> None:
    found = scale(View(*project(latitude, 8), zoom, 520, 360), longest=110)

    assert 11 <= found.pixels <= 110.001
    assert f"{found.kilometres:e}"[:1] in "125"
    assert found.label.endswith(("km", "m"))


def test_tiles_cover_the_picture_and_go_around_the_world() -> None:
    view = View(0.0, 0.5, 2, 300, 200)

    found = tile_addresses(view, "https://tiles.example/{z}/{x}/{y}.png")

    assert found == [
        (-106, -156, "https://tiles.example/2/3/1.png"),
        (150, -156, "https://tiles.example/2/0/1.png"),
        (-106, 100, "https://tiles.example/2/3/2.png"),
        (150, 100, "https://tiles.example/2/0/2.png"),
    ]
