"""A raw activity in the making: values by field, each with the method and the text that state it, and what folds two into one."""

from dataclasses import dataclass, field
from typing import Any

from tripper_assets.domain.activities import Method, Provenance, RawActivity
from tripper_assets.domain.identity import fold
from tripper_assets.extract.texts import MAX_EVIDENCE, clean, clipped

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
        self.values.pop(name, None)
        self.put(name, value, evidence, method)

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
    by_name: dict[str, list[Draft]] = {}
    for draft in drafts:
        same_name = by_name.setdefault(fold(draft.get("name")), [])
        twin = next((other for other in same_name if _same(other, draft)), None)
        if twin is None:
            same_name.append(draft)
            kept.append(draft)
        else:
            fill(twin, draft)
    return kept


def fill(draft: Draft, other: Draft) -> None:
    """Put what ``other`` states into the fields that ``draft`` leaves open, with the provenance of ``other``."""
    for name, value in other.values.items():
        method, evidence = other.found[name]
        draft.put(name, value, evidence, method)
    start, later = draft.get("startDate"), other.get("startDate")
    if len(start) < len(later) and later.startswith(start):
        draft.replace("startDate", later, other.found["startDate"][1], other.found["startDate"][0])


def _same(one: Draft, two: Draft) -> bool:
    """Two of one name are one where their starts agree as far as both are stated, and their ids and places do not differ."""
    starts = one.get("startDate"), two.get("startDate")
    if all(starts):
        shorter, longer = sorted((start[:16] for start in starts), key=len)
        if not longer.startswith(shorter):
            return False
    if one.method == two.method and not _agree(one, two, "identifier", "url"):
        return False
    places = [getattr(draft.values.get("location"), "name", "") for draft in (one, two)]
    return not all(places) or fold(places[0]) == fold(places[1]) or one.method != two.method


def _agree(one: Draft, two: Draft, *names: str) -> bool:
    return all(one.get(name) == two.get(name) or not one.get(name) or not two.get(name) for name in names)
