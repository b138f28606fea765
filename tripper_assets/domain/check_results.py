"""The verdict of one check over a bundle of records, and how one is reached that looks at each record by itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.model import ActivityId

Severity = Literal["ERROR", "WARN"]
SHOWN_IDS = 20


@dataclass(frozen=True)
class CheckResult:
    """The verdict of one check over a whole bundle."""

    name: str
    passed: bool
    severity: Severity
    sentence: str
    """What was found, for a person."""
    failing: tuple[ActivityId, ...] = ()
    """The first ids that fail."""
    figure: float | None = None
    """The measured share, 0 to 1; None where the check has none."""


def each(
    name: str, severity: Severity, share: float, activities: Sequence[Activity], good: Callable[[Activity], bool]
) -> CheckResult:
    """Return a verdict that passes where at least ``share`` of the activities are good; of none, all are."""
    failing = [one.id for one in activities if not good(one)]
    figure = 1 - len(failing) / len(activities) if activities else 1.0
    sentence = (
        f"{len(activities) - len(failing)} of {len(activities)} activities pass ({figure:.0%}, wanted {share:.0%})."
    )
    return CheckResult(name, figure >= share, severity, sentence, tuple(failing[:SHOWN_IDS]), round(figure, 4))
