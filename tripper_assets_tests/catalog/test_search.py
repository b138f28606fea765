from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from tripper_assets.catalog.search import SearchHit, fuse, search
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.activities import Place, PostalAddress, Schedule
from tripper_assets.domain.maps import EmbeddingsMap

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def town(site: Any) -> Any:
    """A source with eight activities, and the vectors that make a swimming pool and a lake neighbours."""
    records = [
        site.activity(
            "Feeding the seals", description="Watch the keepers throw fish", startDate="2026-06-01T10:00:00Z"
        ),
        site.activity("Märchenstunde für Kinder", description="Geschichten in der Bücherei", startDate="2026-06-02"),
        site.activity(
            "Dinosaur museum", location=Place(name="Old mill", address=PostalAddress(addressLocality="Köln"))
        ),
        site.activity("Swimming pool", isAccessibleForFree=True),
        site.activity("A day at the lake"),
        site.activity("Easter egg hunt", startDate="2026-04-05T10:00:00Z"),
        site.activity(
            "Weekly egg painting",
            startDate="2026-01-05",
            eventSchedule=(Schedule(repeatFrequency="P1W", byDay=("Monday",)),),
        ),
        site.activity("Eggs in the past", startDate="2026-04-01", endDate="2026-04-02"),
    ]
    vectors = np.eye(8, dtype=np.float32)
    vectors[4] = (vectors[3] * 0.9 + vectors[4] * 0.4359).astype(np.float32)
    texts = site.vectors(records).text_sha256
    ids = tuple(one.id for one in records)
    site.load(records, EmbeddingsMap("x" * 64, "tiny", ids, texts, vectors))
    return site


def names(hits: list[SearchHit]) -> list[str]:
    return [hit.name for hit in hits]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("seals", ["Feeding the seals"]),
        ("SEALS feeding", ["Feeding the seals"]),
        ("fish", ["Feeding the seals"]),  # in the description
        ("marchenstunde", ["Märchenstunde für Kinder"]),  # without its accent
        ("MÄRCHEN", ["Märchenstunde für Kinder"]),  # the beginning of a word
        ("koln", ["Dinosaur museum"]),  # in the place
        ("dinosour", ["Dinosaur museum"]),  # a typing error
        ('"old mill"', ["Dinosaur museum"]),
        ('"mill old"', []),
        ("egg -painting", []),
        ("nothing of the kind", []),
        ("", []),
        ("   ", []),
        ("'; DROP TABLE tripper.activities; --", []),
        (r"x\z' & | ! ( ) :* <-> <%", []),
        ("nul\0 and half \ud83d", []),
    ],
)
def test_words_find_what_they_name(town: Any, asked: str, found: list[str]) -> None:
    assert names(search(town.database, text=asked, now=NOW)) == found


def test_what_is_over_is_hidden_unless_it_is_asked_for_and_what_recurs_is_not(town: Any) -> None:
    assert names(search(town.database, text="egg", now=NOW)) == ["Weekly egg painting"]
    assert sorted(names(search(town.database, text="egg", now=NOW, past=True))) == [
        "Easter egg hunt",
        "Eggs in the past",
        "Weekly egg painting",
    ]


def test_removed_activities_and_those_of_removed_sources_are_hidden(town: Any) -> None:
    with town.database.connection() as connection:
        connection.execute(text("UPDATE tripper.activities SET removed_at = now() WHERE name = 'Swimming pool'"))
    assert names(search(town.database, text="pool", now=NOW, past=True)) == []

    SourceRegistry(town.database).remove(town.source.key)
    assert names(search(town.database, text="seals", now=NOW)) == []


def test_meaning_finds_what_no_word_names(town: Any) -> None:
    pool = np.eye(8, dtype=np.float32)[3]

    hits = search(town.database, text="swimming", vector=pool, model="tiny", now=NOW, limit=2)

    assert names(hits) == ["Swimming pool", "A day at the lake"]
    assert hits[0].found_by == ("words", "name", "meaning")
    assert hits[1].found_by == ("meaning",)
    assert names(search(town.database, text="swimming", vector=pool, model="other", now=NOW)) == ["Swimming pool"]
    assert names(search(town.database, text="", vector=pool, now=NOW, limit=2)) == names(hits)


def test_meaning_is_asked_of_an_index_where_there_is_one(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tripper_assets.catalog.activity_vectors import index_vectors  # noqa: PLC0415 (patched before it is used)

    monkeypatch.setattr("tripper_assets.catalog.activity_vectors.INDEX_FROM_ROWS", 1)
    index_vectors(town.database, "tiny", 8)

    hits = search(town.database, text="", vector=np.eye(8, dtype=np.float32)[3], model="tiny", now=NOW, limit=2)

    assert names(hits) == ["Swimming pool", "A day at the lake"]


def test_a_hit_tells_what_a_list_shows(town: Any) -> None:
    (hit,) = search(town.database, text="dinosaur", now=NOW)

    assert hit.model_dump(exclude={"id", "score"}) == {
        "name": "Dinosaur museum",
        "url": "https://zoo.example/Dinosaur-museum",
        "source_key": town.source.key,
        "type": "Event",
        "startDate": "",
        "endDate": "",
        "place": "Old mill, Köln",
        "latitude": None,
        "longitude": None,
        "isAccessibleForFree": None,
        "found_by": ("words", "name"),
    }
    assert hit.score == pytest.approx(2 / 61, abs=1e-6)


def test_a_search_may_stay_within_one_source(town: Any, make_site: Callable[[str], Any]) -> None:
    farm = make_site("farm.example")
    farm.load([farm.activity("Feeding the goats")])

    assert names(search(town.database, text="feeding", now=NOW, source_key=farm.source.key)) == ["Feeding the goats"]
    assert len(search(town.database, text="feeding", now=NOW)) == 2
    assert len(search(town.database, text="feeding", now=NOW, limit=1)) == 1


def test_fusion_adds_what_each_ranking_gives() -> None:
    scores = fuse({"words": ["a", "b"], "meaning": ["b", "c"]}, k=1)

    assert scores == pytest.approx({"a": 1 / 2, "b": 1 / 3 + 1 / 2, "c": 1 / 3})
