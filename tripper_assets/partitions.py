"""How the graph is cut: one dynamic partition for each source, named by its source key."""

from collections.abc import Mapping

import dagster as dg

SOURCES = "source"

# One partition a source and never one an activity: 36,000 dynamic partitions broke SQLite, 100,000 is Dagster's own limit.
source_partitions = dg.DynamicPartitionsDefinition(name=SOURCES)

WORKFLOW_TAG = "tripper/workflow_id"
TRIGGER_TAG = "tripper/trigger"
REQUEST_TAG = "tripper/request"
"""What a sensor asked for with this run: the run key of its first attempt."""
SOURCE_URL_TAG = "tripper/source_url"
KEEP_FILES_TAG = "tripper/keep_files"
REPLAY_TAG = "tripper/replay_of"
"""The workflow whose kept pages a run reads again instead of asking the site."""
TAGGERS_TAG = "tripper/taggers"
"""The voters that a run asks, as a comma list; without it all that vote."""
PARTITION_TAG = "dagster/partition"


BY_DAGSTER = {
    "dagster/backfill": "backfill",
    "dagster/schedule_name": "schedule",
    "dagster/sensor_name": "sensor",
    "dagster/parent_run_id": "retry",
}


def trigger(tags: Mapping[str, str]) -> str:
    """Return what started a run by its tags: our own word where one was said, else what Dagster says, else ui."""
    return tags.get(TRIGGER_TAG) or next((word for tag, word in BY_DAGSTER.items() if tag in tags), "ui")


def workflow_id(run: dg.DagsterRun) -> str:
    """Return the workflow that a run belongs to: its tag, else its root run (a re-execution goes on with it), else itself."""
    return workflow_of(run.tags, run.run_id)


def workflow_of(tags: Mapping[str, str], run_id: str) -> str:
    """Return the workflow of a run by its tags and id."""
    return tags.get(WORKFLOW_TAG) or tags.get("dagster/root_run_id") or run_id
