"""The files of a workflow: what it stored, and each of them to download."""

from itertools import chain
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.concurrency import iterate_in_threadpool

from tripper_assets.api.actions import workflow_of
from tripper_assets.api.context import ApiContext, Context
from tripper_assets.api.replies import problems
from tripper_assets.api.routes.workflows import WorkflowId
from tripper_assets.api.security import SignedIn
from tripper_assets.domain.errors import CleanedUpError, NotFoundError
from tripper_assets.domain.model import Model
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.downloads import NAMES, download, newest_files, stored_name

router = APIRouter(prefix="/v1/workflows/{workflow_id}/files", tags=["files"])
SIGNED_SECONDS = 900
MEDIA_TYPES = {"jsonl": "application/x-ndjson", "json": "application/json", "parquet": "application/vnd.apache.parquet"}
BINARY = "application/octet-stream"
Kind = Literal[
    "raw_activities",
    "activities",
    "images_map",
    "geocoded_map",
    "embedding_batch",
    "embeddings_map",
    "tag_batches",
    "tag_votes",
    "activity_tags",
    "final_jsonl",
    "activity_diff",
    "imported_activities",
]


class StoredFile(WorkflowFile):
    """One stored file, and where it is had."""

    kind: str
    """What `files/{kind}` takes: the asset that stored it."""
    href: str | None
    """The newest of its kind, as it is stored; null where it was cleaned up, or a newer one took its place."""
    download_href: str | None
    """The same as JSON, under the name that older consumers know; null where there is no such download."""


class StoredFiles(Model):
    """Every file that a workflow stored, also those that are gone."""

    files: list[StoredFile]


@router.get("", summary="List the files of a workflow", responses=problems(404))
def list_files(workflow_id: WorkflowId, context: Context, _person: SignedIn) -> StoredFiles:
    """Return what a workflow stored, with sizes, rows and SHA-256; what clean-up removed has its date."""
    found = workflow_of(context, workflow_id)
    newest = newest_files(found)
    return StoredFiles(files=[_shown(found, one, is_newest=newest[one.asset] == one) for one in found.files])


def _shown(workflow: Workflow, file: WorkflowFile, *, is_newest: bool) -> StoredFile:
    is_there = is_newest and file.deleted_at is None
    address = f"/v1/workflows/{workflow.id}/files/{file.asset}" if is_there else None
    readable = f"{address}?form=download" if address and file.asset in NAMES else None
    return StoredFile(**file.model_dump(), kind=file.asset, href=address, download_href=readable)


@router.get(
    "/{kind}",
    summary="Download a file",
    response_class=Response,
    responses={
        **problems(404, 410),
        200: {
            "description": "The file.",
            "content": {name: {} for name in (*MEDIA_TYPES.values(), BINARY)},
        },
        307: {"description": "To a URL of the store that is open for a quarter of an hour."},
    },
)
def get_file(
    workflow_id: WorkflowId,
    kind: Kind,
    context: Context,
    _person: SignedIn,
    *,
    form: Annotated[
        Literal["stored", "download"],
        Query(description="download: as JSON, under the name and in the shape that older consumers know."),
    ] = "stored",
    vectors: Annotated[
        bool, Query(description="Whether a download of final_jsonl has its vectors in its lines.")
    ] = True,
) -> Response:
    """Return the newest file of a kind: a redirect to a signed URL where the store is S3, else the bytes."""
    found = workflow_of(context, workflow_id)
    if form == "download":
        name, contents = download(context.store, found, kind, vectors=vectors)
        return Response(contents, media_type=_media_type(name), headers=_attached(name))
    file = newest_files(found).get(kind)
    if file is None:
        raise NotFoundError(f"The workflow {found.id} has stored no {kind}; GET its files lists what it has.")
    if file.deleted_at is not None:
        raise CleanedUpError(f"The {kind} of workflow {found.id} was cleaned up on {file.deleted_at:%Y-%m-%d}.")
    if context.store.can_sign:
        return RedirectResponse(context.store.sign(file.uri, SIGNED_SECONDS), 307)
    return _streamed(context, found, file)


def _streamed(context: ApiContext, workflow: Workflow, file: WorkflowFile) -> Response:
    name, pieces = stored_name(workflow, file), context.store.chunks(file.uri)
    first = next(pieces, b"")  # a missing object is told before the answer begins

    headers = {**_attached(name), "Content-Length": str(file.bytes), "ETag": f'"{file.sha256}"'}
    return StreamingResponse(
        iterate_in_threadpool(chain([first], pieces)), media_type=_media_type(name), headers=headers
    )


def _media_type(name: str) -> str:
    return MEDIA_TYPES.get(name.rsplit(".", 1)[-1], BINARY)


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
