"""The repository of activities, against a real PostgreSQL: what is stored comes back, and nothing is changed behind an import's back."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from benchmarks.sample_records import records_of
from tripper_assets.catalog.activity_reading import ActivityFilter, StoredActivity
from tripper_assets.catalog.corrections import Corrections
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.links import Links
from tripper_assets.catalog.repository import Repository
from tripper_assets.domain.activities import Activity, ImageObject, Place, PostalAddress, Quality
from tripper_assets.domain.errors import ConfigurationError, ConflictError, NotFoundError
from tripper_assets.domain.identity import activity_id
from tripper_assets.domain.sources import make_source
from tripper_assets_tests.catalog.conftest import AT, Site

LATER = AT + timedelta(hours=1)
PICTURE = ImageObject(
    sourceUrl="https://zoo.example/a.jpg", contentUrl="memory://a.webp", sha256="a" * 64, width=4, height=3
)
OLD_MILL = Place(name="Old Mill", address=PostalAddress(addressLocality="Leeds"))


@pytest.fixture
def repository(database: Database) -> Repository:
    return Repository(database)


@contextmanager
def counted() -> Generator[list[str]]:
    """The statements that are sent."""
    seen: list[str] = []
    sent = psycopg.Cursor.execute

    def note(self: Any, query: Any, *given: Any, **named: Any) -> Any:
        seen.append(str(query))
        return sent(self, query, *given, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", note)
        yield seen


def stored(repository: Repository, activity: Activity) -> StoredActivity:
    found = repository.get(activity.id)
    assert found is not None
    return found


def test_what_is_created_comes_back_as_it_was_with_all_that_belongs_to_it(site: Site, repository: Repository) -> None:
    seals = site.activity("Feeding the seals", image=(PICTURE,), location=OLD_MILL)

    repository.create([seals], at=AT, vectors=site.vectors([seals]))

    found = repository.get(seals.id, related=True)
    assert found is not None
    assert found.record == seals.dump()
    assert (found.source_key, found.first_seen_at, found.updated_at, found.removed_at) == (
        site.source.key,
        AT,
        AT,
        None,
    )
    assert found.related is not None
    assert [one["source_url"] for one in found.related.pictures] == [PICTURE.sourceUrl]
    assert [one["model"] for one in found.related.vectors] == ["tiny"]
    assert found.related.linked == ()


def test_an_activity_that_is_not_there_is_none(repository: Repository) -> None:
    assert repository.get(activity_id("x", "y")) is None
    assert repository.get("'; DROP TABLE tripper.activities; --") is None


def test_a_hundred_and_more_activities_are_stored_at_once_and_each_comes_back_unharmed(
    site: Site, repository: Repository
) -> None:
    records = records_of(site.source, 250)

    repository.create(records, at=AT)

    page = repository.list(limit=1000)
    assert [one.record for one in page.activities] == [one.dump() for one in records]
    assert page.next == ""


def test_an_activity_of_no_source_is_refused_and_nothing_is_written(site: Site, repository: Repository) -> None:
    orphan = Site(site.database, make_source("https://nobody.example/")).activity("Orphan")

    with pytest.raises(NotFoundError, match="source that is not in the registry"):
        repository.create([site.activity("Seals"), orphan], at=AT)

    assert repository.list().activities == []


def test_an_activity_is_created_once(site: Site, repository: Repository) -> None:
    repository.create([site.activity("Seals")], at=AT)

    with pytest.raises(ConflictError, match="is there already"):
        repository.create([site.activity("Goats"), site.activity("Seals")], at=AT)

    assert [one.record["name"] for one in repository.list().activities] == ["Seals"]


def test_what_cannot_be_stored_is_refused_by_its_reason(site: Site, repository: Repository) -> None:
    with pytest.raises(ConfigurationError, match="text_not_storable"):
        repository.create([site.activity("Se\0als")], at=AT)


def test_nothing_is_created_where_the_next_import_would_take_it_away(site: Site, repository: Repository) -> None:
    site.load([site.activity("Seals")])

    with pytest.raises(ConflictError, match="until its next import only"):
        repository.create([site.activity("Goats")], at=AT)


def test_pages_follow_each_other_without_gaps_while_others_write(site: Site, repository: Repository) -> None:
    records = sorted(site.activities(25), key=lambda one: one.id)
    repository.create(records[::2], at=AT)

    first = repository.list(limit=5)
    repository.create(records[1::2], at=AT)
    rest: list[StoredActivity] = []
    after = first.next
    while after:
        page = repository.list(after=after, limit=5)
        rest += page.activities
        after = page.next

    assert [one.id for one in first.activities] == [one.id for one in records[:10:2]]
    assert [one.id for one in rest] == [one.id for one in records[9:]]


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_page_of_no_size_or_of_everything_is_refused(repository: Repository, limit: int) -> None:
    with pytest.raises(ConfigurationError, match="cannot be made"):
        repository.list(limit=limit)


@pytest.mark.parametrize("after", ["x", "AAAA", "ä", "'; --"])
def test_a_position_from_no_page_is_wrong_input(repository: Repository, after: str) -> None:
    with pytest.raises(ConfigurationError, match="from no page"):
        repository.list(after=after)


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ({}, {"Seals", "Goats", "Pool"}),
        ({"type": "Course"}, {"Pool"}),
        ({"locality": "Leeds"}, {"Seals"}),
        ({"is_free": True}, {"Goats"}),
        ({"is_free": False}, {"Pool"}),
        ({"country_code": "GB"}, set()),
        ({"source_key": "nobody-00000000"}, set()),
        ({"changed_since": LATER}, set()),
        ({"removed": True}, {"Seals", "Goats", "Pool", "Gone"}),
    ],
)
def test_a_list_shows_what_its_filters_ask_for(
    site: Site, repository: Repository, where: dict[str, Any], names: set[str]
) -> None:
    shown = [site.activity("Seals", location=OLD_MILL), site.activity("Goats", isAccessibleForFree=True)]
    shown.append(site.activity("Pool", type="Course", isAccessibleForFree=False))
    site.load([*shown, site.activity("Gone")])
    site.load(shown)

    page = repository.list(ActivityFilter.model_validate(where))

    assert {one.record["name"] for one in page.activities} == names


def test_a_page_takes_as_many_statements_as_one_activity(site: Site, repository: Repository) -> None:
    records = [site.activity(f"activity {number}", image=(PICTURE,)) for number in range(40)]
    repository.create(records, at=AT, vectors=site.vectors(records))

    with counted() as plain:
        repository.list(limit=40)
    with counted() as one:
        repository.list(limit=1, related=True)
    with counted() as many:
        page = repository.list(limit=40, related=True)

    assert all(one.related and len(one.related.pictures) == 1 for one in page.activities)
    assert len(many) == len(one) == len(plain) + 3
    assert sum("tripper." in statement for statement in plain) == 1


def test_the_same_activity_on_another_site_is_shown_with_it(
    make_site: Callable[[str], Site], repository: Repository
) -> None:
    when = {"startDate": "2026-06-01T15:00:00+02:00", "location": OLD_MILL}
    sites = [make_site("zoo.example"), make_site("paper.example")]
    for one in sites:
        repository.create([one.activity("Dinosaur workshop", **when)], at=AT)
        Links(one.database).update(one.source.key, at=AT)

    found = repository.get(sites[0].activity("Dinosaur workshop").id, related=True)

    assert found is not None
    assert found.related is not None
    assert [one["source_key"] for one in found.related.linked] == [sites[1].source.key]


def test_an_update_changes_one_field_and_the_version_and_the_next_import_keeps_it(
    site: Site, repository: Repository
) -> None:
    seals = site.activity("Seals", description="Fish")
    site.load([seals])
    before = stored(repository, seals)

    after = repository.update(seals.id, {"name": "Feeding the seals"}, version=before.version, by="ann", at=LATER)

    assert (after.record["name"], after.record["description"]) == ("Feeding the seals", "Fish")
    assert after.version != before.version
    assert after.updated_at == LATER
    [[held]] = Corrections(site.database).corrections(site.source.key).values()
    assert (held.field, held.value, held.by) == ("name", "Feeding the seals", "ann")


def test_an_update_of_what_somebody_else_changed_is_refused(site: Site, repository: Repository) -> None:
    seals = site.activity("Seals")
    repository.create([seals], at=AT)
    seen = stored(repository, seals)
    repository.update(seals.id, {"name": "First"}, version=seen.version, by="ann", at=AT)

    with pytest.raises(ConflictError, match="was changed since it was read"):
        repository.update(seals.id, {"name": "Second"}, version=seen.version, by="bob", at=AT)

    assert stored(repository, seals).record["name"] == "First"


def test_an_update_without_a_known_activity_or_a_fitting_value_writes_nothing(
    site: Site, repository: Repository
) -> None:
    seals = site.activity("Seals")
    repository.create([seals], at=AT)
    seen = stored(repository, seals)

    with pytest.raises(NotFoundError):
        repository.update(site.activity("Goats").id, {"name": "x"}, version="", by="ann", at=AT)
    with pytest.raises(ConfigurationError, match="cannot be corrected"):
        repository.update(seals.id, {"description": "new", "source_key": "x"}, version=seen.version, by="ann", at=AT)

    assert stored(repository, seals).version == seen.version
    assert Corrections(site.database).corrections(site.source.key) == {}


def test_a_second_update_keeps_the_first_and_knows_what_the_publisher_said(site: Site, repository: Repository) -> None:
    seals = site.activity("Seals")
    repository.create([seals], at=AT)
    one = repository.update(seals.id, {"name": "First"}, version=stored(repository, seals).version, by="ann", at=AT)

    two = repository.update(seals.id, {"description": "Fish", "name": "Other"}, version=one.version, by="ann", at=AT)

    assert (two.record["name"], two.record["description"]) == ("Other", "Fish")
    assert Corrections(site.database).stated(seals.id) == {"name": "Seals", "description": None}


def test_a_delete_takes_everything_that_hangs_on_the_activity(site: Site, repository: Repository) -> None:
    seals = site.activity("Seals", image=(PICTURE,))
    repository.create([seals], at=AT, vectors=site.vectors([seals]))

    repository.delete(seals.id, by="ann", at=AT)

    assert repository.get(seals.id) is None
    with site.database.connection() as connection:
        for table in ("activities", "activity_embeddings", "activity_media", "activity_history"):
            assert connection.scalar(text(f"SELECT count(*) FROM tripper.{table}")) == 0, table  # noqa: S608 (names of ours)
    with pytest.raises(NotFoundError):
        repository.delete(seals.id, by="ann", at=AT)


def test_what_was_deleted_stays_out_of_later_imports_as_a_refusal(site: Site, repository: Repository) -> None:
    seals = site.activity("Seals")
    site.load([seals])

    with pytest.raises(ConflictError):
        repository.delete(seals.id, by="ann", at=AT, version="another")
    repository.delete(seals.id, by="ann", at=AT, reason="closed")

    [refusal] = Corrections(site.database).refusals(site.source.key).values()
    assert (refusal.activity_id, refusal.by, refusal.reason) == (seals.id, "ann", "closed")


def test_a_session_of_the_callers_holds_all_or_nothing(site: Site, repository: Repository) -> None:
    seals, goats = site.activity("Seals"), site.activity("Goats")
    repository.create([goats], at=AT)

    def work() -> None:
        with site.database.session() as session:
            repository.create([seals], at=AT, session=session)
            found = repository.get(seals.id, session=session)
            assert found is not None
            repository.update(seals.id, {"name": "Better"}, version=found.version, by="ann", at=AT, session=session)
            repository.delete(goats.id, by="ann", at=AT, session=session)
            assert [one.record["name"] for one in repository.list(session=session).activities] == ["Better"]
            assert repository.statistics(session=session).current == 1
            raise LookupError

    with pytest.raises(LookupError):
        work()

    assert [one.record["name"] for one in repository.list().activities] == ["Goats"]


def test_statistics_tell_how_much_there_is_and_how_complete_it_is(site: Site, repository: Repository) -> None:
    assert repository.statistics().model_dump(exclude_none=True) == {
        "current": 0,
        "removed": 0,
        "sources": 0,
        "linked": 0,
    }
    good = site.activity("Seals", startDate="2026-06-01", image=(PICTURE,), quality=Quality(score=0.9))
    poor = site.activity("Goats", quality=Quality(score=0.5))
    repository.create([good, poor], at=AT, vectors=site.vectors([good]))

    found = repository.statistics(site.source.key)

    assert (found.current, found.removed, found.sources, found.linked) == (2, 0, 1, 0)
    assert (found.with_place, found.with_time, found.with_picture, found.with_vector) == (0, 0.5, 0.5, 0.5)
    assert found.quality == pytest.approx(0.7)
    assert found.newest_change_at == AT
    assert repository.statistics("nobody-00000000").current == 0


def test_a_search_finds_what_was_created(site: Site, repository: Repository) -> None:
    repository.create([site.activity("Feeding the seals")], at=AT)

    assert [hit.name for hit in repository.search("seals", now=AT)] == ["Feeding the seals"]
