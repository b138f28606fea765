"""Objects that nobody needs any more or ever wrote down: files of killed runs, pictures that no page shows, batches that were collected."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from tripper_assets.clients.objects import Objects, StoredObject
from tripper_assets.clients.snapshots import FOLDER as BODIES
from tripper_assets.domain.errors import CorruptObjectError, NotFoundError
from tripper_assets.domain.maps import ImagesMap
from tripper_assets.domain.retention import Kind, ObjectName, may_be_orphan, read_key
from tripper_assets.formats import decode
from tripper_assets.resources import Catalog

LOOKED_UP_AT_ONCE = 10_000
NAMED_IN_LINES = re.compile(rb'"sha256":"([0-9a-f]{64})"')
"""A picture or its small variant in a record of a final JSONL."""


@dataclass
class Orphans:
    """What a sweep removed, or would remove."""

    files: int = 0
    """Of workflows that the catalog knows, and whose rows name other objects."""
    pictures: int = 0
    batches: int = 0
    """Requests that no batch waits for, and results that were collected long ago."""
    bytes: int = 0
    unknown_files: int = 0
    unknown_workflows: int = 0
    """Workflows that this catalog does not know and another one may: their files are removed on a person's word alone."""
    damaged_bundles: int = 0
    """Final JSONL files and maps that cannot be read and keep no picture: nobody can import them."""
    is_busy: bool = False
    """Runs were at work, so that pictures were left alone."""


@dataclass
class _Found:
    """Old objects by what they are, with their sizes by owner."""

    by_kind: dict[Kind, dict[str, list[StoredObject]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, one: StoredObject, name: ObjectName) -> None:
        self.by_kind[name.kind][name.owner].append(one)


def sweep_orphans(
    catalog: Catalog, objects: Objects, *, now: datetime, unknown: bool = False, dry_run: bool = False
) -> Orphans:
    """Remove old objects that nothing refers to; ``unknown`` includes those of workflows that this catalog does not know.

    Where there are such workflows, another catalog may share the store: then pictures and batches are left alone too.

    Raises:
        TransientError: the store or the catalog does not answer; what is not known to be an orphan stays.
    """
    swept, found = Orphans(), _old_objects(objects, now)
    files, strangers = _files_of_nobody(catalog, found.by_kind["file"])
    swept.unknown_files, swept.unknown_workflows = sum(map(len, strangers.values())), len(strangers)
    going = [*files, *(one for kept in strangers.values() for one in kept)] if unknown else files
    swept.files += _remove(objects, going, swept, dry_run=dry_run)
    if strangers and not unknown:
        return swept
    swept.batches += _remove(objects, _batches_of_nobody(catalog, found), swept, dry_run=dry_run)
    _sweep_pictures(catalog, objects, found.by_kind["picture"], swept, dry_run=dry_run)
    return swept


def _old_objects(objects: Objects, now: datetime) -> _Found:
    found = _Found()
    for folder in objects.folders():
        # Page bodies are the most of all objects, and have a sweep of their own.
        for one in objects.list(folder) if folder != BODIES else ():
            name = read_key(one.key)
            if name and one.modified_at and may_be_orphan(name, now - one.modified_at):
                found.add(one, name)
    return found


def _files_of_nobody(
    catalog: Catalog, by_workflow: dict[str, list[StoredObject]]
) -> tuple[list[StoredObject], dict[str, list[StoredObject]]]:
    """Return what workflows left that their rows do not name, and what unknown workflows have; what goes on keeps everything."""
    orphans: list[StoredObject] = []
    strangers: dict[str, list[StoredObject]] = {}
    for owners in _parts(by_workflow):
        known = catalog.references.workflows(owners)
        strangers |= {one: by_workflow[one] for one in owners if one not in known}
        at_rest = [one for owner in owners if known.get(owner) is False for one in by_workflow[owner]]
        named = catalog.references.files([one.uri for one in at_rest])
        orphans += [one for one in at_rest if one.uri not in named]
    return orphans, strangers


def _batches_of_nobody(catalog: Catalog, found: _Found) -> list[StoredObject]:
    results, requests = (_all(found.by_kind[kind]) for kind in ("results", "requests"))
    named = catalog.references.requests([one.uri for one in requests])
    return [*results, *(one for one in requests if one.uri not in named)]


def _sweep_pictures(
    catalog: Catalog, objects: Objects, by_sha256: dict[str, list[StoredObject]], swept: Orphans, *, dry_run: bool
) -> None:
    """Remove pictures that no row and no stored bundle has, while no run is at work that may find one of them again."""
    superfluous = set(by_sha256) - _in_use(catalog, by_sha256)
    if superfluous:
        superfluous -= _named_in_store(objects, swept)
    for part in _parts(superfluous):
        with catalog.references.at_rest() as quiet:
            if not quiet:
                swept.is_busy = True
                return
            free = set(part) - catalog.references.pictures(part)
            swept.pictures += _remove(objects, _all({one: by_sha256[one] for one in free}), swept, dry_run=dry_run)


def _in_use(catalog: Catalog, sha256s: Collection[str]) -> set[str]:
    return {one for part in _parts(sha256s) for one in catalog.references.pictures(part)}


def _named_in_store(objects: Objects, swept: Orphans) -> set[str]:
    """Return the pictures that stored bundles and maps name, also those of workflows that wait for a person or a retry."""
    named: set[str] = set()
    for one in (*objects.list("final_jsonl"), *objects.list("images_map")):
        try:
            named |= _named(objects.get(one.uri), one)
        except NotFoundError:
            continue  # a clean-up removed it meanwhile
        except CorruptObjectError:
            swept.damaged_bundles += 1
    return named


def _named(data: bytes, one: StoredObject) -> set[str]:
    if not one.key.endswith(".parquet"):
        return {sha256.decode() for sha256 in NAMED_IN_LINES.findall(data)}
    rows: ImagesMap = decode(data, ImagesMap, extension="parquet", uri=one.uri)
    return {one for row in rows.rows for one in (row.sha256, row.thumbnail.sha256 if row.thumbnail else "")}


def _parts(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(sorted(names))
    while part := list(islice(rest, LOOKED_UP_AT_ONCE)):
        yield part


def _all(by_owner: dict[str, list[StoredObject]]) -> list[StoredObject]:
    return [one for objects in by_owner.values() for one in objects]


def _remove(objects: Objects, going: list[StoredObject], swept: Orphans, *, dry_run: bool) -> int:
    """Remove objects, count their bytes, and return how many they are."""
    if not dry_run:
        objects.delete([one.uri for one in going])
    swept.bytes += sum(one.bytes for one in going)
    return len(going)
