"""The same activity on several sites, as the catalog keeps it: decided anew for what changed, undone by a person's word, read by search and export."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert

from tripper_assets.catalog.activity_rows import is_uuid
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.link_blocks import LinkBlocks
from tripper_assets.catalog.link_models import ActivityLinkRow, LinkVerdictRow
from tripper_assets.catalog.storable import storable_text
from tripper_assets.domain.errors import NotFoundError
from tripper_assets.domain.link_facts import LinkFacts
from tripper_assets.domain.links import Edge, LinkGroup, Pair, Verdict, edges, group, pair_of
from tripper_assets.domain.model import ActivityId, Model, SourceKey

BATCH = 2_000
"""Changed activities that are compared in one transaction."""


class LinkedActivity(Model):
    """One member of a group, as a list shows it."""

    id: ActivityId
    source_key: SourceKey
    url: str
    name: str
    score: float
    """Of the surest pair that it is in."""


class LinkedGroup(Model):
    """Activities that are one; the first stands for all, and what is removed or of a removed source is not among them."""

    id: ActivityId
    members: tuple[LinkedActivity, ...]


class LinkTally(Model):
    """What one round of linking did."""

    compared: int = 0
    """Activities that were new or changed since they were compared last."""
    linked: int = 0
    """Those of the compared and their neighbours that are in a group now."""
    changed: int = 0
    """Rows of groups that were written or removed."""


@dataclass(frozen=True)
class _Round:
    """What one transaction decides on."""

    connection: Connection
    at: datetime


class Links:
    """The groups of one catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def update(self, source_key: SourceKey, *, at: datetime) -> LinkTally:
        """Link what changed of a source since it was compared last, and return what that took; a second round does nothing.

        To be called after the import, in a transaction of its own: a link that fails loses no row, and the next round makes it.

        Raises:
            TransientError: the catalog does not answer; whole batches are done or not.
        """
        total = LinkTally()
        while True:
            done = self._database.repeat_undone(lambda: self._batch(source_key, at))
            total = LinkTally(**{name: value + getattr(done, name) for name, value in total.model_dump().items()})
            if done.compared < BATCH:
                return total

    def say(self, a: ActivityId, b: ActivityId, *, is_same: bool, by: str, at: datetime, reason: str = "") -> None:
        """Let a person's word on two activities hold against every likeness, and link or part them at once.

        Raises:
            NotFoundError: one of them is not in the catalog, or they are one row.
        """
        with self._database.connection() as connection:
            _alone(connection)
            _check_pair(connection, a, b)
            _put_verdict(connection, pair_of(a, b), is_same=is_same, by=by, at=at, reason=reason)
            _decide(_Round(connection, at), [a, b], [])

    def part(self, activity_id: ActivityId, *, by: str, at: datetime, reason: str = "") -> int:
        """Take an activity out of its group for good, and return from how many it was parted; 0 where it is in none."""
        with self._database.connection() as connection:
            _alone(connection)
            groups = groups_in(connection, [activity_id] if is_uuid(activity_id) else [])
            others = [one.id for one in groups[activity_id].members if one.id != activity_id] if groups else []
            for other in others:
                _put_verdict(connection, pair_of(activity_id, other), is_same=False, by=by, at=at, reason=reason)
            _decide(_Round(connection, at), [activity_id, *others] if others else [], [])
            return len(others)

    def withdraw(self, a: ActivityId, b: ActivityId, *, by: str, at: datetime) -> bool:
        """End what a person said of two activities, decide on them anew, and return whether anything was said."""
        if not is_uuid(a) or not is_uuid(b):
            return False
        with self._database.connection() as connection:
            _alone(connection)
            ended = _end_verdict(connection, pair_of(a, b), by, at)
            if ended:
                _decide(_Round(connection, at), [a, b], [])
            return ended

    def groups_of(self, ids: Iterable[ActivityId]) -> dict[ActivityId, LinkedGroup]:
        """Return the groups of those activities that are in one."""
        with self._database.connection() as connection:
            return groups_in(connection, [one for one in ids if is_uuid(one)])

    def list(
        self, source_key: SourceKey | None = None, *, after: ActivityId = "", limit: int = 50
    ) -> list[LinkedGroup]:
        """Return the groups in the order of their ids, of one source or of all; ``after`` is the id of the last one that was seen."""
        values = {"source": source_key, "after": after or str(UUID(int=0)), "limit": limit}
        with self._database.connection() as connection:
            first = connection.scalars(text(_GROUPS_LIST), values).all()
            found = groups_in(connection, first)
        unique = {one.id: one for one in found.values()}
        return [unique[one] for one in sorted(unique)]

    def _batch(self, source_key: SourceKey, at: datetime) -> LinkTally:
        with self._database.connection() as connection:
            _alone(connection)
            changed: Sequence[str] = connection.scalars(text(_CHANGED), {"source": source_key, "limit": BATCH}).all()
            gone: Sequence[str] = connection.scalars(text(_GONE), {"source": source_key}).all()
            return _decide(_Round(connection, at), changed, gone)


def _decide(work: _Round, changed: Sequence[ActivityId], gone: Sequence[ActivityId]) -> LinkTally:
    """Decide anew on all that the changed and the gone could be linked with, and write what became different."""
    if not changed and not gone:
        return LinkTally()
    blocks = LinkBlocks(work.connection)
    stored = _stored(work.connection, [*changed, *gone])
    start = blocks.load({*changed, *stored} - set(gone))
    blocks.note([start[one] for one in changed if one in start], gone)
    facts, found, verdicts = _reach(work, blocks, list(start.values()))
    groups = group(facts.values(), found, verdicts)
    wanted = {row["activity_id"]: row for one in groups for row in _rows(one, work.at)}
    known = {**stored, **_stored(work.connection, [one for one in facts if one not in stored])}
    written = _write(work.connection, known, wanted)
    return LinkTally(compared=len(changed), linked=len(wanted), changed=written)


def _reach(
    work: _Round, blocks: LinkBlocks, start: list[LinkFacts]
) -> tuple[dict[ActivityId, LinkFacts], list[Edge], list[Verdict]]:
    """Return all that hangs together with ``start`` by edges: whole groups, so that a part is decided as the whole would be."""
    reached = {one.id: one for one in start}
    found: dict[Pair, Edge] = {}
    verdicts: dict[Pair, Verdict] = {}
    seen = dict(reached)
    frontier = start
    while frontier:
        said = {one.pair: one for one in _verdicts(work.connection, [one.id for one in frontier])}
        verdicts |= said
        seen |= blocks.load({one for pair in said for one in pair} - seen.keys())
        seen |= blocks.mates(frontier, seen)
        new = edges(frontier, list(seen.values()), verdicts.values())
        found |= {edge.pair: edge for edge in new}
        next_ids = {one for edge in new for one in edge.pair} - reached.keys()
        frontier = [seen[one] for one in sorted(next_ids)]
        reached |= {one.id: one for one in frontier}
    return reached, list(found.values()), list(verdicts.values())


def _rows(one: LinkGroup, at: datetime) -> list[dict[str, Any]]:
    return [_row(one, activity_id, position, at) for position, activity_id in enumerate(one.members)]


def _row(one: LinkGroup, activity_id: ActivityId, position: int, at: datetime) -> dict[str, Any]:
    own = [edge for edge in one.edges if activity_id in edge.pair]
    evidence = [
        {"with": next(other for other in edge.pair if other != activity_id), "score": edge.score, "by": edge.by}
        | dict(edge.evidence)
        for edge in own
    ]
    score = max((edge.score for edge in own), default=0.0)
    values = {"activity_id": activity_id, "group_id": one.id, "position": position, "score": score}
    return {**values, "evidence": evidence, "linked_at": at}


def _write(
    connection: Connection, known: Mapping[ActivityId, dict[str, Any]], wanted: Mapping[ActivityId, dict[str, Any]]
) -> int:
    """Write the rows that differ, and return how many; a row that says the same keeps its time."""
    gone = [one for one in known if one not in wanted]
    fresh = [row for one, row in sorted(wanted.items()) if _said(known.get(one)) != _said(row)]
    if gone:
        connection.execute(text(_REMOVE), {"ids": gone})
    if fresh:
        upsert = insert(ActivityLinkRow)
        names = ("group_id", "position", "score", "evidence", "linked_at")
        connection.execute(
            upsert.on_conflict_do_update(
                index_elements=["activity_id"], set_={name: upsert.excluded[name] for name in names}
            ),
            fresh,
        )
    return len(gone) + len(fresh)


def _said(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: value for name, value in row.items() if name != "linked_at"} if row else None


def _alone(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('links', 0))"))


def _stored(connection: Connection, ids: Sequence[ActivityId]) -> dict[ActivityId, dict[str, Any]]:
    """Return the rows of the groups that the ids are in, by activity."""
    rows = connection.execute(text(_STORED), {"ids": [one for one in ids if is_uuid(one)]}).mappings()
    return {str(row["activity_id"]): {str(name): value for name, value in row.items()} for row in rows}


def _verdicts(connection: Connection, ids: Sequence[ActivityId]) -> list[Verdict]:
    rows = connection.execute(text(_VERDICTS), {"ids": [one for one in ids if is_uuid(one)]})
    return [Verdict((first, second), is_same, by) for first, second, is_same, by in rows]


def groups_in(connection: Connection, ids: Sequence[ActivityId]) -> dict[ActivityId, LinkedGroup]:
    """Return the groups of those activities that are in one, as the transaction sees them; ids are UUIDs."""
    groups = connection.scalars(text(_GROUP_IDS), {"ids": list(ids)}).all() if ids else []
    rows = connection.execute(text(_MEMBERS), {"groups": groups}).mappings().all() if groups else []
    members: dict[str, list[LinkedActivity]] = {}
    for row in rows:
        values = {name: row[name] for name in LinkedActivity.model_fields}
        members.setdefault(row["group_id"], []).append(LinkedActivity.model_validate(values))
    found = [LinkedGroup(id=name, members=tuple(one)) for name, one in members.items() if len(one) > 1]
    return {member.id: one for one in found for member in one.members}


def _check_pair(connection: Connection, a: ActivityId, b: ActivityId) -> None:
    for one in (a, b):
        known = is_uuid(one) and connection.scalar(text(_EXISTS), {"id": one})
        if not known:
            raise NotFoundError(f"Linking needs two activities, and {one} is none; `tripper search --json` shows ids.")
    if a == b:
        raise NotFoundError(f"Linking needs two activities, and {a} was given twice; give another one.")


def _put_verdict(connection: Connection, pair: Pair, *, is_same: bool, by: str, at: datetime, reason: str) -> None:
    _end_verdict(connection, pair, by, at)
    said = {"first_id": UUID(pair[0]), "second_id": UUID(pair[1]), "is_same": is_same, "at": at}
    texts = {"by": storable_text(by), "reason": storable_text(reason)}
    connection.execute(insert(LinkVerdictRow).values(**said, **texts))


def _end_verdict(connection: Connection, pair: Pair, by: str, at: datetime) -> bool:
    rows = (
        select(LinkVerdictRow.id)
        .where(LinkVerdictRow.first_id == UUID(pair[0]), LinkVerdictRow.second_id == UUID(pair[1]))
        .where(LinkVerdictRow.removed_at.is_(None))
    )
    ended = update(LinkVerdictRow).where(LinkVerdictRow.id.in_(rows)).returning(LinkVerdictRow.id)
    return bool(connection.scalars(ended.values(removed_by=storable_text(by), removed_at=at)).all())


_CHANGED = """
    SELECT activities.id::text FROM tripper.activities LEFT JOIN tripper.activity_link_keys AS known ON known.activity_id = id
    WHERE activities.source_key = :source AND removed_at IS NULL
        AND EXISTS (SELECT FROM tripper.sources WHERE key = :source AND sources.removed_at IS NULL)
        AND (known.activity_id IS NULL OR known.content_sha256 <> activities.content_sha256)
    ORDER BY activities.id LIMIT :limit
"""
_GONE = """
    SELECT activity_id::text FROM tripper.activity_link_keys JOIN tripper.activities ON id = activity_id
    WHERE activity_link_keys.source_key = :source AND removed_at IS NOT NULL ORDER BY activity_id
"""
_STORED = """
    SELECT activity_id::text AS activity_id, group_id::text AS group_id, position, score, evidence, linked_at
    FROM tripper.activity_links WHERE group_id IN (
        SELECT group_id FROM tripper.activity_links WHERE activity_id = ANY(CAST(:ids AS uuid[]))
    )
"""
_VERDICTS = """
    SELECT first_id::text, second_id::text, is_same, by FROM tripper.activity_link_verdicts
    WHERE removed_at IS NULL AND (first_id = ANY(CAST(:ids AS uuid[])) OR second_id = ANY(CAST(:ids AS uuid[])))
    ORDER BY id
"""
_REMOVE = "DELETE FROM tripper.activity_links WHERE activity_id = ANY(CAST(:ids AS uuid[]))"
_EXISTS = "SELECT EXISTS (SELECT FROM tripper.activities WHERE id = CAST(:id AS uuid) AND removed_at IS NULL)"
_GROUP_IDS = """
    SELECT DISTINCT group_id::text FROM tripper.activity_links WHERE activity_id = ANY(CAST(:ids AS uuid[]))
"""
_GROUPS_LIST = """
    SELECT activity_id::text FROM (
        SELECT DISTINCT ON (group_id) group_id, activity_id FROM tripper.linked_activities
        WHERE members > 1 AND group_id > CAST(:after AS uuid) AND (CAST(:source AS text) IS NULL OR source_key = :source)
        ORDER BY group_id, position
    ) AS first ORDER BY group_id LIMIT :limit
"""
_MEMBERS = """
    SELECT group_id::text, activity_id::text AS id, source_key, url, name, score FROM tripper.linked_activities
    WHERE group_id = ANY(CAST(:groups AS uuid[])) ORDER BY group_id, position, activity_id
"""
