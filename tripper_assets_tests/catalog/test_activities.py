import json
import math
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

import pytest
from sqlalchemy import text

from tripper_assets.catalog.activities import count_activities, current_activities, import_snapshot
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.activities import (
    Activity,
    AgeRange,
    Geocoding,
    GeoCoordinates,
    ImageObject,
    Place,
    Point,
    PostalAddress,
    Provenance,
)
from tripper_assets.domain.errors import NotFoundError, PermanentError
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.workflows import ImportSummary


class Site(Protocol):
    """What conftest.py's site does for these tests."""

    database: Database
    source: Any
    at: Any
    workflow_ids: list[str]

    def activity(self, name: str, *, index: int = 0, **fields: Any) -> Activity: ...
    def activities(self, count: int) -> list[Activity]: ...
    def new_workflow(self) -> str: ...
    def load(self, records: Any, vectors: Any = None, **options: Any) -> ImportSummary: ...
    def vectors(self, records: Any, dimensions: int = 3, model: str = "tiny") -> EmbeddingsMap: ...


def rows(site: Site, query: str, **values: Any) -> list[Any]:
    with site.database.connection() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def counts(summary: ImportSummary) -> tuple[int, int, int, int, int]:
    assert summary.lines == summary.inserted + summary.updated + summary.unchanged + summary.rejected
    return summary.inserted, summary.updated, summary.unchanged, summary.removed, summary.rejected


def full_activity(site: Site) -> Activity:
    page = "https://zoo.example/seals"
    return site.activity(
        "Robbenfütterung für Kinder 🦭",
        description='Line one\nline "two" \\. \'; DROP TABLE activities; --\ttab',
        startDate="2026-06-01T10:00:00+02:00",
        endDate="2026-06-01T11:00:00+02:00",
        location=Place(
            name="Zoo",
            address=PostalAddress(addressLocality="Köln", addressCountry="DE"),
            geo=GeoCoordinates(latitude=50.958, longitude=6.973),
        ),
        geometry=Point(coordinates=(6.97, 50.95)),
        geocoding=Geocoding(status="ok", confidence=0.5),
        isAccessibleForFree=False,
        ageRange=AgeRange(minValue=3, maxValue=10.5),
        inLanguage="de",
        keywords=("animals", "outdoors"),
        tags={"mood": ["calm", 1, 2.50, True]},
        provenance={"name": Provenance(method="json-ld", page=page, evidence="Robben")},
    )


def test_the_rows_are_the_lines_of_the_final_jsonl(site: Site) -> None:
    records = [full_activity(site), *site.activities(5)]

    summary = site.load(records)

    assert counts(summary) == (6, 0, 0, 0, 0)
    lines = [json.loads(json.dumps(one.dump())) for one in sorted(records, key=lambda one: one.id)]
    assert current_activities(site.database, site.source.key) == lines


def test_what_a_record_says_is_in_columns_to_filter_by(site: Site) -> None:
    site.load([full_activity(site)])

    columns = (
        "locality, country_code, latitude, longitude, is_free, min_age, max_age, in_language, start_text, name_plain"
    )
    assert rows(site, f"SELECT {columns} FROM tripper.activities") == [  # noqa: S608 (our own columns)
        (
            "Köln",
            "DE",
            50.95,
            6.97,
            False,
            3.0,
            10.5,
            "de",
            "2026-06-01T10:00:00+02:00",
            "robbenfutterung fur kinder 🦭",
        )
    ]
    assert rows(site, "SELECT first_seen_at, updated_at, removed_at, workflow_id FROM tripper.activities") == [
        (site.at, site.at, None, site.workflow_ids[0])
    ]


def test_the_publishers_coordinates_do_where_none_were_geocoded(site: Site) -> None:
    place = Place(geo=GeoCoordinates(latitude=1, longitude=2), address=PostalAddress(addressCountry="Germany"))

    site.load([site.activity("a", location=place)])

    assert rows(site, "SELECT latitude, longitude, country_code FROM tripper.activities") == [(1.0, 2.0, None)]


WRITES = """
    SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int FROM pg_stat_user_tables WHERE schemaname = 'tripper'
"""


def writes(site: Site) -> int:
    with site.database.connection() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    site.database.dispose()  # each backend reports what it wrote at its end, at the latest
    return rows(site, WRITES)[0][0]


def test_importing_the_same_snapshot_again_writes_no_row(site: Site) -> None:
    picture = ImageObject(sourceUrl="https://zoo.example/a.jpg", contentUrl="file:///a.webp", sha256="a" * 64)
    records = [site.activity("with a picture", image=(picture,)), *site.activities(20)]
    options = {"workflow_id": site.new_workflow(), "bundle_sha256": "b" * 64}
    site.load(records, site.vectors(records), **options)
    site.new_workflow()
    written = writes(site)
    versions = rows(site, "SELECT id, ctid::text, xmin::text FROM tripper.activities ORDER BY id")

    summary = import_snapshot(
        site.database, source_key=site.source.key, records=iter(records), vectors=site.vectors(records), at=site.at, **options
    )  # fmt: skip

    assert counts(summary) == (0, 0, 21, 0, 0)
    assert writes(site) == written
    assert rows(site, "SELECT id, ctid::text, xmin::text FROM tripper.activities ORDER BY id") == versions


def test_a_change_is_told_field_by_field(site: Site) -> None:
    before = site.activity("feeding", description="fish", startDate="2026-06-01")
    after = site.activity("feeding", description="more fish", endDate="2026-06-02")
    site.load([before])
    site.at += timedelta(days=1)

    summary = site.load([after])

    assert counts(summary) == (0, 1, 0, 0, 0)
    history = rows(site, "SELECT change, changed_fields, before, at FROM tripper.activity_history ORDER BY id")
    assert history == [
        ("inserted", [], None, site.at - timedelta(days=1)),
        ("updated", ["description", "endDate", "startDate"], before.dump(), site.at),
    ]
    assert rows(site, "SELECT updated_at - first_seen_at FROM tripper.activities") == [(timedelta(days=1),)]


def test_a_row_whose_position_alone_changed_follows_its_line_and_counts_as_unchanged(site: Site) -> None:
    first = site.activity("feeding", index=1)
    site.load([first])
    site.at += timedelta(days=1)
    moved = site.activity("feeding", index=2)

    summary = site.load([moved])

    assert counts(summary) == (0, 0, 1, 0, 0)
    assert current_activities(site.database, site.source.key) == [moved.dump()]
    assert rows(site, "SELECT updated_at = first_seen_at, workflow_id FROM tripper.activities") == [
        (True, site.workflow_ids[0])
    ]
    assert len(rows(site, "SELECT 1 FROM tripper.activity_history")) == 1


def test_what_the_snapshot_lacks_becomes_a_tombstone_and_comes_back(site: Site) -> None:
    records = site.activities(3)
    site.load(records)

    assert counts(site.load(records[:1])) == (0, 0, 1, 2, 0)
    assert current_activities(site.database, site.source.key) == [records[0].dump()]
    assert count_activities(site.database, site.source.key)["removed"] == 2
    assert counts(site.load(records[:1])) == (0, 0, 1, 0, 0)

    assert counts(site.load(records)) == (0, 2, 1, 0, 0)
    assert count_activities(site.database)["current"] == 3
    changes = [change for (change,) in rows(site, "SELECT change FROM tripper.activity_history ORDER BY id")]
    assert changes == ["inserted"] * 3 + ["removed"] * 2 + ["updated"] * 2


def test_another_sources_rows_are_left_alone(make_site: Callable[[str], Site]) -> None:
    zoo, farm = make_site("zoo.example"), make_site("farm.example")
    farm.load(farm.activities(2))

    zoo.load(zoo.activities(3))
    zoo.load([])

    assert len(current_activities(farm.database, farm.source.key)) == 2
    assert current_activities(zoo.database, zoo.source.key) == []


def test_an_activity_that_cannot_be_stored_is_rejected_by_id_and_the_rest_is_imported(
    make_site: Callable[[str], Site],
) -> None:
    site, farm = make_site("zoo.example"), make_site("farm.example")
    foreign = farm.activities(1)[0]
    farm.load([foreign])
    bad = {
        "text_not_storable": site.activity("nul", description="a\0b"),
        "not_a_number": site.activity("nan", ageRange=AgeRange(minValue=math.nan)),
        "coordinates_out_of_range": site.activity("moon", geometry=Point(coordinates=(500, 2))),
        "id_not_a_uuid": site.activity("no uuid", id="42"),
        "of_another_source": site.activity("stranger", source_key=farm.source.key),
        "id_of_another_source": site.activity("thief", id=foreign.id),
        "content_sha256_malformed": site.activity("hash").model_copy(update={"content_sha256": "short"}),
        "id_twice": site.activity("twin", id=site.activity("activity 000").id),
    }
    good = [*site.activities(3), site.activity("backslash", description="a literal \\u0000 is no NUL")]

    summary = site.load([*good, *bad.values()])

    assert counts(summary) == (4, 0, 0, 0, len(bad))
    assert summary.rejections == {one.id: reason for reason, one in bad.items()}
    assert len(current_activities(site.database, site.source.key)) == 4
    assert current_activities(farm.database, farm.source.key) == [foreign.dump()]


def test_lone_surrogates_are_rejected(site: Site) -> None:
    odd = site.activity("a").model_copy(update={"description": "half \ud83d", "content_sha256": ""})

    assert site.load([odd]).rejections == {odd.id: "text_not_storable"}


def test_a_rejected_activity_keeps_its_last_good_row(site: Site) -> None:
    good = site.activity("feeding")
    site.load([good])

    summary = site.load([site.activity("feeding", description="\0")])

    assert counts(summary) == (0, 0, 0, 0, 1)
    assert current_activities(site.database, site.source.key) == [good.dump()]


def test_at_most_a_thousand_rejections_are_named(site: Site) -> None:
    summary = site.load([site.activity(f"bad {number}", id=str(number)) for number in range(1001)])

    assert summary.rejected == 1001
    assert len(summary.rejections) == 1000


def test_an_endless_description_fails_nothing(site: Site) -> None:
    endless = site.activity("endless", description=" ".join(f"word{number}" for number in range(400_000)))

    assert counts(site.load([endless])) == (1, 0, 0, 0, 0)


def test_an_import_needs_its_source_and_its_workflow(site: Site) -> None:
    with pytest.raises(NotFoundError, match="tripper sources add"):
        import_snapshot(
            site.database, source_key="nowhere-00000000", records=[], vectors=None, workflow_id="x", bundle_sha256="b" * 64, at=site.at
        )  # fmt: skip
    with pytest.raises(NotFoundError, match="names the workflow never-started"):
        site.load([], workflow_id="never-started")


def test_the_source_remembers_its_bundle(site: Site) -> None:
    site.load(site.activities(1), bundle_sha256="b" * 64)
    site.at += timedelta(days=1)
    site.load(site.activities(1), bundle_sha256="b" * 64)

    assert Workflows(site.database).imported_bundle(site.source.key) == "b" * 64
    assert rows(site, "SELECT imported_at FROM tripper.sources") == [(site.at - timedelta(days=1),)]


def test_an_import_that_fails_half_way_leaves_the_old_rows(site: Site) -> None:
    old = site.activities(3)
    site.load(old)
    with site.database.connection() as connection:
        connection.execute(
            text("ALTER TABLE tripper.activity_embeddings ADD CONSTRAINT full_disk CHECK (model <> 'tiny')")
        )
    new = [site.activity("new"), *site.activities(1)]

    with pytest.raises(PermanentError, match="full_disk"):
        site.load(new, site.vectors(new))

    assert len(current_activities(site.database, site.source.key)) == 3
    assert rows(site, "SELECT count(*) FROM tripper.activities") == [(3,)]


def test_imports_of_one_source_at_once_leave_one_snapshot_and_no_mix(site: Site) -> None:
    common = site.activities(30)
    snapshots = [
        [one.model_copy(update={"description": f"{word} {one.name}", "content_sha256": ""}) for one in common[start:]]
        + [site.activity(f"{word} {number}") for number in range(10)]
        for start, word in ((0, "left"), (5, "right"), (10, "middle"))
    ]
    seen: list[set[str]] = []
    threads = [threading.Thread(target=site.load, args=(snapshot,)) for snapshot in snapshots for _ in range(2)]

    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append({one["name"] for one in current_activities(site.database, site.source.key)})
    for thread in threads:
        thread.join()

    whole: list[set[str]] = [set(), *({one.name for one in snapshot} for snapshot in snapshots)]
    assert all(names in whole for names in seen)
    lines = [one.dump() for one in max(snapshots, key=len)]
    final = current_activities(site.database, site.source.key)
    assert {one["name"] for one in final} in whole[1:]
    assert len(final) <= len(lines)
    assert len({one.get("description", "").split(" ")[0] for one in final} - {""}) == 1


def test_a_large_import_leaves_the_statistics_that_a_search_needs(site: Site) -> None:
    site.load(site.activities(200))

    assert rows(site, "SELECT reltuples::int FROM pg_class WHERE oid = 'tripper.activities'::regclass") == [(200,)]
