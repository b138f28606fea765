"""How a command runs part of the graph in its own process, with the same assets, instance and rows as the Dagster UI."""

import uuid
from typing import Any

from tripper_assets.cli.progress import StageProgress
from tripper_assets.cli.session import Session, dagster_instance, prepare_home
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.sources import Source, SourceConfig
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import utc_now

GOOD = frozenset({"completed", "review", "waiting"})
"""The states that a run may end in without having failed."""
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def new_workflow(session: Session, source: Source, config: SourceConfig, *, trigger: str) -> Workflow:
    """Write the row of a new workflow with its configuration and its location, in one transaction, and return it.

    Raises:
        ConfigurationError, PermanentError: the store cannot be written; nothing is begun that could not be kept.
    """
    Objects(session.settings.objects_url).check_writable()
    location = session.catalog.sources.get_location(source.location_id) if source.location_id else None
    workflow = Workflow(
        id=str(uuid.uuid4()),
        source_key=source.key,
        source_url=source.url,
        status="queued",
        config=config.model_dump(mode="json"),
        location_id=source.location_id,
        trigger=trigger,
        created_at=utc_now(),
    )
    session.catalog.workflows.start(workflow, location)
    return workflow


def run_job(
    session: Session, job: str, workflow: Workflow, *, tags: dict[str, str] | None = None, quiet: bool = False
) -> Workflow:
    """Run a job for the workflow's source to its end, show its stages, and return the workflow as it is then.

    Raises:
        PermanentError: the run failed, and the workflow is as good as it was before.
        KeyboardInterrupt: somebody interrupted it.
    """
    prepare_home(session.settings)
    with StageProgress(quiet=quiet) as progress:
        failure = _execute(session.announcing(progress), job, workflow, tags or {})
    found = session.workflow(workflow.id)
    if found.status == "canceled":  # Dagster took the interrupt, and its steps wrote it down
        raise KeyboardInterrupt
    if failure and found.status in GOOD:
        raise PermanentError(failure)
    return found


def _execute(session: Session, job: str, workflow: Workflow, tags: dict[str, str]) -> str:
    """Return why the run failed, empty where it did not."""
    import dagster as dg  # noqa: PLC0415 (two seconds that only commands that run something pay)

    from tripper_assets.dead_runs import settle_workflows, this_process  # noqa: PLC0415 (same)
    from tripper_assets.definitions import build_definitions  # noqa: PLC0415 (same)
    from tripper_assets.partitions import (  # noqa: PLC0415 (same)
        PROCESS_TAG,
        SOURCE_URL_TAG,
        SOURCES,
        TRIGGER_TAG,
        WORKFLOW_TAG,
    )
    from tripper_assets.tracking import failure_sentence, reconcile  # noqa: PLC0415 (same)

    overrides: dict[str, Any] = {"settings": session.settings, "catalog": session.catalog}
    run_tags = {
        WORKFLOW_TAG: workflow.id,
        TRIGGER_TAG: workflow.trigger,
        SOURCE_URL_TAG: workflow.source_url,
        PROCESS_TAG: this_process(),
        **tags,
    }
    run_id = str(uuid.uuid4())
    with dagster_instance() as instance:
        settle_workflows(instance, session.catalog)
        instance.add_dynamic_partitions(SOURCES, [workflow.source_key])
        try:
            result = (
                build_definitions(overrides)
                .resolve_job_def(job)
                .execute_in_process(
                    instance=instance,
                    partition_key=workflow.source_key,
                    tags=run_tags,
                    run_id=run_id,
                    run_config=QUIET,
                    raise_on_error=False,
                )
            )
        finally:
            run = instance.get_run_by_id(run_id)
            if isinstance(run, dg.DagsterRun):
                reconcile(run, session.catalog, instance)
        return "" if result.success else failure_sentence(instance, run_id)
