"""What happens without a person: sources become partitions, bundles are imported, batches collected, and ended runs written down."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import dagster as dg
from dagster import ResourceParam

from tripper_assets.batches import Workers, cancel_batches, check_batches
from tripper_assets.catalog.without_database import NEEDED
from tripper_assets.clients.embeddings import EmbeddingProvider
from tripper_assets.clients.objects import Objects
from tripper_assets.dead_runs import settle
from tripper_assets.domain.batches import Batch, collectable
from tripper_assets.domain.errors import TripperError
from tripper_assets.domain.graph import TAGGING, only_tags
from tripper_assets.domain.publishing import PendingImport, automatic_import, decided_import
from tripper_assets.domain.workflows import Workflow
from tripper_assets.jobs import collect_source, import_source, retention_job, scrape_source
from tripper_assets.notifying import Told, tell
from tripper_assets.partitions import (
    PARTITION_TAG,
    REQUEST_TAG,
    SOURCE_URL_TAG,
    SOURCES,
    TRIGGER_TAG,
    WORKFLOW_TAG,
    source_partitions,
    workflow_id,
)
from tripper_assets.reconciliation import reconcile
from tripper_assets.resources import Catalog, open_catalog, utc_now, webhook
from tripper_assets.settings import load_settings
from tripper_assets.voters import Reach, Taggers

RUNS_A_TICK = 100
PARTITIONS_A_TICK = 1000
WORKFLOWS_A_TICK = 100
TICK_SECONDS = 20.0
"""After which a tick asks no provider more; Dagster ends one at a minute."""
ATTEMPTS = 5
"""How many runs of one request may end without what it asked for."""
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
FIRST_LOOK_BACK = timedelta(days=1)
RUNNING = dg.DefaultSensorStatus.RUNNING


def partition_changes(
    registered: Collection[str], present: Collection[str], busy: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return which partitions to add and which to remove in one tick, sorted; a source with work in flight is never removed."""
    added = sorted(set(registered) - set(present))
    removed = sorted(set(present) - set(registered) - set(busy))
    return added[:PARTITIONS_A_TICK], removed[:PARTITIONS_A_TICK]


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=RUNNING,
    description="Adds a partition for each registered source, and removes those of sources that are gone.",
)
def sources_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Compare the registry with the partitions; a registry that cannot be read is an error, and never an empty one."""
    with open_catalog(load_settings()) as catalog:
        registered = [source.key for source in catalog.sources.list()]
        present = context.instance.get_dynamic_partitions(SOURCES)
        gone = set(present) - set(registered)
        busy = _busy(context.instance, catalog) & gone if gone else set[str]()
    added, removed = partition_changes(registered, present, busy)
    said = _told_changes(len(registered), len(added), len(removed), len(busy))
    if not added and not removed:
        return dg.SkipReason(said)
    context.log.info(said)
    requests = [source_partitions.build_add_request(added)] if added else []
    requests += [source_partitions.build_delete_request(removed)] if removed else []
    return dg.SensorResult(dynamic_partitions_requests=requests, skip_reason=dg.SkipReason(said))


def _told_changes(registered: int, added: int, removed: int, busy: int) -> str:
    if not added and not removed and not busy:
        return f"All {registered} registered sources have their partition."
    kept = f", {busy} kept until their work in flight ends" if busy else ""
    return f"{registered} registered sources: {added} partitions added, {removed} removed{kept}."


def _busy(instance: dg.DagsterInstance, catalog: Catalog) -> set[str]:
    """Return the sources with work in flight: a run, a claim, or a workflow that waits for a provider."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))
    waiting = catalog.workflows.list(status="waiting", limit=PARTITIONS_A_TICK)
    return {
        *(run.tags.get(PARTITION_TAG, "") for run in runs),
        *(claim.source_key for claim in catalog.claims.list()),
        *(workflow.source_key for workflow in waiting),
    }


@dg.sensor(
    job=import_source,
    minimum_interval_seconds=30,
    default_status=RUNNING,
    description="Imports the bundle that waits for a source with auto_import, once; one that its checks hold waits for a person.",
)
def import_sensor(context: dg.SensorEvaluationContext) -> Generator[dg.RunRequest | dg.SkipReason]:
    """Launch the import of each bundle that may be imported without a person."""
    yield from _imports(context, automatic_import, "import_sensor")


@dg.sensor(
    job=import_source,
    minimum_interval_seconds=30,
    default_status=RUNNING,
    description="Imports each bundle that a person approved, once.",
)
def decision_sensor(context: dg.SensorEvaluationContext) -> Generator[dg.RunRequest | dg.SkipReason]:
    """Launch the import of each bundle that a person approved."""
    yield from _imports(context, decided_import, "decision_sensor")


def _imports(
    context: dg.SensorEvaluationContext, why_not: Callable[[PendingImport], str], sensor: str
) -> Generator[dg.RunRequest | dg.SkipReason]:
    with open_catalog(load_settings()) as catalog:
        pending = catalog.pending_imports.list()
        urls = {source.key: source.url for source in catalog.sources.list()} if pending else {}
    reasons = Counter(filter(None, map(why_not, pending)))
    requested = 0
    for one in (one for one in pending if not why_not(one)):
        about = _about(one.workflow_id, sensor, urls.get(one.source_key, ""))
        asked = _request(context.instance, one.run_key, one.source_key, about)
        if isinstance(asked, str):
            reasons[asked] += 1
            continue
        yield asked
        requested += 1
        if requested == RUNS_A_TICK:
            return
    if not requested:
        yield dg.SkipReason(_counted(len(pending), reasons))


def _request(
    instance: dg.DagsterInstance,
    run_key: str,
    source_key: str,
    tags: Mapping[str, str],
    *,
    may_succeed_often: bool = False,
    assets: Sequence[str] = (),
) -> dg.RunRequest | str:
    """Return the request for a run of a workflow, which ``tags`` name, or why there is none: it is under way, or was tried often enough.

    Where it ``may_succeed_often``, only runs that did not succeed were in vain: a collect run that submits what expired leaves the
    workflow waiting, as it should.

    Dagster launches one run for a key, whatever becomes of it: of one that was canceled in the queue, or found its source held, nothing
    would ever come.
    """
    tried = instance.get_runs(dg.RunsFilter(tags={REQUEST_TAG: run_key}))
    if any(not run.is_finished for run in tried):
        return "is under way"
    in_vain = [run for run in tried if not (may_succeed_often and run.status is dg.DagsterRunStatus.SUCCESS)]
    if len(in_vain) >= ATTEMPTS:
        return f"was tried {ATTEMPTS} times in vain, as its runs say"
    key = f"{run_key}:{len(tried) + 1}" if tried else run_key
    selected = [dg.AssetKey(one) for one in assets] or None
    about = {**tags, REQUEST_TAG: run_key}
    return dg.RunRequest(run_key=key, partition_key=source_key, tags=about, asset_selection=selected)


def collected(workflow: Workflow) -> Sequence[str]:
    """Return the assets that a workflow goes on with once its batches are over; none for all of the job."""
    begun = [stage.asset for stage in workflow.stages]
    return TAGGING[1:] if only_tags(workflow.trigger, begun) else ()


def _about(workflow: str, sensor: str, source_url: str) -> dict[str, str]:
    """Return what the list of runs shows of a requested one, from the queue on."""
    return {WORKFLOW_TAG: workflow, TRIGGER_TAG: sensor, **({SOURCE_URL_TAG: source_url} if source_url else {})}


def _counted(count: int, reasons: Mapping[str, int]) -> str:
    """Return why nothing is imported, such as "2 bundles in review: 1 waits for a decision, 1 is held by its checks."."""
    if not count:
        return "No bundle waits for its import."
    return (
        f"{count} bundles in review: {', '.join(f'{number} {reason}' for reason, number in sorted(reasons.items()))}."
    )


@dg.sensor(
    job=collect_source,
    minimum_interval_seconds=60,
    default_status=RUNNING,
    description="Asks providers how their batches are, and goes on with each workflow of which every batch is done or past its deadline.",
)
def batch_sensor(
    context: dg.SensorEvaluationContext,
    embedding_provider: ResourceParam[EmbeddingProvider],
    objects: ResourceParam[Objects],
    taggers: ResourceParam[Taggers],
) -> Generator[dg.RunRequest | dg.SkipReason]:
    """Poll what workflows wait for, a few at a time; the cursor names the last one that was looked at. Nothing holds a run meanwhile."""
    now, end = utc_now(), time.monotonic() + TICK_SECONDS

    def goes_on() -> bool:
        return time.monotonic() < end

    with open_catalog(load_settings()) as catalog:
        awaited = catalog.batches.awaited(WORKFLOWS_A_TICK, after=context.cursor or "")
        workers = Workers(embedding_provider, taggers, Reach(catalog, objects, utc_now))
        batches, troubles = check_batches(catalog, workers, awaited, now, goes_on=goes_on)
        context.update_cursor(next_cursor(awaited, batches))
        canceled = _cancel_batches(context, catalog, workers, goes_on)
        claimed = {claim.source_key for claim in catalog.claims.list()}
        ready = [one for one in map(catalog.workflows.get, collectable(batches, now=now)) if one]
    for trouble in troubles:
        context.log.warning(trouble)
    asked = [
        _request(
            context.instance,
            f"collect:{one.id}",
            one.source_key,
            _about(one.id, "batch_sensor", one.source_url),
            may_succeed_often=True,
            assets=collected(one),
        )
        for one in ready
        if one.source_key not in claimed
    ]
    requests = [one for one in asked if isinstance(one, dg.RunRequest)]
    yield from requests
    if not requests:
        yield dg.SkipReason(
            _awaited(len(batches), len(troubles), canceled, [one for one in asked if isinstance(one, str)])
        )


def next_cursor(awaited: Sequence[Batch], looked_at: Sequence[Batch]) -> str:
    """Return the workflow that the next tick begins behind; empty where it begins anew, for all that wait were looked at."""
    workflows = {one.workflow_id for one in awaited}
    is_last = len(workflows) < WORKFLOWS_A_TICK and len(looked_at) == len(awaited)
    return "" if is_last or not looked_at else looked_at[-1].workflow_id


def _awaited(count: int, unasked: int, canceled: int, stuck: Sequence[str]) -> str:
    told = [f"{count} batches are awaited" if count else "No workflow waits for a batch"]
    told += [f"{unasked} could not be asked for, as the log says"] if unasked else []
    told += [f"{canceled} of canceled workflows were canceled"] if canceled else []
    told += [f"{number} workflow {reason}" for reason, number in sorted(Counter(stuck).items())]
    return f"{'; '.join(told)}."


def _cancel_batches(
    context: dg.SensorEvaluationContext, catalog: Catalog, workers: Workers, goes_on: Callable[[], bool]
) -> int:
    count = 0
    for identifier in takewhile(
        lambda _: goes_on(), sorted({one.workflow_id for one in catalog.batches.of_canceled()})
    ):
        try:
            count += cancel_batches(catalog, workers, identifier, utc_now())
        except TripperError as error:  # the next tick asks again
            context.log.warning("Canceling the batches of workflow %s failed: %s", identifier, error)
    return count


# One plain sensor with a cursor: a run_status_sensor takes a single status, and lags besides.
@dg.sensor(
    minimum_interval_seconds=30,
    default_status=RUNNING,
    description="Writes the end of each run into its workflow, and ends what killed processes left: steps write their own rows, and a dead one cannot.",
)
def workflow_status_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Free what dead runs hold, and look at the runs that ended since the cursor, oldest first."""
    with open_catalog(load_settings()) as catalog:
        freed = settle(context.instance, catalog)
        ended = _write_ended(context, catalog)
    said = [
        (ended, "ended runs were written into their workflows"),
        (freed, "sources were freed of ended or dead runs"),
    ]
    told = "; ".join(f"{count} {what}" for count, what in said if count)
    return dg.SkipReason(f"{told}." if told else "No run ended since the last look.")


def _write_ended(context: dg.SensorEvaluationContext, catalog: Catalog) -> int:
    since = datetime.fromisoformat(context.cursor) if context.cursor else utc_now() - FIRST_LOOK_BACK
    records = context.instance.get_run_records(
        dg.RunsFilter(statuses=ENDED, updated_after=since),
        limit=RUNS_A_TICK,
        order_by="update_timestamp",
        ascending=True,
    )
    if records:
        # A workflow that runs again, or is imported, is brought in line with that run when it ends.
        going_on = {workflow_id(run) for run in context.instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))}
        for run in (record.dagster_run for record in records):
            if workflow_id(run) not in going_on:
                reconcile(run, catalog, context.instance)
        context.update_cursor(records[-1].update_timestamp.replace(tzinfo=UTC).isoformat())
    return len(records)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=RUNNING,
    description="Tells the webhook of TRIPPER_WEBHOOK_URL of failures, wanted reviews and held imports; without one it does nothing.",
)
def notification_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Send what happened since the last tick, and again what did not arrive; no run waits for it."""
    settings = load_settings()
    receiver, end = webhook(settings), time.monotonic() + TICK_SECONDS
    if receiver is None:
        return dg.SkipReason("Nobody is told of anything, for TRIPPER_WEBHOOK_URL is not set.")
    if settings.catalog == "none":
        return dg.SkipReason(f"Telling anybody needs {NEEDED}.")
    with open_catalog(settings) as catalog:
        told = tell(
            catalog.notifications,
            receiver,
            wanted=settings.webhook_events,
            pages_url=settings.pages_url,
            clock=utc_now,
            goes_on=lambda: time.monotonic() < end,
        )
    for trouble in told.troubles:
        context.log.warning(trouble)
    return dg.SkipReason(_told_people(told))


def _told_people(told: Told) -> str:
    said = [
        (told.arrived, "messages arrived"),
        (told.put_off, "did not arrive and are sent again, as the log says"),
        (told.given_up, "were given up"),
    ]
    parts = "; ".join(f"{count} {what}" for count, what in said if count)
    return f"{parts}." if parts else "There is nothing to tell."


@dg.schedule(
    cron_schedule="17 3 * * *",
    job=scrape_source,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Scrapes every registered source once a day; what has not changed costs a question and no answer.",
)
def daily_rescrape(context: dg.ScheduleEvaluationContext) -> Generator[dg.RunRequest | dg.SkipReason]:
    """Launch a scrape of each source without work in flight."""
    with open_catalog(load_settings()) as catalog:
        urls = {source.key: source.url for source in catalog.sources.list()}
        busy = _busy(context.instance, catalog)
    keys = set(urls)
    context.instance.add_dynamic_partitions(SOURCES, sorted(keys))
    day = context.scheduled_execution_time.date().isoformat()
    if not keys - busy:
        yield dg.SkipReason(f"None of {len(keys)} registered sources is free to be scraped.")
    for key in sorted(keys - busy):
        tags = {TRIGGER_TAG: "daily_rescrape", SOURCE_URL_TAG: urls[key]}
        yield dg.RunRequest(run_key=f"rescrape:{day}:{key}", partition_key=key, tags=tags)


@dg.schedule(
    cron_schedule="41 4 * * *",
    job=retention_job,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Removes once a day what has had its time: the intermediates of workflows that completed long enough ago.",
)
def daily_retention(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Launch the clean-up of the day."""
    day = context.scheduled_execution_time.date().isoformat()
    return dg.RunRequest(run_key=f"retention:{day}", tags={TRIGGER_TAG: "daily_retention"})


SENSORS = [sources_sensor, import_sensor, decision_sensor, batch_sensor, workflow_status_sensor, notification_sensor]
SCHEDULES = [daily_rescrape, daily_retention]
