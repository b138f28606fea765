"""How a command runs part of the graph in its own process, with the same assets, instance and rows as the Dagster UI."""

import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tripper_assets.cli.progress import StageProgress
from tripper_assets.cli.session import Session, dagster_instance, prepare_home
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.sources import Source
from tripper_assets.domain.workflows import Workflow, queued_workflow
from tripper_assets.resources import utc_now
from tripper_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

GOOD = frozenset({"completed", "review", "waiting"})
"""The states that a run may end in without having failed."""
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_source(
    session: Session,
    source: Source,
    overrides: Mapping[str, Any] | None = None,
    *,
    trigger: str,
    tags: dict[str, str] | None = None,
    quiet: bool = False,
    replay_of: str | None = None,
) -> Workflow:
    """Take a source through the whole graph in a new workflow, and return it as it is at its end.

    ``overrides`` are what this launch says otherwise than the registry; ``replay_of`` is the workflow whose pages are read again.

    Raises:
        ConfigurationError: an override is wrong, or the store cannot be written; nothing is begun that could not be kept.
        SourceHeldError: another run works on the source; nothing is begun.
        PermanentError: the store refuses to be written.
        KeyboardInterrupt: somebody interrupted it.
    """
    Objects(session.settings.objects_url).check_writable()
    workflow = queued_workflow(
        source,
        dict(overrides or {}),
        identifier=str(uuid.uuid4()),
        trigger=trigger,
        created_at=utc_now(),
        replay_of=replay_of,
    )
    location = session.catalog.sources.get_location(source.location_id) if source.location_id else None
    return run_job(
        session,
        "run_source",
        workflow,
        tags=tags,
        quiet=quiet,
        begin=lambda: session.catalog.workflows.start(workflow, location),
    )


def run_job(
    session: Session,
    job: str,
    workflow: Workflow,
    *,
    assets: Sequence[str] = (),
    tags: dict[str, str] | None = None,
    quiet: bool = False,
    begin: Callable[[], object] = lambda: None,
) -> Workflow:
    """Run a job, or only some of its assets, for the workflow's source to its end, show its stages, and return the workflow as it is then.

    ``begin`` is called when the source is ours, before the run.

    Raises:
        SourceHeldError: another run works on the source; ``begin`` was not called.
        PermanentError: the run failed, and the workflow is as good as it was before.
        KeyboardInterrupt: somebody interrupted it.
    """
    prepare_home(session.settings)
    with StageProgress(quiet=quiet) as progress:
        progress.note(what_takes_long(session.settings) if job == "run_source" else "")
        work = _Execution(session.announcing(progress), job, workflow, tuple(assets), tags or {})
        failure = work.run(begin)
    found = session.workflow(workflow.id)
    if failure and found.status in GOOD:
        raise PermanentError(failure)
    return found


def what_takes_long(settings: Settings) -> str:
    """Return what a first run does once that takes a while, empty where nothing does."""
    needs_it = settings.geocoder in {"offline", "census"}
    if not needs_it or OfflineGeocoder(settings.home).index.exists():
        return ""
    return "The gazetteer of towns is built once for this home, when the first place is looked for; that takes up to half a minute."


@dataclass(frozen=True)
class _Execution:
    """One run of a job in this process."""

    session: Session
    job: str
    workflow: Workflow
    assets: tuple[str, ...]
    tags: dict[str, str]

    def run(self, begin: Callable[[], object]) -> str:
        """Return why the run failed, empty where it did not."""
        from tripper_assets.partitions import SOURCES  # noqa: PLC0415 (see dagster_instance)
        from tripper_assets.reconciliation import failure_sentence, was_interrupted  # noqa: PLC0415 (same)

        with dagster_instance() as instance, self._claimed(instance) as run_id:
            try:
                begin()
                instance.add_dynamic_partitions(SOURCES, [self.workflow.source_key])
                succeeded = self._execute(instance, run_id)
            except BaseException as error:
                self._end_unbegun(instance, run_id, error)
                raise
            finally:
                self._reconcile(instance, run_id)
            if not succeeded and was_interrupted(instance, run_id):
                raise KeyboardInterrupt
            return "" if succeeded else failure_sentence(instance, run_id)

    @contextmanager
    def _claimed(self, instance: "dg.DagsterInstance") -> Generator[str]:
        from tripper_assets.claims import claim_source  # noqa: PLC0415 (see dagster_instance)
        from tripper_assets.dead_runs import settle  # noqa: PLC0415 (same)

        catalog, workflow, run_id = self.session.catalog, self.workflow, str(uuid.uuid4())
        settle(instance, catalog)
        claim_source(instance, catalog, workflow.source_key, run_id=run_id, workflow_id=workflow.id, at=utc_now())
        try:
            yield run_id
        finally:
            with suppress(TransientError):  # whoever looks next frees it: the run has ended
                catalog.claims.release(run_id)

    def _execute(self, instance: "dg.DagsterInstance", run_id: str) -> bool:
        import dagster as dg  # noqa: PLC0415 (see dagster_instance)

        from tripper_assets.definitions import build_definitions  # noqa: PLC0415 (same)

        overrides: dict[str, Any] = {"settings": self.session.settings, "catalog": self.session.catalog}
        result = (
            build_definitions(overrides)
            .resolve_job_def(self.job)
            .execute_in_process(
                instance=instance,
                partition_key=self.workflow.source_key,
                asset_selection=[dg.AssetKey(one) for one in self.assets] or None,
                tags=self._run_tags(),
                run_id=run_id,
                run_config=QUIET,
                raise_on_error=False,
            )
        )
        return result.success

    def _run_tags(self) -> dict[str, str]:
        from tripper_assets.partitions import REPLAY_TAG, SOURCE_URL_TAG, TRIGGER_TAG, WORKFLOW_TAG  # noqa: PLC0415 (same)

        workflow = self.workflow
        own = {WORKFLOW_TAG: workflow.id, TRIGGER_TAG: workflow.trigger, SOURCE_URL_TAG: workflow.source_url}
        replayed = {REPLAY_TAG: workflow.replay_of} if workflow.replay_of else {}
        return own | replayed | self.tags

    def _end_unbegun(self, instance: "dg.DagsterInstance", run_id: str, error: BaseException) -> None:
        """End what was written before the run began to work: nobody would look at it again."""
        run, interrupted = instance.get_run_by_id(run_id), isinstance(error, KeyboardInterrupt)
        reason = "Interrupted before the first step." if interrupted else str(error).split("\n", 1)[0]
        if run is not None and not run.is_finished:
            report = instance.report_run_canceled if interrupted else instance.report_run_failed
            report(run, reason)
        catalog = self.session.catalog
        with suppress(TransientError):
            found = catalog.workflows.get(self.workflow.id)
            if found is not None and found.status in ("queued", "running"):
                catalog.workflows.set_status(found.id, "canceled" if interrupted else "failed", reason)

    def _reconcile(self, instance: "dg.DagsterInstance", run_id: str) -> None:
        from tripper_assets.reconciliation import reconcile  # noqa: PLC0415 (see dagster_instance)

        catalog, run = self.session.catalog, instance.get_run_by_id(run_id)
        if run is not None:
            with suppress(TransientError):  # the catalog is down: the next command, or a sensor, writes it
                catalog.replay()
                reconcile(run, catalog, instance)
                self._cancel_batches()

    def _cancel_batches(self) -> None:
        """Stop what a canceled workflow waits for."""
        from tripper_assets.batches import cancel_batches, workers  # noqa: PLC0415 (see dagster_instance)

        found = self.session.catalog.workflows.get(self.workflow.id)
        if found is not None and found.status == "canceled":
            objects = Objects(self.session.settings.objects_url)
            asked = workers(self.session.settings, objects, self.session.catalog, utc_now)
            cancel_batches(self.session.catalog, asked, found.id, utc_now())
