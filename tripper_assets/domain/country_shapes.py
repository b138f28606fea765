"""Whether a point lies in a country: polygons of the world's countries, asked with a margin for their coarseness."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MARGIN_DEGREES = 0.05
"""How far outside its polygon a point still counts as in the country: coasts at 1:50 million leave out piers and islets.

Of 40,000 of GeoNames' towns 2.8 % lie outside their own country's polygon without it, and 0.4 % with it.
"""
ISLET_DEGREES = 1.0
"""How far from a coast a point in no country at all still counts: islands that the polygons leave out, such as Helgoland.

Of the towns, 0.05 % are outside then, and a town with exchanged axes is as well as never in its country.
"""
NULL_ISLAND_DEGREES = 0.1
"""Around 0, 0 there is only the Gulf of Guinea, and what software writes for "unknown"."""
PARTS = {
    "AU": "CC CX NF",
    "CN": "HK MO",
    "DK": "FO GL",
    "FI": "AX",
    "FR": "BL GF GP MF MQ NC PF PM RE TF WF YT",
    "GB": "GG GI IM JE",
    "IL": "PS",
    "NL": "AW BQ CW SX",
    "NO": "BV SJ",
    "US": "AS GU MP PR UM VI",
}
"""Lands with a code of their own that addresses also write as a part of another country; where only one has a shape, it counts for both."""
DISPUTED = {"UA": (32.4, 44.3, 36.7, 46.3)}
"""Boxes (west, south, east, north) that addresses also write as a part of a country that does not hold them: Crimea."""
Ring = npt.NDArray[np.float64]
"""Shape (points, 2): longitude and latitude, the last point the first again; a ring across the 180th meridian goes on beyond it."""


@dataclass(frozen=True)
class _Borders:
    """All sides of a country's rings, side by side."""

    starts: Ring
    ends: Ring

    def turns(self, longitude: float) -> list[float]:
        """Return by what a longitude may be turned to lie between the westernmost and the easternmost point."""
        west, east = self.starts[:, 0].min() - ISLET_DEGREES, self.starts[:, 0].max() + ISLET_DEGREES
        return [turn for turn in (0.0, 360.0, -360.0) if west <= longitude + turn <= east]

    def hold(self, latitude: float, longitude: float, margin: float) -> bool:
        """Return whether the point lies within, or ``margin`` degrees from a side."""
        return self._inside(latitude, longitude) or (margin > 0 and self._is_near(latitude, longitude, margin))

    def _inside(self, latitude: float, longitude: float) -> bool:
        """Return whether a ray to the east crosses an odd number of sides; holes are rings as well."""
        (x1, y1), (x2, y2) = self.starts.T, self.ends.T
        crossing = (y1 > latitude) != (y2 > latitude)
        x1, y1, x2, y2 = x1[crossing], y1[crossing], x2[crossing], y2[crossing]
        return bool(np.count_nonzero(x1 + (latitude - y1) / (y2 - y1) * (x2 - x1) > longitude) % 2)

    def _is_near(self, latitude: float, longitude: float, margin: float) -> bool:
        sides = self.ends - self.starts
        to_point = np.array([longitude, latitude]) - self.starts
        length = np.maximum((sides**2).sum(axis=1), 1e-12)
        along = np.clip((to_point * sides).sum(axis=1) / length, 0, 1)
        apart = ((to_point - along[:, None] * sides) ** 2).sum(axis=1)
        return bool(apart.min() <= margin**2)


class CountryShapes:
    """The polygons of countries by ISO 3166-1 alpha-2 code; ``rings`` holds each country's, outer ones and holes alike."""

    def __init__(self, rings: Mapping[str, Sequence[Ring]]) -> None:
        self._borders = {
            code: _Borders(np.concatenate([ring[:-1] for ring in found]), np.concatenate([ring[1:] for ring in found]))
            for code, found in rings.items()
            if found
        }

    def holds(self, country_code: str, latitude: float, longitude: float) -> bool | None:
        """Return whether the point lies in the country or within the margin of it; None where its shape is not known."""
        found = [self._borders[one] for one in _codes(country_code) if one in self._borders]
        if not found:
            return None
        if _is_disputed(country_code, latitude, longitude) or _within(found, latitude, longitude, MARGIN_DEGREES):
            return True
        return _within(found, latitude, longitude, ISLET_DEGREES) and not self._is_land(latitude, longitude)

    def _is_land(self, latitude: float, longitude: float) -> bool:
        return _within(self._borders.values(), latitude, longitude, 0.0)

    def is_swapped(self, country_code: str, latitude: float, longitude: float) -> bool:
        """Return whether the point lies elsewhere, and in the country when its axes are exchanged."""
        is_latitude = -90 <= longitude <= 90  # noqa: PLR2004 (the poles)
        return (
            is_latitude
            and self.holds(country_code, latitude, longitude) is False
            and self.holds(country_code, longitude, latitude) is True
        )


def is_null_island(latitude: float, longitude: float) -> bool:
    """Return whether the point is next to 0, 0."""
    return abs(latitude) < NULL_ISLAND_DEGREES and abs(longitude) < NULL_ISLAND_DEGREES


def _within(borders: Iterable[_Borders], latitude: float, longitude: float, margin: float) -> bool:
    return any(one.hold(latitude, longitude + turn, margin) for one in borders for turn in one.turns(longitude))


def _is_disputed(country_code: str, latitude: float, longitude: float) -> bool:
    west, south, east, north = DISPUTED.get(country_code, (0, 0, 0, 0))
    return west < longitude < east and south < latitude < north


def _codes(country_code: str) -> list[str]:
    wholes = [whole for whole, parts in PARTS.items() if country_code in parts.split()]
    return [country_code, *PARTS.get(country_code, "").split(), *wholes]
