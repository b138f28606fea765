"""The jobs that people and sensors launch: scrape a source up to its final JSONL, import a bundle, collect a batch, add a source."""

from collections.abc import Collection

import dagster as dg

from tripper_assets.launchpad import add_source

# What each asset is made from: a test holds it against the graph, which takes seconds to build.
MADE_FROM: dict[str, tuple[str, ...]] = {
    "raw_activities": (),
    "activities": ("raw_activities",),
    "images_map": ("activities",),
    "geocoded_map": ("activities",),
    "embedding_batch": ("activities",),
    "embeddings_map": ("embedding_batch",),
    "final_jsonl": ("activities", "images_map", "geocoded_map", "embeddings_map"),
    "activity_diff": ("final_jsonl",),
    "imported_activities": ("final_jsonl", "embeddings_map", "activity_diff"),
    "workflow_cleanup": ("imported_activities",),
}
IMPORT = ["imported_activities", "workflow_cleanup"]
COLLECT = ["embeddings_map"]
"""The assets that wait for a provider's batch."""

scrape_source = dg.define_asset_job(
    "scrape_source",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(*IMPORT),
    description="Crawl a source and make its final JSONL and diff; nothing is imported.",
)
import_source = dg.define_asset_job(
    "import_source",
    selection=dg.AssetSelection.assets(*IMPORT),
    description="Import the final JSONL that belongs to the workflow, if auto_import or a decision allows it.",
)
collect_source = dg.define_asset_job(
    "collect_source",
    selection=dg.AssetSelection.assets(*COLLECT).downstream(),
    description="Collect what providers made of a workflow's batches, and go on from there; launched by batch_sensor.",
)
run_source = dg.define_asset_job(
    "run_source",
    selection=dg.AssetSelection.all(),
    description="Everything for one source, as `tripper run` does it: scrape, then import if that is allowed.",
)
ALL = [scrape_source, import_source, collect_source, run_source, add_source]


def left_to_do(done: Collection[str]) -> list[str]:
    """Return the assets that are not done, and those that are made from one of them, in the order of the graph."""
    left: list[str] = []
    for asset, parents in MADE_FROM.items():
        if asset not in done or set(parents) & set(left):
            left.append(asset)
    return left
