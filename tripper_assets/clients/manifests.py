"""The manifest of a crawl: one line for each page of its result, in the order of their URLs, by which it is replayed."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from datetime import datetime

import zstandard
from pydantic import ValidationError

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import CleanedUpError, CorruptObjectError, NotFoundError
from tripper_assets.domain.model import SourceKey
from tripper_assets.domain.pages import KnownPage
from tripper_assets.domain.snapshots import PAGE_MANIFEST, PageSnapshot
from tripper_assets.domain.workflows import Workflow, WorkflowFile

SHORT_HASH = 12
MAX_LINE_BYTES = 100_000
"""A URL and a few headers are some kilobytes at most."""


def snapshot_of(page: KnownPage, kept: PageSnapshot | None) -> PageSnapshot:
    """Return the snapshot of a page of a result: what its state says, and the headers that are known of its ``kept`` body."""
    said = {"content-type": page.content_type, "etag": page.etag, "last-modified": page.last_modified}
    return PageSnapshot(
        url=page.url,
        address=page.address or page.url,
        status=page.status,
        headers=kept.headers if kept else {name: value for name, value in said.items() if value},
        body_sha256=page.body_sha256,
        body_bytes=kept.body_bytes if kept else 0,
        fetched_at=page.fetched_at,
    )


def put_manifest(
    objects: Objects,
    snapshots: Iterable[PageSnapshot],
    *,
    source_key: SourceKey,
    workflow_id: str,
    run_id: str,
    at: datetime,
) -> WorkflowFile:
    """Store the manifest of a workflow below a name that holds the hash of its bytes, and return the workflow's file.

    Raises:
        TransientError: the store does not answer.
        PermanentError: the store cannot be written.
    """
    data, rows = _packed(snapshots)
    digest = hashlib.sha256(data).hexdigest()
    key = f"{PAGE_MANIFEST}/{source_key}/{workflow_id}/{run_id}-{digest[:SHORT_HASH]}.jsonl.zst"
    stored = objects.put(key, data)
    return WorkflowFile(
        asset=PAGE_MANIFEST,
        run_id=run_id,
        uri=stored.uri,
        bytes=stored.bytes,
        rows=rows,
        sha256=digest,
        created_at=at,
    )


def _packed(snapshots: Iterable[PageSnapshot]) -> tuple[bytes, int]:
    packing, out, rows = zstandard.ZstdCompressor(write_checksum=True).compressobj(), io.BytesIO(), 0
    for one in snapshots:
        out.write(packing.compress(one.model_dump_json().encode() + b"\n"))
        rows += 1
    out.write(packing.flush())
    return out.getvalue(), rows


def read_manifest(objects: Objects, uri: str) -> Iterator[PageSnapshot]:
    """Yield the lines of a stored manifest, which is checked as a whole before the first.

    Raises:
        NotFoundError: it is not there.
        CorruptObjectError: its bytes are not those that were stored, twice in a row, or another version wrote them.
        TransientError: the store does not answer.
    """
    data = next((data for data in (objects.get(uri) for _ in range(2)) if _is_whole(data, uri)), None)
    if data is None:
        raise CorruptObjectError(
            f"Reading {uri} gave bytes that are not the manifest that was stored; run its source again."
        )
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)) as unpacked:
        lines = io.BufferedReader(unpacked)
        while line := lines.readline(MAX_LINE_BYTES):
            yield _read(line, uri)


def _is_whole(data: bytes, uri: str) -> bool:
    return hashlib.sha256(data).hexdigest()[:SHORT_HASH] == uri.removesuffix(".jsonl.zst").rpartition("-")[2]


def _read(line: bytes, uri: str) -> PageSnapshot:
    try:
        return PageSnapshot.model_validate_json(line)
    except ValidationError:
        # Without the cause: pydantic's words hold the value.
        raise CorruptObjectError(
            f"Reading {uri} gave a line that this version cannot read; replay it with the version that wrote it."
        ) from None


def manifest_of(workflow: Workflow) -> WorkflowFile:
    """Return the newest manifest of a workflow.

    Raises:
        NotFoundError: it has none.
        CleanedUpError: it was removed, with the date.
    """
    own = [file for file in workflow.files if file.asset == PAGE_MANIFEST]
    if not own:
        raise NotFoundError(
            f"The workflow {workflow.id} cannot be replayed, for it stored no list of its pages; `tripper run {workflow.source_key}` "
            "asks the site again."
        )
    newest = max(own, key=lambda file: file.created_at)
    if newest.deleted_at is not None:
        raise CleanedUpError(
            f"The workflow {workflow.id} cannot be replayed, for its list of pages was cleaned up on {newest.deleted_at:%Y-%m-%d}; "
            f"`tripper run {workflow.source_key}` asks the site again."
        )
    return newest
