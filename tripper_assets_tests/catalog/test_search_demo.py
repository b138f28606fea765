"""Questions to what the sample site tells, with the real local model: the fused ranking gains at least what each ranking gains alone."""

from collections.abc import Callable
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

import pytest

from benchmarks.search_questions import ndcg
from tripper_assets.catalog.search import search
from tripper_assets.catalog.search_conditions import conditions
from tripper_assets.catalog.search_rankings import Asked, by_meaning, by_most_words, by_name, by_words, tune
from tripper_assets.catalog.search_words import wanted_words
from tripper_assets.clients.local_embedder import LocalEmbedder
from tripper_assets.demo.content import town
from tripper_assets.domain.activities import Activity, Place, PostalAddress
from tripper_assets.domain.embeddings import embedding_text
from tripper_assets.domain.identity import ids_sha256, text_sha256
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.search import SearchFilters
from tripper_assets_tests.catalog.conftest import Site

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
GOLDEN: dict[str, tuple[str, ...]] = {
    "dinosaurs and fossils": ("dinosaur-night",),
    "dinosour nigth": ("dinosaur-night",),
    "planets and stars": ("star-theatre", "mars-mission"),
    "space travel for kids": ("mars-mission", "star-theatre"),
    "skulls and insects": ("bones-and-beetles",),
    "dolls": ("puppet-museum",),
    "ancient Egypt": ("mumien",),
    "excavation of Roman things": ("archaeology-dig",),
    "feeding animals": ("animal-feeding",),
    "Tiere füttern": ("animal-feeding",),
    "bats at night": ("bat-walk",),
    "cooking over a fire": ("forest-kitchen",),
    "honey": ("bee-morning",),
    "storks": ("storchentag", "shadow-theatre"),
    "hedgehog": ("igelhaus",),
    "Igel": ("igelhaus",),
    "owls": ("owl-evening", "black-forest-zoo"),
    "Eulen": ("owl-evening", "black-forest-zoo"),
    "classical music": ("peter-and-the-wolf", "kinderkonzert", "organ-for-kids"),
    "reading books aloud": ("story-tuesday",),
    "Kasperle": ("kasperl",),
    "juggling": ("circus-week",),
    "swimming lessons": ("learn-to-swim",),
    "babies in the water": ("baby-swim",),
    "boat trip on the Rhine": ("river-port-tour",),
    "Schatztauchen": ("freibad-fest",),
    "clay bowls": ("pottery-saturday",),
    "programming": ("robot-lab",),
    "woodwork": ("carpenters-bench",),
    "baking bread": ("holiday-bakery", "forest-kitchen"),
    "stop motion film": ("trickfilm",),
    "climbing": ("climbing-kids",),
    "balance bicycle": ("balance-bike-race",),
    "linocut printing": ("druckwerkstatt",),
}
"""The events that answer each question, the best first."""


def _activity(site: Site, one: Any) -> Activity:
    place = town().places[one.place]
    return site.activity(
        one.name,
        id=site.activity(one.slug).id,
        description=one.text,
        inLanguage=one.lang,
        category=(one.category,),
        location=Place(name=place.name, address=PostalAddress(addressLocality=place.town)),
    )


@pytest.fixture
def ask(site: Site) -> Callable[[str], dict[str, list[str]]]:
    """Imports the sample site's events, and answers a question by each ranking and by all."""
    slugs = {site.activity(one.slug).id: one.slug for one in town().activities}
    records = [_activity(site, one) for one in town().activities]
    embedder = LocalEmbedder(threads=2)
    texts = [embedding_text(one) for one in records]
    ids = tuple(one.id for one in records)
    made = EmbeddingsMap(ids_sha256(ids), embedder.model, ids, tuple(map(text_sha256, texts)), embedder.embed(texts))
    site.load(records, made)

    def ask(text: str) -> dict[str, list[str]]:
        vector = embedder.embed([text])[0]
        with site.database.connection() as connection:
            tune(connection)
            asked = Asked(connection, conditions(SearchFilters(), now=NOW), 100)
            wanted = wanted_words(connection, text)
            found = {
                "words": list(dict.fromkeys([*by_words(asked, wanted), *by_most_words(asked, wanted, text)])),
                "name": list(by_name(asked, text)),
                "meaning": list(by_meaning(asked, vector, embedder.model)),
            }
        page = search(site.database, text=text, vector=vector, model=embedder.model, now=NOW)
        found["fused"] = [hit.id for hit in page.hits]
        return {leg: [slugs[one] for one in ranking] for leg, ranking in found.items()}

    return ask


@pytest.mark.long
def test_with_the_real_model_the_fused_ranking_gains_at_least_what_each_gains_alone(
    ask: Callable[[str], dict[str, list[str]]],
) -> None:
    gains: dict[str, list[float]] = {}
    for text, slugs in GOLDEN.items():
        wanted = {slug: float(len(slugs) - place) for place, slug in enumerate(slugs)}
        for leg, ranking in ask(text).items():
            gains.setdefault(leg, []).append(ndcg(ranking, wanted))

    means = {leg: fmean(found) for leg, found in gains.items()}
    assert means["fused"] >= max(means["words"], means["name"], means["meaning"]), means
    assert means["fused"] > 0.85, means
