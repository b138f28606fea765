"""What changed between two snapshots of a source: added, removed, and changed field by field."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tripper_assets.domain.identity import UNHASHED_FIELDS
from tripper_assets.domain.model import ActivityId, Model

Record = Mapping[str, Any]
# Derived from other fields, or of no interest to a person who compares two versions.
UNCOMPARED_FIELDS = UNHASHED_FIELDS | {
    "schema_version",
    "quality",
    "embedding",
    "attribution",
    "source_key",
    "source_url",
    "id",
}


class FieldChange(Model):
    """One field before and after; None means that the field was absent."""

    field: str
    before: Any = None
    after: Any = None


class ActivityChange(Model):
    """What happened to one activity."""

    activity_id: ActivityId
    name: str
    kind: Literal["added", "removed", "changed"]
    changes: tuple[FieldChange, ...] = ()


class ActivityDiff(Model):
    """The difference of two snapshots; ``before`` is the workflow id or "catalog" or empty where nothing came before."""

    before: str
    after: str
    added: int = 0
    removed: int = 0
    changed: int = 0
    unchanged: int = 0
    activities: tuple[ActivityChange, ...] = ()


def diff_records(
    before: Sequence[Record], after: Sequence[Record], *, before_name: str, after_name: str
) -> ActivityDiff:
    """Return what changed from ``before`` to ``after``, ordered by kind, name and id."""
    old, new = ({record["id"]: record for record in records} for records in (before, after))
    changes = [
        *(_whole(new[one], "added") for one in new.keys() - old.keys()),
        *(_whole(old[one], "removed") for one in old.keys() - new.keys()),
    ]
    compared = [_compare(old[one], new[one]) for one in old.keys() & new.keys()]
    changed = [one for one in compared if one.changes]
    return ActivityDiff(
        before=before_name,
        after=after_name,
        added=len(new.keys() - old.keys()),
        removed=len(old.keys() - new.keys()),
        changed=len(changed),
        unchanged=len(compared) - len(changed),
        activities=tuple(sorted([*changes, *changed], key=lambda one: (one.kind, one.name, one.activity_id))),
    )


def changed_fields(before: Record, after: Record) -> tuple[FieldChange, ...]:
    """Return the fields that differ, by name."""
    names = sorted((before.keys() | after.keys()) - UNCOMPARED_FIELDS)
    return tuple(
        FieldChange(field=name, before=before.get(name), after=after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    )


def _compare(before: Record, after: Record) -> ActivityChange:
    return ActivityChange(
        activity_id=after["id"], name=after["name"], kind="changed", changes=changed_fields(before, after)
    )


def _whole(record: Record, kind: Literal["added", "removed"]) -> ActivityChange:
    return ActivityChange(activity_id=record["id"], name=record["name"], kind=kind)
