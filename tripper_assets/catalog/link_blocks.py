"""Where linking looks: the facts of activities as their rows say them now, and those of other sources in the same blocks."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert

from tripper_assets.catalog.link_models import LinkKeyRow
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.link_facts import LinkFacts, facts_of
from tripper_assets.domain.model import ActivityId, SourceKey


class LinkBlocks:
    """The blocks of one catalog within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._content: dict[ActivityId, str] = {}
        # The planner takes an overlap of arrays for cheap, and reads the whole table element by element: minutes, and not milliseconds.
        connection.execute(
            text("SELECT set_config('enable_seqscan', 'off', true), set_config('work_mem', '64MB', true)")
        )

    def load(self, ids: Iterable[ActivityId]) -> dict[ActivityId, LinkFacts]:
        """Return the facts of activities by id; what is removed, or of a removed source, is not among them."""
        rows = self._connection.execute(text(_RECORDS), {"ids": sorted(ids)})
        found = [Activity.model_validate(record) for (record,) in rows]
        self._content |= {one.id: one.content_sha256 for one in found}
        return {one.id: facts_of(one) for one in found}

    def mates(
        self, frontier: Sequence[LinkFacts], known: Mapping[ActivityId, LinkFacts]
    ) -> dict[ActivityId, LinkFacts]:
        """Return the facts of those of other sources that share a block with one of ``frontier`` and are not known yet."""
        keys: dict[SourceKey, set[int]] = {}
        for one in frontier:
            keys.setdefault(one.source_key, set()).update(one.keys)
        found: set[ActivityId] = set()
        for source, wanted in sorted(keys.items()):
            found |= set(self._connection.scalars(text(_MATES), {"keys": sorted(wanted), "source": source}))
        return self.load(found - known.keys())

    def note(self, compared: Sequence[LinkFacts], gone: Sequence[ActivityId]) -> None:
        """Write in which blocks the compared are, as their records say now, and that the gone are in none."""
        if gone:
            self._connection.execute(text(_FORGET), {"ids": list(gone)})
        rows = [
            {"activity_id": one.id, "source_key": one.source_key, "content_sha256": self._content[one.id], "keys": sorted(one.keys)}
            for one in compared
        ]  # fmt: skip
        if rows:
            upsert = insert(LinkKeyRow)
            fresh = {name: upsert.excluded[name] for name in ("source_key", "content_sha256", "keys")}
            self._connection.execute(upsert.on_conflict_do_update(index_elements=["activity_id"], set_=fresh), rows)


# What is not compared stays behind: descriptions and provenance are most of a record.
_RECORDS = """
    SELECT (record - '{description,keywords,category,offers,image,tags,embedding,provenance,attribution}'::text[])
        || jsonb_build_object('content_sha256', content_sha256)
    FROM tripper.activities WHERE id = ANY(CAST(:ids AS uuid[])) AND removed_at IS NULL
        AND EXISTS (SELECT FROM tripper.sources WHERE key = source_key AND sources.removed_at IS NULL)
"""
_MATES = """
    SELECT activity_id::text FROM tripper.activity_link_keys
    WHERE keys && CAST(:keys AS bigint[]) AND source_key <> :source
"""
_FORGET = "DELETE FROM tripper.activity_link_keys WHERE activity_id = ANY(CAST(:ids AS uuid[]))"
