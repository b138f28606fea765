"""The code location loads, and its assets tell a person what they are."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from tripper_assets.definitions import build_definitions
from tripper_assets.domain.quality import CHECKS
from tripper_assets.domain.tag_quality import TAG_CHECKS

PROJECT = Path(__file__).resolve().parent.parent
ASSETS = {
    "raw_activities": "scrape",
    "activities": "scrape",
    "images_map": "enrich",
    "geocoded_map": "enrich",
    "embedding_batch": "enrich",
    "embeddings_map": "enrich",
    "tag_batches": "tag",
    "tag_votes": "tag",
    "activity_tags": "tag",
    "activity_diff": "publish",
    "final_jsonl": "publish",
    "imported_activities": "publish",
    "workflow_cleanup": "publish",
}


@pytest.fixture(scope="module")
def graph() -> AssetGraph:
    return build_definitions().resolve_asset_graph()


def test_the_graph_holds_exactly_the_assets_that_people_know(graph: AssetGraph) -> None:
    groups = {key.to_user_string(): graph.get(key).group_name for key in graph.get_all_asset_keys()}

    assert groups == ASSETS


@pytest.mark.parametrize("asset", ASSETS)
def test_each_asset_says_what_it_is_who_owns_it_and_what_it_is_made_with(graph: AssetGraph, asset: str) -> None:
    node = graph.get(dg.AssetKey(asset))

    assert len(node.description or "") > 40
    assert node.owners == ["team:tripper"]
    assert "python" in node.kinds
    assert isinstance(node.partitions_def, dg.DynamicPartitionsDefinition)


@pytest.mark.parametrize("asset", ASSETS)
def test_each_asset_shows_its_columns_and_how_fresh_it_should_be(graph: AssetGraph, asset: str) -> None:
    node = graph.get(dg.AssetKey(asset))

    assert node.metadata["dagster/column_schema"].columns
    assert isinstance(node.freshness_policy_or_from_metadata, TimeWindowFreshnessPolicy)


def test_what_the_daily_rescrape_makes_warns_after_a_missed_day_and_an_import_may_wait_for_a_person(
    graph: AssetGraph,
) -> None:
    policies = {asset: graph.get(dg.AssetKey(asset)).freshness_policy_or_from_metadata for asset in ASSETS}

    windows = {
        asset: policy.warn_window.to_timedelta()
        for asset, policy in policies.items()
        if isinstance(policy, TimeWindowFreshnessPolicy) and policy.warn_window
    }

    assert {asset for asset, window in windows.items() if window > timedelta(days=1, hours=6)} == {
        "imported_activities",
        "workflow_cleanup",
    }


def test_each_check_says_what_it_wants_and_what_follows_where_it_fails(graph: AssetGraph) -> None:
    specs = [graph.get_check_spec(key) for key in graph.asset_check_keys]

    assert {one.name for one in specs} == {*CHECKS, *TAG_CHECKS}
    for one in specs:
        holds = one.metadata["severity"] == "ERROR"
        assert one.metadata["holds_the_import"] is holds
        assert (one.description or "").endswith(
            "A failure holds the import until a person decides; the last good import stays."
            if holds
            else "A failure is shown, and holds nothing."
        )


def test_an_enrichment_depends_on_activities_alone(graph: AssetGraph) -> None:
    for asset in ("images_map", "geocoded_map", "embedding_batch"):
        assert {key.to_user_string() for key in graph.get(dg.AssetKey(asset)).parent_keys} == {"activities"}


def test_the_import_waits_for_the_diff_against_the_catalog_as_it_was(graph: AssetGraph) -> None:
    parents = {key.to_user_string() for key in graph.get(dg.AssetKey("imported_activities")).parent_keys}

    assert parents == {"final_jsonl", "embeddings_map", "activity_diff"}


def test_no_asset_has_a_backfill_policy_that_would_put_two_sources_into_one_run(graph: AssetGraph) -> None:
    assert all(graph.get(key).backfill_policy is None for key in graph.get_all_asset_keys())


def test_no_check_blocks_the_run(graph: AssetGraph) -> None:
    assert graph.asset_check_keys
    assert not any(graph.get(key).blocking for key in graph.asset_check_keys)


def test_the_jobs_cut_the_graph_where_a_person_decides() -> None:
    definitions = build_definitions()

    scraped = {
        key.to_user_string() for key in definitions.resolve_job_def("scrape_source").asset_layer.executable_asset_keys
    }

    assert scraped == set(ASSETS) - {"imported_activities", "workflow_cleanup"}


def test_loading_the_code_location_starts_nothing_and_writes_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "TRIPPER_HOME": str(tmp_path / "home")}

    subprocess.run(
        [sys.executable, "-c", "import tripper_assets.definitions"], check=True, env=environment, cwd=PROJECT
    )

    assert not (tmp_path / "home").exists()
