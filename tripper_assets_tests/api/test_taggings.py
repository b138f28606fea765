"""Tagging is started for chosen sources, and shown for each voter, by the API and on the dashboard."""

from datetime import timedelta

import pytest

from tripper_assets.clients.orchestrator import TAGGERS_TAG
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.refinement import RefinementProgress
from tripper_assets.domain.tag_runs import VoterProgress
from tripper_assets.partitions import TAGGERS_TAG as TAG_OF_DAGSTER
from tripper_assets_tests.api.conftest import AT, World


def voted(world: World, there: int = 3) -> str:
    """Leave a workflow whose voters were counted."""
    workflow = world.workflow("waiting")
    progress = VoterProgress(provider="groq", model="gpt", run=1, runs=2, wanted=8, there=there, errors=1)
    counts = {"rows": there, "progress": [progress.model_dump()]}
    world.context.catalog.workflows.stage_started(workflow, "tag_votes", AT)
    world.context.catalog.workflows.stage_ended(workflow, "tag_votes", "skipped", AT + timedelta(seconds=1), counts)
    return workflow


def test_the_voters_of_chosen_sources_are_asked(world: World) -> None:
    zoo, farm = world.source(), world.source("farm.example")

    answer = world.client.post("/v1/taggings", json={"sources": [zoo.key, farm.url, zoo.key], "runs": 3})

    assert answer.status_code == 202
    started = answer.json()["workflows"]
    assert [one["source_key"] for one in started] == [zoo.key, farm.key]
    launched = world.orchestrator.launched
    assert [(one.job, one.source_key, one.tags[TAGGERS_TAG]) for one in launched] == [
        ("tag_source", zoo.key, "local"),
        ("tag_source", farm.key, "local"),
    ]
    workflow = world.context.catalog.workflows.get(started[0]["workflowId"])
    assert workflow is not None
    assert (workflow.trigger, workflow.overrides) == ("tagging", {"tag_runs": 3})
    assert TAGGERS_TAG == TAG_OF_DAGSTER


def test_a_source_whose_run_is_refused_keeps_no_other_from_being_tagged(world: World) -> None:
    refused, farm = world.source(), world.source("farm.example")
    refusals = [PermanentError("Dagster says no.")]

    def refuse_one() -> None:
        if refusals:
            raise refusals.pop()

    world.orchestrator.before_launch = refuse_one

    answer = world.client.post("/v1/taggings", json={"sources": [refused.key, farm.key]})

    assert answer.status_code == 409
    assert [one.source_key for one in world.orchestrator.launched] == [farm.key]


@pytest.mark.parametrize(
    ("wanted", "status", "said"),
    [
        ({"sources": ["nobody-12345678"]}, 404, "There is no source nobody-12345678"),
        ({"sources": ["zoo-example-?"], "taggers": ["openai"]}, 422, "'openai' does not vote on this source"),
        ({"sources": []}, 422, ""),
        ({"sources": ["x"], "runs": 21}, 422, ""),
    ],
)
def test_what_cannot_be_tagged_is_refused_and_nothing_begins(
    world: World, wanted: dict[str, object], status: int, said: str
) -> None:
    key = world.source().key
    names = wanted["sources"]
    assert isinstance(names, list)
    body = {**wanted, "sources": [key if name == "zoo-example-?" else name for name in names]}

    answer = world.client.post("/v1/taggings", json=body)

    assert (answer.status_code, world.orchestrator.launched) == (status, [])
    assert said in answer.text


def test_progress_is_the_newest_count_of_each_source(world: World) -> None:
    before = world.client.get("/v1/taggings").json()
    workflow = voted(world)

    (found,) = world.client.get("/v1/taggings").json()["sources"]

    assert before == {"sources": []}
    assert found["refinement"] is None
    assert (found["workflow_id"], found["status"]) == (workflow, "waiting")
    assert [(one["provider"], one["run"], one["there"], one["wanted"], one["errors"]) for one in found["voters"]] == [
        ("groq", 1, 3, 8, 1)
    ]


def test_progress_and_the_dashboard_tell_how_far_the_refinement_of_that_count_is(world: World) -> None:
    workflow = voted(world)
    catalog, counted = world.context.catalog, RefinementProgress(refined=2, wanted=3, under_way=1)
    catalog.workflows.stage_started(workflow, "activity_tags", AT)
    catalog.workflows.stage_ended(workflow, "activity_tags", "completed", AT, {"refinement": counted.model_dump()})

    (found,) = world.client.get("/v1/taggings").json()["sources"]

    assert (found["refinement"]["refined"], found["refinement"]["under_way"]) == (2, 1)
    assert "2 of 3 refined" in world.client.get("/").text


def test_the_dashboard_shows_each_voter_and_starts_what_is_ticked(world: World) -> None:
    key = world.source().key
    voted(world)

    page = world.client.get("/").text
    answer = world.client.post("/taggings", data={"sources": [key], "runs": "2", "tagger": ""}, follow_redirects=False)
    wrong = world.client.post("/taggings", data={"sources": [key], "runs": "many"}, follow_redirects=False)
    nothing = world.client.post("/taggings", data={"runs": ""}, follow_redirects=False)

    assert 'aria-label="Votes of groq"' in page
    assert "3 of 8" in page
    assert f'name="sources" value="{key}"' in page
    assert (answer.status_code, answer.headers["location"]) == (303, "/?said=tagging")
    assert [(one.job, one.source_key) for one in world.orchestrator.launched] == [("tag_source", key)]
    assert (wrong.status_code, nothing.status_code) == (422, 422)
    assert "No source is chosen" in nothing.text
