"""The catalog asked in plain words, for the command, the API and the page alike: what a question means, and what fits it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tripper_assets.catalog.search import search
from tripper_assets.catalog.search_places import stated_countries
from tripper_assets.clients.embeddings import Embedder
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.town_finder import TownFinder
from tripper_assets.domain.search import Question, SearchPage, search_filters
from tripper_assets.extract.questions import read_question
from tripper_assets.resources import Catalog, query_embedder, utc_now
from tripper_assets.settings import Settings


def understood(
    settings: Settings,
    catalog: Catalog,
    text: str,
    stated: Mapping[str, Any],
    *,
    now: datetime,
    literally: bool = False,
) -> Question:
    """Return a question with the filters that its words and ``stated`` state; what is stated counts before a word.

    Raises:
        QuestionRefusedError: a stated filter asks for what no activity can be.
    """
    checked = search_filters(**stated)
    if literally or not text.strip():
        return Question(text=text, meaning=text, filters=checked)
    towns = TownFinder(OfflineGeocoder(settings.home), stated_countries(catalog.database))
    read = read_question(text, now=now, locate=towns.find)
    return read.model_copy(update={"filters": search_filters(**{**_set(read.filters), **_set(checked)})})


def _set(filters: Any) -> dict[str, Any]:  # noqa: ANN401 (SearchFilters)
    return {name: getattr(filters, name) for name in filters.model_fields_set}


def ask(
    settings: Settings,
    catalog: Catalog,
    question: Question,
    *,
    limit: int,
    after: str | None = None,
    now: datetime,
    embedder: Embedder | None = None,
) -> SearchPage:
    """Return what the catalog has for a question; ``embedder`` is one that is open already, else one is opened.

    Raises:
        QuestionRefusedError: the limit or the cursor is none.
        TransientError: the catalog or the embedder does not answer.
    """
    asked: dict[str, Any] = {}
    if question.meaning.strip():
        embedder = embedder or query_embedder(settings, catalog, utc_now)
        asked = {"vector": embedder.embed([question.meaning])[0], "model": embedder.model}
    return search(
        catalog.database, text=question.text, filters=question.filters, limit=limit, after=after, now=now, **asked
    )
