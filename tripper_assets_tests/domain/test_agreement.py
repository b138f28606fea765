"""Krippendorff's alpha: the figures of his own example, and the definition by pairs."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.agreement import interval_alpha, nominal_alpha

# Four observers and twelve units: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C; 0 is no value.
OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3),
    (0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
)
UNITS = [[value for value in unit if value] for unit in zip(*OBSERVERS, strict=True)]


def counts_of(units: list[list[int]], kinds: int) -> np.ndarray:
    return np.array([[unit.count(kind) for kind in range(kinds)] for unit in units], dtype=np.float64).reshape(
        -1, kinds
    )


def as_numbers(units: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    pairs = [(float(value), number) for number, unit in enumerate(units) for value in unit]
    return np.array([one for one, _ in pairs]), np.array([number for _, number in pairs], dtype=np.int64)


def by_pairs(units: list[list[int]], *, squared: bool) -> float | None:
    """Return alpha as it is defined: one less what pairs within units differ by, over what all pairs differ by."""

    def differs(one: int, other: int) -> float:
        return (one - other) ** 2 if squared else float(one != other)

    paired = [unit for unit in units if len(unit) > 1]
    values = [value for unit in paired for value in unit]
    if not values:
        return None
    within = sum(sum(differs(*pair) for pair in permutations(unit, 2)) / (len(unit) - 1) for unit in paired)
    among = sum(differs(*pair) for pair in permutations(values, 2)) / (len(values) - 1)
    return 1.0 if among == 0 else 1 - within / among


def test_the_example_has_the_published_figures() -> None:
    assert nominal_alpha(counts_of(UNITS, 6)) == pytest.approx(0.743, abs=5e-4)
    assert interval_alpha(*as_numbers(UNITS)) == pytest.approx(0.849, abs=5e-4)


def test_without_a_pair_there_is_no_agreement() -> None:
    assert nominal_alpha(counts_of([[1], [2], []], 3)) is None
    assert interval_alpha(*as_numbers([[1], [2]])) is None
    assert interval_alpha(*as_numbers([])) is None


@given(units=st.lists(st.lists(st.integers(0, 4), max_size=5), max_size=8))
def test_alpha_is_what_its_definition_says(units: list[list[int]]) -> None:
    nominal, interval = nominal_alpha(counts_of(units, 5)), interval_alpha(*as_numbers(units))

    assert nominal == (None if (said := by_pairs(units, squared=False)) is None else pytest.approx(said, abs=1e-9))
    assert interval == (None if (said := by_pairs(units, squared=True)) is None else pytest.approx(said, abs=1e-9))
