"""What a person sees of a bundle before deciding on it: its activities with what changed and what is wrong, filtered, searched, and in pages."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tripper_assets.domain.corrections import Correction, Refusal
from tripper_assets.domain.diff import ActivityDiff, FieldChange
from tripper_assets.domain.model import ActivityId, Model

Kind = Literal["added", "changed", "removed", "unchanged"]
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One activity of a bundle, or one that the last import had and the bundle has not: as much as a list needs."""

    id: ActivityId
    name: str
    haystack: str
    """What a search looks through, folded."""
    problems: tuple[str, ...] = ()
    has_picture: bool = False
    point: tuple[float, float] | None = None
    """Latitude and longitude, None where the place is unknown."""
    raw: bytes = b""
    """The line of the final JSONL; empty for what was removed."""

    @property
    def position(self) -> tuple[str, ActivityId]:
        """Where it stands in the list."""
        return (self.name.casefold(), self.id)


class Wish(Model):
    """Which activities of a bundle are to be seen; empty shows all."""

    kind: Literal["", "added", "changed", "removed", "unchanged"] = ""
    problem: str = ""
    check: str = ""
    """A check that they fail."""
    only: Literal["", "corrected", "rejected", "no_picture", "no_place"] = ""
    q: str = ""

    @property
    def asked(self) -> dict[str, str]:
        """What is asked for, by name, without what is not."""
        return {name: value for name, value in self if value}


@dataclass(frozen=True)
class Known:
    """What is known of a bundle's activities besides what they say."""

    kinds: Mapping[ActivityId, Kind] = field(default_factory=dict[ActivityId, Kind])
    changes: Mapping[ActivityId, tuple[FieldChange, ...]] = field(
        default_factory=dict[ActivityId, "tuple[FieldChange, ...]"]
    )
    corrections: Mapping[ActivityId, Sequence[Correction]] = field(
        default_factory=dict[ActivityId, "Sequence[Correction]"]
    )
    refusals: Mapping[ActivityId, Refusal] = field(default_factory=dict[ActivityId, Refusal])
    failing: Mapping[str, frozenset[ActivityId]] = field(default_factory=dict[str, "frozenset[ActivityId]"])
    """The first activities that fail each check, by its name."""

    def kind(self, activity_id: ActivityId) -> Kind:
        """Return what happened to an activity since the last import."""
        return self.kinds.get(activity_id, "unchanged")


@dataclass(frozen=True)
class LinePage:
    """A page of a list: how many there are in all, and where the pages before and after it begin."""

    lines: tuple[Line, ...]
    total: int
    before: int
    """How many stand before the page."""
    after: str = ""
    """What the next page begins after; empty where this is the last."""


def line_of(record: Mapping[str, Any], raw: bytes) -> Line:
    """Return the line of one record of a final JSONL."""
    coordinates = record.get("geometry", {}).get("coordinates")
    return Line(
        id=record["id"],
        name=record["name"],
        haystack=_haystack(record),
        problems=tuple(record.get("quality", {}).get("problems", ())),
        has_picture=bool(record.get("image")),
        point=(coordinates[1], coordinates[0]) if coordinates else None,
        raw=raw,
    )


def _haystack(record: Mapping[str, Any]) -> str:
    place = record.get("location", {})
    said = (
        record["id"],
        record["name"],
        record.get("description", ""),
        record.get("url", ""),
        place.get("name", ""),
        *place.get("address", {}).values(),
        *record.get("category", ()),
        *record.get("keywords", ()),
        record.get("startDate", ""),
    )
    return "\n".join(said).casefold()


def removed_lines(diff: ActivityDiff | None) -> list[Line]:
    """Return a line for each activity that the last import had and the bundle has not."""
    if diff is None:
        return []
    return [
        Line(one.activity_id, one.name, f"{one.activity_id}\n{one.name}".casefold())
        for one in diff.activities
        if one.kind == "removed"
    ]


def in_order(lines: Sequence[Line]) -> list[Line]:
    """Return lines as a list shows them: by name."""
    return sorted(lines, key=lambda one: one.position)


def kinds_of(diff: ActivityDiff | None) -> dict[ActivityId, Kind]:
    """Return what happened to each activity that is not as it was."""
    return {one.activity_id: one.kind for one in diff.activities} if diff else {}


def chosen(lines: Sequence[Line], wish: Wish, known: Known) -> list[Line]:
    """Return the lines that a person wants to see, in their order; every word of the search has to be there."""
    searched = wish.q.casefold().split()
    return [
        one
        for one in lines
        if (not wish.kind or known.kind(one.id) == wish.kind)
        and (not wish.problem or wish.problem in one.problems)
        and (not wish.check or one.id in known.failing.get(wish.check, ()))
        and (not wish.only or _is(wish.only, one, known))
        and all(word in one.haystack for word in searched)
    ]


def _is(only: str, line: Line, known: Known) -> bool:
    if only == "corrected":
        return line.id in known.corrections
    if only == "rejected":
        return line.id in known.refusals
    is_there = line.has_picture if only == "no_picture" else line.point is not None
    return bool(line.raw) and not is_there


def page_after(lines: Sequence[Line], after: tuple[str, ActivityId] | None, *, size: int = PAGE_SIZE) -> LinePage:
    """Return the page that begins after a position, which need not be in the list any more; None begins at its start."""
    start = bisect_right(lines, after, key=lambda one: one.position) if after else 0
    shown = tuple(lines[start : start + size])
    has_more = start + size < len(lines)
    return LinePage(shown, len(lines), start, shown[-1].id if has_more else "")


def facets(lines: Sequence[Line], known: Known) -> dict[str, int]:
    """Return how many lines each filter would show, by kind, ``only``, and problem code with ``problem:`` before it."""
    counts: dict[str, int] = {}
    for one in lines:
        kinds = [
            known.kind(one.id),
            *(name for name in ("corrected", "rejected", "no_picture", "no_place") if _is(name, one, known)),
        ]
        for name in (*kinds, *(f"problem:{code}" for code in one.problems)):
            counts[name] = counts.get(name, 0) + 1
    return counts


def points(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return what a map shows: id, name, latitude and longitude, of the lines that have a place."""
    return [
        {"id": one.id, "name": one.name, "latitude": one.point[0], "longitude": one.point[1]}
        for one in lines
        if one.point
    ]
