"""A workflow's files under the names and in the shapes that older consumers know: JSON, and maps by index with the id list beside them."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.errors import CleanedUpError, CorruptObjectError, NotFoundError
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImagesMap
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.formats import decode

NAMES = {
    "raw_activities": "workflow-{id}-raw-activities.json",
    "images_map": "workflow-{id}-images.json",
    "geocoded_map": "workflow-{id}-geocoded.json",
    "embeddings_map": "workflow-{id}-embeddings.json",
    "final_jsonl": "scrape-{run_id}.jsonl",
}
IDS_NAME = "workflow-{id}-ids.json"
UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
Json = Any


def newest_files(workflow: Workflow) -> dict[str, WorkflowFile]:
    """Return the newest file of each asset."""
    return {file.asset: file for file in sorted(workflow.files, key=lambda file: file.created_at)}


def read_file(objects: Objects, workflow: Workflow, asset: str, wanted: Any) -> Any:  # noqa: ANN401 (as ``decode``)
    """Return a workflow's newest ``asset`` as ``wanted``.

    Raises:
        NotFoundError: the workflow has no such file.
        CleanedUpError: it was removed, with the date.
    """
    file = newest_files(workflow).get(asset)
    if file is None:
        raise NotFoundError(
            f"The workflow {workflow.id} has stored no {asset}; `tripper files {workflow.id}` lists what it has."
        )
    if file.deleted_at is not None:
        raise CleanedUpError(
            f"The {asset} of workflow {workflow.id} were cleaned up on {file.deleted_at:%Y-%m-%d}; run {workflow.source_url} again."
        )
    data = objects.get(file.uri, sha256=file.sha256)
    return decode(data, wanted, extension=file.uri.rsplit(".", 1)[-1], uri=file.uri)


def downloads(objects: Objects, workflow: Workflow) -> dict[str, bytes]:
    """Return the contents of every download by its name; files that were cleaned up are left out.

    Raises:
        CorruptObjectError: a stored file is damaged, or a map was made from another list of activities.
    """
    present = {asset: file for asset, file in newest_files(workflow).items() if file.deleted_at is None}
    found: dict[str, bytes] = {}
    activities: list[Activity] = (
        read_file(objects, workflow, "activities", list[Activity]) if "activities" in present else []
    )
    ids = [activity.id for activity in activities]
    if ids:
        found[_filename(IDS_NAME, workflow.id)] = _json({"ids_sha256": ids_sha256(ids), "ids": ids})
    for asset, name in NAMES.items():
        if asset in present:
            found[_filename(name, workflow.id, present[asset].run_id)] = _contents(objects, workflow, asset, ids)
    return found


def download(objects: Objects, workflow: Workflow, asset: str, *, vectors: bool = True) -> tuple[str, bytes]:
    """Return the name and the contents of one download, without the vectors where nobody wants them.

    Raises:
        NotFoundError: there is no such download; CleanedUpError: not any more.
        CorruptObjectError: a stored file is damaged, or a map was made from another list of activities.
    """
    if asset not in NAMES:
        raise NotFoundError(f"There is no download {asset}; there are {', '.join(NAMES)}.")
    if asset == "final_jsonl" and not vectors:
        contents = _lines(read_file(objects, workflow, asset, list[dict[str, Any]]))
    else:
        by_index = asset not in ("raw_activities", "final_jsonl")
        activities: list[Activity] = read_file(objects, workflow, "activities", list[Activity]) if by_index else []
        contents = _contents(objects, workflow, asset, [activity.id for activity in activities])
    return _filename(NAMES[asset], workflow.id, newest_files(workflow)[asset].run_id), contents


def stored_name(workflow: Workflow, file: WorkflowFile) -> str:
    """Return the name of a stored file as it is."""
    return _filename(f"workflow-{{id}}-{file.asset.replace('_', '-')}.{file.uri.rsplit('.', 1)[-1]}", workflow.id)


def _filename(name: str, workflow_id: str, run_id: str = "") -> str:
    """Return the name in one folder: a workflow's id comes from a run's tag, and a person may write anything there."""
    return UNSAFE.sub("-", name.format(id=workflow_id, run_id=run_id))


def _contents(objects: Objects, workflow: Workflow, asset: str, ids: Sequence[str]) -> bytes:
    if asset == "raw_activities":
        return _json(read_file(objects, workflow, asset, list[dict[str, Any]]))
    if asset == "final_jsonl":
        return _with_vectors(objects, workflow)
    kinds = {"images_map": ImagesMap, "geocoded_map": GeocodedMap, "embeddings_map": EmbeddingsMap}
    found = read_file(objects, workflow, asset, kinds[asset])
    if found.ids_sha256 != ids_sha256(ids):
        raise CorruptObjectError(
            f"Writing {asset} of workflow {workflow.id} by index was refused: it was made from another list of activities."
        )
    return _json({str(index): value for index, value in enumerate(map(_by_id(found).get, ids)) if value is not None})


def _by_id(found: ImagesMap | GeocodedMap | EmbeddingsMap) -> dict[str, Json]:
    if isinstance(found, ImagesMap):
        return {one: [row.dump() for row in rows] for one, rows in found.by_id().items()}
    if isinstance(found, GeocodedMap):
        return {one: row.dump() for one, row in found.by_id().items()}
    return {one: found.vectors[row].tolist() for one, row in found.by_id().items()}


def _with_vectors(objects: Objects, workflow: Workflow) -> bytes:
    """Return the final lines with their vectors inline, as older consumers expect; without them where they were cleaned up."""
    records = read_file(objects, workflow, "final_jsonl", list[dict[str, Any]])
    file = newest_files(workflow).get("embeddings_map")
    vectors = (
        _by_id(read_file(objects, workflow, "embeddings_map", EmbeddingsMap))
        if file and file.deleted_at is None
        else {}
    )
    for record in records:
        if record["id"] in vectors and "embedding" in record:
            record["embedding"]["vector"] = vectors[record["id"]]
    return _lines(records)


def _lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for record in records)


def _json(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)
