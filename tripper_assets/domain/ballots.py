"""Votes as columns: a hundred thousand of them are counted in arrays, a value of the vocabulary being a number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from tripper_assets.domain.tags import CHOICES, LABELS, NUMBERS, UNKNOWN, ActivityTags

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
TIE = 1e-9
HALF = 0.5
_CODES: Mapping[str, Mapping[str, int]] = {
    name: {value: code for code, value in enumerate(values)} for name, values in CHOICES.items()
}
_PLACES: Mapping[str, Mapping[str, int]] = {
    name: {value: place for place, value in enumerate(values)} for name, values in LABELS.items()
}
_COLUMNS = (*CHOICES, *LABELS, *NUMBERS)
_VALUES = attrgetter(*_COLUMNS)
AT_ONCE = 100
"""Votes read into rows before these become columns: rows of all votes would be one more load for the garbage collector."""


@dataclass(frozen=True)
class Ballots:
    """Some voters' values of some activities, one row for each; ``units`` is the activity's number."""

    units: Ints
    choices: dict[str, Ints]
    """By field the place of each row's value in the vocabulary."""
    labels: dict[str, npt.NDArray[np.bool_]]
    """By field, shape (rows, labels): whether the row has the label."""
    numbers: dict[str, Floats]
    """By field each row's value; NaN for nothing."""

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.units)

    def of(self, rows: Ints) -> "Ballots":
        """Return some of the rows."""
        return Ballots(
            self.units[rows],
            {name: values[rows] for name, values in self.choices.items()},
            {name: values[rows] for name, values in self.labels.items()},
            {name: values[rows] for name, values in self.numbers.items()},
        )


@dataclass(frozen=True)
class Tallied:
    """What groups of ballots come to, one row for each group; ``ties`` are the groups of a field whose first two values are level."""

    ballots: Ballots
    ties: dict[str, npt.NDArray[np.bool_]]


def ballots(units: Ints, tags: Sequence[ActivityTags]) -> Ballots:
    """Return tags as columns."""
    columns = _columns(tags)
    labels = {name: _held(places, columns[name]) for name, places in _PLACES.items()}
    choices = {
        name: np.fromiter(map(codes.__getitem__, columns[name]), dtype=np.int64, count=len(tags))
        for name, codes in _CODES.items()
    }
    # As floats None is NaN.
    numbers = {name: np.array(columns[name], dtype=np.float64) for name in NUMBERS}
    return Ballots(units, choices, labels, numbers)


def _columns(tags: Sequence[ActivityTags]) -> dict[str, list[Any]]:
    """Return the values of each field; each vote is looked at once, as it is far from the next one in memory."""
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for start in range(0, len(tags), AT_ONCE):
        values = zip(*map(_VALUES, tags[start : start + AT_ONCE]), strict=True)
        for column, some in zip(columns.values(), values, strict=True):
            column.extend(some)
    return columns


def _held(places: Mapping[str, int], rows: Sequence[tuple[str, ...]]) -> npt.NDArray[np.bool_]:
    """Return which row has which label; sets repeat, so that each kind of set is looked up once."""
    kinds = {labels: number for number, labels in enumerate(dict.fromkeys(rows))}
    held = np.zeros((len(kinds), len(places)), dtype=np.bool_)
    for labels, number in kinds.items():
        held[number, [places[label] for label in labels]] = True
    return held[np.fromiter(map(kinds.__getitem__, rows), dtype=np.int64, count=len(rows))]


def counted(values: Ints, groups: Ints, weights: Floats, *, size: int, kinds: int) -> Floats:
    """Return the weight of each value in each group, shape (size, kinds)."""
    flat = np.bincount(groups * kinds + values, weights, minlength=size * kinds)
    return flat.reshape(size, kinds).astype(np.float64)


def tally(found: Ballots, groups: Ints, units: Ints, weights: Floats) -> Tallied:
    """Return one ballot for each group: the most frequent choice, the labels that half of the weight has, the median of the numbers.

    Choices that are level become unknown. A number is nothing where less than half of a group's ballots state one. ``units`` has the
    activity of each group.
    """
    size = len(units)
    choices: dict[str, Ints] = {}
    ties: dict[str, npt.NDArray[np.bool_]] = {}
    for name, values in found.choices.items():
        counts = counted(values, groups, weights, size=size, kinds=len(CHOICES[name]))
        choices[name], ties[name] = _plurality(counts, CHOICES[name].index(UNKNOWN))
    whole = np.bincount(groups, weights, minlength=size).astype(np.float64)
    labels = {name: _shared(held, groups, weights, whole) for name, held in found.labels.items()}
    numbers = {name: medians(values, groups, size) for name, values in found.numbers.items()}
    return Tallied(Ballots(units, choices, labels, numbers), ties)


def _plurality(counts: Floats, unknown: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
    chosen = counts.argmax(axis=1)
    most = counts[np.arange(len(counts)), chosen]
    is_level = (counts >= most[:, None] - TIE).sum(axis=1) > 1
    return np.where(is_level, unknown, chosen), is_level


def _shared(held: npt.NDArray[np.bool_], groups: Ints, weights: Floats, whole: Floats) -> npt.NDArray[np.bool_]:
    columns = [np.bincount(groups, weights * held[:, one], minlength=len(whole)) for one in range(held.shape[1])]
    return np.stack(columns, axis=1) >= (HALF * whole - TIE)[:, None]


def medians(values: Floats, groups: Ints, size: int) -> Floats:
    """Return the median of each group's numbers; NaN where less than half of the group has one."""
    all_of, has = np.bincount(groups, minlength=size), ~np.isnan(values)
    values, groups = values[has], groups[has]
    order = np.lexsort((values, groups))
    sorted_values = values[order]
    stated = np.bincount(groups, minlength=size)
    starts = np.concatenate(([0], np.cumsum(stated)[:-1])).astype(np.int64)
    found = np.full(size, np.nan)
    enough = (stated > 0) & (2 * stated >= all_of)
    low = sorted_values[(starts + (stated - 1) // 2)[enough]]
    high = sorted_values[(starts + stated // 2)[enough]]
    found[enough] = (low + high) / 2
    return found
