from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.diff import ActivityDiff, FieldChange, diff_records

RECORDS = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from("abcdef"), "name": st.text(max_size=3)},
        optional={
            "startDate": st.text(max_size=3),
            "offers": st.lists(st.integers(), max_size=2),
            "index": st.integers(),
        },
    ),
    unique_by=lambda record: record["id"],
)


def diff(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> ActivityDiff:
    return diff_records(before, after, before_name="catalog", after_name="w1")


def counts(found: ActivityDiff) -> tuple[int, int, int, int]:
    return found.added, found.removed, found.changed, found.unchanged


def test_what_is_new_gone_and_changed_is_told_field_by_field() -> None:
    before = [{"id": "a", "name": "Theatre", "startDate": "2026-05-02"}, {"id": "b", "name": "Zoo"}]
    after = [{"id": "a", "name": "Theatre!", "description": "A play"}, {"id": "c", "name": "Fair"}]

    found = diff(before, after)

    assert counts(found) == (1, 1, 1, 0)
    assert [(one.kind, one.name) for one in found.activities] == [
        ("added", "Fair"),
        ("changed", "Theatre!"),
        ("removed", "Zoo"),
    ]
    assert found.activities[1].changes == (
        FieldChange(field="description", before=None, after="A play"),
        FieldChange(field="name", before="Theatre", after="Theatre!"),
        FieldChange(field="startDate", before="2026-05-02", after=None),
    )


@pytest.mark.parametrize(
    "field",
    [
        "index",
        "provenance",
        "content_sha256",
        "quality",
        "embedding",
        "attribution",
        "schema_version",
        "source_url",
        "source_key",
    ],
)
def test_what_follows_from_other_fields_is_no_change(field: str) -> None:
    found = diff([{"id": "a", "name": "Zoo", field: 1}], [{"id": "a", "name": "Zoo", field: 2}])

    assert counts(found) == (0, 0, 0, 1)


def test_the_first_import_adds_everything() -> None:
    found = diff_records([], [{"id": "a", "name": "Zoo"}], before_name="", after_name="w1")

    assert counts(found) == (1, 0, 0, 0)
    assert (found.before, found.after) == ("", "w1")


@given(RECORDS)
def test_equal_snapshots_have_no_difference(records: list[dict[str, Any]]) -> None:
    found = diff(records, [dict(record, index=7) for record in reversed(records)])

    assert counts(found) == (0, 0, 0, len(records))
    assert found.activities == ()


@given(RECORDS, RECORDS)
def test_back_and_forth_is_the_same_difference_turned_round(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    forth, back = diff(before, after), diff(after, before)

    assert counts(forth) == (back.removed, back.added, back.changed, back.unchanged)
    assert forth.added + forth.changed + forth.unchanged == len(after)
    assert forth.removed + forth.changed + forth.unchanged == len(before)
    assert len(forth.activities) == forth.added + forth.removed + forth.changed
