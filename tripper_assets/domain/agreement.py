"""How far voters agree: Krippendorff's alpha over the values that several of them gave of the same activities."""

import numpy as np
import numpy.typing as npt

ENOUGH = 0.667
"""Below it a field waits for review (Krippendorff, Content Analysis, 2004, page 241: the least for tentative conclusions)."""

Counts = npt.NDArray[np.float64]


def nominal_alpha(counts: Counts) -> float | None:
    """Return alpha of values without an order; ``counts`` (activities, values) is how many voters gave each value.

    None where no activity has two votes. 1 where all votes are one value: nobody contradicts.
    """
    paired = counts[counts.sum(axis=1) >= 2]  # noqa: PLR2004 (a pair)
    total = paired.sum()
    if not total:
        return None
    voters = paired.sum(axis=1)
    observed = float(((voters**2 - (paired**2).sum(axis=1)) / (voters - 1)).sum() / total)
    values = paired.sum(axis=0)
    expected = float((total**2 - (values**2).sum()) / (total * (total - 1)))
    return 1.0 if expected == 0 else 1 - observed / expected


def interval_alpha(values: npt.NDArray[np.float64], units: npt.NDArray[np.int64]) -> float | None:
    """Return alpha of numbers by their squared difference; ``units`` is the activity of each value, and no value is NaN.

    None where no activity has two values, 1 where all are the same.
    """
    if not len(values):
        return None
    size = np.bincount(units)
    in_pair = size[units] >= 2  # noqa: PLR2004 (a pair)
    values, units = values[in_pair], units[in_pair]
    total = len(values)
    if not total:
        return None
    # Centred: the sums of squares of large numbers would lose what is asked for.
    values = values - values.mean()
    size = np.bincount(units)
    sums, squares = np.bincount(units, values), np.bincount(units, values**2)
    held = size >= 2  # noqa: PLR2004 (a pair)
    within = 2 * (size[held] * squares[held] - sums[held] ** 2) / (size[held] - 1)
    observed = float(within.sum() / total)
    expected = float(2 * (total * (values**2).sum() - values.sum() ** 2) / (total * (total - 1)))
    return 1.0 if expected <= 0 else 1 - observed / expected
