"""The source registry: which sites are crawled, how, and for which location."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.models import LocationRow, SourceRow
from tripper_assets.domain.errors import NotFoundError, PermanentError
from tripper_assets.domain.model import Model, SourceKey
from tripper_assets.domain.sources import Location, Source, parse_config


class SyncResult(Model):
    """The keys of a list of sources by what a sync did to them; removed is empty unless it was asked to prune."""

    added: list[SourceKey] = []
    updated: list[SourceKey] = []
    unchanged: list[SourceKey] = []
    removed: list[SourceKey] = []


class SourceRegistry:
    """The sources and locations of one catalog; a removed source is hidden with its activities, and comes back when it is added."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, source: Source) -> Source:
        """Register a new source; one that is registered already stays as it is and is returned.

        Raises:
            NotFoundError: its location is not in the catalog.
            PermanentError: another URL has the same key.
        """
        with self._database.session() as session:
            known = self._locked(session, source)
            if known is not None and known.removed_at is None:
                return _source(known)
            self._write(session, source)
        return source

    def get(self, key: SourceKey) -> Source | None:
        """Return the source, None where it is unknown or removed."""
        with self._database.session() as session:
            row = session.get(SourceRow, key)
            return _source(row) if row and row.removed_at is None else None

    def list(self) -> list[Source]:
        """Return the registered sources by key."""
        statement = select(SourceRow).where(SourceRow.removed_at.is_(None)).order_by(SourceRow.key)
        with self._database.session() as session:
            return [_source(row) for row in session.scalars(statement)]

    def remove(self, key: SourceKey) -> bool:
        """Hide the source and its activities; return whether it was there."""
        with self._database.session() as session:
            return bool(_hide(session, [key]))

    def sync(self, sources: Sequence[Source], *, prune: bool = False) -> SyncResult:
        """Make the registry say what ``sources`` say, all or nothing; ``prune`` removes every other source.

        Raises:
            NotFoundError: a location is not in the catalog.
            PermanentError: two URLs have the same key.
        """
        done: dict[str, list[SourceKey]] = {"added": [], "updated": [], "unchanged": [], "removed": []}
        wanted = {source.key: source for source in sources}
        with self._database.session() as session:
            for key in sorted(wanted):
                done[self._sync_one(session, wanted[key])].append(key)
            if prune:
                here = session.scalars(select(SourceRow.key).where(SourceRow.removed_at.is_(None)))
                done["removed"] = _hide(session, sorted(set(here) - set(wanted)))
        return SyncResult(**done)

    def add_location(self, location: Location) -> Location:
        """Write the location; a known one takes the new name, place and queries."""
        with self._database.session() as session:
            put_location(session, location)
        return location

    def get_location(self, location_id: str) -> Location | None:
        """Return the location, None where it is unknown."""
        with self._database.session() as session:
            row = session.get(LocationRow, location_id)
            return _location(row) if row else None

    def locations(self) -> "list[Location]":
        """Return every location by id."""
        with self._database.session() as session:
            return [_location(row) for row in session.scalars(select(LocationRow).order_by(LocationRow.id))]

    def _sync_one(self, session: Session, source: Source) -> str:
        known = self._locked(session, source)
        if known is not None and known.removed_at is None and _source(known) == source:
            return "unchanged"
        fresh = known is None or known.removed_at is not None
        self._write(session, source)
        return "added" if fresh else "updated"

    def _locked(self, session: Session, source: Source) -> SourceRow | None:
        if source.location_id and session.get(LocationRow, source.location_id) is None:
            raise NotFoundError(
                f"Registering {source.url} names the location {source.location_id}, which is not in the catalog; "
                "add it with `tripper locations add`."
            )
        known = session.scalar(select(SourceRow).where(SourceRow.key == source.key).with_for_update())
        if known is not None and known.url != source.url:
            raise PermanentError(f"{source.url} has the same key {source.key} as {known.url}; remove that one first.")
        return known

    def _write(self, session: Session, source: Source) -> None:
        values: dict[str, Any] = {
            "config": source.config.model_dump(mode="json"),
            "location_id": source.location_id,
            "removed_at": None,
        }
        statement = insert(SourceRow).values(key=source.key, url=source.url, **values)
        session.execute(
            statement.on_conflict_do_update(index_elements=["key"], set_={**values, "updated_at": func.now()})
        )


def put_location(session: Session, location: Location) -> None:
    """Write the location within a transaction; its row is touched only where it says something new."""
    values: dict[str, Any] = {
        "name": location.name,
        "country_code": location.country_code,
        "queries": list(location.queries),
        "latitude": location.latitude,
        "longitude": location.longitude,
    }
    known = session.get(LocationRow, location.id, with_for_update=True)
    if known is not None and _location(known) == location:
        return
    statement = insert(LocationRow).values(id=location.id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={**values, "updated_at": func.now()}))


def _hide(session: Session, keys: Sequence[SourceKey]) -> list[SourceKey]:
    hidden = (
        update(SourceRow)
        .where(SourceRow.key.in_(keys), SourceRow.removed_at.is_(None))
        .values(removed_at=func.now(), updated_at=func.now())
        .returning(SourceRow.key)
    )
    return sorted(session.scalars(hidden))


def _source(row: SourceRow) -> Source:
    config = parse_config(row.config, subject=f"the source {row.key}")
    return Source(key=row.key, url=row.url, config=config, location_id=row.location_id)


def _location(row: LocationRow) -> Location:
    return Location(
        id=row.id,
        name=row.name,
        country_code=row.country_code,
        queries=tuple(row.queries),
        latitude=row.latitude,
        longitude=row.longitude,
    )
