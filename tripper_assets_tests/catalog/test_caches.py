from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import text

from tripper_assets.catalog.caches import EmbeddingCacheTable, GeocodeCacheTable, MediaTable
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.activities import Geocoding
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery
from tripper_assets.domain.images import KnownImage
from tripper_assets.domain.sources import Location, make_source
from tripper_assets.domain.workflows import Workflow

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
BONN = PlaceQuery(locality="Bonn", countryCode="DE").key()
ATLANTIS = PlaceQuery(locality="Atlantis").key()
OK = GeocodeAnswer(
    geocoding=Geocoding(status="ok", accuracy="locality", provider="offline"), latitude=50.7, longitude=7.1
)


def test_geocoders_keep_their_own_answers(database: Database) -> None:
    cache = GeocodeCacheTable(database)
    unknown = GeocodeAnswer(geocoding=Geocoding(status="not_found"))

    cache.save("offline", {BONN: OK, ATLANTIS: unknown})

    assert cache.load("offline", [BONN, ATLANTIS, "never asked"]) == {BONN: OK, ATLANTIS: unknown}
    assert cache.load("photon", [BONN]) == {}
    assert cache.load("offline", []) == {}


def test_an_outage_is_never_kept_as_an_answer(database: Database) -> None:
    cache = GeocodeCacheTable(database)

    cache.save("offline", {BONN: GeocodeAnswer(geocoding=Geocoding(status="deferred"))})

    assert cache.load("offline", [BONN]) == {}


def test_what_may_be_kept_for_thirty_days_is_then_gone(database: Database) -> None:
    cache = GeocodeCacheTable(database).within(30)
    cache.save("google", {BONN: OK, ATLANTIS: OK})
    GeocodeCacheTable(database).save("photon", {BONN: OK})
    with database.session() as session:
        session.execute(
            text("UPDATE tripper.geocode_cache SET created_at = now() - interval '31 days' WHERE query = :query"),
            {"query": BONN},
        )

    known = cache.load("google", [BONN, ATLANTIS])

    assert known == {ATLANTIS: OK}
    assert GeocodeCacheTable(database).load("google", [BONN]) == {}
    assert GeocodeCacheTable(database).load("photon", [BONN]) == {BONN: OK}


def test_a_new_answer_takes_the_place_of_the_old(database: Database) -> None:
    cache = GeocodeCacheTable(database)
    cache.save("offline", {BONN: GeocodeAnswer(geocoding=Geocoding(status="ambiguous"))})

    cache.save("offline", {BONN: OK})

    assert cache.load("offline", [BONN]) == {BONN: OK}


def test_an_answer_that_another_version_wrote_is_asked_anew(database: Database) -> None:
    cache = GeocodeCacheTable(database)
    cache.save("offline", {BONN: OK})
    with database.connection() as connection:
        connection.execute(text("""UPDATE tripper.geocode_cache SET answer = '{"mood": 1}'"""))

    assert cache.load("offline", [BONN]) == {}


def test_vectors_come_back_bit_for_bit(database: Database) -> None:
    cache = EmbeddingCacheTable(database)
    vectors = {
        f"{number:064d}": np.random.default_rng(number).normal(size=384).astype(np.float32) for number in range(3)
    }

    cache.save("minilm", vectors)

    found = cache.load("minilm", [*vectors, "unknown"])
    assert {name: vector.tobytes() for name, vector in found.items()} == {
        name: vector.tobytes() for name, vector in vectors.items()
    }
    assert all(vector.dtype == np.float32 and vector.flags.writeable for vector in found.values())
    assert cache.load("other", list(vectors)) == {}


def test_a_known_text_keeps_its_vector(database: Database) -> None:
    cache = EmbeddingCacheTable(database)
    cache.save("minilm", {"a": np.ones(3, dtype=np.float32)})

    cache.save("minilm", {"a": np.zeros(3, dtype=np.float32)})
    cache.save("minilm", {})

    assert cache.load("minilm", ["a"])["a"].tolist() == [1, 1, 1]


def test_a_vector_with_nan_is_refused_at_the_door(database: Database) -> None:
    with pytest.raises(PermanentError, match="holds NaN or infinity"):
        EmbeddingCacheTable(database).save("minilm", {"a": np.array([1, np.nan], dtype=np.float32)})


def stored(url: str = "https://zoo.example/seal.jpg", **fields: object) -> KnownImage:
    values = {
        "status": "stored", "etag": '"1"', "body_sha256": "b" * 64, "contentUrl": "file:///seal.webp", "sha256": "a" * 64,
        "width": 640, "height": 480, "encodingFormat": "image/webp", "bytes": 1234, "blurhash": "LEHV6nWB2yk8",
        "dominant_colour": "#336699", "perceptual_hash": "ff00" * 4, "received_bytes": 99, "duration_seconds": 0.25, "checked_at": AT,
        "thumbnail": {"contentUrl": "file:///small.webp", "sha256": "c" * 64, "width": 320, "height": 240},
    }  # fmt: skip
    return KnownImage.model_validate({"sourceUrl": url, **values, **fields})


def test_pictures_come_back_as_they_were_saved(database: Database) -> None:
    media = MediaTable(database)
    rejected = KnownImage(sourceUrl="https://zoo.example/logo.svg", status="rejected", reason="svg", checked_at=AT)

    media.save([stored(), rejected])
    media.save([])

    assert media.load([stored().sourceUrl, rejected.sourceUrl, "https://zoo.example/unknown"]) == {
        stored().sourceUrl: stored(),
        rejected.sourceUrl: rejected,
    }


def test_saving_the_same_pictures_again_writes_no_row(database: Database) -> None:
    media = MediaTable(database)
    media.save([stored()])
    before = version(database)

    media.save([stored(), stored()])
    assert version(database) == before

    media.save([stored(etag='"2"')])
    assert media.load([stored().sourceUrl])[stored().sourceUrl].etag == '"2"'


def version(database: Database) -> str | None:
    with database.connection() as connection:
        return connection.scalar(text("SELECT ctid::text || xmin::text FROM tripper.media"))


def test_who_saw_a_picture_first_is_kept_where_the_catalog_knows_them(database: Database) -> None:
    site = SourceRegistry(database).add(make_source("https://zoo.example/"))

    MediaTable(database).save([stored()], source_key=site.key, workflow_id="never-tracked")

    with database.connection() as connection:
        row = connection.execute(text("SELECT source_key, workflow_id, location_id FROM tripper.media")).one()
    assert tuple(row) == (site.key, None, None)


def test_a_picture_is_of_the_location_that_its_workflow_is_for_else_of_its_sources(database: Database) -> None:
    registry, media = SourceRegistry(database), MediaTable(database)
    for name in ("bonn", "ulm"):
        registry.add_location(Location(id=name, name=name.title(), country_code="DE"))
    site = registry.add(make_source("https://zoo.example/", location_id="bonn"))
    Workflows(database).start(
        Workflow(
            id="w1",
            source_key=site.key,
            source_url=site.url,
            status="running",
            config={},
            location_id="ulm",
            created_at=AT,
        )
    )

    media.save([stored()], source_key=site.key)
    media.save([stored("https://zoo.example/owl.jpg")], source_key=site.key, workflow_id="w1")
    media.save([stored("https://zoo.example/owl.jpg", etag="new")], source_key=site.key)

    with database.connection() as connection:
        rows = connection.execute(text("SELECT location_id, workflow_id FROM tripper.media ORDER BY source_url DESC"))
        assert [tuple(row) for row in rows] == [("bonn", None), ("ulm", "w1")]


def test_odd_text_in_headers_does_not_lose_a_picture(database: Database) -> None:
    media = MediaTable(database)

    media.save([stored(etag="a\0b"), stored("https://zoo.example/?" + "漢" * 2000)])

    assert media.load([stored().sourceUrl])[stored().sourceUrl].etag == "ab"
