"""What is left of a workflow that ended badly: every asset that is not done, and everything that is made from one."""

from datetime import UTC, datetime

import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.definitions import build_definitions
from tripper_assets.domain.graph import MADE_FROM, left_to_do
from tripper_assets.domain.workflows import Workflow, WorkflowStage
from tripper_assets.jobs import COLLECT, IMPORT
from tripper_assets.retries import assets_left

DONE = st.sets(st.sampled_from(sorted(MADE_FROM)))


@pytest.fixture(scope="module")
def graph() -> AssetGraph:
    return build_definitions().resolve_asset_graph()


def made_from(asset: str) -> set[str]:
    """Return every asset that comes before one."""
    parents = set(MADE_FROM[asset])
    return parents.union(*(made_from(parent) for parent in parents))


def test_what_retries_know_of_the_graph_is_the_graph(graph: AssetGraph) -> None:
    real = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }

    assert {asset: set(parents) for asset, parents in MADE_FROM.items()} == real
    assert set(IMPORT) | set(COLLECT) <= real.keys()


def test_each_asset_stands_behind_those_that_it_is_made_from() -> None:
    order = list(MADE_FROM)

    assert all(order.index(parent) < order.index(asset) for asset in order for parent in MADE_FROM[asset])


@pytest.mark.parametrize(
    ("not_done", "left"),
    [
        ((), []),
        (("workflow_cleanup",), ["workflow_cleanup"]),
        (("geocoded_map",), ["geocoded_map", "final_jsonl", "activity_diff", "imported_activities", "workflow_cleanup"]),
        (("embedding_batch",), ["embedding_batch", "embeddings_map", "final_jsonl", "activity_diff", "imported_activities", "workflow_cleanup"]),
        (("raw_activities",), list(MADE_FROM)),
        (tuple(MADE_FROM), list(MADE_FROM)),
    ],
)  # fmt: skip
def test_what_is_made_from_something_that_is_left_is_left_too(not_done: tuple[str, ...], left: list[str]) -> None:
    assert left_to_do(MADE_FROM.keys() - set(not_done)) == left


@given(DONE)
def test_all_that_is_left_is_run_once_and_nothing_else(done: set[str]) -> None:
    left = left_to_do(done)

    assert left == [asset for asset in MADE_FROM if asset in left]  # each once, in the order of the graph
    assert MADE_FROM.keys() - done <= set(left)
    for asset in MADE_FROM:
        begun_anew = (MADE_FROM.keys() - done) & ({asset} | made_from(asset))
        assert (asset in left) == bool(begun_anew)


@given(DONE, DONE)
def test_the_more_is_done_the_less_is_left(done: set[str], more: set[str]) -> None:
    assert set(left_to_do(done | more)) <= set(left_to_do(done))


@given(DONE)
def test_a_retry_of_a_retry_repeats_nothing_that_the_first_one_did(done: set[str]) -> None:
    left = left_to_do(done)

    assert left_to_do(done | set(left)) == []
    for count in range(len(left)):
        assert left_to_do((done - set(left)) | set(left[:count])) == left[count:]


@pytest.mark.parametrize(
    ("trigger", "stages", "left"),
    [
        ("tagging", [], ["tag_batches", "tag_votes", "activity_tags"]),
        ("tagging", ["tag_batches"], ["tag_votes", "activity_tags"]),
        ("ui", ["tag_batches", "tag_votes"], ["activity_tags"]),
    ],
)
def test_a_retry_of_a_workflow_that_only_tags_crawls_nothing(trigger: str, stages: list[str], left: list[str]) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    done = [WorkflowStage(asset=one, status="completed", started_at=at, run_id="r") for one in stages]
    failed = Workflow(
        id="w", source_key="s", source_url="u", status="failed", config={}, trigger=trigger, created_at=at, stages=done
    )

    assert assets_left(failed, {(one, "r") for one in stages}, []) == left
