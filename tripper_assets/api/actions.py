"""What people and programs ask of workflows, done: started, retried, canceled, decided on; for the routes and the pages alike."""

import uuid
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from tripper_assets.api.context import ApiContext
from tripper_assets.api.problems import InputRefusedError
from tripper_assets.batches import cancel_batches, workers
from tripper_assets.catalog.decisions import Decision
from tripper_assets.clients.orchestrator import SOURCE_URL_TAG, TAGGERS_TAG, TRIGGER_TAG, Launch
from tripper_assets.decisions import Decider, check_seen, known_checks, reject_bundle
from tripper_assets.domain.errors import ConfigurationError, ConflictError, NotFoundError, TripperError
from tripper_assets.domain.model import ActivityId
from tripper_assets.domain.publishing import DecisionWord
from tripper_assets.domain.sources import Source, make_source, parse_config
from tripper_assets.domain.workflows import Workflow, may_become, queued_workflow
from tripper_assets.retries import assets_left, check_retriable

CANCELABLE = ("queued", "running", "waiting")


@contextmanager
def refusing_input() -> Generator[None]:
    """Tell what a request says wrong as that, and not as the operator's mistake.

    Raises:
        InputRefusedError: instead of a ConfigurationError.
    """
    try:
        yield
    except ConfigurationError as error:
        raise InputRefusedError(str(error)) from error


def workflow_of(context: ApiContext, identifier: str) -> Workflow:
    """Return the workflow of an id.

    Raises:
        NotFoundError: there is none.
    """
    found = context.catalog.workflows.get(identifier)
    if found is None or found.id != identifier:
        raise NotFoundError(f"There is no workflow {identifier[:80]}; GET /v1/workflows lists them.")
    return found


def source_of(context: ApiContext, key_or_url: str) -> Source | None:
    """Return the registered source of a key or a URL, None where there is none.

    Raises:
        InputRefusedError: it is neither a key nor a URL.
    """
    if "://" not in key_or_url:
        return context.catalog.sources.get(key_or_url)
    with refusing_input():
        key = make_source(key_or_url).key
    return context.catalog.sources.get(key)


def check_location(context: ApiContext, location_id: str | None) -> None:
    """Check that a location is known.

    Raises:
        InputRefusedError: it is not.
    """
    if location_id is not None and context.catalog.sources.get_location(location_id) is None:
        raise InputRefusedError(f"There is no location {location_id[:80]}; add it with POST /v1/locations.")


def start_workflow(
    context: ApiContext,
    key_or_url: str,
    config: Mapping[str, Any],
    *,
    location_id: str | None = None,
    trigger: str = "api",
) -> Workflow:
    """Queue a workflow of a source and return it; a URL that is new is registered with ``config``, else that holds for this launch alone.

    Raises:
        InputRefusedError: the URL, a field of the configuration or the location is wrong.
        NotFoundError: the key is no source's.
        TransientError: Dagster or the catalog does not answer; nothing was begun.
        PermanentError: Dagster refuses the run.
    """
    context.orchestrator.health()
    source = _known_or_new(context, key_or_url, config, location_id)
    with refusing_input():
        workflow = queued_workflow(
            source, dict(config), identifier=str(uuid.uuid4()), trigger=trigger, created_at=context.clock()
        )
    place = context.catalog.sources.get_location(source.location_id) if source.location_id else None
    # Before the run: it may begin at once, and whoever gets the id may ask for it at once.
    context.catalog.workflows.start(workflow, place)
    launch(context, workflow, Launch("scrape_source", source.key, workflow.id, run_tags(workflow)))
    return workflow


def _known_or_new(
    context: ApiContext, key_or_url: str, config: Mapping[str, Any], location_id: str | None
) -> Source:  # fmt: skip
    check_location(context, location_id)
    known = source_of(context, key_or_url)
    if known is not None:
        return known
    if "://" not in key_or_url:
        raise NotFoundError(f"There is no source {key_or_url[:80]}; GET /v1/sources lists them, a URL makes a new one.")
    with refusing_input():
        wanted = parse_config(dict(config), subject="the new source")
        made = make_source(key_or_url, wanted, location_id=location_id)
    return context.catalog.sources.add(made)


def run_tags(workflow: Workflow) -> dict[str, str]:
    """Return what the list of runs shows of a workflow's."""
    return {TRIGGER_TAG: workflow.trigger or "api", SOURCE_URL_TAG: workflow.source_url}


def launch(context: ApiContext, workflow: Workflow, wanted: Launch) -> None:
    """Launch the run of a queued workflow, which has failed where there is none.

    Raises:
        TransientError: Dagster does not answer.
        PermanentError: it refuses the run.
    """
    try:
        run_id = context.orchestrator.launch(wanted)
    except TripperError as error:
        with suppress(TripperError):  # the first error says more
            context.catalog.workflows.set_status(workflow.id, "failed", str(error), at=context.clock())
        raise
    with suppress(TripperError):  # it is launched, whatever becomes of this
        if workflow_of(context, workflow.id).status == "canceled":  # meanwhile: nobody could know of this run
            context.orchestrator.end([run_id])


def retry_workflow(context: ApiContext, workflow: Workflow) -> Workflow:
    """Let a failed or canceled workflow go on: what it stored is used, and what it lacks is done.

    Raises:
        PermanentError: it did not end badly, or nothing is left to do.
        CleanedUpError: what it stored was removed.
        TransientError: Dagster or the catalog does not answer.
    """
    check_retriable(workflow)
    runs = context.orchestrator.runs(workflow.id)
    if not all(one.is_over for one in runs):
        raise ConflictError(f"A run of workflow {workflow.id} goes on still; wait for its end, or cancel it.")
    stored = {(asset, one.id) for one in runs for asset in one.stored}
    left = assets_left(workflow, stored, context.catalog.batches.of_workflow(workflow.id))
    if not left:
        raise ConflictError(f"Nothing of workflow {workflow.id} is left to do; start a new one.")
    context.catalog.workflows.set_status(workflow.id, "running", at=context.clock())
    after = runs[0].id if runs else ""
    asked = next((one.taggers for one in runs if one.taggers), "")
    tags = run_tags(workflow) | ({TAGGERS_TAG: asked} if asked else {})
    wanted = Launch("run_source", workflow.source_key, workflow.id, tags, tuple(left), after)
    launch(context, workflow, wanted)
    return workflow_of(context, workflow.id)


def cancel_workflow(context: ApiContext, workflow: Workflow) -> Workflow:
    """Let a workflow end; one whose run is under way ends as soon as that notices.

    Raises:
        ConflictError: it has ended, or its run is a command's, which nobody else can end.
        TransientError: Dagster or the catalog does not answer.
    """
    if workflow.status not in CANCELABLE:
        raise ConflictError(f"The workflow {workflow.id} is {workflow.status}, and there is nothing to cancel.")
    if _end_runs(context, workflow.id):
        _end_as_canceled(context, workflow.id)
        _end_runs(context, workflow.id)  # one that was launched meanwhile
    return workflow_of(context, workflow.id)


def _end_runs(context: ApiContext, workflow_id: str) -> bool:
    """Ask the runs of a workflow to end, and return whether none goes on."""
    going = [one.id for one in context.orchestrator.runs(workflow_id) if not (one.is_over or one.is_ending)]
    taken = context.orchestrator.end(going)
    is_over = all(one.is_over for one in context.orchestrator.runs(workflow_id))
    if going and not taken and not is_over:
        raise ConflictError(
            f"The run of workflow {workflow_id} was started by a command, which alone can end it; interrupt that command."
        )
    return is_over


def _end_as_canceled(context: ApiContext, workflow_id: str) -> None:
    if may_become(workflow_of(context, workflow_id).status, "canceled"):
        context.catalog.workflows.set_status(workflow_id, "canceled", "Canceled by a person.", at=context.clock())
    asked = workers(context.settings, context.store, context.catalog, context.clock)
    cancel_batches(context.catalog, asked, workflow_id, context.clock())


def decide(
    context: ApiContext,
    workflow: Workflow,
    decision: DecisionWord,
    bundle_sha256: str,
    *,
    by: str,
    overrides: Sequence[str] = (),
    reason: str = "",
) -> Decision:
    """Write down what a person decided on the bundle that they saw; `decision_sensor` imports an approved one within a minute.

    Raises:
        InputRefusedError: there is no such check to override, or a rejection has no reason.
        ConflictError: the bundle is another one now.
        NotFoundError: there is none; CleanedUpError: not any more.
        PermanentError: a newer workflow has a bundle, or a rejected one was imported already.
    """
    with refusing_input():
        checks = known_checks(overrides)
    check_seen(workflow, bundle_sha256)
    if decision == "rejected":
        if not reason.strip():
            raise InputRefusedError("A rejection says why; give a reason.")
        return reject_bundle(context.catalog, workflow, by=by, at=context.clock(), reason=reason)
    return context.catalog.workflows.approve_newest(
        workflow.id, bundle_sha256, by=by, at=context.clock(), overrides=checks, reason=reason
    )


def approve_only(
    context: ApiContext,
    workflow: Workflow,
    bundle_sha256: str,
    activity_ids: Collection[ActivityId],
    *,
    by: str,
    overrides: Sequence[str] = (),
    reason: str = "",
) -> Decision:
    """Reject all other activities of the bundle that a person saw, and approve it; done again after an interruption, it goes on.

    Raises:
        InputRefusedError: no activity is named, one is not of the bundle, there is no reason or no such check.
        ConflictError: the bundle is another one now, or a newer workflow has one, or it is imported; found before anything is rejected.
        PermanentError: a newer bundle came meanwhile; the others are rejected, and nothing is approved.
        NotFoundError: there is none; CleanedUpError: not any more.
    """
    check_seen(workflow, bundle_sha256)
    newer = context.catalog.workflows.newer_bundle(workflow.id)
    if newer is not None or workflow.import_summary is not None:
        why = f"workflow {newer} has a newer bundle" if newer else "the bundle is imported"
        raise ConflictError(f"Of workflow {workflow.id} nothing can be published alone: {why}.")
    if not reason.strip():
        raise InputRefusedError("Publishing some alone rejects the others, which says why; give a reason.")
    with refusing_input():
        known_checks(overrides)
        Decider(context.catalog, context.store, workflow, by=by, at=context.clock()).keep_only(activity_ids, reason)
    return decide(context, workflow, "approved", bundle_sha256, by=by, overrides=overrides, reason=reason)
