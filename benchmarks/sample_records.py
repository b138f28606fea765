"""The records that the import writes: final records as a real source gives them, with a vector each, made from numbers."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from benchmarks.sample_pages import PLACES, TOPICS, WORDS
from tripper_assets.domain.activities import Activity, Embedding
from tripper_assets.domain.identity import activity_id, content_sha256, ids_sha256, text_sha256
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.sources import Source

MODEL, DIMENSIONS = "benchmark", 1_536
FIRST_DAY = date(2026, 4, 1)


def records_of(source: Source, count: int) -> list[Activity]:
    """Return records of about 1.5 KB, ordered by id as the final JSONL is."""
    made = sorted((_record(source, number) for number in range(count)), key=lambda one: one.id)
    return [one.model_copy(update={"index": index}) for index, one in enumerate(made)]


def changed(records: Sequence[Activity], every: int) -> list[Activity]:
    """Return the records with another description, and so another text to embed, in one of ``every``."""
    return [
        _hashed(one.model_copy(update={"description": f"New: {one.description}", "embedding": _embedding(f"{one.id} new")}))
        if place % every == 0
        else one
        for place, one in enumerate(records)
    ]  # fmt: skip


def vectors_of(records: Sequence[Activity]) -> EmbeddingsMap:
    """Return a unit vector for each record."""
    vectors = np.random.default_rng(7).standard_normal((len(records), DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = tuple(one.id for one in records)
    texts = tuple(one.embedding.text_sha256 if one.embedding else "" for one in records)
    return EmbeddingsMap(ids_sha256(ids), MODEL, ids, texts, vectors)


def _record(source: Source, number: int) -> Activity:
    url = f"{source.url}events/{number}"
    identifier = activity_id(source.key, f"url:{url}")
    return _hashed(
        Activity.model_validate(
            {"id": identifier, "index": number, "source_key": source.key, "source_url": source.url, "url": url}
            | {"type": "ChildrensEvent", "embedding": _embedding(identifier)}
            | _stated(number, url)
        )
    )


def _stated(number: int, url: str) -> dict[str, object]:
    day = FIRST_DAY + timedelta(days=number % 90)
    place = PLACES[number % len(PLACES)]
    address = {"streetAddress": f"Mill Lane {number % 90 + 1}", "addressLocality": "Leeds", "addressCountry": "GB"}
    latitude, longitude = 53.8 + number % 100 / 1000, -1.5 + number % 70 / 1000
    told = {"method": "json-ld", "page": url, "page_sha256": text_sha256(url), "evidence": place}
    return {
        "name": f"{TOPICS[number % len(TOPICS)]} {number}",
        "description": " ".join(WORDS[(number + part * 7) % len(WORDS)] for part in range(60)),
        "inLanguage": "en",
        "category": ("Workshop",),
        "keywords": ("children", "family", "spring"),
        "startDate": f"{day}T15:00:00+01:00",
        "endDate": f"{day}T16:30:00+01:00",
        "location": {"name": place, "address": address},
        "geometry": {"coordinates": (longitude, latitude)},
        "geocoding": {"status": "ok", "type": "locality", "accuracy": "locality", "provider": "offline"},
        "offers": ({"price": f"{number % 9}.50", "priceCurrency": "GBP"},),
        "ageRange": {"minValue": 4, "maxValue": 10},
        "image": (_picture(url),),
        "provenance": dict.fromkeys(("name", "startDate", "location"), told),
    }


def _picture(url: str) -> dict[str, object]:
    stored = {
        "contentUrl": f"file:///media/{text_sha256(url)}.webp",
        "sha256": text_sha256(url),
        "encodingFormat": "image/webp",
    }
    return {
        "sourceUrl": f"{url}/picture.jpg",
        "width": 1024,
        "height": 768,
        "blurhash": "LEHV6nWB2yk8pyo0adR*",
        **stored,
    }


def _embedding(text: str) -> Embedding:
    return Embedding(model=MODEL, dimensions=DIMENSIONS, text_sha256=text_sha256(text))


def _hashed(record: Activity) -> Activity:
    return record.model_copy(update={"content_sha256": content_sha256(record.dump())})
