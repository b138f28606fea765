"""Which bodies the pages of every source had, when they were last read, and which of them nothing needs any more."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection, bindparam, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from tripper_assets.catalog.crawl_models import PageSnapshotRow
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.storable import storable
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.model import SourceKey
from tripper_assets.domain.snapshots import PageSnapshot

Body: TypeAlias = tuple[str, str]
"""The normalised URL of a page, and the SHA-256 of the body that it had."""
KEYS = ["source_key", "url_sha256", "body_sha256"]
USED_KEPT_FOR = timedelta(hours=12)
"""When a body was last used matters by the day, and is written twice a day."""
LET_GO_LOCK = 0x626F_6479  # "body"; a body is claimed, or let go, and never both at once
SWEEP_LOCK = 0x7377_6570  # "swep"; a second sweep would trust a list of objects that the first one made old


class Snapshots:
    """The kept bodies of one catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, source_key: SourceKey, snapshots: Iterable[PageSnapshot], at: datetime) -> None:
        """Write down which bodies pages have; the same again only says when."""
        rows = sorted((_row(source_key, one, at) for one in snapshots), key=lambda row: row["url_sha256"])
        if rows:
            with self._database.connection() as connection:
                _save(connection, rows)

    def claim(self, source_key: SourceKey, snapshot: PageSnapshot, at: datetime) -> None:
        """Note that a page has a body that is kept already, after whoever may be removing it; nobody removes it from now on."""
        with self._database.connection() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": LET_GO_LOCK})
            _save(connection, [_row(source_key, snapshot, at)])

    def use(self, source_key: SourceKey, bodies: Sequence[Body], at: datetime) -> None:
        """Note that a workflow reads pages with these bodies; what was noted within half a day is left as it is."""
        row = PageSnapshotRow
        mine = update(row).where(row.source_key == source_key, row.used_at < at - USED_KEPT_FOR)
        these = (row.url_sha256 == bindparam("its_url")) & (row.body_sha256 == bindparam("its_body"))
        given = [{"its_url": text_sha256(url), "its_body": sha256} for url, sha256 in bodies]
        if given:
            with self._database.connection() as connection:
                connection.execute(mine.where(these).values(used_at=at), sorted(given, key=lambda one: one["its_url"]))

    def of(self, source_key: SourceKey, bodies: Sequence[Body]) -> dict[str, PageSnapshot]:
        """Return what is known of pages with these bodies, by URL."""
        row = PageSnapshotRow
        keys = [(text_sha256(url), sha256) for url, sha256 in bodies]
        wanted = select(row).where(row.source_key == source_key, tuple_(row.url_sha256, row.body_sha256).in_(keys))
        with self._database.session() as session:
            return {one.url: _snapshot(one) for one in session.scalars(wanted)} if keys else {}

    # What may go

    @contextmanager
    def sweeping(self) -> Generator[bool]:
        """Hold the right to remove bodies until the block ends; False where somebody else has it."""
        with self._database.connection() as connection:
            yield bool(connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": SWEEP_LOCK}))

    def unused(self, since: datetime) -> set[str]:
        """Return the bodies that no page has now and no workflow has read since; a manifest may still name them."""
        with self._database.connection() as connection:
            return set(connection.scalars(text(_UNUSED), {"since": since}))

    def in_use(self, bodies: Sequence[str], since: datetime) -> set[str]:
        """Return those of some bodies that a page has now, or a workflow has read since."""
        with self._database.connection() as connection:
            return set(connection.scalars(text(_IN_USE), {"bodies": list(bodies), "since": since}))

    def let_go(self, bodies: Sequence[str], since: datetime, remove: Callable[[list[str]], object]) -> list[str]:
        """Remove the rows of bodies, and with ``remove`` the bodies themselves, but for those that were claimed meanwhile; return which.

        A crawl that finds one of them kept waits until it is gone, and keeps it anew.
        """
        row = PageSnapshotRow
        with self._database.connection() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LET_GO_LOCK})
            these = select(row.body_sha256).where(row.body_sha256 == func.any(list(bodies)), row.used_at >= since)
            claimed = set(connection.scalars(these))
            going = [one for one in bodies if one not in claimed]
            connection.execute(delete(row).where(row.body_sha256 == func.any(going)))
            remove(going)
        return going


def _save(connection: Connection, rows: list[dict[str, Any]]) -> None:
    statement = insert(PageSnapshotRow)
    fresh: dict[str, Any] = {name: statement.excluded[name] for name in rows[0] if name not in KEYS}
    fresh["used_at"] = func.greatest(PageSnapshotRow.used_at, statement.excluded.used_at)
    connection.execute(statement.on_conflict_do_update(index_elements=KEYS, set_=fresh), rows)


def _row(source_key: SourceKey, snapshot: PageSnapshot, at: datetime) -> dict[str, Any]:
    fields = snapshot.model_dump(mode="json", exclude={"fetched_at"})
    return {
        **storable(fields),
        "source_key": source_key,
        "url_sha256": text_sha256(snapshot.url),
        "fetched_at": snapshot.fetched_at,
        "used_at": at,
    }


def _snapshot(row: PageSnapshotRow) -> PageSnapshot:
    return PageSnapshot.model_validate({name: getattr(row, name) for name in PageSnapshot.model_fields})


_UNUSED = """
    SELECT body_sha256 FROM tripper.page_snapshots GROUP BY body_sha256 HAVING max(used_at) < :since
    EXCEPT SELECT body_sha256 FROM tripper.pages WHERE gone_at IS NULL
"""
_IN_USE = """
    SELECT body_sha256 FROM tripper.pages WHERE gone_at IS NULL AND body_sha256 = ANY(:bodies)
    UNION SELECT body_sha256 FROM tripper.page_snapshots WHERE used_at >= :since AND body_sha256 = ANY(:bodies)
"""
