"""The statements that write activities within one transaction: staging, upsert with history, tombstones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Cursor, sql
from psycopg.rows import TupleRow

from tripper_assets.catalog.activity_rows import COLUMNS, is_uuid
from tripper_assets.catalog.database import PgConnection
from tripper_assets.catalog.import_tally import Known
from tripper_assets.domain.errors import NotFoundError
from tripper_assets.domain.model import ActivityId, SourceKey

BULK_LINES = 200
"""From so many written lines on an import is a bulk load."""
PENDING_LIST_KILOBYTES = 16_384
"""What a GIN index takes before its entries are sorted in: the default's 4 MB cost a third of a load, and a search reads all of it."""
KNOWN_ROWS_AT_ONCE = 5_000
GIN_INDEXES = ("ix_activities_search", "ix_activities_name_plain", "ix_activities_record", "ix_activities_tags")


@dataclass
class Writing:
    """A transaction that writes activities of one source, and the values that all its statements need."""

    connection: PgConnection
    source_key: SourceKey
    workflow_id: str | None
    """None where the workflow that wrote a row is gone."""
    bundle_sha256: str
    at: datetime
    _is_staged: bool = field(default=False, init=False)

    def run(self, statement: LiteralString | sql.Composed, **values: Any) -> Cursor[TupleRow]:  # noqa: ANN401 (query parameters)
        """Execute ``statement`` with the transaction's own values beside ``values``."""
        own = {"source": self.source_key, "workflow": self.workflow_id, "bundle": self.bundle_sha256, "at": self.at}
        return self.connection.execute(statement, own | values)

    def wait_for_turn(self) -> None:
        """Wait until no other import of the source is under way; it sees the rows that the other one left."""
        self.run("SELECT pg_advisory_xact_lock(hashtextextended('import ' || %(source)s, 0))")

    def check_known(self) -> None:
        """Check that source and workflow are there.

        Raises:
            NotFoundError: one of them is not.
        """
        if self.run("SELECT 1 FROM tripper.sources WHERE key = %(source)s").fetchone() is None:
            raise NotFoundError(
                f"Importing into {self.source_key} needs the source in the registry; add it with `tripper sources add URL`."
            )
        if self.run("SELECT 1 FROM tripper.workflows WHERE id = %(workflow)s").fetchone() is None:
            raise NotFoundError(
                f"Importing into {self.source_key} names the workflow {self.workflow_id}, which is not in the catalog; "
                "`tripper status` lists those that are."
            )

    def known_rows(self) -> dict[ActivityId, Known]:
        """Return what is known of every row of the source."""
        # By a cursor of the server: of 100,000 rows the whole answer would stand in memory beside what is made of it.
        with self.connection.cursor("known_rows") as rows:
            rows.itersize = KNOWN_ROWS_AT_ONCE
            rows.execute(_KNOWN, {"source": self.source_key})
            return {found: Known(*rest) for found, *rest in rows}

    def foreign(self, ids: Sequence[ActivityId]) -> set[ActivityId]:
        """Return the ids that are rows of another source."""
        wanted = [UUID(one) for one in ids if is_uuid(one)]
        if not wanted:
            return set()
        rows = self.run(
            "SELECT id::text FROM tripper.activities WHERE id = ANY(%(ids)s::uuid[]) AND source_key <> %(source)s",
            ids=wanted,
        )
        return {found for (found,) in rows}

    def put(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows in the order of COLUMNS, and what they change into the history."""
        if not rows:
            return
        if self._is_staged:
            self.run("TRUNCATE incoming")
        else:
            self.run("CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT * FROM tripper.activities WITH NO DATA")
            self._is_staged = True
        if len(rows) >= BULK_LINES:
            self.run("SELECT set_config('gin_pending_list_limit', %(limit)s, true)", limit=str(PENDING_LIST_KILOBYTES))
        with self.connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(list(COLUMNS.values()))
            for row in rows:
                copy.write_row(row)
        self.run(_UPSERT)

    def remove(self, ids: Sequence[UUID]) -> None:
        """Make tombstones."""
        if ids:
            self.run(_REMOVE, ids=list(ids))

    def note_bundle(self) -> None:
        """Have the source remember which bundle its rows are from."""
        self.run(_NOTE_BUNDLE)


_KNOWN = """
    SELECT id::text, content_sha256, record_sha256, removed_at IS NOT NULL FROM tripper.activities WHERE source_key = %(source)s
"""
_NAMES = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
_COPY = sql.SQL("COPY incoming ({}) FROM STDIN (FORMAT BINARY)").format(_NAMES)
_FRESH = sql.SQL(", ").join(
    sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in (*COLUMNS, "name_plain", "search")
)
# The guard makes the statement repeatable by itself. A row whose position or provenance alone changed is refreshed, so that it
# equals its line, and keeps the time and the workflow of what it says. The history reads the old rows: no part of a statement sees
# what another part of it wrote. The full text is made of a record that is unpacked once, and not for each field that goes into it.
_UPSERT = sql.SQL("""
    WITH told AS (
        INSERT INTO tripper.activity_history (activity_id, workflow_id, bundle_sha256, change, changed_fields, before, at)
        SELECT new.id, %(workflow)s, %(bundle)s, CASE WHEN old.id IS NULL THEN 'inserted' ELSE 'updated' END, ARRAY(
            SELECT key FROM jsonb_each(old.record) AS a FULL JOIN jsonb_each(new.record) AS b USING (key)
            WHERE old.id IS NOT NULL AND a.value IS DISTINCT FROM b.value
                AND key NOT IN ('index', 'provenance', 'content_sha256')
            ORDER BY key
        ), old.record, %(at)s
        FROM incoming AS new LEFT JOIN tripper.activities AS old USING (id)
        WHERE old.id IS NULL OR old.removed_at IS NOT NULL OR old.content_sha256 <> new.content_sha256
        ORDER BY new.id
    )
    INSERT INTO tripper.activities AS held ({names}, name_plain, search, first_seen_at, updated_at, workflow_id)
    SELECT {names}, tripper.plain(left(name, 1000)), tripper.search_of(whole), %(at)s, %(at)s, %(workflow)s
    FROM (SELECT *, record || '{{}}' AS whole FROM incoming OFFSET 0) AS unpacked ORDER BY id
    ON CONFLICT (id) DO UPDATE SET {fresh}, removed_at = NULL,
        updated_at = CASE WHEN held.removed_at IS NULL AND held.content_sha256 = excluded.content_sha256
            THEN held.updated_at ELSE excluded.updated_at END,
        workflow_id = CASE WHEN held.removed_at IS NULL AND held.content_sha256 = excluded.content_sha256
            THEN held.workflow_id ELSE excluded.workflow_id END
    WHERE held.removed_at IS NOT NULL OR held.record_sha256 <> excluded.record_sha256
""").format(names=_NAMES, fresh=_FRESH)
_REMOVE = """
    WITH gone AS (
        UPDATE tripper.activities SET removed_at = %(at)s, workflow_id = %(workflow)s
        WHERE id = ANY(%(ids)s) RETURNING id, record
    )
    INSERT INTO tripper.activity_history (activity_id, workflow_id, bundle_sha256, change, before, at)
    SELECT id, %(workflow)s, %(bundle)s, 'removed', record, %(at)s FROM gone ORDER BY id
"""
_NOTE_BUNDLE = """
    UPDATE tripper.sources SET bundle_sha256 = %(bundle)s, imported_at = %(at)s
    WHERE key = %(source)s AND bundle_sha256 <> %(bundle)s
"""
