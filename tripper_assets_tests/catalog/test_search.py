from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from tripper_assets.catalog.search import search
from tripper_assets.catalog.search_rankings import fuse
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.activities import Place, PostalAddress, Schedule
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.search import SearchFilters, SearchPage

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


def names(page: SearchPage) -> list[str]:
    return [hit.name for hit in page.hits]


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
        ("nothing of that sort", []),
        ("", []),
        ("   ", []),
        ("'; DROP TABLE tripper.activities; --", []),
        (r"x\z' & | ! ( ) :* <-> <%", []),
        ("nul\0 and half \ud83d", []),
        ("-" * 500, []),
        ('-) "-" ' * 100, []),
    ],
)
def test_words_find_what_they_name(town: Any, asked: str, found: list[str]) -> None:
    assert names(search(town.database, text=asked, now=NOW)) == found


def test_what_is_over_is_hidden_unless_it_is_asked_for_and_what_recurs_is_not(town: Any) -> None:
    assert names(search(town.database, text="egg", now=NOW)) == ["Weekly egg painting"]
    assert sorted(names(search(town.database, text="egg", now=NOW, filters=SearchFilters(past=True)))) == [
        "Easter egg hunt",
        "Eggs in the past",
        "Weekly egg painting",
    ]


def test_removed_activities_and_those_of_removed_sources_are_hidden(town: Any) -> None:
    with town.database.connection() as connection:
        connection.execute(text("UPDATE tripper.activities SET removed_at = now() WHERE name = 'Swimming pool'"))
    assert names(search(town.database, text="pool", now=NOW, filters=SearchFilters(past=True))) == []

    SourceRegistry(town.database).remove(town.source.key)
    assert names(search(town.database, text="seals", now=NOW)) == []


def test_meaning_finds_what_no_word_names(town: Any) -> None:
    pool = np.eye(8, dtype=np.float32)[3]

    hits = search(town.database, text="swimming", vector=pool, model="tiny", now=NOW, limit=2)

    assert names(hits) == ["Swimming pool", "A day at the lake"]
    assert hits.hits[0].found_by == ("words", "meaning")
    assert hits.hits[1].found_by == ("meaning",)
    assert names(search(town.database, text="swimming", vector=pool, model="other", now=NOW)) == ["Swimming pool"]
    assert names(search(town.database, text="", vector=pool, now=NOW, limit=2)) == names(hits)


def test_meaning_is_asked_of_an_index_where_there_is_one(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tripper_assets.catalog.activity_vectors import index_vectors  # noqa: PLC0415 (patched before it is used)

    monkeypatch.setattr("tripper_assets.catalog.activity_vectors.INDEX_FROM_ROWS", 1)
    index_vectors(town.database, "tiny", 8)

    hits = search(town.database, text="", vector=np.eye(8, dtype=np.float32)[3], model="tiny", now=NOW, limit=2)

    assert names(hits) == ["Swimming pool", "A day at the lake"]


def test_a_hit_tells_what_a_list_shows(town: Any) -> None:
    (hit,) = search(town.database, text="dinosaur", now=NOW).hits

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
        "found_by": ("words",),
        "ranks": {"words": 1},
        "distance_km": None,
        "matched": ("Dinosaur",),
        "also": (),
        "snippet": "**Dinosaur** museum",
    }
    assert hit.score == pytest.approx(1 / 21, abs=1e-6)


def test_a_search_may_stay_within_one_source(town: Any, make_site: Callable[[str], Any]) -> None:
    farm = make_site("farm.example")
    farm.load([farm.activity("Feeding the goats")])

    assert names(search(town.database, text="feeding", now=NOW, filters=SearchFilters(source_key=farm.source.key))) == [
        "Feeding the goats"
    ]
    assert len(names(search(town.database, text="feeding", now=NOW))) == 2
    assert len(names(search(town.database, text="feeding", now=NOW, limit=1))) == 1


def test_fusion_adds_what_each_ranking_gives() -> None:
    scores = fuse({"words": ["a", "b"], "meaning": ["b", "c"]}, k=1)

    assert scores == pytest.approx({"a": 1 / 2, "b": 1 / 3 + 1 / 2, "c": 1 / 3})


@pytest.mark.parametrize(
    ("language", "name", "asked"),
    [
        ("en", "Swimming with penguins", "swim penguin"),
        ("de", "Fütterung der Wölfe", "Wolf futterung"),
        ("fr", "Ateliers de poterie", "atelier poteries"),
        ("es", "Cuentos para niños", "cuento niño"),
        ("it", "Laboratori di scienze", "laboratorio scienza"),
        ("nl", "Sprookjes voorlezen", "sprookje"),
        ("de-AT", "Eulen in der Nacht", "eule nächte"),
        ("sv", "Räven och björnen", "raven bjorn"),  # as written, or its beginning
    ],
)
def test_words_are_found_in_their_language_in_another_form(site: Any, language: str, name: str, asked: str) -> None:
    site.load([site.activity(name, inLanguage=language)])

    assert names(search(site.database, text=asked, now=NOW)) == [name]


def test_a_minus_holds_for_the_stem_of_the_texts_own_language(site: Any) -> None:
    site.load([site.activity("Egg painting", inLanguage="en"), site.activity("Egg hunts", inLanguage="en")])

    assert names(search(site.database, text="eggs -paintings", now=NOW)) == ["Egg hunts"]
    assert names(search(site.database, text='"egg hunt"', now=NOW)) == ["Egg hunts"]
    assert names(search(site.database, text='"hunt egg"', now=NOW)) == []


def test_a_word_in_the_name_weighs_more_than_one_in_the_place_and_that_more_than_one_in_the_text(site: Any) -> None:
    site.load(
        [
            site.activity("Story time", description="We read of owls"),
            site.activity("Evening walk", location=Place(name="Owls house")),
            site.activity("Night birds", category=("owls",)),
            site.activity("Owls"),
        ]
    )

    found = names(search(site.database, text="owls", now=NOW))

    assert found == ["Owls", "Night birds", "Evening walk", "Story time"]


def test_what_has_most_words_follows_what_has_all(site: Any) -> None:
    site.load([site.activity("Owls and bats at night"), site.activity("Owls in the barn"), site.activity("Goats")])

    page = search(site.database, text="owls night", now=NOW)

    assert names(page) == ["Owls and bats at night", "Owls in the barn"]
    assert [hit.found_by for hit in page.hits] == [("words", "some_words"), ("some_words",)]


def test_a_hit_shows_the_words_that_it_was_found_by(site: Any) -> None:
    text = "A long afternoon. " * 30 + "We are feeding hungry seals. " + "And so home again. " * 30
    site.load([site.activity("At the zoo", description=text, inLanguage="en")])

    (hit,) = search(site.database, text="feed seal", now=NOW).hits

    assert hit.matched == ("feeding", "seals")
    assert "**feeding** hungry **seals**" in hit.snippet
    assert len(hit.snippet) < 400


def test_under_a_filter_the_index_of_vectors_still_finds_the_nearest(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tripper_assets.catalog.activity_vectors import index_vectors  # noqa: PLC0415 (patched before it is used)

    monkeypatch.setattr("tripper_assets.catalog.activity_vectors.INDEX_FROM_ROWS", 1)
    monkeypatch.setattr("tripper_assets.catalog.search_rankings.EXACT_ROWS", 0)
    records = [site.activity(f"thing {number}", isAccessibleForFree=number % 10 == 0) for number in range(400)]
    vectors = site.vectors(records, 8)
    site.load(records, vectors)
    index_vectors(site.database, "tiny", 8)
    asked = vectors.vectors[7]
    order = np.argsort(-(vectors.vectors @ asked), kind="stable")
    nearest = [records[one].name for one in order if records[one].isAccessibleForFree]

    found = names(
        search(site.database, vector=asked, model="tiny", filters=SearchFilters(free=True), now=NOW, limit=20)
    )

    assert found == nearest[:20]
