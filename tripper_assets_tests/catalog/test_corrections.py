"""What people decided on single activities is kept, the former word too, and holds at once in the catalog."""

from datetime import timedelta
from typing import Any

import pytest
from psycopg import sql

from tripper_assets.catalog.activities import change_activity, current_activities, find_activity, take_activity
from tripper_assets.catalog.corrections import Corrections
from tripper_assets.catalog.database import driver_connection
from tripper_assets.domain.corrections import Correction, Refusal, corrected
from tripper_assets_tests.catalog.conftest import AT, Site


@pytest.fixture
def corrections(site: Site) -> Corrections:
    return Corrections(site.database)


def said(site: Site, value: Any, *, by: str = "ann", reason: str = "") -> Correction:
    return Correction(activity_id=site.activity("one").id, field="name", value=value, by=by, at=AT, reason=reason)


def rows(site: Site, table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM tripper.{}").format(sql.Identifier(table))
    with site.database.connection() as connection:
        return driver_connection(connection).execute(query).fetchall()[0][0]


def test_the_last_word_on_a_field_holds_and_the_former_one_is_kept(site: Site, corrections: Corrections) -> None:
    corrections.correct(site.source.key, said(site, "First"), stated="one")
    corrections.correct(site.source.key, said(site, "Second", by="bob"), stated="First")

    [[held]] = corrections.corrections(site.source.key).values()
    assert (held.value, held.by) == ("Second", "bob")
    assert rows(site, "activity_overrides") == 2
    assert corrections.stated(held.activity_id) == {"name": "one"}


def test_the_same_word_again_changes_nothing(site: Site, corrections: Corrections) -> None:
    corrections.correct(site.source.key, said(site, "First"), stated="one")
    corrections.correct(site.source.key, said(site, "First", by="bob"), stated="one")

    assert rows(site, "activity_overrides") == 1


def test_a_correction_that_was_removed_holds_no_more(site: Site, corrections: Corrections) -> None:
    corrections.correct(site.source.key, said(site, "First"), stated="one")

    ended = corrections.withdraw(site.activity("one").id, "name", by="bob", at=AT)
    again = corrections.withdraw(site.activity("one").id, "name", by="bob", at=AT)

    assert (ended, again) == (True, False)
    assert corrections.corrections(site.source.key) == {}


def test_a_refusal_holds_until_it_is_taken_back(site: Site, corrections: Corrections) -> None:
    refusal = Refusal(
        activity_id=site.activity("one").id, stated_sha256="0" * 64, by="ann", at=AT, reason="not for children"
    )
    corrections.refuse(site.source.key, [refusal, refusal])

    assert corrections.refusals(site.source.key) == {refusal.activity_id: refusal}
    assert rows(site, "activity_refusals") == 1
    assert corrections.allow(refusal.activity_id, by="bob", at=AT)
    assert not corrections.allow(refusal.activity_id, by="bob", at=AT)
    assert corrections.refusals(site.source.key) == {}


def test_one_row_is_written_between_imports_with_its_history_and_the_next_import_finds_it(site: Site) -> None:
    one, two = site.activity("one"), site.activity("two", index=1)
    site.load([one, two])
    better = corrected(one, "name", "Better")

    changed = [
        change_activity(site.database, one.id, lambda _: better, at=AT + timedelta(hours=hours)) for hours in (1, 2)
    ]

    assert changed == [True, True]

    assert {record["name"] for record in current_activities(site.database, site.source.key)} == {"Better", "two"}
    assert site.load([better, two]).updated == 0
    assert site.load([one, two]).updated == 1


def test_an_activity_without_a_row_is_written_by_an_import_only(site: Site) -> None:
    one = site.activity("one")

    assert not change_activity(site.database, one.id, lambda _: one, at=AT)
    assert not take_activity(site.database, site.activity("one").id, at=AT)
    assert find_activity(site.database, site.activity("one").id) is None
    assert find_activity(site.database, "no id") is None


def test_an_activity_is_taken_once_and_the_others_stay(site: Site) -> None:
    one, two = site.activity("one"), site.activity("two", index=1)
    site.load([one, two])

    taken = [take_activity(site.database, one.id, at=AT) for _ in range(2)]

    assert taken == [True, False]
    assert [record["name"] for record in current_activities(site.database, site.source.key)] == ["two"]


def test_a_correction_brings_no_activity_back_that_is_gone(site: Site) -> None:
    one = site.activity("one")
    site.load([one])
    take_activity(site.database, one.id, at=AT)

    changed = change_activity(site.database, one.id, lambda _: corrected(one, "name", "Better"), at=AT)

    assert not changed
    assert current_activities(site.database, site.source.key) == []


def test_what_a_publisher_says_later_is_what_comes_back(site: Site, corrections: Corrections) -> None:
    corrections.correct(site.source.key, said(site, "First"), stated="one")

    corrections.restate({site.activity("one").id: {"name": "one, again"}, site.activity("two").id: {"name": "two"}})

    assert corrections.stated(site.activity("one").id) == {"name": "one, again"}
    assert rows(site, "activity_overrides") == 1
