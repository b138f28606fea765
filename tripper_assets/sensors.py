"""What happens without a person: sources become partitions, and ended runs are written into their workflows."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import dagster as dg

from tripper_assets.dead_runs import report_dead_runs
from tripper_assets.partitions import SOURCES, source_partitions, workflow_id
from tripper_assets.resources import open_catalog, utc_now
from tripper_assets.settings import load_settings
from tripper_assets.tracking import PARTITION_TAG, reconcile

RUNS_A_TICK = 100
PARTITIONS_A_TICK = 1000
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
FIRST_LOOK_BACK = timedelta(days=1)


def partition_changes(
    registered: Collection[str], present: Collection[str], busy: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return which partitions to add and which to remove in one tick, sorted; a source with a run under way is never removed."""
    added = sorted(set(registered) - set(present))
    removed = sorted(set(present) - set(registered) - set(busy))
    return added[:PARTITIONS_A_TICK], removed[:PARTITIONS_A_TICK]


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Adds a partition for each registered source, and removes those of sources that are gone.",
)
def sources_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Compare the registry with the partitions; a registry that cannot be read is an error, and never an empty one."""
    with open_catalog(load_settings()) as catalog:
        registered = [source.key for source in catalog.sources.list()]
    present = context.instance.get_dynamic_partitions(SOURCES)
    runs = context.instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY)) if set(present) - set(registered) else []
    busy = {run.tags.get(PARTITION_TAG, "") for run in runs}
    added, removed = partition_changes(registered, present, busy)
    if not added and not removed:
        return dg.SkipReason(f"All {len(registered)} registered sources have their partition.")
    requests = [source_partitions.build_add_request(added)] if added else []
    requests += [source_partitions.build_delete_request(removed)] if removed else []
    return dg.SensorResult(dynamic_partitions_requests=requests)


# One plain sensor with a cursor: a run_status_sensor takes a single status, and lags besides.
@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes the end of each run into its workflow: steps write their own rows, and a dead one cannot.",
)
def workflow_status_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look at the runs that ended since the cursor, oldest first; the catalog is opened only where there is one."""
    report_dead_runs(context.instance)
    since = datetime.fromisoformat(context.cursor) if context.cursor else utc_now() - FIRST_LOOK_BACK
    records = context.instance.get_run_records(
        dg.RunsFilter(statuses=ENDED, updated_after=since),
        limit=RUNS_A_TICK,
        order_by="update_timestamp",
        ascending=True,
    )
    if not records:
        return dg.SkipReason("No run ended since the last look.")
    # A workflow that runs again, or is imported, is brought in line with that run when it ends.
    going_on = {workflow_id(run) for run in context.instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))}
    ended = [record.dagster_run for record in records if workflow_id(record.dagster_run) not in going_on]
    with open_catalog(load_settings()) as catalog:
        for run in ended:
            reconcile(run, catalog, context.instance)
    context.update_cursor(records[-1].update_timestamp.replace(tzinfo=UTC).isoformat())
    return dg.SkipReason(f"{len(records)} ended runs were written into their workflows.")
