"""What becomes of each line of an import, decided from what is known of the rows; no database here."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from uuid import UUID

from tripper_assets.catalog.activity_rows import ActivityLine, storing_trouble
from tripper_assets.domain.model import ActivityId, Rejection, SourceKey
from tripper_assets.domain.workflows import MAX_REJECTIONS, ImportSummary

Fate = Literal["rejected", "inserted", "updated", "moved", "unchanged"]
"""moved: it differs in position or provenance alone, so that the row follows its line and counts as unchanged."""


class Known(NamedTuple):
    """What an import needs to know of a row that is there."""

    content_sha256: str
    record_sha256: str
    is_removed: bool


@dataclass
class Tally:
    """The lines of one import of a source, counted; ``known`` has every row of the source."""

    source_key: SourceKey
    known: dict[ActivityId, Known]
    rejections: list[Rejection] = field(default_factory=list)
    _seen: set[ActivityId] = field(default_factory=set)
    _counts: Counter[str] = field(default_factory=Counter)

    def is_seen(self, activity_id: ActivityId) -> bool:
        """Return whether a line named the activity before."""
        return activity_id in self._seen

    def add(self, line: ActivityLine | Rejection) -> Fate:
        """Count a line, and return what becomes of it."""
        if isinstance(line, Rejection):
            return self._reject(line)
        row = self.known.get(line.activity.id)
        fate = _fate(row, line)
        # A line that is its row is there already, and needs no look at whether it can be.
        reason = storing_trouble(line, self.source_key) if fate != "unchanged" else ""
        if reason:
            return self._reject(Rejection(reason=reason, subject=line.activity.id))
        self._seen.add(line.activity.id)
        self._counts["unchanged" if fate == "moved" else fate] += 1
        return fate

    def missing(self) -> list[UUID]:
        """Return the rows that the snapshot does not name; a rejected line names its row, and the last good one stays."""
        return [UUID(one) for one, row in self.known.items() if not row.is_removed and one not in self._seen]

    def written(self) -> int:
        """Return how many lines are new or say something else."""
        return self._counts["inserted"] + self._counts["updated"]

    def summary(self, *, removed: int) -> ImportSummary:
        """Return the counts; lines = inserted + updated + unchanged + rejected."""
        return ImportSummary(
            lines=self._counts.total() + len(self.rejections),
            inserted=self._counts["inserted"],
            updated=self._counts["updated"],
            unchanged=self._counts["unchanged"],
            removed=removed,
            rejected=len(self.rejections),
            rejections={one.subject: one.reason for one in self.rejections[:MAX_REJECTIONS]},
        )

    def _reject(self, rejection: Rejection) -> Fate:
        self._seen.add(rejection.subject)
        self.rejections.append(rejection)
        return "rejected"


def _fate(row: Known | None, line: ActivityLine) -> Fate:
    if row is None:
        return "inserted"
    if row.is_removed or row.content_sha256 != line.content_sha256:
        return "updated"
    return "unchanged" if row.record_sha256 == line.record_sha256 else "moved"
