"""Refinements of tags: kept for good, so that nobody is asked twice about a text with its votes."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.types import Uuid

from tripper_assets.catalog.activity_rows import is_uuid
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.storable import storable
from tripper_assets.catalog.tag_models import TagRefinementRow
from tripper_assets.domain.model import ActivityId, SourceKey
from tripper_assets.domain.refinement import Refinement

AT_ONCE = 5_000


class TagRefinementTable:
    """The refinements of one catalog; every method raises TransientError while it is down."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, source_key: SourceKey, texts: Collection[tuple[ActivityId, str]]) -> list[Refinement]:
        """Return the refinements of a source on these activities' texts, of whichever votes, ordered by key."""
        wanted = set(texts)
        ids = sorted(UUID(one) for one, _ in wanted if is_uuid(one))
        statement = select(TagRefinementRow).where(
            TagRefinementRow.source_key == source_key,
            TagRefinementRow.activity_id == bindparam("ids", type_=ARRAY(Uuid())).any_(),
        )
        found: list[Refinement] = []
        with self._database.session() as session:
            for start in range(0, len(ids), AT_ONCE):
                rows = session.scalars(statement, {"ids": ids[start : start + AT_ONCE]})
                found += [_refinement(row) for row in rows if (str(row.activity_id), row.text_sha256) in wanted]
        return sorted(found, key=lambda one: one.key)

    def save(self, source_key: SourceKey, refinements: Sequence[Refinement]) -> None:
        """Keep refinements; one that is there stays as it is."""
        rows = [_row(source_key, one) for one in refinements]
        with self._database.session() as session:
            for start in range(0, len(rows), AT_ONCE):
                session.execute(insert(TagRefinementRow).on_conflict_do_nothing(), rows[start : start + AT_ONCE])


def _row(source_key: SourceKey, one: Refinement) -> dict[str, Any]:
    row = one.model_dump(mode="python", exclude={"tags", "usage"}) | {"source_key": source_key}
    row["activity_id"] = UUID(one.activity_id)
    row["tags"] = storable(one.tags.model_dump(mode="json")) if one.tags else None
    return row | {"usage": one.usage.dump()}


def _refinement(row: TagRefinementRow) -> Refinement:
    values = {name: getattr(row, name) for name in Refinement.model_fields}
    return Refinement.model_validate(values | {"activity_id": str(row.activity_id)})
