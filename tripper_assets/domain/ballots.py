"""Votes as columns: a hundred thousand of them are counted in arrays, a value of the vocabulary being a number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


def ballots(units: Sequence[int], tags: Sequence[ActivityTags]) -> Ballots:
    """Return tags as columns."""
    rows = len(tags)
    labels: dict[str, npt.NDArray[np.bool_]] = {}
    for name, places in _PLACES.items():
        held = np.zeros((rows, len(places)), dtype=np.bool_)
        pairs = [(row, places[label]) for row, one in enumerate(tags) for label in getattr(one, name)]
        if pairs:
            held[tuple(zip(*pairs, strict=True))] = True
        labels[name] = held
    choices = {
        name: np.fromiter((codes[getattr(one, name)] for one in tags), dtype=np.int64, count=rows)
        for name, codes in _CODES.items()
    }
    numbers = {
        name: np.array([np.nan if (value := getattr(one, name)) is None else value for one in tags], dtype=np.float64)
        for name in NUMBERS
    }
    return Ballots(np.asarray(units, dtype=np.int64), choices, labels, numbers)


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
