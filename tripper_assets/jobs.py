"""The jobs that people and sensors launch: scrape a source up to its final JSONL, import a bundle, or both."""

import dagster as dg

IMPORT = ["imported_activities", "workflow_cleanup"]

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
run_source = dg.define_asset_job(
    "run_source",
    selection=dg.AssetSelection.all(),
    description="Everything for one source, as `tripper run` does it: scrape, then import if that is allowed.",
)
ALL = [scrape_source, import_source, run_source]
