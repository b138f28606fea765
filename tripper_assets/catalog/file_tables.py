"""Sources, locations and claims in files of the home, where TRIPPER_DATABASE_URL is none: few, small, and whole at every moment."""

import fcntl
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tripper_assets.catalog.claims import SourceClaims
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry, SyncResult
from tripper_assets.domain.claims import Claim
from tripper_assets.domain.errors import NotFoundError, PermanentError
from tripper_assets.domain.model import SourceKey
from tripper_assets.domain.sources import Location, Source

Values = dict[str, Any]


class JsonFile:
    """One JSON object in one file, changed by one process at a time and read as it was before or after."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Values:
        """Return the object, empty where there is no file.

        Raises:
            PermanentError: the file cannot be read.
        """
        try:
            return orjson.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise PermanentError(f"The file {self._path} cannot be read ({error}); mend it or remove it.") from error

    @contextmanager
    def changed(self) -> Generator[Values]:
        """Yield the object, and write it at the end; an error leaves the file as it is.

        Raises:
            PermanentError: the file cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise PermanentError(
                f"The file {self._path} cannot be written ({error.strerror}); free its folder."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            value = self.read()
            yield value
            self._write(value)
        finally:
            os.close(lock)

    def _write(self, value: Values) -> None:
        temporary = self._path.with_suffix(".part")
        try:
            with temporary.open("wb") as file:
                file.write(orjson.dumps(value))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as error:
            raise PermanentError(
                f"The file {self._path} cannot be written ({error.strerror}); free its folder."
            ) from error


class FileSources(SourceRegistry):
    """The registry in two files; a removed source is gone, and its files of the store stay."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(database)
        self._sources, self._locations = JsonFile(folder / "sources.json"), JsonFile(folder / "locations.json")

    def add(self, source: Source) -> Source:
        """Register a new source; one that is registered already stays as it is and is returned."""
        with self._sources.changed() as sources:
            known = self._known(sources, source)
            if known is None:
                sources[source.key] = source.model_dump(mode="json")
        return known or source

    def get(self, key: SourceKey) -> Source | None:
        """Return the source, None where it is unknown."""
        found = self._sources.read().get(key)
        return Source.model_validate(found) if found else None

    def list(self) -> "list[Source]":
        """Return the registered sources by key."""
        return [Source.model_validate(one) for _, one in sorted(self._sources.read().items())]

    def remove(self, key: SourceKey) -> bool:
        """Forget the source; return whether it was there."""
        with self._sources.changed() as sources:
            return sources.pop(key, None) is not None

    def sync(self, sources: Sequence[Source], *, prune: bool = False) -> SyncResult:
        """Make the registry say what ``sources`` say, all or nothing; ``prune`` removes every other source."""
        done: dict[str, list[SourceKey]] = {"added": [], "updated": [], "unchanged": [], "removed": []}
        with self._sources.changed() as held:
            for source in sorted({one.key: one for one in sources}.values(), key=lambda one: one.key):
                known = self._known(held, source)
                did = "added" if known is None else "unchanged" if known == source else "updated"
                done[did].append(source.key)
                held[source.key] = source.model_dump(mode="json")
            wanted = {one.key for one in sources}
            done["removed"] = sorted(held.keys() - wanted) if prune else []
            for key in done["removed"]:
                del held[key]
        return SyncResult(**done)

    def add_location(self, location: Location) -> Location:
        """Write the location; a known one takes the new name, place and queries."""
        with self._locations.changed() as locations:
            locations[location.id] = location.model_dump(mode="json")
        return location

    def get_location(self, location_id: str) -> Location | None:
        """Return the location, None where it is unknown."""
        found = self._locations.read().get(location_id)
        return Location.model_validate(found) if found else None

    def locations(self) -> "list[Location]":
        """Return every location by id."""
        return [Location.model_validate(one) for _, one in sorted(self._locations.read().items())]

    def _known(self, held: Values, source: Source) -> Source | None:
        """Return what is registered under the source's key.

        Raises:
            NotFoundError: its location is unknown.
            PermanentError: another URL has the same key.
        """
        if source.location_id and self.get_location(source.location_id) is None:
            raise NotFoundError(
                f"Registering {source.url} names the location {source.location_id}, which is not in the catalog; "
                "add it with `tripper locations add`."
            )
        known = Source.model_validate(held[source.key]) if source.key in held else None
        if known is not None and known.url != source.url:
            raise PermanentError(f"{source.url} has the same key {source.key} as {known.url}; remove that one first.")
        return known


class FileClaims(SourceClaims):
    """The claims on sources in one file."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(database)
        self._claims = JsonFile(folder / "claims.json")

    def take(self, claim: Claim) -> Claim | None:
        """Take a source for a run, and return None; or return the claim of the other run that holds it."""
        with self._claims.changed() as claims:
            held = Claim.model_validate(claims.setdefault(claim.source_key, claim.model_dump(mode="json")))
        return None if held.run_id == claim.run_id else held

    def release(self, run_id: str) -> None:
        """Free what a run holds; asking twice changes nothing."""
        with self._claims.changed() as claims:
            for key in [key for key, held in claims.items() if held["run_id"] == run_id]:
                del claims[key]

    def get(self, source_key: SourceKey) -> Claim | None:
        """Return the claim on a source, None where it is free."""
        held = self._claims.read().get(source_key)
        return Claim.model_validate(held) if held else None

    def list(self) -> "list[Claim]":
        """Return every claim by source."""
        return [Claim.model_validate(one) for _, one in sorted(self._claims.read().items())]
