"""Files of a workflow: listed with what became of them, streamed from a folder, signed where the store is S3."""

from dataclasses import replace

import orjson
import pytest
from fastapi.testclient import TestClient

from tripper_assets.api.app import create_app
from tripper_assets.clients.objects import Objects
from tripper_assets_tests.api.conftest import AT, TOKEN, World
from tripper_assets_tests.api.test_workflows import record, store
from tripper_assets_tests.seaweed import BUCKET, credentials


def test_the_newest_file_of_a_kind_is_had_and_older_and_removed_ones_are_listed(world: World) -> None:
    name = world.workflow()
    old = store(world, name, "final_jsonl", [record("old")])
    world.context.catalog.workflows.mark_deleted(name, [old.uri], AT)
    new = store(world, name, "final_jsonl", [record("a"), record("b")], run_id="run-2")

    listed = world.client.get(f"/v1/workflows/{name}/files").json()["files"]
    got = world.client.get(f"/v1/workflows/{name}/files/final_jsonl")

    address = f"/v1/workflows/{name}/files/final_jsonl"
    assert [(one["run_id"], one["href"]) for one in listed] == [("run-1", None), ("run-2", address)]
    assert listed[1]["download_href"] == f"{address}?form=download"
    assert [orjson.loads(line)["name"] for line in got.content.splitlines()] == ["a", "b"]
    assert got.headers["content-type"] == "application/x-ndjson"
    assert got.headers["content-disposition"] == f'attachment; filename="workflow-{name}-final-jsonl.jsonl"'
    assert (int(got.headers["content-length"]), got.headers["etag"]) == (new.bytes, f'"{new.sha256}"')


def test_a_download_has_the_name_that_older_consumers_know(world: World) -> None:
    name = world.workflow()
    store(world, name, "final_jsonl", [record("a")])
    store(world, name, "raw_activities", [record("a")])

    said = {
        kind: world.client.get(f"/v1/workflows/{name}/files/{kind}", params={"form": "download", "vectors": False})
        for kind in ("final_jsonl", "raw_activities")
    }

    assert said["final_jsonl"].headers["content-disposition"] == 'attachment; filename="scrape-run-1.jsonl"'
    assert said["raw_activities"].headers["content-disposition"] == (
        f'attachment; filename="workflow-{name}-raw-activities.json"'
    )
    assert said["raw_activities"].json() == [record("a")]


def test_what_is_gone_what_never_was_and_what_is_no_kind_are_told_apart(world: World) -> None:
    name = world.workflow()
    file = store(world, name, "final_jsonl", [record("a")])
    world.context.catalog.workflows.mark_deleted(name, [file.uri], AT)

    said = {
        kind: world.client.get(f"/v1/workflows/{name}/files/{kind}").status_code
        for kind in ("final_jsonl", "images_map", "nothing", "..%2f..%2fetc%2fpasswd")
    }

    assert said == {"final_jsonl": 410, "images_map": 404, "nothing": 422, "..%2f..%2fetc%2fpasswd": 404}


def test_a_workflow_gives_its_own_files_alone(world: World) -> None:
    one, other = world.workflow(), world.workflow(source=world.source("park.example"))
    store(world, one, "final_jsonl", [record("a")])

    said = world.client.get(f"/v1/workflows/{other}/files/final_jsonl")

    assert said.status_code == 404


def test_an_object_that_the_store_lost_is_told_before_the_answer_begins(world: World) -> None:
    name = world.workflow()
    file = store(world, name, "final_jsonl", [record("a")])
    world.context.store.delete([file.uri])

    said = world.client.get(f"/v1/workflows/{name}/files/final_jsonl")

    assert said.status_code == 404
    assert said.json()["detail"].startswith("The object")


def test_where_the_store_is_s3_the_answer_is_a_signed_url_that_is_open_for_a_while(
    world: World, seaweed: str, aws: pytest.MonkeyPatch
) -> None:
    for variable, value in credentials(seaweed).items():
        aws.setenv(variable, value)
    context = replace(world.context, store=Objects(f"s3://{BUCKET}/api"))
    world = replace(world, context=context)
    name = world.workflow()
    store(world, name, "final_jsonl", [record("a")])

    with TestClient(create_app(context), follow_redirects=False) as client:
        said = client.get(f"/v1/workflows/{name}/files/final_jsonl", headers={"Authorization": f"Bearer {TOKEN}"})

    assert said.status_code == 307
    assert "Signature" in said.headers["location"]
    assert "Expires" in said.headers["location"]
    assert TOKEN not in said.headers["location"]
