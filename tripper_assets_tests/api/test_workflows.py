"""Workflows over the API: started, listed, retried, canceled and decided on, with every refusal said as what it is."""

from typing import Any

import pytest

from tripper_assets.clients.orchestrator import (
    SOURCE_URL_TAG,
    TAGGERS_TAG,
    TRIGGER_TAG,
    WORKFLOW_TAG,
    Launch,
    OrchestratedRun,
)
from tripper_assets.domain.diff import ActivityDiff
from tripper_assets.domain.workflows import WorkflowFile
from tripper_assets.formats import encode
from tripper_assets.partitions import SOURCE_URL_TAG as THEIR_SOURCE_URL
from tripper_assets.partitions import TRIGGER_TAG as THEIR_TRIGGER
from tripper_assets.partitions import WORKFLOW_TAG as THEIR_WORKFLOW
from tripper_assets_tests.api.conftest import AT, World

URL = "https://zoo.example/events"


def post(world: World, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    said = world.client.post(f"/v1/workflows{path}", json=body)
    return said.status_code, said.json()


def store(world: World, workflow_id: str, asset: str, value: Any, *, run_id: str = "run-1") -> WorkflowFile:
    encoded = encode(value)
    kept = world.context.store.put(f"{asset}/{workflow_id}/{run_id}.{encoded.extension}", encoded.data)
    file = WorkflowFile(
        asset=asset, run_id=run_id, uri=kept.uri, bytes=kept.bytes, rows=encoded.rows, sha256=kept.sha256, created_at=AT
    )
    world.context.catalog.workflows.add_file(workflow_id, file)
    return file


def record(name: str) -> dict[str, Any]:
    return {"id": f"id of {name}", "name": name, "source_key": "zoo"}


def test_the_words_of_a_launch_are_those_that_the_graph_reads() -> None:
    assert (WORKFLOW_TAG, TRIGGER_TAG, SOURCE_URL_TAG) == (THEIR_WORKFLOW, THEIR_TRIGGER, THEIR_SOURCE_URL)


# Starting


def test_a_new_url_is_registered_and_its_workflow_is_there_at_once(world: World) -> None:
    status, said = post(world, "", url=URL, config={"max_pages": 7})

    (source,) = world.context.catalog.sources.list()
    name = said["workflowId"]
    assert status == 202
    assert source.config.max_pages == 7
    assert world.orchestrator.launched == [
        Launch("scrape_source", source.key, name, {TRIGGER_TAG: "api", SOURCE_URL_TAG: URL})
    ]
    found = world.client.get(f"/v1/workflows/{name}").json()
    assert (found["status"], found["trigger"], found["config"]["max_pages"]) == ("queued", "api", 7)


def test_what_a_launch_says_otherwise_holds_for_it_alone(world: World) -> None:
    source = world.source()

    for name in (source.key, source.url):
        status, said = post(world, "", url=name, config={"auto_import": True})

        found = world.client.get(f"/v1/workflows/{said['workflowId']}").json()
        assert (status, found["overrides"]) == (202, {"auto_import": True})
    assert [one.config.auto_import for one in world.context.catalog.sources.list()] == [False]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"url": "ftp://zoo.example/"}, 422, "is not an absolute http or https URL"),
        ({"url": "no-such-source-12345678"}, 404, "There is no source no-such-source-12345678"),
        ({"url": URL, "config": {"max_pages": 0}}, 422, "max_pages: Input should be greater than or equal to 1"),
        ({"url": URL, "config": {"pages": 1}}, 422, "pages: Extra inputs are not permitted"),
        ({"url": URL, "location_id": "nowhere"}, 422, "There is no location nowhere"),
        ({"url": URL, "unknown": 1}, 422, "The request says something wrong"),
        ({}, 422, "The request says something wrong"),
    ],
)
def test_what_is_wrong_with_a_start_is_said_and_nothing_is_begun(
    world: World, body: dict[str, Any], status: int, said: str
) -> None:
    got, problem = post(world, "", **body)

    assert got == status
    assert said in problem["detail"]
    assert world.context.catalog.sources.list() == []
    assert world.orchestrator.launched == []


def test_while_dagster_is_down_nothing_is_begun_and_the_answer_says_what_to_start(world: World) -> None:
    world.orchestrator.is_up = False

    said = world.client.post("/v1/workflows", json={"url": URL})

    assert said.status_code == 503
    assert "tripper up" in said.json()["detail"]
    assert int(said.headers["retry-after"]) > 0
    assert world.context.catalog.sources.list() == []


def test_a_run_that_dagster_refuses_leaves_a_failed_workflow_that_says_why(world: World) -> None:
    world.orchestrator.refuses = "Launching was refused by Dagster (no such job)."

    status, said = post(world, "", url=URL)

    (found,) = world.context.catalog.workflows.list()
    assert (status, found.status) == (409, "failed")
    assert said["detail"] == found.reason == world.orchestrator.refuses


# Looking


def test_lists_go_page_by_page_and_say_no_to_what_is_no_cursor(world: World) -> None:
    names = [world.workflow() for _ in range(3)]

    first = world.client.get("/v1/workflows", params={"limit": 2}).json()
    second = world.client.get("/v1/workflows", params={"limit": 2, "cursor": first["next"]}).json()
    wrong = world.client.get("/v1/workflows", params={"cursor": "guessed"})

    assert [one["id"] for one in (*first["workflows"], *second["workflows"])] == names[::-1]
    assert second["next"] is None
    assert wrong.status_code == 422
    filtered = world.client.get("/v1/workflows", params={"status": ["failed", "review"]}).json()
    assert filtered["workflows"] == []


@pytest.mark.parametrize("name", ["nothing", "work", "..", "%2e%2e%2fetc", "a%00b", "..%5c", "é", "x" * 300])
def test_an_id_that_is_none_and_the_beginning_of_one_find_nothing(world: World, name: str) -> None:
    world.workflow()

    for path in (f"/v1/workflows/{name}", f"/v1/workflows/{name}/files", f"/v1/workflows/{name}/files/final_jsonl"):
        said = world.client.get(path)
        assert said.status_code in (404, 422), path
        assert "root:" not in said.text


def test_a_diff_is_against_the_import_before_or_another_workflow_of_the_same_source(world: World) -> None:
    one, other, strange = world.workflow(), world.workflow(), world.workflow(source=world.source("park.example"))
    store(world, one, "activity_diff", ActivityDiff(before="catalog", after=one, added=1))
    store(world, one, "final_jsonl", [record("a"), record("b")])
    store(world, other, "final_jsonl", [record("a")])

    own = world.client.get(f"/v1/workflows/{one}/diff").json()
    two = world.client.get(f"/v1/workflows/{one}/diff", params={"against": other}).json()
    refused = world.client.get(f"/v1/workflows/{one}/diff", params={"against": strange})

    assert (own["before"], own["added"]) == ("catalog", 1)
    assert (two["before"], two["added"], two["unchanged"]) == (other, 1, 1)
    assert refused.status_code == 409
    assert world.client.get(f"/v1/workflows/{other}/diff").status_code == 404


# Retrying and canceling


def test_a_retry_does_what_is_left_in_the_same_workflow_and_after_its_last_run(world: World) -> None:
    name, workflows = world.workflow(), world.context.catalog.workflows
    for asset in ("raw_activities", "activities"):
        workflows.stage_started(name, asset, AT, run_id="run-1")
        workflows.stage_ended(name, asset, "completed", AT, {})
    workflows.set_status(name, "failed", "It rained.")
    # The store refused what the second stage made: it is done anew.
    world.orchestrator.found[name] = [OrchestratedRun("run-1", "FAILURE", frozenset({"raw_activities"}))]

    status, said = post(world, f"/{name}/retry")

    (launched,) = world.orchestrator.launched
    assert (status, said["status"]) == (202, "running")
    assert (launched.job, launched.workflow_id, launched.after) == ("run_source", name, "run-1")
    assert launched.assets[0] == "activities"
    assert "raw_activities" not in launched.assets


def test_a_retry_asks_the_voters_that_the_workflow_asked_and_no_others(world: World) -> None:
    name = world.workflow()
    world.context.catalog.workflows.set_status(name, "failed")
    runs = [OrchestratedRun("run-2", "FAILURE"), OrchestratedRun("run-1", "FAILURE", taggers="groq:m")]
    world.orchestrator.found[name] = runs

    post(world, f"/{name}/retry")

    assert [one.tags[TAGGERS_TAG] for one in world.orchestrator.launched] == ["groq:m"]


def test_only_what_ended_badly_and_is_over_is_retried(world: World) -> None:
    running, going = world.workflow(), world.workflow()
    world.context.catalog.workflows.set_status(going, "failed")
    world.orchestrator.found[going] = [OrchestratedRun("run-1", "CANCELING")]

    for name, said in ((running, "is running, and only a failed or canceled one is retried"), (going, "goes on still")):
        status, problem = post(world, f"/{name}/retry")
        assert status == 409
        assert said in problem["detail"]
    assert world.orchestrator.launched == []


def test_a_retry_that_cannot_be_launched_leaves_the_workflow_failed(world: World) -> None:
    name = world.workflow()
    world.context.catalog.workflows.set_status(name, "failed")
    world.orchestrator.refuses = "Dagster says no."

    status, _ = post(world, f"/{name}/retry")

    assert (status, world.status(name)) == (409, "failed")


def test_what_waits_is_canceled_at_once_and_what_runs_is_asked_to_end(world: World) -> None:
    waiting, running = world.workflow(), world.workflow()
    world.context.catalog.workflows.set_status(waiting, "waiting")
    world.orchestrator.found[running] = [OrchestratedRun("run-1", "STARTED")]

    for name in (waiting, running):
        status, said = post(world, f"/{name}/cancel")
        assert (status, said["status"]) == (202, "canceled")
    assert world.orchestrator.found[running][0].status == "CANCELED"
    assert post(world, f"/{running}/cancel")[0] == 409


def test_a_run_of_a_command_is_ended_by_that_command_alone(world: World) -> None:
    name = world.workflow()
    world.orchestrator.found[name] = [OrchestratedRun("run-1", "STARTED")]
    world.orchestrator.foreign.add("run-1")

    status, said = post(world, f"/{name}/cancel")

    assert (status, world.status(name)) == (409, "running")
    assert "interrupt that command" in said["detail"]


def test_a_cancel_that_comes_while_a_run_is_launched_ends_that_run(world: World) -> None:
    name = world.workflow()
    world.context.catalog.workflows.set_status(name, "failed")
    world.orchestrator.before_launch = lambda: post(world, f"/{name}/cancel")

    post(world, f"/{name}/retry")

    assert world.status(name) == "canceled"
    assert [one.status for one in world.orchestrator.found[name]] == ["CANCELED"]


def test_a_run_that_ends_already_is_left_to_it(world: World) -> None:
    name = world.workflow()
    world.orchestrator.found[name] = [OrchestratedRun("run-1", "CANCELING")]

    assert post(world, f"/{name}/cancel")[0] == 202
    assert world.orchestrator.found[name][0].status == "CANCELING"


# Deciding


def test_a_decision_is_on_the_bundle_that_was_seen(world: World) -> None:
    name = world.workflow()
    seen = store(world, name, "final_jsonl", [record("a")])
    body = {"decision": "approved", "bundle_sha256": seen.sha256, "by": "ada", "reason": "Looks good."}

    status, said = post(world, f"/{name}/decision", **body)
    stale = post(world, f"/{name}/decision", **body | {"bundle_sha256": "0" * 64})

    assert (status, said["decision"], said["by"]) == (200, "approved", "ada")
    assert stale[0] == 409
    assert "is not the one that was seen" in stale[1]["detail"]
    kept = world.context.catalog.workflows.decision_for(seen.sha256, world.source().key)
    assert kept is not None
    assert kept.reason == "Looks good."


def test_an_approval_of_what_a_newer_workflow_replaced_is_refused(world: World) -> None:
    old, new = world.workflow(), world.workflow()
    seen = store(world, old, "final_jsonl", [record("a")])
    store(world, new, "final_jsonl", [record("b")])

    status, said = post(world, f"/{old}/decision", decision="approved", bundle_sha256=seen.sha256)

    assert status == 409
    assert new in said["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"decision": "rejected"}, 422),
        ({"decision": "rejected", "reason": " "}, 422),
        ({"decision": "approved", "overrides": ["no_such_check"]}, 422),
        ({"decision": "perhaps"}, 422),
        ({"decision": "approved", "bundle_sha256": "short"}, 422),
        ({"decision": "rejected", "reason": "Wrong town."}, 200),
    ],
)
def test_a_rejection_has_a_reason_and_only_known_checks_are_overridden(
    world: World, body: dict[str, Any], status: int
) -> None:
    name = world.workflow()
    world.context.catalog.workflows.set_status(name, "review", "Waits.")
    seen = store(world, name, "final_jsonl", [record("a")])

    got, _ = post(world, f"/{name}/decision", **{"bundle_sha256": seen.sha256} | body)

    assert got == status
    decided = world.context.catalog.workflows.decision_for(seen.sha256, world.source().key)
    assert (decided is not None) == (status == 200)


def test_there_is_nothing_to_decide_where_the_bundle_is_gone_or_never_was(world: World) -> None:
    never, gone = world.workflow(), world.workflow()
    seen = store(world, gone, "final_jsonl", [record("a")])
    world.context.catalog.workflows.mark_deleted(gone, [seen.uri], AT)

    answers = [
        post(world, f"/{name}/decision", decision="approved", bundle_sha256="a" * 64)[0] for name in (never, gone)
    ]

    assert answers == [404, 410]
