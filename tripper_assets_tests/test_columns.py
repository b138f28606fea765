"""The columns that people see are those that are stored, and what they are said to be made from is there."""

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from tripper_assets.columns import VECTOR_COLUMNS, column_schema
from tripper_assets.definitions import build_definitions
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.formats import encode

MADE_FROM_COLUMNS = {
    "activities",
    "images_map",
    "geocoded_map",
    "embedding_batch",
    "embeddings_map",
    "tag_batches",
    "tag_votes",
    "activity_tags",
    "final_jsonl",
}


@pytest.fixture(scope="module")
def graph() -> AssetGraph:
    return build_definitions().resolve_asset_graph()


def columns(graph: AssetGraph, asset: dg.AssetKey) -> set[str]:
    return {column.name for column in graph.get(asset).metadata["dagster/column_schema"].columns}


def lineage(graph: AssetGraph, asset: str) -> dict[str, list[dg.TableColumnDep]]:
    return dict(graph.get(dg.AssetKey(asset)).metadata["dagster/column_lineage"].deps_by_column)


def test_each_column_of_a_stored_model_tells_its_type_and_what_it_means() -> None:
    columns = {column.name: column for column in column_schema(Activity).columns}

    assert list(columns) == list(Activity.model_fields)
    assert {
        name: columns[name].type for name in ("name", "category", "offers", "ageRange", "eventStatus", "provenance")
    } == {
        "name": "str",
        "category": "list of str",
        "offers": "list of Offer",
        "ageRange": "AgeRange or nothing",
        "eventStatus": "str or nothing",
        "provenance": "Provenance by name",
    }
    assert columns["index"].description == "The position in this run's `activities`, which is ordered by id."


def test_the_columns_of_vectors_are_those_that_are_stored() -> None:
    vectors = EmbeddingsMap("h", "minilm", ("a",), ("t",), np.full((1, 384), 0.05, dtype=np.float32))

    stored = pq.read_schema(pa.BufferReader(encode(vectors).data))

    assert [column.name for column in VECTOR_COLUMNS.columns] == stored.names


def test_each_asset_that_is_made_from_columns_says_from_which(graph: AssetGraph) -> None:
    saying = {
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if "dagster/column_lineage" in graph.get(key).metadata
    }

    assert saying == MADE_FROM_COLUMNS


@pytest.mark.parametrize("asset", sorted(MADE_FROM_COLUMNS))
def test_a_column_is_made_from_columns_that_an_asset_above_it_has(graph: AssetGraph, asset: str) -> None:
    parents = graph.get(dg.AssetKey(asset)).parent_keys

    found = lineage(graph, asset)

    assert found.keys() <= columns(graph, dg.AssetKey(asset))
    for origins in found.values():
        assert {one.asset_key for one in origins} <= parents
        assert all(one.column_name in columns(graph, one.asset_key) for one in origins)


def test_what_the_maps_bring_is_said_to_come_from_them_and_all_else_from_the_activities(graph: AssetGraph) -> None:
    found = lineage(graph, "final_jsonl")

    maps = {
        name: {one.asset_key.to_user_string() for one in origins} - {"activities"} for name, origins in found.items()
    }

    assert {name: assets for name, assets in maps.items() if assets} == {
        "image": {"images_map"},
        "geocoding": {"geocoded_map"},
        "geometry": {"geocoded_map"},
        "location": {"geocoded_map"},
        "attribution": {"images_map", "geocoded_map"},
        "embedding": {"embeddings_map"},
        "tags": {"activity_tags"},
    }
