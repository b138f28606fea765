"""Dagster's webserver asked over GraphQL: what it answers is read as it is, and what it refuses or does not answer is said."""

from collections.abc import Callable
from typing import Any

import httpx2
import orjson
import pytest

from tripper_assets.clients.orchestrator import TAGGERS_TAG, DagsterWebserver, Health, Launch
from tripper_assets.domain.errors import PermanentError, TransientError

Data = dict[str, Any]
PLACE: Data = {
    "workspaceOrError": {
        "locationEntries": [
            {"name": "broken", "locationOrLoadError": {}},
            {"name": "ours", "locationOrLoadError": {"repositories": [{"name": "here", "jobs": [{"name": "scrape_source"}]}]}},
        ]
    }
}  # fmt: skip
WANTED = Launch("scrape_source", "zoo-00000000", "w1", {"tripper/trigger": "api"})


class Webserver:
    """Answers each question of GraphQL by the first of its words that a test gave an answer to, and remembers all."""

    def __init__(self, **answers: Data) -> None:
        self.answers = {"scrape_source": PLACE, "repositories": PLACE} | answers
        self.asked: list[Data] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        question = orjson.loads(request.content)
        self.asked.append(question)
        found = next((data for word, data in self.answers.items() if word in question["query"]), None)
        return httpx2.Response(200, json={"data": found} if found is not None else {"errors": [{"message": "no"}]})

    def client(self) -> DagsterWebserver:
        return DagsterWebserver("http://dagster.example/", transport=httpx2.MockTransport(self))


def launching(**launched: Any) -> Webserver:
    added = {"addDynamicPartition": {"__typename": "AddDynamicPartitionSuccess"}}
    return Webserver(
        addDynamicPartition=added,
        launchRun={"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": "r1"}} | launched},
        rootRunId={"runOrError": {"rootRunId": "r0"}},
    )


def test_a_run_is_launched_where_the_graph_is_with_its_partition_and_its_workflow() -> None:
    webserver = launching()

    run = webserver.client().launch(WANTED)

    params = webserver.asked[-1]["variables"]["params"]
    tags = {one["key"]: one["value"] for one in params["executionMetadata"]["tags"]}
    assert run == "r1"
    assert webserver.asked[1]["variables"]["key"] == "zoo-00000000"
    assert params["selector"] == {
        "repositoryLocationName": "ours",
        "repositoryName": "here",
        "pipelineName": "scrape_source",
    }
    assert tags == {"tripper/trigger": "api", "dagster/partition": "zoo-00000000", "tripper/workflow_id": "w1"}


def test_a_retry_is_of_some_assets_and_shown_after_the_run_before_it() -> None:
    webserver = launching()

    webserver.client().launch(Launch("run_source", "zoo-00000000", "w1", {}, ("activities",), after="r2"))

    params = webserver.asked[-1]["variables"]["params"]
    assert params["selector"]["assetSelection"] == [{"path": ["activities"]}]
    assert params["executionMetadata"]["parentRunId"] == "r2"
    assert params["executionMetadata"]["rootRunId"] == "r0"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"__typename": "PythonError", "message": "boom\nTraceback"}, r"\(boom\)"),
        ({"__typename": "RunConfigValidationInvalid", "errors": [{"message": "wrong"}]}, r"\(wrong\)"),
        ({"__typename": "PipelineNotFoundError"}, r"\(PipelineNotFoundError\)"),
    ],
)
def test_a_launch_that_is_refused_says_why(told: Data, said: str) -> None:
    with pytest.raises(PermanentError, match=said):
        launching(**told).client().launch(WANTED)


def test_a_graph_that_is_not_loaded_yet_may_be_asked_again() -> None:
    webserver = Webserver(repositories={"workspaceOrError": {}})

    with pytest.raises(TransientError, match="has no graph of ours loaded"):
        webserver.client().launch(WANTED)


def test_the_runs_of_a_workflow_are_those_of_its_tag_its_root_and_its_own_name() -> None:
    def run(name: str, at: float, *tags: tuple[str, str]) -> Data:
        stored = [
            {"assetKey": {"path": ["activities"]}, "metadataEntries": [{"label": "uri"}]},
            {"assetKey": {"path": ["imported_activities"]}, "metadataEntries": []},
        ]
        named = [{"key": key, "value": value} for key, value in tags]
        return {"id": name, "status": "FAILURE", "creationTime": at, "tags": named, "assetMaterializations": stored}

    webserver = Webserver(
        tagged={
            "tagged": {"results": [run("r3", 3.0, ("tripper/workflow_id", "w1"), (TAGGERS_TAG, "groq:m"))]},
            "again": {"results": [run("r2", 2.0), run("r9", 9.0, ("tripper/workflow_id", "another"))]},
            "own": {"results": [run("w1", 1.0)]},
        }
    )

    found = webserver.client().runs("w1")

    assert [(one.id, one.stored) for one in found] == [(name, {"activities"}) for name in ("r3", "r2", "w1")]
    assert all(one.is_over for one in found)
    assert [one.taggers for one in found] == ["groq:m", "", ""]


def test_runs_that_take_it_are_counted_and_none_is_asked_where_there_is_none() -> None:
    ended = [{"__typename": name} for name in ("TerminateRunSuccess", "TerminateRunFailure", "RunNotFoundError")]
    webserver = Webserver(terminateRuns={"terminateRuns": {"__typename": "x", "terminateRunResults": ended}})

    assert webserver.client().end(["c", "b", "a"]) == 1
    assert webserver.client().end([]) == 0
    assert [one["variables"] for one in webserver.asked] == [{"ids": ["a", "b", "c"]}]


@pytest.mark.parametrize("beats", [True, False])
def test_it_is_well_where_the_graph_is_loaded_and_all_that_is_needed_beats(beats: bool) -> None:  # noqa: FBT001 (pytest's)
    loaded = {"locationEntries": [{"locationOrLoadError": {"__typename": "RepositoryLocation"}}]}
    daemons = [{"required": True, "healthy": beats}, {"required": False, "healthy": False}]
    health = {"workspaceOrError": loaded, "instance": {"daemonHealth": {"allDaemonStatuses": daemons}}}

    assert Webserver(daemonHealth=health).client().health() == Health(is_loaded=True, beats=beats)


def refusing(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (refusing, TransientError, "start it with `tripper up`, or set TRIPPER_DAGSTER_URL"),
        (lambda _: httpx2.Response(502, text="<html>"), TransientError, "status 502"),
        (lambda _: httpx2.Response(404, text="<html>"), PermanentError, "status 404"),
        (lambda _: httpx2.Response(200, text="<html>"), PermanentError, "check TRIPPER_DAGSTER_URL"),
        (lambda _: httpx2.Response(200, json=[1]), PermanentError, "check TRIPPER_DAGSTER_URL"),
        (lambda _: httpx2.Response(400, json={"errors": []}), PermanentError, "check TRIPPER_DAGSTER_URL"),
    ],
)
def test_no_answer_and_an_answer_of_somebody_else_are_told_apart(
    answer: Callable[[httpx2.Request], httpx2.Response], kind: type[Exception], said: str
) -> None:
    webserver = DagsterWebserver("http://dagster.example", transport=httpx2.MockTransport(answer))

    with pytest.raises(kind, match=said):
        webserver.health()
