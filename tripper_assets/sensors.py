"""What happens without a person: ended runs are written into their workflows."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from tripper_assets.resources import open_catalog, utc_now
from tripper_assets.settings import load_settings
from tripper_assets.tracking import reconcile

RUNS_A_TICK = 100
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
FIRST_LOOK_BACK = timedelta(days=1)


# One plain sensor with a cursor: a run_status_sensor takes a single status, and lags besides.
@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes the end of each run into its workflow: steps write their own rows, and a dead one cannot.",
)
def workflow_status_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look at the runs that ended since the cursor, oldest first; the catalog is opened only where there is one."""
    now = utc_now()
    since = datetime.fromisoformat(context.cursor) if context.cursor else now - FIRST_LOOK_BACK
    records = context.instance.get_run_records(
        dg.RunsFilter(statuses=ENDED, updated_after=since),
        limit=RUNS_A_TICK,
        order_by="update_timestamp",
        ascending=True,
    )
    if not records:
        return dg.SkipReason("No run ended since the last look.")
    with open_catalog(load_settings()) as catalog:
        for record in records:
            reconcile(record.dagster_run, catalog, utc_now)
    context.update_cursor(records[-1].update_timestamp.replace(tzinfo=UTC).isoformat())
    return dg.SkipReason(f"{len(records)} ended runs were written into their workflows.")
