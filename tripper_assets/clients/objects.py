"""The object store role: immutable objects under one URL (a folder, S3, or memory), written whole or not at all."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, MemoryStore, S3Store

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
DELETE_BATCH = 1000


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

    def key(self, uri: str) -> str:
        """Return the key of a URI of this store.

        Raises:
            PermanentError: the URI points outside of this store.
        """
        if not uri.startswith(f"{self.url}/"):
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
        try:
            obstore.put(self._store, key, data, mode="create")
        except AlreadyExistsError:
            self._check_same(stored)
        except (OSError, BaseError) as error:
            raise _verdict(error, f"Storing {stored.uri}") from error
        return stored

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

    def exists(self, key: str) -> bool:
        """Return whether an object stands under ``key``.

        Raises:
            PermanentError: a hostile key.
            TransientError: the store does not answer.
        """
        _check_key(key)
        try:
            obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        except (OSError, BaseError) as error:
            raise _verdict(error, f"Looking for {self.uri(key)}") from error
        return True

    def delete(self, uris: Sequence[str]) -> int:
        """Remove the objects and return how many there were; one that is gone already is no error."""
        present = [key for key in dict.fromkeys(map(self.key, uris)) if self.exists(key)]
        for start in range(0, len(present), DELETE_BATCH):
            try:
                obstore.delete(self._store, present[start : start + DELETE_BATCH])
            except FileNotFoundError:
                continue  # somebody else removed it between the look and the removal
            except (OSError, BaseError) as error:
                raise _verdict(error, f"Removing objects from {self.url}") from error
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

    def sign(self, uri: str, seconds: int) -> str:
        """Return a URL that anybody can read the object at for so many seconds.

        Raises:
            PermanentError: a folder and memory cannot sign.
        """
        if not isinstance(self._store, S3Store):
            raise PermanentError(f"{self.url} cannot sign URLs, only S3 can; download the file instead.")
        return obstore.sign(self._store, "GET", self.key(uri), timedelta(seconds=seconds))

    def check_writable(self) -> None:
        """Write and remove a small object.

        Raises:
            PermanentError: the store refuses to be written, and why.
        """
        stored = self.put("probe/writable", b"ok")
        self.delete([stored.uri])

    def _listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        try:
            for batch in obstore.list(self._store, prefix or None):
                yield from cast("Sequence[dict[str, Any]]", batch)
        except (OSError, BaseError) as error:
            raise _verdict(error, f"Listing {self.url}") from error

    def _read(self, uri: str) -> bytes:
        key = self.key(uri)
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except FileNotFoundError as error:
            raise NotFoundError(
                f"The object {uri} is not in the store; materialize the asset that stored it again."
            ) from error
        except (OSError, BaseError) as error:
            raise _verdict(error, f"Reading {uri}") from error

    def _check_same(self, stored: StoredObject) -> None:
        if hashlib.sha256(self._read(stored.uri)).hexdigest() != stored.sha256:
            raise PermanentError(
                f"Storing {stored.uri} found other bytes there; objects are immutable, so remove or rename it."
            )


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
            return _open_s3(url)
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


def _open_s3(url: str) -> S3Store:
    import boto3  # noqa: PLC0415 (half a second that only S3 users pay)
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 (same)
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 (same)

    try:
        session = boto3.Session()
        endpoint = session.client("s3").meta.endpoint_url
        options: dict[str, Any] = {"region": session.region_name or "us-east-1"}
        if not endpoint.endswith(".amazonaws.com"):
            options |= {"endpoint": endpoint, "client_options": {"allow_http": endpoint.startswith("http://")}}
        return S3Store.from_url(url, credential_provider=Boto3CredentialProvider(session), **options)
    except (BotoCoreError, BaseError, ValueError) as error:
        raise ConfigurationError(
            f"The store {url} cannot be opened ({_reason(error)}); check the bucket's name and the AWS settings, "
            "such as AWS_PROFILE, or AWS_ACCESS_KEY_ID with its secret."
        ) from error


def _reason(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:300]


def _verdict(error: Exception, work: str) -> PermanentError | TransientError:
    reason = _reason(error)
    refused = isinstance(error, PermissionError | PermissionDeniedError | UnauthenticatedError | ValueError)
    full = isinstance(error, OSError) and not isinstance(error, TimeoutError | ConnectionError)
    if refused or full or "os error" in str(error):
        return PermanentError(f"{work} failed ({reason}); check that the store is writable and has free space.")
    return TransientError(f"{work} failed ({reason}); the store may be down, try again.")
