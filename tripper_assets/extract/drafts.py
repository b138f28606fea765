"""A raw activity in the making: values by field, each with the method and the text that state it, and what folds two into one."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tripper_assets.domain.activities import Method, Provenance, RawActivity
from tripper_assets.domain.identity import fold
from tripper_assets.domain.images import joined_pictures
from tripper_assets.extract.clock import parse_iso
from tripper_assets.extract.precision import more_precise
from tripper_assets.extract.texts import MAX_EVIDENCE, clean, clipped

MAX_COMPARED = 50
"""Activities of one day that are looked at for one that is called otherwise."""
_DAY, _MINUTE = 10, 16
_SHORTEST_NAME = 4
EMPTY: tuple[object, ...] = (None, "", (), [], {})


@dataclass(slots=True)
class Draft:
    """Fields of a RawActivity; a field that the page leaves open has no key."""

    method: Method
    values: dict[str, Any] = field(default_factory=dict)
    found: dict[str, tuple[Method, str]] = field(default_factory=dict)

    def put(self, name: str, value: Any, evidence: str | None = None, method: Method | None = None) -> None:  # noqa: ANN401 (any field's value)
        """Keep a field's first value; an empty one states nothing."""
        if value in EMPTY or name in self.values:
            return
        self.values[name] = value
        self.found[name] = (method or self.method, evidence if evidence is not None else str(value))

    def replace(self, name: str, value: Any, evidence: str, method: Method) -> None:  # noqa: ANN401 (any field's value)
        """Put a better-founded value in a field's place."""
        self.drop(name)
        self.put(name, value, evidence, method)

    def drop(self, name: str) -> None:
        """Leave a field open again."""
        self.values.pop(name, None)
        self.found.pop(name, None)

    def get(self, name: str) -> str:
        """Return a text field, empty where it is not stated."""
        value = self.values.get(name, "")
        return value if isinstance(value, str) else ""

    def build(self, page: str, page_sha256: str) -> RawActivity:
        """Return the raw activity with the provenance of each field."""
        provenance = {
            name: Provenance(
                method=method,
                page=page,
                page_sha256=page_sha256,
                evidence=clipped(clean(evidence[:1000]), MAX_EVIDENCE),
            )
            for name, (method, evidence) in self.found.items()
        }
        return RawActivity(page=page, provenance=provenance, **self.values)


def folded(drafts: list[Draft]) -> list[Draft]:
    """Return the drafts with those that state the same activity made one; the earlier is kept and filled from the later."""
    kept: list[Draft] = []
    by_name: dict[str, dict[str, list[Draft]]] = {}
    by_day: dict[str, list[Draft]] = {}
    for draft in drafts:
        name, day = fold(draft.get("name")), draft.get("startDate")[:_DAY]
        starts = _days(draft)
        same_name = _alike(by_name, name, starts)
        same_day = by_day.setdefault(day, []) if day else []
        twin = next((other for other in same_name if _same(other, draft)), None)
        if twin is None:
            twin = next((other for other in same_day[:MAX_COMPARED] if _same_but_for_its_name(other, draft)), draft)
            for one in starts:
                by_name.setdefault(name, {}).setdefault(one, []).append(twin)
        if twin is draft:
            kept.append(draft)
            same_day.append(draft)
        else:
            fill(twin, draft)
    return kept


def _days(draft: Draft) -> list[str]:
    """Return the days that a draft is looked for under: the stated one, and where its zone is known that of UTC; "" for one without a start."""
    start = draft.get("startDate")
    return list(dict.fromkeys([start[:_DAY], *(one.astimezone(UTC).date().isoformat() for one in _instants(start))]))


def _alike(by_name: dict[str, dict[str, list[Draft]]], name: str, days: list[str]) -> list[Draft]:
    """Return the drafts of one name that may be the same activity: of the same day, or of none; those without a start may be any."""
    known = by_name.get(name, {})
    if days == [""]:
        return [other for drafts in known.values() for other in drafts][:MAX_COMPARED]
    return [other for day in [*days, ""] for other in known.get(day, [])]


def fill(draft: Draft, other: Draft) -> None:
    """Put what ``other`` states into the fields that ``draft`` leaves open or states less precisely, with the provenance of ``other``."""
    for name, value in other.values.items():
        method, evidence = other.found[name]
        if name not in draft.values:
            draft.put(name, value, evidence, method)
            continue
        if name == "image":
            draft.values[name] = joined_pictures(draft.values[name], value)
            continue
        better = more_precise(name, draft.values[name], value)
        if better is not None:
            draft.replace(name, better, evidence, method)


def _same(one: Draft, two: Draft) -> bool:
    """Two of one name are one where their starts agree as far as both are stated, and their ids and places do not differ."""
    if not _starts_agree(one.get("startDate"), two.get("startDate")):
        return False
    if one.method == two.method and not (_agree(one, two, "identifier", "url") and _instants_agree(one, two)):
        return False
    places = [getattr(draft.values.get("location"), "name", "") for draft in (one, two)]
    return not all(places) or fold(places[0]) == fold(places[1]) or one.method != two.method


def _same_but_for_its_name(one: Draft, two: Draft) -> bool:
    """Two markups of one page name a thing at one length and at another: they start together, and one name is in the other or they share a page."""
    starts = one.get("startDate"), two.get("startDate")
    if one.method == two.method or len(starts[0]) != len(starts[1]) or not _starts_agree(*starts):
        return False
    names = sorted((fold(one.get("name")), fold(two.get("name"))), key=len)
    inside = len(names[0]) >= _SHORTEST_NAME and names[0] in names[1]
    return inside or ("T" in starts[0] and bool(one.get("url")) and one.get("url") == two.get("url"))


def _starts_agree(one: str, two: str) -> bool:
    """Return whether two times are one as far as both are stated; two with an offset are one where they are the same instant."""
    shorter, longer = sorted((one[:_MINUTE], two[:_MINUTE]), key=len)
    if longer.startswith(shorter):
        return True
    instants = _instants(one, two)
    return len(instants) > 1 and instants[0] == instants[1]


def _instants(*texts: str) -> list[datetime]:
    values = [parse_iso(text) for text in texts]
    return [value for value in values if isinstance(value, datetime) and value.tzinfo]


def _instants_agree(one: Draft, two: Draft) -> bool:
    """One markup that states an hour of two zones means two."""
    instants = _instants(one.get("startDate"), two.get("startDate"))
    return len(instants) < 2 or instants[0] == instants[1]  # noqa: PLR2004 (two to compare)


def _agree(one: Draft, two: Draft, *names: str) -> bool:
    return all(one.get(name) == two.get(name) or not one.get(name) or not two.get(name) for name in names)
