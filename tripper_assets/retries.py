"""What a retry of a workflow does again, whoever asks for it: the command and the API."""

from collections.abc import Collection, Iterable

from tripper_assets.domain.batches import Batch
from tripper_assets.domain.errors import CleanedUpError, PermanentError
from tripper_assets.domain.graph import MADE_FROM, TAGGING, left_to_do, only_tags
from tripper_assets.domain.workflows import Workflow
from tripper_assets.downloads import newest_files

BAD_ENDS = frozenset({"failed", "expired", "canceled"})
"""Of a batch that has to be submitted again."""
RETRIED = frozenset({"failed", "canceled"})


def check_retriable(workflow: Workflow) -> None:
    """Check that a workflow can go on.

    Raises:
        PermanentError: the workflow did not end badly.
        CleanedUpError: what it stored was removed.
    """
    if workflow.status not in RETRIED:
        raise PermanentError(
            f"The workflow {workflow.id} is {workflow.status}, and only a failed or canceled one is retried; "
            f"`tripper run {workflow.source_key}` starts a new one."
        )
    gone = next((file for file in newest_files(workflow).values() if file.deleted_at), None)
    if gone is not None:
        raise CleanedUpError(
            f"The stored {gone.asset.replace('_', ' ')} of workflow {workflow.id} were cleaned up on {gone.deleted_at:%Y-%m-%d}; "
            f"start a new one with `tripper run {workflow.source_key}`."
        )


def assets_left(workflow: Workflow, stored: Collection[tuple[str, str]], batches: Iterable[Batch]) -> list[str]:
    """Return the assets to run again: those that are not done, those whose batch ended badly, and all that is made from them.

    ``stored`` are asset and run id of the values that Dagster knows of: a store may refuse what a completed stage made.
    """
    begun = [stage.asset for stage in workflow.stages]
    bad = {one.asset for one in batches if one.status in BAD_ENDS}
    ours = {asset for asset, _ in stored}
    done = {
        stage.asset
        for stage in workflow.stages
        if stage.status == "completed"
        and ((stage.asset, stage.run_id) in stored or (not stage.run_id and stage.asset in ours))
    }
    others = MADE_FROM.keys() - set(TAGGING) if only_tags(workflow.trigger, begun) else set[str]()
    return [one for one in left_to_do((done - bad) | others) if one not in others]
