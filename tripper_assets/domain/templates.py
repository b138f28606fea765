"""What a crawl learns of the templates that a site's pages are made by: which of them still bring something new."""

from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

Said: TypeAlias = frozenset[int]
"""The hashes of name and first day of each activity that a page states: 100,000 pages of them are a few megabytes."""
FEW = 2
"""A page that states no more than this is about them, and worth reading though a list named them before."""

RECENT = 8
"""Pages that a template is ranked by: what it brought long ago says little of what it brings now."""
WORTH = 8
"""Between a template of which every page brings something and one of which none does, in the unit of link scores."""
POOR_FOR_ONE_COST = 5
"""So many pages in a row that brought no new name cost one more: an endless calendar sinks below all that may still bring something."""
TELLING = 4
"""Pages of a template that say more of it than what is known of others like it."""
OTHER_DAYS = 0.25
"""What a page is worth that states only other days of what is known: the pages of an endless calendar seem to state something, too."""
BARREN_FOR_THE_END = 1_000
"""Then no more pages of the template are asked for, whatever the budget: they cost their owner, and bring nothing. Not earlier:
at 40 a real site lost 49 of its pages."""


@dataclass
class Template:
    """What the pages of one template brought, each from 0 (nothing) to 1 (something new)."""

    recent: deque[float] = field(default_factory=lambda: deque[float](maxlen=RECENT))
    poor_in_a_row: int = 0
    barren_in_a_row: int = 0

    def judge(self, worth: float) -> None:
        """Count one more page."""
        self.recent.append(worth)
        self.poor_in_a_row = 0 if worth > OTHER_DAYS else self.poor_in_a_row + 1
        self.barren_in_a_row = 0 if worth else self.barren_in_a_row + 1

    @property
    def is_tried(self) -> bool:
        """Whether enough of its pages were read to know it."""
        return len(self.recent) >= TELLING

    @property
    def cost(self) -> int:
        """How much further back its pages stand; less than nothing for one that gives activities."""
        likely = (sum(self.recent) + 1) / (len(self.recent) + 2)
        return round(WORTH * (0.5 - likely)) + max(0, self.poor_in_a_row - RECENT) // POOR_FOR_ONE_COST

    @property
    def is_spent(self) -> bool:
        """Whether no more of its pages are worth a request."""
        return self.barren_in_a_row >= BARREN_FOR_THE_END


@dataclass
class Statements:
    """What was stated so far, in a list or on a page of its own."""

    _listed: set[int] = field(default_factory=set[int])
    _told: set[int] = field(default_factory=set[int])

    def add(self, said: Said, names: Said) -> float:
        """Take what a page states, and its names alone, and return what it is worth: nothing new, other days or names.

        What was only listed before is new on a page that is about it.
        """
        known = self._told if len(said) <= FEW else self._listed
        new = said - known
        is_told_first = bool(new & self._listed)
        worth = 1.0 if is_told_first or not names <= known else OTHER_DAYS if new else 0.0
        known |= said | names
        self._listed |= said | names
        return worth
