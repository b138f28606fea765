"""Countries' polygons: what is in, what is out, borders and islets with a margin, exchanged axes, the 180th meridian."""

from pathlib import Path

import numpy as np
import pytest

from tripper_assets.clients.country_shapes import country_shapes, read_rings, write_rings
from tripper_assets.domain.country_shapes import CountryShapes, is_null_island
from tripper_assets.domain.plausibility import point_trouble

SQUARE = np.array([[0.0, 50.0], [10.0, 50.0], [10.0, 60.0], [0.0, 60.0], [0.0, 50.0]])
HOLE = np.array([[3.0, 53.0], [7.0, 53.0], [7.0, 57.0], [3.0, 57.0], [3.0, 53.0]])


@pytest.mark.parametrize(
    ("latitude", "longitude", "held"),
    [
        (52, 2, True),
        (55, 5, False),
        (53.04, 5, True),
        (52, 10.04, True),
        (52, 10.9, True),
        (52, 11.1, False),
        (2, 52, False),
    ],
)
def test_a_point_is_in_a_country_within_its_rings_and_a_margin(latitude: float, longitude: float, held: bool) -> None:  # noqa: FBT001 (a column)
    assert CountryShapes({"XX": [SQUARE, HOLE]}).holds("XX", latitude, longitude) is held


def test_what_lies_in_another_country_is_no_islet() -> None:
    neighbour = SQUARE + np.array([10.1, 0])

    shapes = CountryShapes({"XX": [SQUARE], "YY": [neighbour]})

    assert [shapes.holds("XX", 55, longitude) for longitude in (10.04, 10.08, 10.2)] == [True, True, False]


def test_of_a_country_without_a_shape_nothing_is_said() -> None:
    shapes = CountryShapes({"XX": [SQUARE]})

    assert shapes.holds("YY", 52, 2) is None
    assert point_trouble(52, 2, "YY", shapes) == ""
    assert point_trouble(52, 2, "", shapes) == ""


@pytest.mark.parametrize(
    ("country", "latitude", "longitude", "trouble"),
    [
        ("DE", 48.137, 11.575, ""),
        ("DE", 11.575, 48.137, "axes_swapped"),
        ("DE", 45.76, 4.84, "wrong_country"),
        ("DE", 54.18, 7.88, ""),
        ("DE", 0.0, 0.0, "null_island"),
        ("", 0.01, -0.01, "null_island"),
        ("FR", -21.1, 55.5, ""),
        ("RE", -21.1, 55.5, ""),
        ("US", 21.3, -157.86, ""),
        ("US", 18.4, -66.1, ""),
        ("PR", 18.4, -66.1, ""),
        ("US", 51.88, -176.65, ""),
        ("RU", 66.3, -171.0, ""),
        ("RU", 64.7, 177.5, ""),
        ("FJ", -18.1, 178.4, ""),
        ("UA", 44.95, 34.1, ""),
        ("XK", 42.66, 21.17, ""),
        ("LS", -29.3, 27.5, ""),
        ("ZA", -29.3, 28.5, "wrong_country"),
        ("IT", 41.9, 12.453, ""),
        ("GB", 52.5, 13.4, "wrong_country"),
    ],
)
def test_the_packaged_polygons_tell_real_points(country: str, latitude: float, longitude: float, trouble: str) -> None:
    assert point_trouble(latitude, longitude, country, country_shapes()) == trouble


def test_null_island_is_a_place_around_zero_only() -> None:
    assert [is_null_island(*point) for point in ((0, 0), (0.05, -0.05), (0, 9.4), (5.3, 0))] == [
        True,
        True,
        False,
        False,
    ]


def test_rings_are_read_as_they_were_written_to_a_hundredth_of_a_degree(tmp_path: Path) -> None:
    path = tmp_path / "shapes.npz"
    across = np.array([[179.0, 1.0], [-179.0, 1.0], [-179.0, 2.0], [179.0, 1.0]])

    write_rings(path, [("XX", SQUARE), ("XX", HOLE + 0.001), ("YY", across)])

    found = read_rings(path)
    assert np.array_equal(found["XX"][0], SQUARE)
    assert np.array_equal(found["XX"][1], HOLE)
    assert found["YY"][0][:, 0].tolist() == [179, 181, 181, 179]
