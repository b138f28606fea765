"""What becomes of each line of an import, decided from what is known of the rows; no database here."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from tripper_assets.catalog.activity_rows import ActivityLine
from tripper_assets.domain.model import ActivityId, Rejection
from tripper_assets.domain.workflows import ImportSummary

MAX_REJECTIONS = 1000


class Known(NamedTuple):
    """What an import needs to know of a row that is there."""

    content_sha256: str
    record_sha256: str
    is_removed: bool


@dataclass
class Tally:
    """The lines of one import, counted; ``known`` has every row of the source, ``foreign`` the ids that other sources have."""

    known: dict[ActivityId, Known]
    foreign: set[ActivityId]
    accepted: list[ActivityId] = field(default_factory=list)
    changed: set[ActivityId] = field(default_factory=set)
    """Those that are new or say something else."""
    rejections: list[Rejection] = field(default_factory=list)
    _seen: set[ActivityId] = field(default_factory=set)
    _counts: Counter[str] = field(default_factory=Counter)

    def trouble(self, activity_id: ActivityId) -> str:
        """Return why the id cannot be imported (again), empty where it can."""
        if activity_id in self._seen:
            return "id_twice"
        return "id_of_another_source" if activity_id in self.foreign else ""

    def add(self, line: ActivityLine | Rejection) -> bool:
        """Count a line, and return whether its row has to be written.

        A line that differs in position or provenance alone is written, so that the row equals it, and counts as unchanged.
        """
        if isinstance(line, Rejection):
            self._seen.add(line.subject)
            self.rejections.append(line)
            return False
        self._seen.add(line.id)
        self.accepted.append(line.id)
        row = self.known.get(line.id)
        what = _change(row, line)
        self._counts[what] += 1
        if what != "unchanged":
            self.changed.add(line.id)
        return row is None or row.is_removed or row.record_sha256 != line.record_sha256

    def missing(self) -> list[UUID]:
        """Return the rows that the snapshot does not name; a rejected line names its row, and the last good one stays."""
        return [UUID(one) for one, row in self.known.items() if not row.is_removed and one not in self._seen]

    def summary(self, *, removed: int) -> ImportSummary:
        """Return the counts; lines = inserted + updated + unchanged + rejected."""
        return ImportSummary(
            lines=len(self.accepted) + len(self.rejections),
            inserted=self._counts["inserted"],
            updated=self._counts["updated"],
            unchanged=self._counts["unchanged"],
            removed=removed,
            rejected=len(self.rejections),
            rejections={one.subject: one.reason for one in self.rejections[:MAX_REJECTIONS]},
        )


def _change(row: Known | None, line: ActivityLine) -> str:
    if row is None:
        return "inserted"
    return "updated" if row.is_removed or row.content_sha256 != line.content_sha256 else "unchanged"
