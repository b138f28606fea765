"""Which kept bodies have had their time, and how they go while crawls and replays go on."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Protocol

from tripper_assets.clients.manifests import read_manifest
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.snapshots import FOLDER, SHA256, body_key
from tripper_assets.domain.errors import CorruptObjectError, NotFoundError
from tripper_assets.domain.retention import BODIES_KEPT_FOR
from tripper_assets.domain.snapshots import PAGE_MANIFEST

LOOKED_UP_AT_ONCE = 10_000
REMOVED_AT_ONCE = 100
"""Few, for a crawl that finds one of them kept waits until they are gone."""


class SnapshotRows(Protocol):
    """What the catalog knows of kept bodies."""

    def sweeping(self) -> AbstractContextManager[bool]:
        """Hold the right to remove bodies; False where somebody else has it."""
        ...

    def unused(self, since: datetime) -> set[str]:
        """Return the bodies that no page has now and no workflow has read since."""
        ...

    def in_use(self, bodies: Sequence[str], since: datetime) -> set[str]:
        """Return those of some bodies that a page has now, or a workflow has read since."""
        ...

    def let_go(self, bodies: Sequence[str], since: datetime, remove: Callable[[list[str]], object]) -> list[str]:
        """Remove the rows of bodies, and with ``remove`` the bodies, but for those that were claimed meanwhile."""
        ...


@dataclass
class Swept:
    """What a sweep removed, or would remove."""

    bodies: int = 0
    bytes: int = 0
    damaged_manifests: int = 0
    """Manifests that cannot be read and hold no body: nobody can replay them."""
    is_busy: bool = False
    """Somebody else sweeps, so that nothing was done."""


def sweep_bodies(
    rows: SnapshotRows, objects: Objects, *, now: datetime, leaving: Collection[str] = (), dry_run: bool = False
) -> Swept:
    """Remove the bodies that no page has now and no stored manifest names, a day after they were stored and last used.

    ``leaving`` are the URIs of manifests that are about to go. A crawl may store, find or use any body meanwhile.

    Raises:
        TransientError: the store or the catalog does not answer; what is not known to be superfluous stays.
    """
    with rows.sweeping() as is_ours:
        if not is_ours:
            return Swept(is_busy=True)
        since, swept = now - BODIES_KEPT_FOR, Swept()
        stored, young = _stored_bodies(objects, since)
        # Rows without a body are what a killed sweep left; a body that comes back now is none that may go.
        superfluous = set(stored) | (rows.unused(since) - young)
        for bodies in _parts(sorted(superfluous), LOOKED_UP_AT_ONCE):
            superfluous -= rows.in_use(bodies, since)
        _take_out_named(superfluous, objects, leaving, swept)
        for bodies in _parts(sorted(superfluous), REMOVED_AT_ONCE):
            going = bodies if dry_run else rows.let_go(bodies, since, lambda gone: _remove(objects, gone, stored))
            swept.bodies += sum(one in stored for one in going)
            swept.bytes += sum(stored.get(one, 0) for one in going)
        return swept


def _stored_bodies(objects: Objects, since: datetime) -> tuple[dict[str, int], set[str]]:
    """Return the sizes of the bodies that may be looked at, by SHA-256, and the young ones, which may be a crawl's of now."""
    old: dict[str, int] = {}
    young: set[str] = set()
    for one in objects.list(FOLDER):
        sha256 = one.key.rpartition("/")[2].removesuffix(".zst")
        if not SHA256.fullmatch(sha256) or one.key != body_key(sha256):
            continue
        if one.modified_at and one.modified_at < since:
            old[sha256] = one.bytes
        else:
            young.add(sha256)
    return old, young


def _take_out_named(bodies: set[str], objects: Objects, leaving: Collection[str], swept: Swept) -> None:
    """Take those out of ``bodies`` that a stored manifest names.

    The store is asked for manifests, and not the catalog: one that is there may be known to a catalog that cannot be reached now.
    """
    for manifest in objects.list(PAGE_MANIFEST):
        if not bodies:
            return
        if manifest.uri not in leaving:
            try:
                bodies.difference_update(one.body_sha256 for one in read_manifest(objects, manifest.uri))
            except NotFoundError:
                continue  # another clean-up removed it meanwhile
            except CorruptObjectError:
                swept.damaged_manifests += 1


def _remove(objects: Objects, bodies: Sequence[str], stored: Collection[str]) -> None:
    objects.delete([objects.uri(body_key(one)) for one in bodies if one in stored])


def _parts(bodies: Sequence[str], size: int) -> Iterator[list[str]]:
    rest = iter(bodies)
    while part := list(islice(rest, size)):
        yield part
