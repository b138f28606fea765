"""Distances along great circles."""

import pytest

from tripper_assets.domain.distances import Degrees, distance_km


def test_the_distance_from_paris_to_london_is_344_km() -> None:
    assert distance_km(Degrees(48.8534, 2.3488), Degrees(51.5085, -0.1257)) == pytest.approx(344, abs=2)


def test_a_degree_of_latitude_is_a_hundred_and_eleven_kilometres() -> None:
    assert distance_km(Degrees(53.0, -1.0), Degrees(54.0, -1.0)) == pytest.approx(111.195, abs=0.001)
    assert distance_km(Degrees(53.0, -1.0), Degrees(53.0, -1.0)) == 0


def test_opposite_points_are_half_of_the_way_around() -> None:
    assert distance_km(Degrees(0.0, 0.0), Degrees(0.0, 180.0)) == pytest.approx(20_015, abs=1)
