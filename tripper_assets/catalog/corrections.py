"""What people decided on single activities, as the catalog keeps it: what holds, and what held until when."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text, update
from sqlalchemy.orm import Session

from tripper_assets.catalog.correction_models import OverrideRow, RefusalRow
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.storable import storable, storable_text
from tripper_assets.domain.corrections import Correction, Refusal
from tripper_assets.domain.model import ActivityId, SourceKey

AT_ONCE = 500
"""Refusals in a transaction: each takes a lock, and the server has room for some thousands of all sessions."""

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[])) AS name")


class Corrections:
    """The corrections and refusals of one catalog. What a person says again changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def corrections(self, source_key: SourceKey) -> dict[ActivityId, list[Correction]]:
        """Return the corrections that hold for a source, by activity, ordered by field."""
        statement = (
            select(OverrideRow)
            .where(OverrideRow.source_key == source_key, OverrideRow.removed_at.is_(None))
            .order_by(OverrideRow.activity_id, OverrideRow.field)
        )
        found: dict[ActivityId, list[Correction]] = {}
        with self._database.session() as session:
            for row in session.scalars(statement):
                found.setdefault(str(row.activity_id), []).append(_correction(row))
        return found

    def refusals(self, source_key: SourceKey) -> dict[ActivityId, Refusal]:
        """Return the activities of a source that are not to be published, by id."""
        statement = select(RefusalRow).where(RefusalRow.source_key == source_key, RefusalRow.removed_at.is_(None))
        with self._database.session() as session:
            return {str(row.activity_id): _refusal(row) for row in session.scalars(statement)}

    def stated(self, activity_id: ActivityId) -> dict[str, Any]:
        """Return what the publisher stated for each field that is corrected now; None for "not stated"."""
        with self._database.session() as session:
            return stated_now(session, activity_id)

    def correct(self, source_key: SourceKey, correction: Correction, *, stated: Any) -> None:  # noqa: ANN401 (any JSON value)
        """Let a value hold for one field, in the place of the one that held; ``stated`` is the publisher's own."""
        with self._database.session() as session:
            hold_correction(session, source_key, correction, stated=stated)

    def restate(self, stated: Mapping[ActivityId, Mapping[str, Any]]) -> None:
        """Note what publishers say now of fields that are corrected."""
        with self._database.session() as session:
            for activity_id, fields in sorted(stated.items()):
                for field, value in fields.items():
                    held = _holding(session, activity_id, field)
                    if held is not None and held.stated != (said := storable(value)):
                        held.stated = said

    def withdraw(self, activity_id: ActivityId, field: str, *, by: str, at: datetime) -> bool:
        """End a correction, and return whether there was one."""
        with self._database.session() as session:
            _alone(session, activity_id)
            held = _holding(session, activity_id, field)
            _end(session, [held] if held else [], by, at)
            return held is not None

    def refuse(self, source_key: SourceKey, refusals: Iterable[Refusal]) -> None:
        """Keep activities from being published; of many, those before an interruption are kept out."""
        wanted = list(refusals)
        for start in range(0, len(wanted), AT_ONCE):
            with self._database.session() as session:
                hold_refusals(session, source_key, wanted[start : start + AT_ONCE])

    def allow(self, activity_id: ActivityId, *, by: str, at: datetime) -> bool:
        """End a refusal, and return whether there was one."""
        return self.allow_all([activity_id], by=by, at=at) == 1

    def allow_all(self, activity_ids: Iterable[ActivityId], *, by: str, at: datetime) -> int:
        """End refusals, and return how many there were; of many, those before an interruption are ended."""
        wanted, ended = list(activity_ids), 0
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            with self._database.session() as session:
                _alone(session, *some)
                held = list(session.scalars(_refusing(*some)))
                _end(session, held, by, at)
            ended += len(held)
        return ended


def hold_correction(session: Session, source_key: SourceKey, correction: Correction, *, stated: Any) -> None:  # noqa: ANN401 (any JSON value)
    """Do what ``Corrections.correct`` does, within a transaction that does more."""
    _alone(session, correction.activity_id)
    held = _holding(session, correction.activity_id, correction.field)
    said: Any = storable(correction.value)
    if held is not None and (held.value, held.reason) == (said, storable_text(correction.reason)):
        return
    _end(session, [held] if held else [], correction.by, correction.at)
    session.add(
        OverrideRow(
            activity_id=UUID(correction.activity_id),
            source_key=source_key,
            field=correction.field,
            value=said,
            stated=held.stated if held else storable(stated),
            by=storable_text(correction.by),
            at=correction.at,
            reason=storable_text(correction.reason),
        )
    )


def hold_refusals(session: Session, source_key: SourceKey, refusals: Iterable[Refusal]) -> None:
    """Do what ``Corrections.refuse`` does, within a transaction that does more."""
    wanted = {one.activity_id: one for one in refusals}
    _alone(session, *wanted)
    held = {str(row.activity_id): row for row in session.scalars(_refusing(*wanted))}
    said = {name: row.stated_sha256 for name, row in held.items()}
    new = [one for one in wanted.values() if said.get(one.activity_id) != one.stated_sha256]
    for one in new:
        _end(session, [held[one.activity_id]] if one.activity_id in held else [], one.by, one.at)
    session.add_all(_refusal_row(source_key, one) for one in new)


def _refusal_row(source_key: SourceKey, one: Refusal) -> RefusalRow:
    values = one.model_dump(exclude={"activity_id"}) | {"reason": storable_text(one.reason)}
    return RefusalRow(activity_id=UUID(one.activity_id), source_key=source_key, **values)


def stated_now(session: Session, activity_id: ActivityId) -> dict[str, Any]:
    """Return what the publisher stated for each field of an activity that is corrected now."""
    return {row.field: row.stated for row in session.scalars(_corrections_of(activity_id))}


def corrections_now(session: Session, activity_id: ActivityId) -> list[Correction]:
    """Return the corrections of an activity that hold, ordered by field."""
    return [_correction(row) for row in session.scalars(_corrections_of(activity_id).order_by(OverrideRow.field))]


def _corrections_of(activity_id: ActivityId) -> Select[OverrideRow]:
    return select(OverrideRow).where(OverrideRow.activity_id == UUID(activity_id), OverrideRow.removed_at.is_(None))


def _alone(session: Session, *activity_ids: ActivityId) -> None:
    """Wait until nobody else decides on the same activities."""
    # In one order, so that no two wait for each other.
    names = [f"corrections {one}" for one in sorted(activity_ids)]
    session.execute(_LOCK, {"names": names})


def _holding(session: Session, activity_id: ActivityId, field: str) -> OverrideRow | None:
    statement = select(OverrideRow).where(
        OverrideRow.activity_id == UUID(activity_id), OverrideRow.field == field, OverrideRow.removed_at.is_(None)
    )
    return session.scalar(statement)


def _refusing(*activity_ids: ActivityId) -> Any:  # noqa: ANN401 (a statement's own type)
    wanted = [UUID(one) for one in activity_ids]
    return select(RefusalRow).where(RefusalRow.activity_id.in_(wanted), RefusalRow.removed_at.is_(None))


def _end(session: Session, rows: Sequence[OverrideRow] | Sequence[RefusalRow], by: str, at: datetime) -> None:
    if rows:
        kind = type(rows[0])
        ended = update(kind).where(kind.id.in_([row.id for row in rows]))
        session.execute(ended.values(removed_by=storable_text(by), removed_at=at))


def _correction(row: OverrideRow) -> Correction:
    return Correction(
        activity_id=str(row.activity_id), field=row.field, value=row.value, by=row.by, at=row.at, reason=row.reason
    )


def _refusal(row: RefusalRow) -> Refusal:
    return Refusal(
        activity_id=str(row.activity_id), stated_sha256=row.stated_sha256, by=row.by, at=row.at, reason=row.reason
    )
