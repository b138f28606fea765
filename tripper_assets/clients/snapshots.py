"""Kept bodies: each once in the object store under the hash of its bytes, compressed, and read back only as what it was."""

import asyncio
import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import zstandard

from tripper_assets.clients.decoding import decode_body
from tripper_assets.clients.http_errors import TooLargeError, UndecodableError
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import NotFoundError, TransientError, TripperError
from tripper_assets.domain.model import Problem
from tripper_assets.domain.snapshots import PageSnapshot

FOLDER = "snapshots"
SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_BODY_BYTES = 128_000_000
"""More than any page that is read has; an object that grows beyond it is none of ours."""
AT_ONCE = 4
LOSSES_IN_A_ROW = 3
TRIED_EVERY = 20
"""After some losses in a row the store is down, and only one body in so many is tried: each waits for minutes."""
REMEMBERED = 100_000
"""Hashes of bodies that are known to be kept; beyond them the store is asked again."""


def body_key(sha256: str) -> str:
    """Return where a body stands in the object store: the same one for every page, source and run."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}.zst"


class SnapshotStore:
    """Bodies by SHA-256, for one event loop; ``claim`` is called before a body counts as kept that was there already.

    Whoever removes bodies may be about to remove that one, so that ``claim`` has to wait for them; then the store is asked again.
    """

    def __init__(self, objects: Objects, claim: Callable[[PageSnapshot], object] = lambda _: None) -> None:
        self._objects = objects
        self._claim = claim
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._kept: dict[bytes, None] = {}

    async def keep(self, snapshot: PageSnapshot, body: bytes) -> None:
        """Store a body, unless it is there.

        Raises:
            TransientError: the store does not answer.
            PermanentError: the store cannot be written.
        """
        digest = bytes.fromhex(snapshot.body_sha256)
        if digest in self._kept:
            return
        async with self._turns:
            await asyncio.to_thread(self._keep, snapshot, body)
        self._kept[digest] = None
        if len(self._kept) > REMEMBERED:
            del self._kept[next(iter(self._kept))]

    def _keep(self, snapshot: PageSnapshot, body: bytes) -> None:
        key = body_key(snapshot.body_sha256)
        packed = zstandard.ZstdCompressor(write_checksum=True).compress(body)
        if self._objects.create(key, packed):
            return
        self._claim(snapshot)
        if not self._objects.exists(key):
            self._objects.create(key, packed)

    async def read(self, body_sha256: str) -> bytes | None:
        """Return the body, None where none is kept or what stands there is another one; that is removed, to make way for the true one.

        Raises:
            TransientError: the store does not answer.
        """
        if not SHA256.fullmatch(body_sha256):
            return None  # a page state of before hashes were written down
        async with self._turns:
            return await asyncio.to_thread(self._read, body_sha256)

    def _read(self, body_sha256: str) -> bytes | None:
        uri = self._objects.uri(body_key(body_sha256))
        for _ in range(2):  # a byte flipped on the way is cured by a second look, one flipped at rest is not
            try:
                body = _decompressed(self._objects.get(uri))
            except NotFoundError:
                return None
            if body is not None and hashlib.sha256(body).hexdigest() == body_sha256:
                return body
        self._kept.pop(bytes.fromhex(body_sha256), None)
        with suppress(TripperError):  # it is of no use, whether it can be removed or not
            self._objects.delete([uri])
        return None


def _decompressed(data: bytes) -> bytes | None:
    try:
        return decode_body(data, "zstd", max_bytes=MAX_BODY_BYTES, work="Reading a kept body")
    except (TooLargeError, UndecodableError):
        return None


@dataclass
class CrawledBodies:
    """The bodies of one crawl, which goes on where the store does not: what is not kept cannot be replayed, and is counted.

    ``on_kept`` is called with each snapshot whose body is stored.
    """

    store: SnapshotStore
    on_kept: Callable[[PageSnapshot], object]
    lost: int = field(default=0, init=False)
    first_loss: str = field(default="", init=False)
    _in_a_row: int = field(default=0, init=False)

    async def keep(self, snapshot: PageSnapshot, body: bytes) -> None:
        """Keep a body, or count it."""
        if self._in_a_row >= LOSSES_IN_A_ROW and (self.lost + 1) % TRIED_EVERY:
            self.lost += 1
            return
        try:
            await self.store.keep(snapshot, body)
        except TripperError as error:
            self.lost += 1
            self._in_a_row += 1
            self.first_loss = self.first_loss or str(error)
        else:
            self._in_a_row = 0
            self.on_kept(snapshot)

    async def read(self, body_sha256: str) -> bytes | None:
        """Return a kept body, None where it is not to be had now: the site has it still."""
        try:
            return await self.store.read(body_sha256)
        except TransientError:
            return None

    def problems(self, source_url: str) -> list[Problem]:
        """Return one problem for all bodies that were not kept."""
        if not self.lost:
            return []
        message = f"The bodies of {self.lost} pages were not kept, and a replay will lack them: {self.first_loss}"
        return [Problem(code="snapshot_not_kept", subject=source_url, message=message)]
