"""The page states of a source between two crawls."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, or_, text, update
from sqlalchemy.dialects.postgresql import insert

from tripper_assets.catalog.crawl_models import PageRow
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.storable import storable
from tripper_assets.domain.activities import Extraction
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.model import SourceKey
from tripper_assets.domain.pages import GonePage, PageState
from tripper_assets.page_file import PageFile

KEYS = ("source_key", "url_sha256")
READ_AT_ONCE = 500
LINKED_KEPT_FOR = timedelta(days=1)
"""When a page was last linked matters by the day, and is written once a day."""
# The two texts of a page file's record, made by the server: 100,000 pages pass through without being read here.
RECORDS = text(
    """
    SELECT url,
      jsonb_build_object(
        'url', url, 'address', address, 'status', status, 'etag', etag, 'last_modified', last_modified,
        'body_sha256', body_sha256, 'content_type', content_type, 'fetched_at', fetched_at, 'checked_at', checked_at,
        'linked_at', linked_at, 'extraction_version', extraction_version,
        'links', COALESCE(extraction->'links', '[]'), 'page', COALESCE(extraction->'page', '{}'),
        'stated', jsonb_array_length(COALESCE(extraction->'activities', '[]'))
      )::text,
      (extraction - ARRAY['links', 'page'])::text
    FROM tripper.pages
    WHERE source_key = :source_key AND gone_at IS NULL AND extraction - CAST(:fields AS text[]) = '{}'
    """
)


class Pages:
    """What is known of the pages of every source in one catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, source_key: SourceKey) -> PageFile:
        """Return the pages of a source by URL; gone ones, and those that this version cannot read, are absent."""
        found = PageFile()
        asked = {"source_key": source_key, "fields": list(Extraction.model_fields)}
        with self._database.session() as session:
            rows = session.execute(RECORDS, asked, execution_options={"yield_per": READ_AT_ONCE})
            for url, header, body in rows:
                found.add_record(url, header.encode(), body.encode())
        return found

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

    def confirm(self, source_key: SourceKey, urls: Sequence[str], at: datetime) -> None:
        """Note that the site said that pages are as they were read."""
        hashes = [text_sha256(url) for url in urls]
        mine = update(PageRow).where(PageRow.source_key == source_key, PageRow.url_sha256 == func.any(hashes))
        with self._database.session() as session:
            session.execute(mine.values(checked_at=at))

    def linked(self, source_key: SourceKey, urls: Sequence[str], at: datetime) -> None:
        """Note that something leads to pages; one that was noted within a day is left as it is."""
        hashes = [text_sha256(url) for url in urls]
        old = or_(PageRow.linked_at.is_(None), PageRow.linked_at < at - LINKED_KEPT_FOR)
        mine = update(PageRow).where(PageRow.source_key == source_key, PageRow.url_sha256 == func.any(hashes), old)
        with self._database.session() as session:
            session.execute(mine.values(linked_at=at))

    def forget(self, source_key: SourceKey, gone: Sequence[GonePage], at: datetime) -> None:
        """Note that pages are no more, and why: they are no longer loaded."""
        if not gone:
            return
        mine = update(PageRow).where(
            PageRow.source_key == source_key,
            PageRow.url_sha256 == bindparam("its_hash"),
            PageRow.gone_at.is_(None),
        )
        rows = [{"its_hash": text_sha256(page.url), "its_reason": page.reason} for page in gone]
        with self._database.connection() as connection:
            connection.execute(mine.values(gone_at=at, gone_reason=bindparam("its_reason")), rows)


def _row(source_key: SourceKey, state: PageState) -> dict[str, Any]:
    fields = state.model_dump(mode="json", exclude={"extraction", "fetched_at", "checked_at", "linked_at"})
    return {
        **storable(fields),
        "source_key": source_key,
        "url_sha256": text_sha256(state.url),
        "fetched_at": state.fetched_at,
        "checked_at": state.checked_at,
        "linked_at": state.linked_at,
        "extraction": storable(state.extraction.model_dump(mode="json", exclude_defaults=True)),
        "gone_at": None,
        "gone_reason": "",
    }
