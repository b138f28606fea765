"""Votes on tags: kept for good, so that nobody is asked twice about a text."""

import contextlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.types import Uuid

from tripper_assets.catalog.activity_rows import is_uuid
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.storable import storable
from tripper_assets.catalog.tag_models import TagVoteRow
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.model import ActivityId, Model, SourceKey
from tripper_assets.domain.tags import Vote, VoteKey

AT_ONCE = 5_000


class TagVoteTable:
    """The votes of one catalog; every method raises TransientError while it is down."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, source_key: SourceKey, texts: Collection[tuple[ActivityId, str]]) -> list[Vote]:
        """Return the votes of a source on these activities' texts, ordered by key."""
        wanted = set(texts)
        ids = sorted(UUID(one) for one, _ in wanted if is_uuid(one))
        # Columns and not mapped rows, of which a hundred thousand take seconds to make.
        columns = [getattr(TagVoteRow, name) for name in Vote.model_fields]
        statement = select(*columns).where(
            TagVoteRow.source_key == source_key, TagVoteRow.activity_id == bindparam("ids", type_=ARRAY(Uuid())).any_()
        )
        found: list[Vote] = []
        with self._database.session() as session:
            for start in range(0, len(ids), AT_ONCE):
                rows = session.execute(statement, {"ids": ids[start : start + AT_ONCE]})
                votes = (_vote(row) for row in rows)
                found += [one for one in votes if (one.activity_id, one.text_sha256) in wanted]
        return sorted(found, key=lambda vote: vote.key)

    def keys(self, source_key: SourceKey, texts: Collection[tuple[ActivityId, str]]) -> set[VoteKey]:
        """Return the keys of the votes of a source on these activities' texts: a tenth of what loading the votes takes."""
        wanted = set(texts)
        columns = [getattr(TagVoteRow, name) for name in VoteKey._fields]
        statement = select(*columns).where(TagVoteRow.source_key == source_key)
        with self._database.session() as session:
            found = (tuple(row) for row in session.execute(statement).yield_per(AT_ONCE))
            return {VoteKey(str(one), *rest) for one, *rest in found if (str(one), rest[0]) in wanted}

    def save(self, source_key: SourceKey, votes: Sequence[Vote]) -> None:
        """Keep votes; one that is there stays as it is."""
        rows = [_row(source_key, vote) for vote in votes]
        with self._database.session() as session:
            for start in range(0, len(rows), AT_ONCE):
                session.execute(insert(TagVoteRow).on_conflict_do_nothing(), rows[start : start + AT_ONCE])


class LenientVotes:
    """Votes that cost nothing: while the catalog is down none is known and none is kept."""

    def __init__(self, votes: TagVoteTable) -> None:
        self._votes = votes

    def load(self, source_key: SourceKey, texts: Collection[tuple[ActivityId, str]]) -> list[Vote]:
        """Return the known votes."""
        try:
            return self._votes.load(source_key, texts)
        except TransientError:
            return []

    def save(self, source_key: SourceKey, votes: Sequence[Vote]) -> None:
        """Keep votes, if the catalog answers."""
        with contextlib.suppress(TransientError):
            self._votes.save(source_key, votes)


class VoteCount(Model):
    """What one voter did."""

    provider: str
    model: str
    prompt_version: str
    activities: int
    votes: int
    errors: int
    tokens: int
    last_at: datetime


def vote_counts(database: Database, source_key: SourceKey | None = None) -> list[VoteCount]:
    """Return the counts of each voter, of one source or of all.

    Raises:
        TransientError: the catalog does not answer.
    """
    with database.connection() as connection:
        rows = connection.execute(text(_COUNTS), {"source": source_key}).mappings()
        return [VoteCount.model_validate(dict(row)) for row in rows]


_COUNTS = """
    SELECT provider, model, prompt_version, count(DISTINCT activity_id) AS activities, count(*) AS votes,
        count(*) FILTER (WHERE error <> '') AS errors, max(created_at) AS last_at,
        coalesce(sum(coalesce((usage ->> 'input')::bigint, 0) + coalesce((usage ->> 'output')::bigint, 0)), 0)::bigint AS tokens
    FROM tripper.tag_votes WHERE CAST(:source AS text) IS NULL OR source_key = :source
    GROUP BY provider, model, prompt_version ORDER BY provider, model, prompt_version
"""


def _row(source_key: SourceKey, vote: Vote) -> dict[str, Any]:
    row = vote.model_dump(mode="python", exclude={"tags", "usage"}) | {"source_key": source_key}
    row["activity_id"] = UUID(vote.activity_id)
    row["tags"] = storable(vote.tags.model_dump(mode="json")) if vote.tags else None
    return row | {"usage": vote.usage.dump()}


def _vote(row: Sequence[Any]) -> Vote:
    activity_id, *rest = row
    return Vote.model_validate(dict(zip(Vote.model_fields, (str(activity_id), *rest), strict=True)))
