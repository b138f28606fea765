"""How steps write down what they do: the workflow's row, its stages, files and errors, written by the steps themselves."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import dagster as dg

from tripper_assets.claims import claim_source
from tripper_assets.domain.errors import NotFoundError, PermanentError, TransientError, TripperError
from tripper_assets.domain.model import Problem, count_by_code
from tripper_assets.domain.sources import Source, parse_config
from tripper_assets.domain.stories import story
from tripper_assets.domain.workflows import Workflow, WorkflowError, WorkflowStatus, may_become
from tripper_assets.failures import is_last_attempt, verdict
from tripper_assets.partitions import REPLAY_TAG, SOURCE_URL_TAG, TRIGGER_TAG, trigger, workflow_id
from tripper_assets.previews import page_links, plain_markdown
from tripper_assets.reconciliation import INTERRUPTED, INTERRUPTS, was_ended
from tripper_assets.resources import Catalog, Clock

SHOWN_PROBLEMS = 20
TOLD_EVERY_SECONDS = 1.0


class StageName(NamedTuple):
    """Which stage of which workflow."""

    workflow_id: str
    asset: str


@dataclass
class Stage:
    """One asset's work in one workflow: its source with the workflow's configuration, and what it counts."""

    asset: str
    source: Source
    workflow_id: str
    resumes_since: datetime | None = None
    """When the workflow began whose unfinished work on this asset goes on here; None for work that begins anew."""
    replay_of: str | None = None
    """The workflow whose kept pages are read again, in which case no host is asked for anything; None where the site is asked."""
    auto_import: bool = False
    """The launch's own word where it said one, else what the registry says now: it may have been switched since the start."""
    counts: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    skipped: str = ""
    """Why the asset yields nothing; empty where it yields."""
    began: float = field(default_factory=time.monotonic)

    @property
    def name(self) -> StageName:
        """Which stage this is."""
        return StageName(self.workflow_id, self.asset)

    def metadata(self) -> dict[str, Any]:
        """Return what the materialization shows: every count, problems by code and the first of them in words."""
        shown: dict[str, Any] = {"story": self.skipped or story(self.asset, self.counts)}
        shown |= {name: value for name, value in self.counts.items() if isinstance(value, (int, float, str))}
        lists = {name: value for name, value in self.counts.items() if isinstance(value, (dict, list)) and value}
        shown |= {name: dg.MetadataValue.json(value) for name, value in lists.items()}
        shown["seconds"] = round(time.monotonic() - self.began, 3)
        shown["problems"] = len(self.problems)
        shown["workflow_id"] = self.workflow_id
        shown["source_url"] = dg.MetadataValue.url(self.source.url)
        if self.problems:
            shown["problems_by_code"] = dg.MetadataValue.json(count_by_code(self.problems))
            shown["first_problems"] = dg.MetadataValue.md(_as_list(self.problems))
        return shown


class Progress:
    """Tells the catalog how far a stage is, at most once a second."""

    def __init__(self, catalog: Catalog, work: Stage, seconds: Callable[[], float] = time.monotonic) -> None:
        self._catalog, self._work, self._seconds = catalog, work, seconds
        self._told_at = seconds()

    def __call__(self, done: int, total: int) -> None:
        """Take how much of how much is done."""
        if self._seconds() - self._told_at >= TOLD_EVERY_SECONDS:
            self._told_at = self._seconds()
            self._catalog.workflows.stage_progress(
                self._work.workflow_id, self._work.asset, self._work.counts, done / max(total, 1)
            )


def _as_list(problems: list[Problem]) -> str:
    lines = [
        f"* `{one.code}` {plain_markdown(one.subject)}: {plain_markdown(one.message)}"
        for one in problems[:SHOWN_PROBLEMS]
    ]
    more = len(problems) - len(lines)
    return "\n".join(lines + ([f"* and {more} more"] if more > 0 else []))


@contextmanager
def stage(
    context: dg.AssetExecutionContext, catalog: Catalog, clock: Clock, *, pages_url: str = ""
) -> Generator[Stage]:
    """Run one asset's work as a stage of its workflow: started, then completed, skipped or failed, with its counts.

    One that is skipped says on its asset why, with a link to its page below ``pages_url``: it has no materialization that could.

    An error of the project becomes Dagster's verdict (a retry or a failure with one sentence); any other error goes through as it is.
    """
    asset = context.asset_key.path[-1]
    try:
        work = _open_stage(context, catalog, clock, asset)
    except TripperError as error:
        raise verdict(error, context.retry_number) from error
    try:
        yield work
        _record_end(catalog, clock, work)
        if work.skipped:
            context.log_event(_skipped(work, pages_url))
    except GeneratorExit:
        raise
    except BaseException as error:
        last = not isinstance(error, TripperError) or is_last_attempt(error, context.retry_number)
        record_failure(catalog, clock, work.name, error, last=last, counts=work.counts)
        if isinstance(error, TripperError):
            raise verdict(error, context.retry_number) from error
        raise


def _skipped(work: Stage, pages_url: str) -> dg.AssetObservation:
    links = page_links(pages_url, work.workflow_id)
    return dg.AssetObservation(
        asset_key=work.asset, partition=work.source.key, description=work.skipped, metadata=work.metadata() | links
    )


def _record_end(catalog: Catalog, clock: Clock, work: Stage) -> None:
    work.counts["problems"] = len(work.problems)
    if work.problems:
        work.counts["problems_by_code"] = count_by_code(work.problems)
    status = "skipped" if work.skipped else "completed"
    catalog.workflows.stage_ended(work.workflow_id, work.asset, status, clock(), work.counts)


def _open_stage(context: dg.AssetExecutionContext, catalog: Catalog, clock: Clock, asset: str) -> Stage:
    source, workflow = _opened(context, catalog, clock, asset)
    catalog.workflows.stage_started(workflow.id, asset, clock(), run_id=context.run.run_id)
    config = parse_config(workflow.config, subject=f"workflow {workflow.id}")
    automatic = bool(workflow.overrides.get("auto_import", source.config.auto_import))
    configured, since = source.model_copy(update={"config": config}), _resumes(workflow, asset)
    return Stage(asset, configured, workflow.id, since, workflow.replay_of, automatic)


def _resumes(workflow: Workflow, asset: str) -> datetime | None:
    """Return when a workflow began whose work on an asset broke off; one that was done is done anew."""
    before = next((one for one in workflow.stages if one.asset == asset), None)
    return workflow.started_at if before and before.status in ("running", "failed") else None


def _opened(context: dg.AssetExecutionContext, catalog: Catalog, clock: Clock, asset: str) -> tuple[Source, Workflow]:
    """Return the source, which the run holds now, and its workflow.

    Raises:
        TransientError: the catalog is down, and was not asked by an earlier step of the run.
    """
    run_id = context.run.run_id
    try:
        catalog.opened[run_id] = _held(context, catalog, clock, asset)
    except TransientError:
        # What the first step saw holds for the whole run: the source is held by it, and a workflow's configuration never changes.
        if run_id not in catalog.opened:
            raise
    return catalog.opened[run_id]


def _held(context: dg.AssetExecutionContext, catalog: Catalog, clock: Clock, asset: str) -> tuple[Source, Workflow]:
    identifier, key = workflow_id(context.run), context.partition_key
    source = catalog.sources.get(key)
    if source is None:
        raise NotFoundError(
            f"Materializing {asset} needs the source {key}, which is not in the registry; add it with `tripper sources add URL`."
        )
    # Also one that was only asked to end: nobody can interrupt a command's run from the pages, and it looks here.
    if was_ended(context.instance, context.run.run_id):
        raise PermanentError(
            f"Materializing {asset} of {key} is refused, for its run {context.run.run_id} was ended from outside; launch it again."
        )
    claim_source(context.instance, catalog, key, run_id=context.run.run_id, workflow_id=identifier, at=clock())
    catalog.workflows.replay(identifier)
    workflow = catalog.workflows.get(identifier) or _new_workflow(context, catalog, clock, source)
    if workflow.source_key != key:
        raise PermanentError(
            f"The workflow {identifier} belongs to {workflow.source_key} and not to {key}; launch the run with another {key} workflow."
        )
    # Once a run: a later step must not wake a workflow that an earlier one let wait, or ended.
    begins = all(one.run_id != context.run.run_id for one in workflow.stages)
    if begins:
        _tag_run(context, source)
        if workflow.status != "running":
            catalog.workflows.set_status(identifier, "running", at=clock())
    return source, workflow


def _tag_run(context: dg.AssetExecutionContext, source: Source) -> None:
    """Have the list of runs say whose site a run is about and what started it, also of one that a person or Dagster itself launched.

    Its workflow is no tag of ours then: it is the run's own id, and a copy of its tags in the Launchpad would go on with the old workflow.
    """
    tags = context.run.tags
    wanted = {SOURCE_URL_TAG: source.url, TRIGGER_TAG: trigger(tags)}
    missing = {name: value for name, value in wanted.items() if name not in tags}
    if missing:
        context.instance.add_run_tags(context.run.run_id, missing)


def _new_workflow(context: dg.AssetExecutionContext, catalog: Catalog, clock: Clock, source: Source) -> Workflow:
    location = catalog.sources.get_location(source.location_id) if source.location_id else None
    workflow = Workflow(
        id=workflow_id(context.run),
        source_key=source.key,
        source_url=source.url,
        status="running",
        config=source.config.model_dump(mode="json"),
        location_id=source.location_id,
        trigger=trigger(context.run.tags),
        replay_of=context.run.tags.get(REPLAY_TAG),
        created_at=clock(),
        started_at=clock(),
    )
    catalog.workflows.start(workflow, location)
    return workflow


def record_failure(
    catalog: Catalog, clock: Clock, work: StageName, error: BaseException, *, last: bool, counts: dict[str, Any]
) -> None:
    """Write down why a stage failed; ``last`` says that it is not tried again, so that its workflow has failed too."""
    kind, message = type(error).__name__, _sentence(error)
    status: WorkflowStatus = "canceled" if isinstance(error, INTERRUPTS) else "failed"
    told = WorkflowError(stage=work.asset, kind=kind, message=message, at=clock())
    try:
        catalog.workflows.add_error(work.workflow_id, told)
        catalog.workflows.stage_ended(work.workflow_id, work.asset, "failed", clock(), counts)
        if last and may_become(_status(catalog, work), status):
            catalog.workflows.set_status(work.workflow_id, status, f"{work.asset}: {message}", at=clock())
    except TripperError as second:
        # Neither the catalog nor the disk took it: the run's own error says so, and the reconciliation writes the row later.
        error.add_note(f"Recording this in the catalog failed too: {second}")


def _status(catalog: Catalog, work: StageName) -> WorkflowStatus:
    """Return the workflow's state; while the catalog is down it is what its stages make of it, and running."""
    try:
        found = catalog.workflows.get(work.workflow_id)
    except TransientError:
        return "running"
    return found.status if found else "running"


def _sentence(error: BaseException) -> str:
    """Return what an error says in one line; one that is not the project's own says what it is, too."""
    if isinstance(error, INTERRUPTS):
        return INTERRUPTED
    said = str(error).strip().split("\n", 1)[0]
    return said if isinstance(error, TripperError) and said else f"{type(error).__name__}: {said}".removesuffix(": ")
