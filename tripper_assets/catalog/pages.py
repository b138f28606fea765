"""The page states of a source between two crawls."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.models import PageRow
from tripper_assets.catalog.storable import storable
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.model import SourceKey
from tripper_assets.domain.pages import PageState

KEYS = ("source_key", "url_sha256")


class Pages:
    """What is known of the pages of every source in one catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, source_key: SourceKey) -> dict[str, PageState]:
        """Return the pages of a source by URL; gone ones, and those that this version cannot read, are absent."""
        statement = select(PageRow).where(PageRow.source_key == source_key, PageRow.gone_at.is_(None))
        with self._database.session() as session:
            states = [_state(row) for row in session.scalars(statement)]
        return {state.url: state for state in states if state is not None}

    def save(self, source_key: SourceKey, states: Iterable[PageState]) -> None:
        """Write the states of pages, one that was gone is back; a row is touched only where it says something new."""
        rows = sorted((_row(source_key, state) for state in states), key=lambda row: row["url_sha256"])
        if not rows:
            return
        statement = insert(PageRow)
        fresh = {name: statement.excluded[name] for name in rows[0] if name not in KEYS}
        changed = or_(*(getattr(PageRow, name).is_distinct_from(value) for name, value in fresh.items()))
        upsert = statement.on_conflict_do_update(index_elements=KEYS, set_=fresh, where=changed)
        with self._database.session() as session:
            session.execute(upsert, rows)

    def forget(self, source_key: SourceKey, urls: Sequence[str], at: datetime) -> None:
        """Note that pages answered 404 or 410: they are no longer loaded."""
        hashes = [text_sha256(url) for url in urls]
        gone = update(PageRow).where(
            PageRow.source_key == source_key, PageRow.url_sha256 == func.any(hashes), PageRow.gone_at.is_(None)
        )
        with self._database.session() as session:
            session.execute(gone.values(gone_at=at))


def _row(source_key: SourceKey, state: PageState) -> dict[str, Any]:
    fields = state.model_dump(mode="json", exclude={"extraction", "fetched_at"})
    return {
        **storable(fields),
        "source_key": source_key,
        "url_sha256": text_sha256(state.url),
        "fetched_at": state.fetched_at,
        "extraction": storable(state.extraction.model_dump(mode="json", exclude_defaults=True)),
        "gone_at": None,
    }


def _state(row: PageRow) -> PageState | None:
    fields = {name: getattr(row, name) for name in PageState.model_fields}
    try:
        return PageState.model_validate(fields)
    except ValidationError:
        return None  # written by another version; the page is fetched anew, as an unknown one is
