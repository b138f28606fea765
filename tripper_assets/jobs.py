"""The jobs that people and sensors launch: scrape a source up to its final JSONL, import a bundle, collect a batch, tag, add a source, clean up."""

import dagster as dg

from tripper_assets.cleanup import Chosen, clean_up
from tripper_assets.domain.graph import TAGGING
from tripper_assets.launchpad import add_source

IMPORT = ["imported_activities", "workflow_cleanup"]
COLLECT = ["embeddings_map", "tag_votes"]
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
tag_source = dg.define_asset_job(
    "tag_source",
    selection=dg.AssetSelection.assets(*TAGGING),
    description="Have the stored activities of a source tagged, without a crawl; its next run publishes what that changes.",
)
run_source = dg.define_asset_job(
    "run_source",
    selection=dg.AssetSelection.all(),
    description="Everything for one source, as `tripper run` does it: scrape, then import if that is allowed.",
)


@dg.op(
    required_resource_keys={"catalog", "objects", "settings", "clock"},
    description="Removes the intermediates of workflows that completed long enough ago, as `tripper cleanup` does.",
)
def remove_expired(context: dg.OpExecutionContext) -> None:
    """Clean up by each source's keep_days, else TRIPPER_RETENTION_DAYS."""
    given = context.resources
    removed = clean_up(
        given.catalog,
        given.objects,
        chosen=Chosen(given.settings.retention_days),
        now=given.clock(),
        report=context.instance.report_runless_asset_event,
    )
    context.add_output_metadata(removed.counts())


@dg.job(
    description="Remove what has had its time: files of completed workflows, and page bodies, pictures and files that nothing needs any more."
)
def retention_job() -> None:
    """Run the clean-up."""
    remove_expired()


ALL = [scrape_source, import_source, collect_source, tag_source, run_source, add_source, retention_job]
