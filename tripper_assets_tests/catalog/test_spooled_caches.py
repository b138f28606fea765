"""Caches of work that goes on while the catalog is down: what it would have known is asked anew, and what it learns is kept for later."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from tripper_assets.catalog.caches import EmbeddingCacheTable
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.spool import Outage
from tripper_assets.catalog.spooled_caches import CACHES, LenientEmbeddings
from tripper_assets.domain.activities import Extraction, Geocoding, RawActivity
from tripper_assets.domain.errors import ConfigurationError, TransientError
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery
from tripper_assets.domain.images import KnownImage
from tripper_assets.domain.pages import GonePage, PageState
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets_tests.catalog.test_pages import as_state
from tripper_assets_tests.outage import NOBODY

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
ZOO = make_source("https://zoo.example/")
PAGE = PageState(
    url="https://zoo.example/owls",
    status=200,
    etag='"1"',
    fetched_at=AT,
    extraction=Extraction(activities=[RawActivity(page="https://zoo.example/owls", name="Owls")]),
)
IMAGE = KnownImage(sourceUrl="https://zoo.example/owl.jpg", status="stored", sha256="a" * 64, width=9, checked_at=AT)
BONN = PlaceQuery(locality="Bonn", countryCode="DE").key()
ANSWER = GeocodeAnswer(
    geocoding=Geocoding(status="ok", accuracy="locality", provider="offline"), latitude=50.7, longitude=7.1
)
VECTOR = np.array([0.6, 0.8], dtype=np.float32)


@pytest.fixture
def up(database: Database, tmp_path: Path) -> Catalog:
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(ZOO)
    row = Workflow(id="w1", source_key=ZOO.key, source_url=ZOO.url, status="running", config={}, created_at=AT)
    catalog.workflows.start(row)
    return catalog


@pytest.fixture
def down(tmp_path: Path) -> Catalog:
    """The catalog of the same home, while it is down."""
    catalog = catalog_on(Database(NOBODY), tmp_path)
    catalog.spool.outage = Outage(pause_seconds=0)
    return catalog


def learn(catalog: Catalog) -> None:
    """Save something in each of the lenient caches."""
    catalog.lenient.pages.save(ZOO.key, [PAGE])
    catalog.lenient.images.save([IMAGE], workflow_id="w1", source_key=ZOO.key)
    catalog.lenient.geocodes.save("offline", {BONN: ANSWER})


def known(catalog: Catalog) -> Sequence[Mapping[str, object]]:
    return (
        {url: as_state(page) for url, page in catalog.pages.load(ZOO.key).items()},
        catalog.lenient.images.load([IMAGE.sourceUrl]),
        catalog.lenient.geocodes.load("offline", [BONN]),
    )


ALL_OF_IT = ({PAGE.url: PAGE}, {IMAGE.sourceUrl: IMAGE}, {BONN: ANSWER})


def test_a_catalog_that_answers_keeps_at_once(up: Catalog) -> None:
    learn(up)

    assert known(up) == ALL_OF_IT
    assert up.spool.topics() == []


def test_pictures_places_and_vectors_are_unknown_while_the_catalog_is_down(down: Catalog) -> None:
    vectors = LenientEmbeddings(EmbeddingCacheTable(Database(NOBODY)))

    assert down.lenient.images.load([IMAGE.sourceUrl]) == {}
    assert down.lenient.geocodes.load("offline", [BONN]) == {}
    assert vectors.load("tiny", ["a" * 64]) == {}


def test_pages_are_not_taken_for_unknown_as_every_activity_would_be_lost_with_them(down: Catalog) -> None:
    with pytest.raises(TransientError, match="does not answer"):
        down.pages.load(ZOO.key)


def test_what_is_learnt_meanwhile_is_there_when_the_catalog_answers(up: Catalog, down: Catalog) -> None:
    learn(down)

    before = known(up)
    up.replay()

    assert before == ({}, {}, {})
    assert known(up) == ALL_OF_IT
    assert up.spool.topics() == []
    with up.database.connection() as connection:
        seen_by = connection.execute(text("SELECT workflow_id, source_key FROM tripper.media")).one()
    assert tuple(seen_by) == ("w1", ZOO.key)


def test_a_page_that_went_away_meanwhile_is_gone(up: Catalog, down: Catalog) -> None:
    up.lenient.pages.save(ZOO.key, [PAGE])

    down.lenient.pages.forget(ZOO.key, [GonePage(url=PAGE.url, reason="http_404")], AT + timedelta(hours=1))
    before = up.pages.load(ZOO.key)
    up.replay()

    assert list(before) == [PAGE.url]
    assert up.pages.load(ZOO.key) == {}


def test_writing_it_twice_changes_nothing(up: Catalog, down: Catalog, tmp_path: Path) -> None:
    learn(down)
    path = tmp_path / "spool" / "%2Fcaches.jsonl"
    kept = path.read_bytes()
    up.replay()
    path.write_bytes(kept)

    up.replay()

    assert known(up) == ALL_OF_IT


def test_a_catalog_that_is_still_down_leaves_it_waiting(up: Catalog, down: Catalog) -> None:
    learn(down)

    with pytest.raises(TransientError):
        down.replay()

    up.replay()
    assert known(up) == ALL_OF_IT


def test_what_the_catalog_refuses_and_what_another_version_wrote_is_set_aside(
    up: Catalog, down: Catalog, tmp_path: Path
) -> None:
    down.lenient.pages.save("nowhere-00000000", [PAGE])
    down.spool.add(CACHES, {"call": "save_moods", "arguments": {}})
    learn(down)

    up.replay()

    aside = [json.loads(line) for line in (tmp_path / "spool" / "%2Fcaches.refused").read_text().splitlines()]
    assert [line["call"] for line in aside] == ["save_pages", "save_moods"]
    assert "violates foreign key" in aside[0]["refused"]
    assert known(up) == ALL_OF_IT


def test_an_old_schema_refuses_nothing_for_good(up: Catalog, down: Catalog) -> None:
    learn(down)
    with up.database.connection() as connection:
        connection.execute(text("ALTER TABLE tripper.media RENAME TO media_of_another_version"))
    with pytest.raises(ConfigurationError, match="run `tripper db upgrade`"):
        up.replay()
    with up.database.connection() as connection:
        connection.execute(text("ALTER TABLE tripper.media_of_another_version RENAME TO media"))

    up.replay()

    assert known(up) == ALL_OF_IT


def test_within_the_pause_of_an_outage_even_a_catalog_that_answers_is_not_asked(up: Catalog) -> None:
    now = [0.0]
    up.spool.outage = Outage(pause_seconds=2, seconds=lambda: now[0])
    up.spool.outage.begin()

    learn(up)
    before = known(up)
    now[0] = 2.0
    up.lenient.geocodes.save("offline", {BONN: ANSWER})

    assert before == ({}, {}, {})
    assert known(up) == ALL_OF_IT  # what waited went before
    assert up.spool.topics() == []


def test_vectors_are_kept_while_the_catalog_answers_and_let_go_while_it_does_not(database: Database) -> None:
    there = LenientEmbeddings(EmbeddingCacheTable(database))
    gone = LenientEmbeddings(EmbeddingCacheTable(Database(NOBODY)))

    gone.save("tiny", {"a" * 64: VECTOR})
    there.save("tiny", {"b" * 64: VECTOR})

    found = there.load("tiny", ["a" * 64, "b" * 64])
    assert list(found) == ["b" * 64]
    assert found["b" * 64].tolist() == VECTOR.tolist()


def test_workflows_and_caches_are_written_together_when_the_catalog_answers(up: Catalog, down: Catalog) -> None:
    learn(down)
    down.workflows.stage_started("w1", "raw_activities", AT)

    up.replay()

    found = up.workflows.get("w1")
    assert found is not None
    assert [stage.asset for stage in found.stages] == ["raw_activities"]
    assert known(up) == ALL_OF_IT
    assert up.spool.topics() == []
