"""What people and programs ask of voters: that sources are tagged, for the route and the dashboard alike."""

import uuid
from collections.abc import Sequence

from tripper_assets.api.actions import launch, refusing_input, run_tags, source_of
from tripper_assets.api.context import ApiContext
from tripper_assets.clients.orchestrator import TAGGERS_TAG, Launch
from tripper_assets.domain.errors import NotFoundError, PermanentError
from tripper_assets.domain.sources import Source
from tripper_assets.domain.taggers import narrowed
from tripper_assets.domain.workflows import Workflow, queued_workflow


def start_tagging(
    context: ApiContext, sources: Sequence[str], *, runs: int | str | None = None, taggers: Sequence[str] = ()
) -> list[Workflow]:
    """Queue a workflow for each source that asks its voters for what is missing, and return them; all are known before one begins.

    Where Dagster refuses one, the others are launched, and then it is told.

    Raises:
        InputRefusedError: a tagger is none of a source's, or the number of runs is none.
        NotFoundError: there is no such source.
        TransientError: Dagster or the catalog does not answer.
        PermanentError: Dagster refuses the run.
    """
    context.orchestrator.health()
    wanted = [(one, _asked(context, one, taggers)) for one in dict.fromkeys(_known(context, name) for name in sources)]
    started: list[Workflow] = []
    refused: list[PermanentError] = []
    for source, asked in wanted:
        try:
            started.append(_started(context, source, runs, asked))
        except PermanentError as error:
            refused.append(error)
    if refused:
        raise refused[0]
    return started


def _known(context: ApiContext, key_or_url: str) -> Source:
    found = source_of(context, key_or_url)
    if found is None:
        raise NotFoundError(f"There is no source {key_or_url[:80]}; GET /v1/sources lists them.")
    return found


def _asked(context: ApiContext, source: Source, taggers: Sequence[str]) -> tuple[str, ...]:
    with refusing_input():
        return narrowed(source.config.taggers or context.settings.taggers, taggers)


def _started(context: ApiContext, source: Source, runs: int | str | None, asked: Sequence[str]) -> Workflow:
    overrides = {"tag_runs": runs} if runs else {}
    with refusing_input():
        workflow = queued_workflow(
            source, overrides, identifier=str(uuid.uuid4()), trigger="tagging", created_at=context.clock()
        )
    place = context.catalog.sources.get_location(source.location_id) if source.location_id else None
    context.catalog.workflows.start(workflow, place)
    tags = {**run_tags(workflow), TAGGERS_TAG: ",".join(asked)}
    launch(context, workflow, Launch("tag_source", source.key, workflow.id, tags))
    return workflow
