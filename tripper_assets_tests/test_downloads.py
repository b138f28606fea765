"""A workflow's files come down under the names and in the shapes that older consumers know, or not at all."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity, Geocoding
from tripper_assets.domain.errors import CleanedUpError, CorruptObjectError, NotFoundError
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImageRow, ImagesMap, PlaceRow
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.downloads import downloads, newest_files, read_file
from tripper_assets.formats import encode

NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
SOURCE = make_source("https://example.org/")
IDS = ("0f8f0a4e-0000-5000-8000-000000000001", "0f8f0a4e-0000-5000-8000-000000000002")
LIST = ids_sha256(IDS)
OK = Geocoding(status="ok", type="locality", accuracy="locality", provider="offline")


def activity(identifier: str, **more: Any) -> Activity:
    values = {
        "schema_version": "1",
        "type": "Event",
        "id": identifier,
        "index": IDS.index(identifier),
        "source_key": SOURCE.key,
        "source_url": SOURCE.url,
        "url": f"https://example.org/{identifier[-1]}",
        "name": f"Owl Night {identifier[-1]}",
    }
    return Activity.model_validate(values | more)


def embeddings(list_hash: str = LIST) -> EmbeddingsMap:
    return EmbeddingsMap(list_hash, "small", IDS, ("a", "b"), np.array([[1, 0], [0, 1]], dtype=np.float32))


@pytest.fixture
def objects() -> Objects:
    return Objects("memory://")


def workflow(objects: Objects, *, name: str = "some-workflow", gone: str = "", **assets: Any) -> Workflow:
    """Store values by asset and return the workflow that holds them; ``gone`` was cleaned up."""
    files: list[WorkflowFile] = []
    for minute, (asset, value) in enumerate(assets.items()):
        encoded = encode(value)
        stored = objects.put(f"{asset}/{SOURCE.key}/w/run-{minute}.{encoded.extension}", encoded.data)
        files.append(
            WorkflowFile(
                asset=asset, run_id="run-7", uri=stored.uri, bytes=stored.bytes, rows=encoded.rows, sha256=stored.sha256,
                created_at=NOW + timedelta(minutes=minute), deleted_at=NOW if asset in gone.split() else None,
            )
        )  # fmt: skip
    return Workflow(
        id=name, source_key=SOURCE.key, source_url=SOURCE.url, status="completed", config={}, created_at=NOW, files=files
    )  # fmt: skip


def everything(list_hash: str = LIST) -> dict[str, Any]:
    described = {"embedding": {"model": "small", "dimensions": 2, "text_sha256": "a"}}
    return {
        "activities": [activity(one) for one in IDS],
        "images_map": ImagesMap(
            list_hash,
            (
                ImageRow(activity_id=IDS[1], position=0, sourceUrl="https://example.org/a.jpg", problem="image_small"),
                ImageRow(activity_id=IDS[1], position=1, sourceUrl="https://example.org/b.jpg", sha256="b" * 64),
            ),
        ),
        "geocoded_map": GeocodedMap(LIST, (PlaceRow(activity_id=IDS[0], latitude=1, longitude=2, geocoding=OK),)),
        "embeddings_map": embeddings(),
        "final_jsonl": [activity(IDS[0], **described), activity(IDS[1])],
    }


def test_maps_are_objects_by_index_beside_the_list_of_ids(objects: Objects) -> None:
    found = {name: data.decode() for name, data in downloads(objects, workflow(objects, **everything())).items()}

    assert json.loads(found["workflow-some-workflow-ids.json"]) == {"ids_sha256": LIST, "ids": list(IDS)}
    images = json.loads(found["workflow-some-workflow-images.json"])
    assert {index: [row["sourceUrl"] for row in rows] for index, rows in images.items()} == {
        "1": ["https://example.org/b.jpg"]
    }
    places = json.loads(found["workflow-some-workflow-geocoded.json"])
    assert {index: (row["latitude"], row["longitude"]) for index, row in places.items()} == {"0": (1.0, 2.0)}
    assert json.loads(found["workflow-some-workflow-embeddings.json"]) == {"0": [1.0, 0.0], "1": [0.0, 1.0]}


def test_the_final_lines_have_their_vectors_inline_where_they_name_one(objects: Objects) -> None:
    found = downloads(objects, workflow(objects, **everything()))

    lines = [json.loads(line) for line in found["scrape-run-7.jsonl"].splitlines()]
    assert lines[0]["embedding"]["vector"] == [1.0, 0.0]
    assert "embedding" not in lines[1]


def test_the_final_lines_go_without_vectors_that_were_cleaned_up(objects: Objects) -> None:
    found = downloads(objects, workflow(objects, gone="embeddings_map", **everything()))

    assert "workflow-some-workflow-embeddings.json" not in found
    assert b'"vector"' not in found["scrape-run-7.jsonl"]


@pytest.mark.parametrize("asset", ["images_map", "geocoded_map", "embeddings_map"])
def test_a_map_of_another_list_of_activities_is_refused(objects: Objects, asset: str) -> None:
    other = {
        "images_map": ImagesMap("0" * 64, ()),
        "geocoded_map": GeocodedMap("0" * 64, ()),
        "embeddings_map": embeddings("0" * 64),
    }

    with pytest.raises(CorruptObjectError, match=f"Writing {asset} of workflow some-workflow by index was refused"):
        downloads(objects, workflow(objects, **everything() | {asset: other[asset]}))


def test_a_map_without_its_activities_is_refused(objects: Objects) -> None:
    without = {asset: value for asset, value in everything().items() if asset == "images_map"}

    with pytest.raises(CorruptObjectError, match="made from another list"):
        downloads(objects, workflow(objects, **without))


def test_the_id_of_a_workflow_stays_within_the_folder(objects: Objects) -> None:
    found = downloads(objects, workflow(objects, name="../../etc/x", **everything()))

    assert "workflow-..-..-etc-x-ids.json" in found
    assert not [name for name in found if "/" in name]


def test_the_newest_file_of_an_asset_counts(objects: Objects) -> None:
    found = workflow(objects, activities=[activity(IDS[0])])
    later = found.files[0].model_copy(update={"run_id": "run-8", "created_at": NOW + timedelta(hours=1)})

    assert newest_files(found.model_copy(update={"files": [later, *found.files]}))["activities"] == later


def test_a_file_that_was_never_stored_or_was_cleaned_up_is_said(objects: Objects) -> None:
    found = workflow(objects, gone="images_map", **everything())

    with pytest.raises(NotFoundError, match="has stored no activity_diff; `tripper files some-workflow` lists"):
        read_file(objects, found, "activity_diff", dict)
    with pytest.raises(
        CleanedUpError, match=r"images_map of workflow some-workflow were cleaned up on 2026-03-15; run "
    ):
        read_file(objects, found, "images_map", ImagesMap)
