"""The object store role: immutable objects under one URL (a folder, S3, or memory), written whole or not at all."""

import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, MemoryStore, S3Store

from tripper_assets.clients import s3
from tripper_assets.domain.errors import (
    ConfigurationError,
    CorruptObjectError,
    NotFoundError,
    PermanentError,
    TransientError,
)

if TYPE_CHECKING:
    from obstore.store import ObjectStore

# Letters that mean the same in a file name, an S3 key and a URL; the backends validate next to nothing themselves.
SEGMENT = re.compile(r"[A-Za-z0-9_=][A-Za-z0-9._=-]{0,199}")
MAX_KEY_LENGTH = 900
HALF_WRITTEN = re.compile(r".+#[0-9]+")
"""How obstore names a file until it is whole."""
PROBES = "probe"
DELETE_BATCH = 1000
CHUNK_BYTES = 1_000_000
LOOKS = 8
WRITE_TRIES = 3
WRITE_PAUSE_SECONDS = 0.2

T = TypeVar("T")


@dataclass(frozen=True)
class StoredObject:
    """Where an object is and what it holds; sha256 is empty in a listing."""

    uri: str
    key: str
    bytes: int
    sha256: str = ""
    modified_at: datetime | None = None


class Objects:
    """Objects below one URL: ``file:///folder``, ``s3://bucket/prefix`` or ``memory://``.

    S3 credentials, region and endpoint are found as boto3 finds them (environment, profile, SSO, role).

    Raises:
        ConfigurationError: the URL is of no known kind, or the folder cannot be made.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") if url != "memory://" else "memory:"
        self._store = _open(url)

    def uri(self, key: str) -> str:
        """Return the URI of ``key``.

        Raises:
            PermanentError: a hostile key (``..``, empty segments, white space, over 900 characters).
        """
        _check_key(key)
        return f"{self.url}/{quote(key)}"

    def holds(self, uri: str) -> bool:
        """Return whether a URI is one of this store, whatever stands there."""
        return uri.startswith(f"{self.url}/")

    def key(self, uri: str) -> str:
        """Return the key of a URI of this store.

        Raises:
            PermanentError: the URI points outside of this store.
        """
        if not self.holds(uri):
            raise PermanentError(f"The object {uri} lies outside of the store {self.url}; check TRIPPER_STORE_URL.")
        key = unquote(uri[len(self.url) + 1 :])
        _check_key(key)
        return key

    def put(self, key: str, data: bytes) -> StoredObject:
        """Store ``data`` under a key that is new, or holds the same bytes already (a lost answer, a rerun after a kill).

        Raises:
            PermanentError: other bytes stand under that key, or the store refuses to be written.
            TransientError: the store does not answer.
        """
        stored = StoredObject(self.uri(key), key, len(data), hashlib.sha256(data).hexdigest())

        def write() -> None:
            if not self._create(key, data, f"Storing {stored.uri}"):
                self._check_same(stored)

        _repeated(write)
        return stored

    def create(self, key: str, data: bytes) -> bool:
        """Store ``data`` under a key whose name tells what it holds; False where something stands there, which is not looked at.

        Raises:
            PermanentError: a hostile key, or the store refuses to be written.
            TransientError: the store does not answer.
        """
        uri = self.uri(key)
        return _repeated(lambda: self._create(key, data, f"Storing {uri}"))

    def get(self, uri: str, *, sha256: str | None = None) -> bytes:
        """Return the bytes at ``uri``, checked against ``sha256`` where it is given.

        Raises:
            NotFoundError: there is no such object.
            CorruptObjectError: the bytes are not those that were stored, twice in a row.
            TransientError: the store does not answer.
        """
        data = self._read(uri)
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            data = self._read(uri)  # a byte flipped on the way is cured by a second look, one flipped at rest is not
            if hashlib.sha256(data).hexdigest() != sha256:
                raise CorruptObjectError(
                    f"Reading {uri} gave bytes whose SHA-256 is not the recorded {sha256[:12]}…; "
                    "materialize the asset that stored it again."
                )
        return data

    def chunks(self, uri: str) -> Iterator[bytes]:
        """Yield the bytes at ``uri`` piece by piece, however many they are; they are not compared with what was recorded.

        Raises:
            NotFoundError: there is no such object, before the first piece.
            TransientError: the store does not answer.
        """
        key = self.key(uri)
        with self._told(f"Reading {uri}"):
            try:
                found = obstore.get(self._store, key)
            except FileNotFoundError:
                raise NotFoundError(
                    f"The object {uri} is not in the store; materialize the asset that stored it again."
                ) from None
            for piece in found.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(piece)

    @property
    def can_sign(self) -> bool:
        """Whether URLs that anybody can read may be made."""
        return isinstance(self._store, S3Store)

    def exists(self, key: str) -> bool:
        """Return whether an object stands under ``key``.

        Raises:
            PermanentError: a hostile key.
            TransientError: the store does not answer.
        """
        _check_key(key)
        with self._told(f"Looking for {self.uri(key)}"):
            try:
                obstore.head(self._store, key)
            except FileNotFoundError:
                return False
        return True

    def delete(self, uris: Sequence[str]) -> int:
        """Remove the objects and return how many there were; one that is gone already is no error."""
        keys = list(dict.fromkeys(map(self.key, uris)))
        with ThreadPoolExecutor(LOOKS, thread_name_prefix="objects") as looks:  # each look is a request of its own
            present = [key for key, there in zip(keys, looks.map(self.exists, keys), strict=True) if there]
        for start in range(0, len(present), DELETE_BATCH):
            batch = present[start : start + DELETE_BATCH]
            _repeated(lambda batch=batch: self._remove(batch))
        return len(present)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield the objects below ``prefix``; a half-written one is never among them.

        Raises:
            TransientError: the store does not answer.
        """
        for meta in self._listed(prefix):
            if "#" not in meta["path"]:
                yield StoredObject(
                    f"{self.url}/{quote(meta['path'])}", meta["path"], meta["size"], "", meta["last_modified"]
                )

    def folders(self) -> "list[str]":
        """Return the names of the outermost folders.

        Raises:
            TransientError: the store does not answer.
        """
        with self._told(f"Listing {self.url}"):
            return sorted(obstore.list_with_delimiter(self._store)["common_prefixes"])

    def sign(self, uri: str, seconds: int) -> str:
        """Return a URL that anybody can read the object at for so many seconds.

        Raises:
            PermanentError: a folder and memory cannot sign.
        """
        if not isinstance(self._store, S3Store):
            raise PermanentError(f"{self.url} cannot sign URLs, only S3 can; download the file instead.")
        key = self.key(uri)
        with self._told(f"Signing {uri}"):
            return obstore.sign(self._store, "GET", key, timedelta(seconds=seconds))

    def check_writable(self) -> None:
        """Write a small object, try to overwrite it, and remove it.

        Raises:
            ConfigurationError: the credentials, the bucket or its kind are wrong, and what to set.
            PermanentError: the store refuses to be written, and why.
            TransientError: the store does not answer.
        """
        key = f"{PROBES}/{uuid.uuid4().hex}"  # a key of its own, for several commands start at once
        work = f"Writing to the store {self.url}"
        _repeated(lambda: self._create(key, b"probe", work))
        overwritten = _repeated(lambda: self._create(key, b"other", work))
        self.delete([self.uri(key)])
        if overwritten:
            raise ConfigurationError(f"{work} replaced an object that had to stay; {s3.CONDITIONS}.")

    def sweep_uploads(self, older_than: timedelta, now: datetime) -> int:
        """Remove what killed writers left: uploads and files that were never finished, and probes; return how many.

        Raises:
            PermanentError: the store refuses.
            TransientError: the store does not answer.
        """
        before = now - older_than
        probes = [one.uri for one in self.list(PROBES) if one.modified_at and one.modified_at < before]
        return self.delete(probes) + self._sweep_half_done(before)

    def _sweep_half_done(self, before: datetime) -> int:
        if isinstance(self._store, S3Store):
            return s3.abort_uploads(self.url, before)
        if isinstance(self._store, LocalStore) and self._store.prefix:
            with self._told(f"Sweeping half-written files below {self.url}"):
                return _sweep_folder(self._store.prefix, before)
        return 0

    @contextmanager
    def _told(self, work: str) -> Generator[None]:
        """Turn what the backend raises into a verdict."""
        try:
            yield
        except (OSError, BaseError) as error:
            verdict = s3.verdict if isinstance(self._store, S3Store) else _verdict
            raise verdict(error, work) from None  # not from the error: its text repeats S3's answer, tokens and all

    def _create(self, key: str, data: bytes, work: str) -> bool:
        """Write under a key that is new; False where something stands there."""
        with self._told(work):
            try:
                obstore.put(self._store, key, data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def _remove(self, keys: Sequence[str]) -> None:
        with self._told(f"Removing objects from {self.url}"):
            try:
                obstore.delete(self._store, keys)
            except FileNotFoundError:
                return  # somebody else removed it between the look and the removal

    def _listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        with self._told(f"Listing {self.url}"):
            for batch in obstore.list(self._store, prefix or None):
                yield from cast("Sequence[dict[str, Any]]", batch)

    def _read(self, uri: str) -> bytes:
        key = self.key(uri)
        with self._told(f"Reading {uri}"):
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                raise NotFoundError(
                    f"The object {uri} is not in the store; materialize the asset that stored it again."
                ) from None

    def _check_same(self, stored: StoredObject) -> None:
        try:
            there = self._read(stored.uri)
        except NotFoundError:
            raise TransientError(f"Storing {stored.uri} met another writer of the same key; try again.") from None
        if hashlib.sha256(there).hexdigest() != stored.sha256:
            raise PermanentError(
                f"Storing {stored.uri} found other bytes there; objects are immutable, so remove or rename it."
            )


def _repeated(write: Callable[[], T]) -> T:
    """Return what ``write`` returns, which may be done twice.

    obstore repeats what was refused, and what only reads; a write whose answer was lost it does not, for it cannot know
    that ours finds its own bytes there.
    """
    started = time.monotonic()
    for tries_left in range(WRITE_TRIES - 1, 0, -1):
        try:
            return write()
        except TransientError:
            if time.monotonic() - started >= s3.RETRY_SECONDS:
                raise
        time.sleep(WRITE_PAUSE_SECONDS / tries_left)
    return write()


def _sweep_folder(folder: Path, before: datetime) -> int:
    half_written = (
        Path(parent, name) for parent, _, names in os.walk(folder) for name in names if HALF_WRITTEN.fullmatch(name)
    )
    return sum(_removed(path, before) for path in half_written)


def _removed(path: Path, before: datetime) -> bool:
    try:
        if datetime.fromtimestamp(path.lstat().st_mtime, UTC) >= before:
            return False
        path.unlink()
    except FileNotFoundError:
        return False  # its writer finished it meanwhile
    return True


def _check_key(key: str) -> None:
    if len(key) > MAX_KEY_LENGTH or not all(SEGMENT.fullmatch(part) for part in key.split("/")):
        raise PermanentError(
            f"The object key {key[:80]!r} is refused: a key is made of letters, digits and . _ = - between single slashes."
        )


def _open(url: str) -> "ObjectStore":
    parts = urlsplit(url)
    if not (parts.query or parts.fragment or "@" in parts.netloc):
        # file://folder would name a host, and the store would stand in whatever folder the command is started in.
        if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path.startswith("/"):
            return _open_folder(Path(unquote(parts.path)))
        if parts.scheme == "s3" and parts.netloc:
            return s3.open_bucket(url)
        if parts.scheme == "memory":
            return MemoryStore()
    # Not the URL itself: somebody may have put a password into it.
    raise ConfigurationError(
        f"TRIPPER_STORE_URL names no store (its scheme is {parts.scheme!r}); "
        "use file:///folder with its whole path, s3://bucket/prefix or memory://, without a query or a password."
    )


def _open_folder(folder: Path) -> LocalStore:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The store folder {folder} cannot be made ({error.strerror}); free it or set TRIPPER_STORE_URL."
        ) from error
    return LocalStore(folder)


def _verdict(error: Exception, work: str) -> PermanentError | TransientError:
    reason = str(error).split("\n", 1)[0][:300]
    refused = isinstance(error, PermissionError | PermissionDeniedError | UnauthenticatedError | ValueError)
    full = isinstance(error, OSError) and not isinstance(error, TimeoutError | ConnectionError)
    if refused or full or "os error" in str(error):
        return PermanentError(f"{work} failed ({reason}); check that the store is writable and has free space.")
    return TransientError(f"{work} failed ({reason}); the store may be down, try again.")
