"""What was asked before and need not be asked again: places, vectors and pictures, by the hash of the question."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError
from sqlalchemy import ARRAY, ColumnElement, Text, bindparam, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.models import EmbeddingCacheRow, GeocodeCacheRow, MediaRow, SourceRow, WorkflowRow
from tripper_assets.catalog.storable import storable
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.geocoding import GeocodeAnswer
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.images import KnownImage
from tripper_assets.domain.model import SourceKey

LITTLE_ENDIAN = np.dtype("<f4")
HASHES = bindparam("hashes", type_=ARRAY(Text))


class GeocodeCacheTable:
    """Answers of geocoders by provider and question; an outage is no answer and is never kept."""

    def __init__(self, database: Database, *, keep_days: int | None = None) -> None:
        self._database = database
        self._keep_days = keep_days

    def within(self, keep_days: int | None) -> "GeocodeCacheTable":
        """Return the same cache for a provider whose answers may be kept for so many days; None is for good."""
        return GeocodeCacheTable(self._database, keep_days=keep_days)

    def expire(self, providers: str, keep_days: int) -> int:
        """Remove the answers of providers whose names begin so that are older than ``keep_days``, and return how many."""
        statement = delete(GeocodeCacheRow).where(
            GeocodeCacheRow.provider.startswith(providers, autoescape=True), _is_older(keep_days)
        )
        with self._database.session() as session:
            return len(session.execute(statement.returning(GeocodeCacheRow.query_sha256)).all())

    def load(self, provider: str, queries: Sequence[str]) -> dict[str, GeocodeAnswer]:
        """Return the known answers by question; an answer that this version cannot read is absent."""
        hashes = {text_sha256(query): query for query in queries}
        statement = select(GeocodeCacheRow.query_sha256, GeocodeCacheRow.answer).where(
            GeocodeCacheRow.provider == provider, GeocodeCacheRow.query_sha256 == HASHES.any_()
        )
        if self._keep_days is not None:
            self.expire(provider, self._keep_days)
        with self._database.session() as session:
            rows = session.execute(statement, {"hashes": list(hashes)}).all()
        answers = {hashes[found]: _answer(answer) for found, answer in rows}
        return {query: answer for query, answer in answers.items() if answer is not None}

    def save(self, provider: str, answers: Mapping[str, GeocodeAnswer]) -> None:
        """Keep the answers, except deferred ones."""
        rows = [
            {
                "provider": provider,
                "query_sha256": text_sha256(query),
                "query": storable(query),
                "answer": storable(answer.model_dump(mode="json")),
            }
            for query, answer in sorted(answers.items())
            if answer.geocoding.status != "deferred"
        ]
        statement = insert(GeocodeCacheRow)
        upsert = statement.on_conflict_do_update(
            index_elements=["provider", "query_sha256"],
            set_={"answer": statement.excluded.answer, "created_at": func.now()},
            where=GeocodeCacheRow.answer.is_distinct_from(statement.excluded.answer),
        )
        if rows:
            with self._database.session() as session:
                session.execute(upsert, rows)


def _is_older(days: int) -> ColumnElement[bool]:
    return GeocodeCacheRow.created_at < func.now() - timedelta(days=days)


def _answer(value: dict[str, Any]) -> GeocodeAnswer | None:
    try:
        return GeocodeAnswer.model_validate(value)
    except ValidationError:
        return None  # written by another version; the question is asked anew


class EmbeddingCacheTable:
    """Vectors by model and the hash of their text."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, model: str, text_sha256s: Collection[str]) -> set[str]:
        """Return the hashes of the texts whose vectors are known."""
        statement = select(EmbeddingCacheRow.text_sha256).where(
            EmbeddingCacheRow.model == model, EmbeddingCacheRow.text_sha256 == HASHES.any_()
        )
        with self._database.session() as session:
            return set(session.scalars(statement, {"hashes": list(text_sha256s)}))

    def load(self, model: str, text_sha256s: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the known vectors by the hash of their text, bit for bit as they were saved."""
        statement = select(EmbeddingCacheRow.text_sha256, EmbeddingCacheRow.vector).where(
            EmbeddingCacheRow.model == model, EmbeddingCacheRow.text_sha256 == HASHES.any_()
        )
        with self._database.session() as session:
            rows = session.execute(statement, {"hashes": list(text_sha256s)}).all()
        return {found: np.frombuffer(vector, dtype=LITTLE_ENDIAN).astype(np.float32) for found, vector in rows}

    def save(self, model: str, vectors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Keep the vectors; a text that is known keeps the vector it has.

        Raises:
            PermanentError: a vector holds a value that is no number.
        """
        rows = [_vector_row(model, found, vector) for found, vector in sorted(vectors.items())]
        if rows:
            with self._database.session() as session:
                session.execute(insert(EmbeddingCacheRow).on_conflict_do_nothing(), rows)


def _vector_row(model: str, found: str, vector: npt.NDArray[np.float32]) -> dict[str, Any]:
    if not np.isfinite(vector).all():
        raise PermanentError(
            f"Keeping the vector of the text {found[:12]}… by {model} is refused: it holds NaN or infinity; embed it again."
        )
    data = vector.astype(LITTLE_ENDIAN).tobytes()
    return {"model": model, "text_sha256": found, "dimensions": vector.size, "vector": data}


NAMES = {"sourceUrl": "source_url", "contentUrl": "content_url", "encodingFormat": "encoding_format"}
"""Fields of a known image whose columns are called otherwise."""


class MediaTable:
    """Every picture's URL that was ever asked for, with its validators and what became of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, urls: Sequence[str]) -> dict[str, KnownImage]:
        """Return what is known by URL."""
        hashes = {text_sha256(url): url for url in urls}
        statement = select(MediaRow).where(MediaRow.url_sha256 == HASHES.any_())
        with self._database.session() as session:
            rows = session.scalars(statement, {"hashes": list(hashes)}).all()
        return {hashes[row.url_sha256]: _image(row) for row in rows}

    def save(
        self,
        images: Sequence[KnownImage],
        *,
        workflow_id: str | None = None,
        source_key: SourceKey | None = None,
    ) -> None:
        """Keep what became of the pictures; a row is touched only where it says something new.

        ``workflow_id`` and ``source_key`` are kept of who saw a picture first, where the catalog knows them, with the location of either.
        """
        by_hash = {text_sha256(image.sourceUrl): image for image in images}
        rows = [media_values(image) | {"url_sha256": found} for found, image in sorted(by_hash.items())]
        if not rows:
            return
        seen_by = _seen_by(workflow_id, source_key)
        statement = insert(MediaRow).values({**{name: bindparam(name) for name in rows[0]}, **seen_by})
        fresh = {name: statement.excluded[name] for name in rows[0] if name != "url_sha256"}
        changed = or_(*(getattr(MediaRow, name).is_distinct_from(value) for name, value in fresh.items()))
        upsert = statement.on_conflict_do_update(index_elements=["url_sha256"], set_=fresh, where=changed)
        with self._database.session() as session:
            session.execute(upsert, rows)


def _seen_by(workflow_id: str | None, source_key: SourceKey | None) -> dict[str, ColumnElement[Any]]:
    """Return the columns that say who saw a picture; what the catalog does not know stays empty."""
    workflow, source = WorkflowRow.id == workflow_id, SourceRow.key == source_key
    locations = (
        select(WorkflowRow.location_id).where(workflow).scalar_subquery(),
        select(SourceRow.location_id).where(source).scalar_subquery(),
    )
    return {
        "workflow_id": select(WorkflowRow.id).where(workflow).scalar_subquery(),
        "source_key": select(SourceRow.key).where(source).scalar_subquery(),
        "location_id": func.coalesce(*locations),
    }


def media_values(image: KnownImage) -> dict[str, Any]:
    """Return a picture's columns."""
    fields: dict[str, Any] = storable(image.model_dump(mode="python"))
    return {NAMES.get(name, name): value for name, value in fields.items()}


def _image(row: MediaRow) -> KnownImage:
    return KnownImage.model_validate({name: getattr(row, NAMES.get(name, name)) for name in KnownImage.model_fields})
